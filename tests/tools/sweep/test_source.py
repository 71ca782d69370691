"""Today's list of the own catalogue: the scan and the plans of single products agree, and nothing is left out."""

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from benchmarks.own_catalogue import another_day, make_catalogue
from tests.order_book import ANNA, let_pass, record
from tests.own_catalogue import BOLTS, STEADY, YESTERDAY, demand_row, keep_bolts, put, stock_row
from tools.book.book import OrderBook
from tools.catalog.live import LiveCatalog
from tools.catalog.own import VERSION, OwnCatalog
from tools.catalog.products import plan_of
from tools.storage import catalogue_schema as tables
from tools.storage.schema import counters
from tools.sweep.lists import TodayLists
from tools.sweep.source import Source
from tools.sweep.today_rows import TodayRow


async def rows_of(book: OrderBook) -> dict[tuple[str, str], TodayRow]:
    found = await TodayLists(book).present()
    assert found.mode == "database"
    return {row.place: row for row in found.rows}


@pytest.mark.parametrize(
    "target", [{"service_type": "fill_rate"}, {"service_type": "profit", "unit_profit": "3", "holding_cost": "9"}]
)
async def test_every_row_has_the_numbers_of_the_products_own_plan_with_our_orders_counted(
    engine: sa.Engine, book: OrderBook, placed: Any, target: dict[str, str]
) -> None:
    make_catalogue(engine, 60, days=90, due=0.3)
    put(engine, tables.stock, stock_row("P000003", "DEPOT", on_hand=5_000))
    put(engine, tables.demand, demand_row(product_id="P000003", location="DEPOT"))
    put(engine, tables.products, BOLTS | {"terms": target | {"lead_time_days": 5}})
    put(engine, tables.stock, stock_row(location="MAIN", on_hand=70))
    put(engine, tables.demand, demand_row(location="MAIN"))
    late = await placed(product_id="P000001", location="MAIN", mode="database", quantity=30)
    await let_pass(book, late, days=20)
    part = await placed(product_id="P000002", location="MAIN", mode="database", quantity=30)
    await book.life.receive(part.number, 10, by=ANNA)

    rows = await rows_of(book)
    live = LiveCatalog(OwnCatalog(book.database), book, "database")
    everything = await live.all_facts()
    assert len(rows) == len(everything) == 62
    for facts in everything:
        row = rows[facts.product.id, facts.stock.location]
        plan = plan_of(await live.family(*row.place))
        assert (row.quantity, row.action) == (plan.order_quantity, plan.recommended_action)
        figures = (row.on_hand, row.on_order, row.reorder_point, row.inventory_position, row.mean_per_day)
        own = (plan.on_hand, plan.on_order, plan.reorder_point, plan.inventory_position, plan.mean_per_day)
        assert figures == pytest.approx(own, rel=1e-9)
        assert row.days_left == pytest.approx(plan.days_until_stockout, rel=1e-9)
    assert (rows["P000001", "MAIN"].status, rows["P000001", "MAIN"].late_orders) == ("late_order", late.number)
    assert rows["P000002", "MAIN"].on_order == 20
    assert {row.status for row in rows.values()} >= {"order_now", "enough", "late_order"}


@pytest.mark.parametrize("on_hand", [0.3, 40])
@pytest.mark.parametrize(
    "terms",
    [
        {"unit_size": 0.001},
        {"unit_size": 0.001, "purchase_unit": "bags"},
        {"unit_size": 0.5, "order_multiple": 1.5, "minimum_order_quantity": 2.5},
        {"purchase_unit": "sacks", "units_per_purchase_unit": 12.5},
        {},
    ],
)
async def test_goods_by_the_kilogram_have_the_numbers_of_their_own_plan(
    engine: sa.Engine, book: OrderBook, terms: dict[str, Any], on_hand: float
) -> None:
    kilograms = [each / 28 for each in STEADY]
    put(engine, tables.products, BOLTS | {"terms": {"unit_price": "18.5", "lead_time_days": 7} | terms})
    put(engine, tables.stock, stock_row(on_hand=on_hand))
    put(engine, tables.demand, demand_row([round(each, 3) for each in kilograms]))

    (row,) = (await rows_of(book)).values()
    found = plan_of(await OwnCatalog(book.database).family("BOLTS"))
    assert (row.quantity, row.action, row.reorder_point) == (
        found.order_quantity,
        found.recommended_action,
        found.reorder_point,
    )
    assert found.counting_unit == 0.001


