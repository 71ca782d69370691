"""The same plan in whatever unit it is asked for: kilograms and grams, cases and pieces."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tools.planning.confidence import assess
from tools.planning.gate import check_quantity
from tools.planning.replenishment import plan
from tools.records.facts import OpenOrder, PriceBreak, Product, ProductFacts
from tools.records.plan import Plan

Make = Callable[..., ProductFacts]

AMOUNTS = (
    "mean_per_day",
    "mean_demand",
    "demand_sd",
    "safety_stock",
    "reorder_point",
    "inventory_position",
    "shortage",
)
QUANTITIES = ("order_quantity", "minimum_quantity", "maximum_quantity", "order_multiple", "permitted_leftover")


@st.composite
def small_terms(draw: st.DrawFn) -> dict[str, Any]:
    """Facts in whole small units."""
    whole = st.integers(0, 3000)
    return {
        "demand": [*draw(st.lists(st.none() | st.just(0) | whole, max_size=50)), 1, 2002, 1003],
        "on_hand": draw(whole),
        "backorders": draw(st.sampled_from([0, 0, 150, 4000])),
        "open_orders": draw(
            st.lists(st.tuples(st.integers(1, 5000), st.sampled_from([-30, -2, 0, 4, 40])), max_size=3)
        ),
        "minimum_order_quantity": draw(st.sampled_from([0, 1, 500, 2500])),
        "order_multiple": draw(st.sampled_from([1, 144, 500])),
        "maximum_order_quantity": draw(st.sampled_from([None, 1000, 20_000])),
        "price_breaks": draw(st.sampled_from([(), ((1000, "0.9"), (5000, "0.5"))])),
        "lead_time": draw(st.integers(0, 20)),
        "uplift": draw(st.sampled_from([1, 1.3])),
        "deterministic": draw(st.sampled_from([False, False, True])),
        "terms": draw(
            st.sampled_from(
                [
                    {},
                    {"service_type": "fill_rate", "service_level": 0.99},
                    {"order_cost": Decimal(20), "holding_rate": 0.25},
                    {"maximum_cover_days": 20, "review_period_days": 7},
                    {"shelf_life_days": 45, "service_level": 0.99},
                    {"cost": Decimal(3)},
                    {"budget": Decimal("1234.5")},
                ]
            )
        ),
    }


def facts_in(make_facts: Make, terms: dict[str, Any], size: float, money: int) -> ProductFacts:
    """The facts with every amount × `size`, and every price of a unit × `money`, which is its reciprocal."""

    def scaled(value: float | None) -> float | None:
        return None if value is None else value * size

    more = dict(terms["terms"])
    stockout_cost = more.pop("cost", None)
    if stockout_cost:
        more |= {"service_type": "cost", "holding_rate": 0.25, "stockout_cost": stockout_cost * money}
    return make_facts(
        demand=tuple(map(scaled, terms["demand"])),
        history={"planned_uplift": terms["uplift"], "deterministic": terms["deterministic"]},
        stock={
            "on_hand": scaled(terms["on_hand"]),
            "backorders": scaled(terms["backorders"]),
            "open_orders": tuple(
                OpenOrder(reference=f"A{place}", quantity=quantity * size, due_in_days=due)
                for place, (quantity, due) in enumerate(terms["open_orders"])
            ),
        },
        supplier={"promised_lead_time_days": terms["lead_time"], "lead_time_sd_days": 1.5},
        unit_price=Decimal("1.25") * money,
        price_breaks=tuple(
            PriceBreak(minimum_quantity=start * size, unit_price=Decimal(price) * money)
            for start, price in terms["price_breaks"]
        ),
        unit_size=size,
        minimum_order_quantity=scaled(terms["minimum_order_quantity"]),
        order_multiple=scaled(terms["order_multiple"]),
        maximum_order_quantity=scaled(terms["maximum_order_quantity"]),
        **more,
    )


def expect_same(small: Plan, large: Plan, size: float) -> None:
    for name in (*AMOUNTS, *QUANTITIES):
        tolerance = 1e-8 * size * max(1, small.reorder_point)
        assert getattr(large, name) == pytest.approx(getattr(small, name) * size, rel=1e-8, abs=tolerance), name
    same = ("recommended_action", "demand_class", "method", "distribution", "backtest_coverage", "days_until_stockout")
    for name in same:
        assert getattr(large, name) == pytest.approx(getattr(small, name)) or getattr(large, name) is None, name
    assert [notice.code for notice in large.notices] == [notice.code for notice in small.notices]
    assert (large.infeasible is None) == (small.infeasible is None)
    assert float(large.order_value or 0) == pytest.approx(float(small.order_value or 0))
    confidences = [assess(each, each.order_quantity).value for each in (small, large)]
    assert confidences[1] == pytest.approx(confidences[0], rel=1e-6, abs=1e-9)
    assert large.implied.fill_rate == pytest.approx(small.implied.fill_rate, rel=1e-6)


@given(terms=small_terms())
@settings(max_examples=200, deadline=None)
def test_kilograms_give_the_plan_of_grams(make_facts: Make, terms: dict[str, Any]) -> None:
    small, large = facts_in(make_facts, terms, 1, 1), facts_in(make_facts, terms, 0.001, 1000)
    expect_same(plan(small), plan(large), 0.001)


@given(terms=small_terms())
@settings(max_examples=100, deadline=None)
def test_cases_give_the_plan_of_pieces(make_facts: Make, terms: dict[str, Any]) -> None:
    """A piece is the 144th part of a case, which no decimal number is."""
    if "budget" in terms["terms"]:
        terms = terms | {"terms": {}}  # Money has six decimals, a third of a cent has more.
    small, large = facts_in(make_facts, terms, 1, 1), facts_in(make_facts, terms, 1 / 144, 144)
    expect_same(plan(small), plan(large), 1 / 144)


def test_what_is_moved_is_counted_in_the_same_unit(make_facts: Make) -> None:
    grams = (300.0, 420, 380, 410, 290, 350, 400) * 5
    plenty = {"on_hand": 60, "location": "DEPOT"}
    kilograms = make_facts(demand=tuple(each / 1000 for each in grams), stock={"on_hand": 0.5}, unit_size=0.001)
    depot = make_facts(demand=tuple(each / 1000 for each in grams), stock=plenty, unit_size=0.001)
    found = plan(kilograms, siblings=[depot])

    assert found.transfer is not None
    assert found.transfer.quantity == pytest.approx(found.shortage + 0.001)
    assert check_quantity(found, found.order_quantity) is None


def test_a_whole_quantity_is_written_without_decimals(make_facts: Make) -> None:
    whole = plan(make_facts(unit_size=0.5, order_multiple=2.0, minimum_order_quantity=100.0))
    half = plan(make_facts(unit_size=0.5, order_multiple=2.5))

    assert '"order_quantity":748,' in whole.model_dump_json()
    assert '"order_multiple":2,' in whole.model_dump_json()
    assert half.order_quantity == 750
    assert Plan.model_validate_json(half.model_dump_json()) == half


def test_without_a_multiple_any_count_of_the_unit_size_may_be_ordered() -> None:
    assert Product(id="A", name="A", unit_size=0.25).order_multiple == 0.25
    assert Product(id="A", name="A").order_multiple == 1


def test_what_is_bought_by_the_case_is_ordered_by_the_case(make_facts: Make) -> None:
    """747.57 pieces are missing: six cases of 144."""
    found = plan(make_facts(unit="pieces", purchase_unit="cases", units_per_purchase_unit=144))

    assert (found.order_quantity, found.order_multiple, found.order_value) == (864, 144, Decimal(432_000))
    assert "In multiples of 144, order 6 cases (864 pieces)." in found.reason
    assert check_quantity(found, 800) == "800 is outside 864 to 1728, the plan's bounds."


def test_an_order_is_a_multiple_of_both_the_case_and_the_multiple(make_facts: Make) -> None:
    found = plan(make_facts(order_multiple=100, units_per_purchase_unit=144))
    assert (found.order_quantity, found.order_multiple) == (3600, 3600)


def test_a_drum_need_not_hold_whole_units(make_facts: Make) -> None:
    found = plan(make_facts(purchase_unit="drums", units_per_purchase_unit=12.5, unit="l"))
    assert (found.order_quantity, found.order_multiple) == (750, 12.5)
    assert "order 60 drums (750 l)" in found.reason


def test_a_quantity_between_two_counts_is_no_order(make_facts: Make) -> None:
    found = plan(make_facts(unit_size=0.5))
    assert check_quantity(found, found.order_quantity + 0.25) == "748.25 is not a multiple of 0.5; 748 and 748.5 are."


def test_a_budget_buys_as_many_counts_as_it_pays_for(make_facts: Make) -> None:
    found = plan(make_facts(unit_size=0.1, unit_price=Decimal("1.10"), budget=Decimal(10)))
    assert (found.order_quantity, found.order_value) == (9, Decimal("9.90"))


def test_a_unit_too_fine_to_count_is_refused() -> None:
    with pytest.raises(ValueError, match=r"greater than or equal to 0\.000001"):
        Product(id="A", name="A", unit_size=1e-9)


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize(("weeks", "mean"), [(1, 15), (2, 60), (3, 15)])
def test_demand_of_working_days_is_planned_by_working_days(
    make_facts: Make, seed: int, weeks: int, mean: float
) -> None:
    """A lead time of whole weeks holds five working days a week, as the weekly sums do. Weekends as zeros would look
    like demand that comes and goes."""
    random = np.random.default_rng(seed)
    days = random.poisson(mean, (26, 5)).astype(float)
    lead = {"supplier": {"promised_lead_time_days": 7 * weeks}}
    working = plan(make_facts(demand=tuple(days.ravel()), history={"period_days": 7 / 5}, **lead))
    by_week = plan(make_facts(demand=tuple(days.sum(axis=1)), history={"period_days": 7}, **lead))
    with_zeros = plan(make_facts(demand=tuple(np.pad(days, ((0, 0), (0, 2))).ravel()), **lead))

    assert (working.demand_class, with_zeros.demand_class) == ("smooth", "intermittent")
    assert working.mean_demand == pytest.approx(5 * weeks * days.mean(), rel=0.15)
    assert working.reorder_point == pytest.approx(by_week.reorder_point, rel=0.2)
    assert working.periods == 130
