import asyncio
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from tests.order_book import store_key
from tools.book.audit import Actor
from tools.book.book import OrderBook
from tools.book.keys import Grant, Key, StoredKey
from tools.records.errors import Conflict, UnknownKey
from tools.records.money import Limit
from tools.storage import database
from tools.storage.caller_schema import api_keys
from tools.storage.database import Database
from tools.storage.migrations.upgrade import migrate
from tools.storage.types import Now


async def test_a_key_is_found_by_its_hash_alone(book: OrderBook) -> None:
    await store_key(book, "ab12", "rk_ab", "warehouse", "trigger", "read")
    assert await book.keys.by_hash("ab12") == StoredKey(
        id="key_ab12", name="warehouse", prefix="rk_ab", scopes={"read", "trigger"}, live=True, use_unnoted=True
    )
    assert await book.keys.by_hash("rk_ab") is None


async def test_a_stored_key_keeps_its_scopes(book: OrderBook) -> None:
    await store_key(book, "ab12", "rk_ab", "warehouse", "read")
    await store_key(book, "ab12", "rk_ab", "warehouse", "admin")
    key = await book.keys.by_hash("ab12")
    assert key is not None
    assert key.scopes == {"read"}


async def test_a_revoked_key_says_so(book: OrderBook, engine: sa.Engine) -> None:
    await store_key(book, "ab12", "rk_ab", "warehouse", "read")
    with engine.begin() as connection:
        connection.execute(sa.update(api_keys).values(revoked_at=Now()))
    key = await book.keys.by_hash("ab12")
    assert key is not None
    assert not key.live


async def test_of_eight_first_keys_one_is_stored(book: OrderBook) -> None:
    grant = Grant(name="first", scopes=frozenset({"admin"}))
    stored = await asyncio.gather(*(book.keys.store_first(f"h{n}", "rk", grant) for n in range(8)))
    assert stored.count(True) == 1
    assert await book.keys.by_hash(f"h{stored.index(True)}") is not None
    assert await book.keys.by_hash(f"h{stored.index(False)}") is None


BY_ANNA = Actor(name="anna", id="key_of_anna")


@pytest.fixture
def make_key(book: OrderBook):
    """Makes a key whose secret hashes to its id, with anything about it changed."""

    async def make(key_id: str, **changes: Any) -> Key:
        grant = Grant.model_validate({"name": "robot", "scopes": {"trigger", "read"}} | changes)
        return await book.keys.create(key_id, f"hash of {key_id}", "rsk_abcdef", grant, by=BY_ANNA)

    return make


async def live(book: OrderBook, key_hash: str) -> bool:
    key = await book.keys.by_hash(key_hash)
    return key is not None and key.live


async def test_a_key_is_made_once_for_an_id(book: OrderBook, make_key) -> None:
    made = await make_key("k1", limits=[Limit(currency="EUR", per_day=Decimal("12.5"))], may_approve_own=True)
    again = await book.keys.create(
        "k1", "other hash", "rsk_xxxxxx", Grant(name="x", scopes=frozenset({"admin"})), by=BY_ANNA
    )
    assert again == made
    assert (made.scopes, made.may_approve_own) == (("read", "trigger"), True)
    assert made.limits == (Limit(currency="EUR", per_day=Decimal("12.5")),)
    assert await book.keys.by_hash("other hash") is None


async def test_both_secrets_open_until_the_overlap_is_over(book: OrderBook, make_key) -> None:
    await make_key("k1")
    rotated = await book.keys.rotate("k1", "second", "rsk_second", overlap_seconds=0.5, by=BY_ANNA)
    assert [secret.prefix for secret in rotated.secrets] == ["rsk_abcdef", "rsk_second"]
    assert await live(book, "hash of k1")
    assert await live(book, "second")
    await asyncio.sleep(0.6)
    assert not await live(book, "hash of k1")
    assert await live(book, "second")
    assert [secret.prefix for secret in (await book.keys.all())[0].secrets] == ["rsk_second"]


async def test_without_an_overlap_the_old_secret_ends_at_once(book: OrderBook, make_key) -> None:
    await make_key("k1")
    await book.keys.rotate("k1", "second", "rsk_second", overlap_seconds=0, by=BY_ANNA)
    assert (await live(book, "hash of k1"), await live(book, "second")) == (False, True)


async def test_a_second_rotation_does_not_lengthen_the_first_one_s_overlap(book: OrderBook, make_key) -> None:
    await make_key("k1")
    await book.keys.rotate("k1", "second", "rsk_second", overlap_seconds=0, by=BY_ANNA)
    await book.keys.rotate("k1", "third", "rsk_third", overlap_seconds=60, by=BY_ANNA)
    assert [await live(book, secret) for secret in ("hash of k1", "second", "third")] == [False, True, True]


async def test_a_key_ends_at_its_end(book: OrderBook, make_key) -> None:
    now = datetime.now(UTC)
    await make_key("over", expires_at=now - timedelta(seconds=1))
    await make_key("open", expires_at=now + timedelta(hours=1))
    assert (await live(book, "hash of over"), await live(book, "hash of open")) == (False, True)


