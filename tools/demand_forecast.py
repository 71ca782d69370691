"""Demand over an interval, forecast from its history and judged by what such forecasts missed in the past.

Three means are forecast at every past origin: the long-run mean and exponentially weighted means of the last weeks and
of the last days. Each is weighed by how little it missed, the combination is corrected for a bias that stands out from
the noise, and its mean square error is the variance. Everything is a sum over products × origins, so that one product
and a block of a catalogue run through the same lines. Pure; units per period and periods throughout.

Origins lie on a grid that ends with the history, a horizon apart: the intervals compared do not overlap, and sums
between grid points are all that is needed.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from tools.demand_distribution import FloatArray, IntArray

Demand: TypeAlias = NDArray[np.float32] | FloatArray

SMOOTHING = (0.05, 0.2)
"""Of the two exponentially weighted means; the third mean forecast is the long-run mean."""
MEANS = 1 + len(SMOOTHING)
KEEPS = (1.0, *(1 - smoothing for smoothing in SMOOTHING))
ERROR_DECAY = 0.99
"""Weight that a past error loses with every period of age."""
PRIOR_WINDOWS = 1.0
"""Windows of independent demand that the measured errors are mixed with, so that one or two do not decide alone."""
BIAS_DOUBT = 3.0
"""A bias of t standard errors is corrected by 1 − 3/t²: not at all below √3, nearly whole from 8 on."""
SMALLEST_SHARE = 0.1
"""Of the uncorrected mean: what a correction for over-forecasting leaves at least."""

LONGEST_START = 8
BLOCK_PERIODS = 64
SMALL_PRODUCT = 200_000
"""Multiplications below which BLAS stays on its own thread; larger products are cut, and threads are the caller's."""


LONGEST_FADE = 20_000
"""Periods after which an error weighs less than 1e-87."""


