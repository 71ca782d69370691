"""What to ask for in order to get what is wanted, learned from many products at once.

Each past origin says which standard normal quantile would just have covered it. The quantile of those, pooled over
similar products, assumes nothing about the shape of demand (split conformal prediction: Vovk, Gammerman & Shafer,
2005). Similar are products of one demand class; a class of too few takes the factor of all. It is used only where it
came nearer to the wanted service than the plain method on origins it had not seen.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
from scipy import special

from tools.lookback.rolling_origin import Origins
from tools.planning.demand import DEMAND_CLASSES
from tools.planning.demand_distribution import FloatArray, z_value
from tools.planning.lognormal import MEDIAN_SHARE

FEWEST_PRODUCTS = 20
FEWEST_ORIGINS_EACH = 30
EARLIER_SHARE = 0.6
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


def pooled_factors(origins: Origins, wanted: float) -> list[PooledFactor]:
    """The factor of all products and that of each demand class that has one."""
    factors = [pooled_factor(origins, wanted)]
    for code, name in enumerate(DEMAND_CLASSES):
        factors.append(pooled_factor(origins.where(origins.demand_class == code), wanted, stratum=name))
    return [factor for factor in factors if factor is not None]


def asked_service(factors: Iterable[PooledFactor], demand_class: str, wanted: float) -> float:
    """What to ask for a product of this class; `wanted` itself where nothing was learned."""
    asks = {factor.stratum: factor.ask for factor in factors if factor.wanted == wanted}
    return asks.get(demand_class, asks.get(ALL, wanted))


def pooled_factor(origins: Origins, wanted: float, *, stratum: str = ALL) -> PooledFactor | None:
    """The factor of all origins, tried out on the later ones first. None with fewer than 20 products of 30 origins.

    Where the pooled factor came no closer, `ask` is `wanted` itself.
    """
    counts = np.bincount(origins.product)
    if int((counts >= FEWEST_ORIGINS_EACH).sum()) < FEWEST_PRODUCTS:
        return None
    cut = float(np.quantile(origins.moment, EARLIER_SHARE))
    earlier = origins.where(origins.moment + origins.interval.length <= cut)
    later = origins.where(origins.moment > cut)
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
    some = origins.actual > 0.5
    distance = np.log(np.where(some, origins.actual - 0.5, 1.0) / mean) + MEDIAN_SHARE * square
    return np.where(some, distance / np.sqrt(square), -np.inf)


def _service(z: float) -> float:
    return float(min(MOST_ASKED, max(LEAST_ASKED, special.ndtr(z))))
