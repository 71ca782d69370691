"""Probability of demand: cumulative distribution, quantile and expected shortage of the families in use.

Every function takes numbers or NumPy arrays that broadcast, so that one product and a whole catalogue run through the
same formula. Only `scipy.special` is imported: `scipy.stats` costs 0.6 s at import and a hundred times more a call.

Expected shortage is the first-order loss function E[(D − level)⁺] (Snyder & Shen, 2019, appendix C).
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil, floor, sqrt
from typing import TypeAlias, overload

import numpy as np
from numpy.typing import NDArray
from scipy import special

from tools.planning.lognormal import lognormal_cdf, lognormal_expected_shortage, lognormal_quantile
from tools.records.plan import Distribution

FloatArray: TypeAlias = NDArray[np.float64]
IntArray: TypeAlias = NDArray[np.int_]
Values: TypeAlias = float | FloatArray

SMALLEST_MEAN = 1e-12
"""Stands for no demand at all, of which any level covers all."""


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


def smallest_level(enough: Callable[[float], bool], *, start: float, step: float = 1.0) -> float:
    """The smallest whole level ≥ 0 for which `enough` holds; `enough` must stay true once it is.

    Brackets by doubling steps from `start`, the first being `step`, then bisects.
    """
    low, high = _bracket(enough, float(floor(max(0.0, start))), float(max(1, floor(step))))
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


class IntervalDemand:
    """Demand over one protection interval: one family, mixed over lead times where those are replayed.

    The weights of the components add up to 1.
    """

    __slots__ = ("_means", "_variances", "_weights", "components", "family", "mean", "variance")

    def __init__(self, family: Distribution, components: tuple[Component, ...]) -> None:
        self.components = components
        if len(components) == 1:
            self.mean, self.variance = components[0].mean, components[0].variance
        else:
            self.mean = sum(part.weight * part.mean for part in components)
            self.variance = sum(part.weight * (part.variance + (part.mean - self.mean) ** 2) for part in components)
        self.family: Distribution = family if self.mean > 0 and self.variance > 0 else "degenerate"
        least = 0.0 if self.family == "degenerate" else SMALLEST_MEAN
        self._weights: Values = 1.0
        self._means: Values = max(self.mean, least)
        self._variances: Values = max(self.variance, SMALLEST_MEAN)
        if len(components) > 1:
            self._weights = np.array([part.weight for part in components])
            self._means = np.array([max(part.mean, least) for part in components])
            self._variances = np.array([max(part.variance, SMALLEST_MEAN) for part in components])

    @property
    def _step(self) -> float:
        """Half a standard deviation: how far a level that is looked for tends to lie from the mean."""
        return sqrt(self.variance) / 2

    def cdf(self, level: float) -> float:
        """P(D ≤ level)."""
        chances = CDF[self.family](level=level, mean=self._means, variance=self._variances)
        return min(1.0, self._mixed(chances))

    def _mixed(self, values: Values | NDArray[np.bool_]) -> float:
        return float(values if len(self.components) == 1 else np.dot(self._weights, values))

    def below(self, level: float) -> float:
        """P(D < level): what `cdf` gives, less the chance of exactly `level` where demand comes in whole units."""
        if self.family == "degenerate":
            return self._mixed(np.less(self._means, level))
        return self.cdf(ceil(level) - 1 if self.family == "lognormal" else level)

    def quantile(self, probability: float) -> float:
        """The level that covers `probability` of cases; a whole number for whole-unit families and mixtures."""
        if self.family == "degenerate":
            return min(part.mean for part in self.components if self.cdf(part.mean) >= probability)
        if len(self.components) > 1:
            return smallest_level(lambda level: self.cdf(level) >= probability, start=self.mean, step=self._step)
        quantile = QUANTILE[self.family](probability=probability, mean=self._means, variance=self._variances)
        return float(quantile)

    def expected_shortage(self, level: float) -> float:
        """Units of demand that `level` would leave unserved over the interval, on average."""
        shortages = EXPECTED_SHORTAGE[self.family](level=level, mean=self._means, variance=self._variances)
        return self._mixed(shortages)

    def level_for_shortage(self, limit: float, *, shortage: Callable[[float], float] | None = None) -> float:
        """The smallest level at which the expected shortage (or that part of it which `shortage` tells) is `limit`;
        exact for `normal` and certain demand, whole otherwise."""
        left = shortage or self.expected_shortage
        whole = smallest_level(lambda level: left(level) <= limit, start=self.mean, step=self._step)
        if self.family == "lognormal" or whole <= 0:
            return whole
        low, high = whole - 1, whole
        while low < (middle := (low + high) / 2) < high:
            low, high = (low, middle) if left(middle) <= limit else (middle, high)
        return high
