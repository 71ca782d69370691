"""The coverage that the level would have had at past moments, without a look ahead."""

import numpy as np
import pytest

from tools.planning.demand import describe
from tools.planning.interval_forecast import LeadTime, forecast_demand, lead_time
from tools.planning.past_coverage import PastCoverage, past_coverage
from tools.planning.service import Target, reorder_point, safety_stock, stock_level
from tools.records.facts import DemandHistory, Supplier


def supplier(*observed: float) -> Supplier:
    return Supplier(id="S", name="S", promised_lead_time_days=7, observed_lead_times_days=observed)


def coverage(demand: np.ndarray, *observed: float, review: float = 1) -> PastCoverage | None:
    lead = lead_time(supplier(*observed))
    statistics = describe(DemandHistory(values=tuple(demand.tolist())))
    forecast = forecast_demand(statistics, lead_time=lead, review_period_days=review, period_days=1)
    assert forecast.judged is not None
    return past_coverage(
        demand,
        forecast.judged,
        lead_time=lead_time(supplier(*observed)),
        review_period_days=review,
        period_days=1,
        probability=0.95,
        z=1.6448536269514722,
    )


def by_planning_each_moment(demand: np.ndarray, lead: LeadTime, tests: int) -> tuple[float, float]:
    """The same, by giving the calculator the history as it stood at each moment."""
    covered, textbook = [], []
    for moment in range(demand.size - 8 * tests, demand.size, 8):
        known, came = demand[:moment], demand[moment : moment + 8].sum()
        statistics = describe(DemandHistory(values=tuple(known.tolist())))
        forecast = forecast_demand(statistics, lead_time=lead, review_period_days=1, period_days=1)
        covered.append(came <= stock_level(forecast.stock_basis, Target(0.95)))
        stock = safety_stock(service_level=0.95, demand_sd=statistics.sd, interval=8)
        textbook.append(came <= reorder_point(mean=statistics.mean, interval=8, safety_stock=stock))
    return float(np.mean(covered)), float(np.mean(textbook))


@pytest.mark.parametrize("seed", range(6))
def test_the_coverage_is_that_of_planning_at_each_past_moment(seed: int) -> None:
    random = np.random.default_rng(seed)
    demand = (random.random(200) < random.uniform(0.1, 1)) * random.integers(1, 12, 200) * 1.0
    found = coverage(demand)
    assert found is not None
    expected = by_planning_each_moment(demand, lead_time(supplier()), found.tests)
    assert (found.chosen, found.textbook) == pytest.approx(expected)


def test_a_short_history_is_not_judged() -> None:
    assert coverage(np.ones(40)) is None


def test_what_comes_last_cannot_change_an_earlier_test() -> None:
    demand = np.random.default_rng(2).poisson(5, 160).astype(float)
    changed = demand.copy()
    changed[-8:] = 0
    before, after = coverage(demand), coverage(changed)
    assert before is not None
    assert after is not None
    assert abs(before.chosen - after.chosen) * before.tests <= 1.0001


def test_late_deliveries_are_part_of_the_test_where_they_are_replayed() -> None:
    demand = np.random.default_rng(2).poisson(5, 300).astype(float)
    late = coverage(demand, *[7.0] * 5, *[21.0] * 5)
    assert late is not None
    assert late.textbook < 0.75 < late.chosen


def test_a_history_that_begins_in_silence_is_judged_without_a_nan() -> None:
    demand = np.concatenate([np.zeros(120), np.random.default_rng(2).poisson(0.2, 80)]).astype(float)
    found = coverage(demand)
    assert found is not None
    assert 0.5 < found.chosen <= 1


def test_the_textbook_is_tested_over_lead_time_and_review_period() -> None:
    """Five a day over 7 + 1 days are 40, and the textbook's level is 40; over the lead time alone it would be 35."""
    found = coverage(np.full(200, 5.0), review=1)
    assert found is not None
    assert found.textbook == 1


@pytest.mark.parametrize("each", [0.1, 7.3, 1e9 / 3])
def test_a_level_of_just_what_came_covers_it(each: float) -> None:
    found = coverage(np.full(200, each), review=0)
    assert found is not None
    assert found.textbook == 1
