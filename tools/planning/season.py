"""A yearly season or a profile of the week: what each period sells, as a share of the average one. Pure.

The index of a period is the mean ratio of demand to the centred mean of one season (Silver, Pyke & Thomas, 2017,
3.4.3). An interval is as long as the sum of its indices: two months that sell 1.4 and 1.2 times the average month last
2.6 average months.
"""

from dataclasses import dataclass
from math import ceil

import numpy as np

from tools.planning.demand_distribution import FloatArray, IntArray

WEEK_DAYS, YEAR_DAYS = 7.0, 365.25
FEWEST_PERIODS = 4
"""In a season."""
WHOLE = 0.05
"""How far a season may be from a whole number of periods, as a share."""
FEWEST_SEASONS = 2
"""Known, before one is looked for."""
FEWEST_AVERAGE, MOST_AVERAGE = 0.03, 1.0
"""Seasons of average periods that are mixed with those seen, so that one alone does not decide."""
SMALLEST_INDEX = 0.03
STRIKING = 3.0
"""Standard errors of likeness from which on demand a season ago is taken to say something of demand now."""


def season_length(period_days: float) -> int:
    """Periods in the season that such periods can show: of a week below two days, else of a year; 0 for none.

    >>> season_length(1), season_length(1.4), season_length(7), season_length(365.25 / 12), season_length(365)
    (7, 5, 52, 12, 0)
    """
    length = (WEEK_DAYS if period_days < 2 else YEAR_DAYS) / period_days
    whole = round(length)
    return whole if whole >= FEWEST_PERIODS and abs(length - whole) <= WHOLE * whole else 0


def is_yearly(season: int) -> bool:
    return season > WEEK_DAYS


def resemblance(deviations: FloatArray, known: IntArray, season: int) -> FloatArray:
    """Correlation of demand with that of a season ago, beyond that of half a season ago, in standard errors.

    `deviations` are demand less its mean, products × periods, 0 where unknown; `known` the periods known of each.
    Demand whose level has moved resembles itself at any distance. -1 where nothing varied or too little is known.
    """
    squares, half = np.vecdot(deviations, deviations), season // 2
    alike = np.vecdot(deviations[:, season:], deviations[:, :-season])
    alike -= np.maximum(0.0, np.vecdot(deviations[:, half:], deviations[:, :-half]))
    told = (squares > 0) & (known >= FEWEST_SEASONS * season)
    error = squares * np.sqrt(np.maximum(known - season, 1)) / known  # Of the sum of so many products by chance.
    return np.where(told, alike / np.where(told, error, 1.0), -1.0)


@dataclass(frozen=True, slots=True)
class Profile:
    """The indices of a season, as they were known before each period of a history, and after its last."""

    indices: FloatArray
    """Periods of the season × known periods + 1."""
    phases: IntArray
    """Of each known period: its place in the season."""
    end: int
    """The place of the first period to come."""

    @property
    def season(self) -> int:
        return len(self.indices)

    @property
    def newest(self) -> FloatArray:
        return np.asarray(self.indices[:, -1])

    @property
    def seasons(self) -> float:
        """How many were seen."""
        return self.phases.size / self.season

    def of_each(self) -> FloatArray:
        """The index of each known period, as it was known before it."""
        return np.asarray(self.indices[self.phases, np.arange(self.phases.size)])

    def lengths(self, known: IntArray, horizon: int) -> FloatArray:
        """The `horizon` periods after so many known ones, in average periods."""
        ahead = self.phases[known[:, None] + np.arange(horizon)]
        return np.asarray(np.add.reduce(self.indices[ahead, known[:, None]], axis=1))

    def to_come(self, length: float) -> float:
        """The next `length` periods, in average periods."""
        shares = coming(length)
        return max(SMALLEST_INDEX, float(shares @ self.ahead(shares.size)))

    def ahead(self, count: int) -> FloatArray:
        """The indices of the next `count` periods."""
        return np.asarray(self.newest[(self.end + np.arange(count)) % self.season])


def coming(length: float) -> FloatArray:
    """How much of each period the next `length` periods take: all, but of the last perhaps a part."""
    shares = np.ones(ceil(length))
    shares[-1:] -= shares.size - length
    return shares


def profile(demand: FloatArray, positions: IntArray, *, periods: int, season: int) -> Profile:
    """`positions` are the places of known demand among all `periods`."""
    phases, half = positions % season, season // 2
    middle, sold = _centred_means(demand, season), demand[half : demand.size - half]
    ratio = np.divide(sold, middle, out=np.ones_like(sold), where=middle > 0)
    # A ratio is known half a season later, when its centred mean is.
    place = phases[half : demand.size - half], np.arange(2 * half + 1, demand.size + 1)
    seen = np.zeros((3, season, demand.size + 1))
    seen[(0, *place)], seen[(1, *place)], seen[(2, *place)] = ratio, 1.0, np.square(ratio)
    total, count, squares = np.add.accumulate(seen, axis=2, out=seen)
    average = _average_seasons(total, count, squares)
    total += average
    count += average
    total /= count
    total *= season / np.add.reduce(total)
    return Profile(np.maximum(total, SMALLEST_INDEX), phases, periods % season)


def _average_seasons(total: FloatArray, count: FloatArray, squares: FloatArray) -> FloatArray:
    """How many seasons of average periods are mixed with those seen, at each moment: variance within the periods of the
    season ÷ variance between them, at most one. (Empirical Bayes: Efron & Morris, 1973)"""
    periods, told = np.add.reduce(count), np.count_nonzero(count, axis=0)
    explained = np.add.reduce(np.square(total) / np.maximum(count, 1))
    within = np.maximum(np.add.reduce(squares) - explained, 0.0) / np.maximum(periods - told, 1)
    between = (explained - 2 * np.add.reduce(total) + periods - within * told) / np.maximum(periods, 1)
    average = within / np.maximum(np.maximum(between, within), SMALLEST_INDEX**2)
    return np.where(periods - told < len(total) / 2, MOST_AVERAGE, np.maximum(average, FEWEST_AVERAGE))


def _centred_means(demand: FloatArray, season: int) -> FloatArray:
    """Mean of one season around each period that has half of one on either side."""
    total = np.append(0.0, np.add.accumulate(demand))
    means = total[season:] - total[:-season]
    if season % 2 == 0:
        means = (means[1:] + means[:-1]) / 2
    return np.asarray(means / season)


def level_profile(size: int) -> Profile:
    """No season: every period is an average one."""
    return Profile(np.ones((1, size + 1)), np.zeros(size, dtype=np.int64), 0)


def strikes(demand: FloatArray, positions: IntArray, periods: int, season: int) -> bool:
    """Whether demand resembles that of a season ago."""
    if season == 0 or demand.size < FEWEST_SEASONS * season:
        return False
    deviations = np.zeros((1, periods))
    deviations[0, positions] = demand - np.add.reduce(demand) / demand.size
    return bool(resemblance(deviations, np.array([demand.size]), season)[0] > STRIKING)
