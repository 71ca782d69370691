"""What the rows of terms, stock and orders mean."""

from datetime import date
from typing import Any

import numpy as np
import pytest

from tools.catalog.reading import FileReading, fault_report, read_file, refuse_faults
from tools.planning.scan import Terms
from tools.records.errors import FaultyFile

TODAY = date(2026, 11, 30)


def read(text: str, **options: Any) -> FileReading:
    return read_file(text.encode(), name="file.csv", today=TODAY, **options)


def test_every_term_of_the_scan_is_understood_by_its_name() -> None:
    names = list(Terms.__dataclass_fields__)
    reading = read(f"product_id,{','.join(names)}\nA,{','.join('0.5' for _ in names)}\n", kind="products")
    assert set(names) <= set(reading.mapping)
    assert reading.frame[names].iloc[0].tolist() == [0.5] * len(names)


def test_terms_are_read_in_any_notation_and_an_empty_cell_is_not_given() -> None:
    reading = read('Artikel;Lieferzeit;Mindestbestellmenge;VE;EK\n"A1 ";7;1.000;;4,50 €\nA2;unbekannt;;12;1.234,00 €\n')
    frame = reading.frame.set_index("product_id")
    assert frame["unit_price"].tolist() == [4.5, 1234]
    np.testing.assert_array_equal(frame["minimum_order_quantity"], [1000, np.nan])
    np.testing.assert_array_equal(frame["order_multiple"], [np.nan, 12])
    np.testing.assert_array_equal(frame["lead_time_days"], [7, np.nan])


def test_stock_below_zero_is_backorders() -> None:
    reading = read("sku,location,on hand\nA,North,-5\nA,South,100.0\n")
    assert reading.frame["on_hand"].tolist() == [0, 100]
    assert reading.frame["backorders"].tolist() == [5, 0]
    assert reading.notes == ("1 row has a stock below 0, which was read as backorders.",)


def test_the_same_row_twice_counts_once_and_another_row_of_the_same_is_a_fault() -> None:
    reading = read("sku,location,on hand\nA,North,5\nA,North,5\nA,South,5\nB,North,5\nB,North,6\n")
    (fault,) = reading.faults
    assert (fault.line, fault.code, fault.value) == (6, "twice", "B at North")
    assert len(reading.frame) == 3
    assert reading.notes == ("1 row is there twice, and read once.",)


@pytest.mark.parametrize(
    ("column", "value", "code"),
    [
        ("lead time", "-1", "negative"),
        ("lead time", "a week", "no_number"),
        ("service level", "0", "share"),
        ("service level", "100 %", "share"),
        ("service level", "120", "share"),
        ("unit cost", "-2", "negative"),
        ("unit cost", "on request", "no_number"),
        ("moq", "1e12", "too_large"),
    ],
)
def test_a_term_that_cannot_be_is_a_fault(column: str, value: str, code: str) -> None:
    reading = read(f"sku,supplier,{column}\nA,S,{value}\nB,S,\n")
    (fault,) = reading.faults
    assert (fault.line, fault.column, fault.code) == (2, column, code)
    assert reading.frame["product_id"].tolist() == ["B"]


def test_orders_with_nothing_open_are_left_out_and_due_days_may_lie_ahead() -> None:
    reading = read("PO,SKU,Qty open,Due\nPO1,A,5,2027-02-01\nPO2,A,0,2026-12-24\nPO3,B,7,\n")
    assert reading.frame["reference"].tolist() == ["PO1", "PO3"]
    assert reading.frame["due_date"].isna().tolist() == [False, True]
    assert reading.notes == ("1 order has nothing open: left out.",)


def test_a_receipt_in_the_future_is_a_fault() -> None:
    reading = read("PO,SKU,Qty,Received date\nPO1,A,5,2026-11-02\nPO2,A,5,2027-11-02\nPO3,A,5,2026-11-09\n")
    assert [fault.line for fault in reading.faults] == [3]


def test_all_faults_are_in_one_report_counted_by_kind() -> None:
    rows = "".join(f"A,2026-01-05,{cell}\n" for cell in [5] * 40 + ["x"] * 30)
    reading = read(f"sku,date,quantity\n{rows},2026-01-05,4\n")
    report = fault_report(reading.faults)
    assert report.startswith(
        "31 faults: 30 × no_number, 1 × missing\n  file.csv, line 42, quantity 'x': This is no number."
    )
    assert report.endswith("and 11 more; --rejects FILE writes all of them.")
    with pytest.raises(FaultyFile, match=r"(?s)31 faults.*--skip-bad"):
        refuse_faults(reading.faults)
