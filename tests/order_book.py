"""What tests put into an order book past its doors."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from tools.book.audit import SERVICE, Actor
from tools.book.book import OrderBook
from tools.book.keys import Grant, Key, identity_of
from tools.records.facts import Mode
from tools.records.orders import NewRun, Order, Run
from tools.storage.schema import metadata, orders

MOMENT = datetime(2026, 1, 1, tzinfo=UTC)
ANNA = Actor(name="anna", id="key_anna")


class InMemory:
    """A database without a file, threads or migrations, for tests of one transaction at a time."""

    def __init__(self) -> None:
        self.engine = sa.create_engine("sqlite://", poolclass=sa.StaticPool)
        metadata.create_all(self.engine)

    async def read(self, work: Any, *args: Any, **named: Any) -> Any:
        with self.engine.begin() as connection:
            return work(connection, *args, **named)

    write = read


async def record(book: OrderBook, new: NewRun, *, owner: str, lease_seconds: float) -> Run:
    """A run that has begun, whatever else stands for its need."""
    later = datetime(2200, 1, 1, tzinfo=UTC)
    run, fresh = await book.runs.admit(new, lane="interactive", owner=owner, lease_seconds=lease_seconds, after=later)
    assert fresh, f"there is a run {new.id}"
    return run


async def store_key(book: OrderBook, key_hash: str, prefix: str, name: str, *scopes: str) -> Key:
    """A key without limits or end."""
    grant = Grant(name=name, scopes=frozenset(scopes))
    return await book.keys.create(identity_of(key_hash), key_hash, prefix, grant, by=SERVICE)


async def let_pass(book: OrderBook, order: Order, *, days: float) -> None:
    """As if the order had been placed so many days earlier. The clock is the database's, so its times are moved."""
    past = {"created_at": order.created_at - timedelta(days=days), "due_at": order.due_at - timedelta(days=days)}
    change = sa.update(orders).where(orders.c.number == order.number).values(past)
    await book.database.write(lambda connection: connection.execute(change) and None)


def old_book(database_url: str, revision: str, *stored: tuple[str, dict[str, Any]]) -> None:
    """A database as an earlier version left it."""
    url = sa.make_url(database_url)
    if url.get_backend_name() == "sqlite":
        url = url.set(drivername="sqlite")
        Path(url.database or "").parent.mkdir(parents=True)
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    config = Config()
    config.set_main_option("script_location", "tools/storage/migrations")
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
        for table, values in stored:
            moments = {name: "2026-01-01T00:00:00.000Z" for name, value in values.items() if value is MOMENT}
            found = sa.Table(table, sa.MetaData(), autoload_with=connection)
            connection.execute(sa.insert(found).values({**values, **moments}))
    engine.dispose()


async def open_orders(book: OrderBook, product_id: str | None, location: str | None, mode: Mode) -> list[Order]:
    """Open orders, newest first; of every product or location for None."""
    own = await book.stock.of_catalogue(mode, product_id)
    return [order for order in own.open if location in (None, order.location)]
