"""The model's submission in a decision."""

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
    quantity: Annotated[float, Field(ge=0, allow_inf_nan=False, description="Units, as calculated; 0 for none.")],
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
    # The graph checks a submission that comes alone. One among other calls ends up here.
    raise InvalidInput("Call submit_order alone, after the results of the other tools.")
