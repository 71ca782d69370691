"""Quantiles, loss functions and mixtures of demand over an interval, held against SciPy's statistics."""

import warnings
from math import exp, log, sqrt
from types import ModuleType

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special, stats

from tools.planning.demand_distribution import (
    Component,
    IntervalDemand,
    chance_of_none,
    degenerate_cdf,
    lognormal_cdf,
    lognormal_expected_shortage,
    lognormal_quantile,
    normal_cdf,
    normal_expected_shortage,
    normal_quantile,
    smallest_level,
    standard_normal_loss,
    z_value,
)
from tools.records.plan import Distribution

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
    assert z_value(np.array([0.5, 0.999])) == pytest.approx([0, 3.0902], abs=5e-5)
    assert z_value(0.999) == pytest.approx(3.0902, abs=5e-5)
    assert z_value(0.9331) == pytest.approx(1.4993, abs=5e-5)


def test_the_standard_loss_never_falls_below_zero() -> None:
    assert (standard_normal_loss(np.linspace(-5, 60, 500)) >= 0).all()


@pytest.mark.parametrize("start", [0.0, 3.0, 41.0, 42.0, 43.0, 1e6])
@pytest.mark.parametrize("answer", [0, 1, 42, 1000])
def test_the_smallest_level_is_found_from_wherever_it_starts(start: float, answer: int) -> None:
    for step in (1.0, 7.5):
        assert smallest_level(lambda level: level >= answer, start=start, step=step) == answer


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


def test_certain_demand_may_be_less_than_a_unit_or_nothing() -> None:
    half = IntervalDemand("degenerate", (Component(1.0, 0.5, 0.0),))
    assert (half.cdf(0.6), half.cdf(0.4), half.expected_shortage(0)) == (1, 0, 0.5)
    nothing = IntervalDemand("degenerate", (Component(1.0, 0.0, 0.0),))
    assert (nothing.cdf(0), nothing.below(0), nothing.expected_shortage(0)) == (1, 0, 0)


def test_a_level_is_so_many_units_but_for_a_float_s_rounding() -> None:
    demand = IntervalDemand("lognormal", (Component(1.0, 0.4, 0.09),), 0.1)
    assert 0.3 / 0.1 < 3
    assert demand.cdf(0.3) == demand.cdf(0.35) > demand.below(0.3) == demand.cdf(0.2)


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


@pytest.mark.parametrize("family", ["lognormal", "normal", "degenerate"])
@pytest.mark.parametrize("parts", [1, 2])
def test_levels_in_grams_are_a_thousand_times_those_in_kilograms(family: Distribution, parts: int) -> None:
    sizes = [(0.5, 0.3, 0.04), (0.5, 0.9, 0.01)] if parts == 2 else [(1.0, 0.3, 0.04)]
    grams, kilograms = (
        IntervalDemand(family, tuple(Component(share, mean * by, sd2 * by**2) for share, mean, sd2 in sizes), unit)
        for by, unit in ((1000, 1), (1, 0.001))
    )

    for asked in (0.5, 0.98):
        assert 1000 * kilograms.quantile(asked) == pytest.approx(grams.quantile(asked))
    for limit in (1, 25):
        level = kilograms.level_for_shortage(limit / 1000)
        assert 1000 * level == pytest.approx(grams.level_for_shortage(limit))
        assert kilograms.expected_shortage(level) <= limit / 1000 * (1 + 1e-9)


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


@pytest.mark.parametrize(("mean", "variance"), CASES)
def test_a_quantile_is_the_same_alone_and_in_an_array(mean: float, variance: float) -> None:
    alone = [lognormal_quantile(probability=share, mean=mean, variance=variance) for share in (0.001, 0.5, 0.99)]
    together = lognormal_quantile(probability=np.array([0.001, 0.5, 0.99]), mean=mean, variance=variance)
    assert np.asarray(together).tolist() == alone


