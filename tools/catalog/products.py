"""What the model's tools see: every product of a catalogue, or the one product of a decision."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Annotated, Protocol

from pydantic import Field

from tools.book.book import OrderBook
from tools.catalog.live import with_own_orders
from tools.catalog.present import PresentCatalog
from tools.catalog.sources import Catalog
from tools.planning.confidence import CalibrationTable
from tools.planning.replenishment import plan
from tools.records.errors import InvalidInput
from tools.records.facts import AS_THINGS_ARE, Mode, OpenOrder, ProductFacts, WhatIf
from tools.records.plan import Plan

ProductId = Annotated[str, Field(min_length=1, max_length=100, description="As given.")]
Location = Annotated[str | None, Field(max_length=100, description="A location's id; leave out for the usual one.")]
Family = Sequence[ProductFacts]
"""A product at the location asked for, followed by the same product at its other locations."""


class ModeUnavailable(InvalidInput):
    code = "mode_unavailable"


class Products(Protocol):
    """Products by id, with their plans."""

    calibration: CalibrationTable | None
    """Replaces the shipped table for the confidence in a plan."""

    async def family(self, product_id: str, location: str | None) -> Family: ...

    async def plan(self, product_id: str, location: str | None, what_if: WhatIf) -> Plan: ...


class AllProducts:
    """Every product of the present catalogue."""

    def __init__(self, catalog: PresentCatalog, calibration: CalibrationTable | None = None) -> None:
        self._catalog, self.calibration = catalog, calibration

    async def family(self, product_id: str, location: str | None) -> Family:
        return await self._catalog.family(product_id, location)

    async def plan(self, product_id: str, location: str | None, what_if: WhatIf) -> Plan:
        return plan_of(await self.family(product_id, location), what_if)

    async def mode(self) -> Mode:
        """The mode of requests about these products."""
        return await self._catalog.mode()


@dataclass(eq=False)
class OneProduct:
    """The product of one decision, looked up and calculated once."""

    facts: ProductFacts
    siblings: Family = ()
    """The same product at its other locations."""
    calibration: CalibrationTable | None = None
    calculated: bool = False
    """Whether a tool was asked for the plan without assumptions."""

    async def family(self, product_id: str, location: str | None) -> Family:
        """The product at the run's location. Raises InvalidInput for any other product."""
        if product_id != self.facts.product.id:
            raise InvalidInput(f"This run decides on {self.facts.product.id} only.")
        return self.facts, *self.siblings

    async def plan(self, product_id: str, location: str | None, what_if: WhatIf) -> Plan:
        family = await self.family(product_id, location)
        if what_if != AS_THINGS_ARE:
            return plan_of(family, what_if)
        self.calculated = True
        return self.present_plan

    @cached_property
    def present_plan(self) -> Plan:
        """The plan without assumptions, against which a submission is checked and which a reviewer sees."""
        return plan(self.facts, siblings=self.siblings)


class Asked(Protocol):
    """A request about one product."""

    @property
    def product_id(self) -> str: ...
    @property
    def mode(self) -> Mode: ...
    @property
    def location(self) -> str | None: ...
    @property
    def facts(self) -> ProductFacts | None: ...
    @property
    def service_level(self) -> float | None: ...


class Catalogs:
    """The catalogues by mode. In mode `input` the request itself has the facts, and the book has our open orders."""

    def __init__(
        self,
        catalogs: Mapping[Mode, Catalog],
        calibration: CalibrationTable | None = None,
        *,
        book: OrderBook | None = None,
    ) -> None:
        self._catalogs, self._calibration, self._book = catalogs, calibration, book

    async def look_up(self, asked: Asked, *, never_ordered: bool = False) -> OneProduct:
        """The product with its facts, and this service's open orders counted; of one that was `never_ordered` there are
        none to look for. Raises what its catalogue raises, and InvalidInput for facts that cannot be used."""
        facts, *siblings = await self.family(asked, never_ordered=never_ordered)
        if asked.service_level is not None:
            product = facts.product.model_copy(update={"service_level": asked.service_level})
            facts = facts.model_copy(update={"product": product})
        return OneProduct(facts, siblings, self._calibration)

    async def family(self, asked: Asked, *, never_ordered: bool = False) -> Family:
        """The product at its locations, with this service's open orders counted."""
        if asked.facts is None:
            return await self._catalog(asked.mode).family(asked.product_id, asked.location)
        facts, place = asked.facts, asked.facts.stock.location
        if (asked.product_id, asked.location or place) != (facts.product.id, place):
            raise InvalidInput(f"The facts are of {facts.product.id} at {place}; ask about that product and location.")
        if self._book is None or never_ordered:
            return (facts,)
        own = await self._book.stock.of_input(asked.product_id, place)
        return (with_own_orders(facts, own) if own.open or own.lead_times else facts,)

    def _catalog(self, mode: Mode) -> Catalog:
        try:
            return self._catalogs[mode]
        except KeyError:
            offered = ", ".join(["input", *self._catalogs])
            raise ModeUnavailable(f"Mode {mode!r} is not available here; use one of: {offered}.") from None


def plan_of(family: Family, what_if: WhatIf = AS_THINGS_ARE) -> Plan:
    """The plan for the first of a family; the others are locations to transfer from."""
    return plan(family[0], what_if=what_if, siblings=family[1:])


def shown_order(order: OpenOrder) -> dict[str, object]:
    """An open order, as a model sees it."""
    return {
        "reference": order.reference,
        "quantity": number(order.quantity),
        "due_in_days": number(order.due_in_days, 1),
    }


def shown_orders(orders: Iterable[OpenOrder]) -> list[dict[str, object]]:
    """A product's open orders, as a model sees them."""
    return list(map(shown_order, orders))


def numbers(values: Iterable[float | None], digits: int = 4) -> list[float | int | None]:
    """Figures as a model sees them: rounded, and whole numbers without decimals."""
    return list(map(partial(number, digits=digits), values))


def number(value: float | None, digits: int = 4) -> float | int | None:
    if value is None:
        return None
    rounded = round(value, digits)
    return int(rounded) if rounded == int(rounded) else rounded
