"""The engine under the order book: SQLite in a file, or PostgreSQL, by URL alone; and the migrations that shape it."""

import asyncio
import json
import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager, nullcontext
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa
from pydantic_core import from_json, to_json
from sqlalchemy import URL, Connection, Engine, event, exc
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.types import TypeEngine

from tools.records.errors import InvalidInput, Unavailable
from tools.storage import sqlite_driver
from tools.storage.group_commit import GroupCommit, Work
from tools.storage.schema import Words, metadata, words

T = TypeVar("T")
_MIGRATIONS = Path(__file__).parent / "migrations"
_MIGRATION_WAIT_SECONDS = 60
_MIGRATION_LOCK = 0x7265_7374_6F63_6B
"""PostgreSQL's advisory locks are numbers; this one spells `restock`."""
_BUSY_SECONDS = 5
_DRIVERS = {
    "sqlite": "sqlite+aiosqlite",
    "sqlite+aiosqlite": "sqlite+aiosqlite",
    "postgres": "postgresql+psycopg",
    "postgresql": "postgresql+psycopg",
    "postgresql+psycopg": "postgresql+psycopg",
}


def create_engine(database_url: str) -> AsyncEngine:
    """An engine for `sqlite+aiosqlite:///path` or `postgresql+psycopg://…`; nothing connects until it is used.

    SQLite: the file is created with its folder, for its owner alone; write-ahead log, every commit synced to disk,
    foreign keys on, 5 s of patience with other processes. PostgreSQL: connections are checked before use, so that a
    restarted server is found again.

    Raises InvalidInput for any other database and for one in memory, which each connection would have to itself.
    """
    url = _checked(database_url)
    if url.get_backend_name() == "postgresql":
        return create_async_engine(
            url, pool_size=10, max_overflow=10, pool_pre_ping=True, pool_recycle=1800, **_AS_JSON
        )
    _create_file(url)
    path = str(Path(url.database or "").expanduser())
    engine = create_async_engine(
        url,
        pool_size=8,
        max_overflow=0,
        async_creator=partial(sqlite_driver.Connection, path, busy_seconds=_BUSY_SECONDS),
        **_AS_JSON,
    )
    _let_transactions_be_explicit(engine.sync_engine)
    return engine


def _json_text(value: Any) -> str:
    try:
        return to_json(value).decode()
    except ValueError:  # half a surrogate pair, which only the slower writer can spell
        return json.dumps(value)


def _json_value(text: str | bytes) -> Any:
    try:
        return from_json(text)
    except ValueError:
        return json.loads(text)


_AS_JSON: dict[str, Any] = {"json_serializer": _json_text, "json_deserializer": _json_value}
"""Read and written four times as fast as Python's own module does, a third of the cost of recording a run."""


async def migrate(database_url: str) -> None:
    """Bring the database to the present schema, in one transaction.

    Any number of processes may call it at once: one migrates and the others wait for it, 60 s at most. Raises
    Unavailable when the database cannot be reached or locked.
    """
    url = _checked(database_url)
    if url.get_backend_name() == "sqlite":
        _create_file(url)
    await asyncio.to_thread(_migrate, url)


async def require_tables(engine: AsyncEngine) -> None:
    """Raises Unavailable where a table is missing that the code needs: nobody has migrated this database."""
    with _database_errors():
        async with engine.connect() as connection:
            found = await connection.run_sync(lambda sync: set(sa.inspect(sync).get_table_names()))
    missing = sorted(metadata.tables.keys() - found)
    if missing:
        raise Unavailable(f"The database has no table {missing[0]!r}; run `restock migrate` first.")


