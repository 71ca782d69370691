"""The lead time, and demand over the protection interval: its method, its mean and its distribution. Pure.

The product's own past forecast errors tell the spread; fewer than eight periods leave the textbook's.
"""

from collections import Counter
from dataclasses import dataclass
from math import fsum, sqrt
from typing import TypeAlias

import numpy as np

from tools.planning.competing_forecast import CompetingForecast, Past, competing_forecast
from tools.planning.demand import DemandStatistics, mean_of
from tools.planning.demand_distribution import Component, FloatArray, IntArray, IntervalDemand, chance_of_none
from tools.planning.demand_forecast import RateForecast, combine, moments_by_point, running_variance
from tools.planning.forecast_frame import Frame, measured_horizon
from tools.planning.forecast_grid import grid
from tools.planning.learned import OfCatalogue, averaged_rates
from tools.planning.promotion import Promotions, unseen_doubt
from tools.planning.season import season_length
from tools.records.facts import LearnedDemand, Supplier
from tools.records.plan import Distribution, Method

FEWEST_TO_REPLAY = 10
FEWEST_FOR_SPREAD = 2
MOST_REPLAYED = 60
"""Only the latest receipts count, so that a supplier's improvement shows."""
USUAL_QUANTILES = 10
FEWEST_FOR_FORECAST_ERRORS = 8
MISSED_SPREAD = 0.1
"""Share by which the variance of future errors exceeds that of past ones: what has not happened yet is not in them."""

Intervals: TypeAlias = tuple[tuple[float, float], ...]
"""(share, length in periods) of each protection interval that may come."""


@dataclass(slots=True)
class LeadTime:
    """The lead time to plan with.

    `days` is its mean. `sd_days` is its spread where only a number is known. `replayed` are the observed lead times,
    where there are enough of them to be the distribution.
    """

    days: float
    promised_days: float
    sd_days: float
    replayed: tuple[float, ...]
    receipts: int
    slip_days: float
    """The longest an order has been late: beyond it an overdue order is doubted."""


def lead_time(supplier: Supplier, *, stated_days: float | None = None) -> LeadTime:
    """Ten or more receipts are replayed; with fewer, the promise is the mean and the receipts give the spread.

    Where receipts tell how late they were, the promise and their lateness are replayed, with the usual lateness of all
    suppliers beside it: from the first order on where that is known. `stated_days` replaces the mean; the observed
    spread about it stays.
    """
    promised = supplier.promised_lead_time_days
    late = supplier.observed_lateness_days[-MOST_REPLAYED:]
    if len(late) >= FEWEST_TO_REPLAY or supplier.usual_lateness_days:
        observed = tuple(max(0.0, promised + days) for days in (*late, *supplier.usual_lateness_days))
        return _replayed(observed, promised, stated_days, receipts=len(late))
    observed = supplier.observed_lead_times_days[-MOST_REPLAYED:]
    if len(observed) >= FEWEST_TO_REPLAY:
        return _replayed(observed, promised, stated_days, receipts=len(observed))
    slip = max(0.0, max(observed) - promised) if observed else 2 * (supplier.lead_time_sd_days or 0.0)
    days = promised if stated_days is None else stated_days
    return LeadTime(days, promised, _spread(supplier, observed), (), len(observed), slip)


def usual_lateness(late: FloatArray) -> tuple[float, ...]:
    """Evenly spaced quantiles of all suppliers' receipts; none where there are too few.

    >>> usual_lateness(np.repeat([0.0, 3.0], [17, 3]))[-3:]
    (0.0, 0.0, 3.0)
    """
    if late.size < USUAL_QUANTILES:
        return ()
    places = (np.arange(USUAL_QUANTILES) + 0.5) / USUAL_QUANTILES
    return tuple(np.quantile(late, places, method="inverted_cdf").tolist())


