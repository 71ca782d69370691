"""The model's last word in a decision."""

from typing import Annotated, Any

from pydantic import Field

from tools.catalog.products import ProductId, Products
from tools.records.errors import InvalidInput
from tools.records.plan import Action


async def submit_order(
    products: Products,
    *,
    product_id: ProductId,
    action: Annotated[Action, Field(description="As calculated, or none.")],
    quantity: Annotated[int, Field(ge=0, description="Whole units; 0 for none.")],
    rationale: Annotated[str, Field(max_length=4_000, description="One or two sentences for the planner.")],
    concerns: Annotated[
        list[str],
        Field(
            default_factory=list,
            max_length=20,
            description="Only what a person must see before ordering; usually empty.",
        ),
    ],
    confidence: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False, description="Your confidence, 0 to 1.")],
) -> dict[str, Any]:
    """Submit your decision, alone and last. Code checks it against the calculation."""
    # A submission that stands alone ends the model's turn and is checked by the graph; this is one among others.
    raise InvalidInput("Call submit_order alone, once the results of the other tools are in.")
