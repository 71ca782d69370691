"""The model's look at one review."""

from typing import Annotated, Any

from pydantic import Field

from tools.asking.overview import Overview
from tools.asking.totals import short
from tools.book.placing import order_value
from tools.planning.confidence import why_unsure

ReviewId = Annotated[str, Field(min_length=1, max_length=40, description="As RV-000123.")]


async def get_review(overview: Overview, review_id: ReviewId) -> dict[str, Any]:
    """Look up one review: what waits for a person and why, what may be ordered instead, and what was decided. Nobody
    can decide from here."""
    proposal, zone = await overview.book.reviews.get(review_id.strip().upper()), await overview.zone()
    plan, value = proposal.plan, order_value(proposal, proposal.quantity)
    moments = {"opened": proposal.created_at, "expires": proposal.expires_at, "decided": proposal.decided_at}
    named = ("status", "product_id", "product_name", "location", "action", "source_location", "supplier_name")
    return {"review_id": proposal.id} | short(
        {name: getattr(proposal, name) for name in named}
        | {
            "quantity": proposal.quantity,
            "calculated_quantity": plan.order_quantity,
            "minimum_quantity": plan.minimum_quantity,
            "maximum_quantity": plan.maximum_quantity,
            "value": None if value is None else round(float(value), 2),
            "currency": proposal.currency,
            "confidence": round(proposal.confidence.value, 4),
            "why_unsure": why_unsure(plan, proposal.quantity, proposal.confidence),
            "reasons": proposal.review_reasons,
            "reason": plan.reason,
            "model_text_not_verified": [proposal.rationale, *proposal.concerns] if proposal.rationale else None,
            "provider": proposal.provider,
            "requested_by": proposal.requested_by,
            "decided_by": proposal.decided_by,
            "decision_reason": proposal.decision_reason,
        }
        | {name: at and at.astimezone(zone).date().isoformat() for name, at in moments.items()}
    )
