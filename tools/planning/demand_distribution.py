"""Probability of demand: cumulative distribution, quantile and expected shortage of the families in use.

Every function takes numbers or NumPy arrays that broadcast, so that one product and a whole catalogue run through the
same formula. Only `scipy.special` is imported: `scipy.stats` costs 0.6 s at import and a hundred times more a call.

Expected shortage is the first-order loss function E[(D − level)⁺] (Snyder & Shen, 2019, appendix C).

Demand that past forecasts missed by much has a long tail: of the shapes with the same mean and variance, the lognormal
covered the asked share of real intervals with the least stock (docs/method.md). σ² = ln(1 + variance/mean²). The median
is mean·exp(−σ²/4), half as far below the mean as it would be if the mean were certain: a forecast of an erratic demand
is itself too low about as often as too high. Whole units by continuity correction: P(D ≤ k) = F(k + ½).

A product that sells rarely sells nothing in more intervals than that shape has it. So P(D ≤ k) is no less than the
chance of no demand, which is read from how often it sells: max(P(none), F(k + ½)).
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil, erfc, exp, floor, inf, log, log1p, sqrt
from typing import TypeAlias, overload

import numpy as np
from numpy.typing import NDArray
from scipy import special

from tools.records.plan import Distribution
from tools.records.quantities import count_in, fuzz, quantity

FloatArray: TypeAlias = NDArray[np.float64]
IntArray: TypeAlias = NDArray[np.int_]
Values: TypeAlias = float | FloatArray

SMALLEST_MEAN = 1e-12
"""Stands for no demand at all, of which any level covers all."""
SMALLEST = float(np.finfo(float).tiny)
"""Replaces a level of 0 or below, whose logarithm does not exist."""
ROOT_HALF = sqrt(0.5)
MEDIAN_SHARE = 0.25
"""Of σ², by which the log of the median lies below the log of the mean."""
OFTEN = 0.75
"""The power of a change in mean demand by which sales come more often; the rest makes them larger."""


@overload
def z_value(service_level: float) -> float: ...
@overload
def z_value(service_level: FloatArray) -> FloatArray: ...
def z_value(service_level: Values) -> Values:
    """Standard normal quantile: the number of standard deviations that cover the asked share.

    >>> round(z_value(0.95), 4)
    1.6449
    """
    z = special.ndtri(service_level)
    return float(z) if isinstance(service_level, float) else np.asarray(z)


@overload
def chance_of_none(*, selling: float, change: float, interval: float) -> float: ...
@overload
def chance_of_none(*, selling: FloatArray, change: FloatArray, interval: Values) -> FloatArray: ...
def chance_of_none(*, selling: Values, change: Values, interval: Values) -> Values:
    """P(no demand over so many periods), where a share `selling` of past periods sold and mean demand is `change` times
    what it was. At a constant chance of a sale it is (1 − selling)^interval.

    >>> round(chance_of_none(selling=0.1, change=1.0, interval=8.0), 4)
    0.4305
    """
    return (1 - selling) ** (interval * change**OFTEN)


def normal_cdf(*, level: Values, mean: Values, variance: Values) -> FloatArray:
    return np.asarray(special.ndtr((level - mean) / np.sqrt(variance)))


def normal_quantile(*, probability: Values, mean: Values, variance: Values) -> FloatArray:
    return np.asarray(mean + special.ndtri(probability) * np.sqrt(variance))


def standard_normal_loss(z: Values) -> FloatArray:
    """G(z) = φ(z) − z·(1 − Φ(z)), the expected shortage in standard deviations.

    >>> round(float(standard_normal_loss(0.0)), 4)
    0.3989
    """
    density = np.exp(-np.square(z) / 2) / sqrt(2 * np.pi)
    return np.maximum(density - z * special.ndtr(np.negative(z)), 0.0)


def normal_expected_shortage(*, level: Values, mean: Values, variance: Values) -> FloatArray:
    sd = np.sqrt(variance)
    return np.asarray(sd * standard_normal_loss((level - mean) / sd))


def lognormal_cdf(*, level: Values, mean: Values, variance: Values) -> Values:
    """P(D ≤ level); 0 below 0. Plain floats give a float, at a fraction of an array's cost."""
    if isinstance(level, float) and isinstance(mean, float) and isinstance(variance, float):
        return _cdf_of_one(level, mean, variance)
    return lognormal_chance_below(np.floor(level) + 1, mean=mean, variance=variance)


