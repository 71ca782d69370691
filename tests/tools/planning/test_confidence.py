"""The probability that a proposed quantity turns out acceptable."""

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from statistics import NormalDist
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from tools.planning.confidence import (
    CalibrationCurve,
    CalibrationTable,
    assess,
    raw_probability,
    read_table,
    shipped_table,
    stratum,
    why_unsure,
)
from tools.planning.replenishment import plan
from tools.records.errors import InvalidInput
from tools.records.facts import ProductFacts
from tools.records.plan import DemandComponent, Plan, PredictiveDemand

Make = Callable[..., ProductFacts]

STEADY = tuple(np.random.default_rng(1).poisson(12, 200).astype(float))
NO_CURVES = CalibrationTable(origin="made up for this test", curves={})
LUMPY = tuple((np.random.default_rng(3).binomial(1, 0.15, 150) * 60).astype(float))
EVEN = tuple(np.random.default_rng(5).poisson(100, 120).astype(float))
SLOW = tuple(np.random.default_rng(2).poisson(0.15, 200).astype(float))


def test_the_seven_day_example_may_be_placed_without_a_person(make_facts: Make) -> None:
    result = plan(make_facts())
    assert assess(result, result.order_quantity).value >= 0.6


def test_a_value_that_no_table_speaks_for_is_called_raw(make_facts: Make) -> None:
    result = plan(make_facts())
    confidence = assess(result, result.order_quantity, table=NO_CURVES)
    assert (confidence.value, confidence.calibrated) == (confidence.raw, False)
    assert confidence.label == "raw, not calibrated"


def test_a_short_history_is_less_sure_than_its_service_level(make_facts: Make) -> None:
    result = plan(make_facts())
    assert assess(result, result.order_quantity).raw < 0.9


@pytest.mark.parametrize("demand", [STEADY, SLOW, STEADY[:7], STEADY[:12]])
@pytest.mark.parametrize("missing", [1, 5, 1000])
def test_ten_times_the_plan_is_never_more_than_a_tenth_sure(
    make_facts: Make, demand: tuple[float, ...], missing: int
) -> None:
    """Also where the plan is for a unit or two, of which ten times would pass for stock."""
    level = plan(make_facts(demand=demand)).reorder_point
    result = plan(make_facts(demand=demand, stock={"on_hand": max(0, level - missing)}))
    assert assess(result, 10 * result.order_quantity).value <= 0.1


def test_more_than_was_planned_is_never_surer(make_facts: Make) -> None:
    order = plan(make_facts())
    values = [assess(order, order.order_quantity + more).value for more in range(400)]

    assert max(values) == values[0]


def test_more_than_a_single_unit_that_was_planned_is_never_surer(make_facts: Make) -> None:
    order = plan(make_facts(demand=STEADY, stock={"on_hand": 84})).model_copy(update={"order_quantity": 1})

    assert assess(order, 5).raw > assess(order, 1).raw
    assert assess(order, 5).value == assess(order, 1).value


def test_a_slip_of_the_hand_is_named(make_facts: Make) -> None:
    level = plan(make_facts(demand=STEADY)).reorder_point
    result = plan(make_facts(demand=STEADY, stock={"on_hand": level - 1}))
    assert result.order_quantity == 2
    assert "10 times" in assess(result, 20).label
    assert "10 times" not in assess(result, 19).label


def test_too_little_and_too_much_are_both_unlikely_to_be_acceptable(make_facts: Make) -> None:
    result = plan(make_facts())
    assert assess(result, 400).raw < 0.01
    assert assess(result, 748).raw > 0.6
    assert assess(result, 4200).raw < 0.01


def test_doing_nothing_is_judged_by_the_stock_there_is(make_facts: Make) -> None:
    """Stock that was there before is not left over because nothing was ordered."""
    enough = plan(make_facts(stock={"on_hand": 50_000}))
    short = plan(make_facts())
    assert enough.recommended_action == "none"
    assert assess(enough, 0).raw == pytest.approx(1.0)
    assert assess(short, 0).raw < 0.001


