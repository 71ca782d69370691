"""What to ask for in order to get what is wanted, learned from many products at once by looking back.

Each past origin says which standard normal quantile would just have covered it. The quantile of those, pooled over
similar products, assumes nothing about the shape of demand (split conformal prediction: Vovk, Gammerman & Shafer,
2005). Similar are products of one demand class that share a protection interval; a class of too few takes the factor of
all. A factor is used only where it came nearer to the wanted service on origins it had not seen.

What was learned is `asked_service_level` in `scan.Terms`, and the argument of that name in `replenishment.plan`.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import special

from tools.catalog.demand_table import DemandTable
from tools.lookback.rolling_origin import Interval, Origins, moments_of, rolling_origins, step_over
from tools.planning.demand import DEMAND_CLASSES
from tools.planning.demand_distribution import MEDIAN_SHARE, FloatArray, IntArray, z_value
from tools.planning.forecast_grid import Demand
from tools.planning.scan import Terms, scan

FEWEST_PRODUCTS = 20
FEWEST_ORIGINS_EACH = 30
MOST_PRODUCTS = 2_000
"""Looked back on, of those that share a protection interval; spread evenly over the catalogue."""
LEAST_ASKED, MOST_ASKED = 0.001, 0.999
"""Between which a service level may be asked for."""
ALL = "all"


@dataclass(frozen=True, slots=True)
class PooledFactor:
    """`ask` is the service level to give the calculator when `wanted` is to be achieved."""

    wanted: float
    ask: float
    held_out_plain: float
    """Achieved on later origins by asking for what is wanted."""
    held_out_pooled: float
    """Achieved on them with the factor of the earlier ones."""
    stratum: str = ALL
    """The demand class it was learned from."""

    @property
    def closer(self) -> bool:
        return abs(self.held_out_pooled - self.wanted) < abs(self.held_out_plain - self.wanted)


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

    Each past moment is planned with what was known then. Raises what `tools.planning.scan.scan` raises.
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
    periods = demand.shape[1]
    if rows.size < FEWEST_PRODUCTS or moments_of(periods, interval) < FEWEST_ORIGINS_EACH:
        return None
    chosen = rows[:: -(-rows.size // MOST_PRODUCTS)]
    table = DemandTable(tuple(map(str, chosen.tolist())), np.asarray(demand[chosen], dtype=np.float64), "day")
    return rolling_origins(table, interval, step=step_over(periods, interval))


def _asked(factors: list[PooledFactor], classes: NDArray[np.int8], wanted: FloatArray) -> FloatArray:
    asked = wanted.copy()
    for level in np.unique(wanted):
        for code, name in enumerate(DEMAND_CLASSES):
            asked[(wanted == level) & (classes == code)] = asked_service(factors, name, float(level))
    return asked


def asked_service(factors: Iterable[PooledFactor], demand_class: str, wanted: float) -> float:
    """What to ask for a product of this class; `wanted` itself where nothing was learned."""
    asks = {factor.stratum: factor.ask for factor in factors if factor.wanted == wanted}
    return asks.get(demand_class, asks.get(ALL, wanted))


def pooled_factors(origins: Origins, wanted: float) -> list[PooledFactor]:
    """The factor of all products and that of each demand class that has one."""
    factors = [pooled_factor(origins, wanted)]
    for code, name in enumerate(DEMAND_CLASSES):
        factors.append(pooled_factor(origins.where(origins.demand_class == code), wanted, stratum=name))
    return [factor for factor in factors if factor is not None]


def pooled_factor(origins: Origins, wanted: float, *, stratum: str = ALL) -> PooledFactor | None:
    """The factor of all origins, tried out on the later ones first. None with fewer than 20 products of 30 origins.

    Where the pooled factor came no closer, `ask` is `wanted` itself.
    """
    counts = np.bincount(origins.product)
    if int((counts >= FEWEST_ORIGINS_EACH).sum()) < FEWEST_PRODUCTS:
        return None
    earlier, later = (origins.where(part) for part in origins.earlier_and_later)
    if not len(earlier) or not len(later):
        return None
    needed = needed_z(later)
    tried = PooledFactor(
        wanted=wanted,
        ask=_service(float(np.quantile(needed_z(origins), wanted, method="higher"))),
        held_out_plain=float((needed <= z_value(wanted)).mean()),
        held_out_pooled=float((needed <= np.quantile(needed_z(earlier), wanted, method="higher")).mean()),
        stratum=stratum,
    )
    return tried if tried.closer else replace(tried, ask=wanted)


def needed_z(origins: Origins) -> FloatArray:
    """The standard normal quantile whose level would just have covered what came; −∞ where nothing came."""
    mean, variance = np.maximum(origins.mean, np.finfo(float).tiny), np.maximum(origins.variance, np.finfo(float).tiny)
    square = np.log1p(variance / np.square(mean))
    half = 0.5 * origins.counting_unit
    some = origins.actual > half
    distance = np.log(np.where(some, origins.actual - half, 1.0) / mean) + MEDIAN_SHARE * square
    return np.where(some, distance / np.sqrt(square), -np.inf)


def _service(z: float) -> float:
    return float(min(MOST_ASKED, max(LEAST_ASKED, special.ndtr(z))))
