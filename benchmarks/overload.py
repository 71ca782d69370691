"""More than can be done: `python -m benchmarks.overload`, with `--postgresql` on that.

A real server as a process of its own and an open loop of triggers at 1, 2 and 4 times the capacity measured before,
each product new, so that each is decided. The generator sends whether or not answers come, and never waits for a
connection. Prints a row for each load and ends with status 1 unless at 4 times the capacity good answers come at 70 %
of the peak or more, health's p99 stays under 500 ms, and all others are 429 or 503 with Retry-After.
"""

import argparse
import asyncio
import json
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import ExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from benchmarks.probes import X1
from benchmarks.server import KEY, serving
from benchmarks.throughput import postgres

SECONDS = 10.0
AT_ONCE = 16
"""Clients that find out the capacity."""
MOST_OPEN = 700
ANSWER_SECONDS = 30.0
HEALTH_PAUSE_SECONDS = 0.05
GOOD_SHARE, HEALTH_SECONDS = 0.7, 0.5
_names = count()


@dataclass
class Load:
    name: str
    offered: float
    seconds: float
    statuses: Counter[str] = field(default_factory=Counter)
    waits: list[float] = field(default_factory=list)
    health: list[float] = field(default_factory=list)

    @property
    def good(self) -> float:
        return self.statuses["good"] / self.seconds

    def row(self) -> str:
        rest = ", ".join(f"{n} × {what}" for what, n in sorted(self.statuses.items()) if what != "good")
        return (
            f"{self.name:>9} | offered {self.offered:6.1f}/s | good {self.good:6.1f}/s (p99 {p99(self.waits):.2f} s) | "
            f"health p99 {p99(self.health) * 1000:5.0f} ms of {len(self.health)} | {rest or 'nothing refused'}"
        )


class Client:
    """HTTP/1.1 in as few steps as will do: the generator must not be what is measured."""

    def __init__(self, url: str) -> None:
        self._host, self._port = urlsplit(url).hostname, urlsplit(url).port
        self._idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        for _, writer in self._idle:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()

    async def trigger(self) -> tuple[int, bool]:
        """The status, and whether it says when to come back."""
        body = json.dumps({**X1, "product_id": f"LOAD-{next(_names)}"}).encode()
        head = f"POST /inventory-trigger HTTP/1.1\r\nhost: x\r\nx-api-key: {KEY}\r\ncontent-type: application/json\r\n"
        return await self._send(f"{head}content-length: {len(body)}\r\n\r\n".encode() + body)

    async def health(self) -> tuple[int, bool]:
        return await self._send(b"GET /health/live HTTP/1.1\r\nhost: x\r\n\r\n")

    async def _send(self, raw: bytes) -> tuple[int, bool]:
        async with asyncio.timeout(ANSWER_SECONDS):
            async with self._connection() as (reader, writer):
                writer.write(raw)
                head = (await reader.readuntil(b"\r\n\r\n")).lower()
                length = int(head.split(b"content-length: ")[1].split(b"\r\n")[0])
                await reader.readexactly(length)
                return int(head[9:12]), b"\r\nretry-after: " in head

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        pair = self._idle.pop() if self._idle else await asyncio.open_connection(self._host, self._port)
        try:
            yield pair
        except BaseException:
            pair[1].close()
            with suppress(ConnectionError):
                await pair[1].wait_closed()
            raise
        self._idle.append(pair)


def p99(values: Sequence[float]) -> float:
    return sorted(values)[max(0, int(len(values) * 0.99) - 1)] if values else 0.0


def named(status: int, *, patient: bool) -> str:
    if status == 200:
        return "good"
    return f"{status} with Retry-After" if patient and status in (429, 503) else f"{status}"


async def send(client: Client, load: Load) -> None:
    began = time.perf_counter()
    try:
        status, patient = await client.trigger()
    except (OSError, TimeoutError, asyncio.IncompleteReadError) as error:
        load.statuses[type(error).__name__] += 1
        return
    what = named(status, patient=patient)
    load.statuses[what] += 1
    if what == "good":
        load.waits.append(time.perf_counter() - began)


async def ask_health(client: Client, load: Load) -> None:
    while True:
        began = time.perf_counter()
        await client.health()
        load.health.append(time.perf_counter() - began)
        await asyncio.sleep(HEALTH_PAUSE_SECONDS)


async def capacity(url: str, seconds: float) -> Load:
    """What is served when each of a few clients waits for its answer before it asks again."""
    load = Load("capacity", 0, seconds)
    until = time.perf_counter() + seconds

    async def ask_on(client: Client) -> None:
        while time.perf_counter() < until:
            await send(client, load)

    async with Client(url) as client:
        await asyncio.gather(*(ask_on(client) for _ in range(AT_ONCE)))
    return load


async def offer(url: str, name: str, rate: float, seconds: float) -> Load:
    """An open loop: the next request leaves when it is due, whatever became of those before."""
    load = Load(name, rate, seconds)
    async with Client(url) as client, Client(url) as probe:
        health = asyncio.create_task(ask_health(probe, load))
        sent = await _send_when_due(client, load)
        if sent:
            await asyncio.wait(sent)
        health.cancel()
        await asyncio.wait([health])
    return load


async def _send_when_due(client: Client, load: Load) -> set[asyncio.Task[None]]:
    """What is still on its way when all has been sent."""
    sent: set[asyncio.Task[None]] = set()
    began = time.perf_counter()
    for number in range(int(load.offered * load.seconds)):
        await asyncio.sleep(max(0.0, began + number / load.offered - time.perf_counter()))
        if len(sent) >= MOST_OPEN:
            load.statuses["not sent: too many open"] += 1
            continue
        task = asyncio.create_task(send(client, load))
        sent.add(task)
        task.add_done_callback(sent.discard)
    load.seconds = time.perf_counter() - began
    return sent


def problems(loads: Sequence[Load], peak: float) -> list[str]:
    worst = loads[-1]
    found = [] if worst.good >= GOOD_SHARE * peak else [f"good answers fell to {worst.good / peak:.0%} of the peak"]
    for load in loads:
        if p99(load.health) >= HEALTH_SECONDS:
            found.append(f"{load.name}: health's p99 is {p99(load.health):.2f} s")
        bad = [what for what in load.statuses if what != "good" and not what.endswith("with Retry-After")]
        found += [f"{load.name}: {load.statuses[what]} × {what}" for what in bad]
    return found


async def measure(url: str, seconds: float) -> tuple[list[Load], float]:
    await capacity(url, 3)
    peak = await capacity(url, seconds)
    print(peak.row(), flush=True)
    loads = []
    for times in (1, 2, 4):
        loads.append(await offer(url, f"{times} ×", times * peak.good, seconds))
        print(loads[-1].row(), flush=True)
        await asyncio.sleep(2)
    return loads, max(peak.good, *(load.good for load in loads))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.overload", description=__doc__.split("\n")[0])
    parser.add_argument("--seconds", type=float, default=SECONDS, help="of each load")
    parser.add_argument("--postgresql", action="store_true", help="the order book on a PostgreSQL server of its own")
    options = parser.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        book = {"DATABASE_URL": stack.enter_context(postgres(folder))} if options.postgresql else {}
        url = stack.enter_context(serving(folder, **book))
        loads, peak = asyncio.run(measure(url, options.seconds))
    found = problems(loads, peak)
    print(f"peak {peak:.1f}/s; at 4 times the capacity {loads[-1].good / peak:.0%} of it")
    print("\n".join(found) or "No promise was broken.")
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
