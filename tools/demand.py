"""Demand history to statistics, demand class and forecast. Pure; no input or output.

A history is read oldest first. Unknown periods and periods out of stock are left out and the rest closed up, so that
sales which understate demand never lower the mean. Every function on `demand` works along its last axis: one product's
periods, or a block of products × periods.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import floor, isfinite

import numpy as np

from tools.demand_distribution import FloatArray
from tools.errors import InvalidDemand
from tools.models import DemandClass, DemandHistory

FEWEST_PERIODS = 3
LARGEST_QUANTITY = 1e15
"""From here on a double no longer counts single units, so such numbers are refused rather than rounded."""

SIZE_SMOOTHING = 0.1
PROBABILITY_SMOOTHING = 0.05
FIRST_ORIGIN = 4
"""Known periods before the first forecast that is judged."""
FEWEST_ORIGINS = 5

INTERMITTENT_INTERVAL = 1.32
ERRATIC_CV2 = 0.49
OUTLIER_FENCE = 3.0
OUTLIER_FEWEST_SALES = 8
BLOCK = 2048
"""Periods smoothed in one pass: 0.9^−2048 still fits a double."""


def parse_history(values: Sequence[float | None]) -> tuple[float | None, ...]:
    """Check a demand history as it comes from outside; `None` is an unknown period.

    Raises `InvalidDemand` naming the first bad position (counted from 1) for a negative or non-finite number, and when
    fewer than three periods are given.
    """
    for position, value in enumerate(values, start=1):
        if value is not None:
            _refuse_bad_value(position, value)
    if len(values) < FEWEST_PERIODS:
        raise InvalidDemand(
            f"The demand history has {len(values)} periods; give at least {FEWEST_PERIODS}, oldest first."
        )
    return tuple(None if value is None else float(value) for value in values)


def _refuse_bad_value(position: int, value: float) -> None:
    if not isfinite(value):
        raise InvalidDemand(
            f"Demand in period {position} is {value}; give a finite number, or null where demand is unknown."
        )
    if value < 0:
        raise InvalidDemand(
            f"Demand in period {position} is {value}, below 0; give demand before returns, or null if unknown."
        )
    if value > LARGEST_QUANTITY:
        raise InvalidDemand(
            f"Demand in period {position} is {value}; quantities above {LARGEST_QUANTITY:g} cannot be counted exactly. "
            "Use a larger unit."
        )


@dataclass(frozen=True, slots=True)
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


def describe(history: DemandHistory) -> DemandStatistics:
    """Statistics of the known periods. Raises `InvalidDemand` when fewer than three periods are known."""
    demand = known_demand(history)
    if demand.size < FEWEST_PERIODS:
        raise InvalidDemand(
            f"Only {demand.size} of {len(history.values)} demand periods are known (the rest is unknown or out of "
            f"stock); at least {FEWEST_PERIODS} are needed."
        )
    sizes = demand[demand > 0]
    mean = float(demand.mean())
    return DemandStatistics(
        demand=demand,
        periods=len(history.values),
        masked=len(history.values) - demand.size,
        nonzero=sizes.size,
        mean=mean,
        sd=standard_deviation(demand, mean),
        demand_class=classify(periods=demand.size, sizes=sizes),
        outliers=find_outliers(sizes),
        idle_periods=demand.size - 1 - int(np.flatnonzero(demand)[-1]) if sizes.size else demand.size,
    )


def known_demand(history: DemandHistory) -> FloatArray:
    """The periods that are known and were in stock, oldest first."""
    values = np.array(history.values, dtype=np.float64)
    known = np.isfinite(values)
    if history.stockout_periods:
        inside = [position for position in history.stockout_periods if 0 <= position < values.size]
        known[inside] = False
    _refuse_uncountable(values)
    return values if known.all() else values[known]


def _refuse_uncountable(values: FloatArray) -> None:
    largest = np.fmax.reduce(values, initial=0.0)
    if largest > LARGEST_QUANTITY:
        _refuse_bad_value(int(np.nanargmax(values)) + 1, float(largest))


def standard_deviation(demand: FloatArray, mean: float) -> float:
    """Sample standard deviation (ddof = 1), in two passes so that a large mean costs no digits."""
    deviation = demand - mean
    return float(np.sqrt(deviation.dot(deviation) / (demand.size - 1)))


def classify(*, periods: int, sizes: FloatArray) -> DemandClass:
    """Demand class by mean interval between sales (1.32) and squared variation of their size (0.49).

    `sizes` are the non-zero demands among `periods`. (Syntetos, Boylan & Croston, 2005)
    """
    if sizes.size == 0:
        return "no_demand"
    if sizes.size < FEWEST_PERIODS:
        return "unclassified"
    mean = float(sizes.mean())
    erratic = (standard_deviation(sizes, mean) / mean) ** 2 >= ERRATIC_CV2
    if periods / sizes.size >= INTERMITTENT_INTERVAL:
        return "lumpy" if erratic else "intermittent"
    return "erratic" if erratic else "smooth"


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
    return tuple(ordered[np.searchsorted(ordered, fence, side="right") :].tolist())


def smooth(values: FloatArray, *, smoothing: float) -> FloatArray:
    """Simple exponential smoothing, started at the first value: the level after each period, along the last axis.

    s₀ = x₀; sₜ = sₜ₋₁ + α(xₜ − sₜ₋₁), computed as one weighted running sum per block instead of step by step.
    """
    steps = np.full(values.shape[-1], smoothing)
    steps[:1] = 1.0
    return _decayed_sum(values * steps, np.arange(values.shape[-1]), smoothing)


def _decayed_sum(weighted: FloatArray, clock: np.ndarray, smoothing: float) -> FloatArray:
    """Σ weightedⱼ·(1 − α)^(clockₜ − clockⱼ) over j ≤ t, along the last axis; `clock` rises by 0 or 1 a step."""
    keep = 1.0 - smoothing
    result = np.empty(weighted.shape)
    carried = np.zeros(weighted.shape[:-1])
    for start in range(0, weighted.shape[-1], BLOCK):
        ticks = clock[..., start : start + BLOCK]
        ticks = ticks - ticks[..., :1]
        decay = (keep ** np.arange(BLOCK + 1))[ticks]
        block = weighted[..., start : start + BLOCK] / decay
        first = clock[..., start] - (clock[..., start - 1] if start else clock[..., start])
        block[..., 0] += carried * keep**first
        part = np.cumsum(block, axis=-1) * decay
        result[..., start : start + BLOCK] = part
        carried = part[..., -1]
    return result


def tsb_path(
    demand: FloatArray,
    *,
    size_smoothing: float = SIZE_SMOOTHING,
    probability_smoothing: float = PROBABILITY_SMOOTHING,
) -> FloatArray:
    """The TSB forecast of mean demand per period after each period; 0 before the first sale.

    Probability of a sale, smoothed every period, times its size, smoothed at each sale; both start at the first
    observation. (Teunter, Syntetos & Babai, 2011)
    """
    sold = demand > 0
    sales = np.cumsum(sold, axis=-1)
    probability = smooth(sold.astype(np.float64), smoothing=probability_smoothing)
    weighted = np.where(sales == 1, demand, demand * size_smoothing)
    return probability * _decayed_sum(weighted, sales, size_smoothing)


def tsb(
    demand: FloatArray,
    *,
    size_smoothing: float = SIZE_SMOOTHING,
    probability_smoothing: float = PROBABILITY_SMOOTHING,
) -> float:
    """Mean demand per period by TSB, after the last period of one product's history."""
    return float(tsb_path(demand, size_smoothing=size_smoothing, probability_smoothing=probability_smoothing)[..., -1])


