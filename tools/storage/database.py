"""The database, SQLite in a file or PostgreSQL. A transaction is an ordinary function of a connection, and runs in a
thread from start to end."""

import asyncio
import sqlite3
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import partial, wraps
from pathlib import Path
from types import MethodType
from typing import Any, Concatenate, ParamSpec, Self, TypeVar

import sqlalchemy as sa
from sqlalchemy import URL, Connection, Engine, event, exc
from sqlalchemy.dialects import postgresql

from tools.records.errors import DamagedDatabase, InvalidInput, Unavailable
from tools.storage import caller_schema, catalogue_schema  # noqa: F401  (their tables join the metadata)
from tools.storage.schema import metadata

S = TypeVar("S", bound="Store")
P = ParamSpec("P")
T = TypeVar("T")
SQLITE_READERS = 4
POSTGRESQL_CONNECTIONS = 6
CONNECT_SECONDS = 3
_BUSY_SECONDS = 5.0
_LOOK_SECONDS = 0.001
_DRIVERS = {
    "sqlite": "sqlite+pysqlite",
    "sqlite+aiosqlite": "sqlite+pysqlite",
    "postgres": "postgresql+psycopg",
    "postgresql": "postgresql+psycopg",
    "postgresql+psycopg": "postgresql+psycopg",
}


class Database:
    """An engine and its threads. If a caller goes away, the thread still ends its transaction.

    SQLite allows one writer at a time. So the writers of a process queue for one thread, and wait for the file's lock
    only while another process writes.
    """

    def __init__(self, database_url: str) -> None:
        self.engine = create_engine(database_url)
        self._writing = self.engine.execution_options(writes=True)
        if self.engine.dialect.name == "sqlite":
            self._readers, self._writers = ThreadPoolExecutor(SQLITE_READERS), ThreadPoolExecutor(1)
        else:
            self._readers = self._writers = ThreadPoolExecutor(POSTGRESQL_CONNECTIONS)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await asyncio.to_thread(self.close)

    def close(self) -> None:
        """Wait for running transactions, then close threads and connections."""
        self._readers.shutdown()
        self._writers.shutdown()
        self.engine.dispose()

    async def read(self, work: Callable[Concatenate[Connection, P], T], *args: P.args, **named: P.kwargs) -> T:
        """Run the work as a transaction that reads, and return its result."""
        transaction = partial(in_transaction, self.engine, work, *args, **named)
        return await asyncio.get_running_loop().run_in_executor(self._readers, transaction)

    async def write(self, work: Callable[Concatenate[Connection, P], T], *args: P.args, **named: P.kwargs) -> T:
        """Run the work as a transaction that writes, and return its result once it is stored. Nothing is stored if it
        raises."""
        transaction = partial(in_transaction, self._writing, work, *args, **named)
        return await asyncio.get_running_loop().run_in_executor(self._writers, transaction)

    async def require_schema(self) -> None:
        """Raises Unavailable if a table or a column is missing because nobody has migrated the database."""
        needed = {f"{table.name}.{column.name}" for table in metadata.tables.values() for column in table.columns}
        missing = sorted(needed - await self.read(_columns))
        if missing:
            raise Unavailable(
                f"The database has no column {missing[0]}; run `restock migrate` first. If that does not help, restore "
                "the database from a copy."
            )


class Store:
    """A part of the order book. A method marked with `reads` or `writes` is a transaction: it is written as an ordinary
    method with a connection, and awaited without one."""

    def __init__(self, database: Database) -> None:
        self.database = database


def reads(method: Callable[Concatenate[S, Connection, P], T]) -> Callable[Concatenate[S, P], Coroutine[Any, Any, T]]:
    """Makes the method a transaction that only reads."""

    @wraps(method)
    async def read(store: S, /, *args: P.args, **named: P.kwargs) -> T:
        found: T = await store.database.read(MethodType(method, store), *args, **named)
        return found

    return read


def writes(method: Callable[Concatenate[S, Connection, P], T]) -> Callable[Concatenate[S, P], Coroutine[Any, Any, T]]:
    """Makes the method a transaction that may write."""

    @wraps(method)
    async def write(store: S, /, *args: P.args, **named: P.kwargs) -> T:
        done: T = await store.database.write(MethodType(method, store), *args, **named)
        return done

    return write


conflict_insert = postgresql.insert
"""An INSERT with ON CONFLICT. SQLite has taken that over from PostgreSQL, and SQLAlchemy writes it for either."""


