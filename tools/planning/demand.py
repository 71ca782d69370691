"""Demand history to statistics and demand class. Pure; no input or output.

A history is read oldest first. Unknown periods are left out and the rest closed up. A period that ran out of stock
counts as at least what it sold (`tools.planning.stock_outs`); one that sold nothing is unknown.
"""

from dataclasses import dataclass
from math import fsum, sqrt

import numpy as np

from tools.planning.counting_unit import counting_unit
from tools.planning.demand_distribution import FloatArray, IntArray
from tools.planning.stock_outs import with_lost_demand
from tools.records.errors import InvalidDemand
from tools.records.facts import DemandClass, DemandHistory

FEWEST_PERIODS = 3
LARGEST_QUANTITY = 1e15
"""A double no longer counts single units above this, so larger numbers are refused."""

DEMAND_CLASSES: tuple[DemandClass, ...] = ("no_demand", "unclassified", "smooth", "erratic", "intermittent", "lumpy")
INTERMITTENT_INTERVAL = 1.32
ERRATIC_CV2 = 0.49
OUTLIER_FENCE = 3.0
OUTLIER_FEWEST_SALES = 8


@dataclass(slots=True)
class DemandStatistics:
    """What the known periods of a history say. `mean` and `sd` (ddof = 1) are per period."""

    demand: FloatArray
    positions: IntArray
    """Of the known periods, among all."""
    periods: int
    masked: int
    nonzero: int
    mean: float
    sd: float
    demand_class: DemandClass
    outliers: tuple[float, ...]
    idle_periods: int
    """Known periods since the last sale."""
    counting_unit: float
    """The smallest amount that demand is counted in."""
    short: int
    """Known periods that ran out of stock after some sales."""
    lost: float
    """What is taken to have been wanted beyond those sales."""


def describe(history: DemandHistory, unit_size: float = 1.0) -> DemandStatistics:
    """Statistics of the known periods, counted in `unit_size` or finer. Raises `InvalidDemand` when fewer than three
    periods are known."""
    demand, positions = enough_demand(history)
    (sales,) = demand.nonzero()
    sizes, mean, unit = demand[sales], mean_of(demand), counting_unit(demand, unit_size)
    short, lost = _lost(history, demand, positions) if history.stockout_periods else (0, 0.0)
    return DemandStatistics(
        demand=demand,
        positions=positions,
        periods=len(history.values),
        masked=len(history.values) - demand.size,
        nonzero=sales.size,
        mean=mean,
        sd=standard_deviation(demand, mean),
        demand_class=classify(periods=demand.size, sizes=sizes),
        outliers=find_outliers(sizes, unit),
        idle_periods=demand.size - 1 - int(sales[-1]) if sales.size else demand.size,
        counting_unit=unit,
        short=short,
        lost=lost,
    )


def _lost(history: DemandHistory, demand: FloatArray, positions: IntArray) -> tuple[int, float]:
    """Known periods that ran out, and what was wanted beyond their sales."""
    short = np.isin(positions, list(history.stockout_periods))
    sold = [history.values[place] or 0.0 for place in positions[short].tolist()]
    return len(sold), float(demand[short].sum()) - fsum(sold)


def enough_demand(history: DemandHistory) -> tuple[FloatArray, IntArray]:
    """The known periods and their places. Raises `InvalidDemand` when fewer than three are known."""
    demand, positions = known_demand(history)
    if demand.size < FEWEST_PERIODS:
        raise InvalidDemand(
            f"Only {demand.size} of {len(history.values)} demand periods are known (the rest is unknown, or out of "
            f"stock with nothing sold); at least {FEWEST_PERIODS} are needed."
        )
    return demand, positions


def known_demand(history: DemandHistory) -> tuple[FloatArray, IntArray]:
    """The periods that are known, oldest first, and their places among all."""
    values = demand_of(history)
    known = ~np.isnan(values)
    demand = values[known]
    if demand.max(initial=0.0) > LARGEST_QUANTITY:
        worst = int(np.nanargmax(values))
        raise InvalidDemand(
            f"Demand in period {worst + 1} is {values[worst]:g}; quantities above {LARGEST_QUANTITY:g} cannot be "
            "counted exactly. Use a larger unit."
        )
    return demand, np.flatnonzero(known)


def demand_of(history: DemandHistory) -> FloatArray:
    """Demand of every period; NaN is unknown."""
    sold = np.array(history.values, dtype=np.float64)
    if not history.stockout_periods:
        return sold
    return with_lost_demand(sold, np.isin(np.arange(sold.size), list(history.stockout_periods)))


def mean_of(demand: FloatArray) -> float:
    return float(np.add.reduce(demand)) / demand.size


def standard_deviation(demand: FloatArray, mean: float) -> float:
    """Sample standard deviation (ddof = 1), in two passes so that a large mean costs no digits."""
    deviation = demand - mean
    return sqrt(float(deviation.dot(deviation)) / (demand.size - 1))


def classify(*, periods: int, sizes: FloatArray) -> DemandClass:
    """Demand class by mean interval between sales (1.32) and squared variation of their size (0.49).

    `sizes` are the non-zero demands among `periods`. (Syntetos, Boylan & Croston, 2005)
    """
    if sizes.size == 0:
        return "no_demand"
    if sizes.size < FEWEST_PERIODS:
        return "unclassified"
    mean = mean_of(sizes)
    erratic = (standard_deviation(sizes, mean) / mean) ** 2 >= ERRATIC_CV2
    if periods / sizes.size >= INTERMITTENT_INTERVAL:
        return "lumpy" if erratic else "intermittent"
    return "erratic" if erratic else "smooth"


def find_outliers(sizes: FloatArray, counting_unit: float = 1.0) -> tuple[float, ...]:
    """Sales above the third quartile by more than three interquartile ranges: to be looked at, never trimmed.

    The range counts as at least the square root of the third quartile, the spread that chance alone would give to
    counts. (Tukey, 1977: the outer fence)
    """
    if sizes.size < OUTLIER_FEWEST_SALES:
        return ()
    ordered = np.sort(sizes)
    lower, upper = float(ordered[sizes.size // 4]), float(ordered[(3 * sizes.size) // 4])
    fence = upper + OUTLIER_FENCE * max(upper - lower, (upper * counting_unit) ** 0.5)
    return tuple(ordered[np.searchsorted(ordered, fence, side="right") :].tolist())