def test_no_demand_is_served_by_no_stock(make_facts: Make) -> None:
    nothing = plan(make_facts(demand=(0.0,) * 20, stock={"on_hand": 0}))
    assert assess(nothing, 0).raw == 1
    assert assess(nothing, 50).raw == 0


def test_certain_demand_leaves_no_doubt(make_facts: Make) -> None:
    result = plan(make_facts(demand=(20.0,) * 30, history={"deterministic": True}, stock={"on_hand": 40}))
    assert (result.order_quantity, assess(result, 100).raw, assess(result, 99).raw) == (101, 1, 0)


def test_a_stated_maximum_cover_is_what_may_be_left_over(make_facts: Make) -> None:
    covered = plan(make_facts(demand=STEADY, stock={"on_hand": 50}, maximum_cover_days=12))
    assert covered.permitted_leftover == pytest.approx(12 * covered.mean_per_day)
    assert assess(covered, 150).raw > 0.9
    assert assess(plan(make_facts(demand=STEADY, stock={"on_hand": 50})), 150).raw < 0.1


@pytest.mark.parametrize("demand", [STEADY, EVEN, LUMPY])
def test_more_service_makes_the_plans_own_order_surer(make_facts: Make, demand: tuple[float, ...]) -> None:
    stated = []
    for asked in (0.8, 0.9, 0.95, 0.99):
        order = plan(make_facts(demand=demand, stock={"on_hand": 0}, service_level=asked))
        stated.append(assess(order, order.order_quantity).raw)
    assert stated == sorted(stated)
    assert stated == pytest.approx([0.8, 0.9, 0.95, 0.99], abs=0.05)


@pytest.mark.parametrize("demand", [STEADY, EVEN, LUMPY])
def test_twice_the_plan_is_no_more_than_half_sure(make_facts: Make, demand: tuple[float, ...]) -> None:
    order = plan(make_facts(demand=demand, stock={"on_hand": 0}))
    assert assess(order, 2 * order.order_quantity).value <= 0.5
    assert assess(order, order.order_quantity).value > 0.9


def test_a_minimum_order_may_end_two_intervals_above_the_level(make_facts: Make) -> None:
    """Twice as much as the supplier's minimum is too much all the same."""
    few = plan(make_facts(demand=STEADY, stock={"on_hand": 0}, minimum_order_quantity=220))
    many = plan(make_facts(demand=STEADY, stock={"on_hand": 0}, minimum_order_quantity=440))
    assert (few.order_quantity, many.order_quantity) == (220, 440)
    assert assess(few, 220).raw > 0.9
    assert max(assess(many, 440).raw, assess(few, 440).raw) < 0.1


def test_an_economic_quantity_may_last_as_long_as_it_is_meant_to(make_facts: Make) -> None:
    result = plan(
        make_facts(
            demand=STEADY, order_cost=Decimal(500), holding_rate=0.1, unit_price=Decimal(2), stock={"on_hand": 9}
        )
    )
    assert result.order_quantity > 5 * result.mean_demand
    assert assess(result, result.order_quantity).raw > 0.6


def test_the_last_unit_is_no_leftover(make_facts: Make) -> None:
    result = plan(make_facts(demand=SLOW, stock={"on_hand": 0}))
    assert result.permitted_leftover >= 1


def test_late_deliveries_weigh_on_the_confidence(make_facts: Make) -> None:
    late = {"observed_lead_times_days": (7.0,) * 8 + (40.0,) * 4}
    unsure = plan(make_facts(demand=STEADY, supplier=late, service_level=0.5, stock={"on_hand": 0}))
    sure = plan(make_facts(demand=STEADY, service_level=0.5, stock={"on_hand": 0}))
    quantity = sure.order_quantity + 40
    assert assess(unsure, quantity).raw < 0.8 < assess(sure, quantity).raw


