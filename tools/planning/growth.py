"""Steady growth: what a history says of it, and past means led on by it. Pure.

Where the newer half of a history of n periods has sold r times as much as the older, demand has grown by ln(r) ÷ (n/2)
a period. The middle of a mean lies in the past; what it would be for the interval to come follows from the growth
since.
"""

import numpy as np

from tools.planning.demand_distribution import SMALLEST, FloatArray, IntArray
from tools.planning.forecast_frame import BIAS_DOUBT, SMOOTHING

FEWEST_OF_HALF = 4
"""Periods in half of a history, of which growth can be told."""
MOST_LED = 1.5
"""Times the largest period, to which a mean may be led on."""
STEADY = 1e-9
"""Loss of weight a period, below which all periods weigh the same."""


def growth_rates(demand: FloatArray, known: IntArray) -> FloatArray:
    """Of the logarithm of demand, per period, as it was known after so many periods.

    Chance moves halves, too: with d the logarithm of their ratio and s its standard error, (1 − 2.5·s²/d²)⁺ of d is
    kept (positive-part shrinkage: James & Stein, 1961).

    >>> growth_rates(np.exp(0.02 * np.arange(40.0)), np.array([4, 40])).round(4).tolist()
    [0.0, 0.0196]
    """
    sums = np.zeros((2, demand.size + 1))
    np.add.accumulate(np.stack([demand, np.square(demand)]), axis=1, out=sums[:, 1:])
    half = known // 2
    older, newer = sums[:, half], sums[:, known] - sums[:, known - half]
    told = (half >= FEWEST_OF_HALF) & (older[0] > 0) & (newer[0] > 0)
    periods = np.maximum(half, 1)
    ratio = np.log(np.where(told, newer[0], 1.0) / np.where(told, older[0], 1.0))
    chance = _relative_error(older, periods) + _relative_error(newer, periods)
    square = np.square(ratio)
    kept = np.maximum(square - BIAS_DOUBT * chance, 0.0) / np.maximum(square, SMALLEST)
    return np.asarray(kept * ratio / np.maximum(known - half, 1))


def _relative_error(sums: FloatArray, periods: IntArray) -> FloatArray:
    """Square of the standard error of a mean ÷ the mean, by the sums of demand and of its square."""
    return np.asarray(np.maximum(sums[1] * periods / np.maximum(np.square(sums[0]), SMALLEST) - 1, 0.0) / periods)


def led_on(means: FloatArray, growth: FloatArray, *, known: IntArray, horizon: int, most: FloatArray) -> FloatArray:
    """The long-run mean and the recent ones after so many known periods, led on to the `horizon` periods to come.

    `means` are mean forecasts × points; `growth`, `known` and `most`, the demand of the largest period, are of each
    point. No mean is led on to more than half as much again as the largest: growth that was steep has often ended.

    >>> steady, known = np.array([[100.0], [100.0], [100.0]]), np.array([40])
    >>> led_on(steady, np.array([0.02]), known=known, horizon=2, most=np.array([150.0])).round(1).T.tolist()
    [[148.2, 131.2, 111.2]]
    """
    ahead = np.exp(growth[:, None] * (1 + np.arange(horizon))).mean(axis=1)
    keeps = np.array([1.0, *(1 - smoothing for smoothing in SMOOTHING)])[:, None]
    led = means * _total_weight(keeps, known) / _total_weight(keeps * np.exp(-growth), known) * ahead
    return np.asarray(np.minimum(led, MOST_LED * most))


def _total_weight(keep: FloatArray, known: IntArray) -> FloatArray:
    """Of so many periods, of which each weighs `keep` times as much as the next: 1 + keep + keep² + …"""
    lost = 1 - keep
    steady = np.abs(lost) < STEADY
    return np.where(steady, known, (1 - keep**known) / np.where(steady, 1.0, lost))
