"""What the supplier's rules and the planner's caps make of a need."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.planning.demand import LARGEST_QUANTITY
from tools.planning.order_quantity import (
    Cap,
    OrderRules,
    QuantityDecision,
    budget_cap,
    cover_cap,
    decide_quantity,
    economic_quantity,
    eoq_all_units_discount,
    order_multiple,
    order_rules,
    order_step,
    permitted_units,
    price_tiers,
    shelf_life_cap,
    unit_price_at,
    units_above,
    whole_units,
)
from tools.records.facts import DemandHistory, PriceBreak, Product, ProductFacts, Stock, Supplier


def decide(need: float, *, economic: float = 0, spare: float = 0, **rules: object) -> QuantityDecision:
    return decide_quantity(need=need, economic=economic, spare=spare, rules=OrderRules(**rules))  # type: ignore[arg-type]


def test_a_need_is_rounded_up_to_whole_units() -> None:
    assert decide(747.57).quantity == 748


def test_a_rounding_error_is_not_a_unit() -> None:
    assert (whole_units(3 * 0.1 * 10), permitted_units(0.3 / 0.1)) == (3, 3)


@pytest.mark.parametrize(
    ("need", "up", "above", "down"),
    [
        (747.57, 748, 748, 747),
        (748.0, 748, 749, 748),
        (748 - 1e-9, 748, 749, 748),
        (748 + 1e-9, 748, 749, 748),
        (748 + 1e-5, 749, 749, 748),
        (9e-10, 0, 1, 0),
        (2e-9, 1, 1, 0),
        (0, 0, 1, 0),
        (-3.2, 0, 1, 0),
        (1e12 + 0.25, 10**12, 10**12 + 1, 10**12),
        (1e12 + 0.75, 10**12 + 1, 10**12 + 2, 10**12 + 1),
    ],
)
def test_units_are_whole_and_a_billionth_is_the_float_s_error(need: float, up: int, above: int, down: int) -> None:
    assert (whole_units(need), units_above(need), permitted_units(need)) == (up, above, down)


def test_units_may_be_finer_than_one() -> None:
    assert (whole_units(2.1331, 0.001), units_above(2.133, 0.001), permitted_units(2.1339, 0.001)) == (
        2.134,
        2.134,
        2.133,
    )
    assert (whole_units(130, 12), units_above(120, 12), permitted_units(130, 12)) == (132, 132, 120)


@pytest.mark.parametrize(
    ("unit_size", "multiples", "step"),
    [
        (1, (None, None), (1, 1)),
        (1, (6, 144), (1, 144)),
        (1, (4, 6), (1, 12)),
        (2, (1, 6), (2, 3)),
        (0.001, (0.001, None), (0.001, 1)),
        (1, (1, 12.5), (0.1, 125)),
    ],
)
def test_an_order_is_a_multiple_of_all_that_is_stated_in_a_unit_that_fits_them(
    unit_size: float, multiples: tuple[float | None, ...], step: tuple[float, int]
) -> None:
    assert order_step(unit_size, *multiples) == step
    terms = {"unit_size": unit_size, "order_multiple": multiples[0] or unit_size}
    terms |= {} if multiples[1] is None else {"units_per_purchase_unit": multiples[1]}
    assert order_multiple(product(**terms)) == step[0] * step[1]


def test_the_rules_of_a_product_have_its_multiple_in_a_finer_unit_too() -> None:
    rules = rules_of(unit_size=0.25, order_multiple=1.5)

    assert (rules.order_multiple, rules.unit) == (1.5, 0.25)


def test_minimum_multiple_and_caps_are_kept_in_a_finer_unit() -> None:
    rules = {"minimum_order_quantity": 0.3, "order_multiple": 0.25, "unit": 0.05}
    assert (decide(0.1, **rules).quantity, decide(0.51, **rules).quantity) == (0.5, 0.75)
    assert decide(1.9, **rules, caps=(Cap(1.6, "a cap"),)).quantity == 1.5


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


def test_what_was_wanted_is_kept_beside_what_the_caps_left() -> None:
    capped = decide(97, economic=180.5, order_multiple=25, caps=(Cap(130, "the budget"),))
    free = decide(97, economic=180.5, order_multiple=25, caps=(Cap(200, "the budget"),))
    assert (capped.wanted, capped.quantity, capped.cap) == (200, 125, Cap(130, "the budget"))
    assert (free.wanted, free.quantity, free.cap) == (200, 200, None)


def test_the_smallest_order_may_be_all_that_a_cap_permits() -> None:
    rules = {"minimum_order_quantity": 40, "order_multiple": 25}
    assert decide(97, **rules, caps=(Cap(50, "a cap"),)).quantity == 50
    assert decide(97, **rules, caps=(Cap(49, "a cap"),)).infeasible is not None


def test_an_economic_quantity_widens_no_bound_but_the_upper_one() -> None:
    decision = decide(10.5, economic=90, spare=20)
    assert (decision.minimum, decision.quantity, decision.maximum) == (11, 90, 90)
    assert decide(10.5, economic=90, spare=99).maximum == 110


def product(**fields: object) -> Product:
    return Product(id="X1", name="X1", **fields)  # type: ignore[arg-type]


def rules_of(**fields: object) -> OrderRules:
    facts = ProductFacts(
        product=product(**fields),
        supplier=Supplier(id="S1", name="S1", promised_lead_time_days=7),
        stock=Stock(location="HQ", on_hand=90),
        demand=DemandHistory(values=(10.0,) * 5),
        source="input",
    )
    return order_rules(facts, mean_per_day=10, lead_time_days=7, position=90)


def test_a_product_s_rules_are_its_supplier_s_and_its_planner_s() -> None:
    caps = {"maximum_order_quantity": 500, "maximum_cover_days": 30, "shelf_life_days": 20, "budget": Decimal(100)}
    rules = rules_of(minimum_order_quantity=24, order_multiple=12, unit_price=Decimal(4), **caps)
    assert (rules.minimum_order_quantity, rules.order_multiple) == (24, 12)
    assert [(cap.limit, cap.reason) for cap in rules.caps] == [
        (500, "the supplier's maximum order"),
        (210, "a maximum cover of 30 days"),
        (180, "a shelf life of 20 days"),
        (25, "a budget of 100"),
    ]
    assert rules.cap == rules.caps[3]


@pytest.mark.parametrize(
    ("fields", "limits"),
    [
        ({}, []),
        ({"maximum_order_quantity": 500}, [500]),
        ({"maximum_cover_days": 30}, [210]),
        ({"shelf_life_days": 20}, [180]),
        ({"budget": Decimal(100)}, []),
        ({"unit_price": Decimal(4)}, []),
        ({"unit_price": Decimal(0), "budget": Decimal(100), "maximum_order_quantity": 9}, [9]),
        (
            {
                "unit_price": Decimal(4),
                "budget": Decimal(100),
                "price_breaks": (PriceBreak(minimum_quantity=40, unit_price=Decimal(2)),),
            },
            [50],
        ),
    ],
)
def test_only_what_is_stated_caps_an_order(fields: dict[str, object], limits: list[int]) -> None:
    rules = rules_of(**fields)
    assert [cap.limit for cap in rules.caps] == limits
    assert limits or rules.cap is None


COSTS: dict[str, object] = {"order_cost": Decimal(8), "holding_rate": 0.3, "unit_price": Decimal("0.75")}


def test_the_economic_quantity_of_the_textbook() -> None:
    """√(2·8·1300/0.225) = 304.05 (Snyder & Shen, 2019, example 3.1)."""
    assert economic_quantity(product(**COSTS), annual_demand=1300) == pytest.approx(304.0468, abs=1e-4)


def test_what_nobody_buys_has_no_economic_quantity_however_cheap_many_are() -> None:
    breaks = (PriceBreak(minimum_quantity=800, unit_price=Decimal("0.68")),)

    assert economic_quantity(product(**COSTS, price_breaks=breaks), annual_demand=0) == 0


def test_the_economic_quantity_takes_a_discount_that_pays() -> None:
    """At 800 a unit costs 0.68 and the whole is cheapest; at 2,000 the discount would not pay its holding."""
    breaks = (PriceBreak(minimum_quantity=800, unit_price=Decimal("0.68")),)
    far = (PriceBreak(minimum_quantity=20_000, unit_price=Decimal("0.74")),)
    assert economic_quantity(product(**COSTS, price_breaks=breaks), annual_demand=1300) == 800
    assert economic_quantity(product(**COSTS, price_breaks=far), annual_demand=1300) == pytest.approx(304.0468)


@pytest.mark.parametrize("missing", ["order_cost", "holding_rate", "unit_price"])
def test_without_one_of_its_costs_there_is_no_economic_quantity(missing: str) -> None:
    known = {name: value for name, value in COSTS.items() if name != missing}
    assert economic_quantity(product(**known), annual_demand=1300) == 0


@pytest.mark.parametrize(("annual_demand", "quantity"), [(0, 0), (-1, 0), (0.5, 5.9628), (1e40, LARGEST_QUANTITY)])
def test_an_economic_quantity_needs_demand_and_stays_countable(annual_demand: float, quantity: float) -> None:
    assert economic_quantity(product(**COSTS), annual_demand=annual_demand) == pytest.approx(quantity, abs=5e-5)


def test_where_holding_costs_nothing_a_tier_is_entered_at_its_start() -> None:
    free = {"order_cost": 8, "holding_rate": 0.3, "annual_demand": 1300}
    gift = eoq_all_units_discount(**free, breakpoints=[0, 100], unit_costs=[0.75, 0])
    none = eoq_all_units_discount(**free, breakpoints=[0], unit_costs=[0])
    assert (gift.order_quantity, gift.cost) == (100, 8 * 1300 / 100)
    assert none.order_quantity == 0


def test_the_cost_of_a_year_is_purchase_orders_and_holding() -> None:
    best = eoq_all_units_discount(
        order_cost=8, holding_rate=0.3, annual_demand=1300, breakpoints=[0], unit_costs=[0.75]
    )
    assert best.cost == pytest.approx(0.75 * 1300 + 8 * 1300 / 304.0468 + 0.225 * 304.0468 / 2)


def test_tiers_are_sorted_and_begin_with_the_plain_price() -> None:
    assert price_tiers(Decimal(10), BREAKS[::-1]) == [(1, Decimal(10)), (100, Decimal(9)), (500, Decimal("7.5"))]


def test_maximum_cover_leaves_room_above_the_position_only() -> None:
    assert cover_cap(mean_per_day=12.5, maximum_cover_days=30, position=100).limit == 275
    assert cover_cap(mean_per_day=12.5, maximum_cover_days=3, position=100).limit == 0
    assert cover_cap(mean_per_day=12.5, maximum_cover_days=30, position=-20.5).limit == 395


def test_shelf_life_counts_what_is_left_when_the_order_arrives() -> None:
    fresh = shelf_life_cap(mean_per_day=10, shelf_life_days=20, lead_time_days=7, position=60)
    stocked = shelf_life_cap(mean_per_day=10, shelf_life_days=20, lead_time_days=7, position=150)
    odd = shelf_life_cap(mean_per_day=3, shelf_life_days=5, lead_time_days=7, position=0)
    assert (fresh.limit, stocked.limit, odd.limit) == (200, 120, 15)


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


def test_a_budget_buys_nothing_from_a_dearer_tier_that_it_cannot_fill() -> None:
    dearer = (PriceBreak(minimum_quantity=100, unit_price=Decimal(12)),)
    cap = budget_cap(budget=Decimal(1100), unit_price=Decimal(10), price_breaks=dearer)
    assert cap == Cap(99, "a budget of 1100")


def test_money_is_counted_exactly() -> None:
    """In floats 0.1 × 3 is more than 0.3."""
    cap = budget_cap(budget=Decimal("0.30"), unit_price=Decimal("0.10"))
    assert cap is not None
    assert cap.limit == 3


def test_what_costs_nothing_is_not_capped_by_a_budget() -> None:
    assert budget_cap(budget=Decimal(5), unit_price=Decimal(0)) is None


@pytest.mark.parametrize(("quantity", "price"), [(1, "10"), (99, "10"), (100, "9.00"), (500, "7.50")])
def test_the_price_is_that_of_the_tier_reached(quantity: int, price: str) -> None:
    for breaks in (BREAKS, BREAKS[::-1]):
        assert unit_price_at(quantity, unit_price=Decimal(10), price_breaks=breaks) == Decimal(price)


def test_below_the_first_break_of_a_product_without_a_price_no_price_applies() -> None:
    assert unit_price_at(99, unit_price=None, price_breaks=BREAKS) is None


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
    smallest = -(-max(minimum, 1) // multiple) * multiple
    fits = cap is None or cap // multiple * multiple >= smallest
    assert (decision.infeasible is None) is fits
    if not fits:
        assert decision.quantity == 0
        return
    for quantity in (decision.minimum, decision.quantity, decision.maximum):
        assert quantity >= max(1, minimum)
        assert quantity % multiple == 0
        assert cap is None or quantity <= cap
    assert decision.minimum <= decision.quantity <= decision.maximum
    assert decision.quantity + 0.5 >= need or decision.cap is not None
