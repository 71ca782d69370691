"""The planner's own catalogue: rows in, facts out."""

from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import numpy as np
import pytest
import sqlalchemy as sa

from tests.order_book import ANNA, let_pass
from tests.own_catalogue import BOLTS, STEADY, YESTERDAY, demand_row, keep_bolts, put, stock_row
from tools.book.book import OrderBook
from tools.book.stock import OwnOrders
from tools.catalog.block import block_of
from tools.catalog.histories import PROMOTION, STOCK_OUT, UNKNOWN
from tools.catalog.live import LiveCatalog
from tools.catalog.own import NoCatalogue, OwnCatalog
from tools.catalog.snapshot import MissingFacts
from tools.planning.replenishment import plan
from tools.planning.scan import scan
from tools.records.errors import UnknownLocation, UnknownProduct
from tools.storage import catalogue_schema as tables
from tools.storage.database import Database


@pytest.fixture
def own(database: Database) -> OwnCatalog:
    return OwnCatalog(database)


async def test_the_rows_of_a_product_become_its_facts(engine: sa.Engine, own: OwnCatalog) -> None:
    keep_bolts(engine)
    facts = await own.facts("BOLTS")
    assert (facts.source, facts.data_age_days, facts.stock.location, facts.stock.on_hand) == ("database", 0, "SHOP", 20)
    assert (facts.product.currency, facts.product.unit_price, facts.product.order_multiple) == (
        "EUR",
        Decimal("0.5"),
        5,
    )
    assert (facts.supplier.name, facts.supplier.promised_lead_time_days) == ("Acme Fasteners", 7)
    assert facts.demand.values == STEADY
    assert facts.demand.last_period == YESTERDAY


async def test_a_product_s_own_lead_time_comes_before_its_supplier_s(engine: sa.Engine, own: OwnCatalog) -> None:
    keep_bolts(engine)
    put(engine, tables.products, BOLTS | {"id": "NUTS", "terms": {"lead_time_days": 3}})
    put(engine, tables.stock, stock_row("NUTS"))
    put(engine, tables.demand, demand_row(product_id="NUTS"))
    assert (await own.facts("NUTS")).supplier.promised_lead_time_days == 3


async def test_negative_stock_is_backorders(engine: sa.Engine, own: OwnCatalog) -> None:
    keep_bolts(engine, on_hand=-4)
    stock = (await own.facts("BOLTS")).stock
    assert (stock.on_hand, stock.backorders, stock.sent_below_zero) == (0, 4, True)


async def test_flags_tell_sold_out_and_unknown_days(engine: sa.Engine, own: OwnCatalog) -> None:
    keep_bolts(engine)
    put(engine, tables.stock, stock_row(location="DEPOT"))
    put(engine, tables.demand, demand_row([5, 0, 7, 9], location="DEPOT", flags=[0, STOCK_OUT, UNKNOWN, PROMOTION]))
    demand = (await own.facts("BOLTS", "DEPOT")).demand
    assert demand.values == (5, 0, None, 9)
    assert demand.stockout_periods == {1}


async def test_days_after_the_last_sale_are_days_without_demand(engine: sa.Engine, own: OwnCatalog) -> None:
    keep_bolts(engine)
    put(engine, tables.products, BOLTS | {"id": "NUTS"})
    put(engine, tables.stock, stock_row("NUTS"))
    put(engine, tables.demand, demand_row([4, 4, 4], product_id="NUTS", last=YESTERDAY - timedelta(2)))
    assert (await own.facts("NUTS")).demand.values == (4, 4, 4, 0, 0)


async def test_today_is_not_over_and_is_left_out(engine: sa.Engine, own: OwnCatalog) -> None:
    keep_bolts(engine, last=YESTERDAY + timedelta(1))
    assert (await own.facts("BOLTS")).demand.values == STEADY[:-1]