def test_a_plan_without_its_predictive_distribution_is_read_from_its_mean_and_deviation(make_facts: Make) -> None:
    result = plan(make_facts(demand=STEADY))
    bare = result.model_copy(update={"predictive": None})
    assert assess(bare, 100).raw == pytest.approx(assess(result, 100).raw, abs=1e-9)


def calibration(result: Plan, *points: tuple[float, float]) -> CalibrationTable:
    raw, acceptable = zip(*points, strict=True)
    return CalibrationTable(
        origin="made up for this test", curves={stratum(result): CalibrationCurve(raw=raw, acceptable=acceptable)}
    )


def test_a_fitted_table_turns_the_raw_value_into_a_calibrated_one(make_facts: Make) -> None:
    result = plan(make_facts(demand=STEADY))
    raw = assess(result, result.order_quantity).raw
    table = calibration(result, (0.0, 0.0), (1.0, 0.5))
    confidence = assess(result, result.order_quantity, table=table)
    assert (confidence.calibrated, confidence.raw) == (True, raw)
    assert confidence.value == pytest.approx(raw / 2)
    assert confidence.label == f"calibrated ({stratum(result)})"


def test_a_table_does_not_speak_for_a_stratum_it_was_not_fitted_on(make_facts: Make) -> None:
    table = calibration(plan(make_facts(demand=STEADY)), (0.0, 0.0), (1.0, 0.5))
    other = plan(make_facts(demand=SLOW, stock={"on_hand": 0}))
    assert assess(other, other.order_quantity, table=table).calibrated is False


def test_no_table_speaks_for_the_order_that_earns_most_since_none_is_fitted_on_such(make_facts: Make) -> None:
    asked = plan(make_facts(demand=STEADY))
    earning, table = asked.model_copy(update={"method": "profit"}), calibration(asked, (0.0, 0.0), (1.0, 0.5))

    assert assess(asked, asked.order_quantity, table=table).calibrated is True
    assert assess(earning, earning.order_quantity, table=table).calibrated is False


def test_a_calibrated_slip_of_the_hand_is_held_down_too(make_facts: Make) -> None:
    result = plan(make_facts())
    table = calibration(result, (0.0, 0.9), (1.0, 0.9))
    assert assess(result, 7480, table=table).value == 0.1


@given(
    demand=st.lists(st.integers(0, 60).map(float), min_size=3, max_size=40).map(tuple),
    on_hand=st.floats(0, 2000),
    quantity=st.integers(0, 10_000),
)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_the_confidence_is_a_probability_for_any_quantity(
    make_facts: Make, demand: tuple[float, ...], on_hand: float, quantity: int
) -> None:
    result = plan(make_facts(demand=demand, stock={"on_hand": on_hand}))
    assert 0 <= raw_probability(result, quantity) <= 1
    if result.order_quantity:
        assert assess(result, 10 * result.order_quantity).value <= 0.1


CAUSES: dict[str, tuple[dict[str, Any], str]] = {
    "minimum": ({"minimum_order_quantity": 6_000, "demand": EVEN}, "The minimum order of 6,000 is 9 weeks of demand"),
    "capped": ({"maximum_order_quantity": 300}, "300 units are ordered, and 748 are missing"),
    "service": ({"service_level": 0.5, "demand": EVEN}, "The service asked for lets stock run out in 49% of"),
    "fill rate": ({"service_type": "fill_rate", "service_level": 0.8, "demand": EVEN}, "The service asked for lets"),
    "few periods": ({"demand": (9.0, 80, 1, 60, 4)}, "Only 5 periods of demand are known"),
}


@pytest.mark.parametrize("case", CAUSES)
def test_the_largest_cause_of_a_low_confidence_is_told(make_facts: Make, case: str) -> None:
    terms, words = CAUSES[case]
    order = plan(make_facts(**terms))

    assert words in why_unsure(order, order.order_quantity, assess(order, order.order_quantity))


