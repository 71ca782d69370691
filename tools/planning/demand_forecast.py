"""Demand over an interval, forecast from its history and judged by what such forecasts missed in the past.

Three means are forecast at every past origin: the long-run mean and exponentially weighted means of the last weeks and
of the last days. Each is weighed by how little it missed, the combination is corrected for a bias that stands out from
the noise, and its mean square error is the variance. Everything is a sum over products × origins, so that one product
and a block of a catalogue run through the same lines. Pure; units per period and periods throughout.

Origins lie on a grid that ends with the history, a horizon apart: the intervals compared do not overlap, and sums
between grid points are all that is needed.
"""

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from tools.planning.demand_distribution import FloatArray, IntArray

Demand: TypeAlias = NDArray[np.float32] | FloatArray

SMOOTHING = (0.05, 0.2)
"""Of the two exponentially weighted means; the third mean forecast is the long-run mean."""
MEANS = 1 + len(SMOOTHING)
KEEPS = np.array([1.0, *(1 - smoothing for smoothing in SMOOTHING)])
ERROR_DECAY = 0.99
"""Weight that a past error loses with every period of age."""
PRIOR_WINDOWS = 3.0
"""Windows of independent demand that the measured errors are mixed with, so that a few do not decide alone."""
BIAS_DOUBT = 2.5
"""A bias of t standard errors is corrected by 1 − 2.5/t²: not at all below 1.6, nearly whole from 8 on."""
MORE_THAN_ONE = 1 + 1e-6
"""Windows from which errors can be compared with each other; a single one says nothing of its chance."""
SMALLEST_SHARE = 0.1
"""Of the uncorrected mean: what a correction for over-forecasting leaves at least."""

SMALLEST = float(np.finfo(float).tiny)

PAIRS = tuple((one, one + apart) for apart in range(MEANS) for one in range(MEANS - apart))
"""Of mean forecasts, whose errors are multiplied: first each with itself."""
FIRST, SECOND = np.array(PAIRS).T
TIMES = np.where(FIRST == SECOND, 1.0, 2.0)[:, None]
"""How often each pair stands in the square of a sum."""

LONGEST_START = 8
LONGEST_FADE = 20_000
"""Periods after which an error weighs less than 1e-87."""
BLOCK_PERIODS = 32
MOST_BLOCKS = 16
"""A history is cut into blocks of at least so many periods, and into at most so many blocks."""
SMALL_PRODUCT = 250_000
"""Multiplications below which BLAS stays on its own thread; larger products are cut, and threads are the caller's."""


