"""What a person may choose of a file: for one that cannot be read before something is said of it."""

from collections.abc import Mapping
from dataclasses import dataclass

from tools.catalog.reading.file_reading import Kind
from tools.catalog.reading.mapping import checked_mapping, kind_of, mapped
from tools.catalog.reading.opening import open_table
from tools.catalog.reading.periods import period_of
from tools.catalog.reading.wide import FEWEST
from tools.records.errors import InvalidInput

VALUES = 3


@dataclass(frozen=True, slots=True)
class Choices:
    kind: Kind | None
    """What its rows seem to be."""
    mapping: dict[str, str]
    """The column that would be taken for each role."""
    columns: dict[str, list[str]]
    """Its columns with a few values of each."""


def choices(
    source: bytes, *, name: str, kind: Kind | None = None, mapping: Mapping[str, str] = {}, sheet: str | None = None
) -> Choices | None:
    """None if the file is no table."""
    try:
        table = open_table(source, name=name, sheet=sheet)
    except InvalidInput:
        return None
    columns = {column: list(filter(None, table.coded(column).values))[:VALUES] for column in table.columns}
    try:
        given = checked_mapping(mapping, table.columns, kind)
        wide = sum(period_of(column) is not None for column in table.columns) >= FEWEST
        kind = kind or kind_of(table.columns, given, wide=wide)
    except InvalidInput:
        given = {}
    return Choices(kind, mapped(table.columns, kind, given).columns if kind else {}, columns)
