"""50 and 200 triggers at once against a provider that takes 0.8 s a call: `python -m benchmarks.concurrency`.

A server of two processes (`--processes`) is triggered over HTTP, on SQLite or with `--postgresql`, with the real client
of Groq or of Gemini (`--provider gemini`). The provider is a process of its own. Printed: the time of a decision beside
the two calls' own time, and the CPU of it. The bar is for 50: a median of twice the two calls. 200 have none.
"""

import argparse
import asyncio
import json
import statistics
import tempfile
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import psutil

from agent.settings import Settings
from api.door.logs import configure_logging
from benchmarks.load import Load, send
from benchmarks.overhead import GEMINI, GROQ, provider_process, settings
from benchmarks.server import server_process
from benchmarks.throughput import cpu_seconds, postgres, triggers

RUNS = (50, 200)
DELAY_SECONDS, CALLS = 0.8, 2
OWN_SECONDS = DELAY_SECONDS * CALLS
BAR = 2.0
"""For the median of 50 runs over HTTP with two processes, in times of the two calls alone."""
NAMES = {"groq": f"groq:{GROQ}", "gemini": f"google_genai:{GEMINI}"}


def chosen(folder: Path, gemini: str, groq: str, provider: str) -> Settings:
    other = next(name for name in NAMES if name != provider)
    changes = {"primary_model": NAMES[provider], "fallback_models": (NAMES[other],)}
    return settings(folder, gemini, groq).model_copy(update=changes)


def providers_cpu() -> float:
    """CPU seconds of the provider process so far."""
    children = psutil.Process().children()
    return cpu_seconds([each.pid for each in children if "tests.providers" in " ".join(each.cmdline())])


def report(seconds: Sequence[float], total: float, cpu: float, provider_cpu: float) -> None:
    runs, median = len(seconds), statistics.median(seconds)
    times = (
        f"median {median:.2f} s, {median / OWN_SECONDS:.2f} x the two calls alone (bar: {BAR}); all in {total:.2f} s"
    )
    print(f"{runs} runs at once: {times}")
    print(f"CPU {cpu / runs * 1000:.1f} ms a run, of the provider beside it {provider_cpu / runs * 1000:.1f} ms")


async def measure(folder: Path, runs: int, provider: str, processes: int, on_postgresql: bool) -> None:
    with ExitStack() as stack:
        url = stack.enter_context(postgres(folder)) if on_postgresql else None
        async with provider_process("--delay", str(DELAY_SECONDS)) as (gemini, groq):
            environment = _environment(chosen(folder, gemini, groq, provider), url)
            base, pid = stack.enter_context(server_process(folder, workers=processes, **environment))
            pids = [pid, *(child.pid for child in psutil.Process(pid).children())]
            await send([base], triggers(base, 0, 4 * processes), at_once=4 * processes)
            before, others = [cpu_seconds([each]) for each in pids], providers_cpu()
            load: Load = await send([base], triggers(base, 100, runs), at_once=runs)
            cpu = [cpu_seconds([each]) - was for each, was in zip(pids, before, strict=True)]
            report(load.latencies, load.seconds, sum(cpu), providers_cpu() - others)
            print("CPU seconds of each process:", ", ".join(f"{each:.2f}" for each in cpu))
            print(f"{load.statuses.count(503)} found no place in time and were refused with 503")
            assert set(load.statuses) <= {200, 503}, Counter(load.statuses)
            assert statistics.median(load.latencies) >= OWN_SECONDS, "the provider was not asked twice a run"


def _environment(settings: Settings, url: str | None) -> dict[str, str]:
    keys = {name: getattr(settings, name).get_secret_value() for name in ("gemini_api_key", "groq_api_key")}
    plain = (
        "primary_model",
        "run_deadline_seconds",
        "model_timeout_seconds",
    )
    found = keys | {name: str(getattr(settings, name)) for name in plain}
    found |= {"model_base_urls": json.dumps(settings.model_base_urls)}
    found |= {"fallback_models": settings.fallback_models[0], "check_models": "false"}
    found |= {"run_cost_limit": "off", "day_cost_limit": "off"}  # the models of the wire servers have no price
    found |= {"database_url": url} if url else {}
    return {name.upper(): value for name, value in found.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, nargs="+", default=RUNS)
    parser.add_argument("--provider", choices=NAMES, default="groq")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--postgresql", action="store_true")
    options = parser.parse_args()
    configure_logging("error")
    for runs in options.runs:
        with tempfile.TemporaryDirectory() as folder:
            asyncio.run(measure(Path(folder), runs, options.provider, options.processes, options.postgresql))


if __name__ == "__main__":
    main()
