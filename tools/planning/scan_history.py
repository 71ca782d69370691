"""The histories of a block of products, read into a few numbers each. Pure.

Rows are closed up and right-aligned, some at a time, in one buffer that stays in a cache.
"""

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from tools.planning.counting_unit import counting_units
from tools.planning.demand import LARGEST_QUANTITY
from tools.planning.demand_distribution import FloatArray, IntArray
from tools.planning.demand_forecast import ErrorMoments, newest_moments
from tools.planning.forecast_frame import MEANS, PAIRS, Trust
from tools.planning.forecast_grid import Demand, grid, whole_blocks
from tools.records.errors import InvalidDemand

CACHED_ROWS = 256
"""Histories in one call of NumPy: a year of so many fits a core's cache in double precision."""
DIGITS_AT_RISK = 1e-5
"""Ratio of the squares about the mean to those about zero below which their difference loses digits that count."""

Rows: TypeAlias = slice | IntArray


@dataclass(frozen=True, slots=True)
class Histories:
    """What the histories of some products say, in a few numbers each."""

    periods: IntArray
    mean: FloatArray
    sd: FloatArray
    nonzero: IntArray
    means: FloatArray
    moments: ErrorMoments
    counting_unit: FloatArray
    """The smallest amount that each product's demand is counted in."""


def read_histories(
    demand: Demand, rows: Rows, horizon: int | None, at_once: int, unit_size: FloatArray | None = None
) -> Histories:
    """Some rows at a time. Without a horizon, the numbers that only the plan needs stay 0."""
    size = rows.stop - rows.start if isinstance(rows, slice) else rows.size
    periods, nonzero = np.empty(size, dtype=np.int64), np.zeros(size, dtype=np.int64)
    numbers = np.zeros((3 + 2 * MEANS + len(PAIRS), size))
    total, squares, windows = numbers[:3]
    units = np.ones(size) if unit_size is None else unit_size.copy()
    width = demand.shape[1] if horizon is None else whole_blocks(demand.shape[1], horizon)
    room, ones = np.zeros((min(at_once, size), width)), np.ones(width)
    rounded = np.empty((min(CACHED_ROWS, size), width))
    for start in range(0, size, at_once):
        here = slice(start, min(start + at_once, size))
        block = part_of(rows, here)
        values, known = _known_values(demand, block, room)
        periods[here] = known
        if horizon is None:
            np.vecdot(values, ones, out=total[here])
        else:
            nonzero[here] = _count_sales(values)
            _find_units(values, demand.dtype, units[here], rounded)
            with np.errstate(invalid="ignore"):
                total[here] = _judge(values, known, horizon, numbers[2:, here])
        if not np.maximum.reduce(total[here]) <= LARGEST_QUANTITY:
            _refuse_bad_demand(values, block)
        np.vecdot(values, values, out=squares[here])
    mean, sd = _describe(demand, rows, periods, total, squares)
    means, bias, products = np.split(numbers[3:], (MEANS, 2 * MEANS))
    return Histories(
        periods,
        mean,
        sd,
        nonzero,
        means,
        ErrorMoments(bias, products, Trust.in_windows(windows, horizon or 1)),
        units,
    )


def _find_units(values: FloatArray, dtype: np.dtype[Any], units: FloatArray, room: FloatArray) -> None:
    """Set the counting unit of rows with decimals, as one product's plan does, in the demand's precision."""
    for start in range(0, len(values), CACHED_ROWS):
        part, size = values[start : start + CACHED_ROWS], units[start : start + CACHED_ROWS]
        rounded = np.rint(part, out=room[: len(part)])
        if not (size == 1).all() or not np.array_equal(rounded, part):
            rows = np.flatnonzero((size != 1) | (rounded != part).any(axis=1))
            size[rows] = counting_units(part[rows].astype(dtype), size[rows])


def part_of(rows: Rows, here: Rows) -> Rows:
    """Of the rows of a block, those at these positions."""
    if not isinstance(rows, slice):
        return rows[here]
    return slice(rows.start + here.start, rows.start + here.stop) if isinstance(here, slice) else rows.start + here