def lognormal_chance_below(units: Values, *, mean: Values, variance: Values) -> FloatArray:
    """P(D < units), which are whole."""
    square = np.log1p(variance / np.square(mean))
    above = np.log(np.maximum((units - 0.5) / mean, SMALLEST)) + MEDIAN_SHARE * square
    return np.asarray(special.ndtr(above / np.sqrt(square)))


def _cdf_of_one(level: float, mean: float, variance: float) -> float:
    if level < 0:
        return 0.0
    square = log1p(variance / (mean * mean))
    above = log((floor(level) + 0.5) / mean) + MEDIAN_SHARE * square
    return _normal_cdf(above / sqrt(square))


def _normal_cdf(z: float) -> float:
    """Φ(z), without NumPy's way to a single number."""
    return 0.5 * erfc(-z * ROOT_HALF)


def lognormal_quantile(*, probability: Values, mean: Values, variance: Values) -> Values:
    """Smallest whole level with P(D ≤ level) ≥ probability. Numbers as in the cdf.

    >>> float(lognormal_quantile(probability=0.95, mean=40.0, variance=900.0))
    107.0
    """
    if isinstance(probability, float) and isinstance(mean, float) and isinstance(variance, float):
        return _quantile_of_one(probability, mean, variance)
    return lognormal_quantile_at(special.ndtri(probability), mean=mean, variance=variance)


def _quantile_of_one(probability: float, mean: float, variance: float) -> float:
    square = log1p(variance / (mean * mean))
    level = mean * exp(float(special.ndtri(probability)) * sqrt(square) - MEDIAN_SHARE * square)
    return max(float(ceil(level - 0.5)), 0.0)


def lognormal_quantile_at(z: Values, *, mean: Values, variance: Values) -> FloatArray:
    """`lognormal_quantile` where the standard normal quantile is at hand."""
    square = np.log1p(variance / np.square(mean))
    level = mean * np.exp(z * np.sqrt(square) - MEDIAN_SHARE * square)
    return np.maximum(np.ceil(level - 0.5), 0.0)


def lognormal_expected_shortage(*, level: Values, mean: Values, variance: Values, none: Values = 0.0) -> Values:
    """E[(D − level)⁺], scaled so that no stock at all leaves the mean unserved. Numbers as in the cdf.

    The integral of the continuous tail, in terms of the distribution's own mean, stands for the sum over whole units of
    P(D > k). `none` is the least chance of no demand. (Snyder & Shen, 2019, appendix C, lognormal)
    """
    if all(isinstance(value, float) for value in (level, mean, variance, none)):
        return _shortage_of_one(float(level), float(mean), float(variance), float(none))
    square = np.log1p(variance / np.square(mean))
    sd = np.sqrt(square)
    distance = (np.log(np.maximum(level / mean, SMALLEST)) + MEDIAN_SHARE * square) / sd
    beyond, whole = special.ndtri(none), np.exp((0.5 - MEDIAN_SHARE) * square)
    distance = np.maximum(distance, beyond)
    unserved = special.ndtr(sd - distance) * whole - level / mean * special.ndtr(-distance)
    unserved = np.maximum(unserved / np.maximum(whole * special.ndtr(sd - beyond), SMALLEST), 0.0)
    return np.where(np.less_equal(level, 0), mean - level, mean * unserved)


