"""Whose conversation is whose."""

import sqlalchemy as sa

from tools.records.errors import UnknownConversation
from tools.storage.database import Store, conflict_insert
from tools.storage.schema import Now, conversations


class ConversationStore(Store):
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
