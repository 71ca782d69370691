"""Small files that would fill the machine are refused before they are unpacked."""

import io
import struct
import zipfile

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from xlsxwriter import Workbook

from tools.catalog.reading.opening import open_table
from tools.catalog.reading.separated import MOST_CELLS
from tools.catalog.reading.unpacking import MOST_UNPACKED
from tools.records.errors import InvalidInput


def workbook(*cells: tuple[int, int, str]) -> bytes:
    file = io.BytesIO()
    with Workbook(file) as book:
        sheet = book.add_worksheet()
        for row, column, text in cells:
            sheet.write_string(row, column, text)
    return file.getvalue()


def archive(size: int) -> bytes:
    file, piece = io.BytesIO(), bytes(10_000_000)
    with (
        zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as parts,
        parts.open("xl/worksheets/sheet1.xml", "w", force_zip64=True) as part,
    ):
        for _ in range(size // len(piece)):
            part.write(piece)
    return file.getvalue()


def test_one_stray_cell_far_away_is_refused_before_a_sheet_of_that_size_is_built() -> None:
    head = [(0, 0, "product_id"), (0, 1, "quantity"), (1, 0, "A"), (1, 1, "3")]

    with pytest.raises(InvalidInput, match=r"17,179,869,184 cells on a sheet.*Keep only the table"):
        open_table(workbook(*head, (1_048_575, 16_383, "x")), name="stock.xlsx")

    assert list(open_table(workbook(*head), name="stock.xlsx").cells) == ["product_id", "quantity"]
    assert list(open_table(workbook(*head, (1, 16_383, "x")), name="stock.xlsx").cells)[:2] == [
        "product_id",
        "quantity",
    ]


def test_a_small_archive_with_much_inside_is_refused_before_it_is_unpacked() -> None:
    raw = archive(MOST_UNPACKED + 10_000_000)

    assert len(raw) < MOST_UNPACKED / 100
    with pytest.raises(InvalidInput, match="510,000,000 bytes once it is unpacked"):
        open_table(raw, name="stock.xlsx")


def test_an_archive_that_is_untrue_about_its_size_is_refused() -> None:
    raw = workbook((0, 0, "product_id"))
    with zipfile.ZipFile(io.BytesIO(raw)) as parts:
        size = parts.getinfo("xl/worksheets/sheet1.xml").file_size

    with pytest.raises(InvalidInput, match="cannot be read as a workbook"):
        open_table(raw.replace(struct.pack("<I", size), struct.pack("<I", 10)), name="stock.xlsx")


def test_a_parquet_file_of_more_cells_than_are_read_is_refused() -> None:
    file = io.BytesIO()
    pq.write_table(pa.table({"product_id": pa.nulls(MOST_CELLS + 1)}), file)

    assert len(file.getvalue()) < 1_000_000
    with pytest.raises(InvalidInput, match="200,000,001 cells"):
        open_table(file.getvalue(), name="sales.parquet")


@pytest.mark.parametrize(
    ("columns", "rows", "words"), [(20_000, 1, "20,000 columns"), (10_000, 50_000, "500,010,000 cells")]
)
def test_short_rows_below_a_long_line_of_names_are_refused_before_they_are_filled(
    columns: int, rows: int, words: str
) -> None:
    names = ",".join(f"c{column}" for column in range(columns))

    with pytest.raises(InvalidInput, match=words):
        open_table("\n".join([names, *["1"] * rows, ""]).encode(), name="sales.csv")
