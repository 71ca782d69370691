"""Forecasts that have to win on the product's own past: a season, a trend, and promotions. Pure.

All run the usual method in average periods (`tools.planning.season`), with a trend among its means. At every past
origin the indices are those that were known there. What does not win gets no weight.
"""

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from tools.planning.demand import INTERMITTENT_INTERVAL
from tools.planning.demand_distribution import SMALLEST, SMALLEST_MEAN, FloatArray, IntArray, Values
from tools.planning.demand_forecast import SMALLEST_SHARE, RateForecast, combine, running_moments, running_variance
from tools.planning.forecast_frame import ERROR_DECAY, SMOOTHING, Frame
from tools.planning.forecast_grid import Grid, grid
from tools.planning.promotion import PromotedProfile, Promotions, promoted_profile
from tools.planning.season import FEWEST_SEASONS, Profile, is_yearly, level_profile, profile, strikes

TREND_DOUBT = 0.4
"""Of the bias of the plain forecast, below which a trend is tried: a bias of 2.5 standard errors."""
FEWEST_RIVALRIES = 3.0
"""Past intervals of equal weight, on which the season must have lost less than the forecast without it."""
RIVAL_SERVICE, RIVAL_Z = 0.9, 1.2815515655446004
"""What past levels are compared at."""
SPREAD_DOUBT = 10.0
"""Past errors that say that the spread is right as it is."""
SMALLEST_SPREAD = 0.3
SHORTEST_INTERVAL = 1e-9
"""Periods below which there is nothing to wait for, and demand per period of the interval would be beyond counting."""
FEWEST_JUDGED = 16
"""Periods before the first past error whose size is held against its forecast."""
MISSED = 1.1
"""Factor on the variance of past errors, as in `tools.planning.interval_forecast.widening`."""


@dataclass(frozen=True, slots=True)
class CompetingForecast:
    """What won. `rates` are per period of the interval after each point; the last is the one to come."""

    profile: Profile
    """Of the season; one average period where there is none."""
    promoted: PromotedProfile | None
    """The same with promotions, where these have won."""
    frame: Frame
    rates: RateForecast
    average: RateForecast
    """The same per average period."""
    means: tuple[tuple[float, float], ...]
    """(weight, mean per average period): long-run, the recent ones, and the trend."""
    length: float
    """The interval to come, in average periods."""
    width: float
    """The same in average periods that vary as much: promoted ones vary more than their length says."""
    interval: float
    """The same in periods."""
    spread: float
    """Factor on the standard deviation, for what past demand above the forecast has shown."""

    @property
    def factor(self) -> float:
        return self.length / self.interval

    @property
    def widening(self) -> float:
        """Factor on the variance of as many average periods."""
        return self.width / self.interval

    def share_of(self, length: float) -> float:
        """Average periods in each of the coming `length` periods, as a share of those of the interval."""
        if length <= 0:
            return 1.0
        return (self.promoted or self.profile).to_come(length) / length / self.factor


@dataclass(frozen=True, slots=True)
class Past:
    """What a competitor is tried on: the history, its interval, and the plain forecast that is to be beaten."""

    demand: FloatArray
    positions: IntArray
    """Of known demand among all `periods`."""
    periods: int
    interval: float
    unit: float
    plain: Grid
    """What `rival` was forecast on."""
    rival: RateForecast
    promotions: Promotions | None = None


def competing_forecast(past: Past, season: int) -> CompetingForecast | None:
    """The forecast with a season, else with a trend, where it strikes the eye and has lost less than the plain one;
    and with promotions, where it has lost less than without.

    Lost is pinball loss at 90 % of levels set at past origins.
    """
    if past.interval < SHORTEST_INTERVAL:
        return None
    if past.promotions is not None and past.promotions.marked.any():
        return _with_promotions(past, past.promotions, season)
    return _without_promotions(past, season)


