"""How fast the desk answers with a large catalogue, and what a crowd at it costs: `python -m benchmarks.desk`.

A server on SQLite serves a made catalogue of 10,000 products. Times are the best of five from the server, in its own
process on this machine. The bars: 0.5 s for the first page after the first time, 0.3 s for a filter, 200 kB for a page.
Then 50 people click at the same moment, every three seconds, while triggers go on: no answer may be a 5xx, and the
median trigger may take twice as long as alone.
"""

import argparse
import asyncio
import re
import statistics
import time
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx

from benchmarks.own_catalogue import make_catalogue
from benchmarks.probes import X1
from benchmarks.server import KEY, serving
from tools.storage.database import create_engine
from tools.storage.migrations.upgrade import migrate

PAGE_SECONDS, FILTER_SECONDS, PAGE_BYTES, PEOPLE = 0.5, 0.3, 200_000, 50
SECONDS_BETWEEN = 3.0
PAGES = (
    "/desk",
    "/desk?text=product+12",
    "/desk?supplier=Supplier+7&status=all",
    "/desk?sort=-value",
    "/desk?status=all",
)
TRIGGERS = 100
TRIGGER_SECONDS = 0.1
"""Pause between two triggers."""


def look(desk: httpx.Client) -> None:
    """Each page, and the list again after one order has changed it."""
    began = time.perf_counter()
    page = desk.get("/desk")
    print(f"{'the first time':44} {time.perf_counter() - began:6.2f} s {len(page.content):9,} bytes")
    for path in PAGES:
        _report(path, desk, path, FILTER_SECONDS if "?" in path else PAGE_SECONDS)
    [place] = re.findall(r'name="place" value="([\w-]+)"(?! aria-label="[^"]*" disabled)', page.text)[:1]
    [seen] = re.findall(rf'name="seen:{place}" value="([\d.]+)"', page.text)
    [token] = re.findall(r'name="csrf" value="(\w+)"', page.text)[:1]
    form = {"csrf": token, "once": "1", "deed": "order", "place": place, f"seen:{place}": seen}
    began = time.perf_counter()
    ordered = desk.post("/desk/rows", data=form)
    assert "1 of 1 done" in ordered.text, ordered.text
    print(f"{'an order from the list':44} {time.perf_counter() - began:6.2f} s")
    began = time.perf_counter()
    desk.get("/desk")
    print(f"{'the list after it':44} {time.perf_counter() - began:6.2f} s")


def _report(what: str, desk: httpx.Client, path: str, bar: float) -> None:
    times = []
    for _ in range(5):
        began = time.perf_counter()
        page = desk.get(path)
        times.append(time.perf_counter() - began)
        assert page.status_code == 200, page.text
    held = min(times) <= bar and len(page.content) <= PAGE_BYTES
    print(f"{what:44} {min(times):6.2f} s {len(page.content):9,} bytes   bar {bar} s: {'held' if held else 'MISSED'}")


async def crowd(base: str, cookies: httpx.Cookies) -> None:
    """50 people click while triggers go on, beside triggers alone."""
    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(base_url=base, timeout=60, limits=limits, trust_env=False) as client:
        alone, _ = await _triggers(client, "A")
        statuses: Counter[int] = Counter()

        async def click(path: str) -> None:
            statuses[(await client.get(path, cookies=cookies)).status_code] += 1

        async def click_on() -> None:
            for path in PAGES:
                await asyncio.gather(*(click(path) for _ in range(PEOPLE)), asyncio.sleep(SECONDS_BETWEEN))

        clicking = asyncio.create_task(click_on())
        beside, answers = await _triggers(client, "B")
        await clicking
    print(f"{PEOPLE} people: {dict(statuses)}; triggers {dict(answers)}")
    print(f"a trigger alone {alone * 1000:.0f} ms, beside them {beside * 1000:.0f} ms: {beside / alone:.2f} ×, bar 2")


async def _triggers(client: httpx.AsyncClient, name: str) -> tuple[float, Counter[int]]:
    times, statuses = [], Counter[int]()
    for number in range(TRIGGERS):
        began = time.perf_counter()
        body = X1 | {"product_id": f"{name}{number}"}
        answer = await client.post("/inventory-trigger", json=body, headers={"X-API-Key": KEY})
        times.append(time.perf_counter() - began)
        statuses[answer.status_code] += 1
        await asyncio.sleep(TRIGGER_SECONDS)
    return statistics.median(times), statuses


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--products", type=int, default=10_000)
    asked = parser.parse_args()
    with TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/server.db"
        asyncio.run(migrate(url))
        make_catalogue(create_engine(url), asked.products)
        with serving(Path(folder)) as base, httpx.Client(base_url=base, timeout=60, trust_env=False) as desk:
            desk.post("/desk/sign-in", data={"key": KEY})
            look(desk)
            asyncio.run(crowd(base, desk.cookies))


if __name__ == "__main__":
    main()