def _known_values(demand: Demand, rows: Rows, room: FloatArray) -> tuple[FloatArray, IntArray]:
    """The known periods, right-aligned in `room` with zeros before their start; how many (one number if equal)."""
    block = demand[rows]
    values = room[: len(block)]
    least = np.minimum.reduce(block, axis=None, initial=np.inf)
    if least >= 0:
        values[:, values.shape[1] - block.shape[1] :] = block
        return values, np.array([block.shape[1]])
    if not np.isnan(least):
        _refuse_bad_demand(block, rows)
    block, known = _close_up(block.astype(np.float64))
    if np.minimum.reduce(block, axis=None) < 0:
        _refuse_bad_demand(block, rows)
    values[:, : values.shape[1] - block.shape[1]] = 0.0
    values[:, values.shape[1] - block.shape[1] :] = block
    return values, known


def _describe(
    demand: Demand, rows: Rows, periods: IntArray, total: FloatArray, squares: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Mean and standard deviation (ddof = 1): from the sum of squares, in two passes where that would cost digits."""
    mean = total / np.maximum(periods, 1)
    level = total * mean
    spread = squares - level
    doubtful = np.flatnonzero(spread < DIGITS_AT_RISK * level)
    room = np.zeros((min(CACHED_ROWS, doubtful.size), demand.shape[1]))
    for start in range(0, doubtful.size, CACHED_ROWS):
        chosen = doubtful[start : start + CACHED_ROWS]
        values, _ = _known_values(demand, part_of(rows, chosen), room)
        deviation = values - mean[chosen, None]
        deviation[np.arange(values.shape[1]) < values.shape[1] - periods[chosen, None]] = 0.0
        spread[chosen] = np.vecdot(deviation, deviation)
    return mean, np.sqrt(spread / np.maximum(periods - 1, 1))


def _judge(values: FloatArray, periods: IntArray, horizon: int, numbers: FloatArray) -> FloatArray:
    """What the mean forecasts of a block are and what they missed: windows, means, biases, products of errors.
    Returns each product's whole demand, which comes of it."""
    past = grid(values, periods=periods, horizon=horizon)
    moments = newest_moments(past)
    numbers[0], numbers[1 : 1 + MEANS] = past.frame.windows, past.means
    numbers[1 + MEANS : 1 + 2 * MEANS], numbers[1 + 2 * MEANS :] = moments.bias, moments.products
    return past.sums[0, :, -1]


def _close_up(values: FloatArray) -> tuple[FloatArray, IntArray]:
    """Drop the unknown periods of each row: what is known moves to the right, zeros come before it."""
    unknown = np.isnan(values)
    periods = values.shape[1] - np.count_nonzero(unknown, axis=1)
    if (unknown[:, 1:] > unknown[:, :-1]).any():
        values = np.take_along_axis(values, np.argsort(~unknown, axis=1, kind="stable"), axis=1)
    first = values.shape[1] - max(1, int(periods.max(initial=0)))
    return np.nan_to_num(values[:, first:], nan=0.0, posinf=np.inf, neginf=-np.inf), periods


def _refuse_bad_demand(values: Demand, rows: Rows) -> None:
    bad = (values < 0).any(axis=1) | ~(values <= LARGEST_QUANTITY).all(axis=1)
    if bad.any():
        first = int(np.flatnonzero(bad)[0])
        row = rows.start + first if isinstance(rows, slice) else int(rows[first])
        raise InvalidDemand(
            f"Row {row} has a demand below 0, infinite or above {LARGEST_QUANTITY:g}; give demand before returns, "
            "or NaN where it is unknown."
        )


def _count_sales(demand: FloatArray) -> IntArray:
    """Periods with a sale: as bits, which are counted eight bytes at a time."""
    bits = np.packbits(demand != 0, axis=1)
    words = np.zeros((len(bits), -(-bits.shape[1] // 8) * 8), dtype=np.uint8)
    words[:, : bits.shape[1]] = bits
    return np.asarray(np.bitwise_count(words.view(np.uint64)).sum(axis=1, dtype=np.int64))
