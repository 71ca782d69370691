"""Opens a file as a table: text of any usual encoding and separator, workbooks, Parquet."""

import io
from pathlib import Path

import numpy as np
import pyarrow as pa

from tools.catalog.reading.headings import unique_names
from tools.catalog.reading.separated import MOST_CELLS, separated_table
from tools.catalog.reading.table import Table
from tools.catalog.reading.unpacking import require_at_most
from tools.catalog.reading.workbook import WORKBOOKS, workbook_table
from tools.records.errors import InvalidInput

ENDINGS = (".csv", ".txt", ".tsv", ".tab", ".xlsx", ".xlsm", ".xls", ".ods", ".parquet", ".pq")


def open_table(source: Path | bytes, *, name: str, sheet: str | None = None) -> Table:
    """The table in a file. What it is shows in its first bytes, whatever its ending. Raises InvalidInput."""
    raw = source if isinstance(source, bytes) else _bytes_of(source)
    if not raw.strip():
        raise InvalidInput(f"{name} is empty; give a file with a line of column names and rows below it.")
    if raw.startswith(b"PAR1"):
        return _parquet_table(raw, name)
    if raw.startswith(WORKBOOKS):
        return workbook_table(raw, name=name, sheet=sheet)
    if b"\x00\x00\x00" in raw[:400] or raw.startswith(b"%PDF"):
        raise InvalidInput(f"{name} is neither text nor a workbook nor Parquet; give one of {', '.join(ENDINGS)}.")
    if raw.lstrip()[:1] in (b"<", b"{", b"["):
        raise InvalidInput(f"{name} is HTML, XML or JSON; open it in a spreadsheet and save it as CSV or .xlsx.")
    if sheet is not None:
        raise InvalidInput(f"{name} is text and has no sheet {sheet!r}; leave --sheet out.")
    return separated_table(raw, name=name)


def _bytes_of(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        raise InvalidInput(f"There is no file {path}; give the path of a CSV, Excel or Parquet file.") from error
    except OSError as error:
        raise InvalidInput(f"{path} cannot be read: {error.strerror or error}.") from error


def _parquet_table(raw: bytes, name: str) -> Table:
    """Its first row is line 1."""
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(io.BytesIO(raw))
        require_at_most(file.metadata.num_rows * file.metadata.num_columns, MOST_CELLS, "cells", name)
        found = file.read()
    except (pa.ArrowException, OSError) as error:
        raise InvalidInput(f"{name} cannot be read as Parquet: {error}.") from error
    columns = [each.combine_chunks() for each in found.columns]
    flat = [each.dictionary_decode() if pa.types.is_dictionary(each.type) else each for each in columns]
    cells = dict(zip(unique_names(found.column_names), flat, strict=True))
    shown = {column: cells_ for column, cells_ in cells.items() if not column.startswith("__index_level_")}
    return Table(shown, np.arange(1, found.num_rows + 1))
