"""Policies of the textbook that weigh costs: single period, continuous review (r, Q), periodic (s, S), lot sizing.

The calculator plans with `safety_stock.py` and `order_quantity.py`; these are the models that they are held against,
and that a planner who knows the costs may ask for. Costs per unit and period unless stated; demand per period. All
costs and means must be above 0. References are to Snyder & Shen (2019), Fundamentals of Supply Chain Theory, 2nd ed.,
unless named otherwise.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, inf, sqrt

import numpy as np
from scipy import special

from tests.textbook.demand_families import poisson_expected_shortage, poisson_quantile
from tools.planning.demand_distribution import FloatArray, normal_expected_shortage, standard_normal_loss, z_value
from tools.planning.order_quantity import eoq
from tools.records.errors import InvalidInput

CONVERGED = 1e-10
MOST_ITERATIONS = 1000


@dataclass(frozen=True, slots=True)
class BaseStock:
    """A level to order up to, and its expected cost per period."""

    level: float
    cost: float


def critical_ratio(*, shortage_cost: float, holding_cost: float) -> float:
    """p/(p + h): the cycle service level at which the cost of one unit more equals its gain. (4.3)"""
    return shortage_cost / (shortage_cost + holding_cost)


def newsvendor_normal(*, shortage_cost: float, holding_cost: float, mean: float, sd: float) -> BaseStock:
    """The best single-period level for normal demand. (4.3.2)

    >>> newsvendor_normal(shortage_cost=0.7, holding_cost=0.18, mean=50, sd=8).level.__round__(4)
    56.604
    """
    z = z_value(critical_ratio(shortage_cost=shortage_cost, holding_cost=holding_cost))
    level = mean + z * sd
    shortage = sd * float(standard_normal_loss(z))
    return BaseStock(level, holding_cost * (level - mean + shortage) + shortage_cost * shortage)


def newsvendor_poisson(*, shortage_cost: float, holding_cost: float, mean: float) -> BaseStock:
    """The best single-period level for Poisson demand: the smallest that reaches the critical ratio. (4.3.2)"""
    ratio = critical_ratio(shortage_cost=shortage_cost, holding_cost=holding_cost)
    level = float(poisson_quantile(probability=ratio, mean=mean))
    return BaseStock(level, _poisson_cost(level, shortage_cost=shortage_cost, holding_cost=holding_cost, mean=mean))


def newsvendor_lognormal(*, shortage_cost: float, holding_cost: float, mu: float, sigma: float) -> float:
    """The best single-period level where the logarithm of demand is normal with mean `mu` and sd `sigma`. (4.3.2)"""
    ratio = critical_ratio(shortage_cost=shortage_cost, holding_cost=holding_cost)
    return exp(mu + sigma * z_value(ratio))


def _poisson_cost(level: float, *, shortage_cost: float, holding_cost: float, mean: float) -> float:
    shortage = float(poisson_expected_shortage(level=level, mean=mean))
    return holding_cost * (level - mean + shortage) + shortage_cost * shortage


@dataclass(frozen=True, slots=True)
class ReorderPolicy:
    """Order `order_quantity` when the inventory position falls to `reorder_point`."""

    reorder_point: float
    order_quantity: float


def fill_rate_factor(*, fill_rate: float, order_quantity: float, interval_sd: float) -> float:
    """The k with sd·G(k) = (1 − fill rate)·Q; the reorder point is mean + k·sd.

    (Silver, Pyke & Thomas, 2017, 6.7.3: P2)

    >>> round(fill_rate_factor(fill_rate=0.99, order_quantity=200, interval_sd=11.4), 2)
    0.58
    """
    return inverse_normal_loss((1 - fill_rate) * order_quantity / interval_sd)


def inverse_normal_loss(loss: float) -> float:
    """The z at which G(z) = `loss` (above 0), by bisection to the last digit."""
    low, high = -max(1.0, 2 * loss), 1.0
    while float(standard_normal_loss(high)) > loss:
        high *= 2
    while low < (middle := (low + high) / 2) < high:
        low, high = (middle, high) if float(standard_normal_loss(middle)) > loss else (low, middle)
    return high


def continuous_review_by_fill_rate(
    *, mean: float, sd: float, annual_demand: float, order_cost: float, holding_cost: float, fill_rate: float
) -> ReorderPolicy:
    """(Q, R) for a fill rate, both found together; `mean` and `sd` over the lead time. (Nahmias & Olsen, 2015, 5.5)"""
    quantity = eoq(order_cost=order_cost, holding_cost=holding_cost, annual_demand=annual_demand)
    for _ in range(MOST_ITERATIONS):
        z = fill_rate_factor(fill_rate=fill_rate, order_quantity=quantity, interval_sd=sd)
        per_cycle = (1 - fill_rate) * quantity / float(special.ndtr(-z))
        better = per_cycle + sqrt(2 * order_cost * annual_demand / holding_cost + per_cycle**2)
        if abs(better - quantity) <= CONVERGED * quantity:
            break
        quantity = better
    return ReorderPolicy(mean + z * sd, quantity)


def continuous_review_by_cost(
    *, mean: float, sd: float, annual_demand: float, order_cost: float, holding_cost: float, stockout_cost: float
) -> ReorderPolicy:
    """(Q, R) for a cost per unit short, both found together; `mean` and `sd` over the lead time.

    Raises `InvalidInput` when being short is so cheap that no stock pays. (Hadley & Whitin, 1963, 4-2; Nahmias &
    Olsen, 2015, 5.4)
    """
    quantity = eoq(order_cost=order_cost, holding_cost=holding_cost, annual_demand=annual_demand)
    for _ in range(MOST_ITERATIONS):
        stockout_share = quantity * holding_cost / (stockout_cost * annual_demand)
        if stockout_share >= 1:
            raise InvalidInput(
                f"A shortage cost of {stockout_cost:g} a unit is below the holding cost of a cycle; raise it or order "
                "on demand only."
            )
        z = z_value(1 - stockout_share)
        short = sd * float(standard_normal_loss(z))
        better = sqrt(2 * annual_demand * (order_cost + stockout_cost * short) / holding_cost)
        if abs(better - quantity) <= CONVERGED * quantity:
            break
        quantity = better
    return ReorderPolicy(mean + z * sd, quantity)


def eoq_with_safety_stock(
    *, mean: float, sd: float, annual_demand: float, order_cost: float, holding_cost: float, shortage_cost: float
) -> ReorderPolicy:
    """The EOQ, and a reorder point at the critical ratio of yearly costs; `mean`, `sd` over the lead time. (5.3.1)"""
    z = z_value(critical_ratio(shortage_cost=shortage_cost, holding_cost=holding_cost))
    quantity = eoq(order_cost=order_cost, holding_cost=holding_cost, annual_demand=annual_demand)
    return ReorderPolicy(mean + z * sd, quantity)


def continuous_review_cost(
    policy: ReorderPolicy,
    *,
    mean: float,
    sd: float,
    annual_demand: float,
    order_cost: float,
    holding_cost: float,
    shortage_cost: float,
) -> float:
    """Expected cost per year of (r, Q) for normal demand, shortage cost per unit and year. (5.2)

    The inventory position is uniform on r … r + Q; the integral of the single-period cost over it is closed by the
    second-order loss function.
    """
    low, high = policy.reorder_point, policy.reorder_point + policy.order_quantity
    on_hand = (high + low) / 2 - mean
    short = (_second_order_loss(low, mean, sd) - _second_order_loss(high, mean, sd)) / policy.order_quantity
    ordering = order_cost * annual_demand / policy.order_quantity
    return ordering + holding_cost * on_hand + (holding_cost + shortage_cost) * short


def _second_order_loss(level: float, mean: float, sd: float) -> float:
    """∫ E[(D − y)⁺] dy from `level` to infinity, for normal demand. (C.3)"""
    z = (level - mean) / sd
    tail = float(special.ndtr(-z))
    loss = float(normal_expected_shortage(level=level, mean=mean, variance=sd**2)) / sd
    return sd**2 / 2 * (tail - z * loss)


def continuous_review_poisson(
    *, mean: float, demand_rate: float, order_cost: float, holding_cost: float, shortage_cost: float
) -> tuple[ReorderPolicy, float]:
    """The best (r, Q) for Poisson demand and its cost; `mean` over the lead time. (Federgruen & Zheng, 1992)

    Levels join the range r + 1 … r + Q, the cheapest first, for as long as each lowers the average.
    """

    def cost_at(level: float) -> float:
        return _poisson_cost(level, shortage_cost=shortage_cost, holding_cost=holding_cost, mean=mean)

    best = newsvendor_poisson(shortage_cost=shortage_cost, holding_cost=holding_cost, mean=mean)
    low = high = int(best.level)
    total, average = order_cost * demand_rate + best.cost, inf
    while total / (high - low + 1) < average:
        average = total / (high - low + 1)
        below, above = cost_at(low - 1), cost_at(high + 1)
        if min(below, above) >= average:
            break
        total += min(below, above)
        low, high = (low - 1, high) if below < above else (low, high + 1)
    return ReorderPolicy(low - 1, high - low + 1), average


@dataclass(frozen=True, slots=True)
class OrderUpToPolicy:
    """At or below `reorder_point`, order up to `order_up_to_level`."""

    reorder_point: float
    order_up_to_level: float


def periodic_review_cost_poisson(
    policy: OrderUpToPolicy, *, mean: float, order_cost: float, holding_cost: float, shortage_cost: float
) -> float:
    """Expected cost per period of (s, S) for Poisson demand: at or below s, order up to S, which arrives at once.

    The renewal equation m(j) = Σ P(D = i)·m(j − i) counts the periods that a cycle spends at S − j.
    (Zheng & Federgruen, 1991)
    """
    reach = round(policy.order_up_to_level - policy.reorder_point)
    chance = _poisson_chances(mean, reach)
    visits = np.zeros(reach)
    visits[0] = 1 / (1 - chance[0])
    for down in range(1, reach):
        visits[down] = chance[1 : down + 1].dot(visits[down - 1 :: -1]) / (1 - chance[0])
    levels: FloatArray = policy.order_up_to_level - np.arange(reach, dtype=np.float64)
    short = poisson_expected_shortage(level=levels, mean=mean)
    costs = holding_cost * (levels - mean + short) + shortage_cost * short
    return float((order_cost + visits.dot(costs)) / visits.sum())


def _poisson_chances(mean: float, count: int) -> FloatArray:
    demand = np.arange(count)
    return np.asarray(np.exp(special.xlogy(demand, mean) - mean - special.gammaln(demand + 1)))


def power_approximation(
    *, mean: float, sd: float, order_cost: float, holding_cost: float, shortage_cost: float
) -> OrderUpToPolicy:
    """(s, S) by the revised power approximation; meant for order quantities above 1.5 periods of demand.

    (Ehrhardt & Mosier, 1984; 4.4.4)
    """
    quantity = 1.30 * mean**0.494 * (order_cost / holding_cost) ** 0.506 * (1 + (sd / mean) ** 2) ** 0.116
    z = sqrt(quantity / sd * holding_cost / shortage_cost)
    reorder_point = 0.973 * mean + sd * (0.183 / z + 1.063 - 2.192 * z)
    return OrderUpToPolicy(reorder_point, reorder_point + quantity)


def lot_sizes(*, demand: Sequence[float], order_cost: float, holding_cost: float) -> tuple[float, list[float]]:
    """The cheapest orders for known demand, and their cost; holding is paid on what a period leaves over.

    (Wagner & Whitin, 1958)

    >>> lot_sizes(demand=[90, 120, 80, 70], order_cost=500, holding_cost=2)
    (1380.0, [210, 0, 150, 0])
    """
    periods = len(demand)
    cheapest, until = [0.0] * (periods + 1), [periods] * periods
    for start in reversed(range(periods)):
        best, holding = inf, 0.0
        for end in range(start, periods):
            holding += holding_cost * (end - start) * demand[end]
            cost = order_cost + holding + cheapest[end + 1]
            if cost < best:
                best, until[start] = cost, end + 1
        cheapest[start] = best
    return cheapest[0], _orders(demand, until)


def _orders(demand: Sequence[float], until: Sequence[int]) -> list[float]:
    orders: list[float] = [0] * len(demand)
    start = 0
    while start < len(demand):
        orders[start] = sum(demand[start : until[start]])
        start = until[start]
    return orders
