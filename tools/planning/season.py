"""A yearly season or a profile of the week, as a forecast that has to win on the product's own past. Pure.

Each period of the season has an index: what it sells, as a share of the average period (ratio to the centred mean of
one season: Silver, Pyke & Thomas, 2017, 3.4.3). An interval is as long as the sum of its indices: two months that sell
1.4 and 1.2 times the average month last 2.6 average months. In that measure of time the method is the usual one, with a
trend among its means. At every past origin the indices are those that were known there.
"""

from dataclasses import dataclass, replace
from functools import lru_cache
from math import ceil

import numpy as np

from tools.planning.demand_distribution import SMALLEST, SMALLEST_MEAN, FloatArray, IntArray
from tools.planning.demand_forecast import SMALLEST_SHARE, RateForecast, combine, running_moments, running_variance
from tools.planning.forecast_frame import ERROR_DECAY, SMOOTHING, Frame
from tools.planning.forecast_grid import Grid, grid

WEEK_DAYS, YEAR_DAYS = 7.0, 365.25
FEWEST_PERIODS = 4
"""In a season."""
WHOLE = 0.05
"""How far a season may be from a whole number of periods, as a share."""
FEWEST_SEASONS = 2
"""Known, before one is looked for."""
AVERAGE_SEASONS = 1.0
"""Seasons of average periods that are mixed with those seen, so that one alone does not decide."""
SMALLEST_INDEX = 0.03
STRIKING = 3.0
"""Standard errors of likeness from which on demand a season ago is taken to say something of demand now."""
FEWEST_RIVALRIES = 3.0
"""Past intervals of equal weight, on which the season must have lost less than the forecast without it."""
RIVAL_SERVICE, RIVAL_Z = 0.95, 1.6448536269514722
"""What past levels are compared at."""
SPREAD_DOUBT = 10.0
"""Past errors that say that the spread is right as it is."""
SMALLEST_SPREAD = 0.3
FEWEST_JUDGED = 16
"""Periods before the first past error whose size is held against its forecast."""
MISSED = 1.1
"""Factor on the variance of past errors, as in `tools.planning.interval_forecast.widening`."""


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
    """Correlation of demand with that of a season ago, in standard errors; products × periods, 0 where unknown.

    `deviations` are demand less its mean, `known` the periods known of each product. -1 where nothing varied or fewer
    than two seasons are known.
    """
    squares = np.vecdot(deviations, deviations)
    likeness = np.vecdot(deviations[:, season:], deviations[:, :-season])
    told = (squares > 0) & (known >= FEWEST_SEASONS * season)
    return np.where(told, likeness * np.sqrt(known) / np.where(told, squares, 1.0), -1.0)


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
        share = np.ones(ceil(length))
        share[-1:] -= share.size - length
        ahead = self.newest[(self.end + np.arange(share.size)) % self.season]
        return max(SMALLEST_INDEX, float(share @ ahead))


def profile(demand: FloatArray, positions: IntArray, *, periods: int, season: int) -> Profile:
    """`positions` are the places of known demand among all `periods`."""
    phases, half = positions % season, season // 2
    middle, sold = _centred_means(demand, season), demand[half : demand.size - half]
    ratio = np.divide(sold, middle, out=np.ones_like(sold), where=middle > 0)
    # A ratio is known half a season later, when its centred mean is.
    place = phases[half : demand.size - half], np.arange(2 * half + 1, demand.size + 1)
    seen = np.zeros((2, season, demand.size + 1))
    seen[(0, *place)], seen[(1, *place)] = ratio, 1.0
    total, count = np.add.accumulate(seen, axis=2, out=seen) + AVERAGE_SEASONS
    total /= count
    total *= season / np.add.reduce(total)
    return Profile(np.maximum(total, SMALLEST_INDEX), phases, periods % season)


def _centred_means(demand: FloatArray, season: int) -> FloatArray:
    """Mean of one season around each period that has half of one on either side."""
    total = np.append(0.0, np.add.accumulate(demand))
    means = total[season:] - total[:-season]
    if season % 2 == 0:
        means = (means[1:] + means[:-1]) / 2
    return np.asarray(means / season)


@dataclass(frozen=True, slots=True)
class SeasonalForecast:
    """What won. `rates` are per period of the interval after each point; the last is the one to come."""

    profile: Profile
    frame: Frame
    rates: RateForecast
    average: RateForecast
    """The same per average period."""
    means: tuple[tuple[float, float], ...]
    """(weight, mean per average period): long-run, the recent ones, and the trend."""
    length: float
    """The interval to come, in average periods."""
    interval: float
    """The same in periods."""
    spread: float
    """Factor on the standard deviation, for what past demand above the forecast has shown."""

    @property
    def factor(self) -> float:
        return self.length / self.interval

    def share_of(self, length: float) -> float:
        """Average periods in each of the coming `length` periods, as a share of those of the interval."""
        return self.profile.to_come(length) / length / self.factor if length > 0 else 1.0


