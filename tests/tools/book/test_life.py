import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from tests.order_book import ANNA, MOMENT, let_pass, old_book, open_orders
from tools.book.audit import Actor
from tools.book.book import OrderBook
from tools.records.errors import (
    Conflict,
    IdempotencyMismatch,
    InvalidInput,
    InvalidQuantity,
    OrderClosed,
    ReceiptChanged,
    UnknownOrder,
    UnknownReceipt,
)
from tools.storage.database import Database
from tools.storage.migrations.upgrade import migrate
from tools.storage.schema import audit, outbox, receipts

BEN = Actor(name="ben", id="key_ben")


async def test_an_order_is_placed_sent_received_in_part_and_received(book: OrderBook, placed) -> None:
    order = await placed()
    steps = [
        order,
        await book.life.mark_sent(order.number, by=ANNA),
        await book.life.receive(order.number, 15, by=ANNA),
        await book.life.receive(order.number, 25, by=ANNA),
    ]
    assert [(step.status, step.received_quantity, step.remaining) for step in steps] == [
        ("placed", 0, 40),
        ("sent", 0, 40),
        ("partly_received", 15, 25),
        ("received", 40, 0),
    ]
    assert await book.orders.get(order.number) == steps[-1]


async def test_an_order_is_open_however_late_until_it_is_received(book: OrderBook, placed) -> None:
    order = await placed(lead_time_days=7)
    await let_pass(book, order, days=30)
    [late] = await open_orders(book, "BOLTS", "SHOP", "database")
    assert late.days_overdue == pytest.approx(23, abs=0.01)
    received = await book.life.receive(order.number, 40, by=ANNA)
    assert received.days_overdue == 0
    assert await open_orders(book, "BOLTS", "SHOP", "database") == []


async def test_the_lead_time_begins_when_the_order_is_sent(book: OrderBook, placed) -> None:
    order = await placed(lead_time_days=7)
    await let_pass(book, order, days=3)
    sent = await book.life.mark_sent(order.number, by=ANNA)
    assert sent.sent_at is not None
    assert sent.due_at - sent.sent_at == timedelta(days=7)
    assert await book.life.mark_sent(order.number, by=BEN) == sent


async def test_an_order_of_which_something_has_arrived_was_sent(book: OrderBook, placed) -> None:
    order = await placed()
    await book.life.receive(order.number, 1, by=ANNA)
    with pytest.raises(OrderClosed, match="partly received: 1 of 40"):
        await book.life.mark_sent(order.number, by=ANNA)


async def test_more_than_was_ordered_is_taken(book: OrderBook, placed) -> None:
    order = await placed()
    received = await book.life.receive(order.number, 55, by=ANNA)
    assert (received.status, received.received_quantity, received.remaining) == ("received", 55, 0)


async def test_what_was_received_stays_when_the_rest_is_cancelled(book: OrderBook, placed) -> None:
    order = await placed()
    await book.life.receive(order.number, 15, by=ANNA)
    cancelled = await book.life.cancel(order.number, "the rest is sold out", by=ANNA)
    assert (cancelled.status, cancelled.received_quantity, cancelled.remaining) == ("cancelled", 15, 0)
    assert (cancelled.cancel_reason, cancelled.closed_at is None) == ("the rest is sold out", False)


async def test_a_closed_order_takes_no_receipt_and_says_what_to_do(book: OrderBook, placed) -> None:
    received, cancelled = await placed(), await placed()
    await book.life.receive(received.number, 40, by=ANNA)
    await book.life.cancel(cancelled.number, "ordered twice", by=ANNA)
    with pytest.raises(OrderClosed, match=r"is received since .* count it in the stock that you report"):
        await book.life.receive(received.number, 1, by=ANNA)
    with pytest.raises(OrderClosed, match=r"because: ordered twice.* or place a new order"):
        await book.life.receive(cancelled.number, 1, by=ANNA)
    with pytest.raises(OrderClosed, match="nothing left to cancel"):
        await book.life.cancel(received.number, "late", by=ANNA)


