"""What models have used up in a day, over all processes and restarts; and whose conversation is whose."""

from collections.abc import Mapping
from datetime import date
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from tools.records.errors import UnknownConversation
from tools.storage.database import Store, conflict_insert
from tools.storage.schema import Now, conversations, counters


class UsageStore(Store):
    """Sums by day and kind, kept among the counters; conversations with their owners."""

    async def add(self, day: date, used: Mapping[str, int]) -> dict[str, int]:
        """Add these amounts to the day's sums, and return all sums of the day as they are then."""
        if any(used.values()):
            async with self._writing() as connection:
                # In one order: processes that add to the same sums at once wait for each other and do not deadlock.
                for kind in sorted(used):
                    await _add(connection, _name(day, kind), used[kind])
        return await self.of_day(day)

    async def of_day(self, day: date) -> dict[str, int]:
        """The day's sums by kind; nothing where nothing was used."""
        prefix = _name(day, "")
        query = sa.select(counters.c.name, counters.c.value).where(counters.c.name.startswith(prefix, autoescape=True))
        async with self._reading() as connection:
            return {name.removeprefix(prefix): value for name, value in await connection.execute(query)}

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


async def _add(connection: AsyncConnection, name: str, amount: int) -> None:
    insert: Any = conflict_insert(connection, counters).values(name=name, value=amount)
    await connection.execute(
        insert.on_conflict_do_update(index_elements=["name"], set_={"value": counters.c.value + amount})
    )


def _name(day: date, kind: str) -> str:
    return f"used {day.isoformat()} {kind}"
