"""The calculator: one product in, one plan out."""

import math
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tools.planning.demand_distribution import Component, IntervalDemand
from tools.planning.gate import is_triggered
from tools.planning.replenishment import plan, require_plannable
from tools.records.errors import InvalidDemand, InvalidInput
from tools.records.facts import OpenOrder, PriceBreak, ProductFacts, WhatIf
from tools.records.plan import Plan

Make = Callable[..., ProductFacts]

STEADY = tuple(np.random.default_rng(1).poisson(12, 200).astype(float))
LUMPY = tuple(
    (np.random.default_rng(2).random(200) < 0.15) * np.random.default_rng(3).integers(1, 40, 200).astype(float)
)


def codes(result: Plan) -> set[str]:
    return {notice.code for notice in result.notices}


def blocking(result: Plan) -> set[str]:
    return {notice.code for notice in result.notices if notice.blocks_automatic}


def order(due_in_days: float, quantity: float = 100) -> OpenOrder:
    return OpenOrder(reference=f"PO{due_in_days:g}", quantity=quantity, due_in_days=due_in_days)


def test_the_seven_day_example(make_facts: Make) -> None:
    result = plan(make_facts())
    assert result.method == "normal"
    assert result.safety_stock == pytest.approx(57.57, abs=0.01)
    assert result.reorder_point == pytest.approx(897.57, abs=0.01)
    assert result.shortage == pytest.approx(747.57, abs=0.01)
    assert (result.recommended_action, result.order_quantity) == ("purchase_order", 748)
    assert (result.unit_price, result.order_value) == (Decimal(500), Decimal(374_000))
    assert result.days_until_stockout == 1.25
    assert blocking(result) == set()


def test_the_textbook_is_shown_beside_every_method(make_facts: Make) -> None:
    result = plan(make_facts(demand=STEADY, review_period_days=1))
    mean, sd = float(np.mean(STEADY)), float(np.std(STEADY, ddof=1))
    assert result.method == "forecast_error"
    assert result.textbook is not None
    assert result.textbook.reorder_point == pytest.approx(mean * 8 + 1.6448536269514722 * sd * math.sqrt(8))
    assert result.textbook.backtest_coverage is not None
    assert result.backtest_coverage is not None


@pytest.mark.parametrize(
    ("review_period_days", "safety", "level"),
    [(0, 57.57, 897.57), (2, 65.28, 1145.28), (9, 87.04, 2007.04)],
)
def test_a_short_history_is_planned_by_the_textbook_over_lead_time_and_review_period(
    make_facts: Make, review_period_days: float, safety: float, level: float
) -> None:
    """Mean 120, deviation √175 = 13.2288, z = 1.64485: over 7, 9 and 16 days z·sd·√days and 120·days + that."""
    result = plan(make_facts(review_period_days=review_period_days))
    assert result.textbook is not None
    assert (result.safety_stock, result.reorder_point) == pytest.approx((safety, level), abs=0.005)
    assert (result.textbook.safety_stock, result.textbook.reorder_point) == pytest.approx((safety, level), abs=0.005)


def test_a_whole_reorder_point_keeps_the_identity_with_safety_stock(make_facts: Make) -> None:
    result = plan(make_facts(demand=STEADY, review_period_days=1))
    assert result.reorder_point == math.ceil(result.reorder_point)
    assert result.reorder_point == pytest.approx(result.mean_demand + result.safety_stock)


@pytest.mark.parametrize(("on_hand", "action"), [(897.0, "purchase_order"), (898.0, "none")])
def test_the_trigger_is_the_inventory_position(make_facts: Make, on_hand: float, action: str) -> None:
    assert plan(make_facts(stock={"on_hand": on_hand})).recommended_action == action


@pytest.mark.parametrize("on_hand", [5, 89, 0])
def test_an_order_ends_the_need_it_was_placed_for(make_facts: Make, on_hand: float) -> None:
    order = plan(make_facts(demand=STEADY, stock={"on_hand": on_hand}))

    after = plan(make_facts(demand=STEADY, stock={"on_hand": on_hand + order.order_quantity}))

    assert order.recommended_action == "purchase_order"
    assert (after.recommended_action, after.order_quantity) == ("none", 0)


def test_a_position_at_the_reorder_point_triggers_and_orders_at_least_one(make_facts: Make) -> None:
    """`<` where `≤` is meant, and an order for 0, have both been met in the field."""
    level = plan(make_facts(demand=STEADY)).reorder_point
    result = plan(make_facts(demand=STEADY, stock={"on_hand": level}))
    assert (result.recommended_action, result.order_quantity, result.shortage) == ("purchase_order", 1, 0)


