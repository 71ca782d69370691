"""Sums of past demand at each point of a grid, for the long-run mean and two exponentially weighted means. Pure."""

from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from tools.planning.demand_distribution import FloatArray, IntArray
from tools.planning.forecast_frame import MEANS, SMOOTHING, Frame, frame_of

Demand: TypeAlias = NDArray[np.float32] | FloatArray

KEEPS = np.array([1.0, *(1 - smoothing for smoothing in SMOOTHING)])
BLOCK_PERIODS = 32
MOST_BLOCKS = 16
"""A history is cut into blocks of at least so many periods, and into at most so many blocks."""
SMALL_PRODUCT = 250_000
"""Multiplications up to which BLAS uses one thread. Larger products are cut: the caller has threads of its own."""


@dataclass(slots=True)
class Grid:
    """Points a horizon apart that end with the history, and the sums of all demand before each of them.

    `sums` are mean forecasts × products × points: weight 1 for the long-run mean, (1 − SMOOTHING)^age for the recent
    ones, the last period before the point having age 0.
    """

    frame: Frame
    sums: FloatArray

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
    return Grid(frame_of(periods, points=sums.shape[2], longest=demand.shape[1], horizon=horizon), sums)


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
    """What each block adds to the sums at the points of later ones; blocks × (later blocks · points)."""


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
    """Periods in whole blocks, with zeros before the start of the history."""
    return periods + _blocks(periods, horizon).lead


def _grid_sums(demand: Demand, horizon: int) -> FloatArray:
    """Two matrix products: the periods of each block, then the sums of the blocks before it."""
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
