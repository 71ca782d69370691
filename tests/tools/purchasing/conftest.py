"""Purchase orders on each database, and suppliers with terms."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import sqlalchemy as sa

from tools.purchasing.store import DocumentStore
from tools.storage.catalogue_schema import suppliers
from tools.storage.database import Database


@pytest.fixture
def documents(database: Database) -> DocumentStore:
    return DocumentStore(database)


@pytest.fixture
def supplier(database: Database) -> Callable[..., Awaitable[None]]:
    """Stores a supplier's terms, those of ACME unless another is named."""

    async def store(identity: str = "ACME", **terms: Any) -> None:
        row = {"id": identity, "name": identity, "terms": {"currency": "EUR"} | terms}
        await database.write(lambda connection: connection.execute(sa.insert(suppliers).values(row)) and None)

    return store
