import asyncio
import json
import os
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from tests.order_book import record
from tools.book import orders as order_book
from tools.book import placing
from tools.book.book import OrderBook
from tools.records.orders import RunView
from tools.storage.schema import counters, orders, outbox, purchase_orders, runs

ROOT = Path(__file__).parents[3]


@pytest.fixture
def proposed(book: OrderBook, new_run, new_proposal):
    """Records runs first and proposes then, as runs do that start together."""

    async def propose(*differences: dict) -> list[str]:
        begun = []
        for changes in differences:
            about = {name: changes[name] for name in ("product_id", "location", "mode") if name in changes}
            begun.append((await record(book, new_run(**about), owner="w1", lease_seconds=60), changes))
        for run, changes in begun:
            await book.orders.propose(new_proposal(run.id, **changes), route="auto", expires_in_hours=1)
        return [run.id for run, _ in begun]

    return propose


async def test_of_two_runs_that_saw_the_same_stock_the_second_waits_for_a_person(book: OrderBook, proposed) -> None:
    first, second = await proposed({}, {})
    order = (await book.orders.place(first)).order
    assert order is not None
    view = await book.orders.place(second)
    assert (view.run.status, view.order) == ("pending_review", None)
    assert view.proposal is not None
    assert (view.proposal.status, view.proposal.version) == ("pending", 2)
    assert order.number in view.proposal.review_reasons[-1]
    assert view.proposal.expires_at is not None
    assert await book.runs.get(second) == view


async def test_of_several_orders_since_a_run_began_the_newest_holds_it(book: OrderBook, proposed) -> None:
    first, second, third = await proposed({}, {}, {})
    await book.orders.place(first)
    held = (await book.orders.place(second)).proposal
    approved = await book.reviews.decide(held.id, version=2, decision="approve", reason="both", decided_by="anna")
    reason = (await book.orders.place(third)).proposal.review_reasons[-1]
    assert reason.startswith(f"{approved.order.number} for BOLTS was placed")


async def test_the_held_order_can_be_approved_and_is_then_placed_once(book: OrderBook, proposed) -> None:
    first, second = await proposed({}, {})
    await book.orders.place(first)
    held = await book.orders.place(second)
    assert (held.run.status, held.order) == ("pending_review", None)
    review = (await book.reviews.page(status="pending"))[0]
    view = await book.reviews.decide(
        review.id, version=2, decision="approve", quantity=None, reason="both are needed", decided_by="anna"
    )
    assert await book.orders.place(second) == view
    assert len(await book.orders.page()) == 2


async def test_placing_a_held_order_again_still_waits(book: OrderBook, proposed) -> None:
    first, second = await proposed({}, {})
    await book.orders.place(first)
    for _ in range(2):
        assert (await book.orders.place(second)).order is None
    assert len(await book.reviews.page()) == 1


async def test_a_run_begun_after_the_order_has_counted_it_and_may_place(book: OrderBook, proposed) -> None:
    first = await proposed({})
    await book.orders.place(first[0])
    second = await proposed({})
    assert (await book.orders.place(second[0])).order.number.endswith("000002")


async def test_an_order_that_is_due_at_once_competes_all_the_same(book: OrderBook, proposed) -> None:
    first, second = await proposed({"lead_time_days": 0}, {"lead_time_days": 0})
    await book.orders.place(first)
    held = await book.orders.place(second)
    assert (held.run.status, held.order) == ("pending_review", None)


@pytest.mark.parametrize("other", [{"product_id": "NUTS"}, {"location": "DEPOT"}, {"mode": "mock"}])
async def test_another_need_does_not_compete(book: OrderBook, proposed, other: dict) -> None:
    first, second = await proposed({}, other)
    await book.orders.place(first)
    await book.orders.place(second)


async def test_two_transfers_out_of_the_same_stock_compete(book: OrderBook, proposed) -> None:
    transfer = {"action": "transfer", "source_location": "DEPOT"}
    first, second = await proposed(transfer, transfer | {"location": "YARD"})
    await book.orders.place(first)
    held = await book.orders.place(second)
    assert (held.run.status, held.order) == ("pending_review", None)


async def test_an_order_for_a_place_whose_stock_was_given_away_meanwhile_waits(book: OrderBook, proposed) -> None:
    transfer, purchase = await proposed({"action": "transfer", "source_location": "DEPOT"}, {"location": "DEPOT"})
    await book.orders.place(transfer)
    held = await book.orders.place(purchase)
    assert (held.run.status, held.order) == ("pending_review", None)


