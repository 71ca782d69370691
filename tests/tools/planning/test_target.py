"""The level for each kind of service asked for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.planning.demand_distribution import Component, IntervalDemand
from tools.planning.order_cycle import OrderCycle
from tools.planning.target import Target, cost_target, stock_level
from tools.records.errors import InvalidInput

NORMAL = IntervalDemand("normal", (Component(1.0, 50.0, 11.4**2),))
FAST = IntervalDemand("lognormal", (Component(1.0, 96.0, 30.0**2),))
SLOW = IntervalDemand("lognormal", (Component(1.0, 2.0, 5.0),))


def test_a_level_for_certain_demand_is_that_demand() -> None:
    certain = IntervalDemand("degenerate", (Component(1.0, 84.5, 0.0),))
    assert stock_level(certain, Target(0.95)) == 84.5


def test_the_textbook_level_is_not_rounded_and_others_are_whole() -> None:
    assert stock_level(NORMAL, Target(0.95)) == pytest.approx(50 + 1.6448536269514722 * 11.4)
    assert stock_level(FAST, Target(0.95)) == FAST.quantile(0.95) == 155
    assert stock_level(SLOW, Target(0.95)) == 7


def test_a_low_service_level_never_takes_the_level_below_zero() -> None:
    uncertain = IntervalDemand("normal", (Component(1.0, 10.0, 400.0),))
    assert stock_level(uncertain, Target(0.05)) == 0


def test_the_fill_rate_level_of_the_textbook() -> None:
    level = stock_level(NORMAL, Target(0.99, OrderCycle(200)))
    assert level == pytest.approx(56.6, abs=0.1)
    assert NORMAL.expected_shortage(level) == pytest.approx(2.0)


@pytest.mark.parametrize("demand", [NORMAL, FAST, SLOW])
def test_a_fill_rate_is_not_a_cycle_service_level(demand: IntervalDemand) -> None:
    """Large orders leave few cycles to be short in: the fill rate asks for less stock than the cycle level does."""
    by_fill = stock_level(demand, Target(0.95, OrderCycle(500)))
    assert by_fill < stock_level(demand, Target(0.95))


def test_the_cost_target_is_the_critical_ratio() -> None:
    assert cost_target(stockout_cost=9, holding_cost=1).probability == pytest.approx(0.9)


@pytest.mark.parametrize(("stockout", "holding", "held"), [(1e9, 0, 0.999), (0, 3, 0.001)])
def test_a_cost_target_stays_within_what_can_be_computed(stockout: float, holding: float, held: float) -> None:
    assert cost_target(stockout_cost=stockout, holding_cost=holding).probability == held


def test_a_cost_target_without_costs_is_refused() -> None:
    with pytest.raises(InvalidInput, match="above zero"):
        cost_target(stockout_cost=0, holding_cost=0)


@given(low=st.floats(0.01, 0.999), high=st.floats(0.01, 0.999), demand=st.sampled_from([NORMAL, FAST, SLOW]))
def test_more_service_never_means_less_stock(low: float, high: float, demand: IntervalDemand) -> None:
    low, high = sorted((low, high))
    assert stock_level(demand, Target(low)) <= stock_level(demand, Target(high))
    at = [stock_level(demand, Target(rate, OrderCycle(40))) for rate in (low, high)]
    assert at[0] <= at[1] + 1e-9