def _without_promotions(past: Past, season: int) -> CompetingForecast | None:
    if strikes(past.demand, past.positions, past.periods, season):
        found = _by_average_period(past, _seasonal(past, past.demand, season))
        if _loses_less(found.rates, past, found.frame):
            return found
    sales = np.count_nonzero(past.demand)
    if bool(trends(past.rival.doubt[-1:], np.array([sales]), np.array([past.demand.size]))[0]):
        found = _by_average_period(past, level_profile(past.demand.size))
        if _loses_less(found.rates, past, found.frame, past.rival.mean[:-1]):
            return found
    return None


def _with_promotions(past: Past, promotions: Promotions, season: int) -> CompetingForecast | None:
    """Lifts are taken out of the history before a season is looked for. Until enough past intervals can tell which
    loses less, promotions are taken where the group says what they bring."""
    rival = _without_promotions(past, season)
    lifted = promoted_profile(past.demand, promotions, level_profile(past.demand.size))
    ordinary = past.demand / lifted.factors
    if strikes(ordinary, past.positions, past.periods, season):
        lifted = promoted_profile(past.demand, promotions, _seasonal(past, ordinary, season))
    found = _by_average_period(past, lifted.base, lifted)
    if promotions.usual.spread and not _can_tell(found.frame.weight[0]):
        return found
    against = past if rival is None else replace(past, rival=rival.rates)
    return found if _loses_less(found.rates, against, found.frame) else rival


def _seasonal(past: Past, demand: FloatArray, season: int) -> Profile:
    return profile(demand, past.positions, periods=past.periods, season=season)


def trends(doubt: FloatArray, sales: IntArray, periods: IntArray) -> NDArray[np.bool_]:
    """Whether products that sell in most periods have lain on one side of their forecasts, beyond chance."""
    return np.asarray((doubt < TREND_DOUBT) & (sales * INTERMITTENT_INTERVAL > periods))


def _by_average_period(past: Past, found: Profile, promoted: PromotedProfile | None = None) -> CompetingForecast:
    """The usual method in average periods."""
    demand, index = past.demand, (promoted or found).of_each()
    frame = _frame_of(past.plain.frame, found.season, demand.size, 0 if promoted is None else promoted.told)
    horizon, known = frame.horizon, frame.known[0]
    lengths, ahead = (promoted or found).lengths(known[:-1], horizon), (promoted or found).to_come(past.interval)
    widths, width, told = lengths, ahead, np.stack([demand, index])
    if promoted is not None:
        widths, width = promoted.widths(known[:-1], horizon), promoted.width_to_come(past.interval)
        told *= promoted.weights
    means = _means(grid(told, periods=np.array([demand.size]), horizon=horizon), horizon)
    came = np.diff(past.plain.sums[0, 0])
    level = demand / index if promoted is None else promoted.ordinary(demand)
    size = _size_of_errors(means) if found.season == 1 and promoted is None else np.ones(known.size)
    level = level / size[np.maximum(np.searchsorted(known, np.arange(demand.size), side="right") - 1, 0)]
    errors = (came - means[:, :-1] * lengths) * (frame.counted[0] / (np.sqrt(horizon * widths) * size[:-1]))
    moments = running_moments(errors, frame)
    average = combine(
        means=means,
        moments=replace(moments, bias=moments.bias * size, products=moments.products * np.square(size)),
        variance=running_variance(level, frame, centre=float(level.mean())) * np.square(size),
        horizon=horizon,
    )
    spread = _spread(average, (lengths, widths), came, frame, past.unit, found.season)
    factor, widen = (
        np.append(lengths / horizon, ahead / past.interval),
        np.append(widths / horizon, width / past.interval),
    )
    variance = average.variance * widen * spread**2
    if promoted is not None:
        variance[-1] += average.mean[-1] ** 2 * promoted.doubt_to_come(past.interval) / past.interval
    rates = replace(average, mean=average.mean * factor, variance=variance)
    newest = tuple(zip(average.weights[:, -1].tolist(), means[:, -1].tolist(), strict=True))
    return CompetingForecast(found, promoted, frame, rates, average, newest, ahead, width, past.interval, spread)


