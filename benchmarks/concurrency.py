"""200 triggers at once against a provider that takes 0.8 s a call: `python -m benchmarks.concurrency`.

The service runs in this process with the real Groq client; the provider runs in another. Printed: the wall time of a
decision beside the two calls' own time, the longest stall of the event loop, and the memory each waiting run holds.
"""

import argparse
import asyncio
import gc
import resource
import statistics
import tempfile
import time
import tracemalloc
from pathlib import Path

from agent.garbage import settle
from agent.runtime import Runtime, open_runtime
from api.observability import configure_logging
from benchmarks.overhead import decision_request, provider_process, settings

RUNS, DELAY_SECONDS, CALLS = 200, 0.8, 2
TICK_SECONDS = 0.005


class LoopWatch:
    """Notes how late the event loop wakes a task that sleeps for 5 ms."""

    def __init__(self) -> None:
        self.stalls: list[float] = []

    async def watch(self) -> None:
        while True:
            began = time.perf_counter()
            await asyncio.sleep(TICK_SECONDS)
            self.stalls.append(time.perf_counter() - began - TICK_SECONDS)


async def timed(runtime: Runtime, number: int) -> float:
    began = time.perf_counter()
    view = await runtime.decide(decision_request(number))
    assert view.order is not None, view.run.status
    return time.perf_counter() - began


async def memory_while_waiting(runtime: Runtime, first: int, runs: int) -> float:
    """KiB of Python objects held by each run while all of them wait for the model's first answer."""
    gc.collect()
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    waiting = [asyncio.create_task(timed(runtime, number)) for number in range(first, first + runs)]
    await asyncio.sleep(DELAY_SECONDS * 0.9)
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    await asyncio.gather(*waiting)
    return (held - before) / runs / 1024


async def measure(folder: Path, runs: int) -> None:
    async with (
        provider_process("--delay", str(DELAY_SECONDS)) as (gemini, groq),
        open_runtime(settings(folder, gemini, groq)) as runtime,
    ):
        await timed(runtime, 0)
        settle()
        watch = LoopWatch()
        watcher = asyncio.create_task(watch.watch())
        began, cpu = time.perf_counter(), time.process_time()
        seconds = await asyncio.gather(*(timed(runtime, number) for number in range(1, runs + 1)))
        total, cpu = time.perf_counter() - began, time.process_time() - cpu
        watcher.cancel()
        kibibytes = await memory_while_waiting(runtime, 10_000, min(runs, 50))
    own = DELAY_SECONDS * CALLS
    median, stall = statistics.median(seconds), max(watch.stalls) * 1000
    resident = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{runs} runs at once: median {median:.2f} s, {median / own:.2f} x the two calls alone; all in {total:.2f} s")
    print(f"CPU {cpu / runs * 1000:.1f} ms a run; longest stall of the event loop {stall:.0f} ms")
    print(f"{kibibytes:.0f} KiB a waiting run; peak resident {resident:.0f} MiB")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=RUNS)
    options = parser.parse_args()
    configure_logging("error")
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(measure(Path(folder), options.runs))


if __name__ == "__main__":
    main()
