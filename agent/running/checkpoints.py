"""Workflow memory: what a waiting review and a chat need to go on, and nothing else."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiosqlite
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import (
    BaseCheckpointSaver,
    ChannelVersions,
    Checkpoint,
    CheckpointMetadata,
)
from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

from agent.running.postgres import POOL_SIZE, Pool
from tools.storage.engine import keep_private, switch_to_write_ahead_log

OVER = ("executed", "no_action")


class _Waiting(BaseCheckpointSaver[Any]):
    """Keeps the threads that somebody may come back to. A decision that is over is in the order book; storing its
    thread as well, only to delete it, would cost more than the decision's own arithmetic."""

    async def aput(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> RunnableConfig:
        if checkpoint["channel_values"].get("outcome") not in OVER:
            return await super().aput(config, checkpoint, metadata, new_versions)
        return {"configurable": {**config["configurable"], "checkpoint_id": checkpoint["id"]}}


class WaitingSaver(_Waiting, AsyncSqliteSaver):
    pass


class PooledSaver(AsyncPostgresSaver):
    """The library's saver lets in one call at a time, as one connection demands; here each has a connection of its own
    out of the pool."""

    def __init__(self, pool: Pool) -> None:
        super().__init__(pool)
        self.lock = asyncio.Semaphore(POOL_SIZE)  # type: ignore[assignment]


class WaitingPooledSaver(_Waiting, PooledSaver):
    pass


@asynccontextmanager
async def open_checkpointer(path: Path, *, keep_finished: bool = False) -> AsyncIterator[BaseCheckpointSaver[Any]]:
    """A file of its own. Losing its last writes costs model calls, never an order."""
    await asyncio.to_thread(path.parent.mkdir, parents=True, exist_ok=True)
    await asyncio.to_thread(keep_private, path)
    await asyncio.to_thread(switch_to_write_ahead_log, path)
    async with aiosqlite.connect(path) as connection:
        await connection.execute("PRAGMA synchronous=NORMAL")
        saver = AsyncSqliteSaver(connection) if keep_finished else WaitingSaver(connection)
        await saver.setup()
        yield saver


def pooled_checkpointer(pool: Pool, *, keep_finished: bool = False) -> BaseCheckpointSaver[Any]:
    """Beside the order book in PostgreSQL, whose tables `agent.running.postgres.migrate` has made."""
    return PooledSaver(pool) if keep_finished else WaitingPooledSaver(pool)