def in_transaction(
    engine: Engine, work: Callable[Concatenate[Connection, P], T], *args: P.args, **named: P.kwargs
) -> T:
    """The result of the work. Raises Unavailable for any error that says that the database cannot serve,
    DamagedDatabase if it is broken, and InvalidInput for a text or a number that it cannot store."""
    try:
        with engine.begin() as connection:
            return work(connection, *args, **named)
    except (exc.OperationalError, exc.InterfaceError, exc.TimeoutError, sqlite3.OperationalError) as error:
        raise Unavailable(
            "The order book's database cannot serve now. Try again in a few seconds, with the same Idempotency-Key."
        ) from error
    except (exc.DataError, UnicodeEncodeError) as error:
        raise InvalidInput(
            "A text holds a character that no database stores, such as NUL or half of a surrogate pair; leave it out."
        ) from error
    except OverflowError as error:  # SQLite's own; PostgreSQL finds nothing by such a number
        raise InvalidInput("A number is too large; the numbers of what is stored have at most 18 digits.") from error
    except (exc.DatabaseError, sqlite3.DatabaseError) as error:
        if not _is_damage(error):
            raise
        raise damaged(engine.url.database) from error


def damaged(database: str | Path | None) -> DamagedDatabase:
    return DamagedDatabase(
        f"{Path(database or '').name} is damaged or no database; restore it from a copy, or name another in "
        "DATABASE_URL or CHECKPOINT_PATH."
    )


def _is_damage(error: Exception) -> bool:
    cause = getattr(error, "orig", error)
    if isinstance(cause, sqlite3.Error):
        return cause.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
    return str(getattr(cause, "sqlstate", None)).startswith("XX")


def _columns(connection: Connection) -> set[str]:
    """The columns that our tables have, as `table.column`."""
    found = sa.inspect(connection).get_multi_columns(filter_names=list(metadata.tables))
    return {f"{table}.{column['name']}" for (_, table), columns in found.items() for column in columns}


def create_engine(database_url: str, *, busy_seconds: float = _BUSY_SECONDS) -> Engine:
    """An engine for `sqlite:///path` or `postgresql://…`; nothing connects until it is used.

    SQLite: the file is created with its folder, for its owner alone; write-ahead log, every commit synced to disk,
    foreign keys on, and a wait of `busy_seconds` for other processes. PostgreSQL: connections are checked before use,
    so that they survive a restart of the server. Errors of either name no values of a statement.

    Raises InvalidInput for any other database, and for one in memory.
    """
    url = _checked(database_url)
    if url.get_backend_name() == "postgresql":
        url = url.set(query={"connect_timeout": str(CONNECT_SECONDS), **url.query})
        return sa.create_engine(
            url,
            pool_size=POSTGRESQL_CONNECTIONS,
            max_overflow=0,
            pool_pre_ping=True,
            pool_recycle=1800,
            hide_parameters=True,
        )
    path = Path(url.database or "")
    path.parent.mkdir(parents=True, exist_ok=True)
    keep_private(path)
    engine = sa.create_engine(
        url,
        pool_size=SQLITE_READERS + 1,
        max_overflow=0,
        hide_parameters=True,
        # Without an isolation level the driver begins no transaction; SQLAlchemy does, below.
        connect_args={"timeout": busy_seconds, "isolation_level": None},
    )
    event.listen(engine, "connect", _configure)
    event.listen(engine, "begin", partial(_begin, patience_seconds=busy_seconds))
    return engine


def keep_private(path: Path) -> None:
    """Create the file for its owner only. SQLite gives the files beside it the same mode. An existing file keeps its
    mode."""
    if not path.exists():
        path.touch(mode=0o600)


def switch_to_write_ahead_log(path: Path, *, patience_seconds: float = 60) -> None:
    """Switch a new file to the write-ahead log. SQLite gives up at once if several processes switch it together."""
    give_up = time.monotonic() + patience_seconds
    while True:
        try:
            with closing(sqlite3.connect(path)) as connection:
                connection.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            if not _is_busy(error) or time.monotonic() > give_up:
                raise Unavailable(
                    f"{path} cannot be used ({error}); make it and its folder writable, or name another file."
                ) from None
        except sqlite3.DatabaseError as error:
            raise damaged(path) from error
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
    # SQLite's own knows the letters of ASCII alone.
    connection.create_function("lower", 1, _lower, deterministic=True)


def _lower(value: object) -> str | None:
    return None if value is None else str(value).lower()


def _begin(connection: Connection, *, patience_seconds: float) -> None:
    """Begin a transaction. One that writes takes SQLite's lock first, because SQLite may refuse the lock to one that
    has read before.

    SQLite itself tries again only after up to 100 ms, and seldom finds the lock free while another process writes a
    lot. So the lock is tried every millisecond.
    """
    if not connection.get_execution_options().get("writes", False):
        connection.exec_driver_sql("BEGIN")
        return
    driver: sqlite3.Connection = connection.connection.driver_connection  # type: ignore[assignment]  # typed Any or None
    give_up = time.monotonic() + patience_seconds
    driver.execute("PRAGMA busy_timeout = 0")
    try:
        while not driver.in_transaction:
            try:
                driver.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError as error:
                if not _is_busy(error) or time.monotonic() > give_up:
                    raise
                time.sleep(_LOOK_SECONDS)
    finally:
        driver.execute(f"PRAGMA busy_timeout = {int(patience_seconds * 1000)}")


def _is_busy(error: sqlite3.OperationalError) -> bool:
    return error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY
