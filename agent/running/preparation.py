"""Makes the databases ready before anything else is imported, so that what is wrong with them is known at once."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiosqlite
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

from agent.running.postgresql import prepare_postgresql
from agent.settings import Settings
from tools.storage.database import Database, damaged, keep_private, switch_to_write_ahead_log
from tools.storage.migrations.upgrade import migrate


async def prepare_databases(settings: Settings) -> None:
    """Bring order book, working memory and job queue to the present schema, if the settings say so, and see that they
    can be used. Many processes may do so at once. Raises Unavailable, and what the drivers raise."""
    if settings.migrate_at_start:
        await migrate(settings.database_url)
        if settings.on_postgresql:
            await prepare_postgresql(settings.database_url)
    async with await asyncio.to_thread(Database, settings.database_url) as database:
        await database.require_schema()
    if not settings.on_postgresql:
        async with checkpoint_file(settings.checkpoint_path):
            pass


@asynccontextmanager
async def checkpoint_file(path: Path) -> AsyncIterator[aiosqlite.Connection]:
    """A connection to the file, which has its tables. Raises Unavailable for a file that cannot be used."""
    await asyncio.to_thread(path.parent.mkdir, parents=True, exist_ok=True)
    await asyncio.to_thread(keep_private, path)
    await asyncio.to_thread(switch_to_write_ahead_log, path)
    async with aiosqlite.connect(path) as connection:
        await connection.execute("PRAGMA synchronous=NORMAL")
        try:
            await AsyncSqliteSaver(connection).setup()
        except sqlite3.DatabaseError as error:
            raise damaged(path) from error
        yield connection
