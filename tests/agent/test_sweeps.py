"""Sweeps: everything that triggers is decided, once, whoever carries it out."""

import asyncio
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa

from agent.runtime import Runtime
from agent.state import DecisionRequest
from benchmarks.own_catalogue import make_catalogue
from tests.order_book import ANNA
from tools.planning.gate import ONLY_PROPOSES
from tools.records.sweeps import NewSweep, Sweep, SweepReport
from tools.storage.database import create_engine
from tools.storage.schema import orders, proposals, runs
from tools.sweep.pages import Filters

MIDWEST = Filters(supplier="Midwest Metals Company")


async def ended(runtime: Runtime, sweep: Sweep) -> tuple[Sweep, SweepReport]:
    async with asyncio.timeout(120):
        while sweep.status == "running":
            await asyncio.sleep(0.05)
            sweep = await runtime.book.sweeps.get(sweep.id)
    return sweep, await runtime.sweeps.report(sweep)


def count(runtime: Runtime, table: sa.Table) -> int:
    with runtime.book.database.engine.connect() as connection:
        return connection.scalar(sa.select(sa.func.count()).select_from(table)) or 0


@pytest.fixture
def own(settings: Any) -> None:
    """A catalogue of one's own: twenty products, of which most are due."""
    engine = create_engine(settings.database_url)
    make_catalogue(engine, 20, days=60, due=0.8)
    engine.dispose()


async def test_everything_that_triggers_is_decided_and_the_page_says_how(start: Any) -> None:
    runtime = await start()
    due = [row for row in (await runtime.today.present()).rows if row.is_due]
    sweep, report = await ended(runtime, await runtime.sweeps.begin(Filters(), by=ANNA))
    assert {(line.product_id, line.location) for line in report.lines} == {row.place for row in due}
    assert report.total == report.ended == len(due)
    assert report.outcomes["placed"].products == count(runtime, orders) > 0
    assert report.outcomes["waiting"].products == len(await runtime.book.reviews.waiting("mock")) > 0
    assert {line.decided_by for line in report.lines} == {"rules"}
    assert all(line.reasons for line in report.lines if line.outcome == "waiting")
    assert (sweep.requested_by, count(runtime, runs)) == ("anna", len(due))


async def test_a_sweep_of_the_same_id_and_another_one_later_order_nothing_twice(start: Any) -> None:
    runtime = await start()
    first, _ = await ended(runtime, await runtime.sweeps.begin(MIDWEST, by=ANNA, sweep_id="morning"))
    ordered = count(runtime, orders)
    assert await runtime.sweeps.begin(MIDWEST, by=ANNA, sweep_id="morning") == first
    _, later = await ended(runtime, await runtime.sweeps.begin(MIDWEST, by=ANNA))
    assert count(runtime, orders) == ordered
    assert "placed" not in later.outcomes


async def test_filters_choose_what_is_swept(start: Any) -> None:
    runtime = await start()
    sweep, report = await ended(runtime, await runtime.sweeps.begin(MIDWEST, by=ANNA))
    assert {line.supplier for line in report.lines} == {"Midwest Metals Company"}
    assert sweep.filters == {"supplier": "Midwest Metals Company"}


async def test_a_dry_run_records_nothing_and_foretells_what_the_gate_will_say(start: Any, own: None) -> None:
    runtime = await start()
    await runtime.book.automatic.switch(True, by=ANNA)
    foretold = await runtime.sweeps.preview(Filters(), by=ANNA)
    assert [count(runtime, table) for table in (runs, proposals, orders)] == [0, 0, 0]
    assert not await runtime.book.sweeps.page()
    _, report = await ended(runtime, await runtime.sweeps.begin(Filters(), by=ANNA))
    assert foretold.outcomes == report.outcomes
    assert foretold.outcomes["placed"].products > 0


async def test_a_dry_run_tells_of_each_product_how_far_it_is(start: Any) -> None:
    runtime, told = await start(), list[tuple[int, int]]()
    report = await runtime.sweeps.preview(MIDWEST, by=ANNA, progress=lambda done, of: told.append((done, of)))
    assert told == [(done, report.total) for done in range(1, report.total + 1)]
    assert len(told) > 1


async def test_a_new_catalogue_only_proposes_and_the_page_says_what_would_have_gone_out(start: Any, own: None) -> None:
    runtime = await start()
    foretold = await runtime.sweeps.preview(Filters(), by=ANNA)
    _, report = await ended(runtime, await runtime.sweeps.begin(Filters(), by=ANNA))
    assert list(report.outcomes) == ["waiting"]
    by_itself = [line for line in report.lines if line.reasons == (ONLY_PROPOSES,)]
    assert report.only_proposed.products == len(by_itself) > 0
    assert report.only_proposed.money["EUR"] == sum(line.value or Decimal(0) for line in by_itself)
    assert foretold.only_proposed == report.only_proposed


async def test_a_need_that_waits_for_a_person_already_is_answered_by_that_review(start: Any, own: None) -> None:
    runtime = await start()
    row = next(row for row in (await runtime.today.present()).rows if row.is_due)
    about = {"product_id": row.product_id, "location": row.location, "mode": "database"}
    earlier = await runtime.decide(DecisionRequest(**about, requested_by="erp"))
    _, report = await ended(runtime, await runtime.sweeps.begin(Filters(text=row.product_id), by=ANNA))
    [line] = report.lines
    assert earlier.proposal is not None
    assert (line.outcome, line.review_id, line.run_id) == ("waiting", earlier.proposal.id, earlier.run.id)
    assert count(runtime, proposals) == 1


@pytest.mark.parametrize(("setting", "asked"), [("none", "none of them"), ("all", "all"), ("doubtful", "some")])
async def test_the_setting_says_which_products_a_model_is_asked_about(start: Any, setting: str, asked: str) -> None:
    runtime = await start(sweep_models=setting)
    rows = {row.place: row for row in (await runtime.today.present()).rows}
    sweep = await runtime.sweeps.begin(Filters(), by=ANNA)
    wanted = {(item.product_id, item.location) for item in sweep.items if item.ask_models}
    doubtful = {place for place, row in rows.items() if row.is_due and (row.doubtful or (row.confidence or 0) < 0.6)}
    due = {place for place, row in rows.items() if row.is_due}
    assert wanted == {"none of them": set(), "all": due, "some": doubtful}[asked]
    assert doubtful and doubtful < due
    await ended(runtime, sweep)


async def test_a_run_that_the_rules_decide_is_not_sent_to_a_person_because_the_machine_is_busy(start: Any) -> None:
    runtime = await start(run_deadline_seconds=0.000_1, sweep_models="none")
    _, report = await ended(runtime, await runtime.sweeps.begin(MIDWEST, by=ANNA))
    assert report.outcomes["placed"].products > 0
    assert not any("time was up" in reason for line in report.lines for reason in line.reasons)


async def test_the_sweep_of_a_dead_process_is_taken_over_and_nothing_is_doubled(start: Any) -> None:
    runtime = await start()
    whole = await runtime.sweeps.begin(MIDWEST, by=ANNA, sweep_id="whole")
    await ended(runtime, whole)
    ordered = count(runtime, orders)
    left = NewSweep(**{name: getattr(whole, name) for name in NewSweep.model_fields} | {"id": "left behind"})
    stored, _ = await runtime.book.sweeps.begin(left, owner="dead", lease_seconds=0)
    await runtime.sweeping.resume()
    taken, report = await ended(runtime, stored)
    assert (taken.status, report.ended) == ("done", report.total)
    assert count(runtime, orders) == ordered


async def test_a_process_whose_lease_is_over_goes_on_with_its_sweep_and_does_not_begin_it_again(
    start: Any, logs: list[Any]
) -> None:
    runtime = await start()
    sweep = await runtime.sweeps.begin(MIDWEST, by=ANNA)
    await runtime.book.sweeps.release(owner=runtime.work.owner.name)
    await runtime.sweeping.resume()
    done, _ = await ended(runtime, sweep)
    assert done.status == "done"
    assert not [entry for entry in logs if entry["event"] in ("sweep_resumed", "sweep_lost")]


async def test_a_product_that_is_gone_is_named_and_holds_up_no_other(start: Any) -> None:
    runtime = await start()
    sweep = await runtime.sweeps.begin(MIDWEST, by=ANNA)
    await ended(runtime, sweep)
    gone = sweep.items[0].model_copy(update={"product_id": "GONE", "run_id": "0" * 32})
    about = {"mode": "mock", "requested_by": "anna", "requested_by_id": "", "filters": {}}
    stored = await runtime.sweeping.begin(NewSweep(id="with a gap", items=(gone, *sweep.items), **about))
    _, report = await ended(runtime, stored)
    [line] = [line for line in report.lines if line.product_id == "GONE"]
    assert line.outcome == "not_ordered"
    assert "GONE" in line.reasons[0]


async def test_the_daily_sweep_begins_once_whatever_the_number_of_processes(start: Any, own: None) -> None:
    one, other = await start(sweep_at="00:00"), await start(sweep_at="00:00")
    await asyncio.gather(one.sweeps.begin_daily(), other.sweeps.begin_daily())
    await one.sweeps.begin_daily()
    [sweep] = await one.book.sweeps.page()
    assert sweep.id == f"daily-{datetime.now(UTC).date()}"
    assert sweep.requested_by == "daily sweep"
    await ended(one, await one.book.sweeps.get(sweep.id))
    assert count(one, runs) == sweep.total > 0


@pytest.mark.parametrize("at", ["off", "23:59"])
async def test_no_daily_sweep_begins_before_its_time_or_without_one(start: Any, own: None, at: str) -> None:
    runtime = await start(sweep_at=at)
    await runtime.sweeps.begin_daily()
    assert not await runtime.book.sweeps.page()


async def test_the_sample_catalogue_is_never_swept_by_itself(start: Any) -> None:
    runtime = await start(sweep_at="00:00")
    await runtime.sweeps.begin_daily()
    assert not await runtime.book.sweeps.page()
