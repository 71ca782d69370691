"""The textbook's safety stock and reorder point, and the level for each kind of service asked for."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.demand_distribution import Component, IntervalDemand
from tools.errors import InvalidInput
from tools.safety_stock import (
    Target,
    cost_target,
    fill_rate_target,
    interval_sd,
    reorder_point,
    safety_stock,
    stock_level,
)

NORMAL = IntervalDemand("normal", (Component(1.0, 50.0, 11.4**2),))
GAMMA = IntervalDemand("gamma", (Component(1.0, 96.0, 30.0**2),))
SLOW = IntervalDemand("negative_binomial", (Component(1.0, 2.0, 5.0),))


def test_the_textbook_reorder_point_of_the_seven_day_example() -> None:
    stock = safety_stock(service_level=0.95, demand_sd=math.sqrt(175), interval=7)
    assert stock == pytest.approx(57.57, abs=0.005)
    assert reorder_point(mean=120, interval=7, safety_stock=stock) == pytest.approx(897.57, abs=0.005)


def test_a_square_is_a_square_and_not_an_exclusive_or() -> None:
    """`^2` for a square gives a standard deviation of 71.78 and a reorder point of 391.99 (met in a library)."""
    sd = interval_sd(demand_sd=5, interval=6, mean=50, lead_time_sd=2)
    stock = safety_stock(service_level=0.9, demand_sd=5, interval=6, mean=50, lead_time_sd=2)
    assert sd == pytest.approx(100.74720839804942)
    assert reorder_point(mean=50, interval=6, safety_stock=stock) == pytest.approx(429.1127426467683)


def test_no_lead_time_needs_no_safety_stock() -> None:
    assert safety_stock(service_level=0.95, demand_sd=20, interval=0) == 0


def test_a_level_for_certain_demand_is_that_demand() -> None:
    certain = IntervalDemand("degenerate", (Component(1.0, 84.5, 0.0),))
    assert stock_level(certain, Target(0.95)) == 84.5


def test_the_textbook_level_is_not_rounded_and_others_are_whole() -> None:
    assert stock_level(NORMAL, Target(0.95)) == pytest.approx(50 + 1.6448536269514722 * 11.4)
    assert stock_level(GAMMA, Target(0.95)) == math.ceil(GAMMA.quantile(0.95))
    assert stock_level(SLOW, Target(0.95)) == 6


def test_a_low_service_level_never_takes_the_level_below_zero() -> None:
    uncertain = IntervalDemand("normal", (Component(1.0, 10.0, 400.0),))
    assert stock_level(uncertain, Target(0.05)) == 0


def test_the_fill_rate_level_of_the_textbook() -> None:
    level = stock_level(NORMAL, fill_rate_target(fill_rate=0.99, order_size=200))
    assert level == pytest.approx(56.6, abs=0.1)
    assert NORMAL.expected_shortage(level) == pytest.approx(2.0)


@pytest.mark.parametrize("demand", [NORMAL, GAMMA, SLOW])
def test_a_fill_rate_is_not_a_cycle_service_level(demand: IntervalDemand) -> None:
    """Large orders leave few cycles to be short in: the fill rate asks for less stock than the cycle level does."""
    by_fill = stock_level(demand, fill_rate_target(fill_rate=0.95, order_size=500))
    assert by_fill < stock_level(demand, Target(0.95))


def test_the_cost_target_is_the_critical_ratio() -> None:
    assert cost_target(stockout_cost=9, holding_cost=1).probability == pytest.approx(0.9)


@pytest.mark.parametrize(("stockout", "holding", "held"), [(1e9, 0, 0.999), (0, 3, 0.001)])
def test_a_cost_target_stays_within_what_can_be_computed(stockout: float, holding: float, held: float) -> None:
    assert cost_target(stockout_cost=stockout, holding_cost=holding).probability == held


def test_a_cost_target_without_costs_is_refused() -> None:
    with pytest.raises(InvalidInput, match="above zero"):
        cost_target(stockout_cost=0, holding_cost=0)


@given(low=st.floats(0.01, 0.999), high=st.floats(0.01, 0.999), demand=st.sampled_from([NORMAL, GAMMA, SLOW]))
def test_more_service_never_means_less_stock(low: float, high: float, demand: IntervalDemand) -> None:
    low, high = sorted((low, high))
    assert stock_level(demand, Target(low)) <= stock_level(demand, Target(high))
    at = [stock_level(demand, fill_rate_target(fill_rate=rate, order_size=40)) for rate in (low, high)]
    assert at[0] <= at[1] + 1e-9
