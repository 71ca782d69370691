"""Files as programs and people save them."""

import io
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from xlsxwriter import Workbook

from tools.catalog.reading import FileReading, UnclearColumns, read_file
from tools.records.errors import InvalidInput

TODAY = date(2026, 11, 30)
ROWS = "Müsli;05.01.2026;9\nMüsli;06.01.2026;11\n"


def read(raw: bytes, name: str = "sales.csv", **options: Any) -> FileReading:
    return read_file(raw, name=name, today=TODAY, **options)


def sold(reading: FileReading) -> list[tuple[str, str, float]]:
    frame = reading.frame
    return [
        (product, f"{day:%Y-%m-%d}", quantity)
        for product, day, quantity in zip(frame["product_id"], frame["date"], frame["quantity"], strict=True)
    ]


MUESLI = [("Müsli", "2026-01-05", 9), ("Müsli", "2026-01-06", 11)]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252", "cp850"])
def test_any_usual_encoding_is_read(encoding: str) -> None:
    assert sold(read(f"sku;date;quantity\n{ROWS}".encode(encoding))) == MUESLI


@pytest.mark.parametrize("page", ["cp1252", "cp850"])
@pytest.mark.parametrize(
    "name",
    ["Müller", "Schäfer & Söhne", "Größe 4", "Rührgerät", "Nähgarn", "Café", "señal", "maçã", "Überwurf groß", "Öler"],
)
def test_windows_and_dos_are_told_apart_by_their_letters(name: str, page: str) -> None:
    reading = read(f"sku;date;quantity\n{name};05.01.2026;9\nRöhre;06.01.2026;1\n".encode(page))
    assert reading.frame["product_id"].tolist() == [name, "Röhre"]
    assert ("code page 850" in reading.notes[0], "Windows-1252" in reading.notes[0]) == (
        page == "cp850",
        page != "cp850",
    )


@pytest.mark.parametrize(
    "name", ["Men’s shirt", "Köln–Bonn", "“Best” buy", "Tee…Beutel", "Brand™ X", "20 °C", "5 € box"]
)
def test_signs_that_windows_has_are_no_sign_of_dos(name: str) -> None:
    assert read(f"sku;date;quantity\n{name};05.01.2026;9\n".encode("cp1252")).frame["product_id"].tolist() == [name]


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_any_usual_separator_is_found(separator: str) -> None:
    assert sold(read(f"sku;date;quantity\n{ROWS}".replace(";", separator).encode())) == MUESLI


@pytest.mark.parametrize(
    "text",
    [
        f"sep=;\nsku;date;quantity\n{ROWS}",
        f'"sep=;"\r\nsku;date;quantity\r\n{ROWS}',
        f"SKU; Date; Quantity \n{ROWS}",
        f"\n\nsku;date;quantity\n\n{ROWS}\n\n",
        f"Verkaufsliste\nZeitraum:;01.01.2026 - 31.01.2026\nErstellt von:;Meyer, K.\n\nArtikel;Datum;Menge\n{ROWS}",
        f"sku;date;quantity;;\n{ROWS.replace(chr(10), ';;' + chr(10))}",
        f"sku;date;quantity\n{ROWS}sku;date;quantity\n",
        f'"sku";"date";"quantity"\n{ROWS}',
        f"sku;date;quantity\n{ROWS};;\n;;\n",
        f"sku;date;quantity\r{ROWS}".replace("\n", "\r"),
        f"sku;date;quantity\n{ROWS}Seite 1 von 1\n",
        f"sku;date;quantity\n---;----------;---\n{ROWS}===;===;===\n",
        f"sku;date;quantity;note\n{ROWS.replace(chr(10), ';' + chr(34) + 'a;b' + chr(10) + 'c' + chr(34) + chr(10))}",
    ],
)
def test_what_stands_around_the_rows_does_not_matter(text: str) -> None:
    assert sold(read(text.encode())) == MUESLI


def test_a_fault_below_a_report_s_head_and_empty_lines_has_the_line_that_a_spreadsheet_shows() -> None:
    text = "Report\n\nsku,date,quantity\nA,2026-01-05,9\n\nA,2026-01-06,many\n"
    (fault,) = read(text.encode()).faults
    assert (fault.line, fault.value) == (6, "many")


def test_a_line_with_more_cells_than_columns_is_a_fault() -> None:
    reading = read(b"sku,date,quantity\nA,2026-01-05,9\nA,2026-01-06,1,5\n")
    (fault,) = reading.faults
    assert (fault.line, fault.code, fault.value) == (3, "too_many_cells", "A | 2026-01-06 | 1 | 5")
    assert len(reading.frame) == 1


