"""Published forecasts of mean demand where most periods have none: Croston and SBA. Pure."""

import numpy as np

from tools.planning.demand_distribution import FloatArray


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
