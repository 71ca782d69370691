"""Transactions that wait for SQLite's one writer go in together and share one commit, whose sync to the disk is what
each of them would have waited for.

Each is isolated from the others: one that fails leaves nothing, and the others are stored. A savepoint sees to that,
or the work does itself, where it writes with one statement, after which nothing can fail: SQLite undoes a statement
that fails. None learns its result before the commit, so what a caller is told is on the disk.
"""

import asyncio
import sqlite3
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from contextvars import Context
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import exc
from sqlalchemy.ext.asyncio import AsyncConnection

from tools.storage.sqlite_driver import Connection

T = TypeVar("T")
Work = Callable[[AsyncConnection], Awaitable[T]]
Connect = Callable[[], AbstractAsyncContextManager[AsyncConnection]]
Begin = Callable[[AsyncConnection], AbstractAsyncContextManager[None]]

MOST_TOGETHER = 64
PATIENCE = 3
"""Rounds of the event loop: a request is read in one, worked on in the next."""
ASIDE_AFTER = 4
"""Pieces of work after which everybody else has a turn."""


class Member(NamedTuple):
    work: Work[Any]
    future: asyncio.Future[Any]
    one_write: bool


class GroupCommit:
    """Runs what it is given in order, on one connection for as long as there is more of it, in transactions that
    `begin` opens and commits."""

    def __init__(self, connect: Connect, begin: Begin) -> None:
        self._connect, self._begin = connect, begin
        self._waiting: deque[Member] = deque()
        self._worker: asyncio.Task[None] | None = None

    async def run(self, work: Work[T], *, one_write: bool = False) -> T:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        self._waiting.append(Member(work, future, one_write))
        if self._worker is None:
            self._worker = loop.create_task(self._work_off(), context=Context())
        return await future

    async def _work_off(self) -> None:
        """The last are told when the connection has been given back, so that whoever then closes the engine leaves none
        behind."""
        done: tuple[list[asyncio.Future[Any]], list[Any]] = ([], [])
        try:
            async with self._connect() as connection:
                try:
                    while self._waiting:
                        _tell(*done)
                        await self._let_others_come()
                        done = await self._commit_together(connection)
                finally:
                    # Whoever comes while the connection is given back needs another worker.
                    self._worker = None
        except BaseException as error:
            if self._worker in (None, asyncio.current_task()):
                self._worker = None
                self._give_up_waiting(error)
            if not isinstance(error, Exception):
                raise
        finally:
            _tell(*done)

    async def _let_others_come(self) -> None:
        """As long as more of them do: who is let go by one commit comes back with the next request a moment later, and
        would find a transaction under way that was begun for one."""
        here = 0
        while here < len(self._waiting) < MOST_TOGETHER:
            here = len(self._waiting)
            for _ in range(PATIENCE):
                await asyncio.sleep(0)

    async def _commit_together(self, connection: AsyncConnection) -> tuple[list[asyncio.Future[Any]], list[Any]]:
        """Who has an outcome now, and which."""
        members: list[asyncio.Future[Any]] = []
        outcomes: list[Any] = []
        try:
            async with self._begin(connection):
                together = min(len(self._waiting), MOST_TOGETHER)
                isolated = _outcome if together > 1 else _alone
                for done in range(together):
                    member = self._waiting.popleft()
                    members.append(member.future)
                    outcomes.append(None if member.future.cancelled() else await isolated(connection, member))
                    if done % ASIDE_AFTER == 0:
                        await asyncio.sleep(0)
        except BaseException as error:
            if not members:
                self._give_up_waiting(error)
            outcomes = [error] * len(members)
            if not isinstance(error, Exception):
                _tell(members, outcomes)
                raise
        return members, outcomes

    def _give_up_waiting(self, error: BaseException) -> None:
        members = [member.future for member in self._waiting]
        self._waiting.clear()
        _tell(members, [error] * len(members))


async def _alone(connection: AsyncConnection, member: Member) -> Any:
    """An error undoes the whole transaction, which is this work's own."""
    return await member.work(connection)


async def _outcome(connection: AsyncConnection, member: Member) -> Any:
    """The work's result, or the error that undid it. A database's own error is raised: it undoes all of them."""
    driver: Connection = connection.sync_connection.connection.driver_connection  # type: ignore[assignment, union-attr]
    if not member.one_write:
        await driver.first("SAVEPOINT member")
    try:
        result = await member.work(connection)
    except (exc.OperationalError, exc.InterfaceError, sqlite3.OperationalError):
        raise
    except Exception as error:
        if not driver.in_transaction:  # out of memory, SQLite undoes all of it by itself
            raise
        if not member.one_write:
            await driver.first("ROLLBACK TO member")
        result = error
    if not member.one_write:
        await driver.first("RELEASE member")
    return result


def _tell(members: list[asyncio.Future[Any]], outcomes: list[Any]) -> None:
    for future, outcome in zip(members, outcomes, strict=True):
        if future.done():
            continue
        if isinstance(outcome, BaseException):
            future.set_exception(outcome)
        else:
            future.set_result(outcome)
