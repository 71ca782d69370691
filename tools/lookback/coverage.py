"""Service achieved against service asked over past origins, ours beside the textbook's, and what stock either takes.

A level achieves the share of origins whose demand over the protection interval it covered. Stock is what it leaves at
the end of the interval. It is compared with the textbook's at the z with which that covers as many origins.
"""

from dataclasses import dataclass

import numpy as np

from tools.lookback.rolling_origin import Flags, Origins
from tools.planning.confidence import SHORT_HISTORY
from tools.planning.demand import DEMAND_CLASSES
from tools.planning.demand_distribution import FloatArray, IntArray

SERVICE_LEVELS = (0.9, 0.95, 0.98, 0.99)
FAST = 5.0
"""Units in a protection interval from which on a level can come near the asked service; below, one unit is too much."""
FEWEST_ORIGINS = 200
"""Groups of all origins with fewer are not reported: two in a hundred of them is no number."""


@dataclass(frozen=True, slots=True)
class Coverage:
    """One group of origins at one asked service. Stock is compared with the textbook's at equal achieved service."""

    group: str
    asked: float
    origins: int
    achieved: float
    products: int
    standard_error: float
    """Of `achieved`: moments of one product, and those of one time, are no independent tries."""
    achieved_by_product: float
    """Mean over products of what each achieved."""
    textbook: float
    stock: float
    """Mean leftover in units."""
    stock_ratio: float
    """Units left over, of the textbook's at equal service."""
    cover_ratio: float
    """The same with every product counted in its own intervals of demand."""

    @property
    def points_off(self) -> float:
        """Percentage points achieved above (below: negative) what was asked."""
        return 100 * (self.achieved - self.asked)


def groups(origins: Origins) -> dict[str, Flags]:
    """What is reported apart: fast movers, short histories, demand classes."""
    every = {
        "all": np.ones(len(origins), dtype=np.bool_),
        f"{FAST:g} units an interval or more": origins.typical >= FAST,
        f"fewer than {SHORT_HISTORY} periods": origins.known < SHORT_HISTORY,
    }
    every |= {name: origins.demand_class == index for index, name in enumerate(DEMAND_CLASSES) if index >= 2}
    return {name: chosen for name, chosen in every.items() if name == "all" or int(chosen.sum()) >= FEWEST_ORIGINS}


def coverage_table(origins: Origins, levels: tuple[float, ...] = SERVICE_LEVELS) -> list[Coverage]:
    """Every group at every asked service level."""
    table = []
    for name, chosen in groups(origins).items():
        part = origins.where(chosen)
        table += [coverage(name, part, part.levels(asked), asked) for asked in levels]
    return table


def coverage(name: str, origins: Origins, level: FloatArray, asked: float) -> Coverage:
    """What levels set at these origins achieved, beside the textbook's for the service asked."""
    textbook = origins.textbook_levels(asked)
    covered = origins.actual <= level
    equal = textbook_at(origins, float(covered.mean()))
    left, left_textbook = np.maximum(level - origins.actual, 0.0), np.maximum(equal - origins.actual, 0.0)
    own_scale = 1 / np.maximum(origins.typical, np.finfo(float).tiny)
    return Coverage(
        group=name,
        asked=asked,
        origins=len(origins),
        achieved=float(covered.mean()),
        products=np.unique(origins.product).size,
        standard_error=standard_error(origins, covered),
        achieved_by_product=by_product(origins, covered),
        textbook=float((origins.actual <= textbook).mean()),
        stock=float(left.mean()),
        stock_ratio=_ratio(left.sum(), left_textbook.sum()),
        cover_ratio=_ratio((left * own_scale).sum(), (left_textbook * own_scale).sum()),
    )


def standard_error(origins: Origins, covered: Flags) -> float:
    """Of the share covered, with origins of one product and those whose intervals overlap taken together.

    (Cameron, Gelbach & Miller, 2011: clustered both ways)
    """
    deviation = covered - covered.mean()
    window = origins.moment // origins.interval.length
    both = origins.product * (int(window.max(initial=0)) + 1) + window
    of_product, of_window, of_both = (_clustered(deviation, of) for of in (origins.product, window, both))
    return float(np.sqrt(max(of_product, of_window, of_product + of_window - of_both)))


def _clustered(deviation: FloatArray, cluster: IntArray) -> float:
    """Variance of the mean of deviations that hang together within clusters."""
    sums = np.bincount(np.unique(cluster, return_inverse=True)[1], deviation)
    return float(np.square(sums).sum()) / deviation.size**2


def by_product(origins: Origins, covered: Flags) -> float:
    """Mean over products of the share covered."""
    _, place, counts = np.unique(origins.product, return_inverse=True, return_counts=True)
    return float((np.bincount(place, covered) / counts).mean())


def textbook_at(origins: Origins, achieved: float) -> FloatArray:
    """The textbook's levels with the one z at which they cover `achieved` of the origins."""
    certain = origins.textbook_sd == 0
    missed = (origins.actual - origins.textbook_mean) / np.where(certain, 1.0, origins.textbook_sd)
    needed = np.where(certain, np.where(missed <= 0, -np.inf, np.inf), missed)
    z = np.sort(needed)[min(needed.size - 1, int(np.ceil(achieved * needed.size)) - 1)]
    spread = np.multiply(z, origins.textbook_sd, out=np.zeros_like(origins.textbook_sd), where=~certain)
    return np.asarray(origins.textbook_mean + spread)


def _ratio(ours: float, theirs: float) -> float:
    return float(ours / theirs) if theirs > 0 else float("nan")
