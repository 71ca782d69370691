"""The stock of the days to come."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest

from tools.planning.projection import Arrival, project
from tools.planning.working import Working, work_out
from tools.records.facts import AS_THINGS_ARE, OpenOrder, ProductFacts

Make = Callable[..., ProductFacts]
TEN_A_DAY = (10.0,) * 30


def steady(make_facts: Make, *orders: OpenOrder, lead: float = 5, **stock: Any) -> Working:
    """Ten a day without fail, five days of lead time, 45 on hand."""
    facts = make_facts(
        demand=TEN_A_DAY,
        history={"deterministic": True},
        supplier={"promised_lead_time_days": lead, "observed_lead_times_days": (lead,) * 3},
        stock={"on_hand": 45, "open_orders": orders} | stock,
    )
    return work_out(facts, AS_THINGS_ARE)


def order(due_in_days: float, quantity: float) -> OpenOrder:
    return OpenOrder(reference=f"PO{due_in_days:g}", quantity=quantity, due_in_days=due_in_days)


def test_stock_falls_by_the_mean_and_is_owed_below_zero(make_facts: Make) -> None:
    found = project(steady(make_facts))

    assert [point.stock for point in found.points][:7] == [45, 35, 25, 15, 5, -5, -15]
    assert found.out_in_days == 4.5
    assert found.arrivals == ()


def test_it_reaches_two_protection_intervals_ahead_and_a_week_at_least(make_facts: Make) -> None:
    assert [project(steady(make_facts, lead=lead)).points[-1].day for lead in (1, 5, 10)] == [7, 10, 20]


def test_a_long_time_ahead_is_told_in_few_points_that_are_equally_far_apart(make_facts: Make) -> None:
    days = [point.day for point in project(steady(make_facts, lead=365)).points]

    assert len(days) <= 122
    assert {after - before for before, after in pairwise(days)} == {7}
    assert days[-1] >= 730


@pytest.mark.parametrize(
    ("due", "comes", "units"),
    [(2.0, 2, 30.0), (1.2, 2, 30.0), (-1.0, 1, 15.0), (40.0, 40, 30.0)],
    ids=["on its day", "at the end of its day", "overdue: half of it, tomorrow", "beyond the picture"],
)
def test_an_order_arrives_when_it_is_due(make_facts: Make, due: float, comes: int, units: float) -> None:
    found = project(steady(make_facts, order(due, 30)))

    assert [(each.day, each.quantity) for each in found.arrivals] == [(comes, units)]
    by_day = {point.day: point.stock for point in found.points}
    assert by_day[5] == -5 + (units if comes <= 5 else 0)


def test_an_order_that_is_given_up_does_not_arrive(make_facts: Make) -> None:
    assert project(steady(make_facts, order(-30, 30))).arrivals == ()


def test_stock_runs_out_only_if_nothing_comes_before(make_facts: Make) -> None:
    saved, late = order(4, 30), order(6, 30)

    assert project(steady(make_facts, saved)).out_in_days == 7.5
    assert project(steady(make_facts, late)).out_in_days == 4.5
    assert project(steady(make_facts, saved, late)).out_in_days == 10.5


def test_an_order_that_is_thought_of_comes_beside_the_open_ones(make_facts: Make) -> None:
    working = steady(make_facts, order(7, 10))

    found = project(working, Arrival(5, 100))

    assert [(each.day, each.reference) for each in found.arrivals] == [(5, ""), (7, "PO7")]
    assert {point.day: point.stock for point in found.points}[7] == 45 - 70 + 110
    assert project(working).out_in_days == found.out_in_days == 4.5


def test_nothing_sold_never_runs_out_but_what_is_owed_is_out_now(make_facts: Make) -> None:
    silent = (0.0,) * 30

    kept = project(work_out(make_facts(demand=silent), AS_THINGS_ARE))
    owed = project(work_out(make_facts(demand=silent, stock={"on_hand": 0, "backorders": 3}), AS_THINGS_ARE))

    assert kept.out_in_days is None
    assert {point.stock for point in kept.points} == {150}
    assert owed.out_in_days == 0


def test_the_band_widens_with_the_days_and_holds_the_stock(make_facts: Make) -> None:
    first, *later = project(work_out(make_facts(), AS_THINGS_ARE)).points
    widths = [point.high - point.low for point in later]

    assert first.low == first.stock == first.high
    assert widths == sorted(widths)
    assert all(point.low < point.stock < point.high for point in later)


def test_the_band_agrees_with_the_safety_stock_at_the_end_of_the_interval(make_facts: Make) -> None:
    working = work_out(make_facts(service_level=0.9, stock={"on_hand": 1_000}), AS_THINGS_ARE)

    end = project(working).points[round(working.interval_days)]

    assert end.low == pytest.approx(1_000 - working.reorder_point)
