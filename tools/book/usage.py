"""What models have used up in a day, over all processes and restarts; and whose conversation is whose."""

from collections.abc import Mapping
from datetime import date

import sqlalchemy as sa
from sqlalchemy import Connection

from tools.records.errors import UnknownConversation
from tools.storage.database import Store, conflict_insert, reads, writes
from tools.storage.schema import conversations, counters
from tools.storage.types import Now


class UsageStore(Store):
    """Sums by day and kind, kept among the counters; conversations with their owners."""

    async def add(self, day: date, used: Mapping[str, int]) -> dict[str, int]:
        """Add these amounts to the day's sums, and return all sums of the day as they are then."""
        if any(used.values()):
            await self._add(day, used)
        return await self.of_day(day)

    @writes
    def _add(self, connection: Connection, day: date, used: Mapping[str, int]) -> None:
        # In one order: processes that add to the same sums at once wait for each other and do not deadlock.
        for kind in sorted(used):
            insert = conflict_insert(connection, counters).values(name=_name(day, kind), value=used[kind])
            more = {"value": counters.c.value + used[kind]}
            connection.execute(insert.on_conflict_do_update(index_elements=["name"], set_=more))

    @reads
    def of_day(self, connection: Connection, day: date) -> dict[str, int]:
        """The day's sums by kind; nothing where nothing was used."""
        prefix = _name(day, "")
        query = sa.select(counters.c.name, counters.c.value).where(counters.c.name.startswith(prefix, autoescape=True))
        return {name.removeprefix(prefix): value for name, value in connection.execute(query)}

    @writes
    def own_conversation(self, connection: Connection, conversation_id: str, owner: str) -> None:
        """Begin a conversation, or go on with one's own. Raises UnknownConversation if it is somebody else's."""
        insert = conflict_insert(connection, conversations).values(id=conversation_id, owner=owner, created_at=Now())
        connection.execute(insert.on_conflict_do_nothing())
        found = connection.scalar(sa.select(conversations.c.owner).where(conversations.c.id == conversation_id))
        if found != owner:
            raise UnknownConversation(f"No conversation {conversation_id[:80]!r} of yours; leave it out to begin one.")

    @reads
    def conversation_owner(self, connection: Connection, conversation_id: str) -> str | None:
        """Who began the conversation; None if nobody did."""
        owner: str | None = connection.scalar(
            sa.select(conversations.c.owner).where(conversations.c.id == conversation_id)
        )
        return owner


def _name(day: date, kind: str) -> str:
    return f"used {day.isoformat()} {kind}"
