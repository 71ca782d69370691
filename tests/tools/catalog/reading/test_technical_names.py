"""Exports of a German ERP system under its technical column names, as its list tools write them."""

from datetime import date
from typing import Any

import numpy as np
import pytest

from tools.catalog.reading import FileReading, read_file
from tools.records.errors import UnclearColumns

TODAY = date(2026, 11, 30)
SUPPLIERS = """\
LIFNR;NAME1;ORT01;LAND1;WAERS;PLIFZ;MINBW
0000100234;Schäfer & Söhne GmbH;Köln;DE;EUR;10;250,00
0000100301;Nordic Bolt AS;Oslo;NO;NOK;21;
"""
MATERIALS = """\
MATNR;MAKTX;MATKL;MEINS;LIFNR;NAME1;PLIFZ;WEBAZ;BSTMI;BSTRF;BSTMA;NETPR;PEINH;WAERS;MHDHB;DISMM
000000000000004711;Sechskantschraube M8×40 größer;001;ST;0000100234;Schäfer & Söhne GmbH;10;2;1.000,000;100,000;0,000;4,50;100;EUR;0;VB
000000000000004712;Kleber, rührfähig;002;KG;0000100301;Nordic Bolt AS;21;;25,000;12,500;500,000;12,80;1;NOK;365;VB
"""  # noqa: E501
STOCK = """\
29.11.2026                        Bestandsliste                                        1
------------------------------------------------------------------------------------------
| MATNR              | WERKS | LGORT | LABST      | INSME | MEINS |
------------------------------------------------------------------------------------------
| 000000000000004711 | 1000  | 0001  |  1.250,000 | 0,000 | ST    |
| 000000000000004711 | 1000  | 0002  |     80,000 | 0,000 | ST    |
| 000000000000004711 | 2000  | 0001  |     12,000-| 0,000 | ST    |
| 000000000000004712 | 1000  | 0001  |     37,500 | 5,000 | KG    |
------------------------------------------------------------------------------------------
"""
MOVEMENTS = """\
MBLNR;MATNR;WERKS;LGORT;BWART;BUDAT;MENGE;MEINS;KUNNR
4900000001;4711;1000;0001;601;02.11.2026;40,000;ST;0000020001
4900000002;4711;1000;0001;601;03.11.2026;25,000;ST;0000020002
4900000003;4711;1000;0001;602;03.11.2026;25,000;ST;
4900000004;4711;1000;0001;261;04.11.2026;7,000;ST;
4900000005;4711;1000;0001;101;04.11.2026;1.000,000;ST;
4900000006;4711;1000;0002;311;05.11.2026;80,000;ST;
4900000007;4711;1000;0001;651;05.11.2026;3,000;ST;0000020001
4900000008;4711;1000;0001;701;06.11.2026;2,000;ST;
"""
ORDERS = """\
EBELN;EBELP;BEDAT;LIFNR;NAME1;MATNR;TXZ01;WERKS;MENGE;WEMNG;MEINS;NETPR;PEINH;WAERS;EINDT
4500017001;00010;20261102;0000100234;Schäfer & Söhne GmbH;4711;Schraube;1000;2.000,000;500,000;ST;4,50;100;EUR;20261211
4500017001;00020;20261102;0000100234;Schäfer & Söhne GmbH;4713;Mutter;1000;300,000;300,000;ST;2,10;100;EUR;20261211
4500017002;00010;20261120;0000100301;Nordic Bolt AS;4712;Kleber;1000;50,000;0,000;KG;12,80;1;NOK;20270104
"""


def read(text: str, name: str, encoding: str = "cp1252", **options: Any) -> FileReading:
    reading = read_file(text.replace("×", "x").encode(encoding), name=name, today=TODAY, **options)
    assert reading.faults == ()
    return reading


def test_suppliers_have_their_lead_times_and_smallest_orders() -> None:
    reading = read(SUPPLIERS, "LFA1.csv", "cp850")
    assert (reading.kind, reading.unused) == ("suppliers", ("ORT01", "LAND1"))
    first = reading.frame.iloc[0]
    assert (first["supplier_id"], first["supplier_name"]) == ("0000100234", "Schäfer & Söhne GmbH")
    assert (first["currency"], first["lead_time_days"], first["minimum_order_value"]) == ("EUR", 10, 250)


