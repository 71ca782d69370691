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
KEEPS = np.array([1.0, *(1 - smoothing for smoothing in SMOOTHING)])
ERROR_DECAY = 0.99
"""Weight that a past error loses with every period of age."""
PRIOR_WINDOWS = 1.0
"""Windows of independent demand that the measured errors are mixed with, so that one or two do not decide alone."""
BIAS_DOUBT = 3.0
"""A bias of t standard errors is corrected by 1 − 3/t²: not at all below √3, nearly whole from 8 on."""
MORE_THAN_ONE = 1 + 1e-6
"""Windows from which errors can be compared with each other; a single one says nothing of its chance."""
SMALLEST_SHARE = 0.1
"""Of the uncorrected mean: what a correction for over-forecasting leaves at least."""

PAIRS = tuple((one, two) for one in range(MEANS) for two in range(one, MEANS))
FIRST_OF_PAIR, SECOND_OF_PAIR = [one for one, _ in PAIRS], [two for _, two in PAIRS]

LONGEST_START = 8
BLOCK_PERIODS = 32
MOST_BLOCKS = 16
"""A history is cut into blocks of at least so many periods, and into at most so many blocks."""
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

    `sums` are products × points × mean forecasts: weight 1 for the long-run mean, (1 − SMOOTHING)^age for the recent
    ones, the last period before the point having age 0. `scales` turn them into means per period; `known` (products ×
    points) are the periods known at each point. Both have one row where all products have the same history length.
    """

    horizon: int
    sums: FloatArray
    scales: FloatArray
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
        return _columns(self.sums[:, -1] * self.scales[:, -1])

    @property
    def means_by_point(self) -> tuple[FloatArray, ...]:
        """The same as they were at each point, of the one product."""
        return tuple((self.sums[0] * self.scales[0]).T)


def _columns(table: FloatArray) -> tuple[FloatArray, ...]:
    return tuple(np.ascontiguousarray(table[:, index]) for index in range(table.shape[1]))


def grid(demand: Demand, *, periods: IntArray, horizon: int) -> Grid:
    """Sums at each point of `demand`, products × periods; `periods` are those known of each product, or of all.

    A history shorter than the block it comes in must be right-aligned, with zeros before its start.
    """
    sums = _grid_sums(demand, horizon)
    known = periods[:, None] - horizon * np.arange(sums.shape[1] - 1, -1, -1)
    return Grid(horizon, sums, _scales(demand.shape[1])[np.maximum(known, 0)], known)


@lru_cache(maxsize=64)
def _scales(longest: int) -> FloatArray:
    """Factors from sums to means after 0 … `longest` periods, × mean forecasts."""
    known = np.arange(longest + 1.0)
    known[0] = 1.0
    recent = (smoothing / -np.expm1(np.log1p(-smoothing) * known) for smoothing in SMOOTHING)
    return np.stack([1 / known, *recent], axis=1)


@lru_cache(maxsize=256)
def _block_weights(horizon: int, points: int, blocks: int) -> tuple[FloatArray, FloatArray]:
    """What each period of a block adds to the sums at each point in it, and what the sums at the ends of all blocks by
    themselves add to those at each point of the later ones. Columns are (blocks ×) points × mean forecasts."""
    after = horizon * np.arange(1, points + 1)
    age = after - 1 - np.arange(horizon * points)[:, None]
    within = np.where(age >= 0, KEEPS[:, None, None] ** np.maximum(age, 0), 0.0)
    passed = horizon * points * (np.arange(1, blocks) - 1 - np.arange(blocks)[:, None])
    lag = passed[:, :, None] + after
    across = np.where(passed[:, :, None] >= 0, KEEPS[:, None, None, None] ** np.maximum(lag, 0), 0.0)
    spread = across.transpose(1, 0, 2, 3)[..., None] * np.eye(MEANS)[:, None, None, :]
    return (
        np.ascontiguousarray(within.transpose(1, 2, 0).reshape(-1, points * MEANS)),
        spread.reshape(blocks * MEANS, -1),
    )


def _grid_sums(demand: Demand, horizon: int) -> FloatArray:
    """As two matrix products: of each block's periods by themselves, then of what the blocks before them amount to."""
    rows, periods = demand.shape
    points = -(-max(BLOCK_PERIODS, periods // MOST_BLOCKS) // horizon)
    width = horizon * points
    blocks = -(-periods // width)
    lead = blocks * width - periods
    within, across = _block_weights(horizon, points, blocks)
    columns = np.empty((rows, blocks * width))
    columns[:, :lead] = 0.0
    columns[:, lead:] = demand
    sums = _multiply(columns.reshape(-1, width), within).reshape(rows, blocks, -1)
    if blocks > 1:
        ends = np.ascontiguousarray(sums[:, :, -MEANS:]).reshape(rows, -1)
        sums[:, 1:] += _multiply(ends, across).reshape(rows, blocks - 1, -1)
    return sums.reshape(rows, -1, MEANS)[:, lead // horizon :]


def _multiply(left: FloatArray, right: FloatArray) -> FloatArray:
    rows = max(1, SMALL_PRODUCT // right.size)
    if len(left) <= rows:
        return np.asarray(left @ right)
    product = np.empty((len(left), right.shape[1]))
    for start in range(0, len(left), rows):
        np.matmul(left[start : start + rows], right, out=product[start : start + rows])
    return product


@dataclass(frozen=True, slots=True)
class ErrorMoments:
    """Weighted means of past errors, of each mean forecast and of each product of two; over products or over points.

    `windows` says how many equally weighty errors weigh as much as all of them.
    """

    bias: tuple[FloatArray, ...]
    products: tuple[tuple[FloatArray, ...], ...]
    windows: FloatArray


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


def moments_by_point(grid: Grid) -> ErrorMoments:
    """Of one product, as they were known at each point of the grid; at the first nothing was.

    Errors whose weight has faded to nothing are left out of the running sums.
    """
    counted = _counted(grid)
    errors = np.concatenate(_weighted_errors(grid, counted))
    faded = max(0, errors.shape[1] - LONGEST_FADE // grid.horizon)
    age = grid.horizon * np.maximum(np.arange(errors.shape[1], dtype=np.float64) - faded, 0.0)
    growth = ERROR_DECAY**-age
    growth[:faded] = 0.0
    grown, held = errors * growth, counted * growth
    running = np.zeros((MEANS + len(PAIRS) + 2, errors.shape[1] + 1))
    rows = np.concatenate([grown, grown[FIRST_OF_PAIR] * errors[SECOND_OF_PAIR], held, held * growth])
    np.cumsum(rows, axis=1, out=running[:, 1:])
    fade = np.append(1.0, ERROR_DECAY**age)
    total = np.maximum(running[-2] * fade, np.finfo(float).tiny)
    *moments, _, _ = running * (fade / total)
    windows = (running[-2] * fade) ** 2 / np.maximum(running[-1] * fade**2, np.finfo(float).tiny)
    products = dict(zip(PAIRS, moments[MEANS:], strict=True))
    return ErrorMoments(tuple(moments[:MEANS]), _symmetric(lambda one, two: products[one, two]), windows)


def _weighted_errors(grid: Grid, weight: FloatArray) -> list[FloatArray]:
    """Demand over the horizon after each origin less its forecast there, × weight; products × origins per forecast."""
    actual = grid.sums[:, 1:, 0] - grid.sums[:, :-1, 0]
    actual *= weight
    errors = []
    for index in range(MEANS):
        error = grid.sums[:, :-1, index] * (grid.scales[:, :-1, index] * (-grid.horizon * weight))
        error += actual
        errors.append(error)
    return errors


def _counted(grid: Grid) -> FloatArray:
    """1 at origins with enough history behind them, else 0."""
    return (grid.known[:, :-1] >= first_origin(grid.known[:, -1:])).astype(np.float64)


def running_statistics(demand: FloatArray, known: IntArray) -> tuple[FloatArray, FloatArray]:
    """Mean and sample variance of the first `known` periods of one product; summed about the overall mean.

    Fewer than two periods have no variance, and none no mean; both are given as 0.
    """
    centre = demand.mean()
    total = np.zeros((2, demand.size + 1))
    total[0, 1:] = demand - centre
    np.square(total[0], out=total[1])
    np.cumsum(total, axis=1, out=total)
    sums, squares = total[:, np.maximum(known, 0)]
    mean = sums / np.maximum(known, 1)
    variance = np.maximum(squares - sums * mean, 0.0) / np.maximum(known - 1, 1)
    return np.where(known > 0, centre + mean, 0.0), variance


def _symmetric(product: Callable[[int, int], FloatArray]) -> tuple[tuple[FloatArray, ...], ...]:
    upper = {pair: product(*pair) for pair in PAIRS}
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
    believed = (windows > MORE_THAN_ONE) & (seen > noise)
    return np.asarray(np.where(believed, 1 - noise / np.where(believed, seen, 1.0), 0.0))
