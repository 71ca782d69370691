"""The textbook's safety stock and reorder point. Pure."""

from math import sqrt

from tools.planning.demand_distribution import z_value


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
    return z_value(service_level) * sd


def reorder_point(*, mean: float, interval: float, safety_stock: float) -> float:
    """mean·interval + safety stock: the inventory position at which to order. With interval = lead time + review
    period it is the order-up-to level of periodic review. (Silver, Pyke & Thomas, 2017, 6.7 and 6.9)

    >>> round(reorder_point(mean=100, interval=7, safety_stock=87.04), 2)
    787.04
    """
    return mean * interval + safety_stock