@pytest.mark.parametrize(("least", "words"), [(6_000, "The minimum order of 6,000"), (24, "The order of 6,000")])
def test_a_large_order_is_called_a_minimum_only_where_it_is_one(make_facts: Make, least: int, words: str) -> None:
    order = plan(make_facts(minimum_order_quantity=6_000, demand=EVEN)).model_copy(update={"minimum_quantity": least})

    assert words in why_unsure(order, order.order_quantity, assess(order, order.order_quantity))


@pytest.mark.parametrize(("multiple", "words"), [(6_000, "The minimum order of 6,000"), (6_001, "The order of 6,000")])
def test_an_order_is_called_a_minimum_from_one_whole_multiple_above_the_need_on(
    make_facts: Make, multiple: int, words: str
) -> None:
    order = plan(make_facts(minimum_order_quantity=6_000, demand=EVEN))
    exactly = order.model_copy(update={"shortage": 0.0, "order_multiple": multiple})

    assert words in why_unsure(exactly, 6_000, assess(exactly, 6_000))


@pytest.mark.parametrize(
    ("units", "words"), [(1, "1 unit is ordered, and 748 are missing"), (2, "2 units are ordered, and 748 are")]
)
def test_units_that_are_ordered_are_counted_in_good_english(make_facts: Make, units: int, words: str) -> None:
    order = plan(make_facts())

    assert words in why_unsure(order, units, assess(order, units))


@pytest.mark.parametrize(
    ("coverage", "words"),
    [(0.8, "2 of 10 past intervals needed more"), (0.95, "30% turned out right"), (1.0, "30%"), (None, "30%")],
)
def test_a_confidence_that_past_orders_lower_tells_so(make_facts: Make, coverage: float | None, words: str) -> None:
    order = plan(make_facts(demand=EVEN)).model_copy(update={"backtest_coverage": coverage})
    sure = assess(order, order.order_quantity)

    assert words in why_unsure(order, order.order_quantity, sure.model_copy(update={"value": 0.3}))


def test_one_unit_that_is_ordered_may_be_left_over_and_none_that_is_not_ordered_counts(make_facts: Make) -> None:
    certain = plan(make_facts(demand=(12.0,) * 20, history={"deterministic": True}, stock={"on_hand": 500}))
    assert raw_probability(certain, 0) == 1
    assert raw_probability(certain, 1) == 0


@pytest.mark.parametrize("planned", [748, 1])
@pytest.mark.parametrize(("times", "held"), [(9, False), (10, True), (11, True)])
def test_a_slip_of_the_hand_begins_at_ten_times_the_plan(
    make_facts: Make, planned: int, times: int, held: bool
) -> None:
    order = plan(make_facts()).model_copy(update={"order_quantity": planned})
    surely = CalibrationTable(
        origin="x", curves={stratum(order): CalibrationCurve(raw=(0.0, 1.0), acceptable=(0.9, 0.9))}
    )
    confidence = assess(order, times * order.order_quantity, table=surely)
    assert confidence.value == (0.1 if held else 0.9)
    assert ("10 times the plan's quantity or more" in confidence.label) is held
    assert confidence.label.startswith(f"calibrated ({stratum(order)})")


def test_where_nothing_is_planned_no_quantity_is_a_slip_of_the_hand(make_facts: Make) -> None:
    enough = plan(make_facts(stock={"on_hand": 900}))
    assert enough.order_quantity == 0
    assert assess(enough, 0, table=NO_CURVES).value == raw_probability(enough, 0) > 0.8
    assert assess(enough, 1, table=NO_CURVES).value > 0.1
    short = plan(make_facts(demand=STEADY, stock={"on_hand": 84})).model_copy(update={"order_quantity": 0})
    assert assess(short, 20).value > assess(short, 0).value


def test_kilograms_are_as_sure_as_grams(make_facts: Make) -> None:
    grams = tuple(float(each) for each in np.random.default_rng(4).poisson(1.5, 60) * 137)
    small = plan(make_facts(demand=grams, stock={"on_hand": 900}))
    large = plan(make_facts(demand=tuple(each / 1000 for each in grams), unit_size=0.001, stock={"on_hand": 0.9}))
    assert small.order_quantity > 0
    for times in (0.5, 1, 2):
        sure = raw_probability(small, times * small.order_quantity)
        assert 0 < sure == pytest.approx(raw_probability(large, times * small.order_quantity / 1000), rel=1e-9)