def _shortage_of_one(level: float, mean: float, variance: float, none: float) -> float:
    if level <= 0:
        return mean - level
    square = log1p(variance / (mean * mean))
    sd = sqrt(square)
    beyond = float(special.ndtri(none)) if none else -inf
    distance = max(beyond, (log(max(level / mean, SMALLEST)) + MEDIAN_SHARE * square) / sd)
    whole = exp((0.5 - MEDIAN_SHARE) * square)
    unserved = _normal_cdf(sd - distance) * whole - level / mean * _normal_cdf(-distance)
    return mean * max(unserved / max(whole * _normal_cdf(sd - beyond), SMALLEST), 0.0)


def degenerate_cdf(*, level: Values, mean: Values, variance: Values | None = None) -> FloatArray:
    """1 where the level reaches a demand that is certain."""
    return np.asarray(np.greater_equal(level, mean), dtype=np.float64)


def degenerate_expected_shortage(*, level: Values, mean: Values, variance: Values | None = None) -> FloatArray:
    return np.asarray(np.maximum(np.subtract(mean, level), 0.0))


CDF: dict[Distribution, Callable[..., Values]] = {
    "normal": normal_cdf,
    "lognormal": lognormal_cdf,
    "degenerate": degenerate_cdf,
}
QUANTILE: dict[Distribution, Callable[..., Values]] = {
    "normal": normal_quantile,
    "lognormal": lognormal_quantile,
}
EXPECTED_SHORTAGE: dict[Distribution, Callable[..., Values]] = {
    "normal": normal_expected_shortage,
    "lognormal": lognormal_expected_shortage,
    "degenerate": degenerate_expected_shortage,
}


def smallest_level(enough: Callable[[float], bool], *, start: float, step: float) -> float:
    """The smallest whole level ≥ 0 for which `enough` holds; `enough` must stay true once it is.

    Brackets by doubling steps from `start` (≥ 0), the first being `step`, then bisects.
    """
    low, high = _bracket(enough, float(floor(start)), float(max(1, floor(step))))
    while high - low > 1:
        middle = float(floor((low + high) / 2))
        if middle in (low, high):
            break
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


def _bracket(enough: Callable[[float], bool], start: float, step: float) -> tuple[float, float]:
    """A level that is not enough (−1 stands below them all) and one that is."""
    if not enough(start):
        while not enough(start + step):
            start, step = start + step, step * 2
        return start, start + step
    while start > 0:
        lower = max(0.0, start - step)
        if not enough(lower):
            return lower, start
        start, step = lower, step * 2
    return -1.0, 0.0


@dataclass(slots=True)
class Component:
    """One possible length of the protection interval: its share, and the demand's mean and variance over it."""

    weight: float
    mean: float
    variance: float
    none: float = 0.0
    """The least chance of no demand; of a lognormal only."""


