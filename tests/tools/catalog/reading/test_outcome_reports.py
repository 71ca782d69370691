"""Outcomes of orders from a file."""

import pytest

from tools.catalog.reading import read_file
from tools.catalog.reading.outcome_reports import outcome_reports
from tools.records.errors import UnclearColumns
from tools.records.orders import OutcomeReport


def test_reports_are_read_from_a_file_of_any_notation() -> None:
    rows = "PO-1;nein;12,5;;x\nPO-2;yes;0;40;\nPO-3;FALSE;1.000,5;2;\n"
    text = f"Order number;Ran out;Left over;Received quantity;note\n{rows}"
    reading = read_file(text.encode(), name="outcomes.csv", kind="outcomes")
    assert outcome_reports(reading) == [
        OutcomeReport(order_number="PO-1", ran_out=False, left_over=12.5),
        OutcomeReport(order_number="PO-2", ran_out=True, left_over=0, received_quantity=40),
        OutcomeReport(order_number="PO-3", ran_out=False, left_over=1000.5, received_quantity=2),
    ]
    assert reading.unused == ("note",)


@pytest.mark.parametrize(
    ("rows", "line", "code"),
    [
        ("PO-1,no,3\nPO-2,no,-3\n", 3, "negative"),
        ("PO-1,perhaps,3\nPO-2,no,3\n", 2, "no_answer"),
        ("PO-1,no,\nPO-2,no,3\n", 2, "missing"),
        ("PO-1,no,3\nPO-1,yes,0\n", 3, "twice"),
    ],
)
def test_a_report_that_says_nothing_is_a_fault_of_its_line(rows: str, line: int, code: str) -> None:
    reading = read_file(f"order_number,ran_out,left_over\n{rows}".encode(), name="outcomes.csv", kind="outcomes")
    assert [(fault.line, fault.code) for fault in reading.faults] == [(line, code)]


def test_a_file_without_a_needed_column_is_refused_with_the_way_out() -> None:
    with pytest.raises(UnclearColumns, match=r"no column for ran_out of outcomes. Name it \(--map ran_out=COLUMN"):
        read_file(b"order_number,left_over\nPO-1,1\n", name="outcomes.csv", kind="outcomes")
