"""Reviews that end without a person: one becomes `expired` when it, its run or the queue is next read, or is superseded
by a plan with newer facts."""

from typing import Literal

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
            _end(connection, number, "expired")

    if await database.read(lambda connection: connection.scalar(due.limit(1))) is not None:
        await database.write(expire_due)


def supersede(connection: Connection, number: int, newer: Proposal) -> Proposal:
    """Close a review because the facts have changed. The newer proposal takes up the count of its versions."""
    replaced = _end(connection, number, "superseded", decision_reason=_why_superseded(newer))
    taken_up = sa.update(proposals).where(proposals.c.run_id == newer.run_id)
    taken_up = taken_up.values(supersedes=number, version=replaced.version + 1)
    return proposal_from(connection.execute(taken_up.returning(*proposals.c)).mappings().one())


def _why_superseded(newer: Proposal) -> str:
    if newer.status == "no_action":
        return f"The facts have changed, and nothing is to be ordered any more. {newer.plan.reason}"
    if newer.status == "proposed":
        return "The facts have changed, and the new plan went on without a person."
    return f"The facts have changed; {newer.id} shows the new plan."


def _end(connection: Connection, number: int, status: Literal["expired", "superseded"], **more: str) -> Proposal:
    change = sa.update(proposals).where(proposals.c.number == number).values(status=status, decided_at=Now(), **more)
    proposal = proposal_from(connection.execute(change.returning(*proposals.c)).mappings().one())
    finish_run(connection, proposal.run_id, status)
    announce(connection, f"review.{status}", proposal)
    record(connection, f"review.{status}", proposal, by=SERVICE)
    return proposal


def announce(connection: Connection, event: str, proposal: Proposal, **more: str) -> None:
    """Send an event about a review: what, from whom, at what price and why, without the plan."""
    names = {
        "id",
        "run_id",
        "status",
        "version",
        "action",
        "product_id",
        "product_name",
        "location",
        "mode",
        "quantity",
    }
    names |= {"supplier_id", "supplier_name", "unit_price", "currency"}
    names |= {"expires_at", "decided_at", "decided_by", "decision_reason", "review_reasons"}
    payload = proposal.model_dump(mode="json", include=names) | more
    send(connection, event, proposal.run_id, payload)