@lru_cache(maxsize=1024)
def _frame_of(frame: Frame, season: int, size: int, told: int) -> Frame:
    """Errors count once a season and a half is known, where three are, and what a promotion brings, which so many
    periods `told`. Those of a yearly season lose half of their weight in two years."""
    keep = 0.5 ** (1 / (2 * season)) if is_yearly(season) else ERROR_DECAY
    return replace(frame, keep=keep, fewest=max(told, season + season // 2 if size >= 3 * season else 0))


def _size_of_errors(means: FloatArray) -> FloatArray:
    """At each point, of demand that moves: a variance is in proportion to the mean of the last weeks."""
    return np.asarray(np.sqrt(np.maximum(means[1], SMALLEST_SHARE * means[0]) + SMALLEST_MEAN))


def _means(past: Grid, horizon: int) -> FloatArray:
    """Demand per average period at each point: long-run, recent, and the recent means' trend led on to the middle of
    the interval."""
    means = past.sums[:, 0] / np.maximum(past.sums[:, 1], SMALLEST)
    weeks, days = (1 / smoothing - 1 for smoothing in SMOOTHING)
    ahead = (days + (horizon + 1) / 2) / (weeks - days)
    trend = means[2] + (means[2] - means[1]) * ahead
    return np.vstack([means, np.maximum(trend, SMALLEST_SHARE * means[2])])


def _spread(
    average: RateForecast,
    lengths: tuple[FloatArray, FloatArray],
    came: FloatArray,
    frame: Frame,
    unit: float,
    season: int,
) -> float:
    """How wide demand above its forecast has been, as a share of what the variance says; 1 where little is known."""
    weight = frame.weight[0] * (frame.known[0, :-1] >= max(FEWEST_SEASONS * season, FEWEST_JUDGED))
    total = weight.sum()
    if total <= 0:
        return 1.0
    mean = np.maximum(average.mean[:-1] * lengths[0] / unit, SMALLEST_MEAN)
    variance = np.maximum(average.variance[:-1] * lengths[1] / unit**2, mean)
    square = np.log1p(MISSED * variance / np.square(mean))
    above = np.log(np.maximum(came / unit - 0.5, SMALLEST) / mean) + square / 4
    upper = np.square(np.maximum(above, 0.0)) / square
    windows = total**2 / np.square(weight).sum()
    seen = np.sqrt(2 * (weight @ upper) / total)
    return float(max(SMALLEST_SPREAD, 1 + windows / (windows + SPREAD_DOUBT) * (seen - 1)))


def _loses_less(rates: RateForecast, past: Past, frame: Frame, size: Values = 1.0) -> bool:
    """Whether levels at past origins would have lost less than the plain ones, in units of `size`; no where too few are
    known."""
    weight, came = frame.weight[0], np.diff(past.plain.sums[0, 0])
    if not _can_tell(weight):
        return False
    plain, own = (_pinball(each, came, frame.horizon, past.unit) for each in (past.rival, rates))
    return bool(weight @ ((plain - own) / np.maximum(size, SMALLEST_MEAN)) > 0)


def _can_tell(weight: FloatArray) -> bool:
    return bool(weight.sum() ** 2 >= FEWEST_RIVALRIES * max(np.square(weight).sum(), SMALLEST))


def _pinball(rates: RateForecast, came: FloatArray, horizon: int, unit: float) -> FloatArray:
    mean = rates.mean[:-1]
    sd = np.sqrt(np.maximum(rates.variance[:-1], mean * unit) * horizon)
    short = came - horizon * mean - RIVAL_Z * sd
    return np.asarray(np.maximum(RIVAL_SERVICE * short, (RIVAL_SERVICE - 1) * short))
