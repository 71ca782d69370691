"""The service asked of a product, and the stock level that gives it. Pure."""

from dataclasses import dataclass

from tools.planning.demand_distribution import IntervalDemand
from tools.planning.order_cycle import OrderCycle
from tools.records.errors import InvalidInput
from tools.records.facts import Product, WhatIf

DAYS_A_YEAR = 365.0
HIGHEST_SERVICE_LEVEL = 0.999


@dataclass(slots=True)
class Target:
    """The service asked for. `cycle` is what the share is measured over (fill rate only)."""

    probability: float
    cycle: OrderCycle | None = None
    pooled_for: float | None = None
    """The service wanted, where `probability` is what similar products had to ask for in order to get it."""

    @property
    def wanted(self) -> float:
        return self.probability if self.pooled_for is None else self.pooled_for

    @property
    def limit(self) -> float | None:
        """Units that may stay unserved in a cycle."""
        return None if self.cycle is None else (1 - self.probability) * self.cycle.order_size


def service_target(product: Product, what_if: WhatIf, *, cycle: OrderCycle, interval_days: float) -> Target:
    """What the product asks for. An assumed service level replaces a cost target by a cycle target."""
    level = what_if.service_level or product.service_level
    if product.service_type == "fill_rate":
        return Target(level, cycle)
    if product.service_type == "cycle" or what_if.service_level is not None:
        return Target(level)
    return product_cost_target(product, interval_days)


def pooled_target(target: Target, asked: float) -> Target:
    """The same target, asking for what similar products had to ask for."""
    if target.cycle is not None or not 0 < asked <= HIGHEST_SERVICE_LEVEL:
        raise InvalidInput(
            f"An asked service level of {asked:g} was given; give one above 0 and at most {HIGHEST_SERVICE_LEVEL:g}, "
            "to a product whose target is no fill rate."
        )
    return Target(asked, pooled_for=target.probability)


def product_cost_target(product: Product, interval_days: float) -> Target:
    """`cost_target` of a product, whose holding cost follows from its price."""
    if product.stockout_cost is None or product.holding_rate is None or product.unit_price is None:
        raise InvalidInput(
            f"Product {product.id!r} has a cost target but lacks a stock-out cost, holding rate or unit price; "
            "give all three, or a service level."
        )
    holding = float(product.unit_price) * product.holding_rate * interval_days / DAYS_A_YEAR
    return cost_target(stockout_cost=float(product.stockout_cost), holding_cost=holding)


def cost_target(*, stockout_cost: float, holding_cost: float) -> Target:
    """The critical ratio p/(p + h), held within 0.001 … 0.999; costs per unit and protection interval, not both zero.

    (Snyder & Shen, 2019, 4.3)
    """
    if stockout_cost + holding_cost <= 0:
        raise InvalidInput("A cost target needs a shortage cost or a holding cost above zero.")
    return Target(min(0.999, max(0.001, stockout_cost / (stockout_cost + holding_cost))))


def stock_level(demand: IntervalDemand, target: Target) -> float:
    """The reorder point, never below 0: exact for `normal` and for stated demand, a whole number otherwise."""
    cycle, limit = target.cycle, target.limit
    if cycle is None or limit is None:
        level = demand.quantile(target.probability)
    else:
        level = demand.level_for_shortage(limit, shortage=lambda level: cycle.unserved(demand, level))
    return max(0.0, level)
