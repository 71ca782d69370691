"""What models used in a day, over all processes and restarts."""

from collections.abc import Mapping
from datetime import date

import sqlalchemy as sa
from sqlalchemy import Connection

from tools.storage.database import Store, conflict_insert, reads, writes
from tools.storage.schema import counters


class UsageStore(Store):
    """Sums by day and kind, stored as counters."""

    async def add(self, day: date, used: Mapping[str, int]) -> dict[str, int]:
        """Add these amounts to the day's sums, and return the new sums."""
        if any(used.values()):
            await self._add(day, used)
        return await self.of_day(day)

    @writes
    def _add(self, connection: Connection, day: date, used: Mapping[str, int]) -> None:
        # Always in the same order, so that processes that add at once do not deadlock.
        for kind in sorted(used):
            insert = conflict_insert(counters).values(name=_name(day, kind), value=used[kind])
            more = {"value": counters.c.value + used[kind]}
            connection.execute(insert.on_conflict_do_update(index_elements=["name"], set_=more))

    @reads
    def of_day(self, connection: Connection, day: date) -> dict[str, int]:
        """The day's sums by kind."""
        prefix = _name(day, "")
        query = sa.select(counters.c.name, counters.c.value).where(counters.c.name.startswith(prefix, autoescape=True))
        return {name.removeprefix(prefix): value for name, value in connection.execute(query)}


def _name(day: date, kind: str) -> str:
    return f"used {day.isoformat()} {kind}"
