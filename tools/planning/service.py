"""The service asked of a product, what it is measured over, and the stock that gives it. Pure."""

from dataclasses import dataclass
from math import sqrt
from typing import Self

from tools.planning.demand_distribution import Component, IntervalDemand, z_value
from tools.records.errors import InvalidInput
from tools.records.facts import Product, WhatIf

DAYS_A_YEAR = 365.0
HIGHEST_SERVICE_LEVEL = 0.999


@dataclass(slots=True)
class OrderCycle:
    """From one delivery to the next: what a fill rate is measured over."""

    order_size: float
    """Units an order brings on average, no less than the demand between two orders."""
    waited: IntervalDemand | None = None
    """Demand from the order before until its delivery; None where nothing can have been short by then."""
    surplus: float = 0.0
    """Units that an order brings beyond the demand between two orders."""

    @classmethod
    def of(cls, demand: IntervalDemand, *, between: float, order_size: float, lead_time_variance: float) -> Self:
        """`demand` is that over the protection interval, `between` its part between two orders, in units.

        What is waited for is the demand less its last part; what the lead time makes uncertain stays so.
        """
        parts = []
        for part in demand.components:
            mean = max(0.0, part.mean - between)
            fixed = min(part.variance, lead_time_variance)
            share = mean / part.mean if part.mean > 0 else 0.0
            parts.append(Component(part.weight, mean, fixed + (part.variance - fixed) * share, part.none**share))
        waited = IntervalDemand(demand.family, tuple(parts), demand.unit)
        return cls(order_size, waited if waited.mean > 0 else None, order_size - between)

    def unserved(self, demand: IntervalDemand, level: float) -> float:
        """Units demanded between two deliveries that stock does not serve: short at the end of the protection
        interval, less those already short when the cycle began.

        Shortage grows ever faster as stock runs out, so at most a proportional part of it was there before.
        """
        shortage = demand.expected_shortage(level)
        if self.waited is None:
            return shortage
        before = self.waited.expected_shortage(level + self.surplus)
        return shortage - min(before, shortage * self.waited.mean / demand.mean)

    def fill_rate(self, demand: IntervalDemand, level: float) -> float | None:
        """The share of demand that stock serves at once; None where there is no demand.

        1 − (E[(D − s)⁺] − E[(D′ − s − surplus)⁺])/Q, with D′ the demand until the cycle begins. Where every review
        orders what was sold, this is the rate of an order-up-to level (Johnson, Lee, Davis & Hall, 1995; Sobel, 2004);
        with an order of many days' demand, the textbook's 1 − E[(D − s)⁺]/Q (Silver, Pyke & Thomas, 2017, 6.7.3).
        """
        if self.order_size <= 0:
            return None
        return min(1.0, max(0.0, 1 - self.unserved(demand, level) / self.order_size))


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


def target_of_level(demand: IntervalDemand, level: float) -> Target:
    """The cycle service that a level gives, where another reason than a service set it."""
    return Target(min(HIGHEST_SERVICE_LEVEL, max(1 - HIGHEST_SERVICE_LEVEL, demand.cdf(level))))


def pooled_target(target: Target, asked: float) -> Target:
    """The same target, asking for what similar products had to ask for."""
    if target.cycle is not None or not 0 < asked <= HIGHEST_SERVICE_LEVEL:
        raise InvalidInput(
            f"An asked service level of {asked:g} was given; give one above 0 and at most {HIGHEST_SERVICE_LEVEL:g}, "
            "to a product whose target is no fill rate."
        )
    return Target(asked, pooled_for=target.probability)


def product_cost_target(product: Product, interval_days: float) -> Target:
    """`cost_target` of a product, whose holding cost is stated or follows from its price."""
    holding = yearly_holding(product)
    if product.stockout_cost is None or holding is None:
        raise InvalidInput(
            f"Product {product.id!r} has a cost target but lacks a stock-out cost, holding rate or unit price; "
            "give all three, or a service level."
        )
    return cost_target(stockout_cost=float(product.stockout_cost), holding_cost=holding * interval_days / DAYS_A_YEAR)


def yearly_holding(product: Product) -> float | None:
    """What it costs to hold one unit for a year; None where that is not known."""
    if product.holding_cost is not None:
        return float(product.holding_cost)
    if product.holding_rate is None or product.unit_price is None:
        return None
    return float(product.unit_price) * product.holding_rate


def cost_target(*, stockout_cost: float, holding_cost: float) -> Target:
    """The critical ratio p/(p + h), held within 0.001 … 0.999; costs per unit and protection interval, not both zero.

    (Snyder & Shen, 2019, 4.3)
    """
    if stockout_cost + holding_cost <= 0:
        raise InvalidInput("A cost target needs a shortage cost or a holding cost above zero.")
    return Target(min(0.999, max(0.001, stockout_cost / (stockout_cost + holding_cost))))


def stock_level(demand: IntervalDemand, target: Target) -> float:
    """The reorder point, never below 0: exact for `normal` and for stated demand, a multiple of the unit otherwise."""
    cycle, limit = target.cycle, target.limit
    if cycle is None or limit is None:
        level = demand.quantile(target.probability)
    else:
        level = demand.level_for_shortage(limit, shortage=lambda level: cycle.unserved(demand, level))
    return max(0.0, level)


def interval_sd(*, demand_sd: float, interval: float, mean: float = 0.0, lead_time_sd: float = 0.0) -> float:
    """Standard deviation of demand over an interval of uncertain length: √(interval·sd² + mean²·lead_time_sd²).

    `demand_sd` and `mean` per period, `interval` and `lead_time_sd` in periods. (Chopra & Meindl, 2016, 12.4)

    >>> round(interval_sd(demand_sd=5, interval=6, mean=50, lead_time_sd=2), 6)
    100.747208
    """
    return sqrt(interval * demand_sd**2 + (mean * lead_time_sd) ** 2)


def safety_stock(
    *, service_level: float, demand_sd: float, interval: float, mean: float = 0.0, lead_time_sd: float = 0.0
) -> float:
    """z·(sd of demand over the interval): units held so that `service_level` of cycles pass without stock-out.

    Units as in `interval_sd`; `service_level` in (0, 1). (Silver, Pyke & Thomas, 2017, 6.7)

    >>> round(safety_stock(service_level=0.95, demand_sd=20, interval=7), 2)
    87.04
    """
    sd = interval_sd(demand_sd=demand_sd, interval=interval, mean=mean, lead_time_sd=lead_time_sd)
    return z_value(service_level) * sd


def reorder_point(*, mean: float, interval: float, safety_stock: float) -> float:
    """mean·interval + safety stock: the inventory position at which to order. With interval = lead time + review
    period it is the order-up-to level of periodic review. (Silver, Pyke & Thomas, 2017, 6.7 and 6.9)

    >>> round(reorder_point(mean=100, interval=7, safety_stock=87.04), 2)
    787.04
    """
    return mean * interval + safety_stock