def test_what_is_on_order_is_not_ordered_again(make_facts: Make) -> None:
    result = plan(make_facts(stock={"on_hand": 150, "open_orders": (order(5, 748),)}))
    assert (result.recommended_action, result.inventory_position, result.on_order) == ("none", 898, 748)
    assert "You have 150 and 748 on the way, so there is enough" in result.reason


def test_an_order_due_by_the_promise_counts_even_if_receipts_came_sooner(make_facts: Make) -> None:
    """Else an order placed today, due by the promise, would be placed again tomorrow."""
    supplier = {"promised_lead_time_days": 14, "observed_lead_times_days": (10.0,) * 12}
    result = plan(make_facts(demand=STEADY, supplier=supplier, stock={"on_hand": 0, "open_orders": (order(14, 900),)}))
    assert (result.lead_time_days, result.on_order) == (10, 900)


def test_an_order_far_in_the_future_does_not_serve_this_interval(make_facts: Make) -> None:
    result = plan(make_facts(stock={"on_hand": 150, "open_orders": (order(60, 5000),)}))
    assert (result.on_order, result.order_quantity) == (0, 748)
    assert any("PO60" in line for line in result.derivation)


def test_an_order_overdue_beyond_the_suppliers_slip_counts_half_and_is_named(make_facts: Make) -> None:
    supplier = {"observed_lead_times_days": (7.0, 9.0)}
    stock = {"on_hand": 150, "open_orders": (order(-2, 100), order(-3, 200), order(-30, 400))}
    result = plan(make_facts(supplier=supplier, stock=stock))
    assert result.on_order == 100 + 100
    named = [notice.message for notice in result.notices if notice.code == "overdue_order"]
    assert len(named) == 3
    assert any("PO-3" in line for line in result.derivation)
    assert any("PO-30" in line for line in result.derivation)


def test_an_order_that_an_overdue_one_would_spare_goes_to_a_person(make_facts: Make) -> None:
    result = plan(make_facts(stock={"on_hand": 150, "open_orders": (order(-3, 800),)}))
    assert result.recommended_action == "purchase_order"
    assert blocking(result) == {"overdue_order_decides"}


def test_backorders_are_owed_first(make_facts: Make) -> None:
    result = plan(make_facts(stock={"on_hand": 0, "backorders": 30}))
    assert (result.inventory_position, result.order_quantity) == (-30, 928)
    assert result.days_until_stockout == 0


def test_minimum_then_multiple(make_facts: Make) -> None:
    result = plan(make_facts(minimum_order_quantity=1000, order_multiple=300))
    assert (result.order_quantity, result.minimum_quantity) == (1200, 1200)


def test_the_economic_quantity_needs_all_its_costs(make_facts: Make) -> None:
    costs = {"order_cost": Decimal(90), "holding_rate": 0.2, "unit_price": Decimal(1)}
    assert plan(make_facts(**costs)).order_quantity == math.ceil(math.sqrt(2 * 90 * 120 * 365 / 0.2))
    assert plan(make_facts(order_cost=Decimal(90), unit_price=Decimal(1))).order_quantity == 748


def test_a_price_break_prices_every_unit_and_may_be_worth_reaching(make_facts: Make) -> None:
    breaks = (PriceBreak(minimum_quantity=1000, unit_price=Decimal(300)),)
    plain = plan(make_facts(price_breaks=breaks))
    assert (plain.order_quantity, plain.unit_price) == (748, Decimal(500))
    assert "price_break" in codes(plain)
    weighed = plan(make_facts(price_breaks=breaks, order_cost=Decimal(100), holding_rate=0.25))
    assert (weighed.order_quantity, weighed.unit_price, weighed.order_value) == (1000, Decimal(300), Decimal(300_000))


@pytest.mark.parametrize(
    ("caps", "quantity"),
    [
        ({"maximum_order_quantity": 500}, 500),
        ({"maximum_cover_days": 6}, 570),
        ({"shelf_life_days": 5}, 600),
        ({"budget": Decimal(200_000)}, 400),
    ],
)
def test_each_cap_makes_the_order_smaller_and_says_so(make_facts: Make, caps: dict[str, Any], quantity: int) -> None:
    result = plan(make_facts(**caps))
    assert (result.order_quantity, result.maximum_quantity) == (quantity, quantity)
    assert "capped" in codes(result)


def test_a_cap_against_the_minimum_is_infeasible_with_the_reason(make_facts: Make) -> None:
    result = plan(make_facts(minimum_order_quantity=1000, budget=Decimal(200_000)))
    assert (result.recommended_action, result.order_quantity, is_triggered(result)) == ("none", 0, True)
    assert result.infeasible is not None
    assert "minimum 1000" in result.infeasible
    assert "a budget of 200000" in result.infeasible
    assert "infeasible" in blocking(result)