def first_origin(periods: IntArray) -> IntArray:
    """Known periods before the first forecast that is judged: eight, or half of a short history."""
    return np.minimum(LONGEST_START, periods // 2)


def measured_horizon(interval: float) -> int:
    """Whole periods ahead over which errors are measured."""
    return max(1, int(interval + 0.5))


@dataclass(frozen=True, eq=False)
class Frame:
    """Where the points of a grid lie, whatever demand was: products × points, or one row for all products.

    `scales` (mean forecasts × …) turn sums into means per period.
    """

    horizon: int
    known: IntArray
    """Periods known at each point."""
    scales: FloatArray

    @cached_property
    def counted(self) -> FloatArray:
        """1 at origins with enough history behind them, else 0; an origin is a point with another after it."""
        return (self.known[:, :-1] >= first_origin(self.known[:, -1:])).astype(np.float64)

    @cached_property
    def judged(self) -> int:
        """How many origins count, of one product."""
        return int(self.counted.sum())

    @cached_property
    def root_weight(self) -> FloatArray:
        """Square root of each origin's weight at the end of the history, counted or not."""
        return np.asarray(ERROR_DECAY ** (self.horizon / 2 * np.arange(self.known.shape[1] - 2, -1, -1.0)))

    @cached_property
    def weight(self) -> FloatArray:
        """The weight of each origin that counts."""
        return np.asarray(self.counted * self.root_weight**2)

    @cached_property
    def total_weight(self) -> FloatArray:
        return np.asarray(np.maximum(self.weight.sum(axis=1), SMALLEST))

    @cached_property
    def windows(self) -> FloatArray:
        """How many errors of equal weight amount to all that count; 0 where none does."""
        squares = np.maximum((self.weight**2).sum(axis=1), SMALLEST)
        return np.asarray(np.square(self.weight.sum(axis=1)) / squares)

    @cached_property
    def trust(self) -> "Trust":
        return Trust.in_windows(self.windows, self.horizon)

    @cached_property
    def weighted(self) -> tuple[FloatArray, FloatArray]:
        """What demand after each origin, and the sums before it, are multiplied by to give errors × root weight."""
        factor = self.counted * self.root_weight
        return factor / self.horizon, -factor * self.scales[:, :, :-1]

    @cached_property
    def plain(self) -> tuple[FloatArray, FloatArray]:
        """The same for errors that are not weighted, of one product."""
        return self.counted[0] / self.horizon, -self.counted * self.scales[:, 0, :-1]

    @cached_property
    def growth(self) -> FloatArray:
        """1 ÷ the weight that an origin has lost since the first that still counts; 0 for those faded to nothing.
        Once for each mean forecast, as NumPy takes twice as long where it has to repeat a row."""
        origins = np.arange(self.known.shape[1] - 1) - self.faded
        growth = np.where(origins < 0, 0.0, ERROR_DECAY ** (-self.horizon * np.maximum(origins, 0.0)))
        return np.tile(growth, (MEANS, 1))

    @cached_property
    def fade(self) -> FloatArray:
        """The weight that the first such origin has left when the outcome of each is known; 1 at the first point."""
        origins = np.maximum(np.arange(self.known.shape[1] - 1) - self.faded, 0.0)
        return np.append(1.0, ERROR_DECAY ** (self.horizon * origins))

    @cached_property
    def running(self) -> tuple[FloatArray, "Trust"]:
        """Of one product, at each point: what sums of grown errors and of their products are multiplied by to give
        their moments, and how far these are believed."""
        growth = self.growth[0]
        held = self.counted[0] * growth
        weight = np.append(0.0, np.cumsum(held)) * self.fade
        squares = np.append(0.0, np.cumsum(held * growth)) * self.fade**2
        total = np.maximum(weight, SMALLEST)
        trust = Trust.in_windows(weight * total / np.maximum(squares, SMALLEST), self.horizon)
        times = np.concatenate([np.ones((MEANS, 1)) * np.ones_like(weight), TIMES * trust.measured])
        return times * (self.fade / total), trust

    @cached_property
    def counts(self) -> tuple[IntArray, FloatArray, FloatArray]:
        """Of one product: where the periods between two points begin, and what sums and squares of deviations up to
        each point are divided by."""
        known = self.known[0]
        return np.append(0, known[:-1]), known * 1.0, np.maximum(known - 1.0, 1.0)

    @property
    def faded(self) -> int:
        return max(0, int(self.known.shape[1]) - 1 - LONGEST_FADE // self.horizon)


@dataclass(frozen=True, slots=True)
class Trust:
    """How far errors that amount to so many windows are believed."""

    measured: FloatArray
    """What the mean square error per period is multiplied by to give its part in a variance per period."""
    prior: FloatArray
    """The share of the prior in it."""
    others: FloatArray
    """Windows that can be compared with one, ÷ `BIAS_DOUBT`; 0 where a single one says nothing of its chance."""

    @classmethod
    def in_windows(cls, windows: FloatArray, horizon: int) -> Self:
        measured = windows / (windows + PRIOR_WINDOWS)
        others = np.where(windows > MORE_THAN_ONE, (windows - 1) / BIAS_DOUBT, 0.0)
        return cls(horizon * measured, 1 - measured, others)


@lru_cache(maxsize=1024)
def _common_frame(periods: int, points: int, longest: int, horizon: int) -> Frame:
    """Where all products have the same history length: worked out once."""
    return _frame(np.array([periods]), points, longest, horizon)


def _frame(periods: IntArray, points: int, longest: int, horizon: int) -> Frame:
    known = periods[:, None] - horizon * np.arange(points - 1, -1, -1)
    return Frame(horizon, known, _scales(longest)[:, np.maximum(known, 0)])


@dataclass(slots=True)
class Grid:
    """Points a horizon apart that end with the history, and the sums of all demand before each of them.

    `sums` are mean forecasts × products × points: weight 1 for the long-run mean, (1 − SMOOTHING)^age for the recent
    ones, the last period before the point having age 0.
    """

    frame: Frame
    sums: FloatArray

    @property
    def horizon(self) -> int:
        return self.frame.horizon

    @property
    def judged(self) -> int:
        """How many origins count, of the one product."""
        return self.frame.judged

    @property
    def means(self) -> FloatArray:
        """Mean demand per period at the end of the history; mean forecasts × products."""
        return np.asarray(self.sums[:, :, -1] * self.frame.scales[:, :, -1])

    @property
    def means_by_point(self) -> FloatArray:
        """The same as they were at each point, of the one product; mean forecasts × points."""
        return np.asarray(self.sums[:, 0] * self.frame.scales[:, 0])


def grid(demand: Demand, *, periods: IntArray, horizon: int) -> Grid:
    """Sums at each point of `demand`, products × periods; `periods` are those known of each product, or of all.

    A history shorter than the block it comes in must be right-aligned, with zeros before its start.
    """
    sums = _grid_sums(demand, horizon)
    points, longest = sums.shape[2], demand.shape[1]
    if periods.size == 1:
        return Grid(_common_frame(int(periods[0]), points, longest, horizon), sums)
    return Grid(_frame(periods, points, longest, horizon), sums)


@lru_cache(maxsize=64)
def _scales(longest: int) -> FloatArray:
    """Factors from sums to means after 0 … `longest` periods; mean forecasts × periods."""
    known = np.arange(longest + 1.0)
    known[0] = 1.0
    recent = (smoothing / -np.expm1(np.log1p(-smoothing) * known) for smoothing in SMOOTHING)
    return np.stack([1 / known, *recent])


@dataclass(frozen=True, slots=True)
class Blocks:
    """How a history is cut up. The last ends with the history, the first may begin before it."""

    count: int
    points: int
    """Of the grid, in each."""
    lead: int
    """Periods by which the first begins before the history."""
    within: FloatArray
    """For each mean forecast, what the periods of a block add to the sums at its points; periods × points."""
    across: FloatArray
    """And what the blocks by themselves add to the sums at the points of later ones; blocks × (later blocks · points).
    """


@lru_cache(maxsize=1024)
def _blocks(periods: int, horizon: int) -> Blocks:
    points = -(-max(BLOCK_PERIODS, periods // MOST_BLOCKS) // horizon)
    count = -(-periods // (horizon * points))
    return Blocks(count, points, count * points * horizon - periods, *_block_weights(horizon, points, count))


@lru_cache(maxsize=256)
def _block_weights(horizon: int, points: int, blocks: int) -> tuple[FloatArray, FloatArray]:
    keeps = KEEPS[:, None, None]
    after = horizon * np.arange(1, points + 1)
    age = after - 1 - np.arange(horizon * points)[:, None]
    passed = horizon * points * (np.arange(1, blocks) - 1 - np.arange(blocks)[:, None])[:, :, None]
    within = np.where(age >= 0, keeps ** np.maximum(age, 0), 0.0)
    across = np.where(passed >= 0, keeps[..., None] ** np.maximum(passed + after, 0), 0.0)
    return within, across.reshape(MEANS, blocks, -1)


def whole_blocks(periods: int, horizon: int) -> int:
    """Periods of a history that is filled up with zeros before its start to whole blocks, which spares a copy."""
    return periods + _blocks(periods, horizon).lead


def _grid_sums(demand: Demand, horizon: int) -> FloatArray:
    """As two matrix products: of each block's periods by themselves, then of what the blocks before them amount to."""
    rows, periods = demand.shape
    cut = _blocks(periods, horizon)
    columns = _filled_up(demand, cut.lead).reshape(rows * cut.count, -1)
    sums = np.empty((MEANS, rows, cut.count * cut.points))
    _multiply(columns, cut.within, sums.reshape(MEANS, rows * cut.count, cut.points))
    if cut.count > 1:
        carried = np.empty((MEANS, rows, cut.across.shape[2]))
        _multiply(np.ascontiguousarray(sums[:, :, cut.points - 1 :: cut.points]), cut.across, carried)
        sums[:, :, cut.points :] += carried
    return sums[:, :, cut.lead // horizon :]


def _filled_up(demand: Demand, lead: int) -> FloatArray:
    if lead == 0 and demand.dtype == np.float64 and demand.flags.c_contiguous:
        return np.asarray(demand, dtype=np.float64)
    columns = np.empty((demand.shape[0], lead + demand.shape[1]))
    columns[:, :lead] = 0.0
    columns[:, lead:] = demand
    return columns


def _multiply(left: FloatArray, right: FloatArray, product: FloatArray) -> None:
    """For each mean forecast, some rows at a time."""
    size, rows = left.shape[-2], SMALL_PRODUCT // right[0].size
    if size <= rows:
        np.matmul(left, right, out=product)
        return
    for start in range(0, size, max(1, rows)):
        here = slice(start, start + max(1, rows))
        np.matmul(left[..., here, :], right, out=product[:, here])


@dataclass(slots=True)
class ErrorMoments:
    """What past errors amount to, for products (or points)."""

    bias: FloatArray
    """Weighted mean error per period of each mean forecast."""
    products: FloatArray
    """What the weighted mean product of each of the `PAIRS` adds to the variance per period: as often as it stands in
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
    """Of one product, as they were known at each point of the grid; at the first nothing was.

    Errors whose weight has faded to nothing are left out of the running sums.
    """
    frame, sums = grid.frame, grid.sums[:, 0]
    after, before = frame.plain
    errors = sums[:, :-1] * before
    errors += (sums[0, 1:] - sums[0, :-1]) * after
    share, trust = frame.running
    running = np.zeros(share.shape)
    grown = np.multiply(errors, frame.growth, out=running[:MEANS, 1:])
    np.multiply(grown.take(FIRST, axis=0), errors.take(SECOND, axis=0), out=running[MEANS:, 1:])
    np.add.accumulate(running, axis=1, out=running)
    running *= share
    return ErrorMoments(running[:MEANS], running[MEANS:], trust)


def running_variance(demand: FloatArray, frame: Frame, *, centre: float) -> FloatArray:
    """Sample variance of one product as known at each point; summed about `centre`, its overall mean.

    Fewer than two periods have no variance, which is given as 0.
    """
    starts, known, degrees = frame.counts
    deviation = np.empty((2, demand.size))
    np.subtract(demand, centre, out=deviation[0])
    np.square(deviation[0], out=deviation[1])
    total = np.add.reduceat(deviation, starts, axis=1)
    sums, squares = np.add.accumulate(total, axis=1, out=total)
    return np.asarray(np.maximum(squares - sums * sums / known, 0.0) / degrees)


@dataclass(slots=True)
class RateForecast:
    """Mean demand and variance of demand over a horizon, both per period; of products or of points."""

    mean: FloatArray
    uncorrected: FloatArray
    """The weighted mean before the correction of its bias."""
    weights: FloatArray
    """Of the long-run mean and the recent means, in the order of `SMOOTHING`; × products."""
    variance: FloatArray


def combine(*, means: FloatArray, moments: ErrorMoments, variance: FloatArray, horizon: int) -> RateForecast:
    """Weigh the mean forecasts by how little they missed, correct what bias is beyond doubt, and judge the rest.

    `means` are demand per period (mean forecasts × products), `variance` that of demand in one period, which stands
    for errors not yet made. Weights ∝ 1/(mean square error)² (after Bates & Granger, 1969); the bias b of standard
    error s is corrected by (1 − 2.5·s²/b²)⁺·b (positive-part shrinkage: James & Stein, 1961).
    """
    trust = moments.trust
    prior = variance * trust.prior
    weights = _weights(moments.products[:MEANS] + prior, means[0], horizon)
    mean, bias = np.add.reduce(weights * means), np.add.reduce(weights * moments.bias)
    pairs = weights.take(FIRST, axis=0)
    pairs *= weights.take(SECOND, axis=0)
    pairs *= moments.products
    certain = bias * bias * trust.measured
    chance = np.maximum(np.add.reduce(pairs) - certain, SMALLEST)
    doubt = chance / np.maximum(trust.others * certain, chance)
    corrected = np.maximum(mean + (1 - doubt) * bias, SMALLEST_SHARE * mean)
    return RateForecast(corrected, mean, weights, chance + doubt * doubt * certain + prior)


def _weights(missed: FloatArray, mean: FloatArray, horizon: int) -> FloatArray:
    """∝ 1/missed², where an error below a millionth of the demand forecast counts as that."""
    squares = np.maximum(missed, mean * mean * (1e-12 * horizon) + SMALLEST)
    relative = np.square(np.minimum.reduce(squares) / squares)
    return np.asarray(relative / np.add.reduce(relative))
