"""The model's calculator: what to order of one product, as it is or with assumptions."""

from math import ceil
from operator import attrgetter
from typing import Annotated, Any

from pydantic import Field

from tools.catalog.products import Location, ProductId, Products, number, numbers
from tools.planning.confidence import assess, chance_to_last, why_unsure
from tools.planning.gate import check_quantity
from tools.planning.order_quantity import unit_price_at
from tools.records.facts import WhatIf
from tools.records.plan import Plan
from tools.records.quantities import cost

QUANTITIES = ("order_quantity", "minimum_quantity", "maximum_quantity")
"""What may be submitted, to the last digit."""
FIGURES = (
    "reorder_point",
    "safety_stock",
    "order_up_to_level",
    "on_hand",
    "on_order",
    "backorders",
    "inventory_position",
    "shortage",
    "days_until_stockout",
    "mean_per_day",
    "lead_time_days",
    "review_period_days",
    "service_level",
)


async def calculate_reorder(
    products: Products,
    product_id: ProductId,
    location: Location = None,
    service_level: Annotated[
        float | None, Field(gt=0, le=0.999, allow_inf_nan=False, description="What-if only: 0.5 to 0.999.")
    ] = None,
    lead_time_days: Annotated[
        float | None, Field(ge=0, le=3650, allow_inf_nan=False, description="What-if only: days, 0 to 3650.")
    ] = None,
    demand_uplift: Annotated[
        float | None, Field(gt=0, le=100, allow_inf_nan=False, description="What-if only: 1.2 is 20 % more demand.")
    ] = None,
    days_late: Annotated[
        float | None, Field(ge=0, le=3650, allow_inf_nan=False, description="What-if only: supplier so much later.")
    ] = None,
    review_period_days: Annotated[
        float | None, Field(ge=0, le=3650, allow_inf_nan=False, description="What-if only: days between two looks.")
    ] = None,
    on_hand: Annotated[
        float | None, Field(ge=0, allow_inf_nan=False, description="What-if only: units in stock.")
    ] = None,
    quantity: Annotated[
        float | None, Field(gt=0, le=10**12, allow_inf_nan=False, description="What-if only: order so many units.")
    ] = None,
) -> dict[str, Any]:
    """Calculate whether and how much to reorder, with the reason. `if_ordered` says what becomes of `quantity`."""
    what_if = WhatIf(
        service_level=service_level,
        lead_time_days=lead_time_days,
        demand_uplift=1.0 if demand_uplift is None else demand_uplift,
        days_late=days_late,
        review_period_days=review_period_days,
        on_hand=on_hand,
    )
    plan = await products.plan(product_id, location, what_if)
    confidence = assess(plan, plan.order_quantity, table=products.calibration).value
    return {
        "product_id": plan.product_id,
        "location": plan.location,
        "assumptions": what_if.model_dump(exclude_defaults=True),
        **({} if quantity is None else {"if_ordered": _if_ordered(plan, quantity, products)}),
        "recommended_action": plan.recommended_action,
        **dict(zip(QUANTITIES, attrgetter(*QUANTITIES)(plan), strict=True)),
        **dict(zip(FIGURES, numbers(attrgetter(*FIGURES)(plan)), strict=True)),
        "method": plan.method,
        "demand_class": plan.demand_class,
        "confidence": ceil(confidence * 10_000) / 10_000,
        "unit_price": None if plan.unit_price is None else float(plan.unit_price),
        "order_value": None if plan.order_value is None else float(plan.order_value),
        "currency": plan.currency,
        "transfer": plan.transfer.model_dump() if plan.transfer else None,
        "reason": plan.reason,
        "derivation": list(plan.derivation),
        "warnings": list(map(attrgetter("message"), plan.notices)),
    }


def _if_ordered(plan: Plan, quantity: float, products: Products) -> dict[str, Any]:
    """What becomes of so many units in place of the calculated ones."""
    confidence = assess(plan, quantity, table=products.calibration)
    price = unit_price_at(quantity, unit_price=plan.unit_price, price_breaks=plan.price_tiers)
    position = plan.inventory_position + quantity
    figures = {
        "quantity": quantity,
        "inventory_position_after": position,
        "days_it_lasts": quantity / plan.mean_per_day if plan.mean_per_day else None,
        "missing_to_reorder_point": max(0.0, plan.reorder_point - position),
        "order_value": None if price is None else float(cost(price, quantity)),
        "chance_to_last_until_the_next_delivery": chance_to_last(plan, quantity),
        "confidence": confidence.value,
    }
    told = {name: number(value) for name, value in figures.items()}
    return told | {"why_unsure": why_unsure(plan, quantity, confidence), "objection": check_quantity(plan, quantity)}