def croston(demand: FloatArray, *, smoothing: float = 0.1) -> float:
    """Mean demand per period: smoothed size of a sale over smoothed interval between sales. (Croston, 1972)

    The first interval counts from the start of the history. No sale at all gives 0.

    >>> round(croston(np.array([0.0, 0, 4, 0, 0, 0, 2, 0, 5, 0])), 6)
    1.311037
    """
    positions = np.flatnonzero(demand)
    if positions.size == 0:
        return 0.0
    intervals = np.diff(positions, prepend=-1).astype(np.float64)
    size = smooth(demand[positions], smoothing=smoothing)[-1]
    return float(size / smooth(intervals, smoothing=smoothing)[-1])


def sba(demand: FloatArray, *, smoothing: float = 0.1) -> float:
    """Croston's forecast less its bias: × (1 − α/2). (Syntetos & Boylan, 2005)"""
    return (1 - smoothing / 2) * croston(demand, smoothing=smoothing)


def mean_path(demand: FloatArray) -> FloatArray:
    """The forecast of mean demand per period after each period: half the long-run mean, half TSB."""
    counts = np.arange(1, demand.shape[-1] + 1)
    return 0.5 * (np.cumsum(demand, axis=-1) / counts) + 0.5 * tsb_path(demand)


@dataclass(frozen=True, slots=True)
class ForecastErrors:
    """How far out-of-sample forecasts of demand over `horizon` periods missed, origin by origin.

    `origins` are the periods known at each forecast; demand over the next `horizon` periods is compared.
    """

    horizon: int
    origins: np.ndarray
    forecast: FloatArray
    actual: FloatArray

    @property
    def mean_square(self) -> FloatArray:
        error = self.actual - self.forecast
        return np.asarray(np.einsum("...i,...i->...", error, error) / error.shape[-1])


