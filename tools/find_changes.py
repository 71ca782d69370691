"""The model's search through what was done: the audit trail of orders, reviews and the catalogue."""

from collections import Counter
from datetime import tzinfo
from typing import Annotated, Any, Literal, get_args

from pydantic import Field

from tools.asking.fields import Limit, Name
from tools.asking.overview import Overview
from tools.asking.periods import Day, Period
from tools.asking.totals import short
from tools.book.audit import AuditEntry

Kind = Literal["order", "review", "purchase_order", "product", "import"]
Event = Literal["order.placed", "order.sent", "order.received", "order.cancelled", "review.opened"]
KINDS: tuple[Kind, ...] = get_args(Kind)
FIGURES = ("quantity", "received", "supplier_id", "reason", "files", "until")


async def find_changes(
    overview: Overview,
    period: Period = None,
    since: Day = None,
    until: Day = None,
    kind: Annotated[Kind | None, Field(description="Only what happened to these.")] = None,
    event: Annotated[Event | None, Field(description="Or only this.")] = None,
    by: Annotated[Name, Field(description="Only what this person did, by name.")] = None,
    product_id: Name = None,
    limit: Limit = 20,
) -> dict[str, Any]:
    """What was done, newest first, and by whom: orders placed, sent, received, cancelled; reviews opened, approved,
    edited, rejected; files imported. `totals` count what was done by kind."""
    zone, days = await overview.zone(), await overview.days(period, since, until)
    first, end = await overview.moments(days)
    entries = await overview.book.audit.between(first, end, (kind,) if kind else KINDS)
    fitting = [
        entry
        for entry in entries
        if event in (None, entry.event)
        and (by is None or entry.actor.casefold() == by.casefold())
        and (product_id is None or str(entry.figures.get("product_id", "")).casefold() == product_id.casefold())
    ]
    totals = dict(Counter(entry.event for entry in fitting))
    return {**days.shown(), "totals": totals, "changes": [_shown(entry, zone) for entry in fitting[:limit]]}


def _shown(entry: AuditEntry, zone: tzinfo) -> dict[str, Any]:
    figures = {name: entry.figures.get(name) for name in ("product_id", "location", *FIGURES)}
    return short(
        {
            "at": f"{entry.at.astimezone(zone):%Y-%m-%d %H:%M}",
            "by": entry.actor,
            "event": entry.event,
            "order_number": entry.order_number,
            "review_id": entry.review_id,
        }
        | figures
    )
