from collections import defaultdict

import numpy as np
import pytest

from benchmarks.lead_time_belief import LeadTimeBelief
from benchmarks.periodic import (
    Courses,
    Economics,
    LastPeriod,
    PeriodicPolicy,
    last_unit_that_pays,
    open_order_arrivals,
)
from tools.records.errors import InvalidDemand, InvalidInput, InvalidQuantity

STEADY = (98.0, 104.0, 95.0, 107.0, 101.0)
PAYS_FOUR = Economics(unit_profit=4, holding_cost=1)


def policy(past_demand: tuple[float, ...] = STEADY, promised_lead_time: int = 0) -> PeriodicPolicy:
    return PeriodicPolicy.from_samples(past_demand=past_demand, promised_lead_time=promised_lead_time)


def lost_sales(planner: PeriodicPolicy, *, demand: list[float], lead_times: list[int | None]) -> list[float]:
    """What is lost in each period of a game in which unmet demand is lost. None is an order that never arrives."""
    on_hand, last_period = 0.0, None
    due: dict[int, float] = defaultdict(float)
    lost = []
    for period, (units, lead_time) in enumerate(zip(demand, lead_times, strict=True)):
        quantity = planner.order(on_hand=on_hand, economics=PAYS_FOUR, last_period=last_period)
        if lead_time is not None:
            due[period + lead_time] += quantity
        arrived = due.pop(period, 0.0)
        on_hand += arrived
        lost.append(max(0.0, units - on_hand))
        on_hand = max(0.0, on_hand - units)
        last_period = LastPeriod(demand=units, ordered=quantity, arrived=arrived)
    return lost


def certain(demand: list[list[float]], *, arrival: int = 0, replacement: int = 1) -> Courses:
    rows = len(demand)
    return Courses(
        demand=np.array(demand, dtype=float),
        arrivals=np.zeros((rows, len(demand[0]))),
        arrival=np.full(rows, arrival),
        replacement=np.full(rows, replacement),
    )


def test_sales_are_no_longer_lost_once_a_longer_lead_time_than_promised_is_learned() -> None:
    demand = [float(units) for units in np.random.default_rng(4).normal(100, 8, 40).round()]

    lost = lost_sales(policy(promised_lead_time=0), demand=demand, lead_times=[3] * 40)

    assert sum(lost[20:]) < 0.06 * sum(demand[20:])


def test_stock_recovers_from_orders_that_never_came() -> None:
    demand = [100.0] * 40
    lead_times: list[int | None] = [2] * 15 + [None] * 3 + [2] * 22

    lost = lost_sales(policy(promised_lead_time=2), demand=demand, lead_times=lead_times)

    assert sum(lost[17:20]) > 200
    assert sum(lost[24:]) < 0.06 * sum(demand[24:])


def test_an_order_overdue_beyond_the_longest_lead_time_is_not_counted() -> None:
    lead_time = LeadTimeBelief(2)
    lead_time.place(500)
    for _ in range(lead_time.longest + 1):
        lead_time.receive(0)

    arrivals = open_order_arrivals(lead_time, periods=6, count=20, random=np.random.default_rng(0))

    assert arrivals.sum() == 0


def test_an_order_on_its_way_is_counted_once() -> None:
    lead_time = LeadTimeBelief(2)
    lead_time.place(500)
    lead_time.receive(0)

    arrivals = open_order_arrivals(lead_time, periods=20, count=200, random=np.random.default_rng(0))

    assert set(arrivals.sum(axis=1)) <= {0.0, 500.0}
    assert arrivals.sum() == pytest.approx(500 * 200 * (1 - lead_time.chance_lost(1)), rel=0.02)


def test_orders_follow_a_level_shift() -> None:
    planner = policy()

    orders = [
        planner.order(on_hand=0, economics=PAYS_FOUR, last_period=LastPeriod(demand, ordered=99, arrived=99))
        for demand in (96.0, 103.0, 94.0, 105.0, 202.0, 195.0, 208.0)
    ]

    assert 90 < orders[3] < 150
    assert 180 < orders[6] < 280


@pytest.mark.parametrize("promised_lead_time", [0, 2, 4])
def test_nothing_is_ordered_for_a_product_that_has_died(promised_lead_time: int) -> None:
    planner = policy(promised_lead_time=promised_lead_time)
    for _ in range(16):
        quantity = planner.order(on_hand=0, economics=PAYS_FOUR, last_period=LastPeriod(0, 0, 0))

    assert quantity == 0