async def test_days_on_which_the_place_is_closed_are_no_days_without_demand(engine: sa.Engine, own: OwnCatalog) -> None:
    closed = [5, 6]
    first = YESTERDAY - timedelta(len(STEADY) - 1)
    week = [0 if (first + timedelta(day)).weekday() in closed else 10 for day in range(len(STEADY))]
    keep_bolts(engine, calendars={"SHOP": {"weekdays": closed, "days": []}})
    put(engine, tables.products, BOLTS | {"id": "NUTS"})
    put(engine, tables.stock, stock_row("NUTS"))
    put(engine, tables.demand, demand_row(week, product_id="NUTS"))
    facts = await own.facts("NUTS")
    assert set(facts.demand.values) == {10}
    assert facts.demand.period_days == 1.4
    assert plan(facts).mean_per_day == pytest.approx(50 / 7)


async def test_the_age_of_the_data_counts_open_days(engine: sa.Engine, own: OwnCatalog) -> None:
    keep_bolts(engine, last=YESTERDAY - timedelta(7))
    assert (await own.facts("BOLTS")).data_age_days == 7


async def test_what_a_product_lacks_is_said_with_the_way_to_give_it(engine: sa.Engine, own: OwnCatalog) -> None:
    keep_bolts(engine)
    put(engine, tables.products, BOLTS | {"id": "NUTS"}, {**BOLTS, "id": "RIVETS", "supplier_id": None})
    put(engine, tables.stock, stock_row("RIVETS"))
    with pytest.raises(MissingFacts, match=r"No stock of NUTS at SHOP is known; import a stock file"):
        await own.facts("NUTS")
    with pytest.raises(MissingFacts, match=r"No lead time of RIVETS is known; give its own, or its supplier's"):
        await own.facts("RIVETS")
    put(engine, tables.stock, stock_row("NUTS"))
    with pytest.raises(MissingFacts, match=r"No demand of NUTS at SHOP is known; import sales"):
        await own.facts("NUTS")
    assert [facts.product.id for facts in await own.all_facts()] == ["BOLTS"]


async def test_an_unknown_product_or_place_is_named_with_the_known_ones(engine: sa.Engine, own: OwnCatalog) -> None:
    with pytest.raises(NoCatalogue, match="restock import"):
        await own.facts("BOLTS")
    keep_bolts(engine)
    with pytest.raises(UnknownProduct, match="Did you mean BOLTS"):
        await own.facts("BOLT")
    with pytest.raises(UnknownLocation, match="kept at SHOP"):
        await own.facts("BOLTS", "DEPOT")


async def test_open_orders_of_other_systems_are_on_the_way(engine: sa.Engine, own: OwnCatalog) -> None:
    keep_bolts(engine)
    line = {"reference": "4711", "product_id": "BOLTS", "location": "SHOP", "supplier_id": "ACME", "received": 0}
    due = (own_today() - timedelta(3)).isoformat()
    put(engine, tables.purchase_lines, line | {"quantity": 50, "ordered_on": None, "due_on": due})
    [order] = (await own.facts("BOLTS")).stock.open_orders
    assert (order.reference, order.quantity, order.due_in_days, order.placed_here) == ("4711", 50, -3, False)


async def test_receipts_of_the_past_teach_the_supplier_s_lead_time(engine: sa.Engine, own: OwnCatalog) -> None:
    keep_bolts(engine)
    receipt = {
        "supplier_id": "ACME",
        "product_id": "BOLTS",
        "location": None,
        "quantity": 5,
        "ordered_on": "2026-01-01",
    }
    put(
        engine,
        tables.supplier_receipts,
        receipt | {"reference": "2", "received_on": "2026-01-12"},
        receipt | {"reference": "1", "received_on": "2026-01-08"},
    )
    assert (await own.facts("BOLTS")).supplier.observed_lead_times_days == (7, 11)


