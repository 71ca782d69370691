"""The stock of the days to come, at mean demand and with what is on the way. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil

from tools.planning.demand_distribution import Component, IntervalDemand
from tools.planning.working import CountedOrder, Standing, Working

INTERVALS_AHEAD = 2
FEWEST_DAYS = 7
MOST_POINTS = 120
LOW, HIGH = 0.1, 0.9
"""Chances that demand up to a day stays within, for the band about the stock."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """Units that are expected, and in how many days."""

    day: int
    quantity: float
    reference: str = ""
    """The open order's number; empty for an order that is only thought of."""
    standing: Standing = "counted"


@dataclass(frozen=True, slots=True)
class Point:
    """Units on hand at the end of a day. Below 0 they are owed. In eight of ten cases they lie between low and high."""

    day: int
    stock: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Projection:
    points: tuple[Point, ...]
    """From today, day 0, to two protection intervals ahead."""
    arrivals: tuple[Arrival, ...]
    """Soonest first, those beyond the last point among them."""
    out_in_days: float | None
    """When none is left for the first time; None where that is never."""


def project(working: Working, thought_of: Arrival | None = None) -> Projection:
    """Stock from now on, with the open orders and one that is only thought of.

    An overdue order is taken to come tomorrow, with as many units as the inventory position counts of it.
    """
    expected = [*map(_arrival, working.position.orders), *([thought_of] if thought_of else [])]
    arrivals = tuple(sorted((each for each in expected if each.quantity > 0), key=lambda each: each.day))
    days = max(FEWEST_DAYS, ceil(INTERVALS_AHEAD * working.interval_days))
    step = ceil(days / MOST_POINTS)
    points = tuple(_point(working, arrivals, day) for day in range(0, days + step, step))
    return Projection(points, arrivals, _out_in_days(working, arrivals))


def _arrival(entry: CountedOrder) -> Arrival:
    order, later = entry.order, entry.standing == "later"
    return Arrival(
        max(1, ceil(order.due_in_days)), order.quantity if later else entry.counted, order.reference, entry.standing
    )


def _available(working: Working) -> float:
    return working.position.on_hand - working.position.backorders


def _point(working: Working, arrivals: tuple[Arrival, ...], day: int) -> Point:
    stock = _available(working) + sum(each.quantity for each in arrivals if each.day <= day)
    least, most = _demand_until(working, day)
    return Point(day, stock - working.mean_per_day * day, stock - most, stock - least)


def _demand_until(working: Working, day: int) -> tuple[float, float]:
    """Demand up to a day in a slow and in a brisk case: of the protection interval's family, with a mean and a variance
    that grow with the days."""
    basis, interval = working.forecast.stock_basis, working.interval_days
    if day == 0 or interval == 0 or basis.family == "degenerate":
        return working.mean_per_day * day, working.mean_per_day * day
    share = day / interval
    part = Component(1.0, working.mean_per_day * day, basis.variance * share, basis.none_over(share))
    until = IntervalDemand(basis.family, (part,), basis.unit)
    return max(0.0, until.quantile(LOW)), until.quantile(HIGH)


def _out_in_days(working: Working, arrivals: tuple[Arrival, ...]) -> float | None:
    if working.mean_per_day <= 0:
        return 0.0 if _available(working) < 0 else None
    return next(_empty(working, arrivals))


def _empty(working: Working, arrivals: tuple[Arrival, ...]) -> Iterator[float]:
    """The moments at which the stock ends before more of it comes."""
    left, since = _available(working), 0
    for arrival in arrivals:
        lasts = max(0.0, left) / working.mean_per_day
        if since + lasts < arrival.day:
            yield since + lasts
        left, since = left + arrival.quantity - working.mean_per_day * (arrival.day - since), arrival.day
    yield since + max(0.0, left) / working.mean_per_day
