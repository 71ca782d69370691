"""The order book as it stands at the end of a trial, read from outside the service."""

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from tests.soak.databases import plain_engine
from tools.storage import schema

Row = dict[str, Any]
Rows = list[Row]
_LARGE = {"request", "plan", "confidence", "payload", "figures"}


@dataclass
class Book:
    """Every row of every table that a verdict asks about, without the large documents."""

    tables: dict[str, Rows]

    @classmethod
    def read(cls, database_url: str) -> "Book":
        with plain_engine(database_url).connect() as connection:
            return cls({name: _rows(connection, table) for name, table in schema.metadata.tables.items()})

    def __getitem__(self, table: str) -> Rows:
        return self.tables[table]

    def by(self, table: str, column: str) -> dict[Any, Rows]:
        """A table's rows by a column's value; none for a value that does not occur."""
        found: dict[Any, Rows] = defaultdict(list)
        for row in self[table]:
            found[row[column]].append(row)
        return found


def _rows(connection: sa.Connection, table: sa.Table) -> Rows:
    columns = [column for column in table.c if column.name not in _LARGE]
    return [dict(row) for row in connection.execute(sa.select(*columns)).mappings()]


class Gauge:
    """Asks a running trial's database how much is left to do."""

    def __init__(self, database_url: str) -> None:
        self._engine = plain_engine(database_url)

    def unfinished(self) -> int:
        """Runs that have no end yet, reviews that wait included."""
        return self._count(sa.select(sa.func.count()).where(schema.runs.c.finished_at.is_(None)))

    def undelivered(self) -> int:
        waiting = sa.select(sa.func.count()).where(schema.outbox.c.handed_out_at.is_(None))
        pending = sa.select(sa.func.count()).where(schema.deliveries.c.status == "pending")
        return self._count(waiting) + self._count(pending)

    def _count(self, query: sa.Select[tuple[int]]) -> int:
        with self._engine.connect() as connection:
            return int(connection.scalar(query) or 0)
