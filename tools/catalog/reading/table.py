"""A table as a file has it: named columns of cells, and the line of each row."""

import re
from dataclasses import dataclass, field, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tools.planning.demand_distribution import IntArray

MISSING = {"", "-", "--", "–", "—", "n/a", "na", "#n/a", "#nv", "nan", "null", "none", "k.a.", "k. a.", "nil", "?"}
MISSING |= {"unknown", "unbekannt", "desconocido", "inconnu", "n.a.", "nat", "(blank)", "(leer)", "\\n"}
"""Cells that say nothing, as an empty one does. They are never 0."""
RULE = re.compile(r"[-=_*.]{2,}")
"""A line that is drawn below column names or above totals."""


@dataclass(frozen=True, slots=True)
class Table:
    """Cells by column, as text or typed. `lines` counts as a spreadsheet does."""

    cells: dict[str, pa.Array]
    lines: IntArray
    separator: str = ""
    """The separator of a text file."""
    overfull: tuple[tuple[int, str], ...] = ()
    """Lines with more cells than there are columns."""
    notes: tuple[str, ...] = ()
    seen: "dict[str, Coded]" = field(default_factory=dict)

    def coded(self, column: str) -> "Coded":
        """A column as text, by its distinct values."""
        if column not in self.seen:
            self.seen[column] = coded(self.cells[column])
        return self.seen[column]

    @property
    def columns(self) -> list[str]:
        return list(self.cells)

    def without(self, rows: "np.ndarray[tuple[int], np.dtype[np.bool_]]") -> "Table":
        """The table without the rows that are marked."""
        keep = pa.array(~rows)
        cells = {name: column.filter(keep) for name, column in self.cells.items()}
        seen = {name: each.at(~rows) for name, each in self.seen.items()}
        return replace(self, cells=cells, lines=self.lines[~rows], seen=seen)


@dataclass(frozen=True, slots=True)
class Coded:
    """A column of text by its distinct values: each is looked at once, however many rows have it."""

    values: list[str]
    """Trimmed; "" is not given."""
    codes: IntArray
    """For each row the position in `values`."""

    def at(self, rows: "np.ndarray[tuple[int], np.dtype[np.bool_]]") -> "Coded":
        """The column at some rows, without values that only others have."""
        used, codes = np.unique(self.codes[rows], return_inverse=True)
        return Coded([self.values[place] for place in used], codes)

    def texts(self) -> "np.ndarray[tuple[int], np.dtype[np.object_]]":
        return np.array(self.values, dtype=object)[self.codes]


def coded(column: pa.Array) -> Coded:
    """The distinct values of a column as text. Whole numbers have no decimals: 7.0 is 7."""
    found = pc.dictionary_encode(as_text(column), null_encoding="encode")
    values = [_unquoted((value or "").strip()) for value in found.dictionary.to_pylist()]
    return distinct(values, found.indices.to_numpy(zero_copy_only=False).astype(np.int64))


def distinct(values: list[str], codes: IntArray) -> Coded:
    """Texts by their positions, where some of the texts may be the same."""
    places: dict[str, int] = {}
    merged = np.array([places.setdefault(value, len(places)) for value in values], dtype=np.int64)
    return Coded(list(places), codes if len(places) == len(values) else merged[codes])


def _unquoted(value: str) -> str:
    """What a spreadsheet shows: ="007" and '007 are 007."""
    if value.startswith('="') and value.endswith('"'):
        return value[2:-1].strip()
    if value.startswith("'") and not value.endswith("'"):
        value = value[1:].strip()
    return "" if value.casefold() in MISSING or RULE.fullmatch(value) else value


def as_text(column: pa.Array) -> pa.Array:
    if pa.types.is_floating(column.type):
        found = pc.dictionary_encode(column)
        texts = [None if np.isnan(value) else number_text(value) for value in found.dictionary.to_pylist()]
        return pc.take(pa.array(texts, pa.string()), found.indices)
    return column if pa.types.is_string(column.type) else pc.cast(column, pa.string())


def number_text(value: float) -> str:
    """A number as text whose decimals cannot be taken for thousands: 1.125 is 1.1250."""
    if value == int(value) if abs(value) < 1e18 else False:
        return str(int(value))
    text = repr(value)
    return f"{text}0" if len(text.partition(".")[2]) == 3 else text
