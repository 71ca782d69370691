"""The lognormal distribution of demand in whole units."""

import warnings
from math import exp, log, sqrt
from types import ModuleType

import numpy as np
import pytest
from scipy import special

from tools.planning.lognormal import lognormal_cdf, lognormal_expected_shortage, lognormal_quantile

CASES = [(0.3, 0.4), (2.0, 2.0), (40.0, 900.0), (40.0, 40.0), (3.0, 200.0), (5000.0, 1e6)]


@pytest.mark.parametrize(("mean", "variance"), CASES)
@pytest.mark.parametrize("probability", [0.5, 0.9, 0.95, 0.999])
def test_the_quantile_is_the_smallest_whole_level_that_covers(mean: float, variance: float, probability: float) -> None:
    level = float(lognormal_quantile(probability=probability, mean=mean, variance=variance))
    assert level == int(level) >= 0
    assert lognormal_cdf(level=level, mean=mean, variance=variance) >= probability - 1e-9
    if level > 0:
        assert lognormal_cdf(level=level - 1, mean=mean, variance=variance) < probability


def test_hardly_any_stock_leaves_the_mean_unserved() -> None:
    assert lognormal_expected_shortage(level=1e-323, mean=96.0, variance=900.0) == pytest.approx(96)


def test_a_whole_level_takes_in_half_a_unit_more() -> None:
    square = log(1 + 900 / 1600)
    expected = special.ndtr((log(50.5 / 40) + square / 4) / sqrt(square))
    assert float(lognormal_cdf(level=50.0, mean=40.0, variance=900.0)) == pytest.approx(expected, rel=1e-12)


def test_below_no_demand_there_is_no_chance() -> None:
    assert lognormal_cdf(level=np.array([-1.0, -0.1]), mean=2.0, variance=3.0).tolist() == [0, 0]


@pytest.mark.parametrize(("mean", "variance"), CASES)
def test_no_stock_leaves_the_mean_unserved_and_more_stock_never_more(mean: float, variance: float) -> None:
    levels = np.linspace(0, 6 * (mean + sqrt(variance)), 200)
    unserved = lognormal_expected_shortage(level=levels, mean=mean, variance=variance)
    assert unserved[0] == pytest.approx(mean)
    assert (np.diff(unserved) <= 1e-12 * mean).all()
    assert unserved[-1] < 0.2 * mean


def test_the_expected_shortage_is_the_integral_of_the_tail_over_the_tails_own_mean() -> None:
    mean, variance = 40.0, 900.0
    square = log(1 + variance / mean**2)
    steps = np.linspace(60, 5000, 2_000_001)
    tail = special.ndtr(-(np.log(steps / mean) + square / 4) / sqrt(square))
    integral = np.trapezoid(tail, steps) / exp(square / 4)
    assert float(lognormal_expected_shortage(level=60.0, mean=mean, variance=variance)) == pytest.approx(
        integral, rel=1e-5
    )


@pytest.mark.parametrize(("mean", "variance"), CASES)
@pytest.mark.parametrize("share", [-1.0, 0.0, 0.01, 0.7, 1.0, 4.0])
def test_a_number_gets_what_it_gets_in_an_array(mean: float, variance: float, share: float) -> None:
    level = share * (mean + sqrt(variance))
    for formula in (lognormal_cdf, lognormal_expected_shortage):
        (among_others, _) = np.ravel(formula(level=np.array([level, 7.0]), mean=mean, variance=variance))
        alone = formula(level=level, mean=mean, variance=variance)
        assert isinstance(alone, float)
        assert alone == pytest.approx(among_others, rel=1e-12, abs=1e-300)


@pytest.fixture(scope="module")
def stockpyl_losses() -> ModuleType:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from stockpyl import loss_functions

        return loss_functions


@pytest.mark.parametrize(("mean", "variance"), CASES)
def test_the_expected_shortage_is_stockpyls_scaled_to_the_mean(
    mean: float, variance: float, stockpyl_losses: ModuleType
) -> None:
    square = log(1 + variance / mean**2)
    for level in (0.5 * mean, mean, 3 * mean + 1):
        theirs = stockpyl_losses.lognormal_loss(level, log(mean) - square / 4, sqrt(square))[0]
        ours = float(lognormal_expected_shortage(level=level, mean=mean, variance=variance))
        assert ours == pytest.approx(theirs / exp(square / 4), rel=1e-7, abs=1e-9)
