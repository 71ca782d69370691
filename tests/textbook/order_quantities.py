"""Economic order quantities beyond the one that the product uses, and the reordering rules of two ERP systems. Pure.

Rates per year, costs per order and per unit and year.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf, sqrt

from tools.planning.order_quantity import OrderCost, eoq, up_to_multiple, whole_units


def eoq_cost(*, order_cost: float, holding_cost: float, annual_demand: float) -> OrderCost:
    """The EOQ with its ordering and holding cost per year, √(2·K·D·h). (Snyder & Shen, 2019, 3.2)"""
    quantity = eoq(order_cost=order_cost, holding_cost=holding_cost, annual_demand=annual_demand)
    return OrderCost(quantity, sqrt(2 * order_cost * annual_demand * holding_cost))


@dataclass(frozen=True, slots=True)
class BackorderCost(OrderCost):
    """`stockout_fraction` is the share of demand that waits."""

    stockout_fraction: float


def eoq_with_backorders(
    *, order_cost: float, holding_cost: float, shortage_cost: float, annual_demand: float
) -> BackorderCost:
    """The EOQ where demand may wait at `shortage_cost` per unit and year. (Snyder & Shen, 2019, 3.5)"""
    share = holding_cost / (holding_cost + shortage_cost)
    plain = eoq_cost(order_cost=order_cost, holding_cost=holding_cost, annual_demand=annual_demand)
    return BackorderCost(plain.order_quantity / sqrt(1 - share), plain.cost * sqrt(1 - share), share)


def economic_production_quantity(
    *, order_cost: float, holding_cost: float, annual_demand: float, production_rate: float
) -> OrderCost:
    """The EOQ where the order arrives at `production_rate` a year, above the demand. (Snyder & Shen, 2019, 3.6)"""
    filling = holding_cost * (1 - annual_demand / production_rate)
    return eoq_cost(order_cost=order_cost, holding_cost=filling, annual_demand=annual_demand)


def eoq_incremental_discount(
    *,
    order_cost: float,
    holding_rate: float,
    annual_demand: float,
    breakpoints: Sequence[float],
    unit_costs: Sequence[float],
) -> OrderCost:
    """The cheapest quantity where each tier prices only the units that lie in it. (Snyder & Shen, 2019, 3.4.2)

    Arguments as in `eoq_all_units_discount`. What the dearer tiers cost beyond this one's price acts as a fixed cost.
    """
    best, extra = OrderCost(0.0, inf), 0.0
    for index, (start, price) in enumerate(zip(breakpoints, unit_costs, strict=True)):
        if index:
            extra += start * (unit_costs[index - 1] - price)
        end = breakpoints[index + 1] if index + 1 < len(breakpoints) else inf
        ideal = eoq_cost(order_cost=order_cost + extra, holding_cost=holding_rate * price, annual_demand=annual_demand)
        if start <= ideal.order_quantity < end:
            cost = price * annual_demand + holding_rate * extra / 2 + ideal.cost
            best = min(best, OrderCost(ideal.order_quantity, cost), key=lambda option: option.cost)
    return best


def minimum_maximum_quantity(*, forecast: float, minimum: float, maximum: float, multiple: int = 1) -> int:
    """Below the minimum (strictly, as in Odoo's reordering rules) fill up to the maximum, up to the multiple.

    >>> minimum_maximum_quantity(forecast=7, minimum=10, maximum=50, multiple=12)
    48
    """
    if forecast >= minimum:
        return 0
    return up_to_multiple(whole_units(max(minimum, maximum) - forecast), multiple)


def reorder_level_quantity(*, position: float, reorder_level: float, reorder_quantity: float) -> int:
    """At or below the level order the fixed quantity, or the whole deficit where that is more (ERPNext's rule).

    >>> reorder_level_quantity(position=-30, reorder_level=10, reorder_quantity=30)
    40
    """
    if position > reorder_level:
        return 0
    return whole_units(max(reorder_quantity, reorder_level - position))
