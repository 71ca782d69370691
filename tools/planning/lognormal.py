"""The lognormal distribution of demand in whole units over an interval, for numbers and arrays alike.

Demand that past forecasts missed by much has a long tail: of the shapes with the same mean and variance, the lognormal
covered the asked share of real intervals with the least stock (docs/method.md). σ² = ln(1 + variance/mean²). The median
is mean·exp(−σ²/4), half as far below the mean as it would be if the mean were certain: a forecast of an erratic demand
is itself too low about as often as too high. Whole units by continuity correction: P(D ≤ k) = F(k + ½).
"""

from math import ceil, erfc, exp, floor, log, log1p, sqrt

import numpy as np
from numpy.typing import NDArray
from scipy import special

Array = NDArray[np.float64]
Values = float | Array

SMALLEST = float(np.finfo(float).tiny)
"""Replaces a level of 0 or below, whose logarithm does not exist."""
ROOT_HALF = sqrt(0.5)
MEDIAN_SHARE = 0.25
"""Of σ², by which the log of the median lies below the log of the mean."""


def lognormal_cdf(*, level: Values, mean: Values, variance: Values) -> Values:
    """P(D ≤ level); 0 below 0. Plain floats give a float, at a fraction of an array's cost."""
    if isinstance(level, float) and isinstance(mean, float) and isinstance(variance, float):
        return _cdf_of_one(level, mean, variance)
    return lognormal_chance_below(np.floor(level) + 1, mean=mean, variance=variance)


def lognormal_chance_below(units: Values, *, mean: Values, variance: Values) -> Array:
    """P(D < units), which are whole."""
    square = np.log1p(variance / np.square(mean))
    above = np.log(np.maximum((units - 0.5) / mean, SMALLEST)) + MEDIAN_SHARE * square
    return np.asarray(special.ndtr(above / np.sqrt(square)))


def _cdf_of_one(level: float, mean: float, variance: float) -> float:
    if level < 0:
        return 0.0
    square = log1p(variance / (mean * mean))
    above = log((floor(level) + 0.5) / mean) + MEDIAN_SHARE * square
    return _normal_cdf(above / sqrt(square))


def _normal_cdf(z: float) -> float:
    """Φ(z), without NumPy's way to a single number."""
    return 0.5 * erfc(-z * ROOT_HALF)


def lognormal_quantile(*, probability: Values, mean: Values, variance: Values) -> Values:
    """Smallest whole level with P(D ≤ level) ≥ probability. Numbers as in the cdf.

    >>> float(lognormal_quantile(probability=0.95, mean=40.0, variance=900.0))
    107.0
    """
    if isinstance(probability, float) and isinstance(mean, float) and isinstance(variance, float):
        return _quantile_of_one(probability, mean, variance)
    return lognormal_quantile_at(special.ndtri(probability), mean=mean, variance=variance)


def _quantile_of_one(probability: float, mean: float, variance: float) -> float:
    square = log1p(variance / (mean * mean))
    level = mean * exp(float(special.ndtri(probability)) * sqrt(square) - MEDIAN_SHARE * square)
    return max(float(ceil(level - 0.5)), 0.0)


def lognormal_quantile_at(z: Values, *, mean: Values, variance: Values) -> Array:
    """`lognormal_quantile` where the standard normal quantile is at hand."""
    square = np.log1p(variance / np.square(mean))
    level = mean * np.exp(z * np.sqrt(square) - MEDIAN_SHARE * square)
    return np.maximum(np.ceil(level - 0.5), 0.0)


def lognormal_expected_shortage(*, level: Values, mean: Values, variance: Values) -> Values:
    """E[(D − level)⁺], scaled so that no stock at all leaves the mean unserved. Numbers as in the cdf.

    The integral of the continuous tail, in terms of the tail's own mean, stands for the sum over whole units of
    P(D > k). (Snyder & Shen, 2019, appendix C, lognormal)
    """
    if isinstance(level, float) and isinstance(mean, float) and isinstance(variance, float):
        return _shortage_of_one(level, mean, variance)
    square = np.log1p(variance / np.square(mean))
    sd = np.sqrt(square)
    whole = np.asarray(mean * np.exp((0.5 - MEDIAN_SHARE) * square))
    distance = (np.log(np.maximum(level / mean, SMALLEST)) + MEDIAN_SHARE * square) / sd
    unserved = special.ndtr(sd - distance) - level / whole * special.ndtr(-distance)
    return np.where(np.less_equal(level, 0), mean - level, mean * np.maximum(unserved, 0.0))


def _shortage_of_one(level: float, mean: float, variance: float) -> float:
    if level <= 0:
        return mean - level
    square = log1p(variance / (mean * mean))
    sd = sqrt(square)
    distance = (log(max(level / mean, SMALLEST)) + MEDIAN_SHARE * square) / sd
    whole = mean * exp((0.5 - MEDIAN_SHARE) * square)
    unserved = _normal_cdf(sd - distance) - level / whole * _normal_cdf(-distance)
    return mean * max(unserved, 0.0)
