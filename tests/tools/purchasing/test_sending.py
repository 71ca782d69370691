"""A document is sent once, as it was seen, and received whole or in parts."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from tests.order_book import ANNA, record
from tools.book.audit import Actor
from tools.book.book import OrderBook
from tools.purchasing.documents import Document
from tools.purchasing.store import DocumentStore
from tools.records.errors import (
    BelowMinimum,
    DocumentChanged,
    DocumentNotSent,
    IdempotencyMismatch,
    InvalidInput,
    InvalidQuantity,
    OrderClosed,
    UnknownPurchaseOrder,
)
from tools.storage.schema import audit, orders, outbox, purchase_orders, receipts

BEN = Actor(name="ben", id="key_ben")


@pytest.fixture
async def draft(documents: DocumentStore, placed: Any) -> Document:
    """40 BOLTS, 40 NUTS and 40 RODS, at 12.50 each."""
    orders = [await placed(product_id=product) for product in ("BOLTS", "NUTS", "RODS")]
    return await documents.get(orders[0].purchase_order)


@pytest.fixture
async def sent(documents: DocumentStore, draft: Document) -> Document:
    return await documents.send(draft.number, draft.version, by=ANNA)


async def test_with_the_document_its_lines_are_sent_and_their_lead_times_begin(sent: Document, draft: Document) -> None:
    assert (sent.status, sent.sent_by, sent.open_lines) == ("sent", "anna", 3)
    assert {line.sent_at for line in sent.lines} == {sent.sent_at}
    assert {line.due_at - line.sent_at for line in sent.lines if line.sent_at} == {timedelta(days=7)}
    assert [line.number for line in sent.lines] == [line.number for line in draft.lines]


async def test_sending_it_again_changes_nothing(documents: DocumentStore, engine: sa.Engine, sent: Document) -> None:
    assert await documents.send(sent.number, sent.version, by=BEN) == sent
    assert _events(engine, outbox)["order.sent"] == 3


async def test_what_was_not_seen_is_not_sent(documents: DocumentStore, draft: Document, placed: Any) -> None:
    late = await placed(product_id="SCREWS")
    with pytest.raises(DocumentChanged, match=f"now has 4 lines.*not '{draft.version}'"):
        await documents.send(draft.number, draft.version, by=ANNA)
    assert late.purchase_order == draft.number
    assert {line.status for line in (await documents.get(draft.number)).lines} == {"placed"}


async def test_a_line_that_comes_later_goes_to_a_new_draft(
    documents: DocumentStore, sent: Document, placed: Any
) -> None:
    late = await placed(product_id="SCREWS")
    assert late.purchase_order != sent.number
    assert (await documents.get(late.purchase_order)).lines == (late,)
    assert await documents.get(sent.number) == sent


async def test_a_document_without_lines_is_not_sent(documents: DocumentStore, book: OrderBook, draft: Document) -> None:
    for line in draft.lines:
        await book.life.cancel(line.number, "no need", by=ANNA)
    empty = await documents.get(draft.number)
    with pytest.raises(DocumentChanged, match="has no lines"):
        await documents.send(empty.number, empty.version, by=ANNA)


async def test_each_line_is_on_record_and_announced_once_and_so_is_the_document(
    engine: sa.Engine, sent: Document
) -> None:
    assert _events(engine, outbox) == {"order.placed": 3, "order.sent": 3}
    assert _events(engine, audit) == {"order.placed": 3, "order.sent": 3, "purchase_order.sent": 1}
    with engine.connect() as connection:
        payloads = connection.scalars(sa.select(outbox.c.payload).where(outbox.c.event == "order.sent")).all()
        entry = connection.execute(sa.select(audit).where(audit.c.event == "purchase_order.sent")).mappings().one()
    assert {payload["purchase_order"] for payload in payloads} == {sent.number}
    assert (entry["actor"], entry["actor_id"], entry["figures"]["total"]) == ("anna", "key_anna", "1500.00")
    assert entry["figures"]["orders"] == [line.number for line in sent.lines]


async def test_below_the_minimum_it_is_sent_only_if_that_is_wanted(
    documents: DocumentStore, draft: Document, supplier: Any, book: OrderBook
) -> None:
    await supplier(minimum_order_value=2000)
    with pytest.raises(BelowMinimum, match=r"500\.00 EUR below .* 2,000\.00 EUR\. It would be filled up by 40 × PINS"):
        await documents.send(draft.number, draft.version, by=ANNA, fill_up=["40 × PINS"])
    assert (await documents.get(draft.number)).status == "draft"
    sent = await documents.send(draft.number, draft.version, by=ANNA, below_minimum=True)
    assert sent.status == "sent"
    entry = next(each for each in await book.audit.page() if each.event == "purchase_order.sent")
    assert entry.figures["below_minimum"] is True


async def test_at_the_minimum_it_is_sent(documents: DocumentStore, draft: Document, supplier: Any) -> None:
    await supplier(minimum_order_value=1500)
    assert (await documents.send(draft.number, draft.version, by=ANNA)).status == "sent"


async def test_where_the_minimum_cannot_be_compared_a_person_must_say_so(
    documents: DocumentStore, draft: Document, supplier: Any
) -> None:
    await supplier(minimum_order_value=10, currency="USD")
    with pytest.raises(BelowMinimum, match=r"cannot be compared .* 10\.00 USD: it is in EUR"):
        await documents.send(draft.number, draft.version, by=ANNA)
    assert (await documents.send(draft.number, draft.version, by=ANNA, below_minimum=True)).status == "sent"


async def test_a_delivery_closes_every_open_line(documents: DocumentStore, book: OrderBook, sent: Document) -> None:
    await book.life.receive(sent.lines[0].number, 15, by=ANNA)
    await book.life.cancel(sent.lines[1].number, "sold out", by=ANNA)
    received = await documents.receive(sent.number, by=BEN)
    assert (received.status, received.open_lines) == ("closed", 0)
    assert [(line.status, line.received_quantity) for line in received.lines] == [
        ("received", 40),
        ("cancelled", 0),
        ("received", 40),
    ]
    parts = await book.life.receipts([sent.lines[0].number])
    assert [each.quantity for each in parts[sent.lines[0].number]] == [15, 25]
    with pytest.raises(OrderClosed, match="nothing of it is still to come"):
        await documents.receive(sent.number, by=BEN)


async def test_part_of_a_delivery_is_named_by_order_or_by_product(documents: DocumentStore, sent: Document) -> None:
    received = await documents.receive(sent.number, {sent.lines[0].number: 10, "RODS": 41}, by=ANNA)
    assert [(line.status, line.received_quantity) for line in received.lines] == [
        ("partly_received", 10),
        ("sent", 0),
        ("received", 41),
    ]


@pytest.mark.parametrize(
    ("quantities", "error", "words"),
    [
        ({"PINS": 1}, InvalidInput, "has no line 'PINS'"),
        ({"NUTS": 0}, InvalidQuantity, "use more than 0"),
        ({"NUTS": 1, "BOLTS": 10**10}, InvalidQuantity, "use more than 0"),
    ],
)
async def test_a_delivery_is_recorded_whole_or_not_at_all(
    documents: DocumentStore, sent: Document, quantities: dict[str, int], error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        await documents.receive(sent.number, quantities, by=ANNA)
    assert await documents.get(sent.number) == sent


async def test_a_line_is_named_once(documents: DocumentStore, sent: Document, placed: Any) -> None:
    with pytest.raises(InvalidInput, match="two quantities for 'NUTS'"):
        await documents.receive(sent.number, {sent.lines[1].number: 1, "NUTS": 1}, by=ANNA)
    twice = [await placed(), await placed()][0].purchase_order
    document = await documents.get(twice)
    await documents.send(twice, document.version, by=ANNA)
    with pytest.raises(InvalidInput, match="several lines 'BOLTS'; name each line once, by its order number"):
        await documents.receive(twice, {"BOLTS": 1}, by=ANNA)


async def test_a_delivery_with_an_id_counts_once(documents: DocumentStore, engine: sa.Engine, sent: Document) -> None:
    for _ in range(3):
        part = await documents.receive(sent.number, {"NUTS": 15}, by=ANNA, receipt_id="r1")
        assert [line.received_quantity for line in part.lines] == [0, 15, 0]
    with pytest.raises(IdempotencyMismatch):
        await documents.receive(sent.number, {"NUTS": 16}, by=ANNA, receipt_id="r1")
    for _ in range(3):
        assert (await documents.receive(sent.number, by=ANNA, receipt_id="r2")).status == "closed"
    with engine.connect() as connection:
        assert connection.scalar(sa.select(sa.func.sum(receipts.c.quantity))) == 120


async def test_a_draft_takes_no_delivery(documents: DocumentStore, draft: Document) -> None:
    with pytest.raises(DocumentNotSent, match="is a draft; mark it as sent"):
        await documents.receive(draft.number, by=ANNA)


async def test_an_unknown_document_is_named(documents: DocumentStore) -> None:
    for step in (documents.get("PD-1"), documents.send("PD-1", "", by=ANNA), documents.receive("PD-1", by=ANNA)):
        with pytest.raises(UnknownPurchaseOrder, match="'PD-1'"):
            await step


async def test_of_twenty_senders_and_cancels_at_once_every_line_has_one_fate(
    documents: DocumentStore, book: OrderBook, engine: sa.Engine, draft: Document
) -> None:
    async def step(n: int) -> str:
        try:
            if n % 2:
                await documents.send(draft.number, draft.version, by=ANNA)
            else:
                await book.life.cancel(draft.lines[n % 3].number, f"reason {n}", by=BEN)
        except (DocumentChanged, OrderClosed):
            return "refused"
        return "done"

    await asyncio.gather(*map(step, range(20)))
    document, events = await documents.get(draft.number), _events(engine, audit)
    was_sent = document.status != "draft"
    assert events.get("purchase_order.sent", 0) == was_sent
    assert events.get("order.sent", 0) == (3 if was_sent else 0)
    if was_sent:
        assert [line.number for line in document.lines] == [line.number for line in draft.lines]
    _check(engine)


async def test_while_a_document_is_sent_orders_that_are_placed_join_it_or_the_next(
    documents: DocumentStore, book: OrderBook, engine: sa.Engine, new_run: Any, new_proposal: Any, placed: Any
) -> None:
    """Sent is what was seen: a line is among the lines of the version that was sent, or in a later document."""
    await placed()

    async def place(product: str) -> None:
        run = await record(book, new_run(product_id=product), owner="w1", lease_seconds=60)
        await book.orders.place(run.id, new=new_proposal(run.id, product_id=product))

    async def send() -> list[Document]:
        done = []
        for _ in range(15):
            for document in await documents.page():
                if document.status == "draft":
                    try:
                        done.append((document, await documents.send(document.number, document.version, by=ANNA)))
                    except DocumentChanged:
                        continue
        for seen, sent in done:
            assert [line.number for line in seen.lines] == [line.number for line in sent.lines]
        return [sent for _, sent in done]

    _, *senders = await asyncio.gather(asyncio.gather(*(place(f"P{n}") for n in range(30))), send(), send())
    assert any(senders)
    _check(engine)


def _events(engine: sa.Engine, table: sa.Table) -> dict[str, int]:
    query = sa.select(table.c.event, sa.func.count()).group_by(table.c.event)
    with engine.connect() as connection:
        return {row[0]: row[1] for row in connection.execute(query)}


def _check(engine: sa.Engine) -> None:
    """What holds at any time: a line that is placed is in a draft, one in a sent document was sent with it."""
    joined = orders.outerjoin(purchase_orders, purchase_orders.c.number == orders.c.purchase_order)
    query = sa.select(orders.c.status, purchase_orders.c.status, orders.c.sent_at, purchase_orders.c.sent_at)
    with engine.connect() as connection:
        for status, document, sent_at, document_sent_at in connection.execute(query.select_from(joined)):
            assert (status == "placed") == (document == "draft")
            assert document != "sent" or sent_at == document_sent_at
        numbers = connection.scalars(sa.select(purchase_orders.c.number)).all()
    assert sorted(int(number[-6:]) for number in numbers) == list(range(1, len(numbers) + 1))
