"""A real PostgreSQL server, for whoever asks."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.postgres import PostgresServer


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