async def test_what_arrives_at_the_source_of_a_transfer_does_not_compete_with_it(book: OrderBook, proposed) -> None:
    purchase, transfer = await proposed({"location": "DEPOT"}, {"action": "transfer", "source_location": "DEPOT"})
    await book.orders.place(purchase)
    await book.orders.place(transfer)


async def test_an_order_approved_by_a_person_competes_like_any_other(
    book: OrderBook, new_run, new_proposal, proposed
) -> None:
    reviewed = await record(book, new_run(), owner="w1", lease_seconds=60)
    automatic = (await proposed({}))[0]
    review = await book.orders.propose(new_proposal(reviewed.id), route="review", expires_in_hours=1)
    await book.reviews.decide(review.id, version=1, decision="approve", quantity=None, reason="", decided_by="anna")
    held = await book.orders.place(automatic)
    assert "was placed while" in held.proposal.review_reasons[-1]


async def test_a_review_of_newer_facts_holds_an_order_for_the_same_need_back(
    book: OrderBook, new_run, new_proposal
) -> None:
    automatic = await record(book, new_run(), owner="w1", lease_seconds=60)
    await asyncio.sleep(0.005)  # The database's clock counts milliseconds.
    waiting = await record(book, new_run(), owner="w1", lease_seconds=60)
    review = await book.orders.propose(new_proposal(waiting.id), route="review", expires_in_hours=1)
    held = await book.orders.place(automatic.id, new=new_proposal(automatic.id))
    assert review.id in held.proposal.review_reasons[-1]


async def test_of_several_reviews_for_the_same_need_the_oldest_holds_an_order_back(
    book: OrderBook, new_run, new_proposal
) -> None:
    begun = []
    for _ in range(3):
        begun.append((await record(book, new_run(), owner="w1", lease_seconds=60)).id)
        await asyncio.sleep(0.005)  # The database's clock counts milliseconds.
    propose = partial(book.orders.propose, route="review", expires_in_hours=1)
    first, second = await propose(new_proposal(begun[2])), await propose(new_proposal(begun[1]))
    held = await book.orders.place(begun[0], new=new_proposal(begun[0]))
    assert [review.id for review in await book.reviews.page(status="pending")][1:] == [second.id, first.id]
    assert first.id in held.proposal.review_reasons[-1]


async def test_an_expired_review_holds_nothing_back(book: OrderBook, new_run, new_proposal, proposed) -> None:
    over = await record(book, new_run(), owner="w1", lease_seconds=60)
    await book.orders.propose(new_proposal(over.id), route="review", expires_in_hours=0)
    automatic = await proposed({})
    await book.orders.place(automatic[0])


async def test_a_review_says_what_was_placed_while_its_run_was_deciding(
    book: OrderBook, new_run, new_proposal, proposed
) -> None:
    late = await record(book, new_run(), owner="w1", lease_seconds=60)
    _, newest = [(await book.orders.place((await proposed({}))[0])).order for _ in range(2)]
    review = await book.orders.propose(
        new_proposal(late.id, review_reasons=("value",)), route="review", expires_in_hours=1
    )
    assert review.review_reasons[0] == "value"
    assert newest.number in review.review_reasons[1]


async def test_of_twenty_runs_at_once_for_one_need_one_orders_by_itself(book: OrderBook, proposed) -> None:
    identities = await proposed(*[{}] * 20)
    outcomes = await _place_all(book, identities)
    assert sum(outcome.order is not None for outcome in outcomes) == 1
    assert sum(outcome.run.status == "pending_review" for outcome in outcomes) == 19
    assert len(await book.orders.page()) == 1
    assert len(await book.reviews.page(status="pending")) == 19


