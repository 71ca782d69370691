"""Rows that are none of the table: empty ones, repeated column names, totals, and lines below it."""

import re
from collections.abc import Mapping

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tools.catalog.reading.periods import fold
from tools.catalog.reading.roles import content
from tools.catalog.reading.table import Table
from tools.records.text import several

TOTAL = re.compile(
    r"(?:(?:grand|sub|overall|report)[ -]?)?totals?|sums?|(?:gesamt|end|zwischen|teil)?summen?|gesamt|insgesamt|"
    r"(?:gesamt|end)(?:betrag|ergebnis|menge)|total general|totales|suma(?: total)?|sous[ -]total|total general|somme"
)
NAMED_TOTAL = re.compile(
    rf"[*= -]*(?:{TOTAL.pattern})\b.{{0,60}}|.*\b(?:rows|records|zeilen|datensatze|positionen|lignes|filas)\b.*|"
    r"(?:end of (?:report|file|list)|ende (?:der liste|des berichts)|fin del? .*)"
)
Marks = NDArray[np.bool_]


def without_other_rows(table: Table, mapping: Mapping[str, str]) -> tuple[Table, tuple[str, ...]]:
    """The table without them, and what was left out."""
    columns = [column for role, column in mapping.items()]
    filled = {name: _filled(table, name) for name in columns}
    count = np.sum(list(filled.values()), axis=0) if filled else np.zeros(len(table.lines), dtype=int)
    empty = count == 0
    repeated = _repeated(table, columns)
    totals = _totals(table, mapping) & ~empty & ~repeated
    below = _below(count, len(columns)) & ~empty & ~totals
    notes = [
        _named(repeated, table, "with the column names again"),
        _named(totals, table, "with totals"),
        _named(below, table, "below the table"),
    ]
    out = empty | repeated | totals | below
    return (table.without(out) if out.any() else table), tuple(note for note in notes if note)


def _named(marks: Marks, table: Table, what: str) -> str:
    if not marks.any():
        return ""
    lines = ", ".join(map(str, table.lines[marks][:5])) + (", …" if marks.sum() > 5 else "")
    return f"{several(int(marks.sum()), 'line')} {what}: left out (line {lines})."


def _filled(table: Table, name: str) -> Marks:
    if not pa.types.is_string(table.cells[name].type):
        return np.asarray(table.cells[name].is_valid().to_numpy(zero_copy_only=False))
    cells = table.coded(name)
    return np.array([bool(value) for value in cells.values], dtype=bool)[cells.codes]


def _repeated(table: Table, columns: list[str]) -> Marks:
    marks = np.full(len(table.lines), len(columns) > 1)
    for name in columns:
        if not marks.any():
            break
        marks &= _matching(table, name, re.compile(re.escape(fold(name))))
    return marks


def _totals(table: Table, mapping: Mapping[str, str]) -> Marks:
    """Rows with a total's name for an id or a day, or for anything where the product is empty."""
    marks = np.zeros(len(table.lines), dtype=bool)
    for role, column in mapping.items():
        if content(role) in ("id", "day"):
            marks |= _matching(table, column, TOTAL)
    if "product_id" in mapping and "date" in mapping:
        marks |= ~_filled(table, mapping["date"]) & _matching(table, mapping["product_id"], NAMED_TOTAL)
    nameless = ~_filled(table, mapping["product_id"]) if "product_id" in mapping else marks.copy()
    if nameless.any():
        for column in table.columns:
            marks |= nameless & _matching(table, column, NAMED_TOTAL)
    lacking = ~np.all([_filled(table, column) for column in mapping.values()], axis=0)
    below = _matching(table, table.columns[0], NAMED_TOTAL) & lacking
    below[:-5] = False
    return np.asarray(marks | below)


def _matching(table: Table, name: str, pattern: re.Pattern[str]) -> Marks:
    if not pa.types.is_string(table.cells[name].type):
        return np.zeros(len(table.lines), dtype=bool)
    cells = table.coded(name)
    hits = np.array([pattern.fullmatch(fold(value).strip(" :*=-")) is not None for value in cells.values], dtype=bool)
    return hits[cells.codes] if hits.any() else np.zeros(len(cells.codes), dtype=bool)


def _below(count: NDArray[np.int64], columns: int) -> Marks:
    """Rows at the end with one cell, in a table of more."""
    fuller_ones_follow = np.cumsum(count[::-1] > 1)[::-1] > 0
    return np.asarray(~fuller_ones_follow & (columns >= 3))
