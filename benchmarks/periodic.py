"""Periodic replenishment as a policy: one order quantity per period, from what a planner knows at that moment.

Each period the policy takes in last period's demand, order and arrivals. It draws courses that demand, open orders and
a new order may take, and orders the quantity whose last unit just pays for itself. A unit earns `unit_profit` if,
without it, a sale would be lost before a later order could replace it. It costs `holding_cost` in every period that it
is expected to lie in stock. So the order that brought a unit pays for all the time it lies (the marginal holding cost
accounting of Levi, Janakiraman & Nagarajan, 2008, "A 2-approximation algorithm for stochastic inventory control models
with lost sales", Math. Oper. Res. 33(2)). A critical ratio p/(p + h) leaves that out.

The same state gives the same order: draws are seeded by the number of periods seen.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray

from benchmarks.demand_belief import DemandBelief
from benchmarks.lead_time_belief import LeadTimeBelief
from tools.records.errors import InvalidDemand, InvalidInput, InvalidQuantity

Array = NDArray[np.float64]
Periods = NDArray[np.int64]

SCENARIOS = 300
HOLDING_HORIZON = 8
"""Periods beyond the longest lead time over which a unit's holding cost is followed."""


@dataclass(frozen=True)
class LastPeriod:
    """What happened in the period just ended, in units. Demand is true demand, whether it could be served or not."""

    demand: float
    ordered: float
    arrived: float


@dataclass(frozen=True)
class Economics:
    """What a sold unit earns and what a unit left at the end of a period costs, in the same currency."""

    unit_profit: float
    holding_cost: float


@dataclass(frozen=True)
class Courses:
    """Equally likely courses of the coming periods: one row each. Period 0 is the one about to start.

    `demand` and `arrivals` (of orders already open) are units, shape (courses, periods). `arrival` is the period in
    which an order placed now arrives, `replacement` the first in which an order placed later does; both past the
    horizon if never.
    """

    demand: Array
    arrivals: Array
    arrival: Periods
    replacement: Periods


class DemandForecast(Protocol):
    """What the policy asks of a view of demand."""

    def observe(self, demand: float) -> None: ...

    def scenarios(self, *, periods: int, count: int, random: np.random.Generator) -> Array: ...


class PeriodicPolicy:
    """Learns one product's demand and its supplier's lead time as periods pass, and says what to order in each."""

    def __init__(self, *, demand: DemandForecast, lead_time: LeadTimeBelief) -> None:
        self.demand = demand
        self.lead_time = lead_time
        self._periods_seen = 0

    @classmethod
    def from_samples(cls, *, past_demand: Sequence[float], promised_lead_time: int) -> Self:
        """`past_demand` in units per period, oldest first; `promised_lead_time` in whole periods (0: before demand)."""
        if promised_lead_time < 0:
            raise InvalidInput(f"The promised lead time is {promised_lead_time}; give whole periods, 0 or more.")
        if not past_demand:
            raise InvalidDemand("There is no past demand; give at least one period's.")
        for demand in past_demand:
            _require_demand(demand)
        return cls(demand=DemandBelief(tuple(past_demand)), lead_time=LeadTimeBelief(promised_lead_time))

    def order(self, *, on_hand: float, economics: Economics, last_period: LastPeriod | None) -> int:
        """Units to order now, before this period's arrivals and demand. `last_period` is None in the first period."""
        _require_stock(on_hand)
        if last_period is not None:
            self._take_in(last_period)
        courses = self._courses(np.random.default_rng(self._periods_seen))
        return last_unit_that_pays(on_hand=on_hand, economics=economics, courses=courses)

    def _take_in(self, last_period: LastPeriod) -> None:
        _require_demand(last_period.demand)
        self.lead_time.place(last_period.ordered)
        self.lead_time.receive(last_period.arrived)
        self.demand.observe(last_period.demand)
        self._periods_seen += 1

    def _courses(self, random: np.random.Generator) -> Courses:
        periods = self.lead_time.longest + 1 + HOLDING_HORIZON
        return Courses(
            demand=self.demand.scenarios(periods=periods, count=SCENARIOS, random=random),
            arrivals=open_order_arrivals(self.lead_time, periods=periods, count=SCENARIOS, random=random),
            arrival=draw_lead_times(self.lead_time.chances, count=SCENARIOS, never=periods, random=random),
            replacement=first_replacement(self.lead_time.chances, periods=periods, count=SCENARIOS, random=random),
        )


