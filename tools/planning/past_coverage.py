"""How the chosen level would have done at past moments, from what was known then, beside the textbook's. Pure."""

from dataclasses import dataclass
from functools import lru_cache
from math import sqrt

import numpy as np

from tools.planning.demand_distribution import SMALLEST_MEAN, FloatArray, IntArray, Values
from tools.planning.demand_forecast import Frame, RateForecast, first_origin
from tools.planning.interval_forecast import Intervals, JudgedErrors, protection_intervals, widening
from tools.planning.lead_time import LeadTime
from tools.planning.lognormal import lognormal_chance_below

FEWEST_TESTS = 5
FEWEST_KNOWN_ERRORS = 5
MOST_EVALUATIONS = 600
WHOLE_UNIT_FUZZ = 1e-9
ROUNDING = 1e-14
"""Of all demand; so that demand which never varied is covered by a level of just as much."""


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
) -> PastCoverage | None:
    """Set the level at past moments a protection interval apart, and see what came.

    `probability` is the cycle service to test, `z` the textbook's factor. Where lead times are replayed, each moment
    meets one of them in turn; a spread known only as a number is left out of the test. None when fewer than five
    moments can be tested.
    """
    intervals = protection_intervals(lead_time, review_period_days, period_days)
    days = lead_time.replayed or (lead_time.days,)
    moments = _tested_moments(judged.grid.frame, days, intervals, review_period_days, period_days)
    if moments is None:
        return None
    total = np.zeros(demand.size + 1)
    np.add.accumulate(demand, out=total[1:])
    actual = total[moments.ends] - total[moments.starts]
    points = moments.points
    chance = _chance_below(np.ceil(actual - WHOLE_UNIT_FUZZ), judged.rates, moments)
    interval = (lead_time.days + review_period_days) / period_days
    level = judged.mean[points] * interval + (z * sqrt(interval)) * np.sqrt(judged.variance[points])
    covered = np.count_nonzero(chance < probability), np.count_nonzero(actual <= level + ROUNDING * total.item(-1))
    return PastCoverage(covered[0] / moments.count, covered[1] / moments.count, moments.count)


@dataclass(frozen=True, slots=True)
class _Moments:
    """The past moments to test at, and the intervals that may follow each."""

    count: int
    points: slice
    """Of the grid."""
    starts: slice
    """Periods known there."""
    ends: slice | IntArray
    """Periods known once the interval that followed is over."""
    shares: FloatArray
    lengths: Values
    """Of the intervals: one number, or a column of them."""
    growth: FloatArray
    """What a variance per period is multiplied by to give that of each interval; intervals × moments."""


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
    known = known[points]
    shares, lengths = (np.maximum(column, SMALLEST_MEAN) for column in zip(*intervals, strict=True))
    length = lengths[:, None] if lengths.size > 1 else float(lengths[0])
    after = known + np.resize(followed, known.size)
    return _Moments(
        count=int(points.size),
        points=slice(int(points[0]), int(points[-1]) + 1),
        starts=_steps(known, frame.horizon),
        ends=_steps(after, frame.horizon) if followed.size == 1 else after,
        shares=shares,
        lengths=length,
        growth=np.asarray(length * widening(length, known)),
    )


def _steps(places: IntArray, step: int) -> slice:
    """Places that are so far apart."""
    return slice(int(places[0]), int(places[-1]) + 1, step)


def _chance_below(units: FloatArray, rates: RateForecast, moments: _Moments) -> FloatArray:
    """P(D < whole units) as it stood at each moment, from the rates per period."""
    mean = np.maximum(rates.mean[moments.points], SMALLEST_MEAN)
    variance = np.maximum(rates.variance[moments.points], mean) * moments.growth
    chance = lognormal_chance_below(units, mean=mean * moments.lengths, variance=variance)
    return chance if chance.ndim == 1 else moments.shares @ chance
