"""The level for each kind of service asked for, the fill rate over an order cycle, the textbook's reorder point."""

import math
import warnings
from decimal import Decimal
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
    pooled_target,
    product_cost_target,
    reorder_point,
    safety_stock,
    service_target,
    stock_level,
)
from tools.records.errors import InvalidInput
from tools.records.facts import Product, WhatIf

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


@pytest.mark.parametrize("late", [{}, {"mean": 50.0}, {"lead_time_sd": 2.0}])
def test_late_deliveries_count_where_mean_demand_and_lead_time_spread_are_both_given(late: dict[str, float]) -> None:
    assert interval_sd(demand_sd=5, interval=4, **late) == 10
    stock = safety_stock(service_level=0.9, demand_sd=5, interval=4, **late)
    assert stock == pytest.approx(12.8155, abs=5e-5)


def test_no_lead_time_needs_no_safety_stock() -> None:
    assert safety_stock(service_level=0.95, demand_sd=20, interval=0) == 0


def test_what_is_waited_for_is_demand_less_its_last_part_and_the_lead_time_s_spread_stays() -> None:
    demand = IntervalDemand("normal", (Component(1.0, 80.0, 100.0),))
    cycle = OrderCycle.of(demand, between=20, order_size=50, lead_time_variance=36.0)
    assert (cycle.order_size, cycle.surplus) == (50, 30)
    assert cycle.waited is not None
    assert (cycle.waited.mean, cycle.waited.variance) == (60, 36 + (100 - 36) * 60 / 80)


def test_the_lead_time_s_spread_is_no_more_than_all_of_it() -> None:
    demand = IntervalDemand("normal", (Component(1.0, 80.0, 100.0),))
    cycle = OrderCycle.of(demand, between=20, order_size=50, lead_time_variance=400.0)
    assert cycle.waited is not None
    assert cycle.waited.variance == 100


def test_every_part_of_a_mixture_waits_for_its_own_and_none_for_less_than_nothing() -> None:
    demand = IntervalDemand("lognormal", (Component(0.25, 10.0, 9.0), Component(0.75, 80.0, 100.0)))
    cycle = OrderCycle.of(demand, between=20, order_size=20, lead_time_variance=0.0)
    assert cycle.waited is not None
    assert [(part.weight, part.mean, part.variance) for part in cycle.waited.components] == [
        (0.25, 0, 0),
        (0.75, 60, 75),
    ]


def test_where_nothing_was_demanded_before_the_cycle_nothing_waits() -> None:
    for demand in (NORMAL, IntervalDemand("degenerate", (Component(1.0, 0.0, 0.0),))):
        assert OrderCycle.of(demand, between=50, order_size=60, lead_time_variance=0.0).waited is None


def test_less_than_a_unit_may_wait_too() -> None:
    cycle = OrderCycle.of(NORMAL, between=49.5, order_size=60, lead_time_variance=0.0)
    assert cycle.waited is not None
    assert cycle.waited.mean == 0.5


def test_what_waits_is_counted_in_the_unit_of_the_demand() -> None:
    demand = IntervalDemand("lognormal", (Component(1.0, 0.8, 0.09),), 0.01)
    waited = OrderCycle.of(demand, between=0.2, order_size=0.5, lead_time_variance=0.01).waited
    assert waited is not None
    assert (waited.unit, waited.mean, waited.variance) == pytest.approx((0.01, 0.6, 0.01 + 0.08 * 0.75))


def test_what_was_short_before_the_cycle_is_not_counted_again() -> None:
    cycle = OrderCycle.of(NORMAL, between=10, order_size=15, lead_time_variance=0.0)
    waited = IntervalDemand("normal", (Component(1.0, 40.0, 11.4**2 * 40 / 50),))
    for level in (20.0, 45.0, 60.0):
        short, before = NORMAL.expected_shortage(level), waited.expected_shortage(level + 5)
        unserved = short - min(before, short * 40 / 50)
        assert cycle.unserved(NORMAL, level) == pytest.approx(unserved)
        assert cycle.fill_rate(NORMAL, level) == pytest.approx(max(0.0, 1 - unserved / 15))


