"""Who may come in: API keys, of which only hashes are stored, and whose conversation is whose."""

from collections.abc import Collection
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from tools.database import Store, conflict_insert
from tools.errors import UnknownConversation
from tools.models import Record
from tools.placing import next_value
from tools.schema import Now, api_keys, conversations


class StoredKey(Record):
    """An API key as far as it is known here: `prefix` shows people which one it is."""

    name: str
    prefix: str
    scopes: frozenset[str]
    revoked: bool


class AccessStore(Store):
    """Keys and conversations."""

    async def store_key(self, key_hash: str, prefix: str, name: str, scopes: Collection[str]) -> None:
        """Keep a key by its hash. A hash that is stored already stays as it is."""
        async with self._writing() as connection:
            await connection.execute(_key_insert(connection, key_hash, prefix, name, scopes))

    async def store_first_key(self, key_hash: str, prefix: str, name: str, scopes: Collection[str]) -> bool:
        """Keep a key only if there is none yet; False if there is. Of many processes starting at once, one is told
        True and may show its key to people."""
        async with self._writing() as connection:
            # Taking a number makes the other processes wait here until this one's key can be seen.
            await next_value(connection, "first key")
            if await connection.scalar(sa.select(api_keys.c.hash).limit(1)) is not None:
                return False
            await connection.execute(_key_insert(connection, key_hash, prefix, name, scopes))
            return True

    async def key_by_hash(self, key_hash: str) -> StoredKey | None:
        async with self._reading() as connection:
            row = (await connection.execute(sa.select(api_keys).where(api_keys.c.hash == key_hash))).mappings().first()
        if row is None:
            return None
        revoked = row["revoked_at"] is not None
        return StoredKey(name=row["name"], prefix=row["prefix"], scopes=frozenset(row["scopes"]), revoked=revoked)

    async def any_key(self) -> bool:
        """Whether any key is stored that has not been revoked."""
        async with self._reading() as connection:
            live = sa.select(api_keys.c.hash).where(api_keys.c.revoked_at.is_(None)).limit(1)
            return await connection.scalar(live) is not None

    async def own_conversation(self, conversation_id: str, owner: str) -> None:
        """Begin a conversation, or go on with one's own. Raises UnknownConversation if it is somebody else's."""
        async with self._writing() as connection:
            insert = conflict_insert(connection, conversations).values(
                id=conversation_id, owner=owner, created_at=Now()
            )
            await connection.execute(insert.on_conflict_do_nothing())
            found = await connection.scalar(
                sa.select(conversations.c.owner).where(conversations.c.id == conversation_id)
            )
        if found != owner:
            raise UnknownConversation(f"No conversation {conversation_id[:80]!r} of yours; leave it out to begin one.")

    async def conversation_owner(self, conversation_id: str) -> str | None:
        """Who began the conversation; None if nobody did."""
        async with self._reading() as connection:
            owner: str | None = await connection.scalar(
                sa.select(conversations.c.owner).where(conversations.c.id == conversation_id)
            )
        return owner


def _key_insert(
    connection: AsyncConnection, key_hash: str, prefix: str, name: str, scopes: Collection[str]
) -> sa.Insert:
    insert: Any = conflict_insert(connection, api_keys).values(
        hash=key_hash, prefix=prefix, name=name, scopes=sorted(scopes), created_at=Now()
    )
    refused: sa.Insert = insert.on_conflict_do_nothing()
    return refused
