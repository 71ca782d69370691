"""Demand over an interval, forecast from its history and judged by what such forecasts missed in the past.

Three means are forecast at every past origin: the long-run mean and exponentially weighted means of the last weeks and
of the last days. Each is weighed by how little it missed, the combination is corrected for a bias that stands out from
the noise, and its mean square error is the variance. Everything is a sum over products × origins, so that one product
and a block of a catalogue run through the same lines. Pure; units per period and periods throughout.

Origins lie on a grid that ends with the history, half a horizon apart (a whole one where the horizon is odd), so that
sums between grid points are all that is needed.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from tools.demand_distribution import FloatArray, IntArray

SMOOTHING = (0.05, 0.2)
"""Of the two exponentially weighted means; the third mean forecast is the long-run mean."""
MEANS = 1 + len(SMOOTHING)
ERROR_DECAY = 0.99
"""Weight that a past error loses with every period of age."""
PRIOR_WINDOWS = 1.0
"""Windows of independent demand that the measured errors are mixed with, so that one or two do not decide alone."""
BIAS_DOUBT = 2.0
"""A bias of t standard errors is corrected by 1 − 2/t²: not at all below √2, nearly whole from 6 on."""
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


def grid_step(horizon: int) -> int:
    """Periods between two origins."""
    return horizon // 2 if horizon % 2 == 0 else horizon


@dataclass(frozen=True, slots=True)
class Grid:
    """Points `step` periods apart that end with the history, and the sums of all demand before each of them.

    `sums` are mean forecasts × points × products: weight 1 for the long-run mean, (1 − SMOOTHING)^age for the recent
    ones, the last period before the point having age 0. `scales` turns them into means per period; `known` are the
    periods known at each point; both have a last axis of one where all products have the same history length.
    """

    step: int
    sums: FloatArray
    scales: FloatArray
    known: IntArray

    def origins(self, horizon: int) -> int:
        """How many points, from the first on, have `horizon` periods after them."""
        return max(0, int(self.sums.shape[1]) - horizon // self.step)

    def judged(self, horizon: int) -> int:
        """How many origins count, of the one product."""
        return int(_counted(self, self.origins(horizon)).sum())

    @property
    def means(self) -> FloatArray:
        """Mean demand per period as forecast at the end of the history: mean forecasts × products."""
        return np.asarray(self.sums[:, -1] * self.scales[:, -1])


def grid(demand: FloatArray, *, periods: IntArray, step: int) -> Grid:
    """Sums at each point of `demand`, products × periods; `periods` are those known of each product, or of all.

    A history shorter than the block it comes in must be right-aligned, with zeros before its start.
    """
    sums = _grid_sums(demand, step)
    known = periods - step * np.arange(sums.shape[1] - 1, -1, -1)[:, None]
    scales = _scales(demand.shape[1])[:, np.maximum(known, 0)]
    return Grid(step, sums, scales, known)


@lru_cache(maxsize=64)
def _scales(longest: int) -> FloatArray:
    """Factors from sums to means after 0 … `longest` periods; mean forecasts × periods."""
    known = np.arange(1.0, longest + 1)
    scales = np.ones((MEANS, longest + 1))
    scales[0, 1:] = 1 / known
    for index, smoothing in enumerate(SMOOTHING, start=1):
        scales[index, 1:] = smoothing / -np.expm1(np.log1p(-smoothing) * known)
    return scales


KEEPS = np.array([1.0, *(1 - smoothing for smoothing in SMOOTHING)])


@lru_cache(maxsize=256)
def _block_weights(step: int) -> tuple[FloatArray, FloatArray]:
    """What each period of a block adds to the sums at each point in it, (mean forecasts · points) × periods; and what
    the sums at the end of the block before still weigh at each point, mean forecasts × points × 1."""
    points = max(1, BLOCK_PERIODS // step)
    after = step * np.arange(1, points + 1)
    age = after[:, None] - 1 - np.arange(step * points)
    weights = np.where(age >= 0, KEEPS[:, None, None] ** np.maximum(age, 0), 0.0)
    return weights.reshape(MEANS * points, -1), KEEPS[:, None, None] ** after[:, None]


def _grid_sums(demand: FloatArray, step: int) -> FloatArray:
    weights, fade = _block_weights(step)
    points, width = fade.shape[1], weights.shape[1]
    blocks = -(-demand.shape[1] // width)
    lead = blocks * width - demand.shape[1]
    sums = np.empty((MEANS, blocks * points, len(demand)))
    for block in range(blocks):
        start = block * width - lead
        part = sums[:, block * points : (block + 1) * points]
        local = _multiply(weights[:, max(0, -start) :], demand[:, max(0, start) : start + width].T)
        np.copyto(part, local.reshape(part.shape))
        if block:
            part += fade * sums[:, block * points - 1, None]
    return sums[:, lead // step :]


def _multiply(left: FloatArray, right: FloatArray) -> FloatArray:
    columns = max(1, SMALL_PRODUCT // left.size)
    if right.shape[1] <= columns:
        return np.asarray(left @ right)
    product = np.empty((len(left), right.shape[1]))
    for start in range(0, right.shape[1], columns):
        np.matmul(left, right[:, start : start + columns], out=product[:, start : start + columns])
    return product


@dataclass(frozen=True, slots=True)
class ErrorMoments:
    """Weighted means of past errors, of each mean forecast and of each product of two, over products or over points.

    `windows` says how many non-overlapping errors weigh as much as all of them.
    """

    bias: FloatArray
    products: tuple[tuple[FloatArray, ...], ...]
    windows: FloatArray

    def at(self, chosen: IntArray) -> "ErrorMoments":
        """Those of the chosen points only."""
        products = tuple(tuple(product[chosen] for product in row) for row in self.products)
        return ErrorMoments(self.bias[:, chosen], products, self.windows[chosen])


def newest_moments(grid: Grid, *, horizon: int) -> ErrorMoments:
    """Of each product, as known at the end of its history."""
    origins = grid.origins(horizon)
    weight = ERROR_DECAY ** (grid.step * np.arange(origins - 1, -1, -1.0))
    root, counted = np.sqrt(weight), _counted(grid, origins)
    held = weight[:, None] * counted
    total = held.sum(axis=0)
    divisor = np.maximum(total, np.finfo(float).tiny)
    errors = _weighted_errors(grid, horizon=horizon, root_weight=root[:, None] * counted)
    bias = np.stack([root @ error for error in errors]) / divisor
    products = _symmetric(lambda one, two: (errors[one] * errors[two]).sum(axis=0) / divisor)
    windows = _windows(total, (held * held).sum(axis=0), step=grid.step, horizon=horizon)
    return ErrorMoments(bias, products, np.broadcast_to(windows, bias.shape[1:]))


def moments_by_origin(grid: Grid, *, horizon: int) -> ErrorMoments:
    """Of one product, as they were known when the outcome of each origin's forecast was, oldest first.

    Errors whose weight has faded to nothing are left out of the running sums, and their origins are not reported.
    """
    origins = grid.origins(horizon)
    first = max(0, origins - LONGEST_FADE // grid.step)
    counted = _counted(grid, origins)
    age = grid.step * np.arange(origins - first, dtype=np.float64)
    growth, fade = ERROR_DECAY**-age, ERROR_DECAY**age
    errors = _weighted_errors(grid, horizon=horizon, root_weight=counted)[:, first:, 0]
    held = np.cumsum(counted[first:, 0] * growth) * fade
    squared = np.cumsum(counted[first:, 0] * growth**2) * fade**2
    divisor = np.maximum(held, np.finfo(float).tiny)
    bias = np.cumsum(errors * growth, axis=-1) * fade / divisor
    products = _symmetric(lambda one, two: np.cumsum(errors[one] * errors[two] * growth) * fade / divisor)
    return ErrorMoments(bias, products, _windows(held, squared, step=grid.step, horizon=horizon))


def _weighted_errors(grid: Grid, *, horizon: int, root_weight: FloatArray) -> FloatArray:
    """Demand over the horizon after each origin less its forecast there; mean forecasts × origins × products."""
    origins = len(root_weight)
    actual = (grid.sums[0, grid.sums.shape[1] - origins :] - grid.sums[0, :origins]) * root_weight
    errors: FloatArray = grid.sums[:, :origins] * (grid.scales[:, :origins] * (-horizon * root_weight))
    errors += actual
    return errors


def _counted(grid: Grid, origins: int) -> FloatArray:
    """1 at origins with enough history behind them, else 0."""
    return (grid.known[:origins] >= first_origin(grid.known[-1])).astype(np.float64)


def _symmetric(product: Callable[[int, int], FloatArray]) -> tuple[tuple[FloatArray, ...], ...]:
    upper = {(one, two): product(one, two) for one in range(MEANS) for two in range(one, MEANS)}
    return tuple(tuple(upper[min(one, two), max(one, two)] for two in range(MEANS)) for one in range(MEANS))


def _windows(held: FloatArray, squared: FloatArray, *, step: int, horizon: int) -> FloatArray:
    return np.asarray(held**2 / np.maximum(squared, np.finfo(float).tiny) * min(1.0, step / horizon))


@dataclass(frozen=True, slots=True)
class RateForecast:
    """Mean demand and variance of demand over a horizon, both per period."""

    mean: FloatArray
    uncorrected: FloatArray
    """The weighted mean before the correction of its bias."""
    weights: FloatArray
    """Of the long-run mean and the recent means, in the order of `SMOOTHING`."""
    variance: FloatArray
    windows: FloatArray


def combine(*, means: FloatArray, moments: ErrorMoments, variance: FloatArray, horizon: int) -> RateForecast:
    """Weigh the mean forecasts by how little they missed, correct what bias is beyond doubt, and judge the rest.

    `means` are demand per period (mean forecasts × products), `variance` that of demand in one period, which stands
    for errors not yet made. Weights ∝ 1/(mean square error)² (after Bates & Granger, 1969); the bias b of standard
    error s is corrected by (1 − 2·s²/b²)⁺·b (positive-part shrinkage: James & Stein, 1961).
    """
    windows, independent = moments.windows, horizon * variance
    share = windows / (windows + PRIOR_WINDOWS)
    prior = (1 - share) * independent
    weights = _weights([share * moments.products[index][index] + prior for index in range(MEANS)], horizon * means[0])
    mean = horizon * sum(weight * forecast for weight, forecast in zip(weights, means, strict=True))
    bias = sum(weight * error for weight, error in zip(weights, moments.bias, strict=True))
    square = sum(
        weights[one] * (weights[two] * moments.products[one][two]) for one in range(MEANS) for two in range(MEANS)
    )
    belief = _belief(bias, square, windows)
    corrected = np.maximum(mean + belief * bias, SMALLEST_SHARE * mean)
    spread = share * np.maximum(square - belief * (2 - belief) * bias**2, 0.0) + prior
    return RateForecast(corrected / horizon, mean / horizon, weights, spread / horizon, windows)


def _weights(missed: list[FloatArray], expected: FloatArray) -> FloatArray:
    floor = 1e-12 * expected**2 + np.finfo(float).tiny
    inverse = np.stack([1 / np.maximum(square, floor) for square in missed])
    relative = (inverse / inverse.max(axis=0)) ** 2
    return np.asarray(relative / relative.sum(axis=0))


def _belief(bias: FloatArray, square: FloatArray, windows: FloatArray) -> FloatArray:
    """The share of a bias that is corrected: 1 − 2/t², or none where two standard errors hide it."""
    noise = BIAS_DOUBT * np.maximum(square - bias**2, 0.0)
    seen = (windows - 1) * bias**2
    believed = (windows > 1) & (seen > noise)
    return np.asarray(np.where(believed, 1 - noise / np.where(believed, seen, 1.0), 0.0))
