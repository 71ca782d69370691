"""The catalogue's rows as they are, and as an import wants them to be."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Concatenate, ParamSpec, TypeVar

import sqlalchemy as sa
from sqlalchemy import Connection, Table

from tools.catalog.own import read_settings
from tools.catalog.snapshot import DEFAULT_LOCATION, CatalogueSettings
from tools.storage.catalogue_schema import catalogue, demand, products, purchase_lines, stock

P = ParamSpec("P")
T = TypeVar("T")
Row = dict[str, Any]
Key = tuple[Any, ...]
FEW = 2_000
"""Ids that are asked for by name. With more, the whole table is read."""
_CHUNK = 500


@dataclass(frozen=True, slots=True)
class Change:
    """One row before and after; None where there is none. `kept` is what an undo needs in place of the whole row."""

    table: Table
    key: Key
    before: Row | None
    after: Row | None
    kept: Row | None = None


class Draft:
    """What one import wants, in memory. Nothing is written."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.notes: list[str] = []
        self._stored: dict[str, dict[Key, Row]] = defaultdict(dict)
        self._wanted: dict[Table, dict[Key, Row | None]] = defaultdict(dict)
        self._read: set[str] = set()

    def read(self, table: Table, ids: Collection[str] | None = None) -> None:
        """Have these products' rows at hand, or all rows."""
        if table.name in self._read:
            return
        column = table.c.get("product_id", table.c.get("id"))
        if ids is None or len(ids) > FEW or column is None:
            self._read.add(table.name)
            self._keep(table, sa.select(table))
            return
        chosen = sorted(ids)
        for start in range(0, len(chosen), _CHUNK):
            self._keep(table, sa.select(table).where(column.in_(chosen[start : start + _CHUNK])))

    def _keep(self, table: Table, query: sa.Select[Any]) -> None:
        for row in self.connection.execute(query).mappings():
            self._stored[table.name][key_of(table, row)] = dict(row)

    def row(self, table: Table, *key: Any) -> Row | None:
        """The row as the import leaves it. Its table must have been read."""
        wanted = self._wanted[table]
        return wanted[key] if key in wanted else self._stored[table.name].get(key)

    def rows(self, table: Table) -> list[Row]:
        """Every row that was read or is wanted, as the import leaves it."""
        left = {**self._stored[table.name], **self._wanted[table]}
        return [row for row in left.values() if row is not None]

    def put(self, table: Table, row: Row) -> None:
        self._wanted[table][key_of(table, row)] = row

    def remove(self, table: Table, *key: Any) -> None:
        self._wanted[table][key] = None

    def note(self, sentence: str) -> None:
        if sentence not in self.notes:
            self.notes.append(sentence)

    def changes(self) -> Iterator[Change]:
        """One for each row that the import names, changed or not."""
        for table, wanted in self._wanted.items():
            for key, after in wanted.items():
                before = self._stored[table.name].get(key)
                if before is not None or after is not None:
                    yield Change(table, key, before, after)

    def product_ids(self) -> set[str]:
        """The ids of all products, stored or wanted."""
        stored = set(self.connection.scalars(sa.select(products.c.id)))
        return stored | {key[0] for key, row in self._wanted[products].items() if row is not None}

    @cached_property
    def locations(self) -> set[str]:
        """Those that are stored, and those that the import has named so far."""
        tables = (stock, demand, purchase_lines)
        return set(self.connection.scalars(sa.union(*(sa.select(table.c.location) for table in tables))))

    def setting(self, name: str) -> Any:
        self.read(catalogue)
        row = self.row(catalogue, name)
        return None if row is None else row["value"]

    def set(self, name: str, value: Any) -> None:
        self.put(catalogue, {"name": name, "value": value})

    @cached_property
    def settings(self) -> CatalogueSettings:
        """As they are stored: what the import changes is not in them yet."""
        return read_settings(self.connection)

    def default_location(self) -> str:
        """Where rows without a location belong. From its first use on it is fixed."""
        place = self.setting("default_location")
        if place is None:
            place = DEFAULT_LOCATION
            self.set("default_location", place)
        return str(place)


def as_work(write: Callable[Concatenate[Draft, P], T]) -> Callable[P, Callable[[Draft], T]]:
    """`write(draft, …)`, called without the draft, as what `ImportStore` carries out once it has one."""
    return lambda *given, **named: lambda draft: write(draft, *given, **named)


def key_of(table: Table, row: Any) -> Key:
    return tuple(row[column.name] for column in table.primary_key)


def counted_ids(ids: Collection[str], most: int = 5) -> str:
    """
    >>> counted_ids(["B", "A"]), counted_ids("ABCDEFG", most=2)
    ('A, B', 'A, B and 5 more')
    """
    chosen = sorted(ids)
    more = f" and {len(chosen) - most:,} more" if len(chosen) > most else ""
    return ", ".join(chosen[:most]) + more