def seasonal_forecast(
    demand: FloatArray,
    positions: IntArray,
    *,
    periods: int,
    season: int,
    interval: float,
    plain: Grid,
    rival: RateForecast,
    unit: float,
) -> SeasonalForecast | None:
    """The forecast with the season, or None where it does not strike the eye or lost more than `rival` has.

    `plain` is the grid that `rival` was forecast on. Lost is pinball loss at 95 % of levels set at past origins.
    """
    if not _strikes(demand, positions, periods, season) or interval <= 0:
        return None
    found = profile(demand, positions, periods=periods, season=season)
    index, frame = found.of_each(), _frame_of(plain.frame, season, demand.size)
    horizon, known = frame.horizon, frame.known[0]
    lengths = found.lengths(known[:-1], horizon)
    means = _means(grid(np.stack([demand, index]), periods=np.array([demand.size]), horizon=horizon), horizon)
    came = np.diff(plain.sums[0, 0])
    errors = (came - means[:, :-1] * lengths) * (frame.counted[0] / np.sqrt(horizon * lengths))
    level = demand / index
    average = combine(
        means=means,
        moments=running_moments(errors, frame),
        variance=running_variance(level, frame, centre=float(level.mean())),
        horizon=horizon,
    )
    spread = _spread(average, lengths, came, frame, unit, season)
    ahead = found.to_come(interval)
    factor = np.append(lengths / horizon, ahead / interval)
    variance = average.variance * factor * spread**2
    rates = RateForecast(average.mean * factor, average.uncorrected * factor, average.weights, variance)
    if not _wins(rates, rival, came, frame, unit):
        return None
    newest = zip(average.weights[:, -1].tolist(), means[:, -1].tolist(), strict=True)
    return SeasonalForecast(found, frame, rates, average, tuple(newest), ahead, interval, spread)


def _strikes(demand: FloatArray, positions: IntArray, periods: int, season: int) -> bool:
    if season == 0 or demand.size < FEWEST_SEASONS * season:
        return False
    deviations = np.zeros((1, periods))
    deviations[0, positions] = demand - np.add.reduce(demand) / demand.size
    return bool(resemblance(deviations, np.array([demand.size]), season)[0] > STRIKING)


@lru_cache(maxsize=1024)
def _frame_of(frame: Frame, season: int, size: int) -> Frame:
    """Errors count once a season and a half is known, where three are. Those of a yearly season lose half of their
    weight in two years."""
    keep = 0.5 ** (1 / (2 * season)) if is_yearly(season) else ERROR_DECAY
    return replace(frame, keep=keep, fewest=season + season // 2 if size >= 3 * season else 0)


def _means(past: Grid, horizon: int) -> FloatArray:
    """Demand per average period at each point: long-run, recent, and the recent means' trend led on to the middle of
    the interval."""
    means = past.sums[:, 0] / np.maximum(past.sums[:, 1], SMALLEST)
    weeks, days = (1 / smoothing - 1 for smoothing in SMOOTHING)
    ahead = (days + (horizon + 1) / 2) / (weeks - days)
    trend = means[2] + (means[2] - means[1]) * ahead
    return np.vstack([means, np.maximum(trend, SMALLEST_SHARE * means[2])])


def _spread(
    average: RateForecast, lengths: FloatArray, came: FloatArray, frame: Frame, unit: float, season: int
) -> float:
    """How wide demand above its forecast has been, as a share of what the variance says; 1 where little is known."""
    weight = frame.weight[0] * (frame.known[0, :-1] >= max(FEWEST_SEASONS * season, FEWEST_JUDGED))
    total = weight.sum()
    if total <= 0:
        return 1.0
    mean = np.maximum(average.mean[:-1] * lengths / unit, SMALLEST_MEAN)
    variance = np.maximum(average.variance[:-1] * lengths / unit**2, mean)
    square = np.log1p(MISSED * variance / np.square(mean))
    above = np.log(np.maximum(came / unit - 0.5, SMALLEST) / mean) + square / 4
    upper = np.square(np.maximum(above, 0.0)) / square
    windows = total**2 / np.square(weight).sum()
    seen = np.sqrt(2 * (weight @ upper) / total)
    return float(max(SMALLEST_SPREAD, 1 + windows / (windows + SPREAD_DOUBT) * (seen - 1)))


def _wins(rates: RateForecast, rival: RateForecast, came: FloatArray, frame: Frame, unit: float) -> bool:
    """Whether levels at past origins would have lost less than the rival's."""
    weight = frame.weight[0]
    squares = np.square(weight).sum()
    if weight.sum() ** 2 < FEWEST_RIVALRIES * max(squares, SMALLEST):
        return False
    lost, theirs = (weight @ _pinball(each, came, frame.horizon, unit) for each in (rates, rival))
    return bool(lost < theirs)


def _pinball(rates: RateForecast, came: FloatArray, horizon: int, unit: float) -> FloatArray:
    mean = rates.mean[:-1]
    sd = np.sqrt(np.maximum(rates.variance[:-1], mean * unit) * horizon)
    short = came - horizon * mean - RIVAL_Z * sd
    return np.asarray(np.maximum(RIVAL_SERVICE * short, (RIVAL_SERVICE - 1) * short))