async def test_cancelling_again_changes_nothing_unless_the_reason_is_another(book: OrderBook, placed) -> None:
    order = await placed()
    cancelled = await book.life.cancel(order.number, "ordered twice", by=ANNA)
    assert await book.life.cancel(order.number, "ordered twice", by=BEN) == cancelled
    with pytest.raises(OrderClosed, match="because: ordered twice"):
        await book.life.cancel(order.number, "too dear", by=BEN)
    with pytest.raises(InvalidInput, match="Say why"):
        await book.life.cancel(order.number, "", by=BEN)


async def test_a_receipt_says_when_by_whom_and_how_much(book: OrderBook, placed) -> None:
    order = await placed()
    await let_pass(book, order, days=3)
    arrived = datetime.now(UTC).replace(microsecond=0) - timedelta(days=1)
    await book.life.receive(order.number, 15, by=ANNA, received_at=arrived)
    await book.life.receive(order.number, 25, by=BEN)
    first, second = (await book.life.receipts([order.number]))[order.number]
    assert (first.quantity, first.received_at, first.recorded_by) == (15, arrived, "anna")
    assert (second.quantity, second.received_at, second.recorded_by) == (25, second.recorded_at, "ben")


async def test_an_order_is_complete_when_the_last_of_it_arrived_not_when_that_was_reported(
    book: OrderBook, placed
) -> None:
    order = await placed()
    await let_pass(book, order, days=5)
    days_ago = [datetime.now(UTC).replace(microsecond=0) - timedelta(days=days) for days in range(3)]
    await book.life.receive(order.number, 15, by=ANNA, received_at=days_ago[1])
    received = await book.life.receive(order.number, 25, by=ANNA, received_at=days_ago[2])
    assert received.closed_at == days_ago[1]


@pytest.mark.parametrize(("days", "words"), [(1, "in the future"), (-1, "before PO-")])
async def test_a_receipt_lies_between_the_order_and_now(book: OrderBook, placed, days: int, words: str) -> None:
    order = await placed()
    with pytest.raises(InvalidInput, match=words):
        await book.life.receive(order.number, 40, by=ANNA, received_at=datetime.now(UTC) + timedelta(days=days))
    assert (await book.orders.get(order.number)).status == "placed"


@pytest.mark.parametrize("quantity", [0, -5, 10**9 + 1])
async def test_a_receipt_has_a_quantity_that_can_be_counted(book: OrderBook, placed, quantity: int) -> None:
    order = await placed()
    with pytest.raises(InvalidQuantity, match="use more than 0"):
        await book.life.receive(order.number, quantity, by=ANNA)


async def test_an_unknown_order_lives_no_life(book: OrderBook) -> None:
    for step in (book.life.mark_sent("PO-1", by=ANNA), book.life.cancel("PO-1", "why not", by=ANNA)):
        with pytest.raises(UnknownOrder, match="PO-1"):
            await step
    with pytest.raises(UnknownOrder, match="PO-1"):
        await book.life.receive("PO-1", 1, by=ANNA)


async def test_a_receipt_with_an_id_counts_once(book: OrderBook, placed) -> None:
    order = await placed()
    for _ in range(3):
        assert (await book.life.receive(order.number, 15, by=ANNA, receipt_id="r1")).received_quantity == 15
    with pytest.raises(IdempotencyMismatch):
        await book.life.receive(order.number, 16, by=ANNA, receipt_id="r1")
    await book.life.receive(order.number, 25, by=ANNA, receipt_id="r2")
    assert (await book.life.receive(order.number, 25, by=ANNA, receipt_id="r2")).status == "received"


async def receipt_of(book: OrderBook, number: str) -> str:
    [receipt] = (await book.life.receipts([number]))[number]
    return receipt.id


