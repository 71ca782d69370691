"""Demand over an interval, forecast from its history and judged by what such forecasts missed in the past.

Three means are forecast at every past origin: the long-run mean and exponentially weighted means of the last weeks and
of the last days. Each is weighed by how little it missed. The combination is corrected for a bias that stands out from
the noise, and its mean square error is the variance. Everything is a sum over products × origins, so one product and a
block of a catalogue run through the same lines. Pure; units per period and periods throughout.
"""

from dataclasses import dataclass

import numpy as np

from tools.planning.demand_distribution import FloatArray
from tools.planning.forecast_frame import MEANS, SMALLEST, TIMES, Frame, Trust, pairs_of
from tools.planning.forecast_grid import Grid

SMALLEST_SHARE = 0.1
"""Of the uncorrected mean: what a correction for over-forecasting leaves at least."""


@dataclass(slots=True)
class ErrorMoments:
    """What past errors amount to, for products (or points)."""

    bias: FloatArray
    """Weighted mean error per period of each mean forecast."""
    products: FloatArray
    """What the weighted mean product of each of `pairs_of` adds to the variance per period: as often as it stands in
    the square of a sum, and as far as it is believed."""
    trust: Trust


def newest_moments(grid: Grid) -> ErrorMoments:
    """Of each product, as known at the end of its history."""
    frame = grid.frame
    after, before = frame.weighted
    total = grid.sums[0]
    errors = grid.sums[:, :, :-1] * before
    errors += (total[:, 1:] - total[:, :-1]) * after
    bias = np.vecdot(errors, frame.root_weight) / frame.total_weight
    products = np.concatenate([np.vecdot(errors[: MEANS - apart], errors[apart:]) for apart in range(MEANS)])
    return ErrorMoments(bias, products * (TIMES * frame.trust.measured / frame.total_weight), frame.trust)


def moments_by_point(grid: Grid) -> ErrorMoments:
    """Of one product, as they were known at each point of the grid; at the first nothing was."""
    frame, sums = grid.frame, grid.sums[:, 0]
    after, before = frame.plain
    errors = sums[:, :-1] * before
    errors += (sums[0, 1:] - sums[0, :-1]) * after
    return running_moments(errors, frame)


def running_moments(errors: FloatArray, frame: Frame) -> ErrorMoments:
    """Of errors per period, mean forecasts × origins, as they were known at each point; 0 at origins that do not count.

    Errors whose weight has faded to nothing are left out of the running sums.
    """
    means = len(errors)
    first, second, times = pairs_of(means)
    share, trust = frame.running
    running = np.zeros((means + first.size, share.size))
    grown = np.multiply(errors, frame.growth, out=running[:means, 1:])
    np.multiply(grown.take(first, axis=0), errors.take(second, axis=0), out=running[means:, 1:])
    np.add.accumulate(running, axis=1, out=running)
    running *= share
    return ErrorMoments(running[:means], running[means:] * (times * trust.measured), trust)


def running_variance(demand: FloatArray, frame: Frame, *, centre: float) -> FloatArray:
    """Sample variance of one product as known at each point; summed about `centre`, its overall mean.

    Fewer than two periods have no variance, which is given as 0.
    """
    known = frame.known[0]
    deviation = np.empty((2, demand.size))
    np.subtract(demand, centre, out=deviation[0])
    np.square(deviation[0], out=deviation[1])
    total = np.add.reduceat(deviation, np.append(0, known[:-1]), axis=1)
    sums, squares = np.add.accumulate(total, axis=1, out=total)
    return np.asarray(np.maximum(squares - sums * sums / known, 0.0) / np.maximum(known - 1.0, 1.0))


@dataclass(slots=True)
class RateForecast:
    """Mean demand and variance of demand over a horizon, both per period; of products or of points."""

    mean: FloatArray
    uncorrected: FloatArray
    """The weighted mean before the correction of its bias."""
    weights: FloatArray
    """Of each mean forecast: the long-run mean, the recent means in the order of `SMOOTHING`, a trend; × products."""
    variance: FloatArray
    doubt: FloatArray
    """The share of the bias that is left uncorrected: 2.5 ÷ the square of its standard errors."""


def combine(*, means: FloatArray, moments: ErrorMoments, variance: FloatArray, horizon: int) -> RateForecast:
    """Weigh the mean forecasts by how little they missed, correct what bias is beyond doubt, and judge the rest.

    `means` are demand per period (mean forecasts × products), `variance` that of demand in one period, which stands
    for errors not yet made. Weights ∝ 1/(mean square error)² (after Bates & Granger, 1969); the bias b of standard
    error s is corrected by (1 − 2.5·s²/b²)⁺·b (positive-part shrinkage: James & Stein, 1961).
    """
    trust = moments.trust
    prior = variance * trust.prior
    first, second, _ = pairs_of(len(means))
    weights = _weights(moments.products[: len(means)] + prior, means[0], horizon)
    mean, bias = np.add.reduce(weights * means), np.add.reduce(weights * moments.bias)
    pairs = weights.take(first, axis=0)
    pairs *= weights.take(second, axis=0)
    pairs *= moments.products
    certain = bias * bias * trust.measured
    chance = np.maximum(np.add.reduce(pairs) - certain, SMALLEST)
    doubt = chance / np.maximum(trust.others * certain, chance)
    corrected = np.maximum(mean + (1 - doubt) * bias, SMALLEST_SHARE * mean)
    return RateForecast(corrected, mean, weights, chance + doubt * doubt * certain + prior, doubt)


def _weights(missed: FloatArray, mean: FloatArray, horizon: int) -> FloatArray:
    """∝ 1/missed², where an error below a millionth of the demand forecast counts as that."""
    squares = np.maximum(missed, mean * mean * (1e-12 * horizon) + SMALLEST)
    relative = np.square(np.minimum.reduce(squares) / squares)
    return np.asarray(relative / np.add.reduce(relative))
