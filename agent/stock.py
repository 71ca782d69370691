"""Where a run's facts come from: the catalogue of its mode, or the request itself."""

from collections.abc import Mapping

from agent.state import DecisionRequest
from tools.catalog import Catalog, InlineCatalog
from tools.errors import InvalidInput
from tools.models import Mode, Plan, ProductFacts, WhatIf
from tools.replenishment import plan


class ModeUnavailable(InvalidInput):
    code = "mode_unavailable"


class StockDesk:
    """Looks up and calculates for one request. Every number that decides anything comes through here."""

    def __init__(self, catalogs: Mapping[Mode, Catalog]) -> None:
        self._catalogs = catalogs

    def catalog(self, request: DecisionRequest) -> Catalog:
        if request.facts is not None:
            return InlineCatalog(request.facts)
        try:
            return self._catalogs[request.mode]
        except KeyError:
            offered = ", ".join(["input", *self._catalogs])
            raise ModeUnavailable(f"Mode {request.mode!r} is not available here; use one of: {offered}.") from None

    async def facts(self, request: DecisionRequest) -> ProductFacts:
        facts = await self.catalog(request).facts(request.product_id, request.location)
        if request.service_level is None:
            return facts
        product = facts.product.model_copy(update={"service_level": request.service_level})
        return facts.model_copy(update={"product": product})

    async def plan(self, request: DecisionRequest, what_if: WhatIf | None = None) -> Plan:
        facts = await self.facts(request)
        siblings = await self.catalog(request).siblings(facts.product.id, facts.stock.location)
        return plan(facts, what_if=what_if or WhatIf(), siblings=siblings)
