"""An order that becomes late is told of once, and again when it is due anew."""

import asyncio
from typing import Any

import sqlalchemy as sa

from tests.order_book import ANNA, let_pass
from tools.book.book import OrderBook
from tools.book.lateness import tell_of_late_orders
from tools.storage.database import Database
from tools.storage.schema import outbox


def told(book: OrderBook) -> list[str]:
    """The orders that were told of, one after the other."""
    with book.database.engine.begin() as connection:
        late = sa.select(outbox.c.payload).where(outbox.c.event == "order.late").order_by(outbox.c.sequence)
        return [payload["number"] for payload in connection.scalars(late)]


async def test_an_order_that_becomes_late_is_told_of_once(book: OrderBook, placed: Any) -> None:
    late, in_time = await placed(lead_time_days=7), await placed(product_id="NUTS", lead_time_days=7)
    await tell_of_late_orders(book.database)
    assert told(book) == []

    await let_pass(book, late, days=7.5)
    await let_pass(book, in_time, days=6.5)
    for _ in range(2):
        await tell_of_late_orders(book.database)

    assert told(book) == [late.number]


async def test_an_order_that_is_due_anew_is_told_of_anew(book: OrderBook, placed: Any) -> None:
    order = await placed(lead_time_days=7)
    await let_pass(book, order, days=7.5)
    await tell_of_late_orders(book.database)

    sent = await book.life.mark_sent(order.number, by=ANNA)
    await tell_of_late_orders(book.database)
    assert told(book) == [order.number]

    await let_pass(book, sent, days=7.5)
    moved = sa.update(outbox).values(created_at=sent.created_at)  # as if the first had been told of days ago
    await book.database.write(lambda connection: connection.execute(moved) and None)
    await tell_of_late_orders(book.database)
    assert told(book) == [order.number] * 2


async def test_what_has_come_or_will_not_and_what_is_late_for_days_is_no_news(book: OrderBook, placed: Any) -> None:
    received, cancelled, old = [await placed(product_id=name, lead_time_days=7) for name in ("A", "B", "C")]
    await book.life.receive(received.number, 40, by=ANNA)
    await book.life.cancel(cancelled.number, "no need", by=ANNA)
    for order, days in ((received, 7.5), (cancelled, 7.5), (old, 11)):
        await let_pass(book, order, days=days)

    await tell_of_late_orders(book.database)

    assert told(book) == []


async def test_processes_that_look_at_once_tell_of_it_once(book: OrderBook, placed: Any, database_url: str) -> None:
    for name in "ABCDE":
        await let_pass(book, await placed(product_id=name, lead_time_days=7), days=7.5)
    async with Database(database_url) as one, Database(database_url) as two:
        await asyncio.gather(*(tell_of_late_orders(each) for each in (one, two, one, two)))

    assert len(told(book)) == len(set(told(book))) == 5
