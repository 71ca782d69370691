"""Demand over the protection interval, and the stock that covers it: safety stock, reorder point, order-up-to level.

The functions on numbers are the textbook's. `forecast_demand` is the method of this project: the spread of demand over
the protection interval is judged by the product's own past forecast errors.
"""

from dataclasses import dataclass
from math import ceil, sqrt

import numpy as np

from tools.demand import (
    DemandStatistics,
    ErrorVariance,
    ForecastErrors,
    error_variance,
    first_origin,
    forecast_errors,
    mean_path,
)
from tools.demand_distribution import (
    SLOW_BELOW,
    Component,
    FloatArray,
    IntArray,
    IntervalDemand,
    family_for,
    gamma_cdf,
    negative_binomial_cdf,
    z_value,
)
from tools.errors import InvalidInput
from tools.lead_time import LeadTime
from tools.models import Distribution, Method

FEWEST_FOR_FORECAST_ERRORS = 8
FEWEST_TESTS = 5
MOST_EVALUATIONS = 600
WHOLE_UNIT_FUZZ = 1e-9


def interval_sd(*, demand_sd: float, interval: float, mean: float = 0.0, lead_time_sd: float = 0.0) -> float:
    """Standard deviation of demand over an interval of uncertain length: √(interval·sd² + mean²·lead_time_sd²).

    `demand_sd` and `mean` per period, `interval` and `lead_time_sd` in periods. (Chopra & Meindl, 2016, 12.4)

    >>> round(interval_sd(demand_sd=5, interval=6, mean=50, lead_time_sd=2), 6)
    100.747208
    """
    return sqrt(interval * demand_sd**2 + (mean * lead_time_sd) ** 2)


def safety_stock(
    *, service_level: float, demand_sd: float, interval: float, mean: float = 0.0, lead_time_sd: float = 0.0
) -> float:
    """z·(sd of demand over the interval): units held so that `service_level` of cycles pass without stock-out.

    Units as in `interval_sd`; `service_level` in (0, 1). (Silver, Pyke & Thomas, 2017, 6.7)

    >>> round(safety_stock(service_level=0.95, demand_sd=20, interval=7), 2)
    87.04
    """
    sd = interval_sd(demand_sd=demand_sd, interval=interval, mean=mean, lead_time_sd=lead_time_sd)
    return float(z_value(service_level)) * sd


def reorder_point(*, mean: float, interval: float, safety_stock: float) -> float:
    """mean·interval + safety stock: the inventory position at which to order. With interval = lead time + review
    period it is the order-up-to level of periodic review. (Silver, Pyke & Thomas, 2017, 6.7 and 6.9)

    >>> round(reorder_point(mean=100, interval=7, safety_stock=87.04), 2)
    787.04
    """
    return mean * interval + safety_stock


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
    intervals = _intervals(lead_time, review_period_days, period_days)
    lead_time_sd = lead_time.sd_days / period_days
    if statistics.nonzero == 0:
        return _certain(statistics, "no_demand", intervals, uplift)
    if deterministic:
        return _certain(statistics, "deterministic", intervals, uplift)
    if statistics.demand.size < FEWEST_FOR_FORECAST_ERRORS:
        return _normal(statistics, intervals, lead_time_sd, uplift)
    return _by_forecast_errors(statistics, intervals, lead_time_sd, uplift)


Intervals = tuple[tuple[float, float], ...]
"""(share, length in periods) of each protection interval that may come."""


def _intervals(lead_time: LeadTime, review_period_days: float, period_days: float) -> Intervals:
    if not lead_time.replayed:
        return ((1.0, (lead_time.days + review_period_days) / period_days),)
    lengths, counts = np.unique(lead_time.replayed, return_counts=True)
    shares = counts / len(lead_time.replayed)
    return tuple(zip(shares.tolist(), ((lengths + review_period_days) / period_days).tolist(), strict=True))


def _mean_interval(intervals: Intervals) -> float:
    return sum(share * length for share, length in intervals)


def _certain(statistics: DemandStatistics, method: Method, intervals: Intervals, uplift: float) -> DemandForecast:
    mean = statistics.mean * uplift
    demand = IntervalDemand("degenerate", tuple(Component(share, mean * length, 0.0) for share, length in intervals))
    return DemandForecast(
        method=method,
        mean_per_period=mean,
        long_run=statistics.mean,
        recent=None,
        uplift=uplift,
        interval=_mean_interval(intervals),
        error_sd=0.0,
        errors=None,
        floored=False,
        widening=1.0,
        lead_time_variance=0.0,
        stock_basis=demand,
        predictive=demand,
    )


def _normal(statistics: DemandStatistics, intervals: Intervals, lead_time_sd: float, uplift: float) -> DemandForecast:
    """The textbook: plain mean and sample sd. Only a history that never varied is given the Poisson floor.

    The predictive distribution, for the confidence, carries the floor and the widening always.
    """
    mean, interval = statistics.mean * uplift, _mean_interval(intervals)
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
    path = mean_path(statistics.demand)
    interval = _mean_interval(intervals)
    mean = float(path[-1]) * uplift
    errors = error_variance(statistics.demand, horizon=interval, path=path)
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
        recent=2 * float(path[-1]) - statistics.mean,
        uplift=uplift,
        interval=interval,
        error_sd=sqrt(max(variance, mean * interval)),
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
    expected = mean * _mean_interval(intervals)
    family: Distribution = family_for(expected) if expected > 0 else "degenerate"
    return IntervalDemand(family, components)


