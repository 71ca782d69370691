import asyncio

import pytest
import sqlalchemy as sa

from tests.order_book import record
from tools.book.book import OrderBook
from tools.records.errors import Conflict, Overloaded, RunLost, UnknownRun

LARGE = ("runs", "proposals", "orders", "outbox", "deliveries")


async def test_a_run_is_stored_as_it_came(book: OrderBook, new_run) -> None:
    new = new_run(mode="mock", origin="chat", requested_by="Łukasz")
    run = await record(book, new, owner="w1", lease_seconds=60)
    assert run.model_dump(include=set(type(new).model_fields)) == new.model_dump()
    assert (run.status, run.attempts, run.owner, run.finished_at) == ("running", 1, "w1", None)
    assert (await book.runs.get(run.id)).run == run


async def test_a_second_run_of_the_same_id_is_the_first(book: OrderBook, new_run, new_proposal) -> None:
    await record(book, new_run(id="run-a"), owner="w1", lease_seconds=60)
    await book.orders.propose(new_proposal("run-a"), route="auto", expires_in_hours=1)
    await book.orders.place("run-a")
    second = new_run(id="run-a", requested_by="other")
    again, fresh = await book.runs.admit(second, lane="interactive", owner="w2", lease_seconds=60)
    assert not fresh
    assert (again.status, again.owner, again.requested_by) == ("executed", "w1", "erp")


async def test_of_fifty_admissions_of_one_id_one_is_stored(book: OrderBook, new_run) -> None:
    admissions = (
        book.runs.admit(new_run(id="run-a"), lane="interactive", owner=f"w{n}", lease_seconds=60) for n in range(50)
    )
    assert len({admission.run.owner for admission in await asyncio.gather(*admissions)}) == 1


async def test_pages_of_runs_go_on_where_the_last_one_ended(book: OrderBook, new_run) -> None:
    for number, product_id in enumerate(["NUTS", "BOLTS", "BOLTS", "BOLTS", "BOLTS"]):
        await book.runs.admit(new_run(product_id=product_id, location=f"SHOP {number}"), lane="bulk", owner=None)
    first = await book.runs.page(3)
    rest = await book.runs.page(3, first[-1].id)
    assert len({run.id for run in first + rest}) == 5
    assert [run.product_id for run in first + rest] == ["BOLTS"] * 4 + ["NUTS"]
    assert [run.id for run in await book.runs.page(product_id="NUTS", status="queued")] == [rest[-1].id]
    assert await book.runs.page(status="failed") == []
    with pytest.raises(UnknownRun):
        await book.runs.page(3, "no such run")


async def test_an_unknown_run_is_named(book: OrderBook) -> None:
    with pytest.raises(UnknownRun, match="run-x"):
        await book.runs.get("run-x")
    with pytest.raises(UnknownRun, match="run-x"):
        await book.runs.fail("run-x", "lost")
    with pytest.raises(UnknownRun, match="run-x"):
        await book.orders.place("run-x")


async def test_a_run_is_resumed_only_once_its_lease_has_ended(book: OrderBook, new_run) -> None:
    await record(book, new_run(id="held"), owner="w1", lease_seconds=60)
    await record(book, new_run(id="left"), owner="w1", lease_seconds=0)
    resumed = await book.runs.claim_abandoned(owner="w2", lease_seconds=60)
    assert [(run.id, run.owner, run.attempts) for run in resumed] == [("left", "w2", 2)]
    assert resumed[0].request == new_run().request
    assert await book.runs.claim_abandoned(owner="w3", lease_seconds=60) == []


async def test_a_process_that_knows_who_lives_takes_the_runs_of_the_dead_at_once(book: OrderBook, new_run) -> None:
    for owner in ("dead", "alive", "me"):
        await record(book, new_run(id=owner), owner=owner, lease_seconds=60)
    resumed = await book.runs.claim_abandoned(owner="me", lease_seconds=60, dead=["dead"])
    assert [run.id for run in resumed] == ["dead"]


async def test_released_runs_are_resumed_at_once_and_oldest_first(book: OrderBook, new_run) -> None:
    for identity in ("b", "a", "c"):
        await record(book, new_run(id=identity), owner="w1", lease_seconds=60)
        await asyncio.sleep(0.005)
    await book.runs.release(owner="w1")
    resumed = await book.runs.claim_abandoned(owner="w2", lease_seconds=60)
    assert [run.id for run in resumed] == ["b", "a", "c"]


