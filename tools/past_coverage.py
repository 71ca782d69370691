"""How the chosen level would have done at past moments, from what was known then, beside the textbook's. Pure."""

from collections.abc import Callable
from dataclasses import dataclass
from math import sqrt

import numpy as np

from tools.demand_distribution import SLOW_BELOW, SMALLEST_MEAN, FloatArray, IntArray, gamma_cdf, negative_binomial_cdf
from tools.forecast import ForecastErrors, ForecastPath, first_origin, forecast_errors
from tools.interval_forecast import Intervals, mean_interval, protection_intervals
from tools.lead_time import LeadTime

FEWEST_TESTS = 5
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
    path: ForecastPath,
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
    horizon = max(1, round(mean_interval(intervals)))
    origins = _test_origins(path.periods, horizon=horizon, longest=int(lengths.max()), components=len(intervals))
    if origins.size < FEWEST_TESTS:
        return None
    ends = origins + (lengths[0] if lengths.size == 1 else np.resize(lengths, origins.size))
    actual = path.total[ends] - path.total[origins]
    rate = _known_error_rate(forecast_errors(path, horizon=horizon), origins)
    chance = _chance_below(np.ceil(actual - WHOLE_UNIT_FUZZ) - 1, path.mean[origins - 1], rate, origins, intervals)
    level = _textbook_levels(demand, origins, interval=lead_time.days / period_days, z=z)
    covered = np.count_nonzero(chance < probability), np.count_nonzero(actual <= level)
    return PastCoverage(covered[0] / origins.size, covered[1] / origins.size, int(origins.size))


def _tested_lengths(lead_time: LeadTime, review_period_days: float, period_days: float) -> IntArray:
    days = lead_time.replayed or (lead_time.days,)
    return np.maximum(1, np.rint((np.array(days) + review_period_days) / period_days)).astype(int)


def _test_origins(size: int, *, horizon: int, longest: int, components: int) -> IntArray:
    first = first_origin(size) + horizon + FEWEST_TESTS - 1
    origins = np.arange(size - longest, first - 1, -horizon)[::-1]
    return origins[-max(FEWEST_TESTS, MOST_EVALUATIONS // components) :]


def _known_error_rate(errors: ForecastErrors, origins: IntArray) -> FloatArray:
    """Mean square per period of the errors whose outcome was known at each origin."""
    known = origins - errors.first - errors.horizon
    squares = np.cumsum(np.square(errors.missed))
    return np.asarray(squares[known] / (known + 1) / errors.horizon)


def _chance_below(
    level: FloatArray, mean: FloatArray, rate: FloatArray, origins: IntArray, intervals: Intervals
) -> FloatArray:
    """P(D ≤ level) as it stood at each origin, by the family that the mean called for."""
    slow = mean * mean_interval(intervals) < SLOW_BELOW
    if slow.all() or not slow.any():
        return _mixture_cdf(negative_binomial_cdf if slow[0] else gamma_cdf, level, mean, rate, origins, intervals)
    chance = np.empty(origins.size)
    for chosen, cdf in ((slow, negative_binomial_cdf), (~slow, gamma_cdf)):
        chance[chosen] = _mixture_cdf(cdf, level[chosen], mean[chosen], rate[chosen], origins[chosen], intervals)
    return chance


def _mixture_cdf(
    cdf: Callable[..., FloatArray],
    level: FloatArray,
    mean: FloatArray,
    rate: FloatArray,
    origins: IntArray,
    intervals: Intervals,
) -> FloatArray:
    floored = np.maximum(rate, mean)
    chance = np.zeros(origins.size)
    for share, length in intervals:
        expected = np.maximum(mean * length, SMALLEST_MEAN)
        variance = np.maximum(floored * (length + length**2 / origins), SMALLEST_MEAN)
        chance += share * cdf(level=level, mean=expected, variance=variance)
    return chance


def _textbook_levels(demand: FloatArray, origins: IntArray, *, interval: float, z: float) -> FloatArray:
    """mean·L + z·sd·√L from the periods known at each origin, computed about the overall mean for the digits' sake."""
    centre = demand.mean()
    shifted = demand - centre
    mean = np.cumsum(shifted)[origins - 1] / origins
    square = np.cumsum(np.square(shifted))[origins - 1]
    sd = np.sqrt(np.maximum(square - origins * np.square(mean), 0.0) / (origins - 1))
    return np.asarray((centre + mean) * interval + z * sd * sqrt(interval))
