"""The model's way to ask for a decision, from a chat."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from pydantic import Field

from tools.catalog.products import Location, ProductId
from tools.records.orders import RunView

Begin = Callable[[str, str | None, str], Awaitable[tuple[RunView, str | None]]]
"""Begins a run for a product, a location and a note. Returns the result and the address of its review."""


async def request_restock(
    begin: Begin,
    product_id: ProductId,
    location: Location = None,
    note: Annotated[str, Field(max_length=2_000, description="What the planner said about it.")] = "",
) -> dict[str, Any]:
    """Ask for a restocking decision on one product. It always waits for a person; nothing is ordered here."""
    view, review_url = await begin(product_id, location, note)
    proposal = view.proposal
    return {
        "run_id": view.run.id,
        "status": view.run.status,
        "order_number": view.order.number if view.order else None,
        "review_id": proposal.id if proposal and review_url else None,
        "review_url": review_url,
        "quantity": proposal.quantity if proposal else None,
        "reason": proposal.plan.reason if proposal else None,
    }