def test_a_level_between_whole_units_covers_what_the_whole_one_below_does() -> None:
    below, at, beside = (lognormal_cdf(level=level, mean=40.0, variance=900.0) for level in (50.0, 50.9, 51.0))
    assert below == at < beside
    assert lognormal_cdf(level=-0.5, mean=40.0, variance=900.0) == 0
    assert lognormal_cdf(level=0.0, mean=2.0, variance=3.0) > 0


def test_units_owed_are_unserved_on_top_of_the_mean() -> None:
    assert lognormal_expected_shortage(level=-5.0, mean=40.0, variance=900.0) == 45
    assert lognormal_expected_shortage(level=0.0, mean=40.0, variance=900.0) == 40
    assert np.ravel(lognormal_expected_shortage(level=np.array([-5.0]), mean=40.0, variance=900.0)).tolist() == [45]


def test_what_is_certain_is_told_in_numbers_for_many_at_once() -> None:
    reached = degenerate_cdf(level=np.array([1.0, 2.0, 3.0]), mean=2.0)
    assert (reached.tolist(), reached.dtype) == ([0, 1, 1], np.float64)


def test_a_mixture_of_certain_demands_is_met_step_by_step() -> None:
    """Deterministic demand over lead times that were replayed."""
    steps = IntervalDemand("degenerate", (Component(0.25, 10.0, 0.0), Component(0.75, 20.0, 0.0)))
    assert [steps.cdf(level) for level in (9.9, 10, 19.9, 20)] == [0, 0.25, 0.25, 1]
    assert [steps.below(level) for level in (10, 10.1, 20, 20.1)] == [0, 0.25, 0.25, 1]
    assert [steps.quantile(share) for share in (0.2, 0.25, 0.26, 0.99)] == [10, 10, 20, 20]
    assert steps.expected_shortage(15) == pytest.approx(0.75 * 5)


def test_demand_whose_mean_or_spread_is_nothing_is_certain() -> None:
    assert IntervalDemand("normal", (Component(1.0, 0.0, 4.0),)).family == "degenerate"
    assert IntervalDemand("normal", (Component(1.0, 4.0, 0.0),)).family == "degenerate"
    assert IntervalDemand("normal", (Component(1.0, 1e-9, 1e-9),)).family == "normal"


def test_one_part_of_a_mixture_may_be_no_demand_at_all() -> None:
    half = IntervalDemand("lognormal", (Component(0.5, 0.0, 0.0), Component(0.5, 10.0, 20.0)))
    alone = IntervalDemand("lognormal", (Component(1.0, 10.0, 20.0),))
    assert half.cdf(12) == pytest.approx(0.5 + alone.cdf(12) / 2)
    assert half.expected_shortage(12) == pytest.approx(alone.expected_shortage(12) / 2, abs=1e-9)
    assert half.quantile(0.95) == alone.quantile(0.9)


def test_a_normal_level_for_a_shortage_is_exact_and_none_is_below_nothing() -> None:
    normal = IntervalDemand("normal", (Component(1.0, 50.0, 11.4**2),))
    level = normal.level_for_shortage(2.0)
    assert normal.expected_shortage(level) == pytest.approx(2.0, rel=1e-9)
    assert level != int(level)
    assert normal.below(level) == normal.cdf(level)
    assert normal.level_for_shortage(60.0) == 0
    certain = IntervalDemand("degenerate", (Component(1.0, 84.5, 0.0),))
    assert certain.level_for_shortage(4.25) == pytest.approx(80.25)


def test_another_part_of_the_shortage_may_be_what_is_limited() -> None:
    demand = IntervalDemand("lognormal", (Component(1.0, 40.0, 900.0),))
    half = demand.level_for_shortage(2.0, shortage=lambda level: demand.expected_shortage(level) / 2)
    assert half == demand.level_for_shortage(4.0) < demand.level_for_shortage(2.0)


