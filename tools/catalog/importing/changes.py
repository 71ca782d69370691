"""Writes an import's changes and keeps the rows as they were, so that it can be undone."""

import base64
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime
from itertools import groupby, islice
from operator import attrgetter
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy import Connection, LargeBinary, Table

from tools.catalog.importing.draft import Change, Key, Row
from tools.storage.catalogue_schema import import_changes
from tools.storage.database import conflict_insert
from tools.storage.types import Instant

Outcome = Literal["new", "changed", "unchanged", "gone"]
Counts = Mapping[str, Mapping[str, int]]
"""For each table, how many of its rows are new, changed, unchanged, and gone."""
BATCH = 500


def outcome(change: Change) -> Outcome:
    if change.before is None:
        return "new"
    if change.after is None:
        return "gone"
    return "unchanged" if change.before == change.after else "changed"


def counted(changes: Iterable[Change]) -> Counts:
    """What the changes would do."""
    return {table.name: Counter(map(outcome, group)) for table, group in groupby(changes, key=attrgetter("table"))}


def write(connection: Connection, number: int, changes: Iterable[Change]) -> Counts:
    """Write what changes, in batches, and record it under the import's number."""
    counts: dict[str, Counter[str]] = {}
    for table, group in groupby(changes, key=attrgetter("table")):
        found = counts.setdefault(table.name, Counter())
        while batch := list(islice(group, BATCH)):
            found.update(map(outcome, batch))
            different = [change for change in batch if outcome(change) != "unchanged"]
            upsert(connection, table, [change.after for change in different if change.after is not None])
            delete(connection, table, [change.key for change in different if change.after is None])
            _record(connection, number, different)
    return dict(counts)


def upsert(connection: Connection, table: Table, rows: list[Row]) -> None:
    if not rows:
        return
    insert = conflict_insert(table)
    fresh = {column.name: insert.excluded[column.name] for column in table.columns if not column.primary_key}
    keys = [column.name for column in table.primary_key]
    connection.execute(insert.on_conflict_do_update(index_elements=keys, set_=fresh), rows)


def delete(connection: Connection, table: Table, keys: list[Key]) -> None:
    if not keys:
        return
    columns = list(table.primary_key)
    chosen = [column == sa.bindparam(f"key_{column.name}") for column in columns]
    values = [{f"key_{column.name}": part for column, part in zip(columns, key, strict=True)} for key in keys]
    connection.execute(sa.delete(table).where(*chosen), values)


def _record(connection: Connection, number: int, changes: list[Change]) -> None:
    rows = [
        {
            "import_number": number,
            "table_name": change.table.name,
            "key": list(change.key),
            "before": as_json(change.before if change.kept is None else change.kept),
        }
        for change in changes
    ]
    if rows:
        connection.execute(sa.insert(import_changes), rows)


def as_json(row: Mapping[str, Any] | None) -> Row | None:
    """The row with bytes as base64 and moments as text."""
    return None if row is None else {name: _written(value) for name, value in row.items()}


def from_json(table: Table, stored: Row) -> Row:
    """The row as the table has it. What is kept beside its columns stays as it is."""
    types = {column.name: column.type for column in table.columns}
    return {name: _read(types.get(name), value) for name, value in stored.items()}


def _written(value: Any) -> Any:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    return value.isoformat() if isinstance(value, datetime) else value


def _read(kind: Any, value: Any) -> Any:
    if value is not None and isinstance(kind, LargeBinary):
        return base64.b64decode(value)
    return datetime.fromisoformat(value) if value is not None and isinstance(kind, Instant) else value
