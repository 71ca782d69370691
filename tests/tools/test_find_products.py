"""The model's search: the numbers of each product's own plan, and nothing left out in silence."""

from typing import Any

import pytest
import sqlalchemy as sa

from benchmarks.own_catalogue import make_catalogue
from tests.order_book import let_pass
from tests.own_catalogue import BOLTS, demand_row, put, stock_row
from tools.asking.overview import Overview
from tools.book.book import OrderBook
from tools.catalog.live import LiveCatalog
from tools.catalog.own import OwnCatalog
from tools.catalog.products import number, plan_of
from tools.catalog.sources import SampleCatalog
from tools.find_products import find_products
from tools.storage import catalogue_schema as tables
from tools.sweep.lists import TodayLists


@pytest.fixture
def today(book: OrderBook) -> Overview:
    return Overview(book, TodayLists(book))


async def _same_as_its_plan(row: dict[str, Any], catalog: LiveCatalog) -> None:
    plan = plan_of(await catalog.family(row["product_id"], row["location"]))
    for name in ("on_hand", "on_order", "inventory_position"):
        assert row[name] == number(getattr(plan, name))
    assert row["reorder_point"] == number(plan.reorder_point, 2)
    assert row["days_until_stockout"] == number(plan.days_until_stockout, 1)
    assert (row["recommended_action"], row["order_quantity"]) == (plan.recommended_action, plan.order_quantity)


async def test_every_product_of_the_sample_has_the_numbers_of_its_own_plan(book: OrderBook, today: Overview) -> None:
    catalog = LiveCatalog(SampleCatalog(), book, "mock")
    found = await find_products(today, limit=100)
    assert found["total"] == len(found["products"]) == len(await catalog.all_facts())
    for row in found["products"]:
        await _same_as_its_plan(row, catalog)
    actions = [row["recommended_action"] != "none" for row in found["products"]]
    assert actions == sorted(actions, reverse=True)


async def test_every_product_of_your_own_catalogue_has_the_numbers_of_its_own_plan(
    engine: sa.Engine, book: OrderBook, today: Overview, placed: Any
) -> None:
    make_catalogue(engine, 40, days=90, due=0.3)
    put(engine, tables.stock, stock_row("P000003", "DEPOT", on_hand=5_000))
    put(engine, tables.demand, demand_row(product_id="P000003", location="DEPOT"))
    order = await placed(product_id="P000002", location="MAIN", mode="database", quantity=30)

    found = await find_products(today, limit=100)

    assert found["total"] == len(found["products"]) == 41
    for row in found["products"]:
        await _same_as_its_plan(row, LiveCatalog(OwnCatalog(book.database), book, "database"))
    [ordered] = (await find_products(today, status="on_order"))["products"]
    assert (ordered["product_id"], ordered["open_orders"][0]["reference"]) == ("P000002", order.number)


async def test_words_a_location_and_a_state_narrow_the_search(today: Overview) -> None:
    steel = await find_products(today, words="Steel_sheets")
    assert {row["product_id"] for row in steel["products"]} == {"STEEL_SHEETS"}
    there = await find_products(today, words="steel sheets", location="Chicago")
    assert [row["location"] for row in there["products"]] == ["Chicago"]
    due = await find_products(today, status="needs_order", limit=2)
    assert (len(due["products"]), due["total"] > 2) == (2, True)
    assert all(row["recommended_action"] != "none" for row in due["products"])
    late = await find_products(today, status="overdue", limit=100)
    assert late["products"]
    assert all(any(order["due_in_days"] < 0 for order in row["open_orders"]) for row in late["products"])


async def test_products_that_cannot_be_planned_are_counted(engine: sa.Engine, today: Overview) -> None:
    make_catalogue(engine, 3, days=60)
    put(engine, tables.products, BOLTS, BOLTS | {"id": "NUTS", "name": "Nuts"})
    found = await find_products(today)
    assert (found["total"], found["needs_data"]) == (3, 2)
    assert (await find_products(today, words="nuts"))["needs_data"] == 1
    assert "needs_data" not in await find_products(today, words="Product 1")


async def test_an_order_becomes_overdue_by_the_clock_alone(book: OrderBook, today: Overview, placed: Any) -> None:
    order = await placed(product_id="STEEL_SHEETS", location="Chicago", mode="mock", quantity=30)
    of_it = {"words": "steel sheets", "location": "Chicago"}

    async def late() -> list[Any]:
        found = (await find_products(today, status="overdue", **of_it))["products"]  # type: ignore[arg-type]
        return [each["reference"] for row in found for each in row["open_orders"] if each["due_in_days"] < 0]

    assert order.number not in await late()
    await let_pass(book, order, days=60)
    assert order.number in await late()
    [row] = [row for row in (await today.today()).rows if row.place == ("STEEL_SHEETS", "Chicago")]
    assert order.number in row.late_orders


async def test_orders_of_products_in_no_catalogue_come_last_with_their_orders_alone(
    book: OrderBook, today: Overview, placed: Any
) -> None:
    order = await placed(product_id="X_77", location="default", mode="input", quantity=30)
    found = await find_products(today, status="on_order", limit=100)
    assert found["products"][-1] == {
        "product_id": "X_77",
        "location": "default",
        "open_orders": [found["products"][-1]["open_orders"][0] | {"reference": order.number, "quantity": 30}],
    }
    assert (await find_products(today, words="x 77", status="on_order"))["total"] == 1
    assert (await find_products(today, words="x 77", status="on_order", location="Chicago"))["total"] == 0
    assert (await find_products(today, words="x 77", status="overdue"))["total"] == 0
    await let_pass(book, order, days=60)
    assert (await find_products(today, words="x 77", status="overdue"))["total"] == 1
    assert (await find_products(today, words="x 77"))["total"] == 0