def first_origin(periods: IntArray) -> IntArray:
    """Known periods before the first forecast that is judged: eight, or half of a short history."""
    return np.minimum(LONGEST_START, periods // 2)


def measured_horizon(interval: float) -> int:
    """Whole periods ahead over which errors are measured."""
    return max(1, int(interval + 0.5))


@dataclass(frozen=True, slots=True)
class Grid:
    """Points `horizon` periods apart that end with the history, and the sums of all demand before each of them.

    `sums` holds products × points for each mean forecast: weight 1 for the long-run mean, (1 − SMOOTHING)^age for the
    recent ones, the last period before the point having age 0. `scales` turns them into means per period; `known` are
    the periods known at each point. Those two have one row where all products have the same history length.
    """

    horizon: int
    sums: tuple[FloatArray, ...]
    scales: tuple[FloatArray, ...]
    known: IntArray

    @property
    def points(self) -> int:
        return int(self.known.shape[1])

    @property
    def judged(self) -> int:
        """How many origins count, of the one product."""
        return int(_counted(self).sum())

    @property
    def means(self) -> tuple[FloatArray, ...]:
        """Mean demand per period of each product by each mean forecast, at the end of the history."""
        return tuple(sums[:, -1] * scales[:, -1] for sums, scales in zip(self.sums, self.scales, strict=True))


def grid(demand: Demand, *, periods: IntArray, horizon: int) -> Grid:
    """Sums at each point of `demand`, products × periods; `periods` are those known of each product, or of all.

    A history shorter than the block it comes in must be right-aligned, with zeros before its start.
    """
    sums = _grid_sums(demand, horizon)
    known = periods[:, None] - horizon * np.arange(sums[0].shape[1] - 1, -1, -1)
    scales = _scales(demand.shape[1])
    return Grid(horizon, sums, tuple(scale[np.maximum(known, 0)] for scale in scales), known)


@lru_cache(maxsize=64)
def _scales(longest: int) -> tuple[FloatArray, ...]:
    """Factors from sums to means after 0 … `longest` periods, for each mean forecast."""
    known = np.arange(longest + 1.0)
    known[0] = 1.0
    recent = (smoothing / -np.expm1(np.log1p(-smoothing) * known) for smoothing in SMOOTHING)
    return (1 / known, *recent)


@lru_cache(maxsize=256)
def _block_weights(horizon: int) -> tuple[FloatArray, ...]:
    """What each period of a block, and the sum before it, add to the sums at each point in it; for each forecast."""
    points = max(1, BLOCK_PERIODS // horizon)
    after = horizon * np.arange(1, points + 1)
    age = np.append(after[None] - 1 - np.arange(horizon * points)[:, None], after[None], axis=0)
    return tuple(np.where(age >= 0, keep ** np.maximum(age, 0), 0.0) for keep in KEEPS)


def _grid_sums(demand: Demand, horizon: int) -> tuple[FloatArray, ...]:
    """Block by block, as a matrix product: its periods, and as the last column the sum at its start."""
    weights = _block_weights(horizon)
    width, points = weights[0].shape[0] - 1, weights[0].shape[1]
    blocks = -(-demand.shape[1] // width)
    lead = blocks * width - demand.shape[1]
    columns = np.empty((len(demand), blocks, width + 1))
    columns[:, 0, :lead] = 0.0
    columns[:, 0, lead:width] = demand[:, : width - lead]
    columns[:, 1:, :width] = demand[:, width - lead :].reshape(len(demand), blocks - 1, width)
    sums = tuple(np.empty((len(demand), blocks * points)) for _ in weights)
    for weight, total in zip(weights, sums, strict=True):
        columns[:, 0, width] = 0.0
        for block in range(blocks):
            end = (block + 1) * points
            _multiply(columns[:, block], weight, total[:, end - points : end])
            if block + 1 < blocks:
                columns[:, block + 1, width] = total[:, end - 1]
    return tuple(total[:, lead // horizon :] for total in sums)


def _multiply(left: FloatArray, right: FloatArray, product: FloatArray) -> None:
    rows = max(1, SMALL_PRODUCT // right.size)
    for start in range(0, len(left), rows):
        np.matmul(left[start : start + rows], right, out=product[start : start + rows])


@dataclass(frozen=True, slots=True)
class ErrorMoments:
    """Weighted means of past errors, of each mean forecast and of each product of two; over products or over points.

    `windows` says how many equally weighty errors weigh as much as all of them.
    """

    bias: tuple[FloatArray, ...]
    products: tuple[tuple[FloatArray, ...], ...]
    windows: FloatArray

    def at(self, chosen: IntArray) -> "ErrorMoments":
        """Those of the chosen points only."""
        products = tuple(tuple(product[chosen] for product in row) for row in self.products)
        return ErrorMoments(tuple(bias[chosen] for bias in self.bias), products, self.windows[chosen])


def newest_moments(grid: Grid) -> ErrorMoments:
    """Of each product, as known at the end of its history."""
    counted = _counted(grid)
    root = ERROR_DECAY ** (grid.horizon / 2 * np.arange(counted.shape[1] - 1, -1, -1.0))
    held = counted * root**2
    total = held.sum(axis=1)
    divisor = np.maximum(total, np.finfo(float).tiny)
    errors = _weighted_errors(grid, counted * root)
    bias = tuple(error @ root / divisor for error in errors)
    products = _symmetric(lambda one, two: np.vecdot(errors[one], errors[two]) / divisor)
    windows = _windows(total, (held * held).sum(axis=1))
    return ErrorMoments(bias, products, np.broadcast_to(windows, bias[0].shape))


def moments_by_origin(grid: Grid) -> ErrorMoments:
    """Of one product, as they were known when the outcome of each origin's forecast was, oldest first.

    Errors whose weight has faded to nothing are left out of the running sums, and their origins are not reported.
    """
    counted = _counted(grid)
    first = max(0, counted.shape[1] - LONGEST_FADE // grid.horizon)
    age = grid.horizon * np.arange(counted.shape[1] - first, dtype=np.float64)
    growth, fade = ERROR_DECAY**-age, ERROR_DECAY**age
    errors = [error[0, first:] for error in _weighted_errors(grid, counted)]
    held = np.cumsum(counted[0, first:] * growth) * fade
    squared = np.cumsum(counted[0, first:] * growth**2) * fade**2
    scale = fade / np.maximum(held, np.finfo(float).tiny)
    grown = [error * growth for error in errors]
    bias = tuple(np.cumsum(error) * scale for error in grown)
    products = _symmetric(lambda one, two: np.cumsum(grown[one] * errors[two]) * scale)
    return ErrorMoments(bias, products, _windows(held, squared))


def _weighted_errors(grid: Grid, weight: FloatArray) -> list[FloatArray]:
    """Demand over the horizon after each origin less its forecast there, × weight; products × origins per forecast."""
    actual = grid.sums[0][:, 1:] - grid.sums[0][:, :-1]
    actual *= weight
    errors = []
    for sums, scales in zip(grid.sums, grid.scales, strict=True):
        error = sums[:, :-1] * (scales[:, :-1] * (-grid.horizon * weight))
        error += actual
        errors.append(error)
    return errors


def _counted(grid: Grid) -> FloatArray:
    """1 at origins with enough history behind them, else 0."""
    return (grid.known[:, :-1] >= first_origin(grid.known[:, -1:])).astype(np.float64)


def _symmetric(product: Callable[[int, int], FloatArray]) -> tuple[tuple[FloatArray, ...], ...]:
    upper = {(one, two): product(one, two) for one in range(MEANS) for two in range(one, MEANS)}
    return tuple(tuple(upper[min(one, two), max(one, two)] for two in range(MEANS)) for one in range(MEANS))


def _windows(held: FloatArray, squared: FloatArray) -> FloatArray:
    return np.asarray(held**2 / np.maximum(squared, np.finfo(float).tiny))


@dataclass(frozen=True, slots=True)
class RateForecast:
    """Mean demand and variance of demand over a horizon, both per period."""

    mean: FloatArray
    uncorrected: FloatArray
    """The weighted mean before the correction of its bias."""
    weights: tuple[FloatArray, ...]
    """Of the long-run mean and the recent means, in the order of `SMOOTHING`."""
    variance: FloatArray
    windows: FloatArray


def combine(*, means: Sequence[FloatArray], moments: ErrorMoments, variance: FloatArray, horizon: int) -> RateForecast:
    """Weigh the mean forecasts by how little they missed, correct what bias is beyond doubt, and judge the rest.

    `means` are demand per period by each mean forecast, `variance` that of demand in one period, which stands for
    errors not yet made. Weights ∝ 1/(mean square error)² (after Bates & Granger, 1969); the bias b of standard error s
    is corrected by (1 − 3·s²/b²)⁺·b (positive-part shrinkage: James & Stein, 1961).
    """
    share = moments.windows / (moments.windows + PRIOR_WINDOWS)
    prior = (1 - share) * variance * horizon
    weights = _weights([share * moments.products[index][index] + prior for index in range(MEANS)], horizon * means[0])
    mean = horizon * _weighted(weights, means)
    bias = _weighted(weights, moments.bias)
    square = _weighted(weights, [_weighted(weights, row) for row in moments.products])
    belief = _belief(bias, square, moments.windows)
    corrected = np.maximum(mean + belief * bias, SMALLEST_SHARE * mean)
    spread = share * np.maximum(square - belief * (2 - belief) * bias**2, 0.0) + prior
    return RateForecast(corrected / horizon, mean / horizon, weights, spread / horizon, moments.windows)


def _weighted(weights: Sequence[FloatArray], values: Sequence[FloatArray]) -> FloatArray:
    total = weights[0] * values[0]
    for weight, value in zip(weights[1:], values[1:], strict=True):
        total += weight * value
    return total


def _weights(missed: Sequence[FloatArray], expected: FloatArray) -> tuple[FloatArray, ...]:
    floor = 1e-12 * expected**2 + np.finfo(float).tiny
    squares = [np.maximum(square, floor) for square in missed]
    least = squares[0]
    for square in squares[1:]:
        least = np.minimum(least, square)
    relative = [np.square(least / square) for square in squares]
    total = relative[0] + relative[1] + relative[2]
    return tuple(part / total for part in relative)


def _belief(bias: FloatArray, square: FloatArray, windows: FloatArray) -> FloatArray:
    """The share of a bias that is corrected: 1 − 3/t², or none where chance hides it."""
    noise = BIAS_DOUBT * np.maximum(square - bias**2, 0.0)
    seen = (windows - 1) * bias**2
    believed = (windows > 1) & (seen > noise)
    return np.asarray(np.where(believed, 1 - noise / np.where(believed, seen, 1.0), 0.0))
