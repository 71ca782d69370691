"""Past promotions raise no ordinary forecast, and a planned one brings what past ones have brought."""

from dataclasses import replace

import numpy as np
import pytest

from tools.planning.promotion import Promotions, Usual, promoted_profile, promotions_of, usual_promotion
from tools.planning.replenishment import plan
from tools.planning.scan import Terms, scan
from tools.planning.season import level_profile
from tools.records.facts import DemandHistory, Product, ProductFacts, Stock, Supplier
from tools.records.plan import Plan

WEEKS = 96


def every_eighth(periods: int = WEEKS) -> np.ndarray:
    return np.arange(periods) % 8 == 3


def sold(seed: int, marks: np.ndarray, lift: float = 4.0, level: float = 30.0) -> np.ndarray:
    return np.random.default_rng(seed).poisson(level * np.where(marks, lift, 1)).astype(float)


def planned(demand: np.ndarray, marks: np.ndarray, ahead: set[int] | None = None, **history: object) -> Plan:
    told = {
        "values": demand.tolist(),
        "period_days": 7,
        "promotion_periods": np.flatnonzero(marks).tolist(),
        "planned_promotion_periods": ahead or set(),
    }
    return plan(
        ProductFacts(
            product=Product(id="X", name="X", review_period_days=7),
            supplier=Supplier(id="S", name="S", promised_lead_time_days=7),
            stock=Stock(location="here", on_hand=0),
            demand=DemandHistory.model_validate(told | history),
            source="input",
        )
    )


def test_past_promotions_raise_neither_the_mean_nor_the_spread_of_ordinary_weeks() -> None:
    marks = every_eighth()
    with_marks = planned(sold(1, marks), marks)
    never = planned(np.random.default_rng(1).poisson(30, WEEKS).astype(float), np.zeros(WEEKS, bool))
    unmarked = planned(sold(1, marks), np.zeros(WEEKS, bool))
    assert with_marks.mean_demand == pytest.approx(60, rel=0.1)
    assert with_marks.reorder_point == pytest.approx(never.reorder_point, rel=0.15)
    assert unmarked.reorder_point > 1.5 * never.reorder_point


def test_a_planned_promotion_brings_what_past_ones_brought() -> None:
    marks = every_eighth()
    found = planned(sold(2, marks), marks, {1})
    assert found.mean_demand == pytest.approx(30 + 4 * 30, rel=0.1)
    assert planned(sold(2, marks), marks, {2}).mean_demand == pytest.approx(60, rel=0.1)  # After the interval.
    lines = "\n".join(found.derivation)
    assert "Promotions: 12 of 96 past periods" in lines
    assert "The coming periods (1 of 2 with a promotion" in lines


def test_a_planned_promotion_brings_what_its_cut_of_the_price_did() -> None:
    """Demand grows as the fourth power of how many times the price is lower."""
    marks = every_eighth()
    cuts = dict(zip(np.flatnonzero(marks).tolist(), [0.1, 0.3, 0.2] * 4, strict=True))
    lifts = np.ones(WEEKS)
    lifts[list(cuts)] = (1 - np.array(list(cuts.values()))) ** -4
    demand = np.random.default_rng(7).poisson(100 * lifts).astype(float)
    ahead = {cut: planned(demand, marks, {1}, price_cuts=cuts, planned_price_cuts={1: cut}) for cut in (0.1, 0.4)}
    for cut, found in ahead.items():
        assert found.mean_demand == pytest.approx(100 + 100 * (1 - cut) ** -4, rel=0.08)
    said = "\n".join(ahead[0.4].derivation)
    assert "× an ordinary one at the average cut of 20 %" in said
    assert "1 of 2 with a promotion, × 7" in said
    unsaid = planned(demand, marks, {1}, price_cuts=cuts)
    assert unsaid.mean_demand == pytest.approx(100 + 100 * (1 - 0.204) ** -4, rel=0.08)


def test_a_factor_as_stated_multiplies_the_ordinary_forecast() -> None:
    marks = every_eighth()
    plain, raised = (planned(sold(3, marks), marks, planned_uplift=factor) for factor in (1, 2))
    assert raised.mean_demand == pytest.approx(2 * plain.mean_demand)