async def test_figures_narrow_the_search_and_totals_are_of_all_that_fit(today: Overview) -> None:
    rows = (await find_products(today, limit=100))["products"]
    soon = await find_products(today, days_left_at_most=3, location="chicago", limit=1)
    fitting = [row for row in rows if row["location"] == "Chicago" and (row["days_until_stockout"] or 9) <= 3]
    assert (soon["total"], len(soon["products"])) == (len(fitting), 1)

    long = await find_products(today, days_left_at_least=90, limit=100)
    lasting = [row for row in rows if row["days_until_stockout"] is None or row["days_until_stockout"] >= 90]
    assert {row["product_id"] for row in long["products"]} == {row["product_id"] for row in lasting}

    cheap = await find_products(today, status="needs_order", value_at_most=500, limit=100)
    assert {row["product_id"] for row in cheap["products"]} == {
        row["product_id"] for row in rows if row["recommended_action"] != "none" and row.get("order_value", 501) <= 500
    }

    dear = await find_products(today, status="needs_order", value_at_least=10_000, limit=100)
    wanted = [row for row in rows if row.get("order_value", 0) >= 10_000]
    assert {row["product_id"] for row in dear["products"]} == {row["product_id"] for row in wanted}
    assert dear["totals"]["value"]["USD"] == pytest.approx(sum(row["order_value"] for row in wanted))

    lakeside = await find_products(today, words="Lakeside", category="metals", limit=100)
    assert {row["supplier"] for row in lakeside["products"]} == {"Lakeside Alloys"}
    assert (await find_products(today, supplier="lakeside", limit=100))["products"] == lakeside["products"]
    too_much = await find_products(today, cover="too_much", sort="stock_value")
    values = [row["stock_value"] for row in too_much["products"]]
    assert values == sorted(values, reverse=True) and values
    lumpy = await find_products(today, demand_class="lumpy", limit=100)
    assert 0 < lumpy["total"] < len(rows)


@pytest.mark.parametrize("by", ["supplier", "category", "location", "status"])
async def test_groups_add_up_to_the_totals(today: Overview, by: Any) -> None:
    found = await find_products(today, status="needs_order", group_by=by)
    value = sum(group["value"].get("USD", 0) for group in found["groups"])
    assert value == pytest.approx(found["totals"]["value"]["USD"])
    assert sum(group["to_order"] for group in found["groups"]) == found["total"]


@pytest.mark.parametrize(
    ("sort", "column"),
    [("value", "order_value"), ("quantity", "order_quantity"), ("lost_revenue", "lost_revenue_per_day")],
)
async def test_products_are_ranked_by_a_figure(today: Overview, sort: Any, column: str) -> None:
    ranked = (await find_products(today, status="needs_order", sort=sort, limit=5))["products"]
    every = (await find_products(today, status="needs_order", limit=100))["products"]
    figures = sorted((row.get(column, 0) for row in every), reverse=True)
    assert [row.get(column, 0) for row in ranked] == figures[:5]


async def test_words_that_fit_no_product_are_named(today: Overview) -> None:
    found = await find_products(today, words="steel gizmos")
    assert (found["total"], found["unknown_words"]) == (0, ("gizmos",))
    assert (await find_products(today, words="stl sheets"))["taken_as"]


async def test_products_that_have_not_sold_since_a_day_are_found(today: Overview) -> None:
    rows = (await today.today()).rows
    day = max(row.last_sold for row in rows if row.last_sold)
    found = await find_products(today, not_sold_since=day.isoformat(), limit=100)
    quiet = {row.place for row in rows if row.status != "needs_data" and (row.last_sold is None or row.last_sold < day)}
    assert {(row["product_id"], row["location"]) for row in found["products"]} == quiet
    assert 0 < len(quiet) < len(rows)


async def test_stock_on_hand_and_the_day_it_is_gone_narrow(today: Overview) -> None:
    every = (await find_products(today, limit=100))["products"]
    gone = await find_products(today, on_hand_at_most=0)
    assert {row["product_id"] for row in gone["products"]} == {"DUST_MASKS_FFP2"}
    many = await find_products(today, on_hand_at_least=1_000, limit=100)
    assert many["total"] == sum(row["on_hand"] >= 1_000 for row in every)
    soon = await find_products(today, runs_out_by="in 3 days", limit=100)
    lasting = [row["days_until_stockout"] for row in every if row["days_until_stockout"] is not None]
    assert soon["total"] == sum(days <= 3 for days in lasting)
    assert (await find_products(today, runs_out="tomorrow"))["total"] <= soon["total"]


async def test_transfers_are_found_by_themselves_and_cheap_orders_first(today: Overview) -> None:
    moved = await find_products(today, status="needs_transfer")
    assert moved["total"] and {row["recommended_action"] for row in moved["products"]} == {"transfer"}
    values = [
        row["order_value"] for row in (await find_products(today, sort="least_value", value_at_least=1))["products"]
    ]
    assert values == sorted(values)