async def test_a_receipt_is_set_right_once_however_often_it_is_said(book: OrderBook, engine: sa.Engine, placed) -> None:
    """Nothing that was recorded is changed: receipt, correction and the trail stand beside each other."""
    order = await placed()
    assert (await book.life.receive(order.number, 40, by=ANNA)).status == "received"
    identity = await receipt_of(book, order.number)
    typo = {"instead_of": 40, "reason": "a zero too many", "by": BEN}

    again = [await book.life.correct(order.number, identity, 4, **typo) for _ in range(3)]

    assert again == [await book.orders.get(order.number)] * 3
    assert (again[0].status, again[0].received_quantity, again[0].closed_at) == ("partly_received", 4, None)
    [receipt] = (await book.life.receipts([order.number]))[order.number]
    assert (receipt.quantity, receipt.recorded_by) == (4, "anna")
    [correction] = receipt.corrections
    assert (correction.quantity_before, correction.quantity, correction.recorded_by) == (40, 4, "ben")
    with engine.connect() as connection:
        assert connection.scalars(sa.select(receipts.c.quantity)).all() == [40]
        [told] = connection.scalars(sa.select(outbox.c.payload).where(outbox.c.event == "order.corrected")).all()
    assert (told["received_quantity"], told["correction"]["quantity_before"]) == (4, 40)
    entry = (await book.audit.page(order_number=order.number))[0]
    assert (entry.event, entry.actor, entry.figures["reason"]) == ("order.corrected", "ben", "a zero too many")


async def test_a_correction_that_is_sent_again_after_another_one_changes_nothing(book: OrderBook, placed) -> None:
    order = await placed()
    await book.life.receive(order.number, 30, by=ANNA)
    identity = await receipt_of(book, order.number)

    async def correct(arrived: float, seen: float, correction_id: str) -> float:
        values = {"instead_of": seen, "reason": "counted again", "by": ANNA, "correction_id": correction_id}
        return (await book.life.correct(order.number, identity, arrived, **values)).received_quantity

    assert [await correct(3, 30, "a"), await correct(30, 3, "b"), await correct(3, 30, "a")] == [3, 30, 30]


async def test_of_two_corrections_the_first_wins_and_the_second_learns_of_it(book: OrderBook, placed) -> None:
    order = await placed()
    await book.life.receive(order.number, 30, by=ANNA)
    identity = await receipt_of(book, order.number)
    await book.life.correct(order.number, identity, 3, instead_of=30, reason="three", by=BEN)

    with pytest.raises(ReceiptChanged, match="says 3 units, which ben set right, not 30"):
        await book.life.correct(order.number, identity, 13, instead_of=30, reason="thirteen", by=ANNA)

    assert (await book.orders.get(order.number)).received_quantity == 3


async def test_a_receipt_of_a_wrong_day_is_set_right_and_closes_the_order_on_the_right_one(
    book: OrderBook, engine: sa.Engine, placed
) -> None:
    order = await placed()
    await let_pass(book, order, days=5)
    await book.life.receive(order.number, 40, by=ANNA)
    identity, day = await receipt_of(book, order.number), datetime.now(UTC).replace(microsecond=0) - timedelta(days=2)
    said = {"instead_of": 40, "by": BEN}

    right = await book.life.correct(order.number, identity, 40, received_at=day, reason="by the note", **said)
    again = await book.life.correct(order.number, identity, 40, received_at=day, reason="once more", **said)
    fewer = await book.life.correct(order.number, identity, 39, reason="one broken", **said)

    assert (right.status, right.closed_at, again) == ("received", day, right)
    assert (fewer.status, fewer.received_quantity) == ("partly_received", 39)
    [receipt] = (await book.life.receipts([order.number]))[order.number]
    assert (receipt.quantity, receipt.received_at) == (39, day)
    assert [(each.quantity, each.received_at) for each in receipt.corrections] == [(40, day), (39, None)]
    with engine.connect() as connection:
        assert connection.scalars(sa.select(receipts.c.received_at)).one() > day
    for impossible in (day + timedelta(days=9), day - timedelta(days=9)):
        with pytest.raises(InvalidInput, match="received_at is"):
            await book.life.correct(order.number, identity, 39, received_at=impossible, reason="when?", **said)


