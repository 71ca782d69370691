"""The model's search through orders: the same orders as the API lists, with those of other systems, and their sums."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from tests.order_book import ANNA, let_pass
from tools.asking.overview import Overview
from tools.book.book import OrderBook
from tools.find_changes import find_changes
from tools.find_orders import find_orders
from tools.get_order import get_order
from tools.records.errors import InvalidInput, UnknownOrder, UnknownPurchaseOrder

NUTS: dict[str, Any] = {"product_id": "NUTS", "supplier_id": "N1", "supplier_name": "Nuts & Co", "quantity": 30}
TODAY = datetime.now(UTC).date()


def numbers(found: dict[str, Any]) -> list[str]:
    return [order["number"] for order in found["orders"]]


@pytest.fixture
async def orders(book: OrderBook, placed: Any) -> list[Any]:
    """One of today; one of ten days ago that is overdue; one of today that has arrived."""
    made = [await placed(mode="mock"), await placed(**NUTS, unit_price=Decimal("9.99"), mode="mock")]
    made.append(await placed(product_id="PINS", unit_price=None, mode="mock"))
    await let_pass(book, made[1], days=10)
    await book.life.receive(made[2].number, made[2].quantity, by=ANNA)
    return made


async def test_it_lists_what_the_book_lists_and_the_open_orders_of_other_systems(
    overview: Overview, book: OrderBook, orders: list[Any]
) -> None:
    found = await find_orders(overview)
    ours = {order.number for order in await book.orders.page()}
    others = {each.reference for known in (await overview.today()).ordered.values() for each in known} - ours
    assert len(others) == 4, "the sample has four"
    assert set(numbers(found)) == ours | others
    assert found["totals"] == {"orders": 7, "overdue": 2, "value": {"EUR": 799.7}, "without_a_value": 5}


@pytest.mark.parametrize(
    ("filters", "chosen"),
    [
        ({"supplier": "nuts"}, [1]),
        ({"supplier": "N1"}, [1]),
        ({"product_id": "pins"}, [2]),
        ({"location": "shop", "status": "open"}, [0, 1]),
        ({"status": "received"}, [2]),
        ({"status": "overdue", "supplier": "Nuts & Co"}, [1]),
        ({"period": "today"}, [2, 0]),
        ({"until": (TODAY - timedelta(9)).isoformat(), "location": "SHOP"}, [1]),
        ({"value_at_least": 299.71}, [0]),
        ({"value_at_most": 299.70}, [1]),
        ({"value_at_least": 299.71, "value_at_most": 400}, []),
        ({"quantity_at_least": 30, "quantity_at_most": 30}, [1]),
        ({"quantity_at_least": 31, "supplier": "nuts"}, []),
        ({"due_until": "1 days ago", "location": "SHOP"}, [1]),
        ({"days_overdue_at_least": 1e-9, "location": "SHOP"}, [1]),
        ({"days_overdue_at_least": 10, "location": "SHOP"}, []),
        ({"words": "nuts shop"}, [1]),
        ({"placed_by": "Automatic", "location": "SHOP", "sort": "value"}, [0, 1, 2]),
        ({"location": "SHOP", "sort": "overdue", "limit": 1}, [1]),
    ],
)
async def test_filters_narrow_together(
    overview: Overview, orders: list[Any], filters: dict[str, Any], chosen: list[int]
) -> None:
    assert numbers(await find_orders(overview, **filters)) == [orders[each].number for each in chosen]


async def test_groups_have_the_sums_of_all_their_orders(overview: Overview, orders: list[Any]) -> None:
    found = await find_orders(overview, group_by="supplier", location="SHOP")
    assert found["groups_in_all"] == 2
    assert found["groups"] == [
        {"supplier": "Acme Fasteners", "orders": 2, "overdue": 0, "value": {"EUR": 500.0}, "without_a_value": 1},
        {"supplier": "Nuts & Co", "orders": 1, "overdue": 1, "value": {"EUR": 299.7}},
    ]


async def test_totals_count_what_is_not_shown(overview: Overview, placed: Any) -> None:
    for _ in range(25):
        await placed(mode="mock")
    found = await find_orders(overview, location="SHOP")
    assert (len(found["orders"]), found["totals"]["orders"]) == (20, 25)


async def test_a_word_that_fits_neither_an_order_nor_a_product_is_named(overview: Overview, orders: list[Any]) -> None:
    assert (await find_orders(overview, words="gizmos"))["unknown_words"] == ("gizmos",)
    known = await find_orders(overview, words="titanium")
    assert ("unknown_words" in known, known["orders"]) == (False, [])


async def test_a_supplier_that_is_none_is_refused_with_those_there_are(overview: Overview) -> None:
    with pytest.raises(InvalidInput, match=r"No supplier 'nobody'\? There are: .*Lakeside Alloys"):
        await find_orders(overview, supplier="nobody")
    assert (await find_orders(overview, supplier="lakeside"))["totals"]["orders"] == 0


async def test_an_order_says_where_it_stands_who_placed_it_and_why(
    overview: Overview, book: OrderBook, waiting: Any
) -> None:
    review = await waiting(mode="mock", review_reasons=("Too dear.",))
    view = await book.reviews.decide(review.id, decision="approve", reason="fine", decided_by="Anna")
    number = view.order.number if view.order else ""
    await book.life.receive(number, 15, by=ANNA)

    told = await get_order(overview, number.lower())

    assert (told["number"], told["status"], told["received"], told["placed_by"]) == (
        number,
        "partly_received",
        15,
        "Anna",
    )
    assert told["receipts"] == [{"quantity": 15, "received": TODAY.isoformat(), "by": "anna"}]
    assert (told["reason"], told["decision_reason"]) == (review.plan.reason, "fine")
    assert (told["review_id"], told["review_reasons"]) == (review.id, ("Too dear.",))


async def test_a_purchase_order_has_its_lines_and_an_order_of_another_system_its_days(
    overview: Overview, orders: list[Any]
) -> None:
    document = await get_order(overview, orders[0].purchase_order)
    assert [line["number"] for line in document["lines"]] == [orders[0].number]
    assert (await get_order(overview, "erp-10403"))["days_overdue"] > 30


async def test_a_number_that_no_order_has_is_refused(overview: Overview) -> None:
    with pytest.raises(UnknownOrder):
        await get_order(overview, "PO-2026-999999")
    with pytest.raises(UnknownPurchaseOrder):
        await get_order(overview, "PD-2026-999999")
    with pytest.raises(InvalidInput, match="get_review"):
        await get_order(overview, "RV-000001")


async def test_a_bound_of_value_says_how_many_orders_of_unknown_value_it_leaves_out(
    overview: Overview, orders: list[Any]
) -> None:
    found = await find_orders(overview, location="SHOP", value_at_least=400)
    assert numbers(found) == [orders[0].number]
    assert found["left_out_of_unknown_value"] == 1
    assert "left_out_of_unknown_value" not in await find_orders(overview, location="SHOP")


@pytest.mark.parametrize("due", ["today", "tomorrow", "this_week", "next_week", "this_month", "next_month"])
async def test_orders_are_sought_by_when_they_are_due(overview: Overview, orders: list[Any], due: Any) -> None:
    every, found = await find_orders(overview), await find_orders(overview, due=due)
    first, last = found["due_from"], found["due_until"]
    assert numbers(found) == [each["number"] for each in every["orders"] if first <= each["due"] <= last]
    assert found["totals"]["orders"] == len(found["orders"])


async def test_a_cancelled_order_is_counted_and_costs_nothing(
    overview: Overview, book: OrderBook, orders: list[Any]
) -> None:
    before = (await find_orders(overview, location="SHOP"))["totals"]
    await book.life.cancel(orders[1].number, by=ANNA, reason="too much")
    after = (await find_orders(overview, location="SHOP"))["totals"]
    assert (after["orders"], after["cancelled"]) == (before["orders"], 1)
    assert after["value"]["EUR"] == round(before["value"]["EUR"] - 299.7, 2)


async def test_the_least_value_comes_first_and_an_unknown_one_last(overview: Overview, orders: list[Any]) -> None:
    found = await find_orders(overview, sort="least_value", location="SHOP")
    assert [order.get("value") for order in found["orders"]] == [299.7, 500.0, None]


async def test_what_was_received_is_among_the_changes(overview: Overview, orders: list[Any]) -> None:
    found = await find_changes(overview, event="order.received", period="today")
    assert found["totals"] == {"order.received": 1}
    assert found["changes"][0]["order_number"] == orders[2].number