def _replayed(observed: tuple[float, ...], promised: float, stated_days: float | None, *, receipts: int) -> LeadTime:
    """Each as likely as any other."""
    slip = max(0.0, max(observed) - promised)
    mean = fsum(observed) / len(observed)
    if stated_days is not None:
        observed = tuple(max(0.0, days + stated_days - mean) for days in observed)
        mean = fsum(observed) / len(observed)
    return LeadTime(mean, promised, 0.0, observed, receipts, slip)


def _spread(supplier: Supplier, observed: tuple[float, ...]) -> float:
    """The stated standard deviation, or the root mean square of what the few receipts deviated from the promise."""
    if supplier.lead_time_sd_days is not None:
        return supplier.lead_time_sd_days
    if len(observed) < FEWEST_FOR_SPREAD:
        return 0.0
    promised = supplier.promised_lead_time_days
    return sqrt(fsum((days - promised) ** 2 for days in observed) / len(observed))


@dataclass(slots=True)
class JudgedErrors:
    """Past forecasts at each point of the grid, and the textbook's mean and variance there."""

    frame: Frame
    rates: RateForecast
    mean: FloatArray
    variance: FloatArray


@dataclass(slots=True)
class DemandForecast:
    """Demand over the protection interval, with all that its derivation shows. Rates per period, after the uplift."""

    method: Method
    mean_per_period: float
    means: tuple[tuple[float, float], ...]
    """(weight, mean per period, an average one where there is a season) of the forecasts that make up the mean, before
    the uplift; one where it is plain."""
    uplift: float
    interval: float
    """Mean protection interval, in periods."""
    lead_time_variance: float
    stock_basis: IntervalDemand
    """What the reorder point is read from."""
    predictive: IntervalDemand
    """What the confidence is read from: the same, or for `normal` widened to a forecast's uncertainty."""
    error_sd: float = 0.0
    """Standard deviation over the interval before the widening: of past errors, or sd·√interval for `normal`."""
    correction: float = 0.0
    """Of the weighted mean's bias, per (average) period."""
    won: CompetingForecast | None = None
    """A season or a trend that won on the product's past."""
    judged: JudgedErrors | None = None
    """None where the history is too short for the method of past errors."""
    floored: bool = False
    """The Poisson floor stands in for a smaller variance."""
    widening: float = 1.0
    """Factor on the variance for what the history does not show."""
    catalogue: OfCatalogue | None = None
    """What was learned from the whole catalogue, where it is averaged with the product's own forecast."""

    @property
    def own_mean(self) -> float:
        """Per period before the uplift, as the product's own past says."""
        return (self.mean_per_period if self.catalogue is None else self.catalogue.own_mean) / self.uplift

    @property
    def average(self) -> float:
        """The same of an average period where there is a season."""
        return self.own_mean / (1.0 if self.won is None else self.won.factor)


def forecast_demand(
    statistics: DemandStatistics,
    *,
    lead_time: LeadTime,
    review_period_days: float,
    period_days: float,
    uplift: float = 1.0,
    deterministic: bool = False,
    promotions: Promotions | None = None,
    learned: LearnedDemand | None = None,
) -> DemandForecast:
    """Choose the method by the history and forecast demand over lead time + review period."""
    intervals = protection_intervals(lead_time, review_period_days, period_days)
    lead_time_sd = lead_time.sd_days / period_days
    if statistics.mean == 0:
        return _certain(statistics, "no_demand", intervals, 0.0, uplift)
    if deterministic:
        return _certain(statistics, "deterministic", intervals, lead_time_sd, uplift)
    if statistics.demand.size < FEWEST_FOR_FORECAST_ERRORS:
        return _normal(statistics, intervals, lead_time_sd, uplift)
    season = season_length(period_days)
    return _by_forecast_errors(statistics, intervals, lead_time_sd, uplift, season, promotions, learned)


def protection_intervals(lead_time: LeadTime, review_period_days: float, period_days: float) -> Intervals:
    """One interval where the lead time is a number, every observed one where they are replayed."""
    if not lead_time.replayed:
        return ((1.0, (lead_time.days + review_period_days) / period_days),)
    receipts = len(lead_time.replayed)
    often = sorted(Counter(lead_time.replayed).items())
    return tuple((count / receipts, (days + review_period_days) / period_days) for days, count in often)


