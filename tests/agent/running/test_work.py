"""Runs that outlive whoever began them: taken over, given up after some attempts, delivered again."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import sqlalchemy as sa

from agent.running.queue import STALLED_SECONDS
from agent.running.work import MAX_ATTEMPTS
from agent.settings import Settings
from agent.state import DecisionRequest
from tests.agent.test_graph import REQUEST
from tools.book.stock import OwnOrders, StockStore
from tools.records.facts import DemandHistory, Product, ProductFacts, Stock, Supplier
from tools.storage.schema import orders, runs
from tools.storage.types import NowPlus

RUN_ID = "0" * 31 + "1"


@pytest.fixture(params=["sqlite", "postgresql"])
def settings(request: pytest.FixtureRequest, settings: Settings) -> Settings:
    if request.param == "postgresql":
        return settings.model_copy(update={"database_url": request.getfixturevalue("postgres_url")})
    return settings


async def _store(runtime: Any, change: sa.Update) -> None:
    with runtime.book.database.engine.begin() as connection:
        connection.execute(change)


async def _until(true: Callable[[], Awaitable[Any]]) -> None:
    async with asyncio.timeout(30):
        while not await true():  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def _ended(runtime: Any, run_id: str) -> Any:
    async def ended() -> bool:
        return bool(await runtime.book.runs.ended([run_id]))

    await _until(ended)
    return await runtime.book.runs.get(run_id)


async def _orders(runtime: Any) -> int:
    with runtime.book.database.engine.begin() as connection:
        return int(connection.scalar(sa.select(sa.func.count()).select_from(orders)))


async def test_who_wakes_after_another_took_the_run_over_places_nothing(
    start: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    frozen, heir = await start(), await start()
    place, asleep, wake, refused = frozen.book.orders.place, asyncio.Event(), asyncio.Event(), []

    async def place_late(run_id: str, **held: Any) -> Any:
        asleep.set()
        await wake.wait()
        try:
            return await place(run_id, **held)
        except Exception as error:
            refused.append(type(error).__name__)
            raise

    monkeypatch.setattr(frozen.book.orders, "place", place_late)
    deciding = asyncio.create_task(frozen.decide(REQUEST.model_copy(update={"run_id": RUN_ID})))
    await asyncio.wait_for(asleep.wait(), 10)
    await _store(heir, sa.update(runs).values(lease_until=NowPlus(-1.0)))
    heir_placed, heir_may = heir.book.orders.place, asyncio.Event()

    async def place_second(run_id: str, **held: Any) -> Any:
        await heir_may.wait()
        return await heir_placed(run_id, **held)

    monkeypatch.setattr(heir.book.orders, "place", place_second)
    await heir.work.resume()
    wake.set()
    await asyncio.wait_for(deciding, 15)
    assert (refused, await _orders(heir)) == (["RunLost"], 0)
    heir_may.set()

    view = await _ended(heir, RUN_ID)
    assert (view.run.status, view.run.owner, view.run.attempts) == ("executed", heir.work.owner.name, 2)
    assert await _orders(heir) == 1


@pytest.mark.parametrize(("attempts", "status"), [(MAX_ATTEMPTS - 1, "executed"), (MAX_ATTEMPTS, "pending_review")])
async def test_a_run_begun_too_often_goes_to_a_person_with_the_calculators_plan(
    start: Any, attempts: int, status: str
) -> None:
    idle = await start(work_runs=False)
    run = (await idle.submit(REQUEST)).run
    left = {"status": "running", "owner": "dead", "attempts": attempts, "lease_until": NowPlus(-1.0)}
    await _store(idle, sa.update(runs).values(left))

    worker = await start()
    view = await _ended(worker, run.id)

    plan = await worker.calculate(REQUEST)
    assert (view.run.status, view.run.attempts) == (status, attempts + 1)
    assert view.proposal.plan.reorder_point == plan.reorder_point
    if status == "pending_review":
        assert view.proposal.quantity == plan.order_quantity
        assert "cut short by a fault" in " ".join(view.proposal.review_reasons)


async def test_of_a_product_never_ordered_no_order_is_looked_for_but_by_a_run_that_is_taken_up_again(
    start: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_for, look = [], StockStore.of_input

    async def of_input(store: StockStore, product_id: str, location: str) -> OwnOrders:
        looked_for.append(product_id)
        return await look(store, product_id, location)

    monkeypatch.setattr(StockStore, "of_input", of_input)
    idle = await start(work_runs=False)
    new, left = [(await idle.submit(_with_facts(product_id))).run.id for product_id in ("NEW", "LEFT")]
    cut_off = sa.update(runs).where(runs.c.id == left).values(status="running", owner="dead", attempts=1)
    await _store(idle, cut_off.values(lease_until=NowPlus(-1.0)))

    worker = await start()

    assert {(await _ended(worker, run_id)).run.attempts for run_id in (new, left)} == {1, 2}
    assert looked_for == ["LEFT"]


def _with_facts(product_id: str) -> DecisionRequest:
    facts = ProductFacts(
        product=Product(id=product_id, name="Bolts", unit_price=2),
        supplier=Supplier(id="S1", name="Acme", promised_lead_time_days=4),
        stock=Stock(location="HQ", on_hand=7),
        demand=DemandHistory(values=(3, 1, 4)),
        source="input",
    )
    return DecisionRequest(product_id=product_id, mode="input", location="HQ", requested_by="tests", facts=facts)


async def test_a_run_begun_while_another_process_looks_for_the_dead_stays_with_who_began_it(
    start: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    beginner, looker = await start(), await start()
    look = looker.book.runs.owners

    async def look_and_be_overtaken() -> set[str]:
        found = await look()
        monkeypatch.setattr(looker.book.runs, "owners", look)
        monkeypatch.setattr(beginner.book.orders, "place", place_later)
        began.append(asyncio.create_task(beginner.decide(REQUEST.model_copy(update={"run_id": RUN_ID}))))
        await asyncio.wait_for(reached.wait(), 10)
        return found

    place, reached, go_on, began = beginner.book.orders.place, asyncio.Event(), asyncio.Event(), []

    async def place_later(run_id: str, **held: Any) -> Any:
        reached.set()
        await go_on.wait()
        return await place(run_id, **held)

    monkeypatch.setattr(looker.book.runs, "owners", look_and_be_overtaken)
    await looker.work.resume()
    go_on.set()
    view = await began[0]

    assert (view.run.status, view.run.owner, view.run.attempts) == ("executed", beginner.work.owner.name, 1)


async def test_a_run_whose_request_cannot_be_read_fails_once_and_says_why(start: Any) -> None:
    idle = await start(work_runs=False)
    run = (await idle.submit(REQUEST)).run
    await _store(idle, sa.update(runs).values(request={"of": "another version"}))

    view = await _ended(await start(), run.id)

    assert (view.run.status, view.run.attempts) == ("failed", 1)
    assert "cannot read the stored request" in view.run.failure


@pytest.mark.parametrize("settings", ["postgresql"], indirect=True)
async def test_a_job_that_died_with_its_worker_is_delivered_again(start: Any) -> None:
    idle = await start(work_runs=False)
    run = (await idle.submit(REQUEST)).run
    with idle.book.database.engine.begin() as connection:
        left = f"now() - interval '{STALLED_SECONDS + 10} seconds'"
        worker = connection.scalar(
            sa.text(f"INSERT INTO procrastinate_workers (last_heartbeat) VALUES ({left}) RETURNING id")  # noqa: S608
        )
        taken = sa.text("UPDATE procrastinate_jobs SET status = 'doing', worker_id = :worker")
        assert connection.execute(taken, {"worker": worker}).rowcount == 1

    view = await _ended(await start(), run.id)

    assert (view.run.status, view.run.attempts) == ("executed", 1)
