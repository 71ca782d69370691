"""Which rows of sales are demand."""

import re
from datetime import date
from typing import Any

import pytest

from tools.catalog.reading import FileReading, read_file
from tools.records.errors import InvalidInput
from tools.records.text import several

TODAY = date(2026, 11, 30)


def read(text: str, **options: Any) -> FileReading:
    return read_file(text.encode(), name="sales.csv", kind="sales", today=TODAY, **options)


@pytest.mark.parametrize(
    ("column", "cancelled", "sold"),
    [
        (
            "status",
            ["Cancelled", "CANCELED", "Refunded", "wc-cancelled", "wc-failed", "Voided"],
            ["Completed", "wc-completed"],
        ),
        ("order-status", ["Cancelled"], ["Shipped", "Pending", "Unshipped", "Shipped - Delivered to Buyer"]),
        ("Financial Status", ["refunded", "voided"], ["paid", "partially_refunded", "pending"]),
        ("STATUS", ["Cancelled"], ["Shipped", "Disputed", "Resolved", "On Hold", "In Process"]),
        ("Auftragsstatus", ["storniert", "Storno"], ["geliefert", "offen"]),
        ("Estado", ["Anulado", "cancelada"], ["Enviado"]),
        ("Statut", ["Annulée", "Remboursé"], ["Expédié"]),
        ("Cancelled at", ["2026-01-06 10:00:00 +0100"], [""]),
        ("is_cancelled", ["1", "true", "yes"], ["0", "false", "no", ""]),
    ],
)
def test_lines_that_were_cancelled_or_refunded_are_no_demand(
    column: str, cancelled: list[str], sold: list[str]
) -> None:
    lines = "".join(f"A,2026-01-05,3,{status}\n" for status in cancelled) + "".join(
        f"A,2026-01-05,1,{status}\n" for status in sold
    )
    reading = read(f"sku,date,quantity,{column}\n{lines}")
    assert reading.frame["quantity"].tolist() == [1] * len(sold)
    assert f"{several(len(cancelled), 'line')} cancelled or refunded: no demand." in reading.notes


def test_a_line_that_the_same_customer_takes_back_whole_was_no_demand_and_other_returns_do_not_lower_it() -> None:
    reading = read(
        "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n"
        "536365,85123A,HOLDER,6,12/13/2010 8:26,2.55,17850,UK\n"
        "536366,85123A,HOLDER,6,12/13/2010 9:26,2.55,17851,UK\n"
        "536367,85123A,HOLDER,8,12/14/2010 9:26,2.55,17850,UK\n"
        "C536379,85123A,HOLDER,-6,12/14/2010 10:00,2.55,17850,UK\n"
        "C536380,85123A,HOLDER,-1,12/14/2010 10:00,2.55,17851,UK\n"
        "C536381,85123A,HOLDER,-2,12/14/2010 10:00,2.55,,UK\n"
    )
    assert reading.frame.index.tolist() == [3, 4]
    assert reading.notes == (
        "1 line was taken back whole by the same customer: no demand.",
        "2 other lines of returns, which do not lower demand.",
    )


def test_what_is_taken_back_before_it_is_sold_takes_nothing_back() -> None:
    reading = read("sku,date,quantity,customer\nA,2026-01-05,-6,C1\nA,2026-01-06,6,C1\n")
    assert reading.frame["quantity"].tolist() == [6]


@pytest.mark.parametrize(
    ("column", "words"),
    [
        ("Type", ["Transfer", "Internal transfer", "stock-move"]),
        ("Belegart", ["Umlagerung", "Interne Umbuchung", "Wareneingang", "Inventur", "Angebot"]),
        ("Entry Type", ["Purchase", "Positive Adjmt.", "Transfer"]),
        ("Tipo de movimiento", ["Traspaso", "Compra", "Ajuste"]),
        ("Customer", ["Internal", "Transfer to North"]),
    ],
)
def test_transfers_and_other_movements_are_no_demand(column: str, words: list[str]) -> None:
    lines = "".join(f"A,2026-01-05,30,{word}\n" for word in words)
    reading = read(f"sku,date,quantity,{column}\n{lines}A,2026-01-05,4,Sale\nA,2026-01-06,5,\n")
    assert reading.frame["quantity"].tolist() == [4, 5]
    assert "no demand" in " ".join(reading.notes)