class Store:
    """What every part of the order book shares: an engine, and transactions that read or write.

    On SQLite, which has one writer at a time, the writers of a process queue here in order instead of polling the
    file's lock; other processes are met with BEGIN IMMEDIATE, which waits where a deferred BEGIN would fail.
    """

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._writer = engine.execution_options(sqlite_begin="BEGIN IMMEDIATE")
        sqlite = engine.dialect.name == "sqlite"
        self._one_writer: AbstractAsyncContextManager[Any] = asyncio.Lock() if sqlite else nullcontext()
        lasting = engine.execution_options(sqlite_begin="")
        self._looks = _looks_into(engine) if sqlite else None
        self._together = GroupCommit(partial(_connected, lasting), self._beginning) if sqlite else None

    @asynccontextmanager
    async def _reading(self) -> AsyncIterator[AsyncConnection]:
        """One consistent look at the book."""
        with _database_errors():
            async with self._engine.begin() as connection:
                yield connection

    async def _look_up(self, statement: Any, values: dict[str, Any]) -> Sequence[Any] | None:
        """The first row, if there is one, of a statement that reads and is built once; a look of its own."""
        if self._looks is None:
            async with self._reading() as connection:
                return await first_row(connection, statement, values)
        with _database_errors():
            return await _prepared(statement, self._engine.dialect, tuple(values)).first(self._looks, values)

    @asynccontextmanager
    async def _writing(self) -> AsyncIterator[AsyncConnection]:
        """A transaction: all of it is stored when the block ends, none of it when an error leaves the block."""
        async with self._one_writer:
            with _database_errors():
                async with self._writer.begin() as connection:
                    yield connection

    @asynccontextmanager
    async def _beginning(self, connection: AsyncConnection) -> AsyncIterator[None]:
        """A transaction as `_writing` opens one, on a connection that lasts. SQLAlchemy begins none on it: its way to
        begin and to commit takes four times as long as the driver's."""
        driver = driver_of(connection)
        async with self._one_writer:
            with _database_errors():
                await driver.first("BEGIN IMMEDIATE")
                try:
                    yield
                    await driver.commit()
                except BaseException:
                    await driver.rollback()
                    raise

    async def _write(self, work: Work[T], *, one_write: bool = False) -> T:
        """The work's result, once the transaction it was done in is stored; nothing is if it fails. On SQLite those
        that wait share a commit, so work must wait for nothing but its connection. Work with `one_write` writes with
        one statement at the most, and cannot fail once it has: it is spared a savepoint."""
        if self._together is not None:
            return await self._together.run(work, one_write=one_write)
        async with self._writing() as connection:
            return await work(connection)


def _looks_into(engine: AsyncEngine) -> sqlite_driver.Looks:
    """Closed when the engine is."""
    path = str(Path(engine.url.database or "").expanduser())
    looks = sqlite_driver.Looks(path, busy_seconds=_BUSY_SECONDS)
    event.listen(engine.sync_engine, "engine_disposed", lambda _: looks.close())
    return looks


