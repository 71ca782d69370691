"""A real PostgreSQL server, and an order book on each database: a fresh SQLite file, or a database of its own there."""

import asyncio
import shutil
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import certifi
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


@pytest.fixture(scope="session", autouse=True)
def _one_authority(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Nothing here asks the internet, and to read every certificate authority takes each HTTP client 20 ms."""
    first, end, _ = Path(certifi.where()).read_text("utf-8").partition("-----END CERTIFICATE-----")
    file = tmp_path_factory.mktemp("authority") / "one.pem"
    file.write_text(f"{first}{end}\n", "utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SSL_CERT_FILE", str(file))
        yield


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


class Migrated:
    """A PostgreSQL database with the order book's tables, emptied after each test unless the test has changed more."""

    def __init__(self, server: PostgresServer) -> None:
        self._server, self._free = server, list[str]()
        self._template = server.create()
        asyncio.run(migrate(self._template))
        self._shape = server.shape(self._template)

    def take(self) -> str:
        return self._free.pop() if self._free else self._server.create(template=sa.make_url(self._template).database)

    def give_back(self, url: str) -> None:
        if self._server.shape(url) != self._shape:
            self._server.drop(url)
            return
        self._server.empty(url)
        self._free.append(url)


@pytest.fixture(scope="session")
def migrated_postgres(postgres: PostgresServer) -> Migrated:
    return Migrated(postgres)


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with the order book's tables, to copy."""
    file = tmp_path_factory.mktemp("migrated") / "book.db"
    asyncio.run(migrate(f"sqlite:///{file}"))
    return file


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A migrated, empty order book's database."""
    if request.param == "sqlite":
        shutil.copy(request.getfixturevalue("migrated_sqlite"), tmp_path / "book.db")
        yield f"sqlite:///{tmp_path}/book.db"
        return
    migrated: Migrated = request.getfixturevalue("migrated_postgres")
    url = migrated.take()
    yield url
    migrated.give_back(url)


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
