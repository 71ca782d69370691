"""What the model's tools look into: every product of a catalogue, or the one that a run decides on."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Protocol

from pydantic import Field

from tools.catalog.sources import Catalog
from tools.planning.confidence import CalibrationTable
from tools.planning.replenishment import plan
from tools.records.errors import InvalidInput
from tools.records.facts import ProductFacts, WhatIf
from tools.records.plan import Plan

ProductId = Annotated[str, Field(min_length=1, max_length=100, description="As given.")]
Location = Annotated[str | None, Field(max_length=100, description="A location's id; leave out for the usual one.")]
Family = Sequence[ProductFacts]
"""A product where it is asked for, and behind it the same product at its other locations."""

AS_THINGS_ARE = WhatIf()


class Products(Protocol):
    """Products by id, with what to order of each."""

    calibration: CalibrationTable | None
    """Replaces the table that ships, for the confidence in a plan."""

    async def family(self, product_id: str, location: str | None) -> Family: ...

    async def plan(self, product_id: str, location: str | None, what_if: WhatIf) -> Plan: ...


class AllProducts:
    """Every product of a catalogue."""

    def __init__(self, catalog: Catalog, calibration: CalibrationTable | None = None) -> None:
        self._catalog, self.calibration = catalog, calibration

    async def family(self, product_id: str, location: str | None) -> Family:
        return await self._catalog.family(product_id, location)

    async def plan(self, product_id: str, location: str | None, what_if: WhatIf) -> Plan:
        return plan_of(await self.family(product_id, location), what_if)

    async def everything(self) -> Family:
        """Every product at every location."""
        return await self._catalog.all_facts()


@dataclass(eq=False)
class OneProduct:
    """The product of one decision: looked up once, and calculated once as things are."""

    facts: ProductFacts
    siblings: Family = ()
    """The same product at its other locations."""
    calibration: CalibrationTable | None = None
    calculated: bool = False
    """Whether a tool was asked for the plan as things are."""

    async def family(self, product_id: str, location: str | None) -> Family:
        """Raises InvalidInput for any other product; the location is the run's."""
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
        """Without assumptions: what a submission is checked against, and what a reviewer sees."""
        return plan(self.facts, siblings=self.siblings)


def plan_of(family: Family, what_if: WhatIf = AS_THINGS_ARE) -> Plan:
    """The plan for the first of a family, with the others as places to take it from."""
    return plan(family[0], what_if=what_if, siblings=family[1:])


def open_orders(facts: ProductFacts) -> list[dict[str, object]]:
    """The product's orders on the way, as a model is told of them."""
    return [
        {
            "reference": order.reference,
            "quantity": number(order.quantity),
            "due_in_days": number(order.due_in_days, 1),
        }
        for order in facts.stock.open_orders
    ]


def numbers(values: Iterable[float | None], digits: int = 4) -> list[float | int | None]:
    """Figures as a model is told them: rounded, and whole where they are."""
    return [number(value, digits) for value in values]


def number(value: float | None, digits: int = 4) -> float | int | None:
    if value is None:
        return None
    rounded = round(value, digits)
    return int(rounded) if rounded == int(rounded) else rounded
