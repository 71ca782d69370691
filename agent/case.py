"""What a run of the graph is about. Whoever carries it out builds it once, and LangGraph's runtime context hands it to
every step and tool. It is never stored. What no model may decide (who asks, for what, until when) stands here."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from agent.state import DecisionRequest
from tools.catalog.products import Family, OneProduct
from tools.catalog.sources import Catalog
from tools.planning.confidence import CalibrationTable
from tools.records.errors import InvalidInput
from tools.records.facts import Mode
from tools.records.orders import NewProposal
from tools.records.text import clean_facts


class ModeUnavailable(InvalidInput):
    code = "mode_unavailable"


@dataclass(kw_only=True, repr=False)
class Case:
    """A message of a chat, or a run begun without any context of ours."""

    requested_by: str = ""
    requested_by_id: str = ""
    """The key that asks, by its id."""
    deadline: float | None = None
    """When the run must have ended, in seconds since the epoch."""
    begun: list[str] = field(default_factory=list)
    """The decision runs that a chat has asked for."""


@dataclass(kw_only=True, repr=False)
class Decision(Case):
    """A decision on one product."""

    request: DecisionRequest
    product: OneProduct
    run_id: str = ""
    owner: str | None = None
    """Who holds the run, and alone may propose and place for it."""
    proposal: NewProposal | None = None
    """What is to be placed automatically, on its way from the check to the order book."""


class Catalogs:
    """Where a decision's facts come from: the catalogue of its mode, or the request itself."""

    def __init__(self, catalogs: Mapping[Mode, Catalog], calibration: CalibrationTable | None = None) -> None:
        self._catalogs, self._calibration = catalogs, calibration

    async def open(self, request: DecisionRequest) -> Decision:
        """Look the product up. Raises what its catalogue does, and InvalidInput for facts that cannot be used."""
        facts, *siblings = await self._family(request)
        location = facts.stock.location
        if request.service_level is not None:
            product = facts.product.model_copy(update={"service_level": request.service_level})
            facts = facts.model_copy(update={"product": product})
        return Decision(
            request=request.model_copy(update={"location": location}),
            product=OneProduct(facts, siblings, self._calibration),
        )

    async def _family(self, request: DecisionRequest) -> Family:
        if request.facts is None:
            return await self._catalog(request.mode).family(request.product_id, request.location)
        facts = clean_facts(request.facts)
        if (request.product_id, request.location or facts.stock.location) != (facts.product.id, facts.stock.location):
            raise InvalidInput(f"The facts sent are those of {facts.product.id} at {facts.stock.location}.")
        return (facts,)

    def _catalog(self, mode: Mode) -> Catalog:
        try:
            return self._catalogs[mode]
        except KeyError:
            offered = ", ".join(["input", *self._catalogs])
            raise ModeUnavailable(f"Mode {mode!r} is not available here; use one of: {offered}.") from None
