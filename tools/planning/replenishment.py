"""The calculator: one product at one location in, one plan out.

Order up to the level that covers demand until the next delivery in the asked share of cases. The product's own past
forecast errors tell where that level is. Pure: the same facts give the same plan.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from tools.planning.demand import enough_demand
from tools.planning.lead_time import lead_time
from tools.planning.plan_record import write_plan
from tools.planning.target import product_cost_target
from tools.planning.working import Working, refuse_uncountable, work_out
from tools.records.errors import InvalidInput
from tools.records.facts import ProductFacts, WhatIf
from tools.records.plan import Plan, Transfer

AS_THINGS_ARE = WhatIf()


def plan(
    facts: ProductFacts,
    *,
    what_if: WhatIf = AS_THINGS_ARE,
    siblings: Sequence[ProductFacts] = (),
    asked_service_level: float | None = None,
) -> Plan:
    """What to order now, how much and why.

    `siblings` are the same product at other locations. One that can give the whole need is asked for a transfer first,
    if its stock on hand and its inventory position both stay above its own reorder point. `asked_service_level` is the
    service to ask for in order to get the product's own (`tools.lookback.pooled_service`). Raises `InvalidDemand` when
    fewer than three demand periods are known. Raises `InvalidInput` when the facts contradict the target or are beyond
    what can be counted.
    """
    working = work_out(facts, what_if, asked_service_level)
    return write_plan(working, _find_transfer(working, siblings) if working.triggered else None)


def require_plannable(facts: ProductFacts) -> None:
    """Raise what `plan` would for these facts alone, without planning."""
    product, lead = facts.product, lead_time(facts.supplier)
    refuse_uncountable(facts, lead)
    enough_demand(facts.demand)
    if product.service_type == "cost":
        product_cost_target(product, lead.days + product.review_period_days)


def _find_transfer(working: Working, siblings: Sequence[ProductFacts]) -> Transfer | None:
    """The location that can give the whole need and has most to spare."""
    quantity = working.needed_units
    offers = [_spare(sibling) for sibling in siblings]
    able = [offer for offer in offers if offer is not None and offer.spare > quantity]
    if not able:
        return None
    giver = max(able, key=lambda offer: offer.spare)
    return Transfer(
        source_location=giver.location,
        quantity=quantity,
        source_on_hand=giver.on_hand,
        source_reorder_point=giver.reorder_point,
    )


@dataclass(frozen=True, slots=True)
class _Offer:
    location: str
    spare: float
    on_hand: float
    reorder_point: float


def _spare(sibling: ProductFacts) -> _Offer | None:
    """What another location holds above its own reorder point, on hand and in position; None if not known now."""
    try:
        working = work_out(sibling, AS_THINGS_ARE)
    except InvalidInput:
        return None
    if working.data_is_stale:
        return None
    on_hand = sibling.stock.on_hand
    spare = min(on_hand, working.position.units) - working.reorder_point
    return _Offer(sibling.stock.location, spare, on_hand, working.reorder_point)
