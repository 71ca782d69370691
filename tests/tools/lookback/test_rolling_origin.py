"""Past moments, judged by what was known then."""

from dataclasses import replace

import numpy as np
import pytest

from tools.catalog.demand_table import DemandTable
from tools.lookback.coverage import by_product, coverage_table, standard_error, textbook_at
from tools.lookback.pooled_service import pooled_factor
from tools.lookback.rolling_origin import Interval, Origins, origins_at, rolling_origins
from tools.planning.replenishment import plan
from tools.records.errors import InvalidInput
from tools.records.facts import (
    DemandHistory,
    Product,
    ProductFacts,
    Stock,
    Supplier,
)

WEEK = Interval(lead_time=6, review_period=1)


def table(products: int = 30, periods: int = 120, seed: int = 0) -> DemandTable:
    random = np.random.default_rng(seed)
    level = random.uniform(0.5, 30, (products, 1))
    demand = random.negative_binomial(2, 2 / (2 + level), (products, periods)).astype(float)
    demand[0, :40] = np.nan
    return DemandTable(tuple(map(str, range(products))), demand, "day")


def planned(demand: np.ndarray, service_level: float) -> float:
    facts = ProductFacts(
        product=Product(id="A", name="A", service_level=service_level, review_period_days=1),
        supplier=Supplier(id="S", name="S", promised_lead_time_days=6),
        stock=Stock(location="here", on_hand=0),
        demand=DemandHistory(values=tuple(demand.tolist())),
        source="input",
    )
    return plan(facts).reorder_point


def test_the_level_at_each_origin_is_that_of_a_plan_made_there() -> None:
    data = table()
    origins = rolling_origins(data, WEEK, step=13)
    for index in range(0, len(origins), 17):
        known = data.demand[origins.product[index], : origins.moment[index]]
        assert origins.levels(0.95)[index] == planned(known[~np.isnan(known)], 0.95)


def test_the_textbook_of_an_origin_spans_lead_time_and_review_period() -> None:
    """Ten and twenty in turn: mean 15 over 8 known periods, deviation √(200/7) = 5.3452, over 6 + 1 periods × √7."""
    data = DemandTable(("A",), np.tile([10.0, 20.0], 10)[None], "day")
    found = origins_at(data, WEEK, 8)
    assert found.textbook_mean[0] == pytest.approx(105)
    assert found.textbook_levels(0.95)[0] == pytest.approx(105 + 1.64485 * 14.1421, abs=0.001)


def test_what_came_is_the_demand_of_the_interval_after_the_origin() -> None:
    data = table()
    origins = rolling_origins(data, WEEK, step=10)
    index = len(origins) // 2
    moment = origins.moment[index]
    assert origins.actual[index] == data.demand[origins.product[index], moment : moment + 7].sum()


def test_no_origin_knows_what_comes_after_it() -> None:
    data = table()
    later = data.demand.copy()
    later[:, 60:] *= 5
    before, after = (origins_at(DemandTable(data.products, demand, "day"), WEEK, 60) for demand in (data.demand, later))
    np.testing.assert_array_equal(before.levels(0.9), after.levels(0.9))


def test_a_product_never_promoted_has_the_lift_that_its_group_had_shown_by_then() -> None:
    marks = np.zeros((4, 80), bool)
    marks[:3, 3:40:6] = marks[:, 60] = True
    demand = np.random.default_rng(1).poisson(40 * np.where(marks, 3, 1)).astype(float)
    known = DemandTable(tuple("ABCD"), demand, "week", promotions=marks, groups=("A",) * 4)
    grouped, alone = (origins_at(each, Interval(1, 1), 60).mean[3] for each in (known, replace(known, groups=())))
    assert alone == pytest.approx(80, rel=0.1)
    assert grouped == pytest.approx(160, rel=0.1)
    later = replace(known, demand=np.where(np.arange(80) >= 60, 9 * demand, demand))
    assert origins_at(later, Interval(1, 1), 60).mean[3] == grouped


