"""PostgreSQL beside the order book: the connections that working memory and the job queue share, and their tables."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib import resources
from importlib.resources.abc import Traversable

import psycopg
from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver
from procrastinate.schema import SchemaManager
from psycopg import AsyncConnection
from psycopg.rows import DictRow, dict_row
from psycopg_pool import AsyncConnectionPool
from sqlalchemy import make_url

from tools.records.errors import Unavailable

Pool = AsyncConnectionPool[AsyncConnection[DictRow]]
POOL_SIZE = 8
PATIENCE_SECONDS = 5.0
MIGRATION_WAIT_SECONDS = 60.0
_MIGRATION_LOCK = 0x7265_7374_6F63_6C


@asynccontextmanager
async def open_pool(database_url: str) -> AsyncIterator[Pool]:
    """Connections that are checked before use, so that the pool survives a restart of the server."""
    pool: Pool = AsyncConnectionPool(
        _libpq(database_url),
        kwargs={"prepare_threshold": 0, "row_factory": dict_row},
        configure=_commit_by_statement,
        check=AsyncConnectionPool.check_connection,
        min_size=1,
        max_size=POOL_SIZE,
        timeout=PATIENCE_SECONDS,
        open=False,
    )
    async with pool:
        yield pool


async def prepare_postgresql(database_url: str) -> None:
    """Bring the tables of LangGraph's checkpointer and of procrastinate to what the installed versions need.

    Any number of processes may call it at once. Raises Unavailable when PostgreSQL cannot be reached or stays locked.
    """
    try:
        async with await AsyncConnection.connect(
            _libpq(database_url), autocommit=True, row_factory=dict_row, connect_timeout=int(PATIENCE_SECONDS)
        ) as connection:
            await _wait_for_others(connection)
            await AsyncPostgresSaver(connection).setup()
            await _migrate_jobs(connection)
    except psycopg.OperationalError as error:
        raise Unavailable("PostgreSQL cannot be reached to prepare its tables; check DATABASE_URL.") from error


async def _wait_for_others(connection: AsyncConnection[DictRow]) -> None:
    """Hold the lock until the connection ends. Asked for again and again: a statement that waited for it would hold up
    the indexes that LangGraph's migration builds concurrently, and be held up by them."""
    give_up = time.monotonic() + MIGRATION_WAIT_SECONDS
    while time.monotonic() < give_up:
        cursor = await connection.execute("SELECT pg_try_advisory_lock(%s) AS mine", (_MIGRATION_LOCK,))
        row = await cursor.fetchone()
        if row is not None and row["mine"]:
            return
        await asyncio.sleep(0.05)
    raise Unavailable("Another process has been preparing PostgreSQL's tables for a minute; try again when it is done.")


async def _migrate_jobs(connection: AsyncConnection[DictRow]) -> None:
    """Procrastinate ships its whole schema and the steps between versions; which were made is for us to know."""
    steps = _job_migrations()
    async with connection.transaction():
        await connection.execute("CREATE TABLE IF NOT EXISTS procrastinate_migrations (name text PRIMARY KEY)")
        cursor = await connection.execute("SELECT name FROM procrastinate_migrations")
        made = {row["name"] for row in await cursor.fetchall()}
        if not made:
            await connection.execute(SchemaManager.get_schema())
        for name in sorted(steps.keys() - made):
            if made:
                await connection.execute(steps[name].read_bytes())
            await connection.execute("INSERT INTO procrastinate_migrations VALUES (%s)", (name,))


def _job_migrations() -> dict[str, Traversable]:
    folder = resources.files("procrastinate.sql") / "migrations"
    return {step.name: step for step in folder.iterdir() if step.name.endswith(".sql")}


async def _commit_by_statement(connection: AsyncConnection[DictRow]) -> None:
    # Not among the pool's arguments: procrastinate repeats those for its listener, and adds this one itself.
    await connection.set_autocommit(True)


def _libpq(database_url: str) -> str:
    """The URL as PostgreSQL's own library reads it."""
    return make_url(database_url).set(drivername="postgresql").render_as_string(hide_password=False)