def test_materials_are_products_priced_for_one_unit_with_the_time_until_they_are_in_stock() -> None:
    reading = read(MATERIALS, "MARC.csv", "cp850")
    assert (reading.kind, reading.unused) == ("products", ("NAME1", "DISMM"))
    bolt, glue = (row for _, row in reading.frame.iterrows())
    assert (bolt["product_id"], bolt["name"]) == ("000000000000004711", "Sechskantschraube M8x40 größer")
    assert (bolt["unit"], bolt["supplier"], bolt["category"]) == ("ST", "0000100234", "001")
    assert (bolt["unit_price"], glue["unit_price"], glue["currency"]) == (0.045, 12.8, "NOK")
    assert (bolt["lead_time_days"], glue["lead_time_days"]) == (12, 21)
    assert (bolt["minimum_order_quantity"], bolt["order_multiple"], glue["order_multiple"]) == (1000, 100, 12.5)
    assert np.isnan(bolt["maximum_order_quantity"])
    assert (glue["maximum_order_quantity"], glue["shelf_life_days"]) == (500, 365)
    assert "Prices are for as many units as PEINH says." in reading.notes
    assert "WEBAZ is added to PLIFZ." in reading.notes


def test_a_printed_list_of_stock_is_read_by_plant_and_storage_location() -> None:
    reading = read(STOCK, "MARD.txt")
    assert (reading.kind, reading.mapping["location"], reading.mapping["bin"]) == ("stock", "WERKS", "LGORT")
    frame = reading.frame[["product_id", "location", "bin", "on_hand", "backorders"]]
    assert frame.to_numpy().tolist() == [
        ["000000000000004711", "1000", "0001", 1250, 0],
        ["000000000000004711", "1000", "0002", 80, 0],
        ["000000000000004711", "2000", "0001", 0, 12],
        ["000000000000004712", "1000", "0001", 37.5, 0],
    ]
    assert set(reading.unused) == {"INSME", "MEINS"}


def test_movements_are_sales_where_goods_go_out_and_reversals_take_them_back() -> None:
    reading = read(MOVEMENTS, "MSEG.csv")
    assert (reading.kind, reading.mapping["location"], reading.mapping["movement"]) == ("sales", "WERKS", "BWART")
    sold = [
        (f"{day:%d}", quantity) for day, quantity in zip(reading.frame["date"], reading.frame["quantity"], strict=True)
    ]
    assert sold == [("02", 40), ("04", 7)]
    assert "reversal" not in reading.frame
    for said in (
        "1 line of transfers: no demand.",
        "2 lines of purchases, counts or offers: no demand.",
        "1 line was taken back whole: no demand.",
        "1 other line of returns, which do not lower demand.",
    ):
        assert said in reading.notes


def test_of_orders_what_has_arrived_is_taken_off() -> None:
    reading = read(ORDERS, "EKPO.csv")
    assert reading.kind == "open_orders"
    frame = reading.frame
    assert frame["reference"].tolist() == ["4500017001", "4500017002"]
    assert frame["quantity"].tolist() == [1500, 50]
    assert [f"{day:%Y-%m-%d}" for day in frame["due_date"]] == ["2026-12-11", "2027-01-04"]
    assert [f"{day:%Y-%m-%d}" for day in frame["ordered_date"]] == ["2026-11-02", "2026-11-20"]
    assert "MENGE is what was ordered: WEMNG is taken off." in reading.notes
    assert "1 order has nothing open: left out." in reading.notes


def test_the_history_of_orders_is_receipts_and_asked_for_where_it_may_be_any_movement() -> None:
    history = "EBELN;MATNR;WERKS;LIFNR;BUDAT;MENGE\n4500017001;4711;1000;100234;02.11.2026;500,000\n"
    assert (read(history, "EKBE.csv").kind, read(history, "EKBE.csv").mapping["received_date"]) == ("receipts", "BUDAT")
    lines = "4500017001;4711;101;02.11.2026;500,000\n4500017001;4711;102;03.11.2026;1.000,000\n"
    moved = f"EBELN;MATNR;BWART;BUDAT;MENGE\n{lines}"
    with pytest.raises(UnclearColumns, match=r"sales or of receipts; say which \(--kind\)"):
        read(moved, "EKBE.csv")
    reading = read(moved, "EKBE.csv", kind="receipts")
    assert reading.frame["quantity"].tolist() == [500]
    assert reading.notes == ("1 line of other movements than receipts: left out.",)


def test_the_same_goods_at_one_place_without_a_bin_are_still_a_fault() -> None:
    text = "MATNR;WERKS;LABST\n4711;1000;5,5\n4711;1000;7\n"
    assert [fault.code for fault in read_file(text.encode(), name="stock.csv", today=TODAY).faults] == ["twice"]


def test_a_column_of_types_that_are_no_movement_types_is_read_in_words() -> None:
    text = "MATNR;BUDAT;MENGE;Type\n4711;02.11.2026;5,5;200\n4711;03.11.2026;7;100\n"
    assert read(text, "sales.csv").frame["quantity"].tolist() == [5.5, 7]


def test_days_of_receiving_without_a_lead_time_are_named() -> None:
    reading = read("MATNR;MEINS;LIFNR;WEBAZ\n4711;ST;1;2\n", "terms.csv")
    assert "WEBAZ is not used: it is added to a lead time, and there is none." in reading.notes
    assert "lead_time_days" not in reading.frame