async def test_a_revoked_key_opens_nothing_in_any_process_and_stays_so(
    book: OrderBook, database_url: str, make_key
) -> None:
    await make_key("k1")
    elsewhere = Database(database_url)
    try:
        await OrderBook(elsewhere).keys.revoke("k1", by=BY_ANNA)
    finally:
        elsewhere.close()
    assert not await live(book, "hash of k1")
    first = (await book.keys.all())[0]
    assert await book.keys.revoke("k1", by=BY_ANNA) == first
    with pytest.raises(Conflict, match="revoked"):
        await book.keys.rotate("k1", "second", "rsk_second", overlap_seconds=60, by=BY_ANNA)
    with pytest.raises(Conflict, match="revoked"):
        await book.keys.limit("k1", [], by=BY_ANNA)


async def test_the_last_administrator_cannot_be_revoked_unless_another_way_in_is_left(
    book: OrderBook, make_key
) -> None:
    await make_key("admin", scopes=["admin"])
    await make_key("over", scopes=["admin"], expires_at=datetime.now(UTC) - timedelta(seconds=1))
    with pytest.raises(Conflict, match="last key with the scope admin"):
        await book.keys.revoke("admin", by=BY_ANNA)
    assert await live(book, "hash of admin")
    await make_key("second", scopes=["admin", "read"])
    await book.keys.revoke("admin", by=BY_ANNA)
    assert (await book.keys.revoke("second", by=BY_ANNA, keep_an_admin=False)).revoked_at is not None


async def test_of_two_last_administrators_revoked_at_once_one_is_left(book: OrderBook, make_key) -> None:
    for name in ("a", "b"):
        await make_key(name, scopes=["admin"])
    outcomes = await asyncio.gather(
        *(book.keys.revoke(name, by=BY_ANNA) for name in ("a", "b")), return_exceptions=True
    )
    assert sum(isinstance(outcome, Conflict) for outcome in outcomes) == 1


async def test_an_unknown_key_is_said_to_be_one(book: OrderBook) -> None:
    with pytest.raises(UnknownKey):
        await book.keys.revoke("key_no", by=BY_ANNA)


async def test_a_secret_s_use_is_noted_once_in_a_while(book: OrderBook, make_key) -> None:
    await make_key("k1")
    stored = await book.keys.by_hash("hash of k1")
    assert stored is not None
    assert stored.use_unnoted
    await book.keys.note_use("hash of k1")
    stored = await book.keys.by_hash("hash of k1")
    assert stored is not None
    assert not stored.use_unnoted
    used = (await book.keys.all())[0].secrets[0].last_used_at
    await book.keys.note_use("hash of k1")
    assert (await book.keys.all())[0].secrets[0].last_used_at == used is not None


async def test_what_is_done_to_keys_is_on_the_audit_trail_and_no_hash_is(book: OrderBook, make_key) -> None:
    await make_key("k1")
    await book.keys.rotate("k1", "second", "rsk_second", overlap_seconds=60, by=BY_ANNA)
    await book.keys.limit("k1", [Limit(currency="EUR", per_order=Decimal(5))], by=BY_ANNA)
    await book.keys.revoke("k1", by=BY_ANNA)
    trail = await book.audit.page(actor="key_of_anna")
    assert [entry.event for entry in trail] == ["key.revoked", "key.limited", "key.rotated", "key.created"]
    assert {entry.figures["key_id"] for entry in trail} == {"k1"}
    assert "hash of" not in str(trail)


async def test_keys_of_the_first_schema_are_kept_when_the_schema_changes(empty_database_url: str) -> None:
    await asyncio.to_thread(_upgrade_to, empty_database_url, "0001")
    database = Database(empty_database_url)
    try:
        old = sa.table("api_keys", *(sa.column(name) for name in ("hash", "prefix", "name", "created_at")))
        old.append_column(sa.column("scopes", sa.JSON))
        with database.engine.begin() as connection:
            row = {"hash": "a" * 64, "prefix": "rsk_aaaaaa", "name": "first key", "scopes": ["admin", "approve"]}
            connection.execute(sa.insert(old).values(row | {"created_at": Now()}))
        await migrate(empty_database_url)
        key = (await OrderBook(database).keys.all())[0]
        assert await live(OrderBook(database), "a" * 64)
    finally:
        database.close()
    assert (key.name, key.scopes, key.may_approve_own) == ("first key", ("admin", "approve"), True)
    assert [secret.prefix for secret in key.secrets] == ["rsk_aaaaaa"]


def _upgrade_to(url: str, revision: str) -> None:
    engine = sa.create_engine(sa.make_url(url).set(drivername=url.split(":")[0].replace("+aiosqlite", "")))
    config = Config()
    config.set_main_option("script_location", str(Path(database.__file__).parent / "migrations"))
    if engine.dialect.name == "sqlite":
        Path(engine.url.database or "").parent.mkdir(parents=True, exist_ok=True)
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
    engine.dispose()