@dataclass(frozen=True, slots=True)
class PastCoverage:
    """How often demand over the protection interval stayed within the level, had it been set at past moments."""

    chosen: float
    textbook: float
    tests: int


def past_coverage(
    statistics: DemandStatistics,
    *,
    lead_time: LeadTime,
    review_period_days: float,
    period_days: float,
    probability: float,
    z: float,
) -> PastCoverage | None:
    """Set the level at past moments a protection interval apart, from what was known then, and see what came.

    `probability` is the cycle service to test, `z` the textbook's factor. Where lead times are replayed, each moment
    meets one of them in turn; a spread known only as a number is left out of the test. None when fewer than five
    moments can be tested.
    """
    intervals = _intervals(lead_time, review_period_days, period_days)
    lengths = _tested_lengths(lead_time, review_period_days, period_days)
    horizon = max(1, round(_mean_interval(intervals)))
    demand = statistics.demand
    origins = _test_origins(demand.size, horizon=horizon, longest=int(lengths.max()), components=len(intervals))
    if origins.size < FEWEST_TESTS:
        return None
    path = mean_path(demand)
    total = np.concatenate([[0.0], np.cumsum(demand)])
    actual = total[origins + np.resize(lengths, origins.size)] - total[origins]
    rate = _known_error_rate(forecast_errors(demand, horizon=horizon, path=path), origins)
    chance = _chance_below(np.ceil(actual - WHOLE_UNIT_FUZZ) - 1, path[origins - 1], rate, origins, intervals)
    level = _textbook_levels(demand, origins, interval=lead_time.days / period_days, z=z)
    return PastCoverage(float((chance < probability).mean()), float((actual <= level).mean()), origins.size)


def _tested_lengths(lead_time: LeadTime, review_period_days: float, period_days: float) -> IntArray:
    days = lead_time.replayed or (lead_time.days,)
    return np.maximum(1, np.rint((np.array(days) + review_period_days) / period_days)).astype(int)


def _test_origins(size: int, *, horizon: int, longest: int, components: int) -> IntArray:
    first = first_origin(size) + horizon + FEWEST_TESTS - 1
    origins = np.arange(size - longest, first - 1, -horizon)[::-1]
    return origins[-max(FEWEST_TESTS, MOST_EVALUATIONS // components) :]


def _known_error_rate(errors: ForecastErrors, origins: IntArray) -> FloatArray:
    """Mean square per period of the errors whose outcome was known at each origin."""
    known = origins - errors.origins[0] - errors.horizon
    squares = np.cumsum(np.square(errors.actual - errors.forecast))
    return np.asarray(squares[known] / (known + 1) / errors.horizon)


def _chance_below(
    level: FloatArray, mean: FloatArray, rate: FloatArray, origins: IntArray, intervals: Intervals
) -> FloatArray:
    """P(D ≤ level) as it stood at each origin."""
    chance = np.zeros(origins.size)
    expected = mean * _mean_interval(intervals)
    slow = expected < SLOW_BELOW
    for share, length in intervals:
        means = np.maximum(mean * length, np.finfo(float).tiny)
        variances = np.maximum(rate, mean) * length * (1 + length / origins)
        for chosen, cdf in ((slow, negative_binomial_cdf), (~slow, gamma_cdf)):
            if chosen.any():
                chance[chosen] += share * cdf(
                    level=level[chosen], mean=means[chosen], variance=np.maximum(variances[chosen], means[chosen])
                )
    return chance


def _textbook_levels(demand: FloatArray, origins: IntArray, *, interval: float, z: float) -> FloatArray:
    """mean·L + z·sd·√L from the periods known at each origin, computed about the overall mean for the digits' sake."""
    centre = demand.mean()
    shifted = demand - centre
    mean = np.cumsum(shifted)[origins - 1] / origins
    square = np.cumsum(np.square(shifted))[origins - 1]
    sd = np.sqrt(np.maximum(square - origins * np.square(mean), 0.0) / (origins - 1))
    return np.asarray((centre + mean) * interval + z * sd * sqrt(interval))


@dataclass(frozen=True, slots=True)
class Target:
    """The service asked for. `limit` is the expected shortage a cycle may have (fill rate only)."""

    probability: float
    limit: float | None = None


def fill_rate_target(*, fill_rate: float, order_size: float) -> Target:
    """Expected shortage per cycle ≤ (1 − fill_rate)·order_size. (Silver, Pyke & Thomas, 2017, 6.7.3: P2)"""
    return Target(fill_rate, (1 - fill_rate) * order_size)


def cost_target(*, stockout_cost: float, holding_cost: float) -> Target:
    """The critical ratio p/(p + h), held within 0.001 … 0.999; costs per unit and protection interval, not both zero.

    (Snyder & Shen, 2019, 4.3)
    """
    if stockout_cost + holding_cost <= 0:
        raise InvalidInput("A cost target needs a shortage cost or a holding cost above zero.")
    return Target(min(0.999, max(0.001, stockout_cost / (stockout_cost + holding_cost))))


def stock_level(demand: IntervalDemand, target: Target) -> float:
    """The reorder point: exact for `normal` and for stated demand, the next whole unit otherwise; never below 0."""
    if target.limit is not None:
        level = demand.level_for_shortage(target.limit) if demand.family != "degenerate" else demand.mean
    else:
        level = demand.quantile(target.probability)
    if demand.family not in ("normal", "degenerate"):
        level = float(ceil(level - WHOLE_UNIT_FUZZ * max(1.0, level)))
    return max(0.0, level)
