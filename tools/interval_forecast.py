"""Demand over the protection interval: which method by the history, its mean and its distribution. Pure.

The spread of demand over the interval is judged by the product's own past forecast errors; fewer than eight periods
leave the textbook's.
"""

from dataclasses import dataclass
from math import sqrt
from typing import TypeAlias

import numpy as np

from tools.demand import DemandStatistics
from tools.demand_distribution import Component, IntervalDemand, family_for
from tools.forecast import ErrorVariance, ForecastPath, error_variance, forecast_path
from tools.lead_time import LeadTime
from tools.models import Distribution, Method

FEWEST_FOR_FORECAST_ERRORS = 8

Intervals: TypeAlias = tuple[tuple[float, float], ...]
"""(share, length in periods) of each protection interval that may come."""


@dataclass(frozen=True, slots=True)
class DemandForecast:
    """Demand over the protection interval, with all that its derivation shows. Rates per period, after the uplift."""

    method: Method
    mean_per_period: float
    long_run: float
    recent: float | None
    """The TSB half of the mean; None where the mean is the plain average."""
    uplift: float
    interval: float
    """Mean protection interval, in periods."""
    error_sd: float
    """Standard deviation over the interval before the widening: of past errors, or sd·√interval for `normal`."""
    path: ForecastPath | None
    errors: ErrorVariance | None
    floored: bool
    """The Poisson floor stands in for a smaller variance."""
    widening: float
    """Factor on the variance for a short history."""
    lead_time_variance: float
    stock_basis: IntervalDemand
    """What the reorder point is read from."""
    predictive: IntervalDemand
    """What the confidence is read from: the same, or for `normal` widened to a forecast's uncertainty."""


def forecast_demand(
    statistics: DemandStatistics,
    *,
    lead_time: LeadTime,
    review_period_days: float,
    period_days: float,
    uplift: float = 1.0,
    deterministic: bool = False,
) -> DemandForecast:
    """Choose the method by the history and forecast demand over lead time + review period."""
    intervals = protection_intervals(lead_time, review_period_days, period_days)
    lead_time_sd = lead_time.sd_days / period_days
    if statistics.nonzero == 0:
        return _certain(statistics, "no_demand", intervals, 0.0, uplift)
    if deterministic:
        return _certain(statistics, "deterministic", intervals, lead_time_sd, uplift)
    if statistics.demand.size < FEWEST_FOR_FORECAST_ERRORS:
        return _normal(statistics, intervals, lead_time_sd, uplift)
    return _by_forecast_errors(statistics, intervals, lead_time_sd, uplift)


def protection_intervals(lead_time: LeadTime, review_period_days: float, period_days: float) -> Intervals:
    """One interval where the lead time is a number, every observed one where they are replayed."""
    if not lead_time.replayed:
        return ((1.0, (lead_time.days + review_period_days) / period_days),)
    lengths, counts = np.unique(lead_time.replayed, return_counts=True)
    shares = counts / len(lead_time.replayed)
    return tuple(zip(shares.tolist(), ((lengths + review_period_days) / period_days).tolist(), strict=True))


def mean_interval(intervals: Intervals) -> float:
    return sum(share * length for share, length in intervals)


def _certain(
    statistics: DemandStatistics, method: Method, intervals: Intervals, lead_time_sd: float, uplift: float
) -> DemandForecast:
    """Demand that does not vary; the lead time still may (normal where its spread is a number)."""
    mean = statistics.mean * uplift
    between = _lead_time_variance(mean, lead_time_sd)
    components = tuple(Component(share, mean * length, between) for share, length in intervals)
    demand = IntervalDemand("normal" if between else "degenerate", components)
    return DemandForecast(
        method=method,
        mean_per_period=mean,
        long_run=statistics.mean,
        recent=None,
        uplift=uplift,
        interval=mean_interval(intervals),
        error_sd=0.0,
        path=None,
        errors=None,
        floored=False,
        widening=1.0,
        lead_time_variance=demand.variance,
        stock_basis=demand,
        predictive=demand,
    )


def _normal(statistics: DemandStatistics, intervals: Intervals, lead_time_sd: float, uplift: float) -> DemandForecast:
    """The textbook: plain mean and sample sd. Only a history that never varied is given the Poisson floor.

    The predictive distribution, for the confidence, carries the floor and the widening always.
    """
    mean, interval = statistics.mean * uplift, mean_interval(intervals)
    variance_rate = (statistics.sd * uplift) ** 2
    floored = variance_rate == 0
    between = _lead_time_variance(mean, lead_time_sd)
    widened = _widened(
        mean=mean,
        variance_rate=variance_rate,
        periods=statistics.demand.size,
        intervals=intervals,
        lead_time_variance=between,
    )
    basis_rate = mean if floored else variance_rate
    spread = sum(share * (basis_rate * length + (mean * (length - interval)) ** 2) for share, length in intervals)
    return DemandForecast(
        method="normal",
        mean_per_period=mean,
        long_run=statistics.mean,
        recent=None,
        uplift=uplift,
        interval=interval,
        error_sd=sqrt(basis_rate * interval),
        path=None,
        errors=None,
        floored=floored,
        widening=1.0,
        lead_time_variance=between + spread - basis_rate * interval,
        stock_basis=IntervalDemand("normal", (Component(1.0, mean * interval, spread + between),)),
        predictive=widened,
    )


def _by_forecast_errors(
    statistics: DemandStatistics, intervals: Intervals, lead_time_sd: float, uplift: float
) -> DemandForecast:
    path = forecast_path(statistics.demand)
    interval = mean_interval(intervals)
    mean = float(path.mean[-1]) * uplift
    errors = error_variance(path, horizon=interval)
    variance = float(errors.variance) * uplift**2
    between = _lead_time_variance(mean, lead_time_sd)
    demand = _widened(
        mean=mean,
        variance_rate=variance / interval if interval > 0 else 0.0,
        periods=statistics.demand.size,
        intervals=intervals,
        lead_time_variance=between,
    )
    return DemandForecast(
        method="forecast_error",
        mean_per_period=mean,
        long_run=statistics.mean,
        recent=2 * float(path.mean[-1]) - statistics.mean,
        uplift=uplift,
        interval=interval,
        error_sd=sqrt(max(variance, mean * interval)),
        path=path,
        errors=errors,
        floored=variance < mean * interval,
        widening=1 + interval / statistics.demand.size,
        lead_time_variance=between,
        stock_basis=demand,
        predictive=demand,
    )


def _lead_time_variance(mean: float, lead_time_sd: float) -> float:
    return (mean * lead_time_sd) ** 2


def _widened(
    *, mean: float, variance_rate: float, periods: int, intervals: Intervals, lead_time_variance: float
) -> IntervalDemand:
    """max(variance, mean)·(1 + interval/periods) for each interval that may come, plus the lead time's own variance."""
    rate = max(variance_rate, mean)
    components = tuple(
        Component(share, mean * length, rate * length * (1 + length / periods) + lead_time_variance)
        for share, length in intervals
    )
    expected = mean * mean_interval(intervals)
    family: Distribution = family_for(expected) if expected > 0 else "degenerate"
    return IntervalDemand(family, components)
