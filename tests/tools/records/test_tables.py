"""Tables for spreadsheets: what people and files bring in stays data."""

import csv
import io
import math
import re
import zipfile
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from python_calamine import CalamineWorkbook

from tools.records import tables
from tools.records.errors import InvalidInput
from tools.records.tables import write_csv, write_xlsx

FORMULAS = ["=1+1", "=HYPERLINK(A1)", "+49 30 1234", "-rubber", "-1+cmd|' /C calc'!A0", "@SUM(A1)", "\t=1", "＝1+1"]


def as_csv(*cells: Any) -> str:
    """The line of a row with these cells."""
    file, columns = io.StringIO(), [f"c{n}" for n in range(len(cells))]
    write_csv([dict(zip(columns, cells, strict=True))], columns, file)
    return file.getvalue().split("\n", 1)[1].removesuffix("\n")


def as_xlsx(*cells: Any) -> tuple[list[Any], str]:
    """What a reader finds in a row with these cells, and the sheet as it is stored."""
    file, columns = io.BytesIO(), [f"c{n}" for n in range(len(cells))]
    write_xlsx([dict(zip(columns, cells, strict=True))], columns, file)
    rows = CalamineWorkbook.from_filelike(io.BytesIO(file.getvalue())).get_sheet_by_index(0).to_python()
    return rows[1], zipfile.ZipFile(file).read("xl/worksheets/sheet1.xml").decode()


@pytest.mark.parametrize("text", FORMULAS)
def test_a_text_that_a_spreadsheet_would_calculate_is_marked_as_text_in_csv(text: str) -> None:
    assert next(csv.reader([as_csv(text, "x")])) == [f"'{text}", "x"]


@pytest.mark.parametrize("text", FORMULAS)
def test_a_text_that_looks_like_a_formula_is_a_text_cell_in_xlsx(text: str) -> None:
    row, sheet = as_xlsx(text)
    assert row == [text]
    assert re.search('<c r="A2"[^>]* t="inlineStr"', sheet)
    assert "<f>" not in sheet


def test_an_address_in_the_web_is_text_and_no_link() -> None:
    row, sheet = as_xlsx("https://example.com/a")
    assert row == ["https://example.com/a"]
    assert "hyperlink" not in sheet


@pytest.mark.parametrize("number", ["-4", "+4", "-4.50", "-1e3"])
def test_a_text_that_is_a_number_with_a_sign_is_not_changed(number: str) -> None:
    assert as_csv(number) == number
    assert as_xlsx(number)[0] == [number]


@pytest.mark.parametrize(
    ("number", "written"),
    [
        *[(-4, "-4"), (-4.5, "-4.5"), (40.0, "40"), (0.1, "0.1"), (Decimal("12.50"), "12.50"), (1e-7, "0.0000001")],
        *[(Decimal("500.0000"), "500"), (10**15, "1000000000000000")],
    ],
)
def test_a_number_is_written_as_a_number(number: Any, written: str) -> None:
    assert as_csv(number) == written
    assert as_xlsx(number)[0] == [pytest.approx(float(number))]


def test_an_id_keeps_its_zeros() -> None:
    assert as_csv("007") == "007"
    assert as_xlsx("007", 7)[0] == ["007", 7]


def test_what_is_not_known_is_an_empty_cell() -> None:
    assert as_csv("a", None, math.nan, "b") == "a,,,b"
    assert as_xlsx("a", None, math.inf, "b")[0] == ["a", "", "", "b"]


def test_days_are_days_and_moments_are_in_utc() -> None:
    moment = datetime(2026, 11, 30, 14, 5, tzinfo=timezone(timedelta(hours=2)))
    assert as_csv(date(2026, 11, 30), moment) == "2026-11-30,2026-11-30T12:05:00Z"
    row, _ = as_xlsx(date(2026, 11, 30), moment)
    assert row == [date(2026, 11, 30), moment.astimezone(UTC).replace(tzinfo=None)]


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_no_text_becomes_two_cells_whatever_separator_a_spreadsheet_takes(separator: str) -> None:
    text = f'steel{separator}=1+1 "A"\nnext'
    [row] = csv.reader(io.StringIO(as_csv(text)), delimiter=separator)
    assert row == [text]


def test_columns_come_in_the_order_asked_for_and_others_are_left_out() -> None:
    file = io.StringIO()
    write_csv(({"a": n, "b": "x", "c": 0} for n in range(2)), ["b", "a"], file)
    assert file.getvalue() == "b,a\nx,0\nx,1\n"


def test_a_table_without_rows_has_its_head() -> None:
    file = io.BytesIO()
    write_xlsx([], ["a", "b"], file)
    assert CalamineWorkbook.from_filelike(io.BytesIO(file.getvalue())).get_sheet_by_index(0).to_python() == [["a", "b"]]


def test_nothing_is_cut_off_where_a_workbook_has_no_room(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InvalidInput, match="32,767 characters, not 32,768; write a CSV"):
        as_xlsx("x" * 32_768)
    monkeypatch.setattr(tables, "XLSX_ROWS", 2)
    with pytest.raises(InvalidInput, match="2 rows, not 3; write a CSV"):
        write_xlsx([{"a": 1}] * 3, ["a"], io.BytesIO())


def test_a_moment_of_this_service_reads_back_as_it_was() -> None:
    now = datetime(2026, 1, 31, 23, 59, 59, tzinfo=UTC)
    assert datetime.fromisoformat(as_csv(now)) == now
