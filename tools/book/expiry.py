"""Expired reviews. One becomes `expired` when it, its run or the queue is next read."""

import sqlalchemy as sa
from sqlalchemy import Connection

from tools.book.audit import SERVICE
from tools.book.placing import finish_run, record, send
from tools.book.rows import proposal_from
from tools.records.orders import Proposal
from tools.storage.database import Database
from tools.storage.schema import proposals
from tools.storage.types import Now, as_indexed

_EXPIRY_LIMIT = 500
_OVER = sa.and_(as_indexed("proposals.status = 'pending'"), proposals.c.expires_at <= Now())


async def expire_reviews(database: Database) -> None:
    """Mark reviews whose time is over as expired, at most 500."""
    due = sa.select(proposals.c.number).where(_OVER).order_by(proposals.c.number).limit(_EXPIRY_LIMIT)

    def expire_due(connection: Connection) -> None:
        for number in connection.scalars(due.with_for_update(skip_locked=True)).all():
            _expire(connection, number)

    if await database.read(lambda connection: connection.scalar(due.limit(1))) is not None:
        await database.write(expire_due)


def _expire(connection: Connection, number: int) -> None:
    change = sa.update(proposals).where(proposals.c.number == number).values(status="expired", decided_at=Now())
    proposal = proposal_from(connection.execute(change.returning(*proposals.c)).mappings().one())
    finish_run(connection, proposal.run_id, "expired")
    announce(connection, "review.expired", proposal)
    record(connection, "review.expired", proposal, by=SERVICE)


def announce(connection: Connection, event: str, proposal: Proposal, **more: str) -> None:
    """Send an event about a review: its id and outcome, without the plan."""
    names = {"id", "run_id", "status", "version", "action", "product_id", "location", "mode", "quantity"}
    names |= {"expires_at", "decided_at", "decided_by", "decision_reason", "review_reasons"}
    payload = proposal.model_dump(mode="json", include=names) | more
    send(connection, event, proposal.run_id, payload)
