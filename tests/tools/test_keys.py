import asyncio

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from tools.keys import StoredKey
from tools.orders import OrderBook
from tools.schema import Now, api_keys


async def test_a_key_is_found_by_its_hash_alone(book: OrderBook) -> None:
    await book.store_key("ab12", "rk_ab", "warehouse", ["trigger", "read"])
    assert await book.key_by_hash("ab12") == StoredKey(
        id="key_ab12", name="warehouse", prefix="rk_ab", scopes={"read", "trigger"}, live=True, use_unnoted=True
    )
    assert await book.key_by_hash("rk_ab") is None


async def test_a_stored_key_keeps_its_scopes(book: OrderBook) -> None:
    await book.store_key("ab12", "rk_ab", "warehouse", ["read"])
    await book.store_key("ab12", "rk_ab", "warehouse", ["admin"])
    key = await book.key_by_hash("ab12")
    assert key is not None
    assert key.scopes == {"read"}


async def test_a_revoked_key_says_so_and_does_not_count_as_one(book: OrderBook, engine: AsyncEngine) -> None:
    assert not await book.any_key()
    await book.store_key("ab12", "rk_ab", "warehouse", ["read"])
    assert await book.any_key()
    async with engine.begin() as connection:
        await connection.execute(sa.update(api_keys).values(revoked_at=Now()))
    key = await book.key_by_hash("ab12")
    assert key is not None
    assert not key.live
    assert not await book.any_key()


async def test_of_eight_first_keys_one_is_stored(book: OrderBook) -> None:
    stored = await asyncio.gather(*(book.store_first_key(f"h{n}", "rk", "first", ["admin"]) for n in range(8)))
    assert stored.count(True) == 1
    assert await book.key_by_hash(f"h{stored.index(True)}") is not None
    assert await book.key_by_hash(f"h{stored.index(False)}") is None
