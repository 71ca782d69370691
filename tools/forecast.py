"""Forecasts of mean demand, and how far they missed in the past. Pure.

Every function on `demand` that gives a path works along the last axis: one product's periods, or a block of products ×
periods. The path at a period knows that period and those before it, and nothing later.
"""

from dataclasses import dataclass
from functools import lru_cache
from math import floor

import numpy as np

from tools.demand_distribution import FloatArray, IntArray

SIZE_SMOOTHING = 0.1
PROBABILITY_SMOOTHING = 0.05
LONGEST_START = 8
FEWEST_ORIGINS = 5
BLOCK = 2048
"""Periods smoothed in one pass: 0.9^−2048 times the largest quantity still fits a double."""


@lru_cache(maxsize=16)
def _powers(smoothing: float) -> tuple[FloatArray, FloatArray]:
    """(1 − α)^k and its inverse, for k from 0 to a block."""
    decay: FloatArray = np.power(1.0 - smoothing, np.arange(BLOCK + 1), dtype=np.float64)
    return decay, 1.0 / decay


def _decayed_sum(values: FloatArray, clock: IntArray, smoothing: float) -> FloatArray:
    """Σ valuesⱼ·(1 − α)^(clockₜ − clockⱼ) over j ≤ t, along the last axis; `clock` rises by 0 or 1 a step.

    One weighted running sum per block stands for the step-by-step recursion.
    """
    decay, growth = _powers(smoothing)
    blocks: list[FloatArray] = []
    for start in range(0, values.shape[-1], BLOCK):
        ticks = clock[..., start : start + BLOCK]
        ticks = ticks - ticks[..., :1]
        weighted = values[..., start : start + BLOCK] * growth[ticks]
        if blocks:
            elapsed = clock[..., start] - clock[..., start - 1]
            weighted[..., 0] += blocks[-1][..., -1] * decay[elapsed]
        blocks.append(np.cumsum(weighted, axis=-1) * decay[ticks])
    return blocks[0] if len(blocks) == 1 else np.concatenate(blocks, axis=-1)


def _recent_mean(values: FloatArray, clock: IntArray, smoothing: float) -> FloatArray:
    """Mean of the values so far, weighted (1 − α)^age, along the last axis; `clock` counts from 1, and 0 gives 0."""
    return _decayed_sum(values, clock, smoothing) * _per_weight(smoothing, values.shape[-1])[clock]


@lru_cache(maxsize=16)
def _per_weight(smoothing: float, periods: int) -> FloatArray:
    """1 ÷ Σ (1 − α)^age over k values, for k from 0 (given as 1) to `periods`."""
    weight = (1 - (1 - smoothing) ** np.arange(periods + 1)) / smoothing
    weight[0] = 1.0
    return np.asarray(1.0 / weight)


def smooth(values: FloatArray, *, smoothing: float) -> float:
    """The level of simple exponential smoothing after the last value: s₀ = x₀; sₜ = sₜ₋₁ + α(xₜ − sₜ₋₁)."""
    level = float(values[0])
    for value in values[1:].tolist():
        level += smoothing * (value - level)
    return level


def croston(demand: FloatArray, *, smoothing: float = 0.1) -> float:
    """Mean demand per period: smoothed size of a sale over smoothed interval between sales. (Croston, 1972)

    The first interval counts from the start of the history. No sale at all gives 0.

    >>> round(croston(np.array([0.0, 0, 4, 0, 0, 0, 2, 0, 5, 0])), 6)
    1.311037
    """
    sales = np.flatnonzero(demand)
    if sales.size == 0:
        return 0.0
    intervals = np.diff(sales, prepend=-1).astype(np.float64)
    return smooth(demand[sales], smoothing=smoothing) / smooth(intervals, smoothing=smoothing)


def sba(demand: FloatArray, *, smoothing: float = 0.1) -> float:
    """Croston's forecast less its bias: × (1 − α/2). (Syntetos & Boylan, 2005)"""
    return (1 - smoothing / 2) * croston(demand, smoothing=smoothing)