@pytest.mark.parametrize("promised_lead_time", [0, 2, 4])
def test_a_higher_profit_against_holding_cost_never_orders_less(promised_lead_time: int) -> None:
    orders = [
        policy(promised_lead_time=promised_lead_time).order(
            on_hand=0, economics=Economics(unit_profit=profit, holding_cost=1), last_period=None
        )
        for profit in (0.5, 1, 2, 4, 9, 19, 99)
    ]

    assert orders == sorted(orders)
    assert orders[0] < orders[-1]


@pytest.mark.parametrize("promised_lead_time", [0, 2])
def test_more_stock_on_hand_never_orders_more(promised_lead_time: int) -> None:
    orders = [
        policy(promised_lead_time=promised_lead_time).order(on_hand=stock, economics=PAYS_FOUR, last_period=None)
        for stock in range(0, 900, 60)
    ]

    assert orders == sorted(orders, reverse=True)
    assert orders[-1] == 0


def test_the_unit_of_money_does_not_matter() -> None:
    cents = Economics(unit_profit=400, holding_cost=100)

    assert policy().order(on_hand=0, economics=cents, last_period=None) == policy().order(
        on_hand=0, economics=PAYS_FOUR, last_period=None
    )


def test_the_same_state_gives_the_same_order() -> None:
    orders = {policy(promised_lead_time=2).order(on_hand=20, economics=PAYS_FOUR, last_period=None) for _ in range(3)}

    assert len(orders) == 1


def test_a_product_that_earns_nothing_is_not_ordered() -> None:
    assert policy().order(on_hand=0, economics=Economics(unit_profit=0, holding_cost=1), last_period=None) == 0


def test_free_holding_orders_a_finite_quantity() -> None:
    quantity = policy().order(on_hand=0, economics=Economics(unit_profit=1, holding_cost=0), last_period=None)

    assert 0 < quantity < 100_000


def test_where_the_next_period_takes_every_leftover_the_order_is_the_newsvendors() -> None:
    demand = [[float(units), 1000.0] for units in range(1, 101)]

    quantity = last_unit_that_pays(on_hand=0, economics=PAYS_FOUR, courses=certain(demand))

    assert quantity == 80


def test_a_leftover_that_nobody_will_take_is_charged_for_its_whole_stay() -> None:
    dying = [[float(units), 0.0, 0.0, 0.0] for units in range(1, 101)]

    quantity = last_unit_that_pays(on_hand=0, economics=PAYS_FOUR, courses=certain(dying))

    assert quantity == 50


def test_stock_and_open_orders_come_before_a_new_order() -> None:
    courses = certain([[100.0, 1000.0]] * 10)
    courses.arrivals[:, 0] = 30

    assert last_unit_that_pays(on_hand=25, economics=PAYS_FOUR, courses=courses) == 45


def test_sales_lost_before_an_order_can_arrive_are_not_ordered_for() -> None:
    courses = certain([[70.0, 40.0, 1000.0]] * 10, arrival=1, replacement=2)

    assert last_unit_that_pays(on_hand=0, economics=PAYS_FOUR, courses=courses) == 40


def test_an_order_covers_demand_until_a_replacement_can_arrive() -> None:
    courses = certain([[40.0, 30.0, 20.0, 1000.0]] * 10, replacement=3)

    assert last_unit_that_pays(on_hand=0, economics=Economics(19, 1), courses=courses) == 90


def test_a_unit_once_sold_is_not_charged_when_an_open_order_comes_in_later() -> None:
    courses = certain([[50.0, 0.0, 0.0]] * 10)
    courses.arrivals[:, 1] = 100

    assert last_unit_that_pays(on_hand=0, economics=Economics(1, 1), courses=courses) == 50


def test_nothing_is_ordered_where_no_order_would_arrive() -> None:
    courses = certain([[40.0, 30.0]] * 10, arrival=2, replacement=2)

    assert last_unit_that_pays(on_hand=0, economics=PAYS_FOUR, courses=courses) == 0


@pytest.mark.parametrize("demand", [-1.0, float("nan"), float("inf")])
def test_impossible_demand_is_refused(demand: float) -> None:
    with pytest.raises(InvalidDemand, match="finite units"):
        policy((10.0, demand))
    with pytest.raises(InvalidDemand, match="finite units"):
        policy().order(on_hand=0, economics=PAYS_FOUR, last_period=LastPeriod(demand, 0, 0))


def test_a_product_without_any_past_demand_is_refused() -> None:
    with pytest.raises(InvalidDemand, match="at least one"):
        policy(())


def test_impossible_stock_is_refused() -> None:
    with pytest.raises(InvalidQuantity, match="on hand"):
        policy().order(on_hand=-1, economics=PAYS_FOUR, last_period=None)


def test_a_negative_lead_time_is_refused() -> None:
    with pytest.raises(InvalidInput, match="lead time"):
        policy(promised_lead_time=-1)