async def test_the_scan_finds_what_is_at_rest_and_leaves_the_rest_to_plans(engine: sa.Engine, book: OrderBook) -> None:
    make_catalogue(engine, 60, days=90, due=0.3)
    snapshot = await OwnCatalog(book.database).snapshot()
    source = Source(snapshot, await book.stock.of_catalogue("database"))
    at_rest, rows = source.at_rest(), await rows_of(book)
    assert set(at_rest) == {place for place, row in rows.items() if row.status == "enough"}
    assert 0 < len(at_rest) < 60


async def test_a_product_without_stock_lead_time_or_demand_has_a_row_that_says_what_is_missing(
    engine: sa.Engine, book: OrderBook
) -> None:
    keep_bolts(engine)
    lonely = BOLTS | {"supplier_id": None}
    put(engine, tables.products, BOLTS | {"id": "NUTS"}, BOLTS | {"id": "NEW"}, lonely | {"id": "PINS"})
    put(engine, tables.stock, stock_row("NEW"), stock_row("PINS"))
    put(engine, tables.demand, demand_row(product_id="NUTS"), demand_row(product_id="PINS"))
    rows = await rows_of(book)
    missing = {place[0]: row.reason for place, row in rows.items() if row.status == "needs_data"}
    assert missing.keys() == {"NUTS", "NEW", "PINS"}
    assert "No stock of NUTS at SHOP is known" in missing["NUTS"]
    assert "No demand of NEW at SHOP is known" in missing["NEW"]
    assert "No lead time of PINS is known" in missing["PINS"]
    assert rows["BOLTS", "SHOP"].status == "order_now"


async def test_one_product_that_cannot_be_counted_spoils_no_other_row(engine: sa.Engine, book: OrderBook) -> None:
    keep_bolts(engine, on_hand=1_000)
    put(engine, tables.products, BOLTS | {"id": "NUTS"})
    put(engine, tables.stock, stock_row("NUTS", on_hand=1e16))
    put(engine, tables.demand, demand_row(product_id="NUTS"))
    rows = await rows_of(book)
    assert (rows["BOLTS", "SHOP"].status, rows["NUTS", "SHOP"].status) == ("enough", "needs_data")


async def test_an_order_of_another_system_that_is_late_is_named(engine: sa.Engine, book: OrderBook) -> None:
    keep_bolts(engine, on_hand=1_000)
    due = (YESTERDAY - timedelta(3)).isoformat()
    line = {"reference": "45001", "product_id": "BOLTS", "location": "SHOP", "quantity": 50, "received": 0}
    put(engine, tables.purchase_lines, line | {"supplier_id": "ACME", "ordered_on": None, "due_on": due})
    row = (await rows_of(book))["BOLTS", "SHOP"]
    assert (row.status, row.late_orders, row.quantity) == ("late_order", "45001", 0)


async def test_an_order_for_a_product_without_stock_spoils_no_row(engine: sa.Engine, book: OrderBook) -> None:
    put(engine, tables.products, BOLTS | {"supplier_id": None})
    put(engine, tables.demand, demand_row())
    line = {"reference": "45001", "product_id": "BOLTS", "location": "SHOP", "quantity": 50, "received": 0}
    put(engine, tables.purchase_lines, line | {"supplier_id": "ACME", "ordered_on": None, "due_on": None})

    assert (await rows_of(book))["BOLTS", "SHOP"].status == "needs_data"


async def test_a_new_import_makes_a_new_list(engine: sa.Engine, book: OrderBook) -> None:
    make_catalogue(engine, 20, days=30)
    lists = TodayLists(book)
    first = await lists.present()
    another_day(engine)
    assert (await lists.present()).version != first.version


