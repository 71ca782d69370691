"""A wholesaler's five files, as plain CSV, as a German system exports them, and as workbooks: the same tables."""

import io
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pandas as pd
import pytest
from xlsxwriter import Workbook

from tools.catalog.reading import FileReading, closed_days, read_file

TODAY = date(2026, 11, 30)
DAYS = [
    day for offset in range(120) if (day := date(2026, 8, 3) + timedelta(days=offset)).weekday() < 5 and day < TODAY
]
Rows = list[list[Any]]
FILES: dict[str, tuple[list[str], list[str], Rows]] = {
    "suppliers": (
        ["supplier_id", "supplier_name", "currency", "lead_time_days", "min_order_value"],
        ["Lieferantennr.", "Lieferantenname", "Währung", "Lieferzeit (Tage)", "Mindestbestellwert"],
        [["S01", "Müller GmbH", "EUR", 14, 1250.0], ["S02", "Chen Trading Co", "USD", 45, 1000.0]],
    ),
    "products": (
        ["SKU", "Description", "Supplier", "Unit cost", "Currency", "MOQ", "Pack size", "Lead time (days)", "UoM"],
        ["Artikelnr.", "Bezeichnung", "Lieferant", "EK-Preis", "Währung", "MBM", "VPE", "Lieferzeit Tage", "ME"],
        [
            ["BOL-1000", "Bolt M8", "Müller GmbH", 67.58, "EUR", 1000, 50, 14, "pcs"],
            ["GLU-1007", "Glue; 20 ml", "Chen Trading Co", 0.61, "USD", 10, 1, 45, "box"],
        ],
    ),
    "stock": (
        ["SKU", "Location", "On hand"],
        ["Artikelnr.", "Lagerort", "Bestand"],
        [["BOL-1000", "MAIN", 1350], ["BOL-1000", "NORTH", 72], ["GLU-1007", "MAIN", 0]],
    ),
    "sales": (
        ["Date", "Order no", "SKU", "Qty", "Customer", "Location"],
        ["Datum", "Belegnr.", "Artikelnr.", "Menge", "Kunde", "Lager"],
        [
            [day, f"SO{place:06}", "BOL-1000", 1000 + place, f"C{place % 5:03}", "MAIN"]
            for place, day in enumerate(DAYS)
        ],
    ),
    "open_orders": (
        ["PO", "Supplier", "SKU", "Qty open", "Expected date"],
        ["Bestellnr.", "Lieferant", "Artikelnr.", "Offene Menge", "Liefertermin"],
        [
            ["PO4000", "Müller GmbH", "BOL-1000", 2000, date(2026, 12, 24)],
            ["PO4001", "Chen Trading Co", "GLU-1007", 20, DAYS[-1]],
        ],
    ),
}  # fmt: skip


def plain(english: list[str], german: list[str], rows: Rows) -> bytes:
    return pd.DataFrame(rows, columns=english).to_csv(index=False).encode()


def german_system(english: list[str], german: list[str], rows: Rows) -> bytes:
    lines = [
        ["Müller & Söhne Großhandel"],
        ["Stand:", "30.11.2026"],
        [],
        german,
        *rows,
        total(rows),
        ["Ende der Liste"],
    ]
    text = "\r\n".join(";".join(map(as_german, line)) for line in lines)
    return text.encode("cp1252")


def as_german(cell: Any) -> str:
    if isinstance(cell, date):
        return f"{cell:%d.%m.%Y}"
    if isinstance(cell, int | float):
        text = f"{cell:,.2f}" if isinstance(cell, float) else f"{cell:,}"
        return text.translate(str.maketrans(",.", ".,"))
    return f'"{cell}"' if ";" in cell else cell


def total(rows: Rows) -> list[Any]:
    """A line of totals: the sums of columns of numbers."""
    sums = [
        sum(cells) if all(isinstance(cell, int | float) for cell in cells) else "" for cells in zip(*rows, strict=True)
    ]
    return ["Summe", *sums[1:]]


def workbook(english: list[str], german: list[str], rows: Rows) -> bytes:
    file = io.BytesIO()
    with Workbook(file, {"default_date_format": "dd.mm.yyyy"}) as book:
        book.add_worksheet("Info").write_row(0, 0, ["Exportiert von", "Meyer"])
        sheet = book.add_worksheet("Daten")
        for place, cells in enumerate([["Müller & Söhne"], [], english, *rows, total(rows)]):
            sheet.write_row(place, 0, cells)
    return file.getvalue()


def read(kind: str, write: Callable[..., bytes]) -> FileReading:
    return read_file(write(*FILES[kind]), name=kind, today=TODAY)


@pytest.mark.parametrize("kind", FILES)
@pytest.mark.parametrize("write", [german_system, workbook])
def test_every_way_of_saving_gives_the_same_table(kind: str, write: Callable[..., bytes]) -> None:
    expected, found = read(kind, plain), read(kind, write)
    assert (expected.kind, found.kind) == (kind, kind)
    assert (expected.faults, found.faults) == ((), ())
    assert len(expected.frame) == len(FILES[kind][2])
    pd.testing.assert_frame_equal(
        found.frame.reset_index(drop=True), expected.frame.reset_index(drop=True), check_like=True
    )


def test_the_weekends_of_a_wholesaler_are_found() -> None:
    assert closed_days(read("sales", german_system).frame)["MAIN"].weekdays == {5, 6}
