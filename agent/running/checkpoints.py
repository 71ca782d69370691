"""Working memory: what a waiting review and a chat need to go on, and nothing else."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

from agent.running.postgresql import POOL_SIZE, Pool
from agent.running.preparation import checkpoint_file
from agent.running.work import KeepsWaiting


class WaitingSaver(KeepsWaiting, AsyncSqliteSaver):
    pass


class PooledSaver(AsyncPostgresSaver):
    """The library's saver lets in one call at a time, as one connection demands; here each has a connection of its own
    out of the pool."""

    def __init__(self, pool: Pool) -> None:
        super().__init__(pool)
        self.lock = asyncio.Semaphore(POOL_SIZE)  # type: ignore[assignment]  # it is declared as a lock


class WaitingPooledSaver(KeepsWaiting, PooledSaver):
    pass


@asynccontextmanager
async def open_checkpointer(path: Path, *, keep_finished: bool = False) -> AsyncIterator[BaseCheckpointSaver[Any]]:
    """In a file of its own. If its last writes are lost, model calls are repeated, never an order."""
    async with checkpoint_file(path) as connection:
        yield AsyncSqliteSaver(connection) if keep_finished else WaitingSaver(connection)


def pooled_checkpointer(pool: Pool, *, keep_finished: bool = False) -> BaseCheckpointSaver[Any]:
    """In the PostgreSQL of the order book. `prepare_postgresql` makes the tables."""
    return PooledSaver(pool) if keep_finished else WaitingPooledSaver(pool)
