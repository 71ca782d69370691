"""The order that earns most where demand that stock cannot serve is lost. Pure.

Its last unit just pays for itself. A unit earns its profit if, without it, a sale would be lost before a later order
could take its place. It costs the holding charge in every period that it is expected to lie in stock: so the order that
brings a unit pays for all the time it lies (the marginal holding cost accounting of Levi, Janakiraman & Nagarajan,
2008, "A 2-approximation algorithm for stochastic inventory control models with lost sales", Math. Oper. Res. 33(2)). A
critical ratio p/(p + h) leaves that out.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tools.planning.demand_distribution import FloatArray, IntArray


@dataclass(frozen=True, slots=True)
class Economics:
    """What a sold unit earns, and what a unit left at the end of a demand period costs; in one currency."""

    unit_profit: float
    holding_cost: float


@dataclass(frozen=True, slots=True)
class Courses:
    """Equally likely courses of the coming periods: one row each. Period 0 is the one about to start.

    `demand` and `arrivals` (of orders already open) are units, shape (courses, periods). `arrival` is the period in
    which an order placed now arrives, `replacement` the first in which an order placed later does; both past the
    horizon if never.
    """

    demand: FloatArray
    arrivals: FloatArray
    arrival: IntArray
    replacement: IntArray


@dataclass(frozen=True, slots=True)
class Unit:
    """One unit of an order, the n-th."""

    number: float
    saves_sale: float
    """Chance that it saves a sale, where the order comes at all."""
    periods_held: float
    """How many periods it lies in stock, on average, where the order comes at all."""


@dataclass(frozen=True, slots=True)
class ProfitableOrder:
    """`units` of the order are those that pay; below 0 so many of those already there do not."""

    units: float
    last: Unit
    beyond: Unit
    """The first unit that does not pay."""


def profitable_order(*, on_hand: float, economics: Economics, courses: Courses, unit: float = 1.0) -> ProfitableOrder:
    """The largest order whose last unit earns at least what it costs to hold, in expectation over `courses`.

    Unit q of the order is sold once the deficit of the other stock, counted from the order's arrival, has reached q. It
    earns the profit if that happens before a replacement could arrive, and costs a holding charge in every period from
    arrival on in which it has not happened. An order that never arrives earns and costs nothing. Stock and quantities
    are in units, and the order is a multiple of `unit`.
    """
    deficit, present = unit_deficits(on_hand=on_hand, courses=courses)
    period = np.arange(courses.demand.shape[1])
    irreplaceable = present & (period < np.maximum(courses.replacement, courses.arrival + 1)[:, None])
    saved = np.where(irreplaceable, deficit, -np.inf).max(axis=1)[present.any(axis=1)]
    lying, saved = (np.floor(counts / unit + 0.5) for counts in (deficit[present], saved))
    units = _last_that_pays(lying, saved, economics, none=-np.ceil(on_hand / unit))

    def at(number: float) -> Unit:
        orders = max(1, saved.size)
        return Unit(number * unit, float((saved >= number).sum()) / orders, float((lying < number).sum()) / orders)

    return ProfitableOrder(units * unit, at(units), at(max(units, 0.0) + 1))


def _last_that_pays(lying: FloatArray, saved: FloatArray, economics: Economics, *, none: float) -> float:
    """The number of the last unit for which holding, over all courses, costs no more than the sales it saves earn;
    `none` where no unit can earn anything."""
    if economics.unit_profit <= 0 or not saved.size:
        return none
    thresholds = np.concatenate([lying, saved])
    marginal = np.repeat([economics.holding_cost, economics.unit_profit], [lying.size, saved.size])
    order = np.argsort(thresholds, kind="stable")
    cost_and_lost_profit = np.cumsum(marginal[order])
    first = int(np.searchsorted(cost_and_lost_profit, economics.unit_profit * saved.size))
    return float(thresholds[order][min(first, order.size - 1)])


def unit_deficits(*, on_hand: float, courses: Courses) -> tuple[FloatArray, NDArray[np.bool_]]:
    """Units of a new order used up by the end of each period if no other followed; and whether it is there yet.

    Before the order arrives, unmet demand is lost and stock stops at nil; units owed, a stock below it, stay owed. From
    the arrival on, the stock of the others is let run below nil: what it lacks, at its worst so far, is what the new
    order has had to serve.
    """
    count, periods = courses.demand.shape
    stock, least = np.full(count, float(on_hand)), min(0.0, float(on_hand))
    deficit = np.empty((count, periods))
    for period in range(periods):
        stock = stock + courses.arrivals[:, period] - courses.demand[:, period]
        stock = np.where(period < courses.arrival, np.maximum(stock, least), stock)
        deficit[:, period] = -stock
    present = np.arange(periods)[None, :] >= courses.arrival[:, None]
    worst = np.maximum.accumulate(np.where(present, deficit, -np.inf), axis=1)
    return worst, present
