"""What all processes together have used up in a day, so that a day's budget holds across processes and restarts."""

from collections.abc import Mapping
from datetime import date
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from tools.storage.database import Store, conflict_insert
from tools.storage.schema import counters


class UsageStore(Store):
    """Sums by day and kind, kept among the counters."""

    async def add_usage(self, day: date, used: Mapping[str, int]) -> dict[str, int]:
        """Add these amounts to the day's sums, and return all sums of the day as they are then."""
        if any(used.values()):
            async with self._writing() as connection:
                # In one order: processes that add to the same sums at once wait for each other and do not deadlock.
                for kind in sorted(used):
                    await _add(connection, _name(day, kind), used[kind])
        return await self.usage(day)

    async def usage(self, day: date) -> dict[str, int]:
        """The day's sums by kind; nothing where nothing was used."""
        prefix = _name(day, "")
        query = sa.select(counters.c.name, counters.c.value).where(counters.c.name.startswith(prefix, autoescape=True))
        async with self._reading() as connection:
            return {name.removeprefix(prefix): value for name, value in await connection.execute(query)}


async def _add(connection: AsyncConnection, name: str, amount: int) -> None:
    insert: Any = conflict_insert(connection, counters).values(name=name, value=amount)
    await connection.execute(
        insert.on_conflict_do_update(index_elements=["name"], set_={"value": counters.c.value + amount})
    )


def _name(day: date, kind: str) -> str:
    return f"used {day.isoformat()} {kind}"
