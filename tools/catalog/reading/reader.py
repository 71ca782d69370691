"""Reads a file in three steps: open it, map its columns to roles, read its rows."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path

from tools.catalog.reading.columns import Reader
from tools.catalog.reading.file_reading import DateOrder, Decimal, Fault, FileReading, Kind
from tools.catalog.reading.headings import is_unnamed
from tools.catalog.reading.mapping import chosen_columns
from tools.catalog.reading.meaning import meant
from tools.catalog.reading.opening import open_table
from tools.catalog.reading.roles import KINDS, REQUIRED
from tools.catalog.reading.rows import without_other_rows
from tools.catalog.reading.table import Table
from tools.catalog.reading.unfolding import framed, unfolded
from tools.catalog.reading.wide import period_columns


def read_file(
    source: Path | bytes,
    *,
    name: str,
    kind: Kind | None = None,
    mapping: Mapping[str, str] = {},
    sheet: str | None = None,
    decimal: Decimal | None = None,
    dates: DateOrder | None = None,
    today: date | None = None,
) -> FileReading:
    """The rows of a file by role. `mapping` names columns by role, `sheet` the sheet of a workbook.

    `decimal` and `dates` say how numbers and dates are written where the file itself leaves that open.
    Raises UnclearColumns, UnclearNotation, and InvalidInput for what is no table.
    """
    table, today = open_table(source, name=name, sheet=sheet), today or datetime.now(UTC).date()
    periods = period_columns(table.columns, dates=dates, today=today)
    kind, found, wide = chosen_columns(table, name, kind, mapping, periods)
    used = {column: role for role, column in found.items()}
    if wide and periods:
        used |= {column: f"quantity of {day}" for column, day in periods.days.items()}
    found = {role: found[role] for role in KINDS[kind] if role in found}
    table, left_out = without_other_rows(table, found)
    required = frozenset((*REQUIRED[kind], "year", "month", "week")) & found.keys()
    reader = Reader(name, table, found, required, decimal, dates, today)
    rows = unfolded(reader, periods, reader.read()) if wide and periods else framed(reader.read(), table)
    frame, notes = meant(kind, rows, reader)
    unused = tuple(
        column
        for column in table.columns
        if column not in used and (not is_unnamed(column) or any(table.coded(column).values))
    )
    faults = (*_overfull(name, table), *sorted(reader.faults, key=lambda fault: fault.line))
    nothing = () if len(table.lines) else (f"{name} has column names and no rows.",)
    said = (*table.notes, *left_out, *nothing, *reader.notes, *notes)
    return FileReading(name, kind, found, unused, _example(table, used), frame, faults, said, wide)


def _example(table: Table, columns: Mapping[str, str]) -> list[dict[str, str]]:
    """Three rows as they stand in the file, by role."""
    cells = {role: table.coded(column) for column, role in columns.items()}
    return [
        {role: each.values[each.codes[row]] for role, each in cells.items()} for row in range(min(3, len(table.lines)))
    ]


def _overfull(name: str, table: Table) -> list[Fault]:
    problem = "The line has more cells than there are columns. Quote cells that contain the separator."
    return [Fault(name, line, "", text, problem, "too_many_cells") for line, text in table.overfull]