@asynccontextmanager
async def _connected(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    with _database_errors():
        async with engine.connect() as connection:
            yield connection


async def first_row(connection: AsyncConnection, statement: Any, values: dict[str, Any]) -> Sequence[Any] | None:
    """The first row, if there is one, of a statement that is built once.

    On SQLite it goes past SQLAlchemy, which takes several times as long to hand a small statement over as SQLite to run
    it; the types' own conversions are kept."""
    driver = driver_of(connection)
    if isinstance(driver, sqlite_driver.Connection):
        return await _prepared(statement, connection.dialect, tuple(values)).first(driver, values)
    result = await connection.execute(statement, values)
    return result.first() if result.returns_rows else None


class _Prepared:
    """A statement's text, and what its types do to values on their way in and out."""

    def __init__(self, statement: Any, dialect: sa.Dialect, names: Sequence[str]) -> None:
        compiled = statement.compile(dialect=dialect, column_keys=names)
        self._text = str(compiled)
        self._constants = {name: bind.value for name, bind in compiled.binds.items() if not bind.required}
        self._places = compiled.positiontup or ()
        writes = {name: _writer(compiled.binds[name].type, dialect) for name in dict.fromkeys(self._places)}
        self._writes = [(name, write) for name, write in writes.items() if write is not None]
        self._reads = [
            column.type.dialect_impl(dialect).result_processor(dialect, None) for column in statement.exported_columns
        ]

    async def first(
        self, driver: sqlite_driver.Connection | sqlite_driver.Looks, values: dict[str, Any]
    ) -> Sequence[Any] | None:
        values = self._constants | values
        for name, write in self._writes:
            values[name] = write(values[name])
        row = await driver.first(self._text, [values[name] for name in self._places])
        if row is None:
            return None
        return [value if read is None else read(value) for read, value in zip(self._reads, row, strict=True)]


def _writer(kind: TypeEngine[Any], dialect: sa.Dialect) -> Callable[[Any], Any] | None:
    """What a value goes through on its way in, without the detour over a type that changes nothing."""
    kind = kind.dialect_impl(dialect)
    if isinstance(kind, Words):
        return words
    return kind.bind_processor(dialect)


_prepared = lru_cache(maxsize=512)(_Prepared)


def driver_of(connection: AsyncConnection) -> Any:
    """The driver's own connection beneath one that has begun."""
    sync = connection.sync_connection
    return None if sync is None else sync.connection.driver_connection


@contextmanager
def _database_errors() -> Iterator[None]:
    try:
        yield
    except (exc.OperationalError, exc.InterfaceError, exc.TimeoutError, sqlite3.OperationalError) as error:
        raise Unavailable(
            "The order book's database cannot serve now; try again shortly, with the same Idempotency-Key."
        ) from error


def _checked(database_url: str) -> URL:
    try:
        url = sa.make_url(database_url)
    except exc.ArgumentError:
        raise InvalidInput("DATABASE_URL is not a URL; use sqlite+aiosqlite:///data/restock.db") from None
    if url.drivername not in _DRIVERS:
        raise InvalidInput(
            f"DATABASE_URL names {url.drivername!r}; use sqlite+aiosqlite:///path or postgresql+psycopg://user@host/name"
        )
    url = url.set(drivername=_DRIVERS[url.drivername])
    if url.get_backend_name() == "sqlite" and url.database in (None, "", ":memory:"):
        raise InvalidInput("The order book must be in a file, or it is lost; use sqlite+aiosqlite:///data/restock.db")
    return url


def _create_file(url: URL) -> None:
    path = Path(url.database or "")
    path.parent.mkdir(parents=True, exist_ok=True)
    keep_private(path)


def keep_private(path: Path) -> None:
    """Create the file for its owner alone, for it holds webhook secrets and what people said; SQLite gives the files
    beside it the same mode. One that is there already keeps the mode that somebody gave it."""
    if not path.exists():
        path.touch(mode=0o600)


def _let_transactions_be_explicit(engine: Engine) -> None:
    """Python's sqlite3, told not to begin transactions at times of its own choosing, leaves that to SQLAlchemy."""

    @event.listens_for(engine, "connect")
    def configure(connection: Any, _: object) -> None:
        cursor = connection.cursor()
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        if statement := connection.get_execution_options().get("sqlite_begin", "BEGIN"):
            connection.exec_driver_sql(statement)


def _migrate(url: URL) -> None:
    engine = _migration_engine(url)
    try:
        with _database_errors(), engine.execution_options(sqlite_begin="BEGIN IMMEDIATE").begin() as connection:
            if connection.dialect.name == "postgresql":
                connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{_MIGRATION_WAIT_SECONDS}s'")
                connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_MIGRATION_LOCK)))
            _upgrade(connection)
    finally:
        engine.dispose()


def _migration_engine(url: URL) -> Engine:
    if url.get_backend_name() == "postgresql":
        return sa.create_engine(url, poolclass=sa.NullPool)
    with _database_errors():
        switch_to_write_ahead_log(Path(url.database or ""))
    engine = sa.create_engine(
        url.set(drivername="sqlite"),
        poolclass=sa.NullPool,
        connect_args={"timeout": _MIGRATION_WAIT_SECONDS, "isolation_level": None},
    )
    _let_transactions_be_explicit(engine)
    return engine


def switch_to_write_ahead_log(path: Path) -> None:
    """SQLite gives up at once, whatever its timeout, when several processes switch a new file's journal together."""
    give_up = time.monotonic() + _MIGRATION_WAIT_SECONDS
    while True:
        connection = sqlite3.connect(path)
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            if time.monotonic() > give_up:
                raise Unavailable(f"{path.name} cannot be opened for writing: {error}") from error
            time.sleep(0.02)
        finally:
            connection.close()


def _upgrade(connection: Connection) -> None:
    # Alembic is wanted once, at start-up, and takes a while to import.
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def conflict_insert(connection: AsyncConnection, table: sa.Table) -> Any:
    """An INSERT that knows `on_conflict_do_nothing` and `on_conflict_do_update` in this database's words."""
    return insert_for(connection.dialect.name, table)


def insert_for(dialect: str, table: sa.Table) -> Any:
    """The same for statements that are built once: building one costs several times what running it does."""
    return postgresql.insert(table) if dialect == "postgresql" else sqlite.insert(table)
