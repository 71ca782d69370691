"""What a model of the whole catalogue is told of a product at a past moment: nothing that came later, but for the
calendar and promotions, which are planned.

Everything is relative to the product's own forecast, so that products of any size teach each other.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from tools.catalog.demand_table import DemandTable
from tools.lookback.rolling_origin import Origins
from tools.planning.demand_distribution import FloatArray, IntArray
from tools.planning.season import season_length

LAGS = 4
WINDOWS = (1, 2, 4, 8)
"""In intervals."""
LARGEST = 100.0
"""Times the product's own forecast: what is more is told as that."""


@dataclass(frozen=True)
class Past:
    """The table in sums, from which windows before any moment are read."""

    table: DemandTable
    interval: int

    @cached_property
    def demand(self) -> FloatArray:
        return np.nan_to_num(self.table.demand)

    @cached_property
    def known(self) -> FloatArray:
        return (~np.isnan(self.table.demand)).astype(np.float64)

    @cached_property
    def promoted(self) -> FloatArray:
        marks = self.table.promotions
        return np.zeros(self.table.demand.shape) if marks is None else (marks > 0).astype(np.float64)

    @cached_property
    def price_cuts(self) -> FloatArray | None:
        """Of each period: 0 without a promotion, NaN where a promotion states none; None where none does."""
        cuts = self.table.promotions
        if cuts is None or not ((cuts > 0) & (cuts < 1)).any():
            return None
        return np.where(cuts == 1, np.nan, cuts)

    @cached_property
    def season(self) -> int:
        return season_length(self.table.period_days)

    @cached_property
    def groups(self) -> IntArray:
        """A number for the group of each product."""
        names = self.table.groups or ("",) * len(self.table.products)
        return np.unique(np.array(names), return_inverse=True)[1]

    @cached_property
    def sums(self) -> tuple[FloatArray, FloatArray]:
        """Of demand and of known periods before each moment."""
        return _running(self.demand), _running(self.known)

    @cached_property
    def ordinary(self) -> tuple[FloatArray, FloatArray]:
        plain = self.known * (1 - self.promoted[:, : self.known.shape[1]])
        return _running(self.demand * plain), _running(plain)

    @cached_property
    def in_promotion(self) -> tuple[FloatArray, FloatArray]:
        marked = self.known * self.promoted[:, : self.known.shape[1]]
        return _running(self.demand * marked), _running(marked)

    @cached_property
    def group_level(self) -> FloatArray:
        """Demand of each period ÷ the long-run mean before it, the mean of the group; groups × periods."""
        total, count = self.sums
        mean = total[:, :-1] / np.maximum(count[:, :-1], 1)
        told = self.known * (mean > 0)
        share = np.minimum(self.demand / np.where(mean > 0, mean, 1.0), LARGEST) * told
        found, weight = (np.zeros((self.groups.max(initial=0) + 1, share.shape[1])) for _ in range(2))
        np.add.at(found, self.groups, share)
        np.add.at(weight, self.groups, told)
        return np.where(weight > 0, found / np.maximum(weight, 1), np.nan)


def _running(values: FloatArray) -> FloatArray:
    return np.pad(np.cumsum(values, axis=1), ((0, 0), (1, 0)))


def features(past: Past, origins: Origins) -> FloatArray:
    """Origins × features; NaN where something is not known."""
    row, moment, length = origins.product, origins.moment, past.interval
    rate = np.maximum(origins.mean / length, np.finfo(float).tiny)
    lags = [_at(past.table.demand, row, moment - ago) / rate for ago in range(1, LAGS + 1)]
    windows = [_mean(past.sums, row, moment - many * length, moment) / rate for many in WINDOWS]
    long_run = _mean(past.sums, row, np.zeros_like(moment), moment)
    columns = [
        np.sqrt(origins.variance) / (rate * length),
        np.log(rate * length / origins.counting_unit),
        np.full(len(origins), float(length)),
        origins.known.astype(float),
        origins.demand_class.astype(float),
        long_run / rate,
        *lags,
        *windows,
        *_season(past, row, moment, rate),
        *_promotions(past, row, moment, rate),
        *_group(past, row, moment),
    ]
    if past.table.unit_prices is not None:
        columns.append(np.log1p(past.table.unit_prices[row]))
    return np.asarray(np.minimum(np.column_stack(columns), LARGEST), dtype=np.float64)


def _at(values: FloatArray, row: IntArray, moment: IntArray) -> FloatArray:
    inside = (moment >= 0) & (moment < values.shape[1])
    return np.asarray(np.where(inside, values[row, np.clip(moment, 0, values.shape[1] - 1)], np.nan))


def _mean(sums: tuple[FloatArray, FloatArray], row: IntArray, start: IntArray, end: IntArray) -> FloatArray:
    """Per known period from `start` to before `end`; NaN where none is known."""
    start, end = (np.clip(moment, 0, sums[0].shape[1] - 1) for moment in (start, end))
    total, count = (each[row, end] - each[row, start] for each in sums)
    return np.asarray(np.where(count > 0, total / np.maximum(count, 1), np.nan), dtype=np.float64)


def _season(past: Past, row: IntArray, moment: IntArray, rate: FloatArray) -> list[FloatArray]:
    """Where in the season the interval begins, and what the same interval sold a season ago."""
    if past.season == 0:
        return []
    ago = moment - past.season
    same = np.where(ago >= 0, _mean(past.sums, row, ago, ago + past.interval), np.nan)
    before = np.where(ago >= past.season, _mean(past.sums, row, ago - past.season, ago), np.nan)
    return [(moment % past.season).astype(float), same / rate, same / np.where(before > 0, before, np.nan)]


def _promotions(past: Past, row: IntArray, moment: IntArray, rate: FloatArray) -> list[FloatArray]:
    if not past.promoted.any():
        return []
    ahead = [_at(past.promoted, row, moment + each) for each in range(LAGS)]
    behind = [_at(past.promoted, row, moment - each) for each in range(1, LAGS)]
    count = _running(past.promoted)
    inside = count[row, np.minimum(moment + past.interval, count.shape[1] - 1)] - count[row, moment]
    means = [_mean(each, row, np.zeros_like(moment), moment) / rate for each in (past.ordinary, past.in_promotion)]
    columns = [*ahead, *behind, inside, *means, past.in_promotion[1][row, moment]]
    if past.price_cuts is not None:
        columns += [_at(past.price_cuts, row, moment + each) for each in range(1 - LAGS, LAGS)]
    return columns


def _group(past: Past, row: IntArray, moment: IntArray) -> list[FloatArray]:
    """The product's group, and how it has sold lately."""
    group = past.groups[row]
    level = np.nan_to_num(past.group_level, nan=1.0)
    sums = _running(level), _running(np.ones_like(level))
    recent = [_mean(sums, group, moment - many * past.interval, moment) for many in (1, 4)]
    return [group.astype(float), *recent]
