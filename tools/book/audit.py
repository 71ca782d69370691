"""The audit trail: who did what, when, on which version and figures. The tables refuse to change it."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from pydantic import AwareDatetime
from sqlalchemy import Connection, RowMapping

from tools.book.rows import page_size, review_id, review_number
from tools.records.facts import Record
from tools.storage.database import Store, reads
from tools.storage.schema import audit, orders, proposals


class Actor(Record):
    """Who acts: a key by id and name, or a part of the service by its name."""

    name: str
    id: str = ""


SERVICE = Actor(name="service")
AUTOMATIC = Actor(name="automatic")
NEWEST = 1_000
"""Entries whose numbers are added up to a version: more than transactions at once can store."""

MOST_ENTRIES = 5_000


class AuditEntry(Record):
    """One thing that was done."""

    sequence: int
    """Number of the entry; later ones are larger."""
    at: AwareDatetime
    """When it was done."""
    actor: str
    """Who did it: a key's name, or a part of the service."""
    actor_id: str
    """Id of the key; empty for a part of the service."""
    event: str
    """What was done."""
    run_id: str | None
    """The run concerned, if any."""
    review_id: str | None
    """The review concerned, if any."""
    review_version: int | None
    """The review's version at that moment."""
    order_number: str | None
    """The order concerned, if any."""
    figures: dict[str, Any]
    """The figures it was based on, as they were then."""


class AuditStore(Store):
    @reads
    def version(self, connection: Connection) -> str:
        """Changes whenever something was done. On PostgreSQL a number may be stored after a larger one, so that the
        largest alone would not tell."""
        newest = sa.select(audit.c.sequence).order_by(audit.c.sequence.desc()).limit(NEWEST).subquery()
        query = sa.select(sa.func.coalesce(sa.func.max(newest.c.sequence), 0), sa.func.sum(newest.c.sequence))
        largest, total = connection.execute(query).one()
        return f"{largest}-{total or 0}"

    @reads
    def between(
        self, connection: Connection, since: datetime | None, until: datetime | None, kinds: Collection[str]
    ) -> list[AuditEntry]:
        """Entries from the first moment to before the last, newest first, at most 5,000. `kinds` are what events begin
        with: `order` for `order.placed`."""
        query = sa.select(audit).where(sa.or_(*(audit.c.event.startswith(f"{kind}.") for kind in kinds)))
        if since is not None:
            query = query.where(audit.c.at >= since)
        if until is not None:
            query = query.where(audit.c.at < until)
        query = query.order_by(audit.c.sequence.desc()).limit(MOST_ENTRIES)
        return [_entry(row) for row in connection.execute(query).mappings()]

    @reads
    def page(
        self,
        connection: Connection,
        limit: int = 50,
        before: int | None = None,
        *,
        run_id: str | None = None,
        runs: Collection[str] | None = None,
        order_number: str | None = None,
        review: str | None = None,
        actor: str | None = None,
    ) -> list[AuditEntry]:
        """A page of entries, newest first, at most 200. `before` is the last sequence of the page before. `actor` is a
        name or a key's id; `runs` are the ids of several. For an order or a review all entries of its run are listed.
        Raises UnknownReview for what is no id."""
        query = sa.select(audit).order_by(audit.c.sequence.desc()).limit(page_size(limit))
        if before is not None:
            query = query.where(audit.c.sequence < before)
        if run_id is not None:
            query = query.where(audit.c.run_id == run_id)
        if runs is not None:
            query = query.where(audit.c.run_id.in_(runs))
        if order_number is not None:
            query = query.where(audit.c.run_id.in_(sa.select(orders.c.run_id).where(orders.c.number == order_number)))
        if review is not None:
            number = review_number(review)
            query = query.where(audit.c.run_id.in_(sa.select(proposals.c.run_id).where(proposals.c.number == number)))
        if actor is not None:
            query = query.where((audit.c.actor == actor) | (audit.c.actor_id == actor))
        return [_entry(row) for row in connection.execute(query).mappings()]


def _entry(row: RowMapping) -> AuditEntry:
    values = {name: row[name] for name in AuditEntry.model_fields if name in row}
    number = row["proposal_number"]
    return AuditEntry(
        **values, review_id=None if number is None else review_id(number), review_version=row["proposal_version"]
    )