def test_a_ledger_that_writes_sales_with_a_minus_is_turned_around_where_it_names_its_sales() -> None:
    rows = "A,2026-01-05,-4,Sale\nA,2026-01-06,-5,Sale\nA,2026-01-06,100,Purchase\nA,2026-01-07,1,Sale\n"
    assert read(f"Item No.,Posting Date,Quantity,Entry Type\n{rows}").frame["quantity"].tolist() == [4, 5]
    with pytest.raises(InvalidInput, match=r"2 of 3 quantities below 0.*--map movement"):
        read("sku,date,quantity\nA,2026-01-05,-4\nA,2026-01-06,-5\nA,2026-01-07,1\n")


@pytest.mark.parametrize(
    "total", ["Total,,,29", ",,Total,29", "Summe:,,,29", "Gesamtsumme,,,29", ",Total general,,29", ",,,29", "3 rows,,,"]
)
def test_totals_below_the_lines_are_left_out_and_named(total: str) -> None:
    reading = read(f"sku,date,document,quantity\nA,2026-01-05,1,9\nB,2026-01-05,2,20\n{total}\n")
    assert reading.frame["quantity"].tolist() == [9, 20]
    assert not reading.faults
    assert "(line 4)" in reading.notes[0]


def test_sums_between_the_lines_are_left_out() -> None:
    reading = read(
        "sku,date,quantity\nA,2026-01-05,9\nSubtotal,,9\nB,2026-01-05,20\nZwischensumme,,20\nGrand Total,,29\n"
    )
    assert reading.frame["quantity"].tolist() == [9, 20]
    assert reading.notes == ("3 lines with totals: left out (line 3, 5, 6).",)


def test_a_product_whose_name_begins_with_total_is_one() -> None:
    reading = read("sku,name,date,quantity\nTOTAL-5W30,Total Quartz 5W30,2026-01-05,9\nA,Sum 41,2026-01-06,3\n")
    assert reading.frame["product_id"].tolist() == ["TOTAL-5W30", "A"]


def test_lines_that_are_there_twice_are_counted_and_named() -> None:
    reading = read("sku,date,quantity\nA,2026-01-05,9\nA,2026-01-05,9\nA,2026-01-06,9\n")
    assert reading.frame["quantity"].sum() == 27
    assert reading.notes == ("1 line is the same as another before (line 3 …), and counted again.",)


def test_ids_are_trimmed_and_those_that_differ_in_case_or_blanks_only_are_named() -> None:
    reading = read(
        'sku,date,quantity\n"A1 ",2026-01-05,9\nA1,2026-01-06,9\na1,2026-01-06,1\nB 2,2026-01-06,1\nB2,2026-01-06,1\n'
    )
    assert list(reading.frame["product_id"].unique()) == ["A1", "a1", "B 2", "B2"]
    assert reading.notes == ("2 products have ids that differ in case or blanks only: 'A1' and 'a1'; 'B 2' and 'B2'.",)


MARKS = "sku,date,quantity,Stock out\n" + "".join(f"A,2026-11-{day:02},3,{{}}\n" for day in range(1, 7))


def test_marks_of_a_stock_out_are_yes_or_no_in_any_language_or_a_number() -> None:
    reading = read(MARKS.format("ja", "", "0", "2", "ausverkauft", "In stock"))
    assert reading.faults == ()
    assert reading.frame["stock_out"].tolist() == [True, False, False, True, True, False]


