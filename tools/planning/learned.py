"""What a model of the whole catalogue has learned of a product's coming interval (`restock learn`), averaged with the
product's own forecast. Pure; no model runs here.

Mean and standard deviation are averaged: with shares of a half, 120 ± 40 and 100 ± 30 are 110 ± 35. What was learned
for another interval, for other promotions, or from old data is not used.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import TypeAlias

import numpy as np

from tools.planning.demand_distribution import FloatArray
from tools.records.facts import LearnedDemand

LONGEST_AGE_DAYS = 7.0
"""Of demand that has come since; one period, where that is longer."""
SAME_DAYS = 0.5
"""Within which two intervals are the same."""

Learned: TypeAlias = tuple[FloatArray, FloatArray, FloatArray]
"""Mean and standard deviation over the interval, and the share that they have."""
LEARNED = ("learned_mean", "learned_sd", "learned_share")
"""Their names in a scan."""


@dataclass(frozen=True, slots=True)
class OfCatalogue:
    """What is averaged with the product's own forecast, and both before."""

    learned: LearnedDemand
    own_mean: float
    """Of demand per period, as the product's own past says; all after the uplift."""
    own_sd: float
    """Over the interval, widened."""
    mean: float
    """Averaged, per period."""
    sd: float
    """Averaged, over the interval."""


def unusable(
    learned: LearnedDemand,
    *,
    last_period: date | None,
    period_days: float,
    planned: Mapping[int, float],
    interval_days: float,
) -> str | None:
    """Why it is not used for this interval; None where it is.

    The words follow "is not used: ".
    """
    if last_period is None:
        return "the demand history has no dates"
    if abs(learned.interval_days - interval_days) > SAME_DAYS:
        return f"it is for {learned.interval_days:g} days, and {interval_days:g} are planned for"
    age = (last_period - learned.last_period).days
    longest = max(LONGEST_AGE_DAYS, period_days)
    if not 0 <= age <= longest:
        return f"demand of {age} more days is known, and it holds for {longest:g}"
    passed, periods = round(age / period_days), interval_days / period_days
    expected = {each - passed: cut for each, cut in learned.planned_promotions.items()}
    if _within(expected, periods) != _within(planned, periods):
        return "other promotions are planned now"
    return None


def _within(planned: Mapping[int, float], periods: float) -> dict[int, float]:
    return {each: cut for each, cut in planned.items() if 0 <= each < periods}


def averaged_rates(
    mean: FloatArray, variance: FloatArray, *, floor: FloatArray, growth: FloatArray, length: FloatArray, of: Learned
) -> tuple[FloatArray, FloatArray]:
    """Mean and variance per period whose mean and deviation over the interval are the averages of own and learned.

    A variance per period, at least `floor`, times `growth` is that of the whole interval of `length` periods.
    """
    learned_mean, learned_sd, share = of
    own_mean, own_sd = mean * length, np.sqrt(np.maximum(variance, floor) * growth)
    sd = own_sd + share * (learned_sd - own_sd)
    return (own_mean + share * (learned_mean - own_mean)) / length, np.square(sd) / growth
