"""Replenishment played through on past demand, period by period: orders, lead times, minimum orders, unmet demand.

At each review the level is set from the demand up to then. An order arrives its lead time later, before that period's
demand. Unmet demand is lost or waits. All products and several service levels are played at once. The calculator sees
demand, not sales.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np

from tools.catalog.demand_table import DemandTable
from tools.lookback.rolling_origin import Flags, Interval, Origins, Progress, origins_at
from tools.planning.demand_distribution import FloatArray, IntArray


@dataclass(frozen=True, slots=True)
class OrderTerms:
    """What holds for every order, and what stock and orders cost. Money per unit in the currency of the prices."""

    minimum_order_quantity: float = 0.0
    order_multiple: float = 1.0
    backorders: bool = True
    """Unmet demand waits; otherwise it is lost."""
    lead_time_spread: tuple[int, ...] = (0,)
    """Periods by which orders are late (or early, negative), each equally often."""
    holding_rate: float = 0.2
    """Of a unit's price, per year."""
    order_cost: float = 0.0
    stockout_share: float = 0.3
    """Of a unit's price, lost with each unit that could not be served at once."""


@dataclass(frozen=True, slots=True)
class Played:
    """What happened to each product under one method and one asked service, once its first interval was over."""

    method: str
    asked: float
    cycles: FloatArray
    served_cycles: FloatArray
    """Review cycles without unmet demand."""
    demand: FloatArray
    unmet: FloatArray
    stock: FloatArray
    """Mean units on hand at the end of a period."""
    orders: FloatArray
    periods: FloatArray

    def cost_per_year(self, prices: FloatArray, terms: OrderTerms, period_days: float) -> FloatArray:
        """Holding, ordering and unmet demand, per product."""
        years = np.maximum(self.periods, 1) * period_days / 365.25
        holding = self.stock * prices * terms.holding_rate
        return np.asarray(
            holding + (self.orders * terms.order_cost + self.unmet * prices * terms.stockout_share) / years
        )


_COUNTED = tuple(field.name for field in fields(Played) if field.name not in ("method", "asked"))


class _Course:
    """The running state of one method at one service level, for every product of the table."""

    def __init__(self, method: str, asked: float, size: int, deepest: int) -> None:
        self.method, self.asked = method, asked
        self.on_hand, self.owed = np.zeros(size), np.zeros(size)
        self.pipeline = np.zeros((size, deepest))
        """Products × periods ahead; the first column arrives now."""
        self.short = np.zeros(size, np.bool_)
        """Unmet demand in the review cycle so far."""
        self.tally = {name: np.zeros(size) for name in _COUNTED}

    def position(self) -> FloatArray:
        return np.asarray(self.on_hand + self.pipeline.sum(axis=1) - self.owed)


def play(
    table: DemandTable,
    interval: Interval,
    terms: OrderTerms,
    *,
    asked: Sequence[float],
    first: int,
    progress: Progress | None = None,
) -> list[Played]:
    """Play every product from period `first` on (or from when it has enough history), ours and the textbook's."""
    random = np.random.default_rng(0)
    size, end = len(table.products), table.demand.shape[1]
    deepest = interval.lead_time + max(0, *terms.lead_time_spread) + 1
    courses = [_Course(method, level, size, deepest) for method in ("calculator", "textbook") for level in asked]
    begun = np.full(size, end)
    for period in range(first, end):
        if (period - first) % interval.review_period == 0:
            known = origins_at(table, interval, period)
            begun[known.product] = np.minimum(begun[known.product], period)
            lateness = random.choice(terms.lead_time_spread, size)
            for course in courses:
                _review(course, known, terms, interval.lead_time + lateness, fresh=begun == period)
        counted = (period >= begun + interval.length) & ~np.isnan(table.demand[:, period])
        ends_cycle = (period + 1 - first - interval.lead_time) % interval.review_period == 0
        for course in courses:
            _live(course, np.nan_to_num(table.demand[:, period]), terms, counted, ends_cycle=ends_cycle)
        if progress:
            progress(period - first + 1, end - first)
    return [_played(course) for course in courses]


def _review(course: _Course, known: Origins, terms: OrderTerms, lead_times: IntArray, *, fresh: Flags) -> None:
    """Order up to the level. A product that is planned for the first time starts with its level in stock."""
    levels = known.levels(course.asked) if course.method == "calculator" else known.textbook_levels(course.asked)
    level = np.full(course.on_hand.size, -np.inf)
    level[known.product] = np.maximum(levels, 0.0)
    course.on_hand[fresh] = np.ceil(level[fresh])
    position = course.position()
    short = (position < level) & ~fresh
    wanted = np.maximum(np.where(short, np.ceil(level - position), 0.0), terms.minimum_order_quantity)
    quantity = np.where(short, np.ceil(wanted / terms.order_multiple) * terms.order_multiple, 0.0)
    course.pipeline[np.arange(quantity.size), np.maximum(lead_times, 0)] += quantity
    course.tally["orders"] += quantity > 0


def _live(course: _Course, demand: FloatArray, terms: OrderTerms, counted: Flags, *, ends_cycle: bool) -> None:
    """One period: arrivals, what is owed, demand."""
    course.on_hand += course.pipeline[:, 0]
    course.pipeline[:, :-1] = course.pipeline[:, 1:]
    course.pipeline[:, -1] = 0.0
    paid = np.minimum(course.on_hand, course.owed)
    course.on_hand -= paid
    course.owed -= paid
    served = np.minimum(course.on_hand, demand)
    course.on_hand -= served
    unmet = demand - served
    if terms.backorders:
        course.owed += unmet
    course.short |= (unmet > 0) | (course.owed > 0)
    tally = course.tally
    tally["periods"] += counted
    tally["demand"] += np.where(counted, demand, 0.0)
    tally["unmet"] += np.where(counted, unmet, 0.0)
    tally["stock"] += np.where(counted, course.on_hand, 0.0)
    if ends_cycle:
        tally["cycles"] += counted
        tally["served_cycles"] += counted & ~course.short
        course.short[:] = False


def _played(course: _Course) -> Played:
    stock = course.tally["stock"] / np.maximum(course.tally["periods"], 1)
    return Played(course.method, course.asked, **course.tally | {"stock": stock})
