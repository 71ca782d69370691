"""Opens text with separators: its encoding, its separator, its line of column names, its rows."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice, zip_longest

import numpy as np
import pyarrow as pa
import pyarrow.csv as arrow_csv

from tools.catalog.reading.code_pages import CODE_PAGES, code_page
from tools.catalog.reading.headings import SEARCHED, filled, heading_row, heading_score, unique_names
from tools.catalog.reading.table import Table
from tools.catalog.reading.unpacking import require_at_most
from tools.records.errors import InvalidInput

SEPARATORS = ",;\t|"
CHUNK = 50_000
"""Rows that are held as text at a time where a file is not clean."""
LONGEST_CELL = 1_000_000
MOST_COLUMNS = 16_384
MOST_CELLS = 200_000_000
"""Of the whole table, empty ones included: rows of one cell below many column names take the room of full ones."""


def separated_table(raw: bytes, *, name: str) -> Table:
    """The table in a text. Raises InvalidInput where there is none."""
    text, notes = _utf8(raw)
    separator, skipped = _stated_separator(text)
    head = text[:400_000].decode("utf-8", "ignore")
    separator = separator or _separator(head)
    rows = list(islice(_rows(head, separator), skipped, skipped + SEARCHED))
    place = heading_row([row for row, _ in rows])
    if place is None:
        raise InvalidInput(f"{name} has no line of column names; write one above the rows.")
    row, physical = rows[place]
    names = unique_names(_without_empty_end(row))
    require_at_most(len(names), MOST_COLUMNS, "columns", name)
    lines = max(text.count(b"\n"), text.count(b"\r"))
    require_at_most(len(names) * lines, MOST_CELLS, "cells, empty ones included", name)
    if place:
        notes.append(f"The column names are in line {skipped + place + 1}; what is above them is left out.")
    table = _clean(text, names, separator, physical, skipped + place + 2)
    if table is None:
        table = _row_by_row(text, names, separator, skipped + place)
    return Table(table.cells, table.lines, separator, table.overfull, tuple(notes))


def _utf8(raw: bytes) -> tuple[bytes, list[str]]:
    """The text as UTF-8, whatever it came in."""
    if raw.startswith(b"\xef\xbb\xbf"):
        return raw[3:], []
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        return raw.decode("utf-16", "replace").encode(), []
    if b"\x00" in raw[:200]:
        return raw.decode("utf-16-le" if raw[1:2] == b"\x00" else "utf-16-be", "replace").encode(), []
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        page = code_page(raw)
        return raw.decode(page, "replace").encode(), [f"The text is no UTF-8 and was read as {CODE_PAGES[page]}."]
    return raw, []


def _stated_separator(text: bytes) -> tuple[str, int]:
    """What a first line such as `sep=;` says, and the lines to skip for it."""
    first = text.split(b"\n", 1)[0].strip().strip(b'"').decode()
    return (first[4:5] or "\t", 1) if first.lower().startswith("sep=") else ("", 0)


def _separator(head: str) -> str:
    """The separator that gives the best line of column names, and then the most lines of one width."""

    def score(separator: str) -> tuple[int, int, int]:
        rows = [row for row, _ in islice(_rows(head, separator), SEARCHED)]
        widths = [len(row) for row in rows if len(row) > 1]
        usual = max(set(widths), key=widths.count, default=0)
        return max(map(heading_score, rows), default=0) if usual else 0, widths.count(usual), usual

    return max(SEPARATORS, key=score)


def _rows(text: str, separator: str) -> Iterator[tuple[list[str], int]]:
    """Rows with the number of the physical line that each ends in."""
    csv.field_size_limit(LONGEST_CELL)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    try:
        for row in reader:
            yield [cell.strip() for cell in row], reader.line_num
    except csv.Error as error:
        raise InvalidInput(
            f"Line {reader.line_num} cannot be read as separated text: {error}. Check its quotes."
        ) from error


def _without_empty_end(row: list[str]) -> list[str]:
    width = max((place for place, cell in enumerate(row, start=1) if cell), default=0)
    return row[:width]


def _clean(text: bytes, names: list[str], separator: str, skipped: int, first_line: int) -> Table | None:
    """The rows at once where each has a cell for each column; None where one has not."""
    body = text.rstrip(b"\r\n")
    try:
        found = arrow_csv.read_csv(
            pa.BufferReader(body),
            read_options=arrow_csv.ReadOptions(column_names=names, skip_rows=skipped, block_size=1 << 24),
            parse_options=arrow_csv.ParseOptions(
                delimiter=separator, newlines_in_values=True, ignore_empty_lines=False
            ),
            convert_options=arrow_csv.ConvertOptions(column_types=dict.fromkeys(names, pa.string())),
        )
    except pa.ArrowInvalid:
        return None
    cells = {name: column.combine_chunks() for name, column in zip(names, found.columns, strict=True)}
    return Table(cells, np.arange(first_line, first_line + found.num_rows))


def _row_by_row(text: bytes, names: list[str], separator: str, heading: int) -> Table:
    rows = enumerate(_rows(text.decode(), separator), start=1)
    return table_of_rows(((line, row) for line, (row, _) in rows if line > heading + 1), names)


def table_of_rows(rows: Iterable[tuple[int, Sequence[str]]], names: Sequence[str]) -> Table:
    """A table of rows of text. Empty rows, and those that repeat the column names, are passed over."""
    width, overfull, lines = len(names), [], []
    parts: list[list[pa.Array]] = []
    rows = iter(rows)
    while chunk := list(islice(rows, CHUNK)):
        kept = [(line, row) for line, row in chunk if filled(row) and list(row[:width]) != list(names)]
        overfull += [(line, " | ".join(row)) for line, row in kept if filled(row[width:])]
        full = [(line, row[:width]) for line, row in kept if not filled(row[width:])]
        columns = list(zip_longest(*(row for _, row in full), [""] * width, fillvalue=""))
        parts.append([pa.array(column[:-1], pa.string()) for column in columns])
        lines += [line for line, _ in full]
    cells = (
        {name: pa.concat_arrays([part[place] for part in parts]) for place, name in enumerate(names)}
        if parts
        else {name: pa.array([], pa.string()) for name in names}
    )
    return Table(cells, np.array(lines, dtype=np.int64), overfull=tuple(overfull))
