"""Demand history to statistics and demand class. Pure; no input or output.

A history is read oldest first. Unknown periods and periods out of stock are left out and the rest closed up, so that
sales which understate demand never lower the mean.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np

from tools.planning.demand_distribution import FloatArray
from tools.records.errors import InvalidDemand
from tools.records.facts import DemandClass, DemandHistory

FEWEST_PERIODS = 3
LARGEST_QUANTITY = 1e15
"""From here on a double no longer counts single units, so such numbers are refused rather than rounded."""

INTERMITTENT_INTERVAL = 1.32
ERRATIC_CV2 = 0.49
OUTLIER_FENCE = 3.0
OUTLIER_FEWEST_SALES = 8


@dataclass(slots=True)
class DemandStatistics:
    """What the known periods of a history say. `mean` and `sd` (ddof = 1) are per period."""

    demand: FloatArray
    periods: int
    masked: int
    nonzero: int
    mean: float
    sd: float
    demand_class: DemandClass
    outliers: tuple[float, ...]
    idle_periods: int
    """Known periods since the last sale."""


def enough_demand(history: DemandHistory) -> FloatArray:
    """The known periods. Raises `InvalidDemand` when fewer than three are known."""
    demand = known_demand(history)
    if demand.size < FEWEST_PERIODS:
        raise InvalidDemand(
            f"Only {demand.size} of {len(history.values)} demand periods are known (the rest is unknown or out of "
            f"stock); at least {FEWEST_PERIODS} are needed."
        )
    return demand


def plainly_enough(history: DemandHistory) -> bool:
    """Whether `enough_demand` has nothing to say, seen without counting what is masked."""
    if history.stockout_periods or len(history.values) < FEWEST_PERIODS:
        return False
    try:
        return max(history.values) <= LARGEST_QUANTITY  # type: ignore[operator, type-var]
    except TypeError:  # some are unknown
        return False


def describe(history: DemandHistory) -> DemandStatistics:
    """Statistics of the known periods. Raises `InvalidDemand` when fewer than three periods are known."""
    demand = enough_demand(history)
    (sales,) = demand.nonzero()
    every = sales.size == demand.size
    sizes = demand if every else demand[sales]
    mean = mean_of(demand)
    sd = standard_deviation(demand, mean)
    return DemandStatistics(
        demand=demand,
        periods=len(history.values),
        masked=len(history.values) - demand.size,
        nonzero=sizes.size,
        mean=mean,
        sd=sd,
        demand_class=classify(periods=demand.size, sizes=sizes, spread=(mean, sd) if every else None),
        outliers=find_outliers(sizes),
        idle_periods=demand.size - 1 - int(sales[-1]) if sales.size else demand.size,
    )


def known_demand(history: DemandHistory) -> FloatArray:
    """The periods that are known and were in stock, oldest first."""
    values = _as_array(history.values)
    if not history.stockout_periods and np.add.reduce(values) <= LARGEST_QUANTITY:
        return values
    known = ~np.isnan(values)
    known[[position for position in history.stockout_periods if 0 <= position < values.size]] = False
    demand = values[known]
    if np.maximum.reduce(demand, initial=0.0) > LARGEST_QUANTITY:
        worst = int(np.nanargmax(values))
        raise InvalidDemand(
            f"Demand in period {worst + 1} is {values[worst]:g}; quantities above {LARGEST_QUANTITY:g} cannot be "
            "counted exactly. Use a larger unit."
        )
    return demand


def _as_array(values: Sequence[float | None]) -> FloatArray:
    """Packed at once where every period is known, which takes a quarter of NumPy's time; else with NaN for unknown."""
    try:
        return np.frombuffer(struct.pack(f"{len(values)}d", *values))
    except struct.error:
        return np.array(values, dtype=np.float64)


def mean_of(demand: FloatArray) -> float:
    return float(np.add.reduce(demand)) / demand.size


def standard_deviation(demand: FloatArray, mean: float) -> float:
    """Sample standard deviation (ddof = 1), in two passes so that a large mean costs no digits."""
    deviation = demand - mean
    return sqrt(float(deviation.dot(deviation)) / (demand.size - 1))


def classify(*, periods: int, sizes: FloatArray, spread: tuple[float, float] | None = None) -> DemandClass:
    """Demand class by mean interval between sales (1.32) and squared variation of their size (0.49).

    `sizes` are the non-zero demands among `periods`, `spread` their mean and standard deviation where these are known.
    (Syntetos, Boylan & Croston, 2005)
    """
    if sizes.size == 0:
        return "no_demand"
    if sizes.size < FEWEST_PERIODS:
        return "unclassified"
    mean, sd = spread or _spread(sizes)
    erratic = (sd / mean) ** 2 >= ERRATIC_CV2
    if periods / sizes.size >= INTERMITTENT_INTERVAL:
        return "lumpy" if erratic else "intermittent"
    return "erratic" if erratic else "smooth"


def _spread(sizes: FloatArray) -> tuple[float, float]:
    mean = mean_of(sizes)
    return mean, standard_deviation(sizes, mean)


def find_outliers(sizes: FloatArray) -> tuple[float, ...]:
    """Sales above the third quartile by more than three interquartile ranges: to be looked at, never trimmed.

    The range counts as at least the square root of the third quartile, the spread that chance alone would give.
    (Tukey, 1977: the outer fence)
    """
    if sizes.size < OUTLIER_FEWEST_SALES:
        return ()
    ordered = np.sort(sizes)
    lower, upper = float(ordered[sizes.size // 4]), float(ordered[(3 * sizes.size) // 4])
    fence = upper + OUTLIER_FENCE * max(upper - lower, upper**0.5)
    if ordered[-1] <= fence:
        return ()
    return tuple(ordered[np.searchsorted(ordered, fence, side="right") :].tolist())
