"""How the chosen level would have done at past moments, from what was known then, beside the textbook's. Pure."""

from dataclasses import dataclass
from functools import lru_cache
from math import sqrt

import numpy as np

from tools.planning.demand_distribution import (
    SMALLEST_MEAN,
    FloatArray,
    IntArray,
    Values,
    chance_of_none,
    lognormal_chance_below,
)
from tools.planning.forecast_frame import Frame, first_origin
from tools.planning.interval_forecast import Intervals, JudgedErrors, LeadTime, protection_intervals, widening
from tools.records.quantities import ROUNDING

FEWEST_TESTS = FEWEST_KNOWN_ERRORS = 5
MOST_EVALUATIONS = 600
TOTAL_ROUNDING = 1e-14  # of all demand, so that a level of just what came covers demand that never varied


@dataclass(slots=True)
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
    counting_unit: float = 1.0,
) -> PastCoverage | None:
    """Set the level at past moments a protection interval apart, and see what came.

    `probability` is the cycle service to test, `z` the textbook's factor. Where lead times are replayed, each moment
    meets one of them in turn; a spread known only as a number is left out. None with fewer than five moments.
    """
    intervals = protection_intervals(lead_time, review_period_days, period_days)
    days = lead_time.replayed or (lead_time.days,)
    moments = _tested_moments(judged.frame, days, intervals, review_period_days, period_days)
    if moments is None:
        return None
    total = np.append(0.0, np.add.accumulate(demand))
    actual = total[moments.ends] - total[moments.starts]
    selling = np.add.accumulate(demand > 0)[moments.starts - 1] / moments.starts
    chance = _chance_below(actual, judged, moments, selling, counting_unit)
    interval = (lead_time.days + review_period_days) / period_days
    mean, variance = judged.mean[moments.points], judged.variance[moments.points]
    level = mean * interval + (z * sqrt(interval)) * np.sqrt(variance)
    covered = (
        np.count_nonzero(chance < probability),
        np.count_nonzero(actual <= level + TOTAL_ROUNDING * total.item(-1)),
    )
    return PastCoverage(covered[0] / actual.size, covered[1] / actual.size, actual.size)


@dataclass(frozen=True, slots=True)
class _Moments:
    """The past moments to test at, and the intervals that may follow each."""

    points: IntArray
    """Of the grid."""
    starts: IntArray
    """Periods known there."""
    ends: IntArray
    """Periods known once the interval that followed is over."""
    shares: FloatArray
    lengths: Values
    """Of the intervals: one number, or a column of them."""
    growth: FloatArray
    """Factor from a variance per period to that of each interval; intervals × moments."""


@lru_cache(maxsize=1024)
def _tested_moments(
    frame: Frame, days: tuple[float, ...], intervals: Intervals, review_period_days: float, period_days: float
) -> _Moments | None:
    """Moments with enough errors known before them and the longest interval to follow; None where there are too few."""
    followed = np.maximum(1, np.rint((np.array(days) + review_period_days) / period_days)).astype(int)
    known = frame.known[0]
    fewest = int(first_origin(known[-1:])[0]) + FEWEST_KNOWN_ERRORS * frame.horizon
    able = np.flatnonzero((known >= fewest) & (known <= known[-1] - int(followed.max())))
    points = able[-max(FEWEST_TESTS, MOST_EVALUATIONS // len(set(days))) :]
    if points.size < FEWEST_TESTS:
        return None
    starts = known[points]
    shares, lengths = (np.maximum(column, SMALLEST_MEAN) for column in zip(*intervals, strict=True))
    length = lengths[:, None] if lengths.size > 1 else float(lengths[0])
    growth = np.asarray(length * widening(length, starts))
    return _Moments(points, starts, starts + np.resize(followed, starts.size), shares, length, growth)


def _chance_below(
    actual: FloatArray, judged: JudgedErrors, moments: _Moments, selling: FloatArray, unit: float
) -> FloatArray:
    """P(D < what came, rounded up to whole counts) as it stood at each moment, from the rates per period."""
    rates, past = judged.rates, np.maximum(judged.mean[moments.points], SMALLEST_MEAN)
    counts = actual / unit
    counts = np.ceil(counts - np.minimum(0.5, ROUNDING * np.maximum(1.0, counts)))
    mean = np.maximum(rates.mean[moments.points] / unit, SMALLEST_MEAN)
    variance = np.maximum(rates.variance[moments.points] / unit**2, mean) * moments.growth
    chance = lognormal_chance_below(counts, mean=mean * moments.lengths, variance=variance)
    none = chance_of_none(selling=selling, change=mean * unit / past, interval=moments.lengths)
    chance = np.where(counts > 0, np.maximum(chance, none), chance)
    return chance if chance.ndim == 1 else moments.shares @ chance
