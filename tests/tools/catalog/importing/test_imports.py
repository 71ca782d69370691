"""Files come into the catalogue in one transaction, are recorded, and can be taken back."""

from typing import Any

import pytest

from tests.tools.catalog.importing.conftest import BUYER, reading
from tools.records.errors import Conflict, UnknownImport

SUPPLIERS = """\
supplier_id,supplier_name,currency,lead_time_days,min_order_value
S1,Müller GmbH,EUR,14,250
S2,NorthPack,USD,5,0
"""
PRODUCTS = """\
SKU,Description,Supplier,Unit cost,Currency,MOQ,Pack size
A1,Bolt M8,Müller GmbH,1.25,EUR,50,10
B2,Box,NorthPack,0.40,USD,100,100
"""
STOCK = "SKU,Location,On hand\nA1,MAIN,40\nA1,NORTH,5\nB2,MAIN,-3\n"
SALES = """\
Date,Order no,SKU,Qty,Customer,Location
2026-11-02,SO1,A1,4,C1,MAIN
2026-11-02,SO2,A1,6,C2,MAIN
2026-11-04,SO3,A1,3,C1,MAIN
2026-11-04,SO4,B2,8,C1,MAIN
2026-11-05,SO5,A1,1,C3,NORTH
"""
ORDERS = "PO,Supplier,SKU,Qty open,Expected date\nPO1,Müller GmbH,A1,100,2026-12-10\n"
ALL = (SALES, ORDERS, STOCK, PRODUCTS, SUPPLIERS)


async def test_files_in_any_order_come_in_together(bring: Any, own: Any) -> None:
    record = await bring(*ALL)

    assert {table: counts.new for table, counts in record.counts.items() if table != "catalogue"} == {
        "suppliers": 2,
        "products": 2,
        "stock": 3,
        "demand": 3,
        "purchase_lines": 1,
    }
    facts = await own.facts("A1")
    assert (facts.product.name, facts.supplier.id, facts.supplier.promised_lead_time_days) == ("Bolt M8", "S1", 14)
    assert (facts.stock.on_hand, [order.reference for order in facts.stock.open_orders]) == (40, ["PO1"])
    assert facts.demand.values[:3] == (10, 0, 3)
    assert (await own.facts("B2")).stock.backorders == 3


async def test_the_same_files_twice_change_nothing(bring: Any, own: Any, tables: Any) -> None:
    await bring(*ALL)
    before, version = tables(), await own.version()

    again = await bring(*ALL)

    assert again.changes == 0
    assert (tables(), await own.version()) == (before, version)


async def test_a_preview_says_what_would_change_and_changes_nothing(store: Any, tables: Any, bring: Any) -> None:
    readings = [reading(text, f"file{number}.csv") for number, text in enumerate(ALL, 1)]
    empty = tables()
    looked_at = await store.preview(readings, BUYER)

    assert tables() == empty
    assert looked_at.counts == (await bring(*ALL)).counts


async def test_undo_gives_the_exact_tables_back(bring: Any, store: Any, own: Any, tables: Any) -> None:
    await bring(*ALL)
    before, version = tables(), await own.version()
    second = await bring(
        STOCK.replace("40", "77"),
        SALES.replace("2026-11-04,SO3,A1,3", "2026-11-09,SO3,A1,30").replace("2026-11-05", "2026-10-20"),
        "SKU,Description,Supplier\nA1,Bolt M9,Unknown Ltd\nC3,New,NorthPack\n",
        ORDERS.replace("PO1", "PO2"),
    )
    assert tables() != before

    undone = await store.undo(second.number, BUYER)

    assert tables() == before
    assert undone.status == "undone"
    assert await own.version() > version


async def test_undoing_everything_leaves_an_empty_catalogue(bring: Any, store: Any, tables: Any) -> None:
    empty = tables()
    await bring(*ALL)
    await store.undo(1, BUYER)
    assert tables() == empty


async def test_an_import_under_a_later_one_is_not_undone_and_the_later_one_is_named(bring: Any, store: Any) -> None:
    await bring(*ALL)
    await bring(STOCK.replace("40", "41"))

    with pytest.raises(Conflict, match="undo 2 first"):
        await store.undo(1, BUYER)

    await store.undo(2, BUYER)
    assert (await store.undo(1, BUYER)).status == "undone"


async def test_products_that_later_data_need_are_not_undone(bring: Any, store: Any) -> None:
    await bring(PRODUCTS)
    await bring(STOCK)
    with pytest.raises(Conflict, match=r"A1, B2 in stock need what import 1 brought in"):
        await store.undo(1, BUYER)


async def test_undone_twice_says_so(bring: Any, store: Any) -> None:
    await bring(*ALL)
    await store.undo(1, BUYER)
    with pytest.raises(Conflict, match="Import 1 is undone"):
        await store.undo(1, BUYER)
    with pytest.raises(UnknownImport, match="restock imports"):
        await store.undo(9, BUYER)


async def test_an_import_that_changed_nothing_has_nothing_to_undo(bring: Any, store: Any) -> None:
    await bring(*ALL)
    await bring(*ALL)
    with pytest.raises(Conflict, match="changed nothing"):
        await store.undo(2, BUYER)


async def test_the_changes_of_fifty_imports_are_kept(bring: Any, store: Any) -> None:
    for number in range(52):
        await bring(f"SKU,Location,On hand\nA1,MAIN,{number}\n")
    with pytest.raises(Conflict, match="too old to be undone"):
        await store.undo(1, BUYER)
    with pytest.raises(Conflict, match="Later imports changed the same rows"):
        await store.undo(3, BUYER)


async def test_who_imported_what_is_listed_newest_first(bring: Any, store: Any) -> None:
    await bring(SUPPLIERS)
    await bring(STOCK)

    newest, oldest = await store.page(10)

    assert (newest.number, newest.recorded_by, newest.files[0].kind, newest.files[0].lines) == (2, "buyer", "stock", 3)
    assert newest.files[0].mapping == {"product_id": "SKU", "location": "Location", "on_hand": "On hand"}
    assert await store.page(10, before=2) == [oldest]
    assert await store.get(1) == oldest
