"""The stock that covers demand over the protection interval: safety stock, reorder point, order-up-to level. Pure."""

from dataclasses import dataclass
from math import ceil, sqrt

from tools.demand_distribution import IntervalDemand, z_value
from tools.errors import InvalidInput

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
    limit = target.limit
    level = demand.quantile(target.probability) if limit is None else demand.level_for_shortage(limit)
    if demand.family not in ("normal", "degenerate"):
        level = float(ceil(level - min(0.5, WHOLE_UNIT_FUZZ * max(1.0, level))))
    return max(0.0, level)