def forecast_errors(demand: FloatArray, *, horizon: int, path: FloatArray | None = None) -> ForecastErrors:
    """Forecast demand over the next `horizon` periods from every origin that has them, using only what came before."""
    size = demand.shape[-1]
    path = mean_path(demand) if path is None else path
    origins = np.arange(FIRST_ORIGIN, size - horizon + 1)
    total = np.concatenate([np.zeros((*demand.shape[:-1], 1)), np.cumsum(demand, axis=-1)], axis=-1)
    actual = total[..., FIRST_ORIGIN + horizon :] - total[..., FIRST_ORIGIN : size - horizon + 1]
    return ForecastErrors(horizon, origins, horizon * path[..., FIRST_ORIGIN - 1 : size - horizon], actual)


@dataclass(frozen=True, slots=True)
class ErrorVariance:
    """Mean square of past forecast errors, brought to the asked horizon."""

    variance: FloatArray
    horizon: float
    """The horizon at which the errors were measured."""
    count: int


def error_variance(demand: FloatArray, *, horizon: float, path: FloatArray | None = None) -> ErrorVariance:
    """Mean square of out-of-sample errors over `horizon` periods (a fraction is interpolated between whole ones).

    A history too short for five such forecasts is judged at the longest horizon that has five, and the variance grown
    in proportion.
    """
    path = mean_path(demand) if path is None else path
    longest = max(1, demand.shape[-1] - FIRST_ORIGIN - FEWEST_ORIGINS + 1)
    measured = min(horizon, float(longest))
    whole = floor(measured)
    part = measured - whole
    lower = forecast_errors(demand, horizon=whole, path=path) if whole else None
    variance = (1 - part) * lower.mean_square if lower is not None else np.zeros(demand.shape[:-1])
    count = lower.origins.size if lower is not None else 0
    if part > 0:
        upper = forecast_errors(demand, horizon=whole + 1, path=path)
        variance, count = variance + part * upper.mean_square, upper.origins.size
    grown = variance * (horizon / measured) if measured > 0 else variance
    return ErrorVariance(np.asarray(grown), measured, count)
