"""What a person supposes of a product, and the plan that follows."""

from dataclasses import dataclass
from decimal import Decimal
from math import ceil
from typing import Annotated

from fastapi import Query

from api.bodies.fields import MAX_QUANTITY
from api.pages import typed
from tools.catalog.products import Family
from tools.planning.confidence import CalibrationTable, assess, why_unsure
from tools.planning.order_quantity import unit_price_at
from tools.planning.projection import Arrival, Projection, project
from tools.planning.replenishment import plan_of_working
from tools.planning.working import Working, work_out
from tools.records.errors import InvalidInput
from tools.records.facts import AS_THINGS_ARE, WhatIf
from tools.records.plan import Confidence, Plan
from tools.records.quantities import cost
from tools.records.text import amount, money

SURE = 0.95
Word = Annotated[str, Query(max_length=40)]


@dataclass(frozen=True)
class Supposed:
    """None leaves a figure as it is."""

    what_if: WhatIf = AS_THINGS_ARE
    on_hand: float | None = None
    quantity: float | None = None


@dataclass(frozen=True)
class Assumptions:
    """Figures as they were typed; what is empty stays as it is."""

    service: Word = ""
    lead_time: Word = ""
    demand: Word = ""
    on_hand: Word = ""
    quantity: Word = ""

    def __bool__(self) -> bool:
        return any(text.strip() for text in vars(self).values())

    def read(self) -> Supposed:
        """Raises InvalidInput for what is no figure, or an impossible one."""
        service = _figure(self.service, "service in percent", least=0.1, most=99.9)
        demand = _figure(self.demand, "demand in percent of the usual", least=1, most=10_000)
        return Supposed(
            WhatIf(
                service_level=None if service is None else service / 100,
                lead_time_days=_figure(self.lead_time, "lead time in days", most=3_650),
                demand_uplift=1.0 if demand is None else demand / 100,
            ),
            _figure(self.on_hand, "stock on hand"),
            _figure(self.quantity, "quantity"),
        )


def _figure(text: str, what: str, *, least: float = 0, most: float = MAX_QUANTITY) -> float | None:
    plain = text.removesuffix("%").strip()
    if not plain:
        return None
    value = typed.number(plain, what)
    if not least <= value <= most:
        raise InvalidInput(f"A {what} of {amount(value)} cannot be planned; type {amount(least)} to {amount(most)}.")
    return value


@dataclass(frozen=True)
class Planned:
    """A plan with a quantity, which is the plan's own unless a person supposed another."""

    working: Working
    plan: Plan
    quantity: float
    value: Decimal | None
    confidence: Confidence | None
    """None where nothing is to be ordered."""
    projection: Projection
    """Without the quantity."""
    ordered: Projection | None
    """With it, unless it comes from another location."""

    @property
    def unsure(self) -> str:
        """What takes most from the confidence; empty where hardly anything does."""
        if self.confidence is None or self.confidence.value > SURE:
            return ""
        return why_unsure(self.plan, self.quantity, self.confidence)


def planned(family: Family, table: CalibrationTable | None, supposed: Supposed = Supposed()) -> Planned:
    """The first of the family, with what is supposed. Raises what `tools.planning.replenishment.plan` does."""
    facts = family[0]
    if supposed.on_hand is not None:
        facts = facts.model_copy(update={"stock": facts.stock.model_copy(update={"on_hand": supposed.on_hand})})
    working = work_out(facts, supposed.what_if)
    plan = plan_of_working(working, family[1:])
    quantity = plan.order_quantity if supposed.quantity is None else supposed.quantity
    given = supposed.quantity is not None or working.decision is not None
    bought = quantity and (plan.recommended_action != "transfer" or supposed.quantity is not None)
    product = facts.product
    price = unit_price_at(quantity, unit_price=product.unit_price, price_breaks=product.price_breaks)
    return Planned(
        working=working,
        plan=plan,
        quantity=quantity,
        value=None if price is None else cost(price, quantity),
        confidence=assess(plan, quantity, table=table) if given else None,
        projection=project(working),
        ordered=project(working, Arrival(ceil(plan.lead_time_days), quantity)) if bought else None,
    )


def difference(now: Planned, then: Planned) -> str:
    """What the assumptions change, in two sentences."""
    level, before = then.plan.reorder_point, now.plan.reorder_point
    moves = "rises" if level > before else "falls"
    due = f"The reorder point {moves} to {amount(level)}."
    if amount(level) == amount(before):
        due = f"The reorder point stays at {amount(level)}."
    return f"{due} {_ordered(now, then)}"


def _ordered(now: Planned, then: Planned) -> str:
    more = then.quantity - now.quantity
    if not more:
        return f"The order stays at {amount(now.quantity)}." if now.quantity else "Nothing is to be ordered, as before."
    sign = "more" if more > 0 else "less"
    spent = ""
    if then.value is not None and now.value is not None:
        spent = f", for {money(abs(then.value - now.value), now.plan.currency)} {sign}"
    return f"The order is {amount(then.quantity)} instead of {amount(now.quantity)}: {amount(abs(more))} {sign}{spent}."
