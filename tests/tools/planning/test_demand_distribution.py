"""Quantiles, loss functions and mixtures of demand over an interval, held against SciPy's statistics."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from tools.planning.demand_distribution import (
    Component,
    IntervalDemand,
    normal_cdf,
    normal_expected_shortage,
    normal_quantile,
    smallest_level,
    standard_normal_loss,
    z_value,
)

MOMENTS = [(0.3, 1.1), (3.0, 3.5), (17.0, 80.0), (250.0, 900.0)]


@pytest.mark.parametrize(("mean", "variance"), MOMENTS)
def test_the_normal_distribution_is_scipys(mean: float, variance: float) -> None:
    law = stats.norm(mean, variance**0.5)
    for level in (0.0, 1.0, mean, 2 * mean + 3):
        assert float(normal_cdf(level=level, mean=mean, variance=variance)) == pytest.approx(law.cdf(level), rel=1e-9)
        shortage = float(normal_expected_shortage(level=level, mean=mean, variance=variance))
        assert shortage == pytest.approx(law.expect(lambda d, y=level: d - y, lb=level), rel=1e-6, abs=1e-8)
    for probability in (0.5, 0.9, 0.95, 0.999):
        quantile = float(normal_quantile(probability=probability, mean=mean, variance=variance))
        assert quantile == pytest.approx(law.ppf(probability), rel=1e-8)


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


def two_lead_times() -> IntervalDemand:
    return IntervalDemand("lognormal", (Component(0.9, 70.0, 100.0), Component(0.1, 280.0, 500.0)))


def test_a_mixture_covers_the_late_deliveries_too() -> None:
    """The lognormal with the same two moments would hold far less than the late tenth needs."""
    mixture = two_lead_times()
    level = mixture.quantile(0.95)
    assert mixture.cdf(level) >= 0.95 > mixture.cdf(level - 1)
    assert level > 270
    matched = IntervalDemand("lognormal", (Component(1.0, mixture.mean, mixture.variance),))
    assert matched.quantile(0.95) < 240


def test_a_mixture_has_the_moments_of_its_parts() -> None:
    mixture = two_lead_times()
    assert mixture.mean == pytest.approx(91)
    assert mixture.variance == pytest.approx(0.9 * (100 + 21**2) + 0.1 * (500 + 189**2))


def test_below_leaves_out_the_level_itself_where_units_are_whole() -> None:
    demand = IntervalDemand("lognormal", (Component(1.0, 4.0, 9.0),))
    assert demand.below(5) == demand.cdf(4) < demand.cdf(5)
    assert demand.below(4.5) == demand.cdf(4)


def test_certain_demand_is_met_at_its_level_and_not_below() -> None:
    certain = IntervalDemand("degenerate", (Component(1.0, 84.0, 0.0),))
    assert (certain.cdf(84), certain.cdf(83.9), certain.below(84), certain.quantile(0.95)) == (1, 0, 0, 84)
    assert certain.expected_shortage(80) == 4


def test_demand_without_any_mean_is_certain_whatever_the_family() -> None:
    assert IntervalDemand("lognormal", (Component(1.0, 0.0, 0.0),)).family == "degenerate"


@given(
    mean=st.floats(0.01, 1e9),
    dispersion=st.floats(1.0, 1e4),
    probability=st.floats(0.001, 0.999),
    more=st.floats(0.0, 0.0009),
)
def test_more_service_never_takes_a_lower_level(
    mean: float, dispersion: float, probability: float, more: float
) -> None:
    demand = IntervalDemand("lognormal", (Component(1.0, mean, mean * dispersion),))
    assert demand.quantile(min(0.999, probability + more)) >= demand.quantile(probability)


@given(mean=st.floats(0.01, 1e6), dispersion=st.floats(1.0, 1e3), limit=st.floats(1e-6, 10))
def test_the_level_for_a_shortage_is_the_smallest_that_keeps_to_it(
    mean: float, dispersion: float, limit: float
) -> None:
    demand = IntervalDemand("lognormal", (Component(1.0, mean, mean * dispersion),))
    level = demand.level_for_shortage(limit)
    assert demand.expected_shortage(level) <= limit
    assert level == 0 or demand.expected_shortage(level - 1) > limit