def test_a_product_joins_when_eight_of_its_periods_are_known() -> None:
    data = table()
    origins = rolling_origins(data, WEEK)
    assert origins.moment[origins.product == 0].min() == 48
    assert origins.moment[origins.product == 1].min() >= 8


def test_an_interval_that_is_not_wholly_known_is_not_judged() -> None:
    data = table()
    data.demand[3, 100] = np.nan
    origins = rolling_origins(data, WEEK)
    own = origins.moment[origins.product == 3]
    assert not ((own > 93) & (own <= 100)).any()


def test_a_table_too_short_to_look_back_on_is_refused() -> None:
    with pytest.raises(InvalidInput, match="looking back takes 15"):
        rolling_origins(table(periods=12), WEEK)


def test_progress_is_told_to_its_end() -> None:
    told: list[tuple[int, int]] = []
    rolling_origins(table(5, 40), WEEK, step=5, progress=lambda done, of: told.append((done, of)))
    assert told[-1][0] == told[-1][1] == len(told)


def test_of_stationary_demand_the_asked_share_is_covered() -> None:
    rows = coverage_table(rolling_origins(table(200, 200), WEEK, step=5))
    whole = [row for row in rows if row.group == "all"]
    assert [row.asked for row in whole] == [0.9, 0.95, 0.98, 0.99]
    assert all(-1.5 < row.points_off < 4 for row in whole)
    assert all(row.textbook < row.achieved for row in whole)


def test_the_textbook_is_compared_where_it_covers_as_much() -> None:
    origins = rolling_origins(table(60, 150), WEEK, step=5)
    for share in (0.8, 0.95):
        assert (origins.actual <= textbook_at(origins, share)).mean() == pytest.approx(share, abs=0.002)


def test_by_product_every_product_counts_the_same() -> None:
    origins = rolling_origins(table(3, 80), WEEK, step=5)
    covered = origins.product == 1
    assert by_product(origins, covered) == pytest.approx(1 / 3)


def test_moments_of_one_product_and_of_one_time_count_together_in_the_standard_error() -> None:
    origins = rolling_origins(table(60, 150), WEEK, step=5)
    random = np.random.default_rng(2)
    independent = random.random(len(origins)) < 0.9
    of_products = (random.random(60) < 0.9)[origins.product]
    of_times = (random.random(150) < 0.9)[origins.moment // 7]
    alone = 0.3 / np.sqrt(len(origins))
    assert standard_error(origins, independent) == pytest.approx(alone, rel=0.5)
    assert standard_error(origins, of_products) == pytest.approx(0.3 / np.sqrt(60), rel=0.3)
    assert standard_error(origins, of_times) > 3 * alone


def rescaled(origins: Origins, factor: float) -> Origins:
    columns = {name: getattr(origins, name) for name in Origins.__dataclass_fields__}
    return Origins(**(columns | {"actual": np.floor(factor * origins.actual)}))


def test_the_pooled_factor_asks_for_more_where_demand_runs_above_its_forecasts() -> None:
    origins = rescaled(rolling_origins(table(60, 160), WEEK, step=3), 1.3)
    factor = pooled_factor(origins, 0.9)
    assert factor is not None
    assert factor.ask > 0.92
    assert abs(factor.held_out_pooled - 0.9) < abs(factor.held_out_plain - 0.9)


def test_a_pooled_factor_that_comes_no_closer_is_not_used() -> None:
    origins = rolling_origins(table(60, 160), WEEK, step=3)
    later = origins.moment > np.quantile(origins.moment, 0.6)
    columns = {name: getattr(origins, name) for name in Origins.__dataclass_fields__}
    actual = np.where(later, origins.actual, np.floor(0.3 * origins.actual))
    factor = pooled_factor(Origins(**(columns | {"actual": actual})), 0.9)
    assert factor is not None
    assert not factor.closer
    assert factor.ask == factor.wanted


def test_few_products_or_few_origins_are_not_pooled() -> None:
    assert pooled_factor(rolling_origins(table(19, 120), WEEK), 0.9) is None
    assert pooled_factor(rolling_origins(table(30, 60), WEEK, step=5), 0.9) is None