def test_no_demand_has_a_reorder_point_of_nothing_and_says_why(make_facts: Make) -> None:
    result = plan(make_facts(demand=(0.0,) * 30, stock={"on_hand": 0}))
    assert (result.method, result.reorder_point, result.order_quantity) == ("no_demand", 0, 0)
    assert "Nothing sold in 30" in result.reason
    assert result.days_until_stockout is None


def test_units_owed_are_ordered_even_without_demand_but_by_a_person(make_facts: Make) -> None:
    result = plan(make_facts(demand=(0.0,) * 30, stock={"on_hand": 0, "backorders": 4}))
    assert result.order_quantity == 4
    assert "no_demand" in blocking(result)


def test_fewer_than_three_sales_never_order_by_themselves(make_facts: Make) -> None:
    result = plan(make_facts(demand=(0.0, 0, 9, 0, 0, 0, 7, 0, 0, 0, 0, 0), stock={"on_hand": 0}))
    assert result.order_quantity > 0
    assert "few_sales" in blocking(result)


@pytest.mark.parametrize(("age", "blocked"), [(7, False), (7.5, True)])
def test_data_older_than_the_protection_interval_never_orders_by_itself(
    make_facts: Make, age: float, blocked: bool
) -> None:
    assert ("stale_data" in blocking(plan(make_facts(data_age_days=age)))) is blocked


def test_a_low_history_is_noted_and_does_not_block(make_facts: Make) -> None:
    result = plan(make_facts())
    assert "low_history" in codes(result) - blocking(result)


def test_demand_that_has_stopped_is_noticed_and_seasoned_by_its_own_rhythm(make_facts: Make) -> None:
    assert "demand_stopped" in blocking(plan(make_facts(demand=STEADY[:60] + (0.0,) * 5)))
    assert "demand_stopped" not in codes(plan(make_facts(demand=LUMPY + (0.0,) * 5)))


def test_masked_periods_leave_the_plan_as_if_they_had_not_been(make_facts: Make) -> None:
    gaps = (*STEADY[:50], None, None, *STEADY[50:])
    masked, plain = plan(make_facts(demand=gaps)), plan(make_facts(demand=STEADY))
    assert masked.reorder_point == plain.reorder_point
    assert (masked.masked_periods, masked.periods) == (2, 202)
    assert "masked_periods" in codes(masked)


def test_sales_of_stocked_out_days_do_not_lower_the_plan(make_facts: Make) -> None:
    values = STEADY[:100] + (0.0,) * 10 + STEADY[100:]
    out = frozenset(range(100, 110))
    masked = plan(make_facts(demand=values, history={"stockout_periods": out}))
    assert masked.reorder_point == plan(make_facts(demand=STEADY)).reorder_point
    assert masked.mean_per_day > plan(make_facts(demand=values)).mean_per_day


def test_a_planned_promotion_raises_mean_and_spread_and_may_be_ordered_on(make_facts: Make) -> None:
    promoted = plan(make_facts(history={"planned_uplift": 1.5}))
    plain = plan(make_facts())
    assert promoted.mean_demand == pytest.approx(1.5 * plain.mean_demand)
    assert promoted.safety_stock == pytest.approx(1.5 * plain.safety_stock)
    assert promoted.order_quantity > plain.order_quantity
    assert not any(notice.blocks_automatic for notice in promoted.notices)
    assert "Expected change: 120 × 1.5 = 180 a day" in promoted.derivation


def test_an_outlier_is_kept_and_noted(make_facts: Make) -> None:
    result = plan(make_facts(demand=(*STEADY[:-30], 400.0, *STEADY[-29:])))
    assert "outliers" in codes(result)
    assert result.reorder_point > plan(make_facts(demand=STEADY)).reorder_point


def test_too_few_known_periods_are_refused(make_facts: Make) -> None:
    with pytest.raises(InvalidDemand, match="Only 2 of 5"):
        plan(make_facts(demand=(1.0, None, None, 3.0, None)))


