"""Brings the order book's tables to the present schema, from however many processes start at once."""

import asyncio
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy import Connection

from tools.records.errors import Unavailable
from tools.storage.database import create_engine, in_transaction, switch_to_write_ahead_log

WAIT_SECONDS = 60
_LOCK = 0x7265_7374_6F63_6B
"""PostgreSQL's advisory locks are numbers; this one spells `restock`."""


async def migrate(database_url: str) -> None:
    """Bring the database to the present schema, in one transaction.

    Any number of processes may call it at once: one migrates and the others wait for it, 60 s at most. Raises
    Unavailable when the database cannot be reached or locked.
    """
    await asyncio.to_thread(_migrate, database_url)


def _migrate(database_url: str) -> None:
    engine = create_engine(database_url, busy_seconds=WAIT_SECONDS)
    try:
        if engine.dialect.name == "sqlite":
            switch_to_write_ahead_log(Path(engine.url.database or ""), patience_seconds=WAIT_SECONDS)
        in_transaction(engine.execution_options(writes=True), _upgrade)
    finally:
        engine.dispose()


def _upgrade(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":  # SQLite's transaction has waited for others when it began
        connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{WAIT_SECONDS}s'")
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
    # Alembic is wanted once, at start-up, and takes a while to import.
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "head")
    except CommandError:
        raise Unavailable(
            "The database was made by a newer version of the service; start that one, or restore an older copy."
        ) from None