async def test_what_arrives_after_the_count_is_in_stock_and_what_came_before_is_in_the_count(
    engine: sa.Engine, book: OrderBook, own: OwnCatalog, placed
) -> None:
    keep_bolts(engine)
    live = LiveCatalog(own, book, "database")
    order = await placed(quantity=40)
    await book.life.receive(order.number, 15, by=ANNA)
    assert (await live.facts("BOLTS")).stock.on_hand == 35
    with engine.begin() as connection:
        connection.execute(sa.update(tables.stock).values(on_hand=30, as_of=datetime.now(UTC) + timedelta(seconds=1)))
    stock = (await live.facts("BOLTS")).stock
    assert (stock.on_hand, stock.open_orders[0].quantity) == (30, 25)


async def test_a_receipt_whose_day_is_set_right_before_the_count_is_in_the_count(
    engine: sa.Engine, book: OrderBook, own: OwnCatalog, placed
) -> None:
    keep_bolts(engine)
    live, order = LiveCatalog(own, book, "database"), await placed(quantity=40)
    await let_pass(book, order, days=9)
    await book.life.receive(order.number, 15, by=ANNA)
    [receipt] = (await book.life.receipts([order.number]))[order.number]
    counted, came = (datetime.now(UTC) - timedelta(days=days) for days in (1, 2))
    with engine.begin() as connection:
        connection.execute(sa.update(tables.stock).values(on_hand=30, as_of=counted))
    before = (await live.facts("BOLTS")).stock.on_hand

    await book.life.correct(order.number, receipt.id, 10, instead_of=15, received_at=came, reason="the note", by=ANNA)

    assert (before, (await live.facts("BOLTS")).stock.on_hand) == (45, 30)


async def test_the_scan_s_columns_give_the_numbers_of_one_product_s_plan(
    engine: sa.Engine, book: OrderBook, own: OwnCatalog, placed
) -> None:
    keep_bolts(engine, calendars={"DEPOT": {"weekdays": [6], "days": []}})
    put(engine, tables.stock, stock_row(location="DEPOT", on_hand=3))
    put(engine, tables.demand, demand_row([3, 0, 4, 6, 2, 0, 5] * 9, location="DEPOT"))
    await placed(quantity=40)
    block = block_of(await own.snapshot(), await book.stock.of_catalogue("database"))
    assert block.places == (("BOLTS", "SHOP"), ("BOLTS", "DEPOT"))
    assert not block.alone.any()
    columns = scan(block.demand, block.terms)
    for row, (product_id, location) in enumerate(block.places):
        one = plan(await LiveCatalog(own, book, "database").facts(product_id, location))
        for name in ("reorder_point", "inventory_position", "order_quantity", "mean_per_day"):
            assert getattr(columns, name)[row] == pytest.approx(getattr(one, name)), (name, location)


async def test_a_product_whose_terms_the_scan_does_not_know_is_marked(engine: sa.Engine, own: OwnCatalog) -> None:
    keep_bolts(engine)
    put(engine, tables.products, BOLTS | {"id": "MILK", "terms": BOLTS["terms"] | {"shelf_life_days": 20}})
    put(engine, tables.stock, stock_row("MILK"))
    put(engine, tables.demand, demand_row(product_id="MILK"))
    block = block_of(await own.snapshot(), OwnOrders())
    assert dict(zip(block.places, block.alone.tolist(), strict=True)) == {
        ("BOLTS", "SHOP"): False,
        ("MILK", "SHOP"): True,
    }
    assert all(np.isfinite(np.atleast_1d(asdict(block.terms)["lead_time_days"])))


def own_today():
    return datetime.now(UTC).date()


