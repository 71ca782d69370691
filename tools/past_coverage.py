"""How the chosen level would have done at past moments, from what was known then, beside the textbook's. Pure."""

from dataclasses import dataclass

import numpy as np

from tools.demand_distribution import SMALLEST_MEAN, FloatArray, IntArray
from tools.demand_forecast import RateForecast, combine, first_origin, moments_by_origin
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
    known = judged.grid.known[0, points]
    total = np.concatenate([[0.0], np.cumsum(demand)])
    actual = total[known + np.resize(lengths, known.size)] - total[known]
    mean, variance = _running_statistics(demand, known)
    rate = _rates(judged, points, variance)
    chance = _chance_below(np.ceil(actual - WHOLE_UNIT_FUZZ) - 1, rate, known, intervals)
    interval = lead_time.days / period_days
    level = mean * interval + z * np.sqrt(variance * interval)
    covered = np.count_nonzero(chance < probability), np.count_nonzero(actual <= level)
    return PastCoverage(covered[0] / points.size, covered[1] / points.size, int(points.size))


def _tested_lengths(lead_time: LeadTime, review_period_days: float, period_days: float) -> IntArray:
    days = lead_time.replayed or (lead_time.days,)
    return np.maximum(1, np.rint((np.array(days) + review_period_days) / period_days)).astype(int)


def _test_points(judged: JudgedErrors, *, longest: int, components: int) -> IntArray:
    """Grid points, the last with `longest` periods to follow, the first with enough errors known."""
    known = judged.grid.known[0]
    fewest = int(first_origin(known[-1:])[0]) + FEWEST_KNOWN_ERRORS * judged.horizon
    points = np.flatnonzero((known >= fewest) & (known <= known[-1] - longest))
    return points[-max(FEWEST_TESTS, MOST_EVALUATIONS // components) :]


def _rates(judged: JudgedErrors, points: IntArray, variance: FloatArray) -> RateForecast:
    """The forecasts as they stood at the grid points; the newest error known there is that of the point before."""
    grid = judged.grid
    moments = moments_by_origin(grid)
    left_out = grid.points - 1 - moments.windows.size
    return combine(
        means=grid.means_at(points),
        moments=moments.at(points - 1 - left_out),
        variance=variance,
        horizon=grid.horizon,
    )


def _running_statistics(demand: FloatArray, known: IntArray) -> tuple[FloatArray, FloatArray]:
    """Mean and sample variance of the periods known at each moment, about the overall mean for the digits' sake."""
    centre = demand.mean()
    shifted = demand - centre
    mean = np.cumsum(shifted)[known - 1] / known
    square = np.cumsum(np.square(shifted))[known - 1]
    return centre + mean, np.maximum(square - known * np.square(mean), 0.0) / (known - 1)


def _chance_below(level: FloatArray, rate: RateForecast, known: IntArray, intervals: Intervals) -> FloatArray:
    """P(D ≤ level) as it stood at each moment."""
    floored = np.maximum(rate.variance, rate.mean)
    chance = np.zeros(known.size)
    for share, length in intervals:
        expected = np.maximum(rate.mean * length, SMALLEST_MEAN)
        variance = np.maximum(floored * (length + WIDENING * length**2 / known), SMALLEST_MEAN)
        chance += share * lognormal_cdf(level=level, mean=expected, variance=variance)
    return chance
