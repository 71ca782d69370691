"""What the supplier's rules and the planner's caps make of a need."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.planning.order_quantity import (
    Cap,
    OrderRules,
    QuantityDecision,
    budget_cap,
    cover_cap,
    decide_quantity,
    eoq_all_units_discount,
    permitted_units,
    shelf_life_cap,
    unit_price_at,
    whole_units,
)
from tools.records.facts import PriceBreak


def decide(need: float, *, economic: float = 0, spare: float = 0, **rules: object) -> QuantityDecision:
    return decide_quantity(need=need, economic=economic, spare=spare, rules=OrderRules(**rules))  # type: ignore[arg-type]


def test_a_need_is_rounded_up_to_whole_units() -> None:
    assert decide(747.57).quantity == 748


def test_a_rounding_error_is_not_a_unit() -> None:
    assert (whole_units(3 * 0.1 * 10), permitted_units(0.3 / 0.1)) == (3, 3)


def test_a_triggered_order_is_never_for_nothing() -> None:
    """One view that recommends 0 while another orders is worse than either (met in an ERP system)."""
    assert decide(0).quantity == 1


def test_the_minimum_comes_before_the_multiple() -> None:
    """Rounding first and raising to the minimum after ends off the multiple; the other way round below the minimum."""
    assert decide(30, minimum_order_quantity=100, order_multiple=30).quantity == 120


def test_the_minimum_applies_once_to_the_order() -> None:
    """A minimum added to the need, or applied per row, orders too much."""
    assert decide(90, minimum_order_quantity=100).quantity == 100
    assert decide(140, minimum_order_quantity=100).quantity == 140


def test_the_economic_quantity_counts_where_it_is_more_than_the_need() -> None:
    assert decide(40, economic=312.4).quantity == 313
    assert decide(400, economic=312.4).quantity == 400


@pytest.mark.parametrize(("limit", "quantity"), [(90, 75), (75, 75), (100, 100), (1000, 100)])
def test_a_cap_takes_the_order_down_to_the_multiple_below_it(limit: int, quantity: int) -> None:
    decision = decide(97, order_multiple=25, caps=(Cap(limit, "a cap"),))
    assert (decision.quantity, decision.infeasible) == (quantity, None)


def test_the_tightest_cap_binds_and_is_named() -> None:
    decision = decide(500, caps=(Cap(300, "the budget"), Cap(200, "the shelf life"), Cap(400, "the cover")))
    assert decision.quantity == 200
    assert decision.cap is not None
    assert decision.cap.reason == "the shelf life"


@pytest.mark.parametrize(
    ("rules", "named"),
    [
        ({"minimum_order_quantity": 100}, ("minimum 100", "permits 60")),
        ({"order_multiple": 80}, ("multiple of 80", "permits 60")),
    ],
)
def test_a_cap_below_what_the_supplier_accepts_is_infeasible_and_says_why(
    rules: dict[str, int], named: tuple[str, str]
) -> None:
    decision = decide(200, caps=(Cap(60, "a maximum cover of 5 days"),), **rules)
    assert (decision.quantity, decision.minimum, decision.maximum) == (0, 0, 0)
    assert decision.infeasible is not None
    assert all(part in decision.infeasible for part in (*named, "a maximum cover of 5 days"))


def test_the_bounds_hold_the_plan_and_a_spare() -> None:
    decision = decide(748, economic=900, spare=840)
    assert (decision.minimum, decision.quantity, decision.maximum) == (748, 900, 1588)


def test_no_bound_goes_beyond_a_cap() -> None:
    decision = decide(748, spare=840, order_multiple=10, caps=(Cap(805, "the budget"),))
    assert (decision.minimum, decision.quantity, decision.maximum) == (750, 750, 800)


def test_maximum_cover_leaves_room_above_the_position_only() -> None:
    assert cover_cap(mean_per_day=12.5, maximum_cover_days=30, position=100).limit == 275
    assert cover_cap(mean_per_day=12.5, maximum_cover_days=3, position=100).limit == 0


def test_shelf_life_counts_what_is_left_when_the_order_arrives() -> None:
    fresh = shelf_life_cap(mean_per_day=10, shelf_life_days=20, lead_time_days=7, position=60)
    stocked = shelf_life_cap(mean_per_day=10, shelf_life_days=20, lead_time_days=7, position=150)
    assert (fresh.limit, stocked.limit) == (200, 120)


BREAKS = (
    PriceBreak(minimum_quantity=100, unit_price=Decimal("9.00")),
    PriceBreak(minimum_quantity=500, unit_price=Decimal("7.50")),
)


@pytest.mark.parametrize(
    ("budget", "affordable"), [("899.99", 89), ("900", 100), ("3700", 411), ("3750", 500), ("9.99", 0)]
)
def test_a_budget_buys_the_most_at_the_tier_it_reaches(budget: str, affordable: int) -> None:
    cap = budget_cap(budget=Decimal(budget), unit_price=Decimal(10), price_breaks=BREAKS)
    assert cap is not None
    assert cap.limit == affordable


def test_money_is_counted_exactly() -> None:
    """In floats 0.1 × 3 is more than 0.3."""
    cap = budget_cap(budget=Decimal("0.30"), unit_price=Decimal("0.10"))
    assert cap is not None
    assert cap.limit == 3


def test_what_costs_nothing_is_not_capped_by_a_budget() -> None:
    assert budget_cap(budget=Decimal(5), unit_price=Decimal(0)) is None


@pytest.mark.parametrize(("quantity", "price"), [(1, "10"), (99, "10"), (100, "9.00"), (500, "7.50")])
def test_the_price_is_that_of_the_tier_reached(quantity: int, price: str) -> None:
    assert unit_price_at(quantity, unit_price=Decimal(10), price_breaks=BREAKS) == Decimal(price)


def test_an_all_units_discount_is_taken_where_its_total_is_lower() -> None:
    tiers = {"breakpoints": [0, 400, 800], "unit_costs": [0.75, 0.72, 0.68]}
    cheap = eoq_all_units_discount(order_cost=8, holding_rate=0.3, annual_demand=1300, **tiers)
    dear_to_hold = eoq_all_units_discount(order_cost=8, holding_rate=3.0, annual_demand=1300, **tiers)
    assert cheap.order_quantity == 800
    assert dear_to_hold.order_quantity < 400


@given(
    need=st.floats(0, 1e15),
    economic=st.floats(0, 1e12),
    spare=st.floats(0, 1e12),
    minimum=st.integers(0, 10**9),
    multiple=st.integers(1, 10**6),
    cap=st.none() | st.integers(0, 10**10),
)
def test_minimum_multiple_and_cap_always_hold(
    need: float, economic: float, spare: float, minimum: int, multiple: int, cap: int | None
) -> None:
    caps = () if cap is None else (Cap(cap, "a cap"),)
    rules = OrderRules(minimum_order_quantity=minimum, order_multiple=multiple, caps=caps)
    decision = decide_quantity(need=need, economic=economic, spare=spare, rules=rules)
    if decision.infeasible:
        assert decision.quantity == 0
        return
    for quantity in (decision.minimum, decision.quantity, decision.maximum):
        assert quantity >= max(1, minimum)
        assert quantity % multiple == 0
        assert cap is None or quantity <= cap
    assert decision.minimum <= decision.quantity <= decision.maximum
    assert decision.quantity >= whole_units(need) or decision.cap is not None
