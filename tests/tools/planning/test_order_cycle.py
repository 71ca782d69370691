"""The fill rate over an order cycle."""

import warnings
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.planning.demand_distribution import Component, IntervalDemand
from tools.planning.order_cycle import OrderCycle

NORMAL = IntervalDemand("normal", (Component(1.0, 50.0, 11.4**2),))
FAST = IntervalDemand("lognormal", (Component(1.0, 96.0, 30.0**2),))


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
