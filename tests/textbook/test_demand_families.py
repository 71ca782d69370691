"""Poisson, negative binomial and gamma demand, held against SciPy's statistics and stockpyl."""

import warnings
from types import ModuleType

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from tests.textbook.demand_families import (
    gamma_cdf,
    gamma_expected_shortage,
    gamma_quantile,
    negative_binomial_cdf,
    negative_binomial_expected_shortage,
    negative_binomial_quantile,
    poisson_cdf,
    poisson_expected_shortage,
    poisson_quantile,
)

CDF = {"gamma": gamma_cdf, "poisson": poisson_cdf, "negative_binomial": negative_binomial_cdf}
QUANTILE = {"gamma": gamma_quantile, "poisson": poisson_quantile, "negative_binomial": negative_binomial_quantile}
EXPECTED_SHORTAGE = {
    "gamma": gamma_expected_shortage,
    "poisson": poisson_expected_shortage,
    "negative_binomial": negative_binomial_expected_shortage,
}


@pytest.fixture(scope="module")
def stockpyl_losses() -> ModuleType:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from stockpyl import loss_functions

        return loss_functions


def scipy_law(family: str, mean: float, variance: float) -> object:
    return {
        "gamma": lambda: stats.gamma(mean**2 / variance, scale=variance / mean),
        "poisson": lambda: stats.poisson(mean),
        "negative_binomial": lambda: stats.nbinom(mean**2 / (variance - mean), mean / variance),
    }[family]()


MOMENTS = [(0.3, 1.1), (3.0, 3.5), (17.0, 80.0), (250.0, 900.0)]


@pytest.mark.parametrize("family", CDF)
@pytest.mark.parametrize(("mean", "variance"), MOMENTS)
def test_cdf_and_quantile_equal_scipys(family: str, mean: float, variance: float) -> None:
    law = scipy_law(family, mean, variance)
    for level in (0.0, 1.0, mean, 2 * mean + 3):
        ours = CDF[family](level=level, mean=mean, variance=variance)
        assert float(ours) == pytest.approx(law.cdf(level), rel=1e-9, abs=1e-12)
    for probability in (0.5, 0.9, 0.95, 0.999):
        quantile = QUANTILE[family](probability=probability, mean=mean, variance=variance)
        assert float(quantile) == pytest.approx(law.ppf(probability), rel=1e-8)


def test_loss_functions_equal_stockpyls(stockpyl_losses: ModuleType) -> None:
    for mean, variance in MOMENTS[1:]:
        sd = variance**0.5
        for level in (1, int(mean) + 2, int(3 * mean)):
            theirs = {
                "poisson": stockpyl_losses.poisson_loss(level, mean)[0],
                "gamma": stockpyl_losses.gamma_loss(level, mean**2 / variance, variance / mean)[0],
                "negative_binomial": stockpyl_losses.negative_binomial_loss(level, mean=mean, sd=sd)[0],
            }
            for family, expected in theirs.items():
                ours = EXPECTED_SHORTAGE[family](level=float(level), mean=mean, variance=variance)
                assert float(ours) == pytest.approx(expected, rel=1e-8, abs=1e-10), family


@pytest.mark.parametrize("family", ["poisson", "negative_binomial"])
@pytest.mark.parametrize("level", [-2.5, 0.0, 0.4, 7.0, 12.75])
def test_a_discrete_loss_is_the_sum_of_its_tail(family: str, level: float) -> None:
    mean, variance = 9.0, 30.0
    demand = np.arange(2000)
    law = scipy_law(family, mean, variance)
    expected = float((np.maximum(demand - level, 0) * law.pmf(demand)).sum())
    assert float(EXPECTED_SHORTAGE[family](level=level, mean=mean, variance=variance)) == pytest.approx(expected)


def test_a_negative_binomial_without_extra_variance_is_a_poisson() -> None:
    levels = np.arange(12.0)
    np.testing.assert_allclose(
        negative_binomial_cdf(level=levels, mean=4.0, variance=4.0), poisson_cdf(level=levels, mean=4.0)
    )


def test_a_discrete_quantile_is_the_smallest_level_that_suffices() -> None:
    means = np.array([0.05, 0.5, 2.0, 8.0, 19.9])
    variances = means * np.array([1.0, 1.01, 30.0, 3.0, 400.0])
    for probability in (0.01, 0.5, 0.95, 0.999):
        level = negative_binomial_quantile(probability=probability, mean=means, variance=variances)
        assert (negative_binomial_cdf(level=level, mean=means, variance=variances) >= probability).all()
        short = negative_binomial_cdf(level=level - 1, mean=means, variance=variances) >= probability
        assert not (short & (level > 0)).any()


def test_arrays_and_numbers_get_the_same_quantile() -> None:
    means, variances = np.array([0.4, 6.0, 15.0]), np.array([0.9, 6.5, 90.0])
    together = negative_binomial_quantile(probability=0.97, mean=means, variance=variances)
    alone = [
        float(negative_binomial_quantile(probability=0.97, mean=m, variance=v))
        for m, v in zip(means, variances, strict=True)
    ]
    assert together.tolist() == alone


@given(x=st.integers(0, 10**6), mean=st.floats(0.01, 1e5))
def test_poisson_quantile_and_cdf_are_inverse(x: int, mean: float) -> None:
    probability = float(poisson_cdf(level=float(x), mean=mean))
    if 1e-9 < probability < 1 - 1e-9:
        assert float(poisson_quantile(probability=probability, mean=mean)) == x
