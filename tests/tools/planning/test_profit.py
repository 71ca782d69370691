"""A profit target: the order whose last unit pays, where demand that stock cannot serve is lost."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from tools.planning.confidence import assess, why_unsure
from tools.planning.gate import is_triggered
from tools.planning.replenishment import plan, require_plannable
from tools.records.errors import InvalidInput
from tools.records.facts import OpenOrder, ProductFacts, WhatIf
from tools.records.plan import Plan

Make = Callable[..., ProductFacts]

STEADY = (98.0, 104.0, 95.0, 107.0, 101.0, 99.0, 103.0, 96.0, 102.0)
WEEKLY_HOLDING = Decimal(365) / 7
"""A year's, where a week's is 1."""


@pytest.fixture
def profit(make_facts: Make) -> Callable[..., Plan]:
    """The plan of a product that is looked at every week: profit 4, holding 1 a unit and week, nothing in stock,
    and a supplier that keeps its promise."""

    def planned(demand: tuple[float, ...] = STEADY, **changes: Any) -> Plan:
        return plan(facts_of(make_facts, demand, **changes))

    return planned


def facts_of(make_facts: Make, demand: tuple[float, ...] = STEADY, **changes: Any) -> ProductFacts:
    weeks, on_hand, orders = (
        changes.pop(name, usual) for name, usual in (("weeks", 0), ("on_hand", 0), ("orders", ()))
    )
    product = {
        "service_type": "profit",
        "unit_profit": Decimal(changes.pop("earns", 4)),
        "holding_cost": round(changes.pop("holding", 1) * WEEKLY_HOLDING, 6),
        "review_period_days": 7,
    }
    return make_facts(
        demand=demand,
        history={"period_days": 7} | changes.pop("history", {}),
        stock={"on_hand": on_hand, "open_orders": orders} | changes.pop("stock", {}),
        supplier={"promised_lead_time_days": 7 * weeks, "observed_lead_times_days": (7.0 * weeks,) * 12}
        | changes.pop("supplier", {}),
        **product | changes,
    )


def on_the_way(weeks_ago: int, *, promised: int, quantity: float = 100) -> OpenOrder:
    return OpenOrder(
        reference=f"PO-{weeks_ago}",
        quantity=quantity,
        due_in_days=7 * (promised - weeks_ago),
        placed_days_ago=7 * weeks_ago,
    )


def test_an_order_that_comes_at_once_covers_the_coming_week(profit: Callable[..., Plan]) -> None:
    assert 100 < profit().order_quantity < 135
    assert profit().method == "profit"


@pytest.mark.parametrize("weeks", [0, 2, 4])
def test_a_higher_profit_against_holding_never_orders_less(profit: Callable[..., Plan], weeks: int) -> None:
    orders = [profit(weeks=weeks, earns=earns).order_quantity for earns in (1, 2, 4, 9, 19, 99)]

    assert orders == sorted(orders)
    assert orders[0] < orders[-1]


@pytest.mark.parametrize("weeks", [0, 2])
def test_more_stock_never_orders_more(profit: Callable[..., Plan], weeks: int) -> None:
    orders = [profit(weeks=weeks, on_hand=on_hand).order_quantity for on_hand in range(0, 900, 90)]

    assert orders == sorted(orders, reverse=True)
    assert orders[-1] == 0


def test_the_same_facts_give_the_same_plan(profit: Callable[..., Plan]) -> None:
    assert profit(weeks=2) == profit(weeks=2)


def test_the_unit_of_money_does_not_matter(profit: Callable[..., Plan]) -> None:
    assert profit(earns=400, holding=100).order_quantity == profit().order_quantity


def test_holding_is_stated_or_follows_from_rate_and_price(profit: Callable[..., Plan]) -> None:
    by_rate = profit(holding_cost=None, holding_rate=52.142857, unit_price=Decimal(1))

    assert by_rate.order_quantity == profit().order_quantity


@pytest.mark.parametrize("unit", [0.001, 0.5])
def test_kilograms_are_ordered_like_pieces(profit: Callable[..., Plan], unit: float) -> None:
    smaller = tuple(units * unit for units in STEADY)

    found = profit(smaller, unit_size=unit, earns=4, holding=1)

    assert found.order_quantity == pytest.approx(profit().order_quantity * unit)


def test_an_order_on_the_way_counts_for_the_units_that_are_expected_of_it(profit: Callable[..., Plan]) -> None:
    fresh, late = on_the_way(1, promised=2), on_the_way(5, promised=2)

    young, old = (profit(weeks=2, orders=(order,)) for order in (fresh, late))

    assert 95 < young.on_order < 100
    assert 5 < old.on_order < 60
    assert young.inventory_position == young.on_order


def test_an_order_that_has_stayed_away_for_too_long_counts_for_nothing_and_is_named(
    profit: Callable[..., Plan],
) -> None:
    found = profit(weeks=2, orders=(on_the_way(20, promised=2),))

    assert found.on_order == 0
    assert any("20 is" in each.message or "overdue; 0 are expected" in each.message for each in found.notices)


def test_receipts_teach_a_longer_lead_time_than_was_promised(profit: Callable[..., Plan]) -> None:
    told = profit(weeks=1, supplier={"observed_lead_times_days": (21.0,) * 12})

    assert told.mean_demand > 1.4 * profit(weeks=1).mean_demand


def test_nothing_is_ordered_of_a_product_that_has_died(profit: Callable[..., Plan]) -> None:
    found = profit((*STEADY, *(0.0,) * 16), weeks=2)

    assert found.order_quantity == 0
    assert not is_triggered(found)


def test_rare_sales_are_drawn_from_the_past(profit: Callable[..., Plan]) -> None:
    random = np.random.default_rng(4)
    rare = tuple(((random.random(60) < 0.2) * random.integers(1, 9, 60)).astype(float).tolist())

    found = profit(rare, earns=99)

    assert any("in any order" in line for line in found.derivation)
    assert 0 < found.order_quantity <= 9


def test_demand_that_is_stated_not_to_vary_is_ordered_as_it_is(profit: Callable[..., Plan]) -> None:
    assert profit((50.0,) * 9, history={"deterministic": True}).order_quantity == 50


def test_a_planned_promotion_raises_the_order(profit: Callable[..., Plan]) -> None:
    promoted = profit(history={"planned_uplift": 2.0}).order_quantity

    assert 1.7 < promoted / profit().order_quantity < 2.3


def test_a_weekly_season_is_followed(profit: Callable[..., Plan]) -> None:
    profile = np.resize([10.0, 10, 10, 10, 10, 60, 60], 70)
    noise = np.random.default_rng(1).normal(1, 0.05, 70)
    days = tuple(np.round(profile * noise).tolist())

    before_monday, before_saturday = (
        profit(history, history={"period_days": 1}, review_period_days=1).order_quantity
        for history in (days, days[:-2])
    )

    assert before_saturday > 3 * before_monday


def test_the_last_unit_pays_in_the_derivations_own_figures(profit: Callable[..., Plan]) -> None:
    found = profit(weeks=2, on_hand=40, orders=(on_the_way(1, promised=2),))

    pays, does_not = (line for line in found.derivation if "pay" in line)
    assert pays.startswith(f"Unit {found.order_quantity} of an order")
    assert pays.endswith(": it pays")
    assert does_not.startswith(f"Unit {found.order_quantity + 1} of an order")
    for line, sign in ((pays, 1), (does_not, -1)):
        earned, held = (
            float(part.split("=")[1].split(",")[0].split(":")[0]) for part in line.split(": ")[1].split(", ")
        )
        assert sign * (earned - held) >= 0


def test_the_derivation_comes_out_as_printed(profit: Callable[..., Plan]) -> None:
    found = profit(weeks=2, on_hand=40, orders=(on_the_way(1, promised=2), on_the_way(4, promised=2)))

    products = [part for line in found.derivation for part in line.split(": ") if " × " in part and " = " in part]
    assert len(products) >= 4
    level = next(line for line in found.derivation if line.startswith("Order-up-to level"))
    before, rest = level.removeprefix("Order-up-to level: position ").split(" + ")
    units, after = rest.split(" = ")
    assert float(before) + float(units) == pytest.approx(float(after))
    assert float(after) == pytest.approx(found.order_up_to_level, abs=0.01)


def test_an_order_that_earns_most_though_it_may_run_out_says_so_to_the_person_who_is_asked(
    profit: Callable[..., Plan],
) -> None:
    careless = profit(earns=1)

    cause = why_unsure(careless, careless.order_quantity, assess(careless, careless.order_quantity))

    assert cause.startswith("The order that earns most lets stock run out in")


def test_the_position_and_the_order_make_the_level(profit: Callable[..., Plan]) -> None:
    found = profit(weeks=2, on_hand=40, orders=(on_the_way(1, promised=2),))

    assert found.inventory_position + found.order_quantity == pytest.approx(found.order_up_to_level)
    assert found.inventory_position == pytest.approx(40 + found.on_order)


def test_the_confidence_is_the_forecasts_own(profit: Callable[..., Plan]) -> None:
    """Tables are fitted on the levels of asked services."""
    found = profit(earns=19)

    stated = assess(found, found.order_quantity)

    assert not stated.calibrated
    assert stated.value == stated.raw > 0.8
    assert assess(found, 10 * found.order_quantity).value <= 0.1


def test_the_service_that_it_gives_is_stated(profit: Callable[..., Plan]) -> None:
    careful, careless = profit(earns=19), profit(earns=1)

    assert careful.service_level == careful.implied.cycle_service_level
    assert careful.service_level > 0.9 > 0.7 > careless.service_level


def test_an_assumed_service_level_replaces_the_profit_target(make_facts: Make) -> None:
    found = plan(facts_of(make_facts), what_if=WhatIf(service_level=0.95))

    assert found.method == "forecast_error"
    assert found.service_level == 0.95


def test_an_assumed_delay_orders_for_longer(make_facts: Make) -> None:
    facts = facts_of(make_facts, weeks=1, supplier={"observed_lead_times_days": (7.0,) * 12})

    late = plan(facts, what_if=WhatIf(days_late=14))

    assert late.mean_demand > 1.5 * plan(facts).mean_demand


@pytest.mark.parametrize("lacking", ["unit_profit", "holding_cost"])
def test_a_target_without_its_costs_is_refused(make_facts: Make, lacking: str) -> None:
    facts = facts_of(make_facts, **{lacking: None, "unit_price": None})

    for refused in (plan, require_plannable):
        with pytest.raises(InvalidInput, match="unit profit or a holding cost"):
            refused(facts)


def test_an_interval_of_too_many_periods_is_refused_with_the_way_out(make_facts: Make) -> None:
    facts = facts_of(make_facts, weeks=100, history={"period_days": 1})

    for refused in (plan, require_plannable):
        with pytest.raises(InvalidInput, match="Give demand by the week or month"):
            refused(facts)


def test_a_promotion_that_is_planned_sells_by_its_own_lift(profit: Callable[..., Plan]) -> None:
    random = np.random.default_rng(3)
    marked = frozenset(range(4, 60, 5))
    demand = tuple(random.poisson([200 if week in marked else 50 for week in range(60)]).astype(float).tolist())

    promoted, ordinary = (
        profit(demand, history={"promotion_periods": marked, "planned_promotion_periods": ahead}).order_quantity
        for ahead in (frozenset({0}), frozenset[int]())
    )

    assert 3 < promoted / ordinary < 5


def test_the_interval_is_told_in_days_where_demand_is_known_by_the_week(profit: Callable[..., Plan]) -> None:
    assert profit(weeks=2).protection_interval_days == pytest.approx(21, abs=0.5)
