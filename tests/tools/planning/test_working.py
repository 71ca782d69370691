"""What counts as stock: on hand, on order in time and believed, less what is owed."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.planning.working import (
    TOLERANCE_DAYS,
    InventoryPosition,
    Working,
    count_order,
    expected_position,
    inventory_position,
    work_out,
)
from tools.records.errors import InvalidInput
from tools.records.facts import AS_THINGS_ARE, OpenOrder, ProductFacts, Stock, WhatIf

Make = Callable[..., ProductFacts]


def order(due_in_days: float, quantity: float = 100) -> OpenOrder:
    return OpenOrder(reference=f"PO{due_in_days:g}", quantity=quantity, due_in_days=due_in_days)


def position(*orders: OpenOrder, on_hand: float = 50, backorders: float = 0) -> InventoryPosition:
    stock = Stock(location="HQ", on_hand=on_hand, backorders=backorders, open_orders=orders)
    return inventory_position(stock, horizon_days=8, slip_days=4, lead_time_days=7)


def test_an_order_on_its_way_is_netted() -> None:
    """Not netting what is on order orders it twice (met in two ERP systems)."""
    assert position(order(3)).units == 150


@pytest.mark.parametrize(
    ("due_in_days", "standing", "counted"),
    [
        (8, "counted", 100),
        (8.01, "later", 0),
        (-4, "counted", 100),
        (-4.01, "doubted", 50),
        (-11, "doubted", 50),
        (-11.01, "written_off", 0),
        (8 + TOLERANCE_DAYS, "counted", 100),
        (-4 - TOLERANCE_DAYS, "counted", 100),
        (-11 - TOLERANCE_DAYS, "doubted", 50),
    ],
)
def test_an_order_counts_by_when_it_is_due(due_in_days: float, standing: str, counted: float) -> None:
    entry = count_order(order(due_in_days), horizon_days=8, slip_days=4, lead_time_days=7)
    assert (entry.standing, entry.counted) == (standing, counted)


def test_what_is_owed_is_taken_off_and_may_leave_the_position_negative() -> None:
    assert position(on_hand=0, backorders=12).units == -12


def test_the_stated_position_believes_every_overdue_order() -> None:
    late = position(order(-6), order(-60), order(30))
    assert (late.units, late.stated_units) == (100, 250)


def test_of_orders_that_may_not_come_what_is_expected_counts_and_of_overdue_ones_all_is_stated() -> None:
    stock = Stock(location="HQ", on_hand=50, open_orders=(order(0.5), order(-3), order(-90)))
    expected = expected_position(stock, [0.8, 0.4, 0.0])

    assert [entry.standing for entry in expected.orders] == ["counted", "doubted", "written_off"]
    assert (expected.units, expected.stated_units) == (170, 330)


@given(
    on_hand=st.floats(0, 1e15),
    backorders=st.floats(0, 1e15),
    due=st.lists(st.tuples(st.floats(-100, 100), st.floats(0, 1e15)), max_size=6),
)
def test_the_position_is_on_hand_plus_on_order_less_backorders(
    on_hand: float, backorders: float, due: list[tuple[float, float]]
) -> None:
    counted = position(*(order(days, units) for days, units in due), on_hand=on_hand, backorders=backorders)
    assert counted.units == counted.on_hand + counted.on_order - counted.backorders
    assert 0 <= counted.on_order <= counted.stated_on_order <= sum(units for _, units in due) * (1 + 1e-12)


@pytest.mark.parametrize(
    ("due_in_days", "standing"), [(8 + 1e-10, "counted"), (-4 - 1e-10, "counted"), (-11 - 1e-10, "doubted")]
)
def test_a_float_s_error_moves_no_order_over_its_edge(due_in_days: float, standing: str) -> None:
    assert count_order(order(due_in_days), horizon_days=8, slip_days=4, lead_time_days=7).standing == standing


def test_every_order_is_kept_with_what_counts_of_it() -> None:
    counted = position(order(3), order(-6), order(-60), order(30), on_hand=5, backorders=2)
    assert [(entry.order.due_in_days, entry.counted) for entry in counted.orders] == [
        (3, 100),
        (-6, 50),
        (-60, 0),
        (30, 0),
    ]
    assert (counted.on_hand, counted.on_order, counted.backorders) == (5, 150, 2)
    assert (counted.stated_on_order, counted.units, counted.stated_units) == (300, 153, 303)


def worked(make_facts: Make, *, asked: float | None = None, what_if: WhatIf = AS_THINGS_ARE, **changes: Any) -> Working:
    return work_out(make_facts(**changes), what_if, asked)


STEADY = tuple(float(8 + (day * 7) % 5) for day in range(60))


def test_an_order_due_by_the_promise_or_by_the_observed_lead_time_counts(make_facts: Make) -> None:
    stock = {"on_hand": 0, "open_orders": (order(13), order(14.5))}
    sooner = {"promised_lead_time_days": 12, "observed_lead_times_days": (10.0,) * 12}
    later = {"promised_lead_time_days": 10, "observed_lead_times_days": (12.0,) * 12}
    for supplier in (sooner, later):
        result = worked(make_facts, demand=STEADY, supplier=supplier, stock=stock, review_period_days=1)
        assert [entry.standing for entry in result.position.orders] == ["counted", "later"]


def test_how_late_a_supplier_has_been_is_believed_again(make_facts: Make) -> None:
    supplier = {"promised_lead_time_days": 7, "observed_lead_times_days": (7.0, 10.0)}
    stock = {"on_hand": 0, "open_orders": (order(-3), order(-4), order(-10), order(-11))}
    result = worked(make_facts, supplier=supplier, stock=stock)
    assert [entry.standing for entry in result.position.orders] == ["counted", "doubted", "doubted", "written_off"]


@pytest.mark.parametrize(
    ("broken", "words"),
    [
        ({"stock": {"on_hand": 1.1e15}}, "stock on hand is 1.1e+15"),
        ({"stock": {"on_hand": 1, "backorders": 1.1e15}}, "backorders is 1.1e+15"),
        ({"stock": {"on_hand": 1, "open_orders": (order(3, 1.1e15),)}}, "open order PO3 is 1.1e+15"),
        ({"supplier": {"promised_lead_time_days": 36_501}}, "come to 36501 days; at most 36500"),
        ({"review_period_days": 36_494}, "come to 36501 days"),
        ({"supplier": {"lead_time_sd_days": 36_501}}, "come to 36501 days"),
        ({"supplier": {"observed_lead_times_days": (1.0,) * 9 + (36_501.0,)}}, "come to 36501 days"),
        ({"history": {"period_days": 1 / 1441}}, "shorter than a minute"),
    ],
)
def test_what_a_double_cannot_count_is_refused_by_name(make_facts: Make, broken: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        worked(make_facts, **broken)
    assert words in refusal.value.message


@pytest.mark.parametrize(
    "extreme",
    [
        {"stock": {"on_hand": 1e15, "backorders": 1e15}},
        {"supplier": {"promised_lead_time_days": 36_500}},
        {"history": {"period_days": 1 / 1440}, "supplier": {"promised_lead_time_days": 0.01}},
    ],
)
def test_the_largest_that_can_be_counted_is_planned(make_facts: Make, extreme: dict[str, Any]) -> None:
    assert worked(make_facts, **extreme).reorder_point >= 0


@pytest.mark.parametrize(
    ("period", "age", "stale"), [(1, 8, False), (1, 8.1, True), (14, 8.1, False), (14, 14, False), (14, 14.1, True)]
)
def test_data_are_stale_beyond_the_interval_or_a_period_where_that_is_longer(
    make_facts: Make, period: float, age: float, stale: bool
) -> None:
    result = worked(make_facts, history={"period_days": period}, data_age_days=age, review_period_days=1)
    assert result.data_is_stale is stale


def test_periods_of_which_nothing_is_known_make_the_data_older(make_facts: Make) -> None:
    history = {"period_days": 2, "stockout_periods": frozenset({5})}
    result = worked(make_facts, demand=(5.0, 6, 7, 5, 6, None, None, None), history=history, data_age_days=1)
    assert result.data_age_days == 1 + 2 * 2
    assert worked(make_facts, data_age_days=1).data_age_days == 1


@pytest.mark.parametrize(
    ("review", "period", "between"), [(0, 1, 1), (1, 1, 1), (3, 1, 3), (3, 7, 1), (14, 7, 2), (0.5, 1, 1)]
)
def test_between_two_orders_lies_a_review_and_a_period_at_least(
    make_facts: Make, review: float, period: float, between: float
) -> None:
    result = worked(make_facts, demand=STEADY, review_period_days=review, history={"period_days": period})
    assert result.cycle.order_size == pytest.approx(between * result.forecast.mean_per_period)
    assert result.cycle.surplus == pytest.approx(0)


@pytest.mark.parametrize(
    ("rules", "size"),
    [
        ({"minimum_order_quantity": 400}, 400),
        ({"order_multiple": 300}, 300),
        ({"order_cost": Decimal(90), "holding_rate": 0.2, "unit_price": Decimal(1)}, 1812.29),
    ],
)
def test_an_order_brings_the_largest_of_its_lots(make_facts: Make, rules: dict[str, Any], size: float) -> None:
    result = worked(make_facts, demand=STEADY, **rules)
    assert result.cycle.order_size == pytest.approx(size, rel=0.02)
    assert result.cycle.surplus == pytest.approx(size - result.forecast.mean_per_period, rel=0.02)


def test_economics_are_reckoned_with_a_year_of_demand_and_the_uplift(make_facts: Make) -> None:
    costs = {"order_cost": Decimal(90), "holding_rate": 0.2, "unit_price": Decimal(1)}
    weekly = worked(make_facts, history={"period_days": 7, "planned_uplift": 1.5}, **costs)
    assert weekly.mean_per_day == pytest.approx(120 * 1.5 / 7)
    assert weekly.economic_quantity == pytest.approx((2 * 90 * 120 * 1.5 / 7 * 365 / 0.2) ** 0.5)


@pytest.mark.parametrize(
    ("product", "permitted"),
    [
        ({}, 897.57 + 57.57 / 2),
        ({"minimum_order_quantity": 1000}, 150 + 1000),
        ({"minimum_order_quantity": 9000}, 897.57 + 2 * 840),
        ({"maximum_cover_days": 5}, 600),
        ({"maximum_cover_days": 0.001}, 1),
        ({"order_cost": Decimal(9_000), "holding_rate": 0.2, "unit_price": Decimal(1)}, 150 + 62_786),
    ],
)
def test_what_may_be_left_over_is_the_stated_cover_or_the_level_and_the_cover_above_it(
    make_facts: Make, product: dict[str, Any], permitted: float
) -> None:
    assert worked(make_facts, **product).permitted_leftover == pytest.approx(permitted, rel=1e-4)


def test_one_unit_more_than_the_service_needs_may_always_be_left_over(make_facts: Make) -> None:
    rare = (0.0,) * 40 + (1.0,) + (0.0,) * 40
    result = worked(make_facts, demand=rare, supplier={"promised_lead_time_days": 1})
    assert result.permitted_leftover == result.reorder_point + 1


def test_never_more_than_two_intervals_above_the_level_may_be_left_over(make_facts: Make) -> None:
    lumpy = ((0.0,) * 19 + (300.0,)) * 4
    result = worked(make_facts, demand=lumpy, service_level=0.999)
    assert result.safety_stock > 4 * result.mean_demand
    assert result.permitted_leftover == pytest.approx(result.reorder_point + 2 * result.mean_demand)


def test_an_asked_service_level_replaces_the_one_wanted(make_facts: Make) -> None:
    result = worked(make_facts, demand=STEADY, asked=0.99)
    assert (result.target.probability, result.target.wanted) == (0.99, 0.95)
    assert result.reorder_point > worked(make_facts, demand=STEADY).reorder_point


@pytest.mark.parametrize(("on_hand", "shortage", "needed"), [(897, 0.57, 1), (800, 97.57, 98), (0, 897.57, 898)])
def test_the_need_ends_above_the_reorder_point(make_facts: Make, on_hand: float, shortage: float, needed: int) -> None:
    result = worked(make_facts, stock={"on_hand": on_hand})
    assert (result.shortage, result.needed_units) == (pytest.approx(shortage, abs=0.01), needed)
    assert result.decision is not None
    assert result.decision.quantity == needed


def test_above_the_reorder_point_nothing_is_decided(make_facts: Make) -> None:
    result = worked(make_facts, stock={"on_hand": 898})
    assert (result.decision, result.shortage) == (None, 0)


@pytest.mark.parametrize(("backorders", "needed"), [(0, None), (4, 4), (0.5, 1)])
def test_without_demand_only_units_owed_are_ordered(make_facts: Make, backorders: float, needed: int | None) -> None:
    result = worked(make_facts, demand=(0.0,) * 30, stock={"on_hand": 0, "backorders": backorders})
    assert (result.decision and result.decision.quantity) == needed


def test_where_demand_is_rare_and_the_reorder_point_nothing_the_last_unit_is_ordered_anew(make_facts: Make) -> None:
    rare = (0.0,) * 20 + (1.0,) + (0.0,) * 20
    soon = {"promised_lead_time_days": 1}
    result = worked(make_facts, demand=rare, service_level=0.5, supplier=soon, stock={"on_hand": 0})
    assert (result.reorder_point, result.shortage) == (0, 0)
    assert result.decision is not None
    assert (result.needed_units, result.decision.quantity) == (1, 1)


@pytest.mark.parametrize(
    ("unit", "level", "digits"),
    [
        (0.0001, 0.0, 2),
        (0.0001, 0.003, 4),
        (0.0001, 3.0, 3),
        (0.0001, 40.0, 2),
        (0.0001, 4000.0, 2),
        (0.001, 0.2, 3),
        (0.01, 0.2, 2),
    ],
)
def test_small_quantities_of_a_fine_unit_have_more_decimals(
    make_facts: Make, unit: float, level: float, digits: int
) -> None:
    daily = tuple(round(level / 7 * each / unit) * unit for each in (0.8, 1.0, 1.2, 1.0, 0.9, 1.1))
    assert worked(make_facts, demand=daily, unit_size=unit).digits == digits


def test_the_bounds_leave_an_interval_s_demand_above_the_need(make_facts: Make) -> None:
    result = worked(make_facts, stock={"on_hand": 0})
    assert result.decision is not None
    assert (result.decision.minimum, result.decision.maximum) == (898, 898 + 840)


def test_a_what_if_changes_lead_time_service_and_demand(make_facts: Make) -> None:
    longer = worked(make_facts, what_if=WhatIf(lead_time_days=14))
    surer = worked(make_facts, what_if=WhatIf(service_level=0.99))
    more = worked(make_facts, history={"planned_uplift": 1.5}, what_if=WhatIf(demand_uplift=2))
    assert (longer.interval_days, longer.mean_demand) == (14, 1680)
    assert surer.target.wanted == 0.99
    assert more.mean_per_day == 360


def test_the_figures_belong_together(make_facts: Make) -> None:
    result = worked(make_facts, demand=STEADY, review_period_days=2)
    assert result.interval_days == 9
    assert result.mean_demand == pytest.approx(9 * result.mean_per_day)
    assert result.reorder_point == result.mean_demand + result.safety_stock
    assert result.rules.order_multiple == 1
    assert (result.economic_quantity, result.facts.product.id) == (0, "X1")