async def test_of_many_who_resume_at_once_each_run_goes_to_one(book: OrderBook, new_run) -> None:
    for _ in range(20):
        await record(book, new_run(), owner="dead", lease_seconds=0)
    claims = await asyncio.gather(*(book.runs.claim_abandoned(owner=f"w{n}", lease_seconds=60) for n in range(10)))
    claimed = [run.id for claim in claims for run in claim]
    assert len(claimed) == len(set(claimed)) == 20


async def test_finished_runs_are_not_resumed(book: OrderBook, new_run, new_proposal) -> None:
    for route in ("auto", "review"):
        run = await record(book, new_run(product_id=route), owner="w1", lease_seconds=0)
        await book.orders.propose(new_proposal(run.id, product_id=route), route=route, expires_in_hours=1)
        if route == "auto":
            await book.orders.place(run.id)
    failed = await record(book, new_run(), owner="w1", lease_seconds=0)
    await book.runs.fail(failed.id, "too many attempts")
    assert await book.runs.claim_abandoned(owner="w2", lease_seconds=60) == []


async def test_a_heartbeat_keeps_a_run_until_another_has_it(book: OrderBook, new_run) -> None:
    await record(book, new_run(id="run-a"), owner="w1", lease_seconds=0)
    await book.runs.renew_leases(["run-a"], owner="w1", lease_seconds=60)
    assert await book.runs.claim_abandoned(owner="w2", lease_seconds=60) == []
    await book.runs.release(owner="w1")
    await book.runs.claim_abandoned(owner="w2", lease_seconds=0)
    await book.runs.renew_leases(["run-a"], owner="w1", lease_seconds=60)
    assert [run.id for run in await book.runs.claim_abandoned(owner="w3", lease_seconds=60)] == ["run-a"]


async def test_a_failed_run_says_why(book: OrderBook, new_run) -> None:
    run = await record(book, new_run(), owner="w1", lease_seconds=60)
    await book.runs.fail(run.id, "the checkpoint store is full")
    failed = (await book.runs.get(run.id)).run
    assert (failed.status, failed.failure) == ("failed", "the checkpoint store is full")
    assert failed.finished_at is not None


async def test_who_lost_a_run_cannot_fail_it(book: OrderBook, new_run) -> None:
    run = await record(book, new_run(), owner="w2", lease_seconds=60)
    await book.runs.fail(run.id, "gave up", owner="w1")
    assert (await book.runs.get(run.id)).run.status == "running"
    await book.runs.fail(run.id, "gave up", owner="w2")
    assert (await book.runs.get(run.id)).run.status == "failed"


async def test_an_executed_run_cannot_fail(book: OrderBook, new_run, new_proposal) -> None:
    run = await record(book, new_run(), owner="w1", lease_seconds=60)
    await book.orders.propose(new_proposal(run.id), route="auto", expires_in_hours=1)
    await book.orders.place(run.id)
    await book.runs.fail(run.id, "late")
    assert (await book.runs.get(run.id)).run.status == "executed"


@pytest.mark.parametrize("decision", ["approve", "reject"])
async def test_a_decided_runs_thread_is_to_be_closed_until_it_has_been(
    book: OrderBook, new_run, new_proposal, decision: str
) -> None:
    run = await record(book, new_run(), owner="w1", lease_seconds=60)
    proposal = await book.orders.propose(new_proposal(run.id), route="review", expires_in_hours=1)
    await book.runs.mark_closed(run.id)
    assert await book.runs.to_close() == []
    await book.reviews.decide(proposal.id, version=1, decision=decision, quantity=None, reason="", decided_by="anna")
    assert await book.runs.to_close() == [run.id]
    await book.runs.mark_closed(run.id)
    assert await book.runs.to_close() == []


async def test_an_expired_reviews_thread_is_to_be_closed(book: OrderBook, new_run, new_proposal) -> None:
    run = await record(book, new_run(), owner="w1", lease_seconds=60)
    await book.orders.propose(new_proposal(run.id), route="review", expires_in_hours=0)
    assert await book.runs.to_close() == [run.id]


async def test_a_run_without_a_review_has_no_thread_to_close(book: OrderBook, new_run, new_proposal) -> None:
    run = await record(book, new_run(), owner="w1", lease_seconds=60)
    await book.orders.propose(new_proposal(run.id), route="auto", expires_in_hours=1)
    await book.orders.place(run.id)
    assert await book.runs.to_close() == []