def test_a_fill_rate_is_neither_below_nothing_nor_above_all() -> None:
    assert OrderCycle(1.0).fill_rate(NORMAL, 0) == 0
    assert OrderCycle(1.0).fill_rate(NORMAL, 1e6) == 1
    assert OrderCycle(-1.0).fill_rate(NORMAL, 40) is None


def test_a_level_for_a_fill_rate_leaves_what_may_stay_unserved() -> None:
    cycle = OrderCycle.of(NORMAL, between=10, order_size=15, lead_time_variance=0.0)
    target = Target(0.9, cycle)
    assert target.limit == pytest.approx(1.5)
    assert cycle.unserved(NORMAL, stock_level(NORMAL, target)) == pytest.approx(1.5)
    assert (Target(0.9).limit, Target(0.9).wanted, Target(0.9, pooled_for=0.8).wanted) == (None, 0.9, 0.8)


def product(**fields: object) -> Product:
    return Product(id="X1", name="X1", service_level=0.9, **fields)  # type: ignore[arg-type]


CYCLE = OrderCycle(40)
COSTS: dict[str, object] = {
    "service_type": "cost",
    "stockout_cost": Decimal(9),
    "holding_rate": 0.365,
    "unit_price": Decimal(100),
}


@pytest.mark.parametrize(
    ("fields", "assumed", "probability", "cycle"),
    [
        ({}, None, 0.9, None),
        ({}, 0.8, 0.8, None),
        ({"service_type": "fill_rate"}, None, 0.9, CYCLE),
        ({"service_type": "fill_rate"}, 0.8, 0.8, CYCLE),
        (COSTS, None, 9 / (9 + 1), None),
        (COSTS, 0.8, 0.8, None),
    ],
)
def test_a_product_asks_for_its_own_service_or_an_assumed_one(
    fields: dict[str, object], assumed: float | None, probability: float, cycle: OrderCycle | None
) -> None:
    """100 at a rate of 0.365 a year costs 0.1 a day, so 1 over ten days."""
    target = service_target(product(**fields), WhatIf(service_level=assumed), cycle=CYCLE, interval_days=10)
    assert target.probability == pytest.approx(probability)
    assert target.cycle is cycle


@pytest.mark.parametrize("missing", ["stockout_cost", "holding_rate", "unit_price"])
def test_a_cost_target_needs_all_its_costs(missing: str) -> None:
    known = {name: value for name, value in COSTS.items() if name != missing}
    with pytest.raises(InvalidInput, match="'X1' has a cost target but lacks"):
        product_cost_target(product(**known), 10)


def test_a_shortage_that_costs_nothing_is_no_cost_target_only_where_holding_is_free_too() -> None:
    assert cost_target(stockout_cost=0, holding_cost=0.001).probability == 0.001
    assert cost_target(stockout_cost=0.001, holding_cost=0).probability == 0.999


@pytest.mark.parametrize("asked", [0.001, 0.5, 0.999])
def test_a_pooled_target_asks_for_one_level_and_wants_another(asked: float) -> None:
    target = pooled_target(Target(0.9), asked)
    assert (target.probability, target.wanted, target.cycle) == (asked, 0.9, None)


@pytest.mark.parametrize(("target", "asked"), [(Target(0.9), 0), (Target(0.9), 0.9991), (Target(0.9, CYCLE), 0.95)])
def test_what_cannot_be_asked_for_is_refused(target: Target, asked: float) -> None:
    with pytest.raises(InvalidInput, match="An asked service level"):
        pooled_target(target, asked)


def test_the_variance_of_the_lead_time_counts_with_the_square_of_the_mean() -> None:
    assert interval_sd(demand_sd=3, interval=4, mean=2, lead_time_sd=4) == 10
    assert interval_sd(demand_sd=3, interval=4) == 6
    assert safety_stock(service_level=0.5, demand_sd=3, interval=4) == pytest.approx(0, abs=1e-12)