def test_an_id_keeps_its_zeros_and_loses_what_only_protects_it() -> None:
    text = 'sku,date,quantity\n007,2026-01-05,9\n7,2026-01-05,9\n"=""010""",2026-01-05,9\n\'0011,2026-01-05,1\n'
    assert [product for product, _, _ in sold(read(text.encode()))] == ["007", "7", "010", "0011"]


def workbook(sheets: dict[str, list[list[Any]]]) -> bytes:
    file = io.BytesIO()
    with Workbook(file, {"default_date_format": "dd.mm.yyyy"}) as book:
        for name, rows in sheets.items():
            sheet = book.add_worksheet(name)
            for row, cells in enumerate(rows):
                sheet.write_row(row, 0, cells)
    return file.getvalue()


def test_a_workbook_is_read_with_its_types_and_its_lines() -> None:
    rows = [
        ["Spare parts, demand 2026"],
        [],
        ["Part No.", "Date", "Qty", "Unit price"],
        ["007", date(2026, 1, 5), 9, 1.125],
        [4711, date(2026, 1, 6), 2.125, "n/a"],
        ["B", "06.01.2026", "1,5", 2],
        ["C", date(2026, 1, 6), "x", 2],
        ["Total", None, 12.625],
    ]
    reading = read(workbook({"Demand": rows}), name="parts.xlsx")
    assert sold(reading) == [("007", "2026-01-05", 9), ("4711", "2026-01-06", 2.125), ("B", "2026-01-06", 1.5)]
    assert [fault.line for fault in reading.faults] == [7]
    assert reading.frame["price"].iloc[0] == 1.125


def test_dates_that_a_sheet_shows_as_numbers_are_days() -> None:
    rows = [["sku", "date", "quantity"], ["A", 46027, 9], ["A", 46028.5, 4]]
    assert sold(read(workbook({"S": rows}), name="s.xlsx")) == [("A", "2026-01-05", 9), ("A", "2026-01-06", 4)]


def test_a_wide_workbook_with_dates_for_names_is_one_of_periods() -> None:
    months = [date(2026, 1, 1), date(2026, 2, 1), date(2026, 3, 1)]
    reading = read(
        workbook({"S": [["Part", "Description", *months, "Total"], ["A", "Bolt", 1, 2, 3, 6]]}), name="s.xlsx"
    )
    assert reading.frame["quantity"].tolist() == [1, 2, 3]
    assert set(reading.frame["period"]) == {"month"}


def test_the_sheet_with_a_table_is_found_or_asked_for() -> None:
    table = [["sku", "date", "quantity"], ["A", "2026-01-05", 9]]
    note = [["This file is for planning only"], ["Meyer"]]
    assert len(read(workbook({"Read me": note, "Data": table}), name="s.xlsx").frame) == 1
    two = workbook({"North": table, "South": [*table, ["A", "2026-01-06", 4]]})
    with pytest.raises(UnclearColumns, match=r"North, South.*--sheet"):
        read(two, name="s.xlsx")
    assert len(read(two, name="s.xlsx", sheet="South").frame) == 2
    with pytest.raises(InvalidInput, match="no sheet 'West'; its sheets are North, South"):
        read(two, name="s.xlsx", sheet="West")


def test_parquet_is_read_with_its_types(tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {
            "sku": pd.Categorical(["A", "B"]),
            "date": pd.to_datetime(["2026-01-05 23:00", "2026-01-06 00:00"]).tz_localize("America/New_York"),
            "quantity": [1.125, 2],
        }
    )
    frame.to_parquet(tmp_path / "sales.parquet")
    reading = read_file(tmp_path / "sales.parquet", name="sales.parquet", today=TODAY)
    assert sold(reading) == [("A", "2026-01-05", 1.125), ("B", "2026-01-06", 2)]


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b"", "is empty"),
        (b" \n\n ", "is empty"),
        (b"<html><table><tr><td>sku</td></tr></table></html>", "is HTML, XML or JSON; open it in a spreadsheet"),
        (b'[{"sku": "A", "quantity": 3}]', "is HTML, XML or JSON"),
        (b"PK\x03\x04 no workbook", "cannot be read as a workbook"),
        (b"PAR1 no parquet", "cannot be read as Parquet"),
        (b"\x89PNG\x0d\x0a\x1a\x0a\x00\x00\x00\x0dIHDR", "neither text nor a workbook nor Parquet"),
    ],
)
def test_what_is_no_table_is_refused_in_a_sentence(raw: bytes, why: str) -> None:
    with pytest.raises(InvalidInput, match=why):
        read(raw)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="There is no file"):
        read_file(tmp_path / "sales.csv", name="sales.csv")
