"""Opens a workbook: its sheet with a table, its line of column names, its typed cells."""

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from tools.catalog.reading.headings import SEARCHED, filled, heading_row, heading_score, unique_names
from tools.catalog.reading.table import Table, number_text
from tools.catalog.reading.unpacking import require_room
from tools.records.errors import InvalidInput, UnclearColumns

if TYPE_CHECKING:
    from python_calamine import CalamineWorkbook

Rows = list[list[Any]]
ZIPPED = b"PK\x03\x04"
WORKBOOKS = (ZIPPED, b"\xd0\xcf\x11\xe0")


def workbook_table(raw: bytes, *, name: str, sheet: str | None) -> Table:
    """The table on a sheet; without `sheet`, on the only one whose column names are known."""
    from python_calamine import CalamineError, load_workbook

    if raw.startswith(ZIPPED):
        require_room(raw, name)
    try:
        book = load_workbook(io.BytesIO(raw))
        if sheet is not None and sheet not in book.sheet_names:
            raise InvalidInput(f"{name} has no sheet {sheet!r}; its sheets are {', '.join(book.sheet_names)}.")
        chosen = sheet or _chosen(book, name)
        rows = _rows(book, chosen)
    except CalamineError as error:
        raise InvalidInput(f"{name} cannot be read as a workbook: {error}. Save it again as .xlsx or CSV.") from error
    place = heading_row([_texts(row) for row in rows[:SEARCHED]])
    if place is None:
        raise InvalidInput(f"Sheet {chosen!r} of {name} has no line of column names; write one above the rows.")
    notes = [] if len(book.sheet_names) == 1 else [f"Sheet {chosen!r} was read, of {', '.join(book.sheet_names)}."]
    if place:
        notes.append(f"The column names are in line {place + 1}; what is above them is left out.")
    return _table(rows, place, notes)


def sheet_names(raw: bytes) -> list[str]:
    """The sheets of a workbook; none of another file, or of one that cannot be read."""
    from python_calamine import CalamineError, load_workbook

    if not raw.startswith(WORKBOOKS):
        return []
    try:
        return list(load_workbook(io.BytesIO(raw)).sheet_names)
    except CalamineError:
        return []


def _rows(book: "CalamineWorkbook", sheet: str) -> Rows:
    return book.get_sheet_by_name(sheet).to_python(skip_empty_area=False)


def _chosen(book: "CalamineWorkbook", name: str) -> str:
    """The sheet whose column names are known best. Raises UnclearColumns where several are as good."""
    scores = {sheet: _score(_rows(book, sheet)[:SEARCHED]) for sheet in book.sheet_names}
    best = [sheet for sheet, score in scores.items() if score == max(scores.values())]
    if len(best) > 1 and len([sheet for sheet in best if scores[sheet] > (-1, 0)]) != 1:
        raise UnclearColumns(
            f"{name} has tables on several sheets: {', '.join(best)}. Name the one to read (--sheet NAME).",
            role="sheet",
            candidates=tuple(book.sheet_names),
        )
    return best[0]


def _score(rows: Rows) -> tuple[int, int]:
    """How many column names are known; an empty sheet comes last."""
    if not any(filled(_texts(row)) for row in rows):
        return -1, 0
    return max(heading_score(_texts(row)) for row in rows), min(len(rows), 2)


def _table(rows: Rows, place: int, notes: Sequence[str]) -> Table:
    heading = _texts(rows[place])
    body = [(line, row) for line, row in enumerate(rows[place + 1 :], start=place + 2) if filled(_texts(row))]
    width = max((len(row) for _, row in body), default=len(heading))
    names = unique_names(heading + [""] * (width - len(heading)))
    cells = {}
    for column, named in enumerate(names):
        values = [row[column] if column < len(row) else "" for _, row in body]
        if any(value != "" for value in values) or (column < len(heading) and heading[column]):
            cells[named] = _column(values)
    return Table(cells, np.array([line for line, _ in body], dtype=np.int64), notes=tuple(notes))


def _column(values: Sequence[Any]) -> pa.Array:
    """Numbers as numbers where all cells are; else the text of each."""
    kinds = {type(value) for value in values if value != ""}
    as_stored, kind = (float, pa.float64()) if kinds and kinds <= {int, float} else (cell_text, pa.string())
    return pa.array([None if value == "" else as_stored(value) for value in values], kind)


def cell_text(value: Any) -> str:
    """A cell as text: days as 2026-12-31, numbers with a point."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return number_text(float(value))
    return str(value).strip()


def _texts(row: Sequence[Any]) -> list[str]:
    return [cell_text(cell) for cell in row]
