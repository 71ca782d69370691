"""Demand history to statistics, demand class and forecast. Pure; no input or output.

A history is read oldest first. Unknown periods and periods out of stock are left out and the rest closed up, so that
sales which understate demand never lower the mean. Every function on `demand` works along its last axis: one product's
periods, or a block of products × periods.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import floor, isfinite

import numpy as np

from tools.demand_distribution import FloatArray, IntArray
from tools.errors import InvalidDemand
from tools.models import DemandClass, DemandHistory

FEWEST_PERIODS = 3
LARGEST_QUANTITY = 1e15
"""From here on a double no longer counts single units, so such numbers are refused rather than rounded."""

SIZE_SMOOTHING = 0.1
PROBABILITY_SMOOTHING = 0.05
LONGEST_START = 8
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


def _decayed_sum(values: FloatArray, clock: IntArray, smoothing: float) -> FloatArray:
    """Σ valuesⱼ·(1 − α)^(clockₜ − clockⱼ) over j ≤ t, along the last axis; `clock` rises by 0 or 1 a step."""
    keep = 1.0 - smoothing
    powers = keep ** np.arange(min(BLOCK, values.shape[-1]) + 1)
    blocks: list[FloatArray] = []
    for start in range(0, values.shape[-1], BLOCK):
        ticks = clock[..., start : start + BLOCK]
        decay = powers[ticks - ticks[..., :1]]
        weighted = values[..., start : start + BLOCK] / decay
        if blocks:
            weighted[..., 0] += blocks[-1][..., -1] * keep ** (ticks[..., 0] - clock[..., start - 1])
        blocks.append(np.cumsum(weighted, axis=-1) * decay)
    return blocks[0] if len(blocks) == 1 else np.concatenate(blocks, axis=-1)


def _recent_mean(values: FloatArray, clock: IntArray, smoothing: float) -> FloatArray:
    """Mean of the values so far, weighted (1 − α)^age, along the last axis; `clock` counts from 1, and 0 gives 0."""
    weight = (1 - (1 - smoothing) ** np.arange(values.shape[-1] + 1)) / smoothing
    weight[0] = 1.0
    return _decayed_sum(values, clock, smoothing) / weight[clock]


def recent_level_path(demand: FloatArray) -> FloatArray:
    """The recent level of demand per period after each period: TSB with a start that does not linger.

    Probability of a sale, smoothed every period, times its size, smoothed at each sale. (Teunter, Syntetos & Babai,
    2011.) Both are weighted means of all that came so far, so that the first period weighs no more than its age says:
    with β = .05 the usual start at the first period still makes up a third of the level after twenty.
    """
    sold = demand > 0
    periods = np.arange(1, demand.shape[-1] + 1)
    probability = _recent_mean(sold.astype(np.float64), periods, PROBABILITY_SMOOTHING)
    return probability * _recent_mean(demand, np.cumsum(sold, axis=-1), SIZE_SMOOTHING)


def tsb(
    demand: FloatArray,
    *,
    size_smoothing: float = SIZE_SMOOTHING,
    probability_smoothing: float = PROBABILITY_SMOOTHING,
) -> float:
    """Mean demand per period by TSB as published, both parts started at their first value; no sale at all gives 0.

    (Teunter, Syntetos & Babai, 2011)
    """
    sold = demand > 0
    if not sold.any():
        return 0.0
    probability = smooth(sold.astype(np.float64), smoothing=probability_smoothing)[-1]
    return float(probability * smooth(demand[sold], smoothing=size_smoothing)[-1])


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
    """The forecast of mean demand per period after each period: half the long-run mean, half the recent level."""
    counts = np.arange(1, demand.shape[-1] + 1)
    return 0.5 * (np.cumsum(demand, axis=-1) / counts) + 0.5 * recent_level_path(demand)


def first_origin(periods: int) -> int:
    """Known periods before the first forecast that is judged: eight, or half of a short history."""
    return min(LONGEST_START, periods // 2)


@dataclass(frozen=True, slots=True)
class ForecastErrors:
    """How far out-of-sample forecasts of demand over `horizon` periods missed, origin by origin.

    `origins` are the periods known at each forecast; demand over the next `horizon` periods is compared.
    """

    horizon: int
    origins: IntArray
    forecast: FloatArray
    actual: FloatArray

    @property
    def mean_square(self) -> FloatArray:
        error = self.actual - self.forecast
        return np.asarray(np.einsum("...i,...i->...", error, error) / error.shape[-1])


def forecast_errors(demand: FloatArray, *, horizon: int, path: FloatArray | None = None) -> ForecastErrors:
    """Forecast demand over the next `horizon` periods from every origin that has them, using only what came before.

    `path` is `mean_path(demand)` where it is at hand already.
    """
    size = demand.shape[-1]
    first, last = first_origin(size), size - horizon
    path = mean_path(demand) if path is None else path
    total = np.zeros((*demand.shape[:-1], size + 1))
    np.cumsum(demand, axis=-1, out=total[..., 1:])
    actual = total[..., first + horizon :] - total[..., first : last + 1]
    return ForecastErrors(horizon, np.arange(first, last + 1), horizon * path[..., first - 1 : last], actual)


@dataclass(frozen=True, slots=True)
class ErrorVariance:
    """Mean square of past forecast errors, brought to the asked horizon."""

    variance: FloatArray
    horizon: float
    """The horizon at which the errors were measured."""
    count: int


def error_variance(demand: FloatArray, *, horizon: float, path: FloatArray | None = None) -> ErrorVariance:
    """Mean square of out-of-sample errors over `horizon` periods; a fraction is interpolated between whole horizons.

    A history too short for five such forecasts is judged at the longest horizon that has five, and the variance grown
    in proportion.
    """
    size = demand.shape[-1]
    path = mean_path(demand) if path is None else path
    measured = min(horizon, max(1.0, float(size - first_origin(size) - FEWEST_ORIGINS + 1)))
    whole, count = floor(measured), 0
    variance = np.zeros(demand.shape[:-1])
    for steps, share in ((whole, 1 - (measured - whole)), (whole + 1, measured - whole)):
        if steps and share:
            errors = forecast_errors(demand, horizon=steps, path=path)
            variance, count = variance + share * errors.mean_square, errors.origins.size
    grown = variance * (horizon / measured) if measured else variance
    return ErrorVariance(np.asarray(grown), measured, count)
