"""How the chosen level would have done at past moments, from what was known then, beside the textbook's. Pure."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from tools.demand_distribution import SMALLEST_MEAN, FloatArray, IntArray
from tools.demand_forecast import Frame, first_origin
from tools.interval_forecast import Intervals, JudgedErrors, protection_intervals, widening
from tools.lead_time import LeadTime
from tools.lognormal import lognormal_cdf

FEWEST_TESTS = 5
FEWEST_KNOWN_ERRORS = 5
MOST_EVALUATIONS = 600
WHOLE_UNIT_FUZZ = 1e-9


@dataclass(frozen=True, slots=True)
class PastCoverage:
    """How often demand over the protection interval stayed within the level, had it been set at past moments."""

    chosen: float
    textbook: float
    tests: int


def past_coverage(
    demand: FloatArray,
    judged: JudgedErrors,
    *,
    lead_time: LeadTime,
    review_period_days: float,
    period_days: float,
    probability: float,
    z: float,
) -> PastCoverage | None:
    """Set the level at past moments a protection interval apart, and see what came.

    `probability` is the cycle service to test, `z` the textbook's factor. Where lead times are replayed, each moment
    meets one of them in turn; a spread known only as a number is left out of the test. None when fewer than five
    moments can be tested.
    """
    days = lead_time.replayed or (lead_time.days,)
    moments = _tested_moments(judged.grid.frame, days, review_period_days, period_days)
    if moments is None:
        return None
    points, known, ends = moments
    total = np.zeros(demand.size + 1)
    np.add.accumulate(demand, out=total[1:])
    actual = total.take(ends) - total.take(known)
    mean, variance = (column.take(points) for column in judged.plain)
    rates = judged.rates.mean.take(points), judged.rates.variance.take(points)
    intervals = protection_intervals(lead_time, review_period_days, period_days)
    chance = _chance_below(np.ceil(actual - WHOLE_UNIT_FUZZ) - 1, *rates, known, intervals)
    interval = lead_time.days / period_days
    level = mean * interval + z * np.sqrt(variance * interval)
    covered = np.count_nonzero(chance < probability), np.count_nonzero(actual <= level)
    return PastCoverage(covered[0] / points.size, covered[1] / points.size, int(points.size))


@lru_cache(maxsize=1024)
def _tested_moments(
    frame: Frame, days: tuple[float, ...], review_period_days: float, period_days: float
) -> tuple[IntArray, IntArray, IntArray] | None:
    """Grid points to test at, the periods known there, and those known once the interval is over; None for too few.

    The last point has the longest interval to follow, the first enough errors known before it.
    """
    lengths = np.maximum(1, np.rint((np.array(days) + review_period_days) / period_days)).astype(int)
    known = frame.known[0]
    fewest = int(first_origin(known[-1:])[0]) + FEWEST_KNOWN_ERRORS * frame.horizon
    points = np.flatnonzero((known >= fewest) & (known <= known[-1] - int(lengths.max())))
    points = points[-max(FEWEST_TESTS, MOST_EVALUATIONS // len(set(days))) :]
    if points.size < FEWEST_TESTS:
        return None
    return points, known[points], known[points] + np.resize(lengths, points.size)


def _chance_below(
    level: FloatArray, mean: FloatArray, variance: FloatArray, known: IntArray, intervals: Intervals
) -> FloatArray:
    """P(D ≤ level) as it stood at each moment, from the rates per period."""
    floored = np.maximum(variance, mean)
    chance = np.zeros(known.size)
    for share, length in intervals:
        expected = np.maximum(mean * length, SMALLEST_MEAN)
        widened = np.maximum(floored * length * widening(length, known), SMALLEST_MEAN)
        chance += share * lognormal_cdf(level=level, mean=expected, variance=widened)
    return chance