async def test_the_day_is_that_of_the_catalogues_time_zone(engine: sa.Engine, book: OrderBook) -> None:
    keep_bolts(engine)
    put(engine, tables.catalogue, {"name": "time_zone", "value": "Pacific/Kiritimati"})
    ahead = (await TodayLists(book).present()).day
    with engine.begin() as connection:
        changed = sa.update(tables.catalogue).where(tables.catalogue.c.name == "time_zone")
        connection.execute(changed.values(value="Etc/GMT+12"))
    assert (ahead - (await TodayLists(book).present()).day).days == 1


async def test_after_anything_that_happens_the_list_is_as_if_made_anew(
    engine: sa.Engine, book: OrderBook, placed: Any, new_run: Any, new_proposal: Any
) -> None:
    """Rows that nothing has happened to are taken over from the list before."""
    make_catalogue(engine, 60, days=84, due=0.3)
    put(engine, tables.stock, stock_row("P000003", "DEPOT", on_hand=5_000))
    put(engine, tables.demand, demand_row(product_id="P000003", location="DEPOT"))
    lists = TodayLists(book)

    async def is_as_new() -> list[TodayRow]:
        kept, new = (await lists.present()).rows, (await TodayLists(book).present()).rows
        assert [row.cells() for row in kept] == [row.cells() for row in new]
        return list(kept)

    first = await is_as_new()
    about = {"product_id": "P000003", "location": "MAIN", "mode": "database"}
    order = await placed(**about, supplier_id="S3", quantity=30)
    with_order = await is_as_new()
    await book.life.receive(order.number, 10, by=ANNA)
    await is_as_new()
    await book.life.receive(order.number, 20, by=ANNA)  # closed, so the supplier's lead time is learned
    await is_as_new()
    run = await record(book, new_run(**about), owner="w1", lease_seconds=60)
    await book.orders.propose(new_proposal(run.id, **about), route="review", expires_in_hours=1)
    reviewed = await is_as_new()
    until = YESTERDAY + timedelta(9)
    await book.snoozes.snooze("database", "P000004", "MAIN", until=until, reason="fair", by=ANNA)
    await is_as_new()
    await book.snoozes.wake("database", "P000004", "MAIN", by=ANNA)
    await is_as_new()
    with engine.begin() as connection:
        connection.execute(sa.update(tables.stock).where(tables.stock.c.product_id == "P000005").values(on_hand=0))
        connection.execute(sa.update(counters).where(counters.c.name == VERSION).values(value=counters.c.value + 1))
    await is_as_new()

    changed = [row for row, before in zip(with_order, first, strict=True) if row is not before]
    assert {row.product_id for row in changed} == {"P000003"}
    assert [row.status for row in reviewed if row.place == ("P000003", "MAIN")] == ["waits_for_review"]


async def test_what_has_sold_is_known_by_day_and_the_class_of_demand_is_the_plans(
    engine: sa.Engine, book: OrderBook
) -> None:
    make_catalogue(engine, 60, days=90, due=0.3)
    keep = {"product_id": "P000007", "location": "DEPOT"}
    put(engine, tables.stock, stock_row(**keep, on_hand=5_000))
    put(engine, tables.demand, demand_row((4,) * 50 + (0,) * 3, **keep))
    rows = await rows_of(book)
    depot = rows["P000007", "DEPOT"]
    assert (depot.last_sold, depot.sold_30_days) == (YESTERDAY - timedelta(3), 27 * 4)
    for facts in await LiveCatalog(OwnCatalog(book.database), book, "database").all_facts():
        row = rows[facts.product.id, facts.stock.location]
        plan = plan_of([facts])
        assert row.demand_class == plan.demand_class
        assert row.stock_value == pytest.approx(plan.on_hand * float(facts.product.unit_price or 0))
        assert row.sold_30_days == sum(value or 0 for value in facts.demand.values[-30:])