def widening(interval: float | FloatArray, periods: int | IntArray) -> float | FloatArray:
    """Factor on the variance of an interval after so many periods: for the mean, which they tell only so well, and for
    what they do not show.

    >>> round(widening(8, 80), 6)
    1.2
    """
    return 1 + MISSED_SPREAD + interval / periods


def mean_interval(intervals: Intervals) -> float:
    mean = 0.0
    for share, length in intervals:
        mean += share * length
    return mean


def _certain(
    statistics: DemandStatistics, method: Method, intervals: Intervals, lead_time_sd: float, uplift: float
) -> DemandForecast:
    """Demand that does not vary; the lead time still may (normal where its spread is a number)."""
    mean = statistics.mean * uplift
    between = (mean * lead_time_sd) ** 2
    components = tuple(Component(share, mean * length, between) for share, length in intervals)
    demand = IntervalDemand("normal" if between else "degenerate", components, statistics.counting_unit)
    return DemandForecast(
        method=method,
        mean_per_period=mean,
        means=((1.0, statistics.mean),),
        uplift=uplift,
        interval=mean_interval(intervals),
        lead_time_variance=demand.variance,
        stock_basis=demand,
        predictive=demand,
    )


def _normal(statistics: DemandStatistics, intervals: Intervals, lead_time_sd: float, uplift: float) -> DemandForecast:
    """The textbook: plain mean and sample sd. Only a history that never varied is given the Poisson floor.

    The predictive distribution, for the confidence, carries the floor and the widening always.
    """
    mean, interval, unit = statistics.mean * uplift, mean_interval(intervals), statistics.counting_unit
    variance_rate = (statistics.sd * uplift) ** 2
    floored = variance_rate == 0
    between = (mean * lead_time_sd) ** 2
    basis_rate = mean * unit if floored else variance_rate
    spread = 0.0
    for share, length in intervals:
        spread += share * (basis_rate * length + (mean * (length - interval)) ** 2)
    return DemandForecast(
        method="normal",
        mean_per_period=mean,
        means=((1.0, statistics.mean),),
        uplift=uplift,
        interval=interval,
        lead_time_variance=between + spread - basis_rate * interval,
        stock_basis=IntervalDemand("normal", (Component(1.0, mean * interval, spread + between),), unit),
        predictive=_widened(mean, variance_rate, statistics, intervals, between),
        error_sd=sqrt(basis_rate * interval),
        floored=floored,
    )


@dataclass(slots=True)
class OwnForecast:
    """What one product's history says of an interval; rates per period of it."""

    rates: RateForecast
    """At each point of the grid; the last is now."""
    means: tuple[tuple[float, float], ...]
    correction: float
    judged: JudgedErrors
    won: CompetingForecast | None


def own_forecast(
    demand: FloatArray,
    positions: IntArray,
    *,
    periods: int,
    interval: float,
    season: int,
    unit: float,
    promotions: Promotions | None = None,
) -> OwnForecast:
    """The usual means, or the season, trend or promotions that have lost less in the product's own past.

    `season` is its length in periods, 0 for none; `positions` are the places of known demand among all `periods`.
    """
    horizon = measured_horizon(interval)
    past = grid(demand[None], periods=np.array([demand.size]), horizon=horizon)
    means, variance = past.means_by_point, running_variance(demand, past.frame, centre=mean_of(demand))
    rates = combine(means=means, moments=moments_by_point(past), variance=variance, horizon=horizon)
    won = competing_forecast(Past(demand, positions, periods, interval, unit, past, rates, promotions), season)
    if won is not None:
        correction = won.average.mean.item(-1) - won.average.uncorrected.item(-1)
        return OwnForecast(
            won.rates, won.means, correction, JudgedErrors(won.frame, won.rates, means[0], variance), won
        )
    if promotions is not None:
        rates.variance[-1] += rates.mean[-1] ** 2 * interval * unseen_doubt(promotions, interval)
    newest = tuple(zip(rates.weights[:, -1].tolist(), means[:, -1].tolist(), strict=True))
    correction = rates.mean.item(-1) - rates.uncorrected.item(-1)
    return OwnForecast(rates, newest, correction, JudgedErrors(past.frame, rates, means[0], variance), None)