def test_marks_that_brought_nothing_change_nothing() -> None:
    for seed in range(20):
        demand = np.random.default_rng(seed).poisson(30, WEEKS).astype(float)
        marks = np.random.default_rng(100 + seed).random(WEEKS) < 0.1
        marked, plain = planned(demand, marks, {0}), planned(demand, np.zeros(WEEKS, bool))
        assert marked.mean_demand == pytest.approx(plain.mean_demand, rel=0.12)


@pytest.mark.parametrize(("usual", "least", "most"), [(1.0, 1.5, 2.5), (4.0, 3.5, 4.5)])
def test_a_lift_that_one_promotion_shows_is_drawn_towards_what_is_usual(
    usual: float, least: float, most: float
) -> None:
    """It sold 3.9 times as much as was to be expected, of demand that varies by a third."""
    marks = np.arange(40) == 30
    demand = np.where(marks, 120, np.tile([20.0, 40.0], 20))
    promotions = Promotions(marks, usual=Usual(usual))
    found = promoted_profile(demand, promotions, level_profile(40))
    assert found.lift[30] == usual
    assert least < found.lift[-1] < most


def test_what_a_product_never_promoted_will_sell_is_taken_from_its_group() -> None:
    demand, never = np.random.default_rng(4).poisson(30, WEEKS).astype(float), np.zeros(WEEKS, bool)
    plain, raised = planned(demand, never), planned(demand, never, {0}, usual_lift=3)
    assert raised.mean_demand == pytest.approx(2 * plain.mean_demand)


def test_a_cut_many_times_as_deep_as_those_before_brings_no_more_than_the_largest_lift() -> None:
    marks = every_eighth()
    demand = sold(9, marks)
    shallow = dict.fromkeys(np.flatnonzero(marks).tolist(), 0.01)
    found = planned(demand, marks, {0}, price_cuts=shallow, planned_price_cuts={0: 0.5})
    assert found.mean_demand <= 101.5 * 30 * 1.1


def test_what_is_usual_is_the_middle_lift_of_three_promoted_products_or_more() -> None:
    marks = every_eighth()
    shown = [(sold(seed, marks, lift), marks) for seed, lift in enumerate((2.0, 3.0, 9.0))]
    quiet = (sold(8, ~marks | marks), np.zeros(WEEKS, bool))
    assert usual_promotion([*shown, quiet]).lift == pytest.approx(3, rel=0.1)
    assert usual_promotion([shown[0], quiet, shown[2]]).lift == 1


def test_a_lift_known_at_a_past_moment_does_not_change_with_what_comes_later() -> None:
    marks = every_eighth()
    demand = sold(5, marks)
    whole = promoted_profile(demand, Promotions(marks), level_profile(WEEKS))
    earlier = promoted_profile(demand[:50], Promotions(marks[:50]), level_profile(50))
    np.testing.assert_allclose(whole.lift[:51], earlier.lift, rtol=1e-12)
    np.testing.assert_allclose(whole.scatter[:51], earlier.scatter, rtol=1e-12)


def test_an_interval_varies_the_more_the_fewer_promotions_its_lift_rests_on() -> None:
    """Twelve promotions leave a twelfth of the variance that one leaves; two weeks of one promotion share it."""
    marks, demand = every_eighth(), sold(3, every_eighth())
    found = promoted_profile(demand, Promotions(marks, {0: 1.0}), level_profile(WEEKS))
    first = marks & (np.arange(WEEKS) < 8)
    once = promoted_profile(np.where(marks & ~first, 30, demand), Promotions(first, {0: 1.0}), level_profile(WEEKS))
    assert once.error == pytest.approx(12 * found.error, rel=0.3)
    assert once.doubt_to_come(1) > 6 * found.doubt_to_come(1)
    twice = replace(found, promotions=replace(found.promotions, ahead={0: 1.0, 1: 1.0}))
    assert twice.doubt_to_come(2) == pytest.approx(4 * found.doubt_to_come(1))