async def test_without_the_guard_they_would_all_order(
    book: OrderBook, proposed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A planted fault, to show that it is the guard that makes the difference."""

    monkeypatch.setattr(order_book, "hindrance", lambda *_: None)
    outcomes = await _place_all(book, await proposed(*[{}] * 20))
    assert sum(outcome.order is not None for outcome in outcomes) == 20


async def _place_all(book: OrderBook, identities: list[str]) -> list[RunView]:
    return await asyncio.gather(*(book.orders.place(identity) for identity in identities))


async def test_of_fifty_placings_of_one_run_one_order_comes(book: OrderBook, engine: sa.Engine, proposed) -> None:
    identity = (await proposed({}))[0]
    outcomes = await _place_all(book, [identity] * 50)
    assert len({outcome.order.number for outcome in outcomes}) == 1
    assert await _problems(engine) == []


async def test_fifty_runs_at_once_are_numbered_without_a_gap(book: OrderBook, engine: sa.Engine, proposed) -> None:
    identities = await proposed(*({"product_id": f"P{n}"} for n in range(50)))
    outcomes = await _place_all(book, identities)
    numbers = sorted(int(outcome.order.number[-6:]) for outcome in outcomes)
    assert numbers == list(range(1, 51))
    assert await _problems(engine) == []


@pytest.mark.parametrize("step", ["send", "finish_run", "next_value"])
async def test_a_placing_that_breaks_off_leaves_nothing(
    book: OrderBook, engine: sa.Engine, proposed, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    identity = (await proposed({}))[0]

    def break_off(*_: object) -> None:
        raise ConnectionResetError

    with monkeypatch.context() as broken:
        broken.setattr(placing, step, break_off)
        with pytest.raises(ConnectionResetError):
            await book.orders.place(identity)
    with engine.connect() as connection:
        for table in (orders, outbox, counters, purchase_orders):
            assert connection.scalar(sa.select(sa.func.count()).select_from(table)) == 0
    assert (await book.runs.get(identity)).run.status == "running"
    assert (await book.orders.place(identity)).order.number.endswith("-000001")


async def test_the_table_itself_refuses_a_second_order_of_a_run(book: OrderBook, engine: sa.Engine, proposed) -> None:
    await book.orders.place((await proposed({}))[0])
    with pytest.raises(IntegrityError):
        await _insert_order_again(engine)
    assert await _problems(engine) == []


async def test_without_the_unique_keys_the_double_is_stored_and_found(
    book: OrderBook, engine: sa.Engine, proposed
) -> None:
    """A planted fault: the same second insert into a book that has lost the keys, which the check must find."""
    order = (await book.orders.place((await proposed({}))[0])).order
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE keyless AS SELECT * FROM orders")
        connection.exec_driver_sql("DROP TABLE orders" + (" CASCADE" if engine.name == "postgresql" else ""))
        connection.exec_driver_sql("ALTER TABLE keyless RENAME TO orders")
    assert await _problems(engine) == []
    await _insert_order_again(engine)
    assert await _problems(engine) == [f"{order.run_id} has 2 orders"]


async def _insert_order_again(engine: sa.Engine) -> None:
    with engine.begin() as connection:
        row = dict(connection.execute(sa.select(orders)).mappings().one())
        row.update(sequence=row["sequence"] + 1, number="PO-2026-999999")
        connection.execute(sa.insert(orders).values(row))


async def _problems(engine: sa.Engine) -> list[str]:
    """What is wrong with the book: runs with more or less than the one order and message that their status means."""
    counts = sa.select(
        runs.c.id,
        runs.c.status,
        sa.select(sa.func.count()).where(orders.c.run_id == runs.c.id).scalar_subquery().label("orders"),
        sa.select(sa.func.count())
        .where(outbox.c.run_id == runs.c.id, outbox.c.event == "order.placed")
        .scalar_subquery()
        .label("messages"),
    ).order_by(runs.c.created_at)
    found = []
    with engine.connect() as connection:
        for identity, status, placed, messages in connection.execute(counts).all():
            due = 1 if status == "executed" else 0
            found += [f"{identity} has {placed} orders"] if placed != due else []
            found += [f"{identity} left {messages} messages"] if messages != due else []
    return found


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 2])
async def test_workers_killed_at_any_moment_lose_and_double_nothing(
    database_url: str, engine: sa.Engine, book: OrderBook, new_proposal, workers: int
) -> None:
    template = new_proposal("any").model_dump(mode="json")
    acknowledged = await asyncio.to_thread(_kill_workers, database_url, template, workers=workers, kills=8)
    assert len(acknowledged) > 8
    assert await _problems(engine) == []
    views = [await book.runs.get(identity) for identity in acknowledged]
    assert {view.run.status for view in views} == {"executed"}
    assert {_outcome(view) for view in views} == {("placed", "automatic"), ("approved", "anna")}
    with engine.connect() as connection:
        numbers = connection.scalars(sa.select(orders.c.number).order_by(orders.c.number)).all()
    assert [int(number[-6:]) for number in numbers] == list(range(1, len(numbers) + 1))


def _outcome(view: RunView) -> tuple[str, str]:
    assert view.proposal is not None
    assert view.order is not None
    return view.proposal.status, view.order.placed_by


def _kill_workers(url: str, template: dict, *, workers: int, kills: int) -> list[str]:
    script = Path(__file__).with_name("killed_workers.py")
    result = subprocess.run(
        [sys.executable, script, url, str(workers), str(kills), json.dumps(template)],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert result.returncode == 0, result.stderr[-3000:]
    acknowledged: list[str] = json.loads(result.stdout)
    return acknowledged
