"""Probability of demand: cumulative distribution, quantile and expected shortage of the families in use.

Every function takes numbers or NumPy arrays that broadcast, so that one product and a whole catalogue run through the
same formula. Only `scipy.special` is imported: `scipy.stats` costs 0.6 s at import and a hundred times more a call.

Negative binomial: r = mean²/(variance − mean), success probability mean/variance (Johnson, Kemp & Kotz, 2005, 5.1).
Gamma: shape = mean²/variance, scale = variance/mean (Burgin, 1975).
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

SLOW_BELOW = 20.0
"""Mean demand per interval below which whole units show."""
SMALLEST_MEAN = 1e-12
"""Stands for no demand at all, of which any level covers all."""
INDISTINCT = 1e-9
"""Relative overdispersion below which a negative binomial cannot be told from a Poisson in double precision."""


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


def poisson_cdf(*, level: Values, mean: Values, variance: Values | None = None) -> FloatArray:
    """P(D ≤ level). `variance` is accepted for the sake of one signature and not used."""
    whole = np.floor(level)
    return np.where(whole < 0, 0.0, special.gammaincc(np.maximum(whole, 0.0) + 1, mean))


def poisson_expected_shortage(*, level: Values, mean: Values, variance: Values | None = None) -> FloatArray:
    """mean·P(D ≥ ⌊level⌋) − level·P(D > ⌊level⌋), as d·P(D = d) = mean·P(D = d − 1)."""
    whole = np.maximum(np.floor(level), 0.0)
    at_least = np.where(whole < 1, 1.0, special.gammainc(np.maximum(whole, 1.0), mean))
    more = special.gammainc(whole + 1, mean)
    return np.where(np.less(level, 0), mean - level, np.maximum(mean * at_least - level * more, 0.0))


def negative_binomial_cdf(*, level: Values, mean: Values, variance: Values) -> FloatArray:
    whole = np.floor(level)
    r, spread, poisson = _negative_binomial_shape(mean, variance)
    overdispersed = special.betaincc(np.maximum(whole, 0.0) + 1, r, spread)
    cdf = np.where(poisson, special.gammaincc(np.maximum(whole, 0.0) + 1, mean), overdispersed)
    return np.where(whole < 0, 0.0, cdf)


def negative_binomial_expected_shortage(*, level: Values, mean: Values, variance: Values) -> FloatArray:
    """mean·P(D' ≥ ⌊level⌋) − level·P(D > ⌊level⌋), where D' has r + 1 in place of r."""
    whole = np.maximum(np.floor(level), 0.0)
    r, spread, poisson = _negative_binomial_shape(mean, variance)
    at_least = np.where(whole < 1, 1.0, special.betainc(np.maximum(whole, 1.0), r + 1, spread))
    shortage = mean * at_least - level * special.betainc(whole + 1, r, spread)
    shortage = np.where(poisson, poisson_expected_shortage(level=level, mean=mean), shortage)
    return np.where(np.less(level, 0), mean - level, np.maximum(shortage, 0.0))


def _negative_binomial_shape(mean: Values, variance: Values) -> tuple[FloatArray, FloatArray, NDArray[np.bool_]]:
    excess = np.asarray(variance - mean)
    poisson = np.asarray(excess <= INDISTINCT * np.asarray(mean))
    safe = np.where(poisson, 1.0, excess)
    return np.asarray(mean * (mean / safe)), np.asarray(safe / (safe + mean)), poisson


def gamma_cdf(*, level: Values, mean: Values, variance: Values) -> FloatArray:
    scale = variance / mean
    return np.asarray(special.gammainc(mean / scale, np.maximum(level, 0.0) / scale))


def gamma_quantile(*, probability: Values, mean: Values, variance: Values) -> FloatArray:
    scale = variance / mean
    return np.asarray(special.gammaincinv(mean / scale, probability) * scale)


def gamma_expected_shortage(*, level: Values, mean: Values, variance: Values) -> FloatArray:
    """mean·P(D' > level) − level·P(D > level), where D' has shape + 1 in place of shape."""
    scale = variance / mean
    shape, scaled = mean / scale, np.maximum(level, 0.0) / scale
    shortage = mean * special.gammaincc(shape + 1, scaled) - level * special.gammaincc(shape, scaled)
    return np.where(np.less(level, 0), mean - level, np.maximum(shortage, 0.0))


def poisson_quantile(*, probability: Values, mean: Values, variance: Values | None = None) -> FloatArray:
    """Smallest whole level with P(D ≤ level) ≥ probability.

    >>> float(poisson_quantile(probability=0.95, mean=2.0))
    5.0
    """
    return _discrete_quantile(poisson_cdf, probability, mean, mean)


def negative_binomial_quantile(*, probability: Values, mean: Values, variance: Values) -> FloatArray:
    """Smallest whole level with P(D ≤ level) ≥ probability.

    >>> float(negative_binomial_quantile(probability=0.95, mean=8.0, variance=24.0))
    17.0
    """
    return _discrete_quantile(negative_binomial_cdf, probability, mean, variance)


def _discrete_quantile(
    cdf: Callable[..., FloatArray], probability: Values, mean: Values, variance: Values
) -> FloatArray:
    """Walk from the gamma quantile, which lies within a unit or two, to the exact whole level."""
    level = np.floor(gamma_quantile(probability=probability, mean=mean, variance=variance))
    while True:
        low = cdf(level=level, mean=mean, variance=variance) < probability
        if not low.any():
            break
        level = level + low
    while True:
        high = (level > 0) & (cdf(level=level - 1, mean=mean, variance=variance) >= probability)
        if not high.any():
            return level
        level = level - high


def degenerate_cdf(*, level: Values, mean: Values, variance: Values | None = None) -> FloatArray:
    """1 where the level reaches a demand that is certain."""
    return np.asarray(np.greater_equal(level, mean), dtype=np.float64)


def degenerate_expected_shortage(*, level: Values, mean: Values, variance: Values | None = None) -> FloatArray:
    return np.asarray(np.maximum(np.subtract(mean, level), 0.0))


CDF: dict[Distribution, Callable[..., Values]] = {
    "normal": normal_cdf,
    "poisson": poisson_cdf,
    "negative_binomial": negative_binomial_cdf,
    "gamma": gamma_cdf,
    "lognormal": lognormal_cdf,
    "degenerate": degenerate_cdf,
}
QUANTILE: dict[Distribution, Callable[..., Values]] = {
    "normal": normal_quantile,
    "poisson": poisson_quantile,
    "negative_binomial": negative_binomial_quantile,
    "gamma": gamma_quantile,
    "lognormal": lognormal_quantile,
}
EXPECTED_SHORTAGE: dict[Distribution, Callable[..., Values]] = {
    "normal": normal_expected_shortage,
    "poisson": poisson_expected_shortage,
    "negative_binomial": negative_binomial_expected_shortage,
    "gamma": gamma_expected_shortage,
    "lognormal": lognormal_expected_shortage,
    "degenerate": degenerate_expected_shortage,
}
WHOLE_UNITS: frozenset[Distribution] = frozenset({"poisson", "negative_binomial", "lognormal"})


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
        return self.cdf(ceil(level) - 1 if self.family in WHOLE_UNITS else level)

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
        if self.family in WHOLE_UNITS or self.family == "gamma" or whole <= 0:
            return whole
        low, high = whole - 1, whole
        while low < (middle := (low + high) / 2) < high:
            low, high = (low, middle) if left(middle) <= limit else (middle, high)
        return high


def family_for(mean: float) -> Distribution:
    """Negative binomial for slow demand, where whole units show, and gamma from 20 units an interval on."""
    return "negative_binomial" if mean < SLOW_BELOW else "gamma"