def test_a_mark_of_a_stock_out_that_is_neither_yes_nor_no_is_a_fault_for_every_reader() -> None:
    reading = read(MARKS.format("no", "perhaps", "no", "no", "no", "no"))
    [fault] = reading.faults
    assert (fault.line, fault.column, fault.value, fault.code) == (3, "Stock out", "perhaps", "no_answer")
    assert "Write one of them, or leave the cell empty." in fault.problem
    assert len(reading.frame) == 5


def test_locations_that_differ_in_case_only_are_named() -> None:
    reading = read("sku,location,date,quantity\nA1,Main,2026-01-05,1\nA1,MAIN,2026-01-06,2\n")
    assert "1 location has ids that differ in case or blanks only: 'Main' and 'MAIN'." in reading.notes


def test_a_subtotal_among_the_lines_is_no_sale() -> None:
    reading = read("sku,date,quantity\nA1,2026-01-05,1\nSubtotal A1,,1\nB2,2026-01-06,2\n")
    assert (reading.faults, reading.frame["quantity"].tolist()) == ((), [1, 2])
    assert "1 line with totals: left out (line 3)." in reading.notes


@pytest.mark.parametrize("rounded", ["4.00639E+12", '"4,00639E+12"'])
def test_an_id_that_a_spreadsheet_has_rounded_is_a_fault(rounded: str) -> None:
    reading = read(f"ean,date,quantity\n{rounded},2026-01-05,1\n4006381333931,2026-01-05,2\n")
    assert [(fault.line, fault.code) for fault in reading.faults] == [(2, "rounded_id")]
    assert reading.frame["product_id"].tolist() == ["4006381333931"]


def test_what_was_ordered_goes_before_what_was_shipped() -> None:
    reading = read("sku,date,shipped qty,ordered qty\nA1,2026-01-05,1,5\nA1,2026-01-06,2,2\n")
    assert reading.mapping["quantity"] == "ordered qty"


def test_a_file_without_rows_says_so() -> None:
    assert "sales.csv has column names and no rows." in read("sku,date,quantity\n").notes


@pytest.mark.parametrize(
    ("text", "way_out"),
    [
        ("Part,2023,2024,2025\nP1,10,12,9\n", "give days, weeks or months"),
        ("Part,Q1 2025,Q2 2025,Q3 2025\nP1,10,12,9\n", "give days, weeks or months"),
        ("A1,2026-01-05,8\nA1,2026-01-06,9\n", "is the line of column names missing?"),
        ("sku,date,quantity\nA1,2026-01-05,1\n" + ",2026-01-06,2\n" * 6, "fill them down"),
        ("%PDF-1.4\n", "neither text nor a workbook"),
    ],
)
def test_a_table_that_cannot_be_read_is_refused_with_the_way_out(text: str, way_out: str) -> None:
    with pytest.raises(InvalidInput, match=re.escape(way_out)):
        read_file(text.encode(), name="sales.csv", today=TODAY)


@pytest.mark.parametrize("word", ["Gutschrift", "Credit memo", "Sales return", "Abono", "Avoir", "Retoure"])
def test_a_credit_note_is_a_return_whatever_its_sign(word: str) -> None:
    lines = f"A,2026-01-05,4,C1,Invoice\nA,2026-01-06,5,C2,Invoice\nA,2026-01-07,4,C1,{word}\n"
    reading = read(f"sku,date,quantity,customer,Document type\n{lines}")
    assert reading.frame["quantity"].tolist() == [5]
    turned = read(
        f"sku,date,quantity,customer,Document type\n{lines.replace(',4,C1,I', ',-4,C1,I').replace(',5,', ',-5,')}"
    )
    assert turned.frame["quantity"].tolist() == [5]


def test_a_week_may_be_named_by_its_first_or_last_day() -> None:
    lines = "".join(f"2026-01-{day:02},A1,{day}\n" for day in (4, 11, 18, 25))
    reading = read(f"Week ending,sku,qty\n{lines}")
    assert (reading.mapping["date"], reading.period) == ("Week ending", "week")
