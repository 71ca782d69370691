"""Tables for spreadsheets: text stays text and is never a formula, numbers stay numbers.

What a cell may hold is a `Cell`; None is an empty cell. A Decimal or float without a fraction is written as a whole
number. A moment is written in UTC.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from math import isfinite
from typing import Any, BinaryIO, TextIO

from tools.records.errors import InvalidInput

Cell = str | int | float | Decimal | date | None
XLSX_ROWS, XLSX_TEXT = 1_048_575, 32_767
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""What begins a formula in a spreadsheet. (OWASP, CSV Injection)"""
_QUOTED = frozenset('",;|\t\r\n')
"""Every separator that a spreadsheet may read a CSV with, so that no text is split into further cells."""


def write_csv(rows: Iterable[Mapping[str, Cell]], columns: Sequence[str], file: TextIO) -> None:
    """Write a head and the rows to an open text file, comma-separated.

    A text that a spreadsheet would take for a formula is written with `'` before it, unless it is a number.
    """
    file.write(",".join(map(_csv_text, columns)) + "\n")
    file.writelines(",".join(_csv_cell(row[name]) for name in columns) + "\n" for row in rows)


def write_xlsx(rows: Iterable[Mapping[str, Cell]], columns: Sequence[str], file: BinaryIO) -> None:
    """Write a workbook of one sheet, in bounded memory.

    Raises InvalidInput for more rows than a sheet holds, or a text longer than a cell.
    """
    from xlsxwriter import Workbook

    with Workbook(file, {"constant_memory": True, "strings_to_formulas": False}) as workbook:
        sheet = workbook.add_worksheet()
        sheet.freeze_panes(1, 0)
        sheet.set_column(0, len(columns) - 1, 16)
        head, shown = workbook.add_format({"bold": True}), {str: "@", datetime: "yyyy-mm-dd hh:mm", date: "yyyy-mm-dd"}
        formats = {kind: workbook.add_format({"num_format": pattern}) for kind, pattern in shown.items()}
        for place, name in enumerate(columns):
            sheet.write_string(0, place, name, head)
        for count, row in enumerate(rows, 1):
            _require_room(count, XLSX_ROWS, "rows", "a sheet")
            for place, name in enumerate(columns):
                _write_cell(sheet, count, place, row[name], formats)


def _csv_cell(cell: Cell) -> str:
    return _csv_text(cell) if isinstance(cell, str) else "" if cell is None else _plain(cell)


def _csv_text(text: str) -> str:
    if text.startswith(_FORMULA) and not _is_number(text):
        text = f"'{text}"
    if _QUOTED.isdisjoint(text):
        return text
    return '"' + text.replace('"', '""') + '"'


def _is_number(text: str) -> bool:
    try:
        return Decimal(text).is_finite()
    except InvalidOperation:
        return False


def _plain(cell: float | Decimal | date) -> str:
    if isinstance(cell, datetime):
        return cell.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    if isinstance(cell, date):
        return cell.isoformat()
    if not isfinite(cell):
        return ""
    return f"{cell:.0f}" if cell == int(cell) else format(Decimal(str(cell)), "f")


def _write_cell(sheet: Any, row: int, column: int, cell: Cell, formats: dict[type, Any]) -> None:
    if isinstance(cell, str):
        _require_room(len(cell), XLSX_TEXT, "characters", "a cell")
        sheet.write_string(row, column, cell, formats[str])
    elif isinstance(cell, datetime):
        sheet.write_datetime(row, column, cell.astimezone(UTC).replace(tzinfo=None), formats[datetime])
    elif isinstance(cell, date):
        sheet.write_datetime(row, column, cell, formats[date])
    elif cell is not None and isfinite(cell):
        sheet.write_number(row, column, float(cell))


def _require_room(used: int, room: int, what: str, where: str) -> None:
    if used > room:
        raise InvalidInput(
            f"{where.capitalize()} of a workbook holds {room:,} {what}, not {used:,}; write a CSV instead."
        )
