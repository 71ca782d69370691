"""How the chosen level would have done at past moments, from what was known then, beside the textbook's. Pure."""

from dataclasses import dataclass

import numpy as np

from tools.demand_distribution import SMALLEST_MEAN, FloatArray, IntArray
from tools.demand_forecast import first_origin
from tools.interval_forecast import WIDENING, Intervals, JudgedErrors, protection_intervals
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
    intervals = protection_intervals(lead_time, review_period_days, period_days)
    lengths = _tested_lengths(lead_time, review_period_days, period_days)
    points = _test_points(judged, longest=int(lengths.max()), components=len(intervals))
    if points.size < FEWEST_TESTS:
        return None
    known = judged.grid.frame.known[0, points]
    total = np.concatenate([[0.0], np.cumsum(demand)])
    actual = total[known + np.resize(lengths, known.size)] - total[known]
    mean, variance = (column[points] for column in judged.plain)
    rates = judged.rates.mean[points], judged.rates.variance[points]
    chance = _chance_below(np.ceil(actual - WHOLE_UNIT_FUZZ) - 1, *rates, known, intervals)
    interval = lead_time.days / period_days
    level = mean * interval + z * np.sqrt(variance * interval)
    covered = np.count_nonzero(chance < probability), np.count_nonzero(actual <= level)
    return PastCoverage(covered[0] / points.size, covered[1] / points.size, int(points.size))


def _tested_lengths(lead_time: LeadTime, review_period_days: float, period_days: float) -> IntArray:
    days = lead_time.replayed or (lead_time.days,)
    return np.maximum(1, np.rint((np.array(days) + review_period_days) / period_days)).astype(int)


def _test_points(judged: JudgedErrors, *, longest: int, components: int) -> IntArray:
    """Grid points, the last with `longest` periods to follow, the first with enough errors known."""
    known = judged.grid.frame.known[0]
    fewest = int(first_origin(known[-1:])[0]) + FEWEST_KNOWN_ERRORS * judged.horizon
    points = np.flatnonzero((known >= fewest) & (known <= known[-1] - longest))
    return points[-max(FEWEST_TESTS, MOST_EVALUATIONS // components) :]


def _chance_below(
    level: FloatArray, mean: FloatArray, variance: FloatArray, known: IntArray, intervals: Intervals
) -> FloatArray:
    """P(D ≤ level) as it stood at each moment, from the rates per period."""
    floored = np.maximum(variance, mean)
    chance = np.zeros(known.size)
    for share, length in intervals:
        expected = np.maximum(mean * length, SMALLEST_MEAN)
        widened = np.maximum(floored * (length + WIDENING * length**2 / known), SMALLEST_MEAN)
        chance += share * lognormal_cdf(level=level, mean=expected, variance=widened)
    return chance
