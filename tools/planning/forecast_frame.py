"""The past origins of a history: where they lie, how much their forecast errors weigh, and how far these are believed.

Points lie a horizon apart on a grid that ends with the history, so that the intervals compared do not overlap. A point
with another one after it is an origin. Nothing here depends on demand.
"""

from dataclasses import dataclass
from functools import cached_property, lru_cache
from math import log
from typing import Self

import numpy as np

from tools.planning.demand_distribution import FloatArray, IntArray

SMOOTHING = (0.05, 0.2)
"""Of the two exponentially weighted means; the third mean forecast is the long-run mean."""
MEANS = 1 + len(SMOOTHING)
ERROR_DECAY = 0.99
"""Weight that a past error keeps with every period of age."""
PRIOR_WINDOWS = 3.0
"""Windows of independent demand that are mixed with the measured errors, so that a few do not decide alone."""
BIAS_DOUBT = 2.5
"""A bias of t standard errors is corrected by 1 − 2.5/t²: not at all below 1.6, nearly whole from 8 on."""
MORE_THAN_ONE = 1 + 1e-6
"""Windows from which errors can be compared with each other; a single one says nothing of its chance."""
SMALLEST = float(np.finfo(float).tiny)


@lru_cache(maxsize=8)
def pairs_of(means: int) -> tuple[IntArray, IntArray, FloatArray]:
    """The first and the second of each pair of mean forecasts whose errors are multiplied, each with itself first; and
    how often each pair stands in the square of a sum."""
    pairs = [(one, one + apart) for apart in range(means) for one in range(means - apart)]
    first, second = np.array(pairs).T
    return first, second, np.where(first == second, 1.0, 2.0)[:, None]


PAIRS = tuple(zip(*(column.tolist() for column in pairs_of(MEANS)[:2]), strict=True))
TIMES = pairs_of(MEANS)[2]

LONGEST_START = 8
LONGEST_FADE = 20_000
"""Periods after which an error weighs less than 1e-87, at `ERROR_DECAY`."""


def first_origin(periods: IntArray) -> IntArray:
    """Known periods before the first forecast that is judged: eight, or half of a short history."""
    return np.minimum(LONGEST_START, periods // 2)


def measured_horizon(interval: float) -> int:
    """Whole periods ahead over which errors are measured."""
    return max(1, int(interval + 0.5))


@dataclass(frozen=True, eq=False)
class Frame:
    """The points of a grid: products × points, or one row for all products."""

    horizon: int
    known: IntArray
    """Periods known at each point."""
    scales: FloatArray
    """Factors from sums to means per period; mean forecasts × …"""
    keep: float = ERROR_DECAY
    """Weight that a past error keeps with every period of age."""
    fewest: int = 0
    """Periods that must be known before the first forecast that is judged, beside those of `first_origin`."""

    @cached_property
    def counted(self) -> FloatArray:
        """1 at origins with enough history behind them, else 0."""
        fewest = np.maximum(first_origin(self.known[:, -1:]), self.fewest)
        return (self.known[:, :-1] >= fewest).astype(np.float64)

    @cached_property
    def judged(self) -> int:
        """How many origins count, of one product."""
        return int(self.counted.sum())

    @cached_property
    def root_weight(self) -> FloatArray:
        """Square root of each origin's weight at the end of the history, counted or not."""
        return np.asarray(self.keep ** (self.horizon / 2 * np.arange(self.known.shape[1] - 2, -1, -1.0)))

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
        """1 ÷ the weight that an origin has lost since the first that still counts; 0 for those faded to nothing."""
        origins = self._origins_that_count
        return np.where(origins < 0, 0.0, self.keep ** (-self.horizon * np.maximum(origins, 0.0)))

    @cached_property
    def running(self) -> tuple[FloatArray, "Trust"]:
        """Of one product, at each point: the factor from sums of grown errors to their mean, and how far errors are
        believed."""
        fade = np.append(1.0, self.keep ** (self.horizon * np.maximum(self._origins_that_count, 0.0)))
        held = self.counted[0] * self.growth
        weight = np.append(0.0, np.cumsum(held)) * fade
        squares = np.append(0.0, np.cumsum(held * self.growth)) * fade**2
        total = np.maximum(weight, SMALLEST)
        trust = Trust.in_windows(weight * total / np.maximum(squares, SMALLEST), self.horizon)
        return fade / total, trust

    @property
    def _origins_that_count(self) -> IntArray:
        """Positions of the origins, from the first whose errors still weigh something."""
        origins = int(self.known.shape[1]) - 1
        longest = int(LONGEST_FADE * log(ERROR_DECAY) / log(self.keep))
        return np.arange(origins) - max(0, origins - longest // self.horizon)


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


def frame_of(periods: IntArray, *, points: int, longest: int, horizon: int) -> Frame:
    """The frame of products with so many known periods; one number where all have as many."""
    if periods.size == 1:
        return _common_frame(int(periods[0]), points, longest, horizon)
    return _frame(periods, points, longest, horizon)


@lru_cache(maxsize=1024)
def _common_frame(periods: int, points: int, longest: int, horizon: int) -> Frame:
    return _frame(np.array([periods]), points, longest, horizon)


def _frame(periods: IntArray, points: int, longest: int, horizon: int) -> Frame:
    known = periods[:, None] - horizon * np.arange(points - 1, -1, -1)
    return Frame(horizon, known, _scales(longest)[:, np.maximum(known, 0)])


@lru_cache(maxsize=64)
def _scales(longest: int) -> FloatArray:
    """Factors from sums to means after 0 … `longest` periods; mean forecasts × periods."""
    known = np.arange(longest + 1.0)
    known[0] = 1.0
    recent = (smoothing / -np.expm1(np.log1p(-smoothing) * known) for smoothing in SMOOTHING)
    return np.stack([1 / known, *recent])
