"""Where a run's facts come from: the catalogue of its mode, or the request itself."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import lru_cache

from agent.state import DecisionRequest
from tools.catalog.sources import Catalog, InlineCatalog, require_visible_ids
from tools.planning.replenishment import plan, require_plannable
from tools.records.errors import InvalidInput, RestockError
from tools.records.facts import Mode, ProductFacts, WhatIf
from tools.records.plan import Plan

REMEMBERED_PLANS = 1_000
REMEMBERED_BULKY_PLANS = 32
BULKY = 600
"""Numbers from which facts that a caller sends are bulky: such a plan takes up to 2 MB."""


class ModeUnavailable(InvalidInput):
    code = "mode_unavailable"


class StockDesk:
    """Looks up and calculates for one request. Every number that decides anything comes through here."""

    def __init__(self, catalogs: Mapping[Mode, Catalog]) -> None:
        self._catalogs = catalogs

    def catalog(self, request: DecisionRequest) -> Catalog:
        if request.facts is not None:
            return (_inline_bulky if _is_bulky(request.facts) else _inline)(request.facts)
        try:
            return self._catalogs[request.mode]
        except KeyError:
            offered = ", ".join(["input", *self._catalogs])
            raise ModeUnavailable(f"Mode {request.mode!r} is not available here; use one of: {offered}.") from None

    async def family(self, request: DecisionRequest) -> tuple[ProductFacts, ...]:
        """The product where it is asked for, and behind it the same at other locations."""
        facts, *siblings = await self.catalog(request).family(request.product_id, request.location)
        if request.service_level is not None:
            product = facts.product.model_copy(update={"service_level": request.service_level})
            facts = facts.model_copy(update={"product": product})
        return (facts, *siblings)

    async def place(self, request: DecisionRequest) -> str:
        """Where the product is wanted. Raises what its plan would; facts that come with the request are only checked,
        for a plan takes longer than all else that is done to take a request in."""
        if request.facts is None:
            return (await self.plan(request)).location
        require_visible_ids(request.facts)
        require_plannable(request.facts)
        return request.facts.stock.location

    async def plan_ahead(self, request: DecisionRequest) -> None:
        """Calculate what the model will ask for, while it thinks; the plan is remembered. Where there is none, the step
        that asks will say so. A catalogue's product has been planned when it was taken in."""
        with suppress(RestockError):
            if request.facts is not None:
                await self.plan(request)

    async def plan(self, request: DecisionRequest, what_if: WhatIf | None = None) -> Plan:
        return plan_for(await self.family(request), what_if)


def plan_for(family: Sequence[ProductFacts], what_if: WhatIf | None = None) -> Plan:
    """The plan for the first of a family. The calculator is pure, so the same facts are calculated once."""
    plan_once = _plan_bulky_once if _is_bulky(family[0]) else _plan_once
    return plan_once(tuple(family), what_if or WhatIf())


def _is_bulky(facts: ProductFacts) -> bool:
    records = (*facts.stock.open_orders, *facts.product.price_breaks)
    return len(facts.demand.values) + len(facts.supplier.observed_lead_times_days) + 10 * len(records) > BULKY


# Every step of a run looks the same facts up, and cleaning their texts takes as long as half a plan.
_inline = lru_cache(maxsize=REMEMBERED_PLANS)(InlineCatalog)
_inline_bulky = lru_cache(maxsize=REMEMBERED_BULKY_PLANS)(InlineCatalog)


def _plan(family: tuple[ProductFacts, ...], what_if: WhatIf) -> Plan:
    return plan(family[0], what_if=what_if, siblings=family[1:])


_plan_once = lru_cache(maxsize=REMEMBERED_PLANS)(_plan)
_plan_bulky_once = lru_cache(maxsize=REMEMBERED_BULKY_PLANS)(_plan)
