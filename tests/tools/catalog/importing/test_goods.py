"""Stock, open orders, receipts and promotions: what a file of them says, and what it does not say."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from tools.planning.interval_forecast import lead_time
from tools.storage.catalogue_schema import promotions, purchase_lines, stock

TERMS = "SKU,Supplier,Lead time (days)\nA1,Acme,7\nB2,Best,7\n"


@pytest.fixture
def rows(engine: sa.Engine) -> Any:
    def read(table: sa.Table) -> list[Any]:
        with engine.begin() as connection:
            return list(connection.execute(sa.select(table).order_by(*table.primary_key)).mappings())

    return read


async def test_the_location_with_most_stock_is_the_default_one(bring: Any, own: Any) -> None:
    record = await bring("SKU,Location,On hand\nA1,KOELN,1\nB2,KOELN,2\nB2,BERLIN,2\n")
    assert (await own.snapshot()).settings.default_location == "KOELN"
    assert any("belong to KOELN" in note for note in record.notes)


async def test_rows_without_a_location_belong_to_the_default_one_and_are_counted(bring: Any, rows: Any) -> None:
    record = await bring("SKU,Location,On hand\nA1,KOELN,1\nB2,,2\n")
    assert [(row["product_id"], row["location"]) for row in rows(stock)] == [("A1", "KOELN"), ("B2", "KOELN")]
    assert any("1 row of file1.csv without a location" in note for note in record.notes)


async def test_locations_that_differ_in_case_only_are_different_ones_and_named(bring: Any, rows: Any) -> None:
    first = await bring("SKU,Location,On hand\nA1,DEPOT,1\nA1,North Shop,2\n")
    assert not any("like another" in note for note in first.notes)
    second = await bring("SKU,Location,On hand\nA1,Depot,3\nA1,north shop,4\nA1,NORTH SHOP,5\nA1,South,6\n")
    assert any("2 locations of file1.csv like another" in note and "DEPOT / Depot" in note for note in second.notes)
    assert len(rows(stock)) == 6
    again = await bring("Date,SKU,Qty,Location\n2026-11-02,A1,3,Depot\n2026-11-03,A1,3,depot\n")
    [named] = [note for note in again.notes if "like another" in note]
    assert "1 location of file1.csv" in named


async def test_stock_of_several_bins_of_a_location_is_added_up_and_named(bring: Any, rows: Any) -> None:
    record = await bring("MATNR;WERKS;LGORT;LABST\n4711;1000;0001;5,5\n4711;1000;0002;2\n4712;1000;0001;1\n")
    assert [(row["product_id"], row["location"], row["on_hand"]) for row in rows(stock)] == [
        ("4711", "1000", 7.5),
        ("4712", "1000", 1),
    ]
    assert any("1 product has several lines at one location in file1.csv: 4711" in note for note in record.notes)


async def test_negative_stock_is_backorders(bring: Any, rows: Any) -> None:
    await bring("SKU,On hand\nA1,-4\n")
    assert [(row["on_hand"], row["backorders"]) for row in rows(stock)] == [(0, 4)]


async def test_a_count_that_is_older_than_what_is_stored_is_left_out_and_named(bring: Any, rows: Any) -> None:
    await bring("SKU,On hand,As of\nA1,4,2026-11-20\n")
    record = await bring("SKU,On hand,As of\nA1,9,2026-11-10\n")
    assert [row["on_hand"] for row in rows(stock)] == [4]
    assert any("1 stock level of file1.csv older" in note for note in record.notes)


async def test_stock_that_is_counted_again_the_next_day_is_of_that_day(bring: Any, rows: Any, engine: Any) -> None:
    await bring("SKU,On hand\nA1,4\n")
    yesterday = datetime.now(UTC) - timedelta(days=1)
    with engine.begin() as connection:
        connection.execute(sa.update(stock).values(as_of=yesterday))
    await bring("SKU,On hand\nA1,4\n")
    assert rows(stock)[0]["as_of"] > yesterday + timedelta(hours=23)


async def test_stock_that_a_file_does_not_list_stays_and_is_named(bring: Any, rows: Any) -> None:
    await bring("SKU,Location,On hand\nA1,MAIN,1\nB2,MAIN,2\nA1,NORTH,3\n")
    record = await bring("SKU,Location,On hand\nB2,MAIN,5\n")
    assert [row["on_hand"] for row in rows(stock)] == [1, 3, 5]
    assert any("1 product with stock at these locations, and not in file1.csv: A1" in note for note in record.notes)


async def test_products_that_only_stock_names_are_made_and_named(bring: Any, own: Any) -> None:
    record = await bring("SKU,On hand\nA1,4\nB2,4\n")
    assert await own.product_ids() == ("A1", "B2")
    assert any("2 products not known before: A1, B2" in note for note in record.notes)


async def test_ids_that_differ_in_case_only_are_named(bring: Any) -> None:
    await bring(TERMS)
    record = await bring("SKU,On hand\na1,4\n")
    assert any("A1 / a1" in note for note in record.notes)


async def test_orders_that_are_not_in_the_file_any_more_are_closed_and_named(bring: Any, rows: Any) -> None:
    head = "PO,Supplier,SKU,Qty open,Expected date\n"
    await bring(TERMS, f"{head}PO1,Acme,A1,10,2026-12-01\nPO2,Best,B2,20,2026-12-02\nPO3,Acme,B2,5,2026-12-03\n")
    record = await bring(f"{head}PO1,Acme,A1,4,2026-12-05\nPO9,Best,B2,1,2026-12-09\n")
    assert [(row["reference"], row["quantity"], row["due_on"]) for row in rows(purchase_lines)] == [
        ("PO1", 4, "2026-12-05"),
        ("PO9", 1, "2026-12-09"),
    ]
    assert any("2 open orders are not in the file any more: PO2, PO3" in note for note in record.notes)


async def test_a_file_of_one_supplier_closes_no_orders_of_others(bring: Any, rows: Any) -> None:
    head = "PO,Supplier,SKU,Qty open,Expected date\n"
    await bring(TERMS, f"{head}PO1,Acme,A1,10,2026-12-01\nPO2,Best,B2,20,2026-12-02\n")
    record = await bring(f"{head}PO3,Acme,A1,7,2026-12-01\n")
    assert [row["reference"] for row in rows(purchase_lines)] == ["PO2", "PO3"]
    assert any("1 order of other suppliers left open" in note for note in record.notes)


async def test_two_deliveries_of_one_order_line_are_both_kept(bring: Any, rows: Any) -> None:
    await bring(TERMS, "PO,SKU,Qty open,Expected date\nPO1,A1,5,2027-01-15\nPO1,A1,10,2026-12-01\n")
    assert [(row["reference"], row["quantity"], row["due_on"]) for row in rows(purchase_lines)] == [
        ("PO1", 10, "2026-12-01"),
        ("PO1 #2", 5, "2027-01-15"),
    ]
    assert {row["supplier_id"] for row in rows(purchase_lines)} == {"Acme"}


async def test_receipts_teach_the_lead_time(bring: Any, own: Any) -> None:
    await bring(
        TERMS,
        "SKU,On hand\nA1,4\n",
        "Date,SKU,Qty\n2026-11-02,A1,3\n",
        "PO,Supplier,SKU,Quantity received,Order date,Received date\n"
        "P1,Acme,A1,10,2026-10-01,2026-10-11\nP2,Acme,A1,10,2026-10-05,2026-10-25\n",
    )
    assert (await own.facts("A1")).supplier.observed_lead_times_days == (10, 20)


async def test_a_supplier_without_receipts_is_as_late_as_all_are(bring: Any, own: Any) -> None:
    """In the list of all products as in the plan of one. What is known of itself goes before."""
    late = "".join(f"P{day},Acme,A1,10,,2026-10-{day:02},2026-10-{day + 3:02}\n" for day in range(1, 11))
    taken = "".join(f"Q{day},Slow,C1,10,2026-10-{day:02},,2026-10-{day + 9:02}\n" for day in range(1, 11))
    skus = ("A1", "B1", "C1", "D1")
    await bring(
        "SKU,Supplier,Lead time\nA1,Acme,7\nB1,Newco,5\nC1,Slow,7\nD1,Stated,5\n",
        "Supplier,Lead time,Lead time SD\nStated,5,2\n",
        "SKU,On hand\n" + "".join(f"{sku},4\n" for sku in skus),
        "Date,SKU,Qty\n" + "".join(f"2026-11-0{day},{sku},3\n" for sku in skus for day in (2, 3, 4)),
        f"PO,Supplier,SKU,Qty,Order date,Promised date,Received date\n{late}{taken}",
    )
    by_itself = {sku: (await own.facts(sku)).supplier for sku in skus}
    assert {sku: lead_time(supplier).days for sku, supplier in by_itself.items()} == {
        "A1": 10,
        "B1": 8,
        "C1": 9,
        "D1": 5,
    }
    assert len(lead_time(by_itself["B1"]).replayed) == 10
    assert {facts.product.id: facts.supplier for facts in await own.all_facts()} == by_itself


async def test_receipts_with_the_day_that_was_promised_teach_how_late_the_supplier_is(bring: Any, own: Any) -> None:
    """With ten of them the promise and their lateness are planned with, whatever the lead times were."""
    lines = "".join(f"P{day},Acme,A1,10,2026-10-{day:02},2026-10-{day + day % 3:02}\n" for day in range(1, 11))
    record = await bring(
        TERMS,
        "SKU,On hand\nA1,4\n",
        "Date,SKU,Qty\n2026-11-02,A1,3\n2026-11-03,A1,4\n2026-11-04,A1,3\n",
        f"PO,Supplier,SKU,Qty,Promised date,Received date\n{lines}",
    )
    supplier = (await own.facts("A1")).supplier
    assert sorted(supplier.observed_lateness_days) == [0, 0, 0, 1, 1, 1, 1, 2, 2, 2]
    assert supplier.observed_lead_times_days == ()
    assert lead_time(supplier).days == 7 + 1
    assert not any("not stored" in note for file in record.files for note in file.notes)
    assert not any("no lead time is learned" in note for note in record.notes)


async def test_a_promotion_without_a_location_holds_everywhere(bring: Any, rows: Any) -> None:
    await bring(TERMS, "SKU,Start date,End date,Uplift\nA1,2026-12-01,2026-12-24,1.5\n")
    assert [(row["location"], row["last_day"], row["uplift"]) for row in rows(promotions)] == [("", "2026-12-24", 1.5)]


async def test_stock_and_orders_of_a_products_file_are_kept(bring: Any, rows: Any, own: Any) -> None:
    await bring("product_id,lead_time_days,on_hand,on_order\nA1,7,12,30\nB2,7,0,0\n")
    assert [row["on_hand"] for row in rows(stock)] == [12, 0]
    assert [(row["product_id"], row["quantity"], row["due_on"]) for row in rows(purchase_lines)] == [("A1", 30, None)]