async def test_the_first_run_for_a_need_is_recorded_and_answers_for_every_other(book: OrderBook, new_run) -> None:
    new = new_run(requested_by="Łukasz")
    first = await book.runs.admit(new, lane="bulk", owner=None)
    assert first == ((await book.runs.get(new.id)).run, True)
    assert (first.run.status, first.run.lane, first.run.attempts, first.run.owner) == ("queued", "bulk", 0, None)
    assert await book.runs.admit(new, lane="bulk", owner=None) == (first.run, False)
    assert await book.runs.admit(new_run(), lane="bulk", owner=None) == (first.run, False)
    for changes in ({"location": "DEPOT"}, {"product_id": "NUTS"}, {"mode": "mock"}):
        other = await book.runs.admit(new_run(**changes), lane="interactive", owner="w1", lease_seconds=60)
        assert other.fresh
        assert (other.run.status, other.run.attempts, other.run.owner) == ("running", 1, "w1")


async def test_a_run_that_is_to_join_no_earlier_one_is_recorded_beside_it(book: OrderBook, new_run) -> None:
    earlier = (await book.runs.admit(new_run(), lane="bulk", owner=None)).run
    await asyncio.sleep(0.002)  # SQLite's clock counts milliseconds
    beside = await book.runs.admit(new_run(id="beside"), lane="bulk", owner=None, after=earlier.created_at)
    assert (beside.run.id, beside.fresh) == ("beside", True)
    again = await book.runs.admit(new_run(), lane="bulk", owner=None, after=earlier.created_at)
    assert (again.run.id, again.fresh) == ("beside", False)
    assert not (await book.runs.admit(new_run(id=earlier.id), lane="bulk", owner=None, after=earlier.created_at)).fresh


@pytest.mark.parametrize("mode", ["database", "input"])
async def test_a_waiting_review_answers_for_its_need_until_it_is_decided(
    book: OrderBook, new_run, new_proposal, mode: str
) -> None:
    run = await record(book, new_run(mode=mode), owner="w1", lease_seconds=60)
    proposal = await book.orders.propose(new_proposal(run.id, mode=mode), route="review", expires_in_hours=1)
    late = await book.runs.admit(new_run(mode=mode), lane="bulk", owner=None)
    assert (late.run.id, late.fresh) == (run.id, False)
    await book.reviews.decide(proposal.id, version=1, decision="reject", quantity=None, reason="no", decided_by="ann")
    assert (await book.runs.admit(new_run(mode=mode), lane="bulk", owner=None)).fresh


async def test_a_review_whose_time_is_over_answers_for_nothing(book: OrderBook, new_run, new_proposal) -> None:
    run = await record(book, new_run(), owner="w1", lease_seconds=60)
    await book.orders.propose(new_proposal(run.id), route="review", expires_in_hours=0)
    assert (await book.runs.admit(new_run(), lane="bulk", owner=None)).fresh


async def test_a_run_knows_how_many_orders_its_product_has_had(book: OrderBook, new_run, new_proposal) -> None:
    run = await record(book, new_run(), owner="w1", lease_seconds=60)
    await book.orders.propose(new_proposal(run.id), route="auto", expires_in_hours=1)
    await book.orders.place(run.id)
    after = await book.runs.admit(new_run(), lane="bulk", owner=None)
    assert (after.fresh, after.run.product_version) == (True, 1)
    for changes in ({"product_id": "NUTS"}, {"mode": "mock"}):
        other = await book.runs.admit(new_run(**changes), lane="bulk", owner=None)
        assert (other.fresh, other.run.product_version) == (True, 0)


async def test_a_full_queue_refuses_what_would_wait_in_it_only(book: OrderBook, new_run) -> None:
    for number in range(2):
        await book.runs.admit(new_run(product_id=f"P{number}"), lane="bulk", owner=None, most_waiting=2)
    late = new_run(product_id="P2")
    with pytest.raises(Overloaded):
        await book.runs.admit(late, lane="bulk", owner=None, most_waiting=2)
    assert (await book.runs.admit(late, lane="interactive", owner=None, most_waiting=2)).fresh
    begun = new_run(product_id="P3")
    assert (await book.runs.admit(begun, lane="bulk", owner="w1", lease_seconds=1, most_waiting=2)).fresh


