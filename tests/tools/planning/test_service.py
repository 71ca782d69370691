"""The level for each kind of service asked for, the fill rate over an order cycle, the textbook's reorder point."""

import math
import warnings
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.planning.demand_distribution import Component, IntervalDemand
from tools.planning.service import (
    OrderCycle,
    Target,
    cost_target,
    interval_sd,
    reorder_point,
    safety_stock,
    stock_level,
)
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


def order_up_to_level(*, mean: float, sd: float, lead_time: int, level: float) -> float:
    """Fill rate where every period orders what was sold."""
    periods = lead_time + 1
    demand = IntervalDemand("normal", (Component(1.0, mean * periods, sd**2 * periods),))
    cycle = OrderCycle.of(demand, between=mean, order_size=mean, lead_time_variance=0.0)
    rate = cycle.fill_rate(demand, level)
    assert rate is not None
    return rate


@pytest.fixture(scope="module")
def stockpyl() -> SimpleNamespace:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from stockpyl import sim, supply_chain_network

        return SimpleNamespace(sim=sim, network=supply_chain_network)


@pytest.mark.slow
@pytest.mark.parametrize("level", [250.0, 330.0])
def test_the_fill_rate_of_an_order_up_to_level_is_what_stockpyl_simulates(
    level: float, stockpyl: SimpleNamespace
) -> None:
    """At 250, all that is short after an interval would be more than a period's demand. It orders after each period's
    demand: 6 periods to the delivery are 5 of lead time and one of review."""
    network = stockpyl.network.single_stage_system(
        demand_type="N",
        mean=50,
        standard_deviation=15,
        shipment_lead_time=6,
        policy_type="BS",
        base_stock_level=level,
        local_holding_cost=1,
        stockout_cost=1,
    )
    stockpyl.sim.simulation(network, 1000, rand_seed=1, progress_bar=False)
    (simulated,) = network.nodes[0].state_vars[999].fill_rate.values()
    assert order_up_to_level(mean=50, sd=15, lead_time=5, level=level) == pytest.approx(simulated, abs=0.04)


def test_an_order_of_many_days_leaves_the_textbooks_fill_rate() -> None:
    cycle = OrderCycle.of(NORMAL, between=5, order_size=2000, lead_time_variance=0.0)
    assert cycle.fill_rate(NORMAL, 40) == pytest.approx(1 - NORMAL.expected_shortage(40) / 2000, rel=1e-12)


@given(low=st.floats(0, 300), high=st.floats(0, 300), size=st.floats(1, 400), between=st.floats(0.1, 60))
def test_a_fill_rate_lies_between_nothing_and_all_and_grows_with_the_level(
    low: float, high: float, size: float, between: float
) -> None:
    low, high = sorted((low, high))
    cycle = OrderCycle.of(FAST, between=between, order_size=max(size, between), lead_time_variance=200.0)
    less, more = cycle.fill_rate(FAST, low), cycle.fill_rate(FAST, high)
    assert less is not None
    assert more is not None
    assert 0 <= less <= more + 1e-12 <= 1 + 1e-12


def test_no_demand_and_no_order_has_no_fill_rate() -> None:
    assert OrderCycle(0.0).fill_rate(NORMAL, 40) is None


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
