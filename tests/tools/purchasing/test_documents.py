"""What a document says of itself: money, what is missing to its supplier's terms, and whether it is late."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa

from tests.order_book import ANNA, let_pass
from tools.book.book import OrderBook
from tools.purchasing.documents import document_of
from tools.purchasing.reading import Wanted
from tools.purchasing.store import DocumentStore
from tools.purchasing.terms import WEEKDAYS, Terms, next_order_day
from tools.storage.catalogue_schema import catalogue

MONDAY = datetime(2026, 11, 30, 12, tzinfo=UTC)


async def test_a_draft_says_what_is_missing_to_the_minimum_and_to_free_freight(
    documents: DocumentStore, placed: Any, supplier: Any
) -> None:
    await supplier(minimum_order_value=400, free_freight_value=750.5, lead_time_days=14)
    draft = await documents.get((await placed()).purchase_order)
    assert (draft.minimum_order_value, draft.missing_to_minimum) == (400, 0)
    assert (draft.free_freight_value, draft.missing_to_free_freight) == (Decimal("750.5"), Decimal("250.5"))
    sent = await documents.send(draft.number, draft.version, by=ANNA)
    assert (sent.missing_to_minimum, sent.missing_to_free_freight) == (None, None)


async def test_a_minimum_of_nothing_is_none(documents: DocumentStore, placed: Any, supplier: Any) -> None:
    await supplier(minimum_order_value=0)
    draft = await documents.get((await placed()).purchase_order)
    assert (draft.minimum_order_value, draft.missing_to_minimum) == (None, None)


async def test_terms_are_those_of_the_own_catalogue(documents: DocumentStore, placed: Any, supplier: Any) -> None:
    await supplier(minimum_order_value=1000)
    draft = await documents.get((await placed(mode="mock")).purchase_order)
    assert draft.minimum_order_value is None


@pytest.mark.parametrize(("minimum", "missing"), [(500, 0), (501, None)])
async def test_lines_without_a_price_leave_it_open_what_is_missing(
    documents: DocumentStore, placed: Any, supplier: Any, minimum: int, missing: int | None
) -> None:
    await supplier(minimum_order_value=minimum)
    await placed()
    draft = await documents.get((await placed(product_id="NUTS", unit_price=None)).purchase_order)
    assert (draft.total, draft.unpriced_lines, draft.missing_to_minimum) == (None, 1, missing)
    assert draft.lacks_minimum is (missing is None)


async def test_values_without_a_currency_are_in_that_of_the_catalogue(
    documents: DocumentStore, placed: Any, supplier: Any
) -> None:
    await supplier(minimum_order_value=1000, currency=None)
    draft = await documents.get((await placed()).purchase_order)
    assert (draft.terms_currency, draft.missing_to_minimum) == ("USD", None)
    _set(documents, "currency", "EUR")
    draft = await documents.get(draft.number)
    assert (draft.terms_currency, draft.missing_to_minimum) == ("EUR", 500)


async def test_a_draft_is_late_after_a_day_and_listed_as_such(
    documents: DocumentStore, book: OrderBook, placed: Any
) -> None:
    order = await placed()
    await let_pass(book, order, days=0.99)
    assert (await documents.get(order.purchase_order)).late is False
    await let_pass(book, await book.orders.get(order.number), days=0.02)
    assert [each.late for each in await documents.page(wanted=Wanted(late=True))] == [True]
    assert await documents.page(wanted=Wanted(late=False)) == []


async def test_a_sent_document_is_late_when_a_line_is_overdue(
    documents: DocumentStore, book: OrderBook, placed: Any
) -> None:
    draft = await documents.get((await placed(lead_time_days=7)).purchase_order)
    await documents.send(draft.number, draft.version, by=ANNA)
    assert await documents.count(Wanted(late=True)) == 0
    await let_pass(book, await book.orders.get(draft.lines[0].number), days=8)
    [late] = await documents.page(wanted=Wanted(late=True))
    assert (late.status, late.late) == ("sent", True)
    await documents.receive(draft.number, by=ANNA)
    assert await documents.count(Wanted(late=True)) == 0


@pytest.mark.parametrize(
    ("order_days", "opened", "late"),
    [
        (["wed"], timedelta(days=3), False),
        (["wed"], timedelta(days=6), True),
        (["mon"], timedelta(days=0), False),
        (["mon"], timedelta(days=6), False),
        (["sun"], timedelta(days=1), True),
        ([], timedelta(days=1), False),
        ([], timedelta(days=1, seconds=1), True),
    ],
)
def test_a_draft_is_late_once_an_order_day_has_passed_it(order_days: list[str], opened: timedelta, late: bool) -> None:
    """On a Monday. A draft of Friday waits for Wednesday; one of Tuesday has missed it."""
    row = dict.fromkeys(("number", "supplier_id", "supplier_name", "location", "sent_by"), "")
    row |= {"currency": "EUR", "mode": "database", "status": "draft", "created_at": MONDAY - opened, "sent_at": None}
    terms = Terms(order_days=frozenset(order_days))
    document = document_of(row, [], terms, now=MONDAY, time_zone="UTC", base_currency="EUR")
    assert document.late is late


@pytest.mark.parametrize(("zone", "day"), [("UTC", 30), ("Asia/Tokyo", 1), ("America/New_York", 30)])
def test_days_are_those_of_the_catalogues_time_zone(zone: str, day: int) -> None:
    """Monday 20:00 UTC is Tuesday in Tokyo."""
    row = dict.fromkeys(("number", "supplier_id", "supplier_name", "location", "sent_by"), "")
    row |= {"currency": "EUR", "mode": "database", "status": "draft", "created_at": MONDAY, "sent_at": None}
    terms = Terms(order_days=frozenset({"mon", "tue"}))
    evening = MONDAY + timedelta(hours=8)
    document = document_of(row, [], terms, now=evening, time_zone=zone, base_currency="EUR")
    assert document.next_order_day is not None
    assert document.next_order_day.day == day


def test_the_next_order_day_may_be_today_and_is_none_where_every_day_is_one() -> None:
    days = [date(2026, 11, 30) + timedelta(days=n) for n in range(7)]
    assert [WEEKDAYS[day.weekday()] for day in days] == list(WEEKDAYS)
    assert [next_order_day(["mon", "thu"], day) for day in days] == [
        days[0],
        *[days[3]] * 3,
        *[days[0] + timedelta(days=7)] * 3,
    ]
    assert next_order_day([], days[0]) is None


def _set(documents: DocumentStore, name: str, value: str) -> None:
    with documents.database.engine.begin() as connection:
        connection.execute(sa.insert(catalogue).values(name=name, value=value))
