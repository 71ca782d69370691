"""The model's search through suppliers: terms, lateness, what is open and what is to be ordered."""

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from tests.order_book import ANNA, let_pass
from tests.own_catalogue import ACME, keep_bolts
from tools.asking.overview import Overview
from tools.book.book import OrderBook
from tools.explain_method import TOPICS, explain_method
from tools.find_suppliers import find_suppliers
from tools.storage import catalogue_schema as tables


def names(found: dict[str, Any]) -> list[str]:
    return [each["name"] for each in found["suppliers"]]


async def test_every_supplier_of_the_sample_has_the_figures_of_its_products(overview: Overview) -> None:
    listed = await overview.today()
    found = await find_suppliers(overview)
    assert found["totals"] == {"suppliers": len({row.supplier_id for row in listed.rows})}
    assert names(found) == sorted(names(found))
    for told in found["suppliers"]:
        own = [row for row in listed.rows if row.supplier_id == told["supplier_id"]]
        due = [row for row in own if row.is_to_order and row.action == "purchase_order"]
        assert told["products"] == len({row.product_id for row in own})
        assert told["products_to_order"] == len(due)
        worth = round(sum(float(row.value) for row in due if row.value is not None), 2)
        assert told.get("value_to_order", {"USD": 0}) == {"USD": worth}


async def test_suppliers_are_found_by_words_and_by_what_they_owe(overview: Overview) -> None:
    assert names(await find_suppliers(overview, words="lakeside")) == ["Lakeside Alloys"]
    assert names(await find_suppliers(overview, with_late_orders=True)) == ["Northside Maintenance Supply"]
    assert len(names(await find_suppliers(overview, with_orders_due=True))) == 11
    assert (await find_suppliers(overview, words="nobody"))["unknown_words"] == ("nobody",)


@pytest.mark.parametrize(
    ("sort", "first"),
    [("slowest", "Farland Imports"), ("latest", "Lakeside Alloys"), ("most_to_order", "Farland Imports")],
)
async def test_suppliers_are_ranked(overview: Overview, sort: Any, first: str) -> None:
    assert names(await find_suppliers(overview, sort=sort, limit=1)) == [first]


async def test_terms_open_orders_and_lead_times_of_your_own_catalogue(
    engine: sa.Engine, overview: Overview, book: OrderBook, placed: Any
) -> None:
    keep_bolts(engine)
    terms = ACME["terms"] | {"minimum_order_value": "250", "order_days": ["mon", "thu"]}  # type: ignore[operator]
    with engine.begin() as connection:
        connection.execute(sa.update(tables.suppliers).values(terms=terms))
    came, late = await placed(mode="database"), await placed(mode="database")
    await let_pass(book, came, days=9)
    await book.life.receive(came.number, came.quantity, by=ANNA)
    await let_pass(book, late, days=30)

    [told] = (await find_suppliers(overview))["suppliers"]

    assert (told["minimum_order_value"], told["order_days"]) == (250.0, ["mon", "thu"])
    assert told["next_order_day"] <= ((await overview.today()).day + timedelta(4)).isoformat()
    assert (told["open_orders"], told["late_orders"], told["open_value"]) == (1, 1, {"EUR": 500.0})
    assert (told["deliveries"], told["later_than_promised"]) == (1, 1)
    assert told["mean_lead_time_days"] == pytest.approx(9, abs=0.1)


async def test_every_topic_is_explained() -> None:
    for topic, text in TOPICS.items():
        assert (await explain_method(None, topic)) == {"topic": topic, "explanation": text}
        assert 40 < len(text) < 700


async def test_suppliers_are_found_by_what_they_supply_and_by_their_lead_time(overview: Overview) -> None:
    assert names(await find_suppliers(overview, words="helmets")) == ["Guardian Safety Wear"]
    slow = names(await find_suppliers(overview, lead_time_at_least=20))
    assert slow == ["Farland Imports"]
    assert not {*slow} & {*names(await find_suppliers(overview, lead_time_at_most=19.9))}


async def test_the_fastest_and_the_most_punctual_come_first(overview: Overview) -> None:
    assert (
        names(await find_suppliers(overview, sort="fastest"))
        == names(await find_suppliers(overview, sort="slowest"))[::-1]
    )
    told = (await find_suppliers(overview, sort="most_punctual"))["suppliers"]
    shares = [each["later_than_promised"] / each["deliveries"] for each in told]
    assert shares == sorted(shares)