@pytest.mark.parametrize(
    "broken",
    [
        {"stock": {"on_hand": 1e300}},
        {"stock": {"on_hand": 1, "backorders": 1e16}},
        {"stock": {"on_hand": 1, "open_orders": (order(3, 1e200),)}},
        {"supplier": {"promised_lead_time_days": 1e9}},
        {"supplier": {"lead_time_sd_days": 1e300}},
        {"history": {"period_days": 1e-9}},
        {"service_type": "cost"},
    ],
)
def test_facts_that_cannot_be_planned_with_are_refused(make_facts: Make, broken: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        plan(make_facts(**broken))


@pytest.mark.parametrize("demand", [STEADY, LUMPY, STEADY[:6]])
def test_no_lead_time_and_no_review_is_legal(make_facts: Make, demand: tuple[float, ...]) -> None:
    empty = {"on_hand": 0}
    result = plan(make_facts(demand=demand, supplier={"promised_lead_time_days": 0}, stock=empty))
    assert (result.reorder_point, result.protection_interval_days, result.order_quantity) == (0, 0, 1)


def test_a_fractional_lead_time_lies_between_the_whole_ones(make_facts: Make) -> None:
    levels = [
        plan(make_facts(demand=STEADY, supplier={"promised_lead_time_days": days})).mean_demand for days in (3, 3.4, 4)
    ]
    assert levels[0] < levels[1] < levels[2]


def test_weekly_demand_and_days_of_lead_time_are_one_unit(make_facts: Make) -> None:
    result = plan(make_facts(demand=STEADY[:60], history={"period_days": 7}, supplier={"promised_lead_time_days": 14}))
    assert result.mean_demand == pytest.approx(14 * result.mean_per_day)
    assert result.mean_per_day == pytest.approx(12 / 7, rel=0.15)


def test_a_what_if_changes_the_plan_and_never_places_it(make_facts: Make) -> None:
    facts = make_facts(demand=STEADY)
    as_is, longer = plan(facts), plan(facts, what_if=WhatIf(lead_time_days=21))
    assert longer.lead_time_days == 21
    assert longer.reorder_point > as_is.reorder_point
    assert "what_if" in blocking(longer)
    assert plan(facts, what_if=WhatIf(service_level=0.99)).reorder_point > as_is.reorder_point
    raised = plan(facts, what_if=WhatIf(demand_uplift=1.2))
    assert raised.mean_demand == pytest.approx(1.2 * as_is.mean_demand)


def test_nothing_assumed_is_the_plan_itself(make_facts: Make) -> None:
    assert plan(make_facts(demand=LUMPY), what_if=WhatIf()) == plan(make_facts(demand=LUMPY))


def test_an_assumption_is_gone_with_the_question(make_facts: Make) -> None:
    """An override that stays for ever has been met in an ERP system."""
    facts = make_facts(demand=STEADY)
    before = plan(facts)
    plan(facts, what_if=WhatIf(service_level=0.5, lead_time_days=90, demand_uplift=9))
    assert plan(facts) == before


@pytest.mark.parametrize("on_hand", [0, 80, 5000])
def test_every_view_of_a_plan_shows_the_same_quantity(make_facts: Make, on_hand: float) -> None:
    """One view with 0 and another with 2 has been met in an ERP system."""
    result = plan(make_facts(demand=STEADY, stock={"on_hand": on_hand}, order_multiple=7))
    if result.recommended_action == "none":
        assert result.order_quantity == 0
        assert "nothing to order" in result.derivation[-1]
    else:
        assert f"rder {result.order_quantity}" in result.reason
        assert result.derivation[-1].endswith(f": {result.order_quantity}")
    assert result.order_value == 500 * result.order_quantity


def test_the_three_kinds_of_service_imply_each_other(make_facts: Make) -> None:
    costs = {"stockout_cost": Decimal(9), "holding_rate": 0.3, "unit_price": Decimal(20)}
    facts = {"demand": STEADY, "minimum_order_quantity": 150}
    by_cycle = plan(make_facts(**facts))
    by_fill = plan(make_facts(**facts, service_type="fill_rate"))
    by_cost = plan(make_facts(**facts, service_type="cost", **costs))
    assert by_cycle.implied.cycle_service_level is not None
    assert by_cycle.implied.cycle_service_level >= 0.95
    assert by_fill.implied.fill_rate is not None
    assert by_fill.implied.fill_rate >= 0.95
    assert by_fill.reorder_point < by_cycle.reorder_point
    holding = 20 * 0.3 * 7 / 365
    assert by_cost.service_level == pytest.approx(9 / (9 + holding))
    assert by_cost.implied.critical_ratio == by_cost.implied.cycle_service_level


@pytest.mark.parametrize("demand", [STEADY, LUMPY])
def test_without_a_lot_size_the_fill_rate_is_that_of_ordering_what_was_sold(
    make_facts: Make, demand: tuple[float, ...]
) -> None:
    """What is short at the end of a whole interval is not a shortage of its last day alone."""
    result = plan(make_facts(demand=demand, review_period_days=1, service_level=0.6))
    mean, sd = result.mean_demand, result.demand_sd
    none = result.predictive.components[0].no_demand
    interval = IntervalDemand("lognormal", (Component(1.0, mean, sd**2, none),))
    before = IntervalDemand("lognormal", (Component(1.0, mean * 7 / 8, sd**2 * 7 / 8, none ** (7 / 8)),))
    level = result.reorder_point
    short, waiting = interval.expected_shortage(level), before.expected_shortage(level)
    assert result.implied.fill_rate == pytest.approx(1 - (short - min(waiting, short * 7 / 8)) / (mean / 8))
    assert 1 - short / (mean / 8) < result.implied.fill_rate - 0.03


def test_the_level_for_a_fill_rate_is_the_smallest_that_implies_it(make_facts: Make) -> None:
    result = plan(make_facts(demand=LUMPY, review_period_days=1, service_type="fill_rate", service_level=0.9))
    assert result.implied.fill_rate is not None
    assert 0.9 <= result.implied.fill_rate < 0.93


def test_late_receipts_are_planned_with_and_noted(make_facts: Make) -> None:
    late = {"observed_lead_times_days": (7.0,) * 8 + (21.0,) * 4}
    result, promised = plan(make_facts(demand=STEADY, supplier=late)), plan(make_facts(demand=STEADY))
    assert result.lead_time_days == pytest.approx(140 / 12)
    assert result.reorder_point > promised.reorder_point * 1.5
    assert "lead_time_longer" in codes(result)


def sibling(make_facts: Make, on_hand: float, location: str = "DEPOT", **fields: Any) -> ProductFacts:
    stock = {"on_hand": on_hand, "location": location} | fields.pop("stock", {})
    return make_facts(stock=stock, **fields)


def test_a_location_with_enough_to_spare_gives_before_the_supplier_does(make_facts: Make) -> None:
    result = plan(
        make_facts(minimum_order_quantity=5000, order_multiple=100), siblings=(sibling(make_facts, 897.57 + 748 + 1),)
    )
    assert (result.recommended_action, result.order_quantity) == ("transfer", 748)
    assert result.transfer is not None
    assert result.transfer.source_location == "DEPOT"
    assert (result.minimum_quantity, result.maximum_quantity) == (748, 748)


@pytest.mark.parametrize(
    "stock",
    [
        {"on_hand": 897.57 + 748 - 1},
        {"on_hand": 897.57 + 748 + 100, "backorders": 200},
        {"on_hand": 1000, "open_orders": (order(2, 5000),)},
    ],
)
def test_a_location_that_would_fall_to_its_own_reorder_point_gives_nothing(
    make_facts: Make, stock: dict[str, Any]
) -> None:
    result = plan(make_facts(), siblings=(sibling(make_facts, 0, stock=stock),))
    assert (result.recommended_action, result.transfer) == ("purchase_order", None)


def test_the_location_with_most_to_spare_gives(make_facts: Make) -> None:
    others = (sibling(make_facts, 3000, "NEAR"), sibling(make_facts, 9000, "FULL"), sibling(make_facts, 10, "BARE"))
    result = plan(make_facts(), siblings=others)
    assert result.transfer is not None
    assert result.transfer.source_location == "FULL"


def test_a_location_whose_own_need_is_unknown_gives_nothing(make_facts: Make) -> None:
    unknown = sibling(make_facts, 9000, demand=(None, None, None, 4.0))
    stale = sibling(make_facts, 9000, data_age_days=90)
    assert plan(make_facts(), siblings=(unknown, stale)).recommended_action == "purchase_order"


def test_nothing_is_transferred_where_nothing_is_needed(make_facts: Make) -> None:
    result = plan(make_facts(stock={"on_hand": 5000}), siblings=(sibling(make_facts, 90_000),))
    assert (result.recommended_action, result.transfer) == ("none", None)


def test_a_location_gives_only_what_leaves_it_above_its_reorder_point(make_facts: Make) -> None:
    """At its reorder point it would have to order at once."""
    level = plan(make_facts()).reorder_point
    for on_hand, action in ((level + 748, "purchase_order"), (level + 748.01, "transfer")):
        assert plan(make_facts(), siblings=(sibling(make_facts, on_hand),)).recommended_action == action


def test_a_transfer_says_what_the_giver_has_and_needs(make_facts: Make) -> None:
    others = (sibling(make_facts, 5000, "A"), sibling(make_facts, 9000, "FULL"), sibling(make_facts, 6000, "B"))
    transfer = plan(make_facts(), siblings=others).transfer
    assert transfer is not None
    assert (transfer.source_location, transfer.quantity, transfer.source_on_hand) == ("FULL", 748, 9000)
    assert transfer.source_reorder_point == pytest.approx(897.57, abs=0.01)


def test_a_transfer_brings_what_is_needed_and_no_lot(make_facts: Make) -> None:
    lots = {"minimum_order_quantity": 5000, "budget": Decimal(1)}
    result = plan(make_facts(**lots), siblings=(sibling(make_facts, 9000),))
    assert (result.recommended_action, result.order_quantity, result.infeasible) == ("transfer", 748, None)


def test_the_textbook_counts_its_interval_in_periods(make_facts: Make) -> None:
    """Weekly demand, two weeks to deliver, a week's review: three periods, not 21."""
    supplier, history = {"promised_lead_time_days": 14}, {"period_days": 7, "planned_uplift": 2}
    result = plan(make_facts(supplier=supplier, history=history, review_period_days=7))
    textbook, sd = result.textbook, 2 * math.sqrt(175)
    assert textbook is not None
    assert (textbook.mean_per_period, textbook.demand_sd) == (240, pytest.approx(sd))
    assert textbook.z == pytest.approx(1.6448536)
    assert textbook.safety_stock == pytest.approx(1.6448536 * sd * math.sqrt(3))
    assert textbook.reorder_point == pytest.approx(3 * 240 + 1.6448536 * sd * math.sqrt(3))


def test_the_past_is_judged_at_the_level_that_a_fill_rate_comes_to(make_facts: Make) -> None:
    """A fill rate of 80 % in lots of 300 keeps few cycles in stock; held against 80 % of them, it would seem good."""
    fill = plan(make_facts(demand=STEADY, service_type="fill_rate", service_level=0.8, minimum_order_quantity=300))
    cycle = plan(make_facts(demand=STEADY, service_level=0.8))
    assert fill.implied.cycle_service_level is not None
    assert fill.implied.cycle_service_level < 0.3
    assert fill.backtest_coverage is not None
    assert cycle.backtest_coverage is not None
    assert fill.backtest_coverage < 0.5 < cycle.backtest_coverage


def test_the_past_is_judged_at_the_asked_service_for_both_methods(make_facts: Make) -> None:
    half, most = (plan(make_facts(demand=STEADY, review_period_days=1, service_level=share)) for share in (0.5, 0.99))
    for low, high in (
        (half.backtest_coverage, most.backtest_coverage),
        (half.textbook.backtest_coverage, most.textbook.backtest_coverage),
    ):
        assert 0.3 < low < 0.75 < 0.9 < high
    assert plan(make_facts()).backtest_coverage is None


@pytest.mark.parametrize(
    ("on_hand", "backorders", "days"),
    [(150, 0, 1.25), (150, 30, 1.0), (0, 30, 0.0), (120 * 36_500, 0, None), (120 * 36_499, 0, 36_499.0)],
)
def test_how_long_the_stock_lasts_within_a_century(
    make_facts: Make, on_hand: float, backorders: float, days: float | None
) -> None:
    result = plan(make_facts(stock={"on_hand": on_hand, "backorders": backorders}))
    assert result.days_until_stockout == days


def test_a_plan_states_what_it_was_made_of(make_facts: Make) -> None:
    stock = {"on_hand": 100, "backorders": 20, "open_orders": (order(3, 40),)}
    result = plan(make_facts(stock=stock, review_period_days=2, order_multiple=6, currency="EUR"))
    assert (result.product_id, result.location, result.currency) == ("X1", "HQ", "EUR")
    assert (result.lead_time_days, result.review_period_days, result.protection_interval_days) == (7, 2, 9)
    assert (result.on_hand, result.on_order, result.backorders, result.inventory_position) == (100, 40, 20, 120)
    assert (result.mean_per_day, result.mean_demand, result.demand_sd) == (120, 1080, pytest.approx(39.686, abs=1e-3))
    assert (result.periods, result.nonzero_periods, result.masked_periods) == (7, 7, 0)
    assert (result.service_type, result.service_level, result.order_multiple) == ("cycle", 0.95, 6)
    assert result.order_up_to_level == result.reorder_point == pytest.approx(1145.28, abs=0.01)
    assert result.shortage == pytest.approx(1025.28, abs=0.01)
    assert (result.order_quantity, result.minimum_quantity, result.maximum_quantity) == (1026, 1026, 2106)
    assert result.order_value == 1026 * 500
    assert result.permitted_leftover == pytest.approx(1145.28 + 65.28 / 2, abs=0.01)
    assert result.open_orders == stock["open_orders"]
    assert (result.transfer, result.infeasible) == (None, None)


def test_where_nothing_can_or_need_be_ordered_no_quantity_may_be(make_facts: Make) -> None:
    enough = plan(make_facts(stock={"on_hand": 5000}))
    impossible = plan(make_facts(minimum_order_quantity=1000, budget=Decimal(200_000)))
    for result in (enough, impossible):
        assert (result.order_quantity, result.minimum_quantity, result.maximum_quantity) == (0, 0, 0)
        assert result.order_value == 0
    assert (enough.infeasible, enough.shortage) == (None, 0)


def test_a_plan_s_tiers_begin_with_the_plain_price(make_facts: Make) -> None:
    breaks = (PriceBreak(minimum_quantity=700, unit_price=Decimal(300)),)
    priced, unpriced = plan(make_facts(price_breaks=breaks)), plan(make_facts(price_breaks=breaks, unit_price=None))
    assert [(tier.minimum_quantity, tier.unit_price) for tier in priced.price_tiers] == [(1, 500), (700, 300)]
    assert (priced.unit_price, priced.order_value) == (300, 748 * 300)
    assert unpriced.price_tiers == breaks
    assert plan(make_facts(unit_price=None)).order_value is None


def test_the_predictive_distribution_is_the_forecast_s_own(make_facts: Make) -> None:
    supplier = {"observed_lead_times_days": (7.0,) * 9 + (21.0,) * 3}
    predictive = plan(make_facts(demand=STEADY, supplier=supplier)).predictive
    assert predictive is not None
    assert (predictive.distribution, len(predictive.components)) == ("lognormal", 2)
    assert [part.weight for part in predictive.components] == [0.75, 0.25]
    short, long = predictive.components
    assert long.mean == pytest.approx(3 * short.mean)
    assert long.sd > math.sqrt(3) * short.sd


def test_what_cannot_be_planned_is_refused_without_a_plan_too(make_facts: Make) -> None:
    costs = {"service_type": "cost", "stockout_cost": Decimal(9), "holding_rate": 0.3}
    require_plannable(make_facts())
    require_plannable(make_facts(**costs))
    for broken in ({"service_type": "cost"}, {"stock": {"on_hand": 1e300}}, {"demand": (1.0, None, 2.0)}):
        with pytest.raises(InvalidInput):
            require_plannable(make_facts(**broken))


def test_the_holding_cost_of_a_cost_target_is_that_of_the_whole_interval(make_facts: Make) -> None:
    costs = {"service_type": "cost", "stockout_cost": Decimal(9), "holding_rate": 365.0, "unit_price": Decimal(1)}
    assert plan(make_facts(**costs, review_period_days=2)).service_level == pytest.approx(9 / (9 + 9))
    for days in (2, 20):
        require_plannable(make_facts(**costs, review_period_days=days))


def test_an_asked_service_level_is_planned_with_and_the_wanted_one_stated(make_facts: Make) -> None:
    asked = plan(make_facts(demand=STEADY), asked_service_level=0.99)
    assert asked.service_level == 0.95
    assert asked.reorder_point > plan(make_facts(demand=STEADY)).reorder_point
    assert asked.implied.critical_ratio == asked.implied.cycle_service_level >= 0.99


histories = st.lists(
    st.one_of(st.just(0.0), st.integers(0, 500).map(float), st.floats(0, 1e6)), min_size=3, max_size=45
).map(tuple)
quiet = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@given(
    demand=histories,
    low=st.floats(0.05, 0.999),
    high=st.floats(0.05, 0.999),
    lead=st.floats(0, 60),
    minimum=st.integers(0, 500),
    service=st.sampled_from(["cycle", "fill_rate"]),
)
@quiet
def test_more_service_never_means_less_stock(
    make_facts: Make, demand: tuple[float, ...], low: float, high: float, lead: float, minimum: int, service: str
) -> None:
    low, high = sorted((low, high))
    facts: dict[str, Any] = {"demand": demand, "supplier": {"promised_lead_time_days": lead}}
    facts |= {"minimum_order_quantity": minimum, "service_type": service}
    less, more = (plan(make_facts(**facts, service_level=level)) for level in (low, high))
    assert less.reorder_point <= more.reorder_point + 1e-9


@given(
    demand=st.lists(st.floats(1, 1000), min_size=3, max_size=40).map(tuple),
    factor=st.sampled_from([2.0, 10.0, 128.0]),
    lead=st.sampled_from([1.0, 7.0, 12.5]),
)
@quiet
def test_scaling_demand_scales_the_plan(
    make_facts: Make, demand: tuple[float, ...], factor: float, lead: float
) -> None:
    """Up to the rounding to whole units, and above the floor that chance sets, which shrinks in proportion."""
    demand = tuple(value * 1000 for value in demand)
    supplier = {"promised_lead_time_days": lead}
    small = plan(make_facts(demand=demand, supplier=supplier, stock={"on_hand": 0}))
    large = plan(make_facts(demand=tuple(value * factor for value in demand), supplier=supplier, stock={"on_hand": 0}))
    assert large.mean_demand == pytest.approx(factor * small.mean_demand, rel=1e-9)
    chance = 6 * math.sqrt(small.mean_demand * (1 + lead / len(demand)))
    assert abs(large.reorder_point - factor * small.reorder_point) <= factor * (1 + chance)


@given(
    demand=histories,
    on_hand=st.floats(0, 1e7),
    backorders=st.floats(0, 1e4),
    due=st.lists(st.tuples(st.floats(-90, 90), st.floats(0, 1e6)), max_size=4),
    minimum=st.integers(0, 10_000),
    multiple=st.integers(1, 500),
    cap=st.none() | st.integers(1, 20_000),
    lead=st.floats(0, 120),
    review=st.floats(0, 30),
    level=st.floats(0.01, 0.999),
    service=st.sampled_from(["cycle", "fill_rate"]),
    receipts=st.lists(st.floats(0, 90), max_size=14).map(tuple),
)
@quiet
def test_rules_identities_and_finiteness_hold_for_any_facts(
    make_facts: Make,
    demand: tuple[float, ...],
    on_hand: float,
    backorders: float,
    due: list[tuple[float, float]],
    minimum: int,
    multiple: int,
    cap: int | None,
    lead: float,
    review: float,
    level: float,
    service: str,
    receipts: tuple[float, ...],
) -> None:
    result = plan(
        make_facts(
            demand=demand,
            stock={
                "on_hand": on_hand,
                "backorders": backorders,
                "open_orders": tuple(order(days, units) for days, units in due),
            },
            supplier={"promised_lead_time_days": lead, "observed_lead_times_days": receipts},
            minimum_order_quantity=minimum,
            order_multiple=multiple,
            maximum_order_quantity=cap,
            review_period_days=review,
            service_level=level,
            service_type=service,
        )
    )
    assert result.inventory_position == result.on_hand + result.on_order - result.backorders
    assert result.shortage == max(0.0, result.reorder_point - result.inventory_position)
    assert_finite(result.model_dump())
    assert result.implied.fill_rate is None or 0 <= result.implied.fill_rate <= 1
    if result.recommended_action == "purchase_order":
        assert result.order_quantity >= max(1, minimum)
        assert result.order_quantity % multiple == 0
        assert cap is None or result.order_quantity <= cap
        assert result.minimum_quantity <= result.order_quantity <= result.maximum_quantity
    else:
        assert result.order_quantity == 0
    if not is_triggered(result) and result.reorder_point > 0:
        assert result.inventory_position > result.reorder_point


@pytest.mark.parametrize("size", [1e-300, 1e-9, 1e9, 1e15])
@pytest.mark.parametrize("periods", [3, 7, 8, 40])
def test_very_small_and_very_large_demand_gives_finite_numbers(make_facts: Make, size: float, periods: int) -> None:
    values = tuple(size * (1 + index % 3) / 3 for index in range(periods))
    assert_finite(plan(make_facts(demand=values, supplier={"promised_lead_time_days": 900})).model_dump())


def assert_finite(value: Any) -> None:
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list | tuple):
        for part in value:
            assert_finite(part)
    elif isinstance(value, float):
        assert math.isfinite(value)


def test_continuous_review_orders_at_the_reorder_point_and_ends_above_it(make_facts: Make) -> None:
    level = plan(make_facts(demand=STEADY)).reorder_point
    assert plan(make_facts(demand=STEADY, stock={"on_hand": level + 1})).order_quantity == 0
    assert plan(make_facts(demand=STEADY, stock={"on_hand": level})).order_quantity == 1
    assert plan(make_facts(demand=STEADY, stock={"on_hand": level - 5})).order_quantity == 6


def test_periodic_review_orders_up_to_the_level(make_facts: Make) -> None:
    level = plan(make_facts(demand=STEADY, review_period_days=1)).order_up_to_level

    def ordered(on_hand: float) -> Plan:
        return plan(make_facts(demand=STEADY, review_period_days=1, stock={"on_hand": on_hand}))

    assert (ordered(level).order_quantity, ordered(level).recommended_action) == (0, "none")
    assert f"{level:g} reaches the order-up-to level {level:g}: nothing to order" in ordered(level).derivation
    assert ordered(level - 1).order_quantity == 1
    assert f"{level - 1:g} is below the order-up-to level {level:g}: order" in ordered(level - 1).derivation