async def test_periods_with_a_promotion_are_known_by_their_place_in_the_history(
    engine: sa.Engine, own: OwnCatalog
) -> None:
    keep_bolts(engine)
    flags = np.zeros(len(STEADY), np.uint8)
    flags[[3, -1]] = PROMOTION, PROMOTION | STOCK_OUT
    with engine.begin() as connection:
        connection.execute(sa.update(tables.demand).values(demand_row(flags=flags)))
    put(engine, tables.stock, stock_row(location="EMPTY"))

    snapshot = await own.snapshot("BOLTS")

    assert snapshot.promotions_in(("BOLTS", "SHOP")) == {3: 1.0, len(STEADY) - 1: 1.0}
    assert snapshot.promotions_in(("BOLTS", "EMPTY")) == {}
    assert (await own.facts("BOLTS", "SHOP")).demand.promotion_periods == {3, len(STEADY) - 1}


async def test_promotions_by_days_mark_the_past_and_those_without_a_factor_what_is_to_come(
    engine: sa.Engine, own: OwnCatalog
) -> None:
    keep_bolts(engine)
    end = (await own.snapshot("BOLTS")).settings.end_of_demand("SHOP")
    days = {"past": (end - timedelta(3), end - timedelta(2)), "planned": (end + timedelta(1), end + timedelta(2))}
    days["stated"] = (end + timedelta(4), end + timedelta(4))
    for name, (first, last) in days.items():
        row = {"product_id": "BOLTS", "location": "", "first_day": first.isoformat(), "last_day": last.isoformat()}
        cut = {"past": 0.25, "planned": None, "stated": 0.5}[name]
        put(engine, tables.promotions, row | {"uplift": 2.0 if name == "stated" else None, "price_cut": cut})

    snapshot = await own.snapshot("BOLTS")
    block = block_of(await own.snapshot(), OwnOrders())

    assert snapshot.promotions_in(("BOLTS", "SHOP")) == {len(STEADY) - 3: 0.25, len(STEADY) - 2: 0.25}
    assert snapshot.promotions_planned(("BOLTS", "SHOP")) == {1: 1.0, 2: 1.0}
    facts = (await own.facts("BOLTS", "SHOP")).demand
    assert facts.price_cuts == {len(STEADY) - 3: 0.25, len(STEADY) - 2: 0.25} and not facts.planned_price_cuts
    row = block.places.index(("BOLTS", "SHOP"))
    assert block.promotions is not None
    ahead = block.demand.shape[1]
    assert np.flatnonzero(block.promotions[row]).tolist() == [ahead - 3, ahead - 2, ahead + 1, ahead + 2]
    assert block.promotions[row, [ahead - 3, ahead + 1]].tolist() == [0.25, 1.0]


async def test_promotions_of_the_group_say_what_a_product_never_promoted_will_sell_by_itself_and_in_the_list(
    engine: sa.Engine, own: OwnCatalog
) -> None:
    keep_bolts(engine)
    promoted = np.arange(len(STEADY)) % 8 == 5
    for name, lift in (("NUTS", 2), ("RIVETS", 3), ("SCREWS", 5)):
        put(engine, tables.products, BOLTS | {"id": name})
        put(engine, tables.stock, stock_row(name))
        sold = (np.array(STEADY) * np.where(promoted, lift, 1)).tolist()
        put(engine, tables.demand, demand_row(sold, product_id=name, flags=PROMOTION * promoted))
    put(engine, tables.products, BOLTS | {"id": "TAPE", "category": "other"})
    put(engine, tables.stock, stock_row("TAPE"))
    put(engine, tables.demand, demand_row(product_id="TAPE"))
    for name in ("BOLTS", "TAPE"):
        tomorrow = (YESTERDAY + timedelta(2)).isoformat()
        row = {"product_id": name, "location": "", "first_day": tomorrow, "last_day": tomorrow}
        put(engine, tables.promotions, row)

    block = block_of(await own.snapshot(), OwnOrders())

    usual = {place[0]: block.terms.usual_lift[row] for row, place in enumerate(block.places)}
    assert usual["BOLTS"] == usual["NUTS"] == pytest.approx(3, rel=0.05)
    assert usual["TAPE"] == 1
    for name, lift in usual.items():
        assert (await own.facts(name)).demand.usual_lift == lift
