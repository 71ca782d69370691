"""Lists of orders and reviews are narrowed by supplier, place, day, lateness and value, on each database alike."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa

from tests.order_book import ANNA, let_pass, record
from tools.book.book import OrderBook
from tools.book.filters import Filters
from tools.storage.schema import proposals

MANY: list[dict[str, Any]] = [
    {"product_id": "A", "quantity": 100, "unit_price": Decimal("1.15")},
    {
        "product_id": "B",
        "quantity": 30,
        "unit_price": Decimal("9.99"),
        "supplier_id": "N1",
        "supplier_name": "Nuts Übel",
    },
    {"product_id": "C", "product_name": "Müller's 5 % mix", "location": "DEPOT", "unit_price": None},
]
"""Worth 115.00, 299.70, and not known."""


async def _orders(book: OrderBook, **filters: Any) -> str:
    found = await book.orders.page(filters=Filters(**filters))
    assert await book.orders.count(filters=Filters(**filters)) == len(found)
    return "".join(sorted(order.product_id for order in found))


async def _reviews(book: OrderBook, **filters: Any) -> str:
    found = await book.reviews.page("pending", filters=Filters(**filters))
    assert await book.reviews.count("pending", Filters(**filters)) == len(found)
    return "".join(sorted(review.product_id for review in found))


@pytest.fixture(params=["orders", "reviews"])
async def listed(request: pytest.FixtureRequest, book: OrderBook, placed: Any, new_run: Any, new_proposal: Any) -> Any:
    """Lists the orders, or the reviews, of A, B and C."""
    for changes in MANY:
        if request.param == "orders":
            await placed(**changes)
            continue
        about = {name: changes[name] for name in ("product_id", "location") if name in changes}
        run = await record(book, new_run(**about), owner="w", lease_seconds=60)
        await book.orders.propose(new_proposal(run.id, **changes), route="review", expires_in_hours=99)

    async def names(**filters: Any) -> str:
        return await (_orders if request.param == "orders" else _reviews)(book, **filters)

    return names


async def test_supplier_location_and_product_narrow_a_list(listed: Any) -> None:
    assert await listed() == "ABC"
    assert await listed(supplier="N1") == await listed(supplier="NUTS ÜBEL") == "B"
    assert await listed(supplier="nut") == await listed(supplier="n1") == "B"
    assert await listed(supplier="N_1") == await listed(product="5_%") == ""
    assert await listed(product="MÜLL") == await listed(product="5 %") == "C"
    assert await listed(location="DEPOT") == await listed(product_id="C") == "C"
    assert await listed(location="SHOP", supplier="ACME") == "A"


@pytest.mark.parametrize(
    ("value", "names"), [("0", "AB"), ("115", "AB"), ("115.01", "B"), ("299.70", "B"), ("300", "")]
)
async def test_a_value_is_the_least_and_what_has_no_price_does_not_reach_it(
    listed: Any, value: str, names: str
) -> None:
    """100 × 1.15 is less than 115 in floats."""
    assert await listed(value=Decimal(value)) == names


async def test_a_span_begins_at_its_first_moment_and_ends_before_its_last(listed: Any) -> None:
    now = datetime.now(UTC)
    assert await listed(since=now - timedelta(minutes=9), until=now + timedelta(minutes=9)) == "ABC"
    assert await listed(until=now - timedelta(minutes=9)) == await listed(since=now + timedelta(minutes=9)) == ""


async def test_an_order_is_late_once_it_is_due_and_open(book: OrderBook, placed: Any) -> None:
    late, closed, _ = [await placed(product_id=name, lead_time_days=5) for name in "ABC"]
    for order in (late, closed):
        await let_pass(book, order, days=6)
    await book.life.cancel(closed.number, "no need", by=ANNA)
    assert (await _orders(book, late=True), await _orders(book, late=False)) == ("A", "BC")


async def test_a_review_is_late_once_it_has_waited_for_a_day(
    book: OrderBook, engine: sa.Engine, new_run: Any, new_proposal: Any
) -> None:
    for name, hours in (("A", 25), ("B", 23)):
        run = await record(book, new_run(product_id=name), owner="w", lease_seconds=60)
        await book.orders.propose(new_proposal(run.id, product_id=name), route="review", expires_in_hours=99)
        waits = sa.update(proposals).where(proposals.c.product_id == name)
        with engine.begin() as connection:
            connection.execute(waits.values(created_at=datetime.now(UTC) - timedelta(hours=hours)))
    assert (await _reviews(book, late=True), await _reviews(book, late=False)) == ("A", "B")