def draw_lead_times(chances: Array, *, count: int, never: int, random: np.random.Generator) -> Periods:
    """`count` lead times in periods, stratified, in random order; the last of `chances` is drawn as `never`."""
    cumulative = np.cumsum(chances)
    strata = random.permutation((np.arange(count) + 0.5) / count)
    drawn = np.searchsorted(cumulative, strata * cumulative[-1])
    return np.where(drawn >= len(chances) - 1, never, drawn)


def open_order_arrivals(lead_time: LeadTimeBelief, *, periods: int, count: int, random: np.random.Generator) -> Array:
    """Units arriving from open orders in each course and coming period."""
    arrivals = np.zeros((count, periods + 1))
    rows = np.arange(count)
    for order in lead_time.open_orders:
        never = periods + order.age
        drawn = draw_lead_times(lead_time.remaining(order.age), count=count, never=never, random=random)
        arrivals[rows, np.minimum(drawn - order.age, periods)] += order.quantity
    return arrivals[:, :periods]


def first_replacement(chances: Array, *, periods: int, count: int, random: np.random.Generator) -> Periods:
    """The first period in which an order placed in one of the coming periods arrives, one order a period."""
    drawn = np.searchsorted(np.cumsum(chances), random.random((count, periods - 1)))
    arrives = np.where(drawn >= len(chances) - 1, periods, np.arange(1, periods) + drawn)
    first: Periods = np.minimum(arrives.min(axis=1), periods)
    return first


def last_unit_that_pays(*, on_hand: float, economics: Economics, courses: Courses) -> int:
    """The largest order whose last unit earns at least what it costs to hold, in expectation over `courses`.

    Unit q of the order is sold once the deficit of the other stock, counted from the order's arrival, has reached q. It
    earns the profit if that happens before a replacement could arrive, and costs a holding charge in every period from
    arrival on in which it has not happened. An order that never arrives earns and costs nothing.
    """
    if economics.unit_profit <= 0:
        return 0
    deficit, present = unit_deficits(on_hand=on_hand, courses=courses)
    period = np.arange(courses.demand.shape[1])
    irreplaceable = present & (period < np.maximum(courses.replacement, courses.arrival + 1)[:, None])
    saved_sales = np.where(irreplaceable, deficit, -np.inf).max(axis=1)[present.any(axis=1)]
    thresholds = np.concatenate([deficit[present], saved_sales])
    marginal = np.concatenate(
        [np.full(int(present.sum()), economics.holding_cost), np.full(len(saved_sales), economics.unit_profit)]
    )
    order = np.argsort(thresholds, kind="stable")
    cost_and_lost_profit = np.cumsum(marginal[order])
    first = int(np.searchsorted(cost_and_lost_profit, economics.unit_profit * len(saved_sales)))
    return max(0, int(np.floor(thresholds[order][min(first, len(order) - 1)] + 0.5))) if len(order) else 0


def unit_deficits(*, on_hand: float, courses: Courses) -> tuple[Array, NDArray[np.bool_]]:
    """Units of a new order used up by the end of each period if no other followed; and whether it is there yet.

    Before the order arrives, unmet demand is lost and stock stops at nil. From its arrival on, the stock of the others
    is let run below nil: what it lacks, at its worst so far, is what the new order has had to serve.
    """
    count, periods = courses.demand.shape
    stock = np.full(count, float(on_hand))
    deficit = np.empty((count, periods))
    for period in range(periods):
        stock = stock + courses.arrivals[:, period] - courses.demand[:, period]
        stock = np.where(period < courses.arrival, np.maximum(stock, 0.0), stock)
        deficit[:, period] = -stock
    present = np.arange(periods)[None, :] >= courses.arrival[:, None]
    worst = np.maximum.accumulate(np.where(present, deficit, -np.inf), axis=1)
    return worst, present


def _require_demand(demand: float) -> None:
    if not isfinite(demand) or demand < 0:
        raise InvalidDemand(f"A period's demand is {demand}; give finite units, 0 or more.")


def _require_stock(on_hand: float) -> None:
    if not isfinite(on_hand) or on_hand < 0:
        raise InvalidQuantity(f"Stock on hand is {on_hand}; give finite units, 0 or more.")