def test_promoted_days_on_which_nothing_sold_do_not_widen_what_may_come() -> None:
    marks, demand = every_eighth(), sold(3, every_eighth())
    open_days = promoted_profile(demand, Promotions(marks), level_profile(WEEKS))
    closed = np.where(marks & (np.arange(WEEKS) % 32 == 3), 0, demand)
    found = promoted_profile(closed, Promotions(marks, usual=Usual(open_days.raw, spread=0.1)), level_profile(WEEKS))
    assert found.event < 0.3


def test_a_cut_twice_as_deep_is_as_uncertain_as_the_square_of_its_lift() -> None:
    marks = every_eighth()
    cuts = np.where(marks, 0.2, 0.0)
    promotions = promotions_of(np.append(cuts, [0.2, 0.36]), np.arange(WEEKS), WEEKS, Usual())
    found = promoted_profile(sold(3, marks), promotions, level_profile(WEEKS))
    shallow, deep = (replace(found, event=0.0, promotions=replace(promotions, ahead={0: size})) for size in (1, 2))
    assert promotions.ahead == {0: pytest.approx(1), 1: pytest.approx(2)}
    doubt = [each.doubt_to_come(1) / each.to_come(1) ** 2 for each in (shallow, deep)]
    assert np.log1p(doubt[1]) == pytest.approx(4 * np.log1p(doubt[0]))


def test_the_first_promotion_of_a_young_product_is_as_wide_as_lifts_of_its_group_differ() -> None:
    demand, never = np.random.default_rng(4).poisson(30, 20).astype(float), np.zeros(20, bool)
    narrow, wide = (
        planned(demand, never, {0}, usual_lift=3, usual_spread=spread, planned_price_cuts={0: 0.2}, usual_cut=0.2)
        for spread in (0.0, 0.6)
    )
    assert wide.mean_demand == pytest.approx(narrow.mean_demand)
    assert wide.reorder_point > 1.3 * narrow.reorder_point
    deeper = planned(demand, never, {0}, usual_lift=3, planned_price_cuts={0: 0.36}, usual_cut=0.2)
    assert deeper.mean_demand == pytest.approx(narrow.mean_demand * (9 + 1) / (3 + 1))


def test_promotions_of_a_young_product_are_taken_where_its_group_says_what_they_bring() -> None:
    """Ten weeks are too few to tell which forecast loses less."""
    marks = np.arange(10) == 6
    demand = np.where(marks, 120.0, 30.0) + np.arange(10) % 3
    alone = planned(demand, marks, {0})
    told = planned(demand, marks, {0}, usual_lift=4, usual_spread=0.3)
    assert told.mean_demand == pytest.approx(5 * 31, rel=0.1)
    assert alone.mean_demand < 0.7 * told.mean_demand


def test_weeks_with_and_without_a_promotion_are_covered_without_much_left_over() -> None:
    """×4 every eighth week. The oracle knows the mean of each week."""
    from scipy import stats

    random = np.random.default_rng(6)
    weeks, first = 116, 90
    marks = (np.arange(weeks)[None] + random.integers(0, 8, (60, 1))) % 8 == 0
    mean = random.uniform(5, 60, (60, 1)) * np.where(marks, 4, 1)
    demand = random.poisson(mean).astype(float)
    covered: dict[bool, list[bool]] = {True: [], False: []}
    left = best = 0.0
    for moment in range(first, weeks - 1, 2):
        terms = Terms(lead_time_days=7, review_period_days=7, period_days=7, service_level=0.95)
        level = scan(demand[:, :moment], terms, promotions=marks[:, : moment + 2]).reorder_point
        came, promoted = demand[:, moment : moment + 2].sum(axis=1), marks[:, moment : moment + 2].any(axis=1)
        oracle = stats.poisson.ppf(0.95, mean[:, moment : moment + 2].sum(axis=1))
        for kind in covered:
            covered[kind] += (came <= level)[promoted == kind].tolist()
        left, best = left + np.maximum(level - came, 0).sum(), best + np.maximum(oracle - came, 0).sum()
    assert np.mean(covered[True]) >= 0.9 and np.mean(covered[False]) >= 0.9
    assert left <= 1.6 * best
