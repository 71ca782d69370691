"""A real PostgreSQL server, and an order book on each database: a fresh SQLite file, or a database of its own there."""

import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import sqlalchemy as sa
import structlog

from tests.postgres import PostgresServer
from tools.book.book import OrderBook
from tools.records.orders import NewRun
from tools.storage.database import Database
from tools.storage.migrations.upgrade import migrate

# Plain tracebacks: to draw the locals of every frame takes seconds, in which nothing else runs.
structlog.configure(
    processors=[
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback),
    ]
)


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    # Not in pytest's own folder: as root the server runs as another user, whom any other pytest session that starts
    # meanwhile would lock out of it.
    with TemporaryDirectory(prefix="restock-postgres-", ignore_cleanup_errors=True) as folder:
        try:
            server = PostgresServer(Path(folder) / "data")
        except Exception as error:
            pytest.skip(f"PostgreSQL cannot start here: {error!r}")
        yield server
        server.stop()


@pytest.fixture
def postgres_url(postgres: PostgresServer) -> Iterator[str]:
    """An empty database of the test's own."""
    url = postgres.create()
    yield url
    postgres.drop(url)


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Any]:
    """Migrates a database the first time it is asked for, so that tests start from copies."""
    done: dict[str, str] = {}

    async def template(kind: str, make: Callable[[], str]) -> str:
        if kind not in done:
            done[kind] = make()
            await migrate(done[kind])
        return done[kind]

    return template


@pytest.fixture(params=["sqlite", "postgresql"])
async def database_url(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
    migrated: Callable[[str, Callable[[], str]], Any],
) -> AsyncIterator[str]:
    """A migrated, empty order book's database."""
    if request.param == "sqlite":
        source = await migrated("sqlite", lambda: f"sqlite:///{tmp_path_factory.mktemp('template')}/book.db")
        shutil.copy(sa.make_url(source).database or "", tmp_path / "book.db")
        yield f"sqlite:///{tmp_path}/book.db"
        return
    server = request.getfixturevalue("postgres")
    url = server.create(template=sa.make_url(await migrated("postgresql", server.create)).database)
    yield url
    server.drop(url)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    database = Database(database_url)
    yield database
    database.close()


@pytest.fixture
def engine(database: Database) -> sa.Engine:
    """Looks at the database, and changes it, past the order book."""
    return database.engine


@pytest.fixture
def book(database: Database) -> OrderBook:
    return OrderBook(database)


@pytest.fixture
def new_run() -> Callable[..., NewRun]:
    """A run about BOLTS at SHOP, with anything changed."""
    identities = count(1)

    def build(**changes: Any) -> NewRun:
        values: dict[str, Any] = {
            "id": f"run-{next(identities)}",
            "product_id": "BOLTS",
            "location": "SHOP",
            "mode": "database",
            "origin": "trigger",
            "requested_by": "erp",
            "request": {"product_id": "BOLTS", "note": "low \u0000 \ud800 stock", "demand": [1.5, None]},
        }
        return NewRun(**(values | changes))

    return build
