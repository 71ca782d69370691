"""Reviews whose time is over. One becomes `expired` when somebody next looks at it, at its run or at the queue."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from tools.book.audit import SERVICE
from tools.book.placing import finish_run, record, send
from tools.book.rows import Row, by_column, is_overdue, proposal_from
from tools.records.orders import Proposal
from tools.storage.database import Store
from tools.storage.schema import Now, proposals

_EXPIRY_LIMIT = 500


class ExpiringStore(Store):
    """A store that looks at reviews and notices when their time is over."""

    async def _present(self, query: sa.Select[Any], **values: Any) -> Row | None:
        """The query's first row; where its review's time is over, as it is once that has been noticed."""
        row = await self._first(query, values)
        if row is not None and is_overdue(row):
            await self._expire_reviews()
            row = await self._first(query, values)
        return row

    async def _first(self, query: sa.Select[Any], values: dict[str, Any]) -> Row | None:
        row = await self._look_up(query, values)
        return None if row is None else by_column(query, row)

    async def _expire_reviews(self) -> None:
        over = sa.and_(sa.literal_column("proposals.status = 'pending'"), proposals.c.expires_at <= Now())
        async with self._reading() as connection:
            if await connection.scalar(sa.select(proposals.c.number).where(over).limit(1)) is None:
                return
        due = sa.select(proposals.c.number).where(over).order_by(proposals.c.number).limit(_EXPIRY_LIMIT)
        async with self._writing() as connection:
            numbers = (await connection.scalars(due.with_for_update(skip_locked=True))).all()
            for number in numbers:
                await _expire(connection, number)


async def _expire(connection: AsyncConnection, number: int) -> None:
    mine = proposals.c.number == number
    change = sa.update(proposals).where(mine).values(status="expired", decided_at=Now())
    proposal = proposal_from((await connection.execute(change.returning(*proposals.c))).mappings().one())
    await finish_run(connection, proposal.run_id, "expired")
    await announce(connection, "review.expired", proposal)
    await record(connection, "review.expired", proposal, by=SERVICE)


async def announce(connection: AsyncConnection, event: str, proposal: Proposal, **more: str) -> None:
    """Tell outside systems about a review: its identity and outcome, without the plan."""
    names = {"id", "run_id", "status", "version", "action", "product_id", "location", "mode", "quantity"}
    names |= {"expires_at", "decided_at", "decided_by", "decision_reason", "review_reasons"}
    payload = proposal.model_dump(mode="json", include=names) | more
    await send(connection, event, proposal.run_id, payload)
