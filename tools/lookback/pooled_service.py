"""What each product of a catalogue should ask for, learned from all of them by looking back.

A part of the products, spread evenly over the catalogue, is planned at past moments with what was known then. What
their service would have taken, pooled over the products of a demand class that share a protection interval, is asked
for today: `asked_service_level` in `scan.Terms`, and the argument of that name in `replenishment.plan`.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from tools.catalog.demand_table import DemandTable
from tools.lookback.pooled_factor import (
    FEWEST_ORIGINS_EACH,
    FEWEST_PRODUCTS,
    PooledFactor,
    asked_service,
    pooled_factors,
)
from tools.lookback.rolling_origin import Interval, Origins, rolling_origins
from tools.planning.demand import DEMAND_CLASSES
from tools.planning.demand_distribution import FloatArray, IntArray
from tools.planning.forecast_grid import Demand
from tools.planning.interval_forecast import FEWEST_FOR_FORECAST_ERRORS
from tools.planning.scan import Terms, scan

MOST_PRODUCTS = 2_000
"""Looked back on, of those that share a protection interval."""
MOST_MOMENTS = 60


@dataclass(frozen=True, slots=True)
class PooledService:
    """What to ask for, product by product, and the factors that it comes of, by protection interval."""

    asked: FloatArray
    factors: dict[Interval, list[PooledFactor]]

    def terms(self, terms: Terms) -> Terms:
        """The same terms, asking for what was learned."""
        return replace(terms, asked_service_level=self.asked)


def pooled_service(demand: Demand, terms: Terms) -> PooledService:
    """Look back on products × periods and learn what to ask for; what is wanted where too few products are alike.

    Nothing after a past moment is used for what would have been known at it, and a factor only where it came closer on
    later moments than it was learned from. Raises what `tools.planning.scan.scan` raises.
    """
    classes = scan(demand, terms).demand_class
    asked = np.broadcast_to(np.asarray(terms.service_level, dtype=np.float64), (len(demand),)).copy()
    factors: dict[Interval, list[PooledFactor]] = {}
    for interval, rows in _alike(terms, len(demand)):
        origins = _look_back(demand, interval, rows)
        if origins is None:
            continue
        wanted = asked[rows]
        factors[interval] = [factor for level in np.unique(wanted) for factor in pooled_factors(origins, float(level))]
        asked[rows] = _asked(factors[interval], classes[rows], wanted)
    return PooledService(asked, factors)


def _alike(terms: Terms, size: int) -> list[tuple[Interval, IntArray]]:
    """Products that share a protection interval in whole periods."""
    days = np.array([np.broadcast_to(column, (size,)) for column in (terms.lead_time_days, terms.review_period_days)])
    periods = np.rint(days / np.broadcast_to(terms.period_days, (size,))).astype(np.int64)
    pairs, group = np.unique(periods, axis=1, return_inverse=True)
    return [
        (Interval(int(lead), int(review)), np.flatnonzero(np.ravel(group) == index))
        for index, (lead, review) in enumerate(pairs.T)
        if lead + review > 0
    ]


def _look_back(demand: Demand, interval: Interval, rows: IntArray) -> Origins | None:
    moments = demand.shape[1] - interval.length - FEWEST_FOR_FORECAST_ERRORS + 1
    if rows.size < FEWEST_PRODUCTS or moments < FEWEST_ORIGINS_EACH:
        return None
    chosen = rows[:: -(-rows.size // MOST_PRODUCTS)]
    table = DemandTable(tuple(map(str, chosen.tolist())), np.asarray(demand[chosen], dtype=np.float64), "day")
    return rolling_origins(table, interval, step=-(-moments // MOST_MOMENTS))


def _asked(factors: list[PooledFactor], classes: NDArray[np.int8], wanted: FloatArray) -> FloatArray:
    asked = wanted.copy()
    for level in np.unique(wanted):
        for code, name in enumerate(DEMAND_CLASSES):
            asked[(wanted == level) & (classes == code)] = asked_service(factors, name, float(level))
    return asked
