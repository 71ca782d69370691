"""The engine under the order book: SQLite in a file, or PostgreSQL, by URL alone."""

import sqlite3
import time
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import URL, Connection, Engine, event, exc

from tools.records.errors import InvalidInput, Unavailable

SQLITE_READERS = 4
POSTGRESQL_CONNECTIONS = 6
_BUSY_SECONDS = 5.0
_LOOK_SECONDS = 0.001
_DRIVERS = {
    "sqlite": "sqlite+pysqlite",
    "sqlite+aiosqlite": "sqlite+pysqlite",
    "postgres": "postgresql+psycopg",
    "postgresql": "postgresql+psycopg",
    "postgresql+psycopg": "postgresql+psycopg",
}


def create_engine(database_url: str, *, busy_seconds: float = _BUSY_SECONDS) -> Engine:
    """An engine for `sqlite:///path` or `postgresql://…`; nothing connects until it is used.

    SQLite: the file is created with its folder, for its owner alone; write-ahead log, every commit synced to disk,
    foreign keys on, and `busy_seconds` of patience with other processes. PostgreSQL: connections are checked before
    use, so that a restarted server is found again.

    Raises InvalidInput for any other database and for one in memory, which each connection would have to itself.
    """
    url = _checked(database_url)
    if url.get_backend_name() == "postgresql":
        return sa.create_engine(
            url, pool_size=POSTGRESQL_CONNECTIONS, max_overflow=0, pool_pre_ping=True, pool_recycle=1800
        )
    path = Path(url.database or "")
    path.parent.mkdir(parents=True, exist_ok=True)
    keep_private(path)
    engine = sa.create_engine(
        url,
        pool_size=SQLITE_READERS + 1,
        max_overflow=0,
        # Without an isolation level the driver begins no transaction; SQLAlchemy does, below.
        connect_args={"timeout": busy_seconds, "isolation_level": None},
    )
    event.listen(engine, "connect", _configure)
    event.listen(engine, "begin", partial(_begin, patience_seconds=busy_seconds))
    return engine


def keep_private(path: Path) -> None:
    """Create the file for its owner alone, for it holds what people said; SQLite gives the files beside it the same
    mode. One that is there already keeps the mode that somebody gave it."""
    if not path.exists():
        path.touch(mode=0o600)


def switch_to_write_ahead_log(path: Path, *, patience_seconds: float = 60) -> None:
    """SQLite gives up at once, whatever its timeout, when several processes switch a new file's journal together."""
    give_up = time.monotonic() + patience_seconds
    while True:
        try:
            with closing(sqlite3.connect(path)) as connection:
                connection.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            if not _is_busy(error) or time.monotonic() > give_up:
                raise Unavailable(f"{path.name} cannot be opened for writing: {error}") from error
        time.sleep(0.02)


def _checked(database_url: str) -> URL:
    try:
        url = sa.make_url(database_url)
    except exc.ArgumentError:
        raise InvalidInput("DATABASE_URL is not a URL; use sqlite:///data/restock.db") from None
    if url.drivername not in _DRIVERS:
        raise InvalidInput(f"DATABASE_URL names {url.drivername!r}; use sqlite:///path or postgresql://user@host/name")
    url = url.set(drivername=_DRIVERS[url.drivername])
    if url.get_backend_name() == "sqlite" and url.database in (None, "", ":memory:"):
        raise InvalidInput("The order book must be in a file, or it is lost; use sqlite:///data/restock.db")
    return url


def _configure(connection: sqlite3.Connection, _: Any) -> None:
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _begin(connection: Connection, *, patience_seconds: float) -> None:
    """A transaction that writes takes SQLite's lock first: one that has read before it asks for the lock may be refused
    at once.

    SQLite's own patience looks again after up to 100 ms, and seldom finds the lock free while another process writes a
    lot; so it is asked every millisecond.
    """
    if not connection.get_execution_options().get("writes", False):
        connection.exec_driver_sql("BEGIN")
        return
    driver: sqlite3.Connection = connection.connection.driver_connection  # type: ignore[assignment]  # typed Any or None
    give_up = time.monotonic() + patience_seconds
    driver.execute("PRAGMA busy_timeout = 0")
    try:
        while not _locked(driver, late=time.monotonic() > give_up):
            time.sleep(_LOOK_SECONDS)
    finally:
        driver.execute(f"PRAGMA busy_timeout = {int(patience_seconds * 1000)}")


def _locked(driver: sqlite3.Connection, *, late: bool) -> bool:
    try:
        driver.execute("BEGIN IMMEDIATE")
    except sqlite3.OperationalError as error:
        if late or not _is_busy(error):
            raise
        return False
    return True


def _is_busy(error: sqlite3.OperationalError) -> bool:
    return error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY
