"""How long a sweep takes: `python -m benchmarks.sweep`.

Every product of a made catalogue triggers, the rules decide, and automatic ordering is on. On SQLite one process does
it all; the bar is 40 s for 1,000 products. With `--postgresql` a server takes the sweep in and `--workers` processes of
`restock worker` carry it out, as on several hosts.
"""

import argparse
import asyncio
import time
from dataclasses import dataclass
from typing import Any

import httpx
import psutil

from benchmarks.own_catalogue import make_catalogue
from tests.soak.databases import plain_engine
from tests.soak.service import Service, place, serving
from tests.soak.staff import ADMIN

BAR_SECONDS = 40.0
LOOK_SECONDS = 2.0
"""As a person would look; each look counts every line."""
ROOMY = {"RUN_DEADLINE_SECONDS": "30", "AUTO_ORDER_VALUE_LIMIT": "off", "AUTO_DAY_VALUE_LIMIT": "off"}


@dataclass
class Sweep:
    products: int
    seconds: float
    cpu_seconds: float
    outcomes: dict[str, int]


async def measure(products: int, *, workers: int) -> Sweep:
    with place("postgresql" if workers else "sqlite") as where:
        async with serving(where, ("serve", *("worker",) * workers), settings=ROOMY) as service:
            engine = plain_engine(where.database_url)
            make_catalogue(engine, products, due=1.0)
            engine.dispose()
            headers = {"X-API-Key": ADMIN}
            async with httpx.AsyncClient(base_url=service.urls[0], headers=headers, timeout=120) as client:
                (await client.put("/automatic", json={"on": True})).raise_for_status()
                began, spent = time.perf_counter(), _cpu(service)
                begun = (await client.post("/sweeps", json={})).raise_for_status().json()
                answer = await _ended(client, begun["status_url"])
                seconds, cpu = time.perf_counter() - began, _cpu(service) - spent
    counts = {name: tally["products"] for name, tally in answer["report"]["outcomes"].items()}
    return Sweep(products, seconds, cpu, counts)


async def _ended(client: httpx.AsyncClient, url: str) -> dict[str, Any]:
    while True:
        answer = (await client.get(url)).raise_for_status().json()
        if answer["status"] != "running":
            return dict(answer)
        await asyncio.sleep(LOOK_SECONDS)


def _cpu(service: Service) -> float:
    times = [psutil.Process(process.pid).cpu_times() for process in service.processes]
    return sum(each.user + each.system for each in times)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--products", type=int, default=1_000)
    parser.add_argument("--postgresql", action="store_true")
    parser.add_argument("--workers", type=int, default=2, help="on PostgreSQL")
    asked = parser.parse_args()
    found = asyncio.run(measure(asked.products, workers=asked.workers if asked.postgresql else 0))
    each = found.cpu_seconds / found.products * 1000
    where = f"PostgreSQL, {asked.workers} workers" if asked.postgresql else "SQLite, one process"
    print(f"{where}: {found.products} products in {found.seconds:.1f} s, {each:.1f} ms CPU each; {found.outcomes}")
    if not asked.postgresql:
        print(f"bar {BAR_SECONDS:g} s: {'held' if found.seconds <= BAR_SECONDS else 'MISSED'}")


if __name__ == "__main__":
    main()
