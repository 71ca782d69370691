"""The context of a run: who asks, for which product, until when.

It is built once for a run, and LangGraph's runtime context hands it to every step and tool. It is never stored, and no
model can change it.
"""

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
    """A chat message, or a run in LangGraph Studio."""

    requested_by: str = ""
    requested_by_id: str = ""
    """Id of the key that asks."""
    deadline: float | None = None
    """When the run must have ended, in seconds since the epoch."""
    begun: list[str] = field(default_factory=list)
    """Decision runs that the chat asked for."""


@dataclass(kw_only=True, repr=False)
class Decision(Case):
    """A decision on one product."""

    request: DecisionRequest
    product: OneProduct
    run_id: str = ""
    owner: str | None = None
    """The process that holds the run. No other may propose or place for it."""
    proposal: NewProposal | None = None
    """What `assess` hands on to `auto` to be placed."""


class Catalogs:
    """The catalogues by mode. In mode `input` the request itself has the facts."""

    def __init__(self, catalogs: Mapping[Mode, Catalog], calibration: CalibrationTable | None = None) -> None:
        self._catalogs, self._calibration = catalogs, calibration

    async def open(self, request: DecisionRequest) -> Decision:
        """Look up the product. Raises what its catalogue raises, and InvalidInput for facts that cannot be used."""
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
            raise InvalidInput(
                f"The facts are of {facts.product.id} at {facts.stock.location}; ask about that product and location."
            )
        return (facts,)

    def _catalog(self, mode: Mode) -> Catalog:
        try:
            return self._catalogs[mode]
        except KeyError:
            offered = ", ".join(["input", *self._catalogs])
            raise ModeUnavailable(f"Mode {mode!r} is not available here; use one of: {offered}.") from None
