"""The model's search through orders that wait for a person, or did."""

from collections.abc import Sequence
from datetime import UTC, datetime, tzinfo
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import Field

from tools.asking.fields import Figure, Limit, Name, Words
from tools.asking.overview import Overview
from tools.asking.periods import Day, Period
from tools.asking.totals import groups_of, money_of, short, within
from tools.book.filters import REVIEW_WAITS
from tools.book.reviews import ReviewRow
from tools.records.quantities import quantity

Status = Literal["pending", "approved", "rejected", "expired", "superseded", "any"]


async def find_reviews(
    overview: Overview,
    words: Words = "",
    supplier: Name = None,
    product_id: Name = None,
    location: Name = None,
    status: Annotated[Status, Field(description="pending: waits for a person.")] = "pending",
    decided_by: Name = None,
    period: Period = None,
    since: Day = None,
    until: Day = None,
    late: Annotated[bool | None, Field(description="Only those that have waited for over a day.")] = None,
    value_at_least: Figure = None,
    value_at_most: Figure = None,
    group_by: Literal["supplier", "product_id", "location", "status", "decided_by"] | None = None,
    limit: Limit = 20,
) -> dict[str, Any]:
    """Search reviews: orders that wait for a person, with why in words, and those that were decided, by whom. Days are
    those of the decision, or of the opening while none is made. Nobody can decide from here."""
    zone, days = await overview.zone(), await overview.days(period, since, until)
    every = await overview.book.reviews.rows(None if status == "any" else status)
    supplier = await overview.supplier(supplier, map(_supplier, every))
    location = await overview.location(location, (row.location for row in every))
    named, about = await overview.worded(words, every, _names)
    same = {"product_id": product_id, "location": location, "decided_by": decided_by}
    fitting = [
        row
        for row in named
        if days.holds((row.decided_at or row.created_at).astimezone(zone).date())
        and supplier in (None, _supplier(row)[0])
        and (late is None or late == _is_late(row))
        and within(_value(row), value_at_least, value_at_most)
        and all(
            asked is None or (getattr(row, name) or "").casefold() == asked.casefold() for name, asked in same.items()
        )
    ]
    answer = {**days.shown(), **about, "totals": _totals(fitting)}
    if group_by is not None:
        column = {"supplier": "supplier_name"}.get(group_by, group_by)
        return answer | groups_of(fitting, group_by, lambda row: getattr(row, column), _totals)
    return answer | {"reviews": [_shown(row, zone) for row in fitting[:limit]]}


def _names(row: ReviewRow) -> tuple[str, ...]:
    return row.id, row.product_id, row.product_name, row.location, row.supplier_id or "", row.supplier_name or ""


def _supplier(row: ReviewRow) -> tuple[str, str]:
    return row.supplier_id or row.supplier_name or "", row.supplier_name or ""


def _value(row: ReviewRow) -> Decimal | None:
    return None if row.unit_price is None else row.unit_price * Decimal(row.quantity)


def _is_late(row: ReviewRow) -> bool:
    return row.status == "pending" and datetime.now(UTC) - row.created_at > REVIEW_WAITS


def _totals(rows: Sequence[ReviewRow]) -> dict[str, Any]:
    late = sum(map(_is_late, rows))
    return {
        "reviews": len(rows),
        **({"waiting_over_a_day": late} if late else {}),
        "value": money_of(rows, lambda row: (_value(row), row.currency)),
    }


def _shown(row: ReviewRow, zone: tzinfo) -> dict[str, Any]:
    value = _value(row)
    return short(
        {
            "review_id": row.id,
            "product_id": row.product_id,
            "location": row.location,
            "supplier": row.supplier_name,
            "action": row.action,
            "quantity": quantity(row.quantity),
            "value": None if value is None else round(float(value), 2),
            "currency": row.currency,
            "confidence": round(row.confidence["value"], 4),
            "status": row.status,
            "opened": row.created_at.astimezone(zone).date().isoformat(),
            "reasons": row.review_reasons,
            "requested_by": row.requested_by,
            "decided": row.decided_at and row.decided_at.astimezone(zone).date().isoformat(),
            "decided_by": row.decided_by,
            "decision_reason": row.decision_reason,
        }
    )
