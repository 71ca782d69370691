"""One way to the database: a transaction is an ordinary function of a connection, and runs in a thread from start to
end."""

import asyncio
import sqlite3
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import wraps
from typing import Any, Concatenate, ParamSpec, Self, TypeVar

import sqlalchemy as sa
from sqlalchemy import Connection, Engine, exc
from sqlalchemy.dialects import postgresql, sqlite

from tools.records.errors import Unavailable
from tools.storage.engine import POSTGRESQL_CONNECTIONS, SQLITE_READERS, create_engine
from tools.storage.schema import metadata

S = TypeVar("S", bound="Store")
P = ParamSpec("P")
T = TypeVar("T")


class Database:
    """An engine and its threads. A caller who goes away leaves its transaction to the thread, which ends it.

    SQLite has one writer at a time, so the writers of a process queue here, in order, for the one thread that writes,
    and wait for the file's lock only while another process holds it.
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
        """Let what has been begun end, then its threads and connections."""
        self._readers.shutdown()
        self._writers.shutdown()
        self.engine.dispose()

    async def read(self, work: Callable[[Connection], T]) -> T:
        """What the work returns: one look at the book."""
        return await self._run(self._readers, self.engine, work)

    async def write(self, work: Callable[[Connection], T]) -> T:
        """What the work returns, once all that it wrote is stored. Nothing is stored if it raises."""
        return await self._run(self._writers, self._writing, work)

    async def require_tables(self) -> None:
        """Raises Unavailable where a table is missing that the code needs: nobody has migrated this database."""
        found = await self.read(lambda connection: sa.inspect(connection).get_table_names())
        missing = sorted(metadata.tables.keys() - set(found))
        if missing:
            raise Unavailable(f"The database has no table {missing[0]!r}; run `restock migrate` first.")

    async def _run(self, threads: ThreadPoolExecutor, engine: Engine, work: Callable[[Connection], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(threads, _transaction, engine, work)


class Store:
    """A part of the order book. Its methods marked with `reads` or `writes` are transactions: each is written as an
    ordinary method that is given a connection, and awaited without one."""

    def __init__(self, database: Database) -> None:
        self.database = database


def reads(method: Callable[Concatenate[S, Connection, P], T]) -> Callable[Concatenate[S, P], Coroutine[Any, Any, T]]:
    """Makes the method a transaction that only reads."""

    @wraps(method)
    async def read(store: S, /, *args: P.args, **named: P.kwargs) -> T:
        return await store.database.read(lambda connection: method(store, connection, *args, **named))

    return read


def writes(method: Callable[Concatenate[S, Connection, P], T]) -> Callable[Concatenate[S, P], Coroutine[Any, Any, T]]:
    """Makes the method a transaction that may write."""

    @wraps(method)
    async def write(store: S, /, *args: P.args, **named: P.kwargs) -> T:
        return await store.database.write(lambda connection: method(store, connection, *args, **named))

    return write


def _transaction(engine: Engine, work: Callable[[Connection], T]) -> T:
    with database_errors(), engine.begin() as connection:
        return work(connection)


@contextmanager
def database_errors() -> Iterator[None]:
    """Raises Unavailable for whatever says that the database cannot serve."""
    try:
        yield
    except (exc.OperationalError, exc.InterfaceError, exc.TimeoutError, sqlite3.OperationalError) as error:
        raise Unavailable(
            "The order book's database cannot serve now; try again shortly, with the same Idempotency-Key."
        ) from error


def conflict_insert(connection: Connection, table: sa.Table) -> Any:
    """An INSERT that knows `on_conflict_do_nothing` and `on_conflict_do_update` in this database's words."""
    return postgresql.insert(table) if connection.dialect.name == "postgresql" else sqlite.insert(table)