async def test_of_many_at_once_as_many_are_recorded_as_there_are_places(book: OrderBook, new_run) -> None:
    if book.database.engine.dialect.name != "sqlite":
        pytest.skip("on PostgreSQL as many more may slip in as transactions run at that moment")
    await book.runs.admit(new_run(product_id="BEFORE"), lane="bulk", owner=None, most_waiting=6)

    async def admit(number: int) -> bool:
        try:
            await book.runs.admit(new_run(product_id=f"P{number}"), lane="bulk", owner=None, most_waiting=6)
        except Overloaded:
            return False
        return True

    admitted = await asyncio.gather(*(admit(number) for number in range(40)))

    assert sum(admitted) == 5
    with book.database.engine.connect() as connection:
        assert connection.scalar(sa.text("SELECT count(*) FROM runs WHERE status = 'queued'")) == 6
    await book.runs.claim_queued("bulk", owner="w1", lease_seconds=60, limit=2)
    assert await admit(41)
    assert await admit(43)
    assert not await admit(45)


async def test_of_fifty_first_runs_for_a_need_one_is_recorded(book: OrderBook, new_run) -> None:
    admitted = await asyncio.gather(*(book.runs.admit(new_run(), lane="bulk", owner=None) for _ in range(50)))
    assert sum(admission.fresh for admission in admitted) == 1
    assert len({admission.run.id for admission in admitted}) == 1


async def test_no_step_of_a_run_reads_through_a_table(
    book: OrderBook, engine: sa.Engine, new_run, new_proposal
) -> None:
    if engine.dialect.name != "sqlite":
        pytest.skip("PostgreSQL chooses by the size of a table, and these are empty")
    said: list[tuple[str, object]] = []
    sa.event.listen(engine, "before_cursor_execute", lambda *given: said.append((given[2], given[3])))

    run, _ = await book.runs.admit(new_run(), lane="bulk", owner=None, most_waiting=9)
    await book.runs.admit(new_run(), lane="bulk", owner=None, most_waiting=9)
    await book.runs.admit(new_run(product_id="NUTS"), lane="bulk", owner=None, most_waiting=9)
    await book.runs.claim_queued("bulk", owner="w1", lease_seconds=60, limit=1)
    await book.orders.propose(new_proposal(run.id), route="auto", expires_in_hours=1)
    await book.orders.place(run.id)
    await book.runs.claim_abandoned(owner="w2", lease_seconds=60, dead=["w1"])
    await book.deliveries.hand_out()
    await book.reviews.page()

    with engine.connect() as connection:
        for statement, parameters in tuple(said):
            if statement.split()[0] in ("SELECT", "UPDATE", "INSERT"):
                plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters).all()
                read_through = {step[3] for step in plan} & {f"SCAN {table}" for table in LARGE}
                assert not read_through, statement


@pytest.mark.parametrize("proposed", [False, True])
async def test_who_slept_through_the_lease_changes_nothing(
    book: OrderBook, new_run, new_proposal, proposed: bool
) -> None:
    run = await record(book, new_run(), owner="frozen", lease_seconds=0)
    if proposed:
        await book.orders.propose(new_proposal(run.id), route="auto", expires_in_hours=1, owner="frozen")
    assert await book.runs.claim(run.id, owner="heir", lease_seconds=0) is not None
    before = await book.runs.get(run.id)

    for route, action in (("auto", "purchase_order"), ("review", "purchase_order"), ("none", "none")):
        late = new_proposal(run.id, action=action, quantity=40 if route != "none" else 0)
        if not proposed:
            with pytest.raises(RunLost):
                await book.orders.propose(late, route=route, expires_in_hours=1, owner="frozen")
        else:
            assert await book.orders.propose(late, route=route, expires_in_hours=1, owner="frozen") == before.proposal
    with pytest.raises(RunLost if proposed else Conflict):
        await book.orders.place(run.id, owner="frozen")
    await book.runs.fail(run.id, "too late", owner="frozen")
    await book.runs.release(owner="frozen")
    await book.runs.mark_closed(run.id)
    await book.runs.renew_leases([run.id], owner="frozen", lease_seconds=600)

    assert await book.runs.get(run.id) == before
    assert [each.id for each in await book.runs.claim_abandoned(owner="third", lease_seconds=60)] == [run.id]