@pytest.mark.parametrize(
    ("periods", "masked", "word"), [(25, 0, "short"), (26, 0, "long"), (27, 1, "long"), (27, 2, "short")]
)
def test_a_history_is_long_from_26_known_periods_on(make_facts: Make, periods: int, masked: int, word: str) -> None:
    known = plan(make_facts()).model_copy(update={"periods": periods, "masked_periods": masked})
    assert stratum(known) == f"{word} history, {known.demand_class}"


@pytest.mark.parametrize(
    ("raw", "acceptable"), [((0.5, 0.4), (0.1, 0.2)), ((0.4, 0.5), (0.2, 0.1)), ((0.4, 0.5), (0.1,)), ((), ())]
)
def test_a_curve_that_falls_or_lacks_points_is_refused(raw: tuple[float, ...], acceptable: tuple[float, ...]) -> None:
    with pytest.raises(ValidationError):
        CalibrationCurve(raw=raw, acceptable=acceptable)


def test_a_curve_may_stay_level_and_is_straight_between_its_points() -> None:
    curve = CalibrationCurve(raw=(0.2, 0.2, 0.6), acceptable=(0.3, 0.3, 0.5))
    assert [curve.at(raw) for raw in (0.1, 0.2, 0.4, 0.9)] == [0.3, 0.3, 0.4, 0.5]


def test_a_table_of_nothing_says_so() -> None:
    assert (NO_CURVES.proposals, NO_CURVES.recorded_outcomes, NO_CURVES.reliability) == (0, 0, ())


def test_the_shipped_table_is_what_speaks_where_none_is_given(make_facts: Make) -> None:
    order, shipped = plan(make_facts(demand=STEADY)), shipped_table()
    assert shipped is not None
    assert stratum(order) in shipped.curves
    assert assess(order, order.order_quantity) == assess(order, order.order_quantity, table=shipped)
    assert assess(order, order.order_quantity).calibrated


def test_a_table_is_read_from_its_file(tmp_path: Path) -> None:
    file = tmp_path / "table.json"
    file.write_text(NO_CURVES.model_dump_json())
    assert read_table(file) == NO_CURVES


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"origin": "x", "curves": {}, "proposals": "many"}', ": proposals: Input should be a valid integer"),
        ("[]", ": the file: Input should be an object"),
        ('{"origin": "x", "curves": {"s": {"raw": [2], "acceptable": [1]}}}', ": curves.s.raw.0: "),
    ],
)
def test_a_file_that_is_no_table_is_refused_by_its_first_fault(tmp_path: Path, text: str, words: str) -> None:
    file = tmp_path / "table.json"
    file.write_text(text)
    with pytest.raises(InvalidInput, match="restock calibrate") as refusal:
        read_table(file)
    assert f"{file} is no calibration table{words}" in refusal.value.message


def test_a_table_that_is_not_there_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"cannot be read: No such file"):
        read_table(tmp_path / "none.json")


def test_the_predictive_distribution_is_that_of_its_parts(make_facts: Make) -> None:
    parts = (DemandComponent(weight=0.25, mean=100, sd=10), DemandComponent(weight=0.75, mean=200, sd=30))
    mixed = plan(make_facts()).model_copy(
        update={
            "predictive": PredictiveDemand(distribution="normal", components=parts),
            "inventory_position": 120.0,
            "permitted_leftover": 80.0,
        }
    )

    def below(units: float) -> float:
        return 0.25 * NormalDist(100, 10).cdf(units) + 0.75 * NormalDist(200, 30).cdf(units)

    assert raw_probability(mixed, 90) == pytest.approx(below(210) - below(130), rel=1e-9)
    assert raw_probability(mixed, 0) == pytest.approx(below(120), rel=1e-9)
