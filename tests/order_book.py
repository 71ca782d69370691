"""What tests put into an order book past its doors."""

from tools.book.audit import SERVICE
from tools.book.book import OrderBook
from tools.book.keys import Grant, Key, identity_of
from tools.book.runs import insert_run
from tools.records.orders import NewRun, Run


async def record(book: OrderBook, new: NewRun, *, owner: str, lease_seconds: float) -> Run:
    """A run that has begun, whatever else stands for its need."""
    run = await book.database.write(lambda connection: insert_run(connection, new, "interactive", owner, lease_seconds))
    assert run is not None, f"there is a run {new.id}"
    return run


async def store_key(book: OrderBook, key_hash: str, prefix: str, name: str, *scopes: str) -> Key:
    """A key without limits or end."""
    grant = Grant(name=name, scopes=frozenset(scopes))
    return await book.keys.create(identity_of(key_hash), key_hash, prefix, grant, by=SERVICE)