@pytest.mark.parametrize("start", [0.0, 1e17, 3e17])
def test_a_level_too_large_for_single_units_is_found_all_the_same(start: float) -> None:
    assert smallest_level(lambda level: level >= 1e17, start=start, step=1e15) == 1e17


def test_few_levels_are_tried_on_the_way() -> None:
    """Doubling steps and bisection: for 1,000 from nothing about 20, and from beside it no more than a few."""

    def tried(start: float, step: float) -> int:
        levels: list[float] = []
        smallest_level(lambda level: not levels.append(level) and level >= 1000, start=start, step=step)  # type: ignore[func-returns-value]
        return len(levels)

    assert tried(0, 1) <= 21
    assert tried(999, 1) == 2
    assert tried(1000, 1) == 2
    assert tried(900, 200) <= 10


@pytest.mark.parametrize(("answer", "begun"), [(900, [100, 101, 103, 107, 115, 131]), (3, [100, 99, 97, 93, 85, 69])])
def test_steps_double_up_and_down(answer: float, begun: list[float]) -> None:
    tried: list[float] = []

    def enough(level: float) -> bool:
        tried.append(level)
        return level >= answer

    assert smallest_level(enough, start=100, step=1) == answer
    assert tried[:6] == begun


def test_a_level_is_never_sought_below_nothing() -> None:
    tried: list[float] = []
    assert smallest_level(lambda level: not tried.append(level), start=7.5, step=0.2) == 0  # type: ignore[func-returns-value]
    assert min(tried) >= 0


RARE = IntervalDemand("lognormal", (Component(1.0, 2.0, 20.0, 0.7),))


def test_a_product_that_sells_rarely_sells_nothing_as_often_as_its_past_says() -> None:
    plain = IntervalDemand("lognormal", (Component(1.0, 2.0, 20.0),))
    assert plain.cdf(0) < 0.5
    assert (RARE.below(0), RARE.cdf(-1), RARE.cdf(0)) == (0, 0, 0.7)
    assert RARE.cdf(20) == plain.cdf(20)
    assert [RARE.quantile(asked) for asked in (0.5, 0.7)] == [0, 0]
    assert RARE.quantile(0.95) == plain.quantile(0.95) > 0


def test_the_expected_shortage_is_that_of_the_same_distribution() -> None:
    """Held against the sum of P(D > x), scaled so that no stock leaves the mean unserved."""
    square = log(1 + 20 / 4)
    levels = np.linspace(0, 5_000, 2_000_001)
    logs = (np.log(np.maximum(levels / 2, 1e-300)) + square / 4) / sqrt(square)
    beyond = 1 - np.maximum(special.ndtr(logs), 0.7)
    whole = np.trapezoid(beyond, levels)
    for level in (0.0, 0.5, 3.0, 15.0):
        tail = np.trapezoid(beyond[levels >= level], levels[levels >= level])
        assert RARE.expected_shortage(level) == pytest.approx(2 * tail / whole, rel=2e-3)


def test_an_array_is_short_by_as_much_as_its_products_one_by_one() -> None:
    mean, variance, none = np.array([2.0, 0.4]), np.array([20.0, 0.9]), np.array([0.7, 0.0])
    together = lognormal_expected_shortage(level=3.0, mean=mean, variance=variance, none=none)
    alone = [
        lognormal_expected_shortage(level=3.0, mean=each[0], variance=each[1], none=each[2])
        for each in zip(mean.tolist(), variance.tolist(), none.tolist(), strict=True)
    ]
    assert together == pytest.approx(alone, rel=1e-12)


def test_no_demand_is_as_likely_as_as_many_periods_without_a_sale_and_likelier_where_demand_fades() -> None:
    steady = chance_of_none(selling=0.1, change=1.0, interval=8.0)
    assert steady == pytest.approx(0.9**8)
    assert chance_of_none(selling=0.1, change=0.5, interval=8.0) > steady
    assert chance_of_none(selling=1.0, change=1.0, interval=8.0) == 0
