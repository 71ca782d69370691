"""A sweep whose processes are killed in the middle, again and again: nothing is lost, nothing is doubled."""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from benchmarks.own_catalogue import make_catalogue
from tests.soak.databases import plain_engine
from tests.soak.processes import wait_until_ready
from tests.soak.service import Database, Service, place, serving
from tests.soak.staff import ADMIN
from tools.storage.schema import orders, runs, sweeps

KEY = {"X-API-Key": ADMIN, "Idempotency-Key": "the sweep"}
DAYS = 60
END_SECONDS = 900


@dataclass
class SweepTrial:
    """What came of it. `violations` is empty if the promise held."""

    products: int = 0
    kills: int = 0
    orders: int = 0
    seconds: float = 0.0
    violations: list[str] = field(default_factory=list)


async def sweep_under_kills(database: Database, *, products: int, kills: int, seed: int = 0) -> SweepTrial:
    """Sweep so many products that trigger on two servers, while one of them is killed so many times."""
    dice = random.Random(seed)
    with place(database) as where:
        async with serving(where, ("serve", "serve")) as service:
            engine = plain_engine(where.database_url)
            make_catalogue(engine, products, days=DAYS, due=1.0)
            await _post(service, "/automatic", {"on": True}, method="PUT")
            began = time.monotonic()
            begun = await _post(service, "/sweeps", {})
            struck = await _strike(service, engine, kills, dice)
            again = await _post(service, "/sweeps", {})
            await _ended(engine)
            spent = time.monotonic() - began
            trial = SweepTrial(products, struck, _count(engine, orders), spent, list(_violations(engine, begun)))
            if again["id"] != begun["id"]:
                trial.violations.append("the same Idempotency-Key began a second sweep")
            engine.dispose()
    return trial


async def _strike(service: Service, engine: sa.Engine, kills: int, dice: random.Random) -> int:
    """kill -9 one of the two, at random moments while the sweep runs, and start it again."""
    struck = 0
    while struck < kills and _status(engine) == "running":
        await asyncio.sleep(dice.uniform(0.1, 1.0))
        victim = service.processes[struck % 2]
        await asyncio.to_thread(victim.kill)
        await asyncio.to_thread(victim.start)
        await wait_until_ready(victim, service.client)
        struck += 1
    return struck


async def _ended(engine: sa.Engine) -> None:
    async with asyncio.timeout(END_SECONDS):
        while True:
            if _status(engine) != "running":
                return
            await asyncio.sleep(0.2)


def _violations(engine: sa.Engine, begun: dict[str, Any]) -> Iterator[str]:
    with engine.connect() as connection:
        stored = connection.execute(sa.select(sweeps)).mappings().all()
        swept = connection.execute(sa.select(runs.c.id, runs.c.product_id, runs.c.status)).all()
        ordered = connection.execute(sa.select(orders.c.product_id, orders.c.run_id)).all()
    if [(sweep["id"], sweep["status"]) for sweep in stored] != [(begun["id"], "done")]:
        yield f"the sweep is not the one that was begun, or is not done: {[sweep['status'] for sweep in stored]}"
    items = [item for sweep in stored for item in sweep["items"]]
    if len(items) != begun["total"]:
        yield f"{len(items)} products are stored, not {begun['total']}"
    if {item["run_id"] for item in items} != {run.id for run in swept}:
        yield f"{len(swept)} runs for {len(items)} products"
    yield from (f"run {run.id} is {run.status}" for run in swept if run.status in ("queued", "running", "failed"))
    counts = Counter(order.product_id for order in ordered)
    yield from (f"{product} was ordered {number} times" for product, number in counts.items() if number > 1)
    placed = {run.id for run in swept if run.status == "executed"}
    if placed != {order.run_id for order in ordered}:
        yield f"{len(placed)} runs placed an order, and there are {len(ordered)}"


def _status(engine: sa.Engine) -> str:
    with engine.connect() as connection:
        return str(connection.scalar(sa.select(sweeps.c.status)))


def _count(engine: sa.Engine, table: sa.Table) -> int:
    with engine.connect() as connection:
        return connection.scalar(sa.select(sa.func.count()).select_from(table)) or 0


async def _post(service: Service, path: str, body: dict[str, Any], method: str = "POST") -> dict[str, Any]:
    answer = await service.client.request(method, service.urls[0] + path, json=body, headers=KEY, timeout=60)
    assert answer.status_code in (200, 202), answer.text
    return dict(answer.json())
