"""Poisson, negative binomial and gamma demand: cumulative distribution, quantile and expected shortage. Pure.

Numbers and arrays alike. Negative binomial: r = mean²/(variance − mean), success probability mean/variance (Johnson,
Kemp & Kotz, 2005, 5.1). Gamma: shape = mean²/variance, scale = variance/mean (Burgin, 1975). Expected shortage is the
first-order loss function E[(D − level)⁺] (Snyder & Shen, 2019, appendix C).
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy import special

from tools.planning.demand_distribution import FloatArray, Values

INDISTINCT = 1e-9
"""Relative overdispersion below which a negative binomial cannot be told from a Poisson in double precision."""


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
