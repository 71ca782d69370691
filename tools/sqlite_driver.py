"""aiosqlite with one visit to its thread for each statement, where a cursor, its rows and its end each take one more.

Waking a thread and being woken costs several times what SQLite itself needs for a small statement.
"""

import sqlite3
from collections.abc import Callable, Sequence
from typing import Any

import aiosqlite


class Connection(aiosqlite.Connection):
    """What SQLAlchemy asks of an aiosqlite connection; transactions begin and end only when told to."""

    def __init__(self, path: str, *, busy_seconds: float) -> None:
        def connect() -> sqlite3.Connection:
            return sqlite3.connect(path, timeout=busy_seconds, isolation_level=None, check_same_thread=False)

        super().__init__(connect, iter_chunk_size=64)
        # A process that ends without closing its engine must not wait for this thread.
        self._thread.daemon = True
        self._nothing_to_undo = False

    def cursor(self) -> "Cursor":  # type: ignore[override]
        return Cursor(self)

    async def run(self, work: Callable[..., None], *arguments: Any) -> None:
        self._nothing_to_undo = False
        await self._execute(work, *arguments)  # type: ignore[no-untyped-call]

    async def commit(self) -> None:
        await super().commit()
        self._nothing_to_undo = True

    async def rollback(self) -> None:
        """Spares the pool's rollback of what has just been committed. Whatever was cut off on its way to the thread,
        a commit too, leaves something to undo, and the rollback queues up behind it."""
        if not self._nothing_to_undo:
            await super().rollback()
            self._nothing_to_undo = True


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
