"""Cumulative distributions, quantiles and loss functions, held against SciPy's statistics and stockpyl."""

import warnings
from types import ModuleType

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from tools.planning.demand_distribution import (
    CDF,
    EXPECTED_SHORTAGE,
    QUANTILE,
    Component,
    IntervalDemand,
    family_for,
    negative_binomial_cdf,
    negative_binomial_quantile,
    poisson_cdf,
    poisson_quantile,
    smallest_level,
    standard_normal_loss,
    z_value,
)
from tools.records.plan import Distribution


@pytest.fixture(scope="module")
def stockpyl_losses() -> ModuleType:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from stockpyl import loss_functions

        return loss_functions


def scipy_law(family: Distribution, mean: float, variance: float) -> object:
    return {
        "normal": lambda: stats.norm(mean, variance**0.5),
        "gamma": lambda: stats.gamma(mean**2 / variance, scale=variance / mean),
        "poisson": lambda: stats.poisson(mean),
        "negative_binomial": lambda: stats.nbinom(mean**2 / (variance - mean), mean / variance),
    }[family]()


FAMILIES: list[Distribution] = ["normal", "gamma", "poisson", "negative_binomial"]
MOMENTS = [(0.3, 1.1), (3.0, 3.5), (17.0, 80.0), (250.0, 900.0)]


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize(("mean", "variance"), MOMENTS)
def test_cdf_and_quantile_equal_scipys(family: Distribution, mean: float, variance: float) -> None:
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
                "normal": stockpyl_losses.normal_loss(level, mean, sd)[0],
                "poisson": stockpyl_losses.poisson_loss(level, mean)[0],
                "gamma": stockpyl_losses.gamma_loss(level, mean**2 / variance, variance / mean)[0],
                "negative_binomial": stockpyl_losses.negative_binomial_loss(level, mean=mean, sd=sd)[0],
            }
            for family, expected in theirs.items():
                ours = EXPECTED_SHORTAGE[family](level=float(level), mean=mean, variance=variance)
                assert float(ours) == pytest.approx(expected, rel=1e-8, abs=1e-10), family


@pytest.mark.parametrize("family", ["poisson", "negative_binomial"])
@pytest.mark.parametrize("level", [-2.5, 0.0, 0.4, 7.0, 12.75])
def test_a_discrete_loss_is_the_sum_of_its_tail(family: Distribution, level: float) -> None:
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


def test_the_z_value_has_no_table_to_fall_off() -> None:
    """A table that ends at 0.99 answers 1.65 beyond it."""
    assert z_value(0.999) == pytest.approx(3.0902, abs=5e-5)
    assert z_value(0.9331) == pytest.approx(1.4993, abs=5e-5)


def test_the_standard_loss_never_falls_below_zero() -> None:
    assert (standard_normal_loss(np.linspace(-5, 60, 500)) >= 0).all()


@pytest.mark.parametrize("start", [0.0, 3.0, 41.0, 42.0, 43.0, 1e6])
@pytest.mark.parametrize("answer", [0, 1, 42, 1000])
def test_the_smallest_level_is_found_from_wherever_it_starts(start: float, answer: int) -> None:
    assert smallest_level(lambda level: level >= answer, start=start) == answer
    assert smallest_level(lambda level: level >= answer, start=start, step=7.5) == answer


def two_lead_times(family: Distribution = "gamma") -> IntervalDemand:
    return IntervalDemand(family, (Component(0.9, 70.0, 100.0), Component(0.1, 280.0, 500.0)))


def test_a_mixture_covers_the_late_deliveries_too() -> None:
    """The gamma with the same two moments would hold far less than the late tenth needs."""
    mixture = two_lead_times()
    level = mixture.quantile(0.95)
    assert mixture.cdf(level) >= 0.95 > mixture.cdf(level - 1)
    assert level > 270
    matched = IntervalDemand("gamma", (Component(1.0, mixture.mean, mixture.variance),))
    assert matched.quantile(0.95) < 230


def test_a_mixture_has_the_moments_of_its_parts() -> None:
    mixture = two_lead_times()
    assert mixture.mean == pytest.approx(91)
    assert mixture.variance == pytest.approx(0.9 * (100 + 21**2) + 0.1 * (500 + 189**2))


def test_below_leaves_out_the_level_itself_where_units_are_whole() -> None:
    demand = IntervalDemand("negative_binomial", (Component(1.0, 4.0, 9.0),))
    assert demand.below(5) == demand.cdf(4) < demand.cdf(5)
    assert demand.below(4.5) == demand.cdf(4)


def test_certain_demand_is_met_at_its_level_and_not_below() -> None:
    certain = IntervalDemand("degenerate", (Component(1.0, 84.0, 0.0),))
    assert (certain.cdf(84), certain.cdf(83.9), certain.below(84), certain.quantile(0.95)) == (1, 0, 0, 84)
    assert certain.expected_shortage(80) == 4


def test_demand_without_any_mean_is_certain_whatever_the_family() -> None:
    assert IntervalDemand("gamma", (Component(1.0, 0.0, 0.0),)).family == "degenerate"


@pytest.mark.parametrize(("mean", "family"), [(19.999, "negative_binomial"), (20.0, "gamma")])
def test_whole_units_count_below_twenty_an_interval(mean: float, family: str) -> None:
    assert family_for(mean) == family


@given(
    mean=st.floats(0.01, 1e9),
    dispersion=st.floats(1.0, 1e4),
    probability=st.floats(0.001, 0.999),
    more=st.floats(0.0, 0.0009),
)
def test_more_service_never_takes_a_lower_level(
    mean: float, dispersion: float, probability: float, more: float
) -> None:
    demand = IntervalDemand(family_for(mean), (Component(1.0, mean, mean * dispersion),))
    assert demand.quantile(min(0.999, probability + more)) >= demand.quantile(probability)


@given(mean=st.floats(0.01, 1e6), dispersion=st.floats(1.0, 1e3), limit=st.floats(1e-6, 10))
def test_the_level_for_a_shortage_is_the_smallest_that_keeps_to_it(
    mean: float, dispersion: float, limit: float
) -> None:
    demand = IntervalDemand(family_for(mean), (Component(1.0, mean, mean * dispersion),))
    level = demand.level_for_shortage(limit)
    assert demand.expected_shortage(level) <= limit
    assert level == 0 or demand.expected_shortage(level - 1) > limit


@given(x=st.integers(0, 10**6), mean=st.floats(0.01, 1e5))
def test_poisson_quantile_and_cdf_are_inverse(x: int, mean: float) -> None:
    probability = float(poisson_cdf(level=float(x), mean=mean))
    if 1e-9 < probability < 1 - 1e-9:
        assert float(poisson_quantile(probability=probability, mean=mean)) == x
