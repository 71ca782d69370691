"""aiosqlite that visits its thread only for what may wait: a lock, and the disk.

Waking a thread and being woken costs several times what SQLite itself needs for a small statement; and a thread that
wants to go on waits for Python's lock, which a busy event loop gives up every 5 ms only. So a statement that can
neither meet another's lock nor sync to the disk runs at once, in the event loop's own thread: every read, since a
write-ahead log keeps readers and the writer apart, and every write in a transaction that holds the lock already.
"""

import asyncio
import sqlite3
import time
from collections.abc import Callable, Sequence
from typing import Any

import aiosqlite

LOCKING = "BEGIN IMMEDIATE"
LOOK_SECONDS = 0.001


class Connection(aiosqlite.Connection):
    """What SQLAlchemy asks of an aiosqlite connection; transactions begin and end only when told to."""

    def __init__(self, path: str, *, busy_seconds: float) -> None:
        def connect() -> sqlite3.Connection:
            return sqlite3.connect(path, timeout=busy_seconds, isolation_level=None, check_same_thread=False)

        super().__init__(connect, iter_chunk_size=64)
        # A process that ends without closing its engine must not wait for this thread.
        self._thread.daemon = True
        self._busy_seconds = busy_seconds
        self._nothing_to_undo = False
        self._writes = False
        self.counted: dict[str, int] = {}
        """What the transaction has counted, which nobody else can change before its end."""
        self._given = self._done = 0
        """Pieces of work given to the thread so far, and how many of them it has done."""

    def cursor(self) -> "Cursor":  # type: ignore[override]
        return Cursor(self)

    async def run(self, work: Callable[..., None], statement: str, parameters: Any) -> None:
        self._nothing_to_undo = False
        if self._waits_for_nothing(statement):
            work(statement, parameters)
            return
        if statement == LOCKING and self._given == self._done:
            await self._lock(work, parameters)
        else:
            await self._threaded(work, statement, parameters)
        self._writes = self._writes or (self._conn.in_transaction and not _reads(statement))

    async def first(self, statement: str, parameters: Sequence[Any] = ()) -> Any:
        """The first row of a statement that is run past SQLAlchemy."""
        if self._waits_for_nothing(statement):
            self._nothing_to_undo = False
            return _first_row(self._conn, statement, parameters)
        cursor = Cursor(self)
        await cursor.execute(statement, parameters)
        rows = await cursor.fetchall()
        return rows[0] if rows else None

    async def commit(self) -> None:
        self.counted.clear()
        if self._writes or self._given != self._done:
            await self._threaded(self._conn.commit)
            self._writes = False
        else:
            self._conn.commit()
        self._nothing_to_undo = True

    async def rollback(self) -> None:
        """Spares the pool's rollback of what has just been committed. Whatever was cut off on its way to the thread,
        a commit too, leaves something to undo, and the rollback queues up behind it."""
        self.counted.clear()
        if not self._nothing_to_undo:
            await self._threaded(self._conn.rollback)
            self._writes = False
            self._nothing_to_undo = True

    async def _lock(self, work: Callable[..., None], parameters: Any) -> None:
        """Take the writers' lock, for which other processes may contend. SQLite's own patience looks again after 1 ms,
        but soon every 25 to 100 ms only, and seldom meets a process that writes a lot with the lock free."""
        give_up = time.monotonic() + self._busy_seconds
        while not self._locked_at_once(work, parameters):
            if time.monotonic() > give_up:
                raise sqlite3.OperationalError("database is locked")
            await asyncio.sleep(LOOK_SECONDS)

    def _locked_at_once(self, work: Callable[..., None], parameters: Any) -> bool:
        self._conn.execute("PRAGMA busy_timeout=0")
        try:
            work(LOCKING, parameters)
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                raise
            return False
        finally:
            self._conn.execute(f"PRAGMA busy_timeout={int(self._busy_seconds * 1000)}")
        return True

    def _waits_for_nothing(self, statement: str) -> bool:
        if self._given != self._done:
            return False
        return self._writes or statement == "BEGIN" or _reads(statement)

    async def _threaded(self, work: Callable[..., None], *arguments: Any) -> None:
        self._given = number = self._given + 1

        def counted() -> None:
            try:
                work(*arguments)
            finally:
                self._done = number

        await self._execute(counted)  # type: ignore[no-untyped-call]


class Looks:
    """Reads single rows past the pool: a look of its own needs no transaction, and a write-ahead log lets it wait for
    nobody."""

    def __init__(self, path: str, *, busy_seconds: float) -> None:
        self._path, self._busy_seconds = path, busy_seconds
        self._open: sqlite3.Connection | None = None

    async def first(self, statement: str, parameters: Sequence[Any] = ()) -> Any:
        if self._open is None:
            self._open = sqlite3.connect(
                self._path, timeout=self._busy_seconds, isolation_level=None, check_same_thread=False
            )
        return _first_row(self._open, statement, parameters)

    def close(self) -> None:
        """It is opened again by the next look."""
        if self._open is not None:
            self._open.close()
            self._open = None


def _first_row(connection: sqlite3.Connection, statement: str, parameters: Sequence[Any]) -> Any:
    cursor = connection.execute(statement, parameters)
    try:
        return cursor.fetchone()
    finally:
        cursor.close()


def _reads(statement: str) -> bool:
    return statement.lstrip().startswith("SELECT")


class Cursor:
    """Executes a statement, fetches all its rows and closes, in one go."""

    arraysize = 1

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._rows: list[Any] = []
        self.description: Any = None
        self.rowcount = -1
        self.lastrowid: int | None = None

    async def __aenter__(self) -> "Cursor":
        return self

    async def execute(self, statement: str, parameters: Sequence[Any] = ()) -> None:
        await self._connection.run(self._execute, statement, parameters)

    async def executemany(self, statement: str, parameters: Sequence[Sequence[Any]]) -> None:
        await self._connection.run(self._executemany, statement, parameters)

    async def fetchall(self) -> list[Any]:
        return self._rows

    async def close(self) -> None:
        """Nothing is left to close."""

    def _execute(self, statement: str, parameters: Sequence[Any]) -> None:
        self._keep(self._connection._conn.execute(statement, parameters))

    def _executemany(self, statement: str, parameters: Sequence[Sequence[Any]]) -> None:
        self._keep(self._connection._conn.executemany(statement, parameters))

    def _keep(self, cursor: sqlite3.Cursor) -> None:
        self.description = cursor.description
        self._rows = cursor.fetchall()
        self.rowcount, self.lastrowid = cursor.rowcount, cursor.lastrowid
        cursor.close()