def tsb(
    demand: FloatArray,
    *,
    size_smoothing: float = SIZE_SMOOTHING,
    probability_smoothing: float = PROBABILITY_SMOOTHING,
) -> float:
    """Mean demand per period: smoothed chance of a sale × smoothed size, both started at their first value.

    No sale at all gives 0. (Teunter, Syntetos & Babai, 2011)
    """
    sold = demand > 0
    if not sold.any():
        return 0.0
    chance = smooth(sold.astype(np.float64), smoothing=probability_smoothing)
    return chance * smooth(demand[sold], smoothing=size_smoothing)


def recent_level_path(demand: FloatArray) -> FloatArray:
    """The recent level of demand per period after each period: TSB with a start that does not linger.

    Chance and size of a sale are means of all that came so far, weighted by age, so that the first period weighs no
    more than its age says: with β = .05 the usual start still makes up a third of the level after twenty periods.
    """
    sold = demand > 0
    periods = np.arange(1, demand.shape[-1] + 1)
    chance = _recent_mean(sold.astype(np.float64), periods, PROBABILITY_SMOOTHING)
    return chance * _recent_mean(demand, np.cumsum(sold, axis=-1), SIZE_SMOOTHING)


@dataclass(frozen=True, slots=True)
class ForecastPath:
    """Running totals of demand, and the forecast mean per period after each period, along the last axis."""

    total: FloatArray
    """From 0, so one longer than the history."""
    mean: FloatArray

    @property
    def periods(self) -> int:
        return int(self.mean.shape[-1])


def forecast_path(demand: FloatArray) -> ForecastPath:
    """Half the long-run mean, half the recent level, after each period."""
    size = demand.shape[-1]
    total = np.zeros((*demand.shape[:-1], size + 1))
    np.cumsum(demand, axis=-1, out=total[..., 1:])
    mean = total[..., 1:] / np.arange(1, size + 1)
    mean += recent_level_path(demand)
    mean *= 0.5
    return ForecastPath(total, mean)


def first_origin(periods: int) -> int:
    """Known periods before the first forecast that is judged: eight, or half of a short history."""
    return min(LONGEST_START, periods // 2)


@dataclass(frozen=True, slots=True)
class ForecastErrors:
    """How far forecasts of demand over `horizon` periods missed, one after each period from `first` known ones on.

    `missed` is actual less forecast demand over the horizon, along the last axis.
    """

    horizon: int
    first: int
    missed: FloatArray

    @property
    def count(self) -> int:
        return int(self.missed.shape[-1])

    @property
    def mean_square(self) -> FloatArray:
        return np.asarray(np.einsum("...i,...i->...", self.missed, self.missed) / self.count)


def forecast_errors(path: ForecastPath, *, horizon: int) -> ForecastErrors:
    """Judge the forecast made after each period that has `horizon` periods to follow."""
    first, last = first_origin(path.periods), path.periods - horizon
    missed = path.total[..., first + horizon :] - path.total[..., first : last + 1]
    missed -= horizon * path.mean[..., first - 1 : last]
    return ForecastErrors(horizon, first, missed)


@dataclass(frozen=True, slots=True)
class ErrorVariance:
    """Mean square of past forecast errors, brought to the asked horizon."""

    variance: FloatArray
    horizon: float
    """The horizon at which the errors were measured."""
    count: int


def error_variance(path: ForecastPath, *, horizon: float) -> ErrorVariance:
    """Mean square of out-of-sample errors over `horizon` periods; a fraction is interpolated between whole horizons.

    A history too short for five such forecasts is judged at the longest horizon that has five, and the variance grown
    in proportion.
    """
    measured = min(horizon, max(1.0, float(path.periods - first_origin(path.periods) - FEWEST_ORIGINS + 1)))
    whole, count = floor(measured), 0
    variance = np.zeros(path.mean.shape[:-1])
    for steps, share in ((whole, 1 - (measured - whole)), (whole + 1, measured - whole)):
        if steps and share:
            errors = forecast_errors(path, horizon=steps)
            variance, count = variance + share * errors.mean_square, errors.count
    grown = variance * (horizon / measured) if measured else variance
    return ErrorVariance(np.asarray(grown), measured, count)