def _by_forecast_errors(
    statistics: DemandStatistics,
    intervals: Intervals,
    lead_time_sd: float,
    uplift: float,
    season: int,
    promotions: Promotions | None,
    learned: LearnedDemand | None,
) -> DemandForecast:
    size, interval, unit = statistics.demand.size, mean_interval(intervals), statistics.counting_unit
    own = own_forecast(
        statistics.demand,
        statistics.positions,
        periods=statistics.periods,
        interval=interval,
        season=season,
        unit=unit,
        promotions=promotions,
    )
    mean, variance_rate = own.rates.mean.item(-1) * uplift, own.rates.variance.item(-1) * uplift**2
    least, error_rate, catalogue = mean * unit, variance_rate, None
    if learned is not None:
        catalogue = _with_catalogue(mean, variance_rate, statistics, interval, learned, uplift)
        mean, variance_rate = catalogue.mean, catalogue.sd**2 / (interval * float(widening(interval, size)))
    between = (mean * lead_time_sd) ** 2
    demand = _widened(mean, variance_rate, statistics, intervals, between, own.won)
    return DemandForecast(
        method="forecast_error",
        mean_per_period=mean,
        means=own.means,
        uplift=uplift,
        interval=interval,
        lead_time_variance=between,
        stock_basis=demand,
        predictive=demand,
        error_sd=sqrt(max(error_rate, least) * interval),
        correction=own.correction,
        won=own.won,
        judged=own.judged,
        floored=error_rate < least,
        widening=float(widening(interval, size)),
        catalogue=catalogue,
    )


def _with_catalogue(
    mean: float,
    variance_rate: float,
    statistics: DemandStatistics,
    interval: float,
    learned: LearnedDemand,
    uplift: float,
) -> OfCatalogue:
    growth, floor = interval * float(widening(interval, statistics.demand.size)), mean * statistics.counting_unit
    told = (np.array(learned.mean * uplift), np.array(learned.sd * uplift), np.array(learned.share))
    rate, variance = averaged_rates(
        np.array(mean),
        np.array(variance_rate),
        floor=np.array(floor),
        growth=np.array(growth),
        length=np.array(interval),
        of=told,
    )
    own_sd = sqrt(max(variance_rate, floor) * growth)
    return OfCatalogue(learned, mean, own_sd, float(rate), sqrt(float(variance) * growth))


def _widened(
    mean: float,
    variance_rate: float,
    statistics: DemandStatistics,
    intervals: Intervals,
    lead_time_variance: float,
    won: CompetingForecast | None = None,
) -> IntervalDemand:
    """max(variance, mean·unit)·widening for each interval that may come, plus the lead time's variance.

    Counts that come by chance have a variance of their mean (Poisson), amounts one of mean·unit. With a season, each
    length has its own share of the rates, which are those of the mean interval.
    """
    rate = max(variance_rate, mean * statistics.counting_unit)
    selling = statistics.nonzero / statistics.demand.size
    components = []
    for share, length in intervals:
        counted = length if won is None or len(intervals) == 1 else length * won.share_of(length)
        variance = rate * counted * float(widening(length, statistics.demand.size)) + lead_time_variance
        change = mean / statistics.mean * (counted / length if length else 1.0)
        none = chance_of_none(selling=selling, change=change, interval=length)
        components.append(Component(share, mean * counted, variance, none))
    family: Distribution = "lognormal" if mean * mean_interval(intervals) > 0 else "degenerate"
    return IntervalDemand(family, tuple(components), statistics.counting_unit)