class IntervalDemand:
    """Demand over one protection interval: one family, mixed over lead times where those are replayed.

    The weights of the components add up to 1. Demand comes in multiples of `unit`: chances are those of counts, so that
    kilograms and grams have the same.
    """

    __slots__ = ("_means", "_nones", "_variances", "_weights", "components", "family", "mean", "unit", "variance")

    def __init__(self, family: Distribution, components: tuple[Component, ...], unit: float = 1.0) -> None:
        self.components, self.unit = components, unit
        if len(components) == 1:
            self.mean, self.variance = components[0].mean, components[0].variance
        else:
            self.mean = sum(part.weight * part.mean for part in components)
            self.variance = sum(part.weight * (part.variance + (part.mean - self.mean) ** 2) for part in components)
        self.family: Distribution = family if self.mean > 0 and self.variance > 0 else "degenerate"
        least = 0.0 if self.family == "degenerate" else SMALLEST_MEAN
        self._weights: Values = 1.0
        self._means: Values = max(self.mean / unit, least)
        self._variances: Values = max(self.variance / unit**2, SMALLEST_MEAN)
        self._nones: Values = components[0].none
        if len(components) > 1:
            self._weights = np.array([part.weight for part in components])
            self._means = np.array([max(part.mean / unit, least) for part in components])
            self._variances = np.array([max(part.variance / unit**2, SMALLEST_MEAN) for part in components])
            self._nones = np.array([part.none for part in components])

    @property
    def _step(self) -> float:
        """Half a standard deviation, in counts: how far a level that is looked for tends to lie from the mean."""
        return sqrt(self.variance) / 2 / self.unit

    def cdf(self, level: float) -> float:
        """P(D ≤ level)."""
        count = self._count(level)
        return self._cdf_at(count + fuzz(count) if self.family == "degenerate" else count)

    def _cdf_at(self, count: float) -> float:
        chances = CDF[self.family](level=count, mean=self._means, variance=self._variances)
        if self.family == "lognormal" and count >= 0:
            chances = max(chances, self._nones) if len(self.components) == 1 else np.maximum(chances, self._nones)
        return min(1.0, self._mixed(chances))

    def _count(self, level: float) -> float:
        """The level in counts; only where these are whole does a float's rounding matter."""
        return count_in(level, self.unit) if self.family == "lognormal" else level / self.unit

    def _mixed(self, values: Values | NDArray[np.bool_]) -> float:
        return float(values if len(self.components) == 1 else np.dot(self._weights, values))

    def none_over(self, share: float) -> float:
        """The least chance of no demand in a share of the interval."""
        return self._mixed(self._nones**share)

    def below(self, level: float) -> float:
        """P(D < level): what `cdf` gives, less the chance of exactly `level` where demand comes in counts."""
        count = self._count(level)
        if self.family == "degenerate":
            return self._mixed(np.less(self._means, count - fuzz(count)))
        return self._cdf_at(ceil(count) - 1 if self.family == "lognormal" else count)

    def quantile(self, probability: float) -> float:
        """The level that covers `probability` of cases; a multiple of the unit for `lognormal` and mixtures."""
        if self.family == "degenerate":
            return min(part.mean for part in self.components if self.cdf(part.mean) >= probability)
        if len(self.components) > 1:
            start = self.mean / self.unit
            return self._level(smallest_level(lambda n: self._cdf_at(n) >= probability, start=start, step=self._step))
        if self.family == "lognormal" and probability <= self.components[0].none:
            return 0.0
        return self._level(
            float(QUANTILE[self.family](probability=probability, mean=self._means, variance=self._variances))
        )

    def _level(self, count: float) -> float:
        """So many units; without the rounding error of a multiple, so that 263 grams are 0.263 kilograms."""
        return float(quantity(count * self.unit)) if self.family == "lognormal" else count * self.unit

    def expected_shortage(self, level: float) -> float:
        """Units of demand that `level` would leave unserved over the interval, on average."""
        count = level / self.unit
        moments: dict[str, Values] = {"mean": self._means, "variance": self._variances}
        if self.family == "lognormal":
            moments["none"] = self._nones
        return self._mixed(EXPECTED_SHORTAGE[self.family](level=count, **moments)) * self.unit

    def level_for_shortage(self, limit: float, *, shortage: Callable[[float], float] | None = None) -> float:
        """The smallest level at which the expected shortage (or that part of it which `shortage` tells) is `limit`;
        exact for `normal` and certain demand, a multiple of the unit otherwise."""
        left, unit = shortage or self.expected_shortage, self.unit
        whole = smallest_level(lambda count: left(count * unit) <= limit, start=self.mean / unit, step=self._step)
        if self.family == "lognormal" or whole <= 0:
            return self._level(whole)
        low, high = whole - 1, whole
        while low < (middle := (low + high) / 2) < high:
            low, high = (low, middle) if left(middle * unit) <= limit else (middle, high)
        return self._level(high)