@pytest.mark.parametrize(("sent", "status"), [(True, "sent"), (False, "placed")])
async def test_a_receipt_that_is_taken_back_leaves_the_order_as_it_was_before(
    book: OrderBook, placed, sent: bool, status: str
) -> None:
    order = await placed()
    if sent:
        await book.life.mark_sent(order.number, by=ANNA)
    await book.life.receive(order.number, 55, by=ANNA)

    back = await book.life.correct(
        order.number, await receipt_of(book, order.number), 0, instead_of=55, reason="another order's", by=ANNA
    )

    assert (back.status, back.received_quantity, back.remaining, back.closed_at) == (status, 0, 40, None)
    assert [each.number for each in await open_orders(book, "BOLTS", "SHOP", "database")] == [order.number]
    assert (await book.life.receive(order.number, 40, by=ANNA)).status == "received"


async def test_more_may_have_come_than_the_receipt_said_and_a_cancelled_order_stays_cancelled(
    book: OrderBook, placed
) -> None:
    order = await placed()
    await let_pass(book, order, days=3)
    arrived = datetime.now(UTC).replace(microsecond=0) - timedelta(days=1)
    await book.life.receive(order.number, 4, by=ANNA, received_at=arrived)
    identity = await receipt_of(book, order.number)
    more = await book.life.correct(order.number, identity, 40, instead_of=4, reason="a zero short", by=ANNA)
    assert (more.status, more.closed_at) == ("received", arrived)

    await book.life.correct(order.number, identity, 4, instead_of=40, reason="no, four", by=ANNA)
    await book.life.cancel(order.number, "sold out", by=ANNA)
    less = await book.life.correct(order.number, identity, 3, instead_of=4, reason="three", by=ANNA)
    assert (less.status, less.received_quantity) == ("cancelled", 3)


async def test_a_correction_needs_its_receipt_a_reason_and_a_quantity_that_can_be_counted(
    book: OrderBook, placed
) -> None:
    order = await placed()
    await book.life.receive(order.number, 15, by=ANNA)
    identity = await receipt_of(book, order.number)

    async def correct(number: str, receipt_id: str, arrived: float, reason: str) -> None:
        await book.life.correct(number, receipt_id, arrived, instead_of=15, reason=reason, by=ANNA)

    for error, asked in (
        (UnknownOrder, ("PO-1", identity, 5, "why")),
        (UnknownReceipt, (order.number, "other", 5, "why")),
        (InvalidInput, (order.number, identity, 5, "")),
        (InvalidQuantity, (order.number, identity, 10**9 + 1, "why")),
        (InvalidQuantity, (order.number, identity, 1.5, "why")),
    ):
        with pytest.raises(error):
            await correct(*asked)
    assert (await book.orders.get(order.number)).received_quantity == 15


async def test_every_step_is_on_record_and_announced_once(book: OrderBook, engine: sa.Engine, placed) -> None:
    order = await placed()
    await book.life.mark_sent(order.number, by=ANNA)
    await book.life.receive(order.number, 15, by=ANNA, receipt_id="r1")
    await book.life.receive(order.number, 15, by=ANNA, receipt_id="r1")
    await book.life.receive(order.number, 5, by=ANNA)
    await book.life.cancel(order.number, "the rest is sold out", by=BEN)
    with engine.connect() as connection:
        entries = connection.execute(sa.select(audit).order_by(audit.c.sequence)).mappings().all()[1:]
        sent = connection.execute(sa.select(outbox).order_by(outbox.c.sequence)).mappings().all()[1:]
    steps = ["order.sent", "order.received", "order.received", "order.cancelled"]
    assert [entry["event"] for entry in entries] == [message["event"] for message in sent] == steps
    assert [entry["actor"] for entry in entries] == ["anna"] * 3 + ["ben"]
    assert {(entry["run_id"], entry["order_number"]) for entry in entries} == {(order.run_id, order.number)}
    assert entries[-1]["figures"]["reason"] == "the rest is sold out"
    assert [entry["figures"]["received_quantity"] for entry in entries] == [0, 15, 20, 20]
    assert [message["payload"]["status"] for message in sent] == [
        *("sent", "partly_received", "partly_received", "cancelled")
    ]
    assert sent[2]["payload"]["receipt"]["quantity"] == 5


