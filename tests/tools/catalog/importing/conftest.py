"""Imports of small files, and everything that the catalogue's tables hold."""

from collections.abc import Awaitable, Callable
from textwrap import dedent
from typing import Any

import pytest
import sqlalchemy as sa

from tools.book.audit import Actor
from tools.catalog.importing.record import ImportRecord
from tools.catalog.importing.sources import read_source
from tools.catalog.imports import ImportStore
from tools.catalog.own import OwnCatalog
from tools.catalog.reading import FileReading
from tools.storage import catalogue_schema
from tools.storage.database import Database

BUYER = Actor(name="buyer", id="key_1")
TABLES = [
    table
    for table in vars(catalogue_schema).values()
    if isinstance(table, sa.Table) and not table.name.startswith("import")
]


def reading(text: str, name: str = "file.csv", **how: Any) -> FileReading:
    return read_source(dedent(text).encode(), name=name, **how)


Bring = Callable[..., Awaitable[ImportRecord]]


@pytest.fixture
def store(database: Database) -> ImportStore:
    return ImportStore(database)


@pytest.fixture
def own(database: Database) -> OwnCatalog:
    return OwnCatalog(database)


@pytest.fixture
def bring(store: ImportStore) -> Bring:
    """Imports texts of files in one call."""

    async def bring(*texts: str, **how: Any) -> ImportRecord:
        return await store.bring_in([reading(text, f"file{n}.csv", **how) for n, text in enumerate(texts, 1)], BUYER)

    return bring


@pytest.fixture
def tables(engine: sa.Engine) -> Callable[[], dict[str, list[Any]]]:
    """Every row of the catalogue."""

    def read() -> dict[str, list[Any]]:
        with engine.begin() as connection:
            return {table.name: sorted(map(repr, connection.execute(sa.select(table)))) for table in TABLES}

    return read