async def test_of_fifty_receipts_and_cancels_at_once_one_outcome_stands(
    book: OrderBook, engine: sa.Engine, placed
) -> None:
    """40 units are ordered, and 25 receipts of 3 race 25 cancels: what arrived before the end is what counts."""
    order = await placed()

    async def step(n: int) -> str:
        try:
            if n % 2:
                await book.life.receive(order.number, 3, by=ANNA)
                return "received"
            await book.life.cancel(order.number, f"reason {n}", by=BEN)
        except Conflict:
            return "refused"
        return "cancelled"

    said = Counter(await asyncio.gather(*map(step, range(50))))
    stood = await book.orders.get(order.number)
    with engine.connect() as connection:
        stored = connection.scalars(sa.select(receipts.c.quantity)).all()
        entries = connection.execute(sa.select(audit.c.sequence, audit.c.event).order_by(audit.c.sequence)).all()
        messages = Counter(connection.scalars(sa.select(outbox.c.event)))
    assert stood.status == ("cancelled" if said["cancelled"] else "received")
    assert said["cancelled"] <= 1
    assert stood.received_quantity == sum(stored) == 3 * said["received"]
    assert [entry.sequence for entry in entries] == list(range(1, len(entries) + 1))
    wanted = Counter({"order.placed": 1, "order.received": said["received"], "order.cancelled": said["cancelled"]})
    assert messages == Counter(entry.event for entry in entries) == wanted + Counter()


async def test_orders_of_earlier_versions_are_placed_and_open(empty_database_url: str) -> None:
    """Events that wait for a receiver are kept through the copy of their table."""
    words = {"product_id": "BOLTS", "location": "SHOP", "mode": "database", "origin": "trigger", "requested_by": "erp"}
    run = {**words, "id": "r", "status": "executed", "request": {}, "attempts": 1, "product_version": 0}
    run |= {"lease_until": MOMENT, "created_at": MOMENT, "thread_waits": False}
    said = {"product_name": "Bolts", "currency": "EUR", "provider": "rules", "run_id": "r", "quantity": 17}
    proposal = {**words, **said, "number": 1, "version": 1, "status": "placed", "action": "purchase_order"}
    proposal |= {"rationale": "", "model": "rules", "lead_time_days": 7, "plan": {"mean_per_day": 4.25}}
    proposal |= {"confidence": {}, "review_reasons": [], "concerns": [], "created_at": MOMENT}
    order = {name: words[name] for name in ("product_id", "location", "mode")} | said | {"sequence": 1}
    order |= {"number": "PO-2026-000001", "type": "purchase_order", "placed_by": "automatic", "proposal_number": 1}
    order |= {"product_version": 1, "created_at": MOMENT, "due_at": MOMENT}
    event = {"sequence": 7, "event_id": "e1", "event": "order.placed", "run_id": "r", "payload": {}}
    delivery = {"number": 3, "event_sequence": 7, "receiver": "erp", "status": "pending", "attempts": 0}
    delivery |= {"due_at": MOMENT, "happened_at": MOMENT}
    stored = [("runs", run), ("proposals", proposal), ("orders", order), ("outbox", {**event, "created_at": MOMENT})]
    await asyncio.to_thread(old_book, empty_database_url, "0006", *stored, ("deliveries", delivery))
    await migrate(empty_database_url)

    async with Database(empty_database_url) as database:
        book = OrderBook(database)
        [found] = await open_orders(book, "BOLTS", "SHOP", "database")
        assert (found.status, found.received_quantity, found.cover_days) == ("placed", 0, 4)
        assert found.days_overdue > 0
        assert (await book.deliveries.figures()).pending == 1
        assert (await book.life.receive(found.number, 17, by=ANNA)).status == "received"
        assert [entry.event for entry in await book.audit.page()] == ["order.received"]
