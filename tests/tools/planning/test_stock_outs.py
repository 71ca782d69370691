"""Periods that ran out of stock: at least what they sold was wanted."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.catalog.demand_table import table_of
from tools.catalog.histories import STOCK_OUT, UNKNOWN, OpenDays
from tools.planning.demand import describe
from tools.planning.replenishment import plan
from tools.planning.scan import Terms, scan
from tools.planning.stock_outs import with_lost_demand
from tools.records.facts import ProductFacts

Make = Callable[..., ProductFacts]


def of(sold: list[float], *ran_out: int) -> list[float]:
    return with_lost_demand(np.array(sold, float), np.isin(np.arange(len(sold)), ran_out)).tolist()


def test_a_period_that_ran_out_counts_as_one_that_sold_as_much_or_more() -> None:
    assert of([1, 9, 2, 0, 3], 4) == [1, 9, 2, 0, 9]


def test_one_that_sold_nothing_is_unknown_and_so_is_one_whose_sales_are() -> None:
    assert np.isnan(of([4, 0, float("nan"), 5], 1, 2)).tolist() == [False, True, True, False]


def test_a_history_that_never_ran_out_stays_as_it_is() -> None:
    assert of([4, 0, 7]) == [4, 0, 7]


def test_where_no_sale_was_served_whole_sales_stay_as_they_are() -> None:
    assert of([0, 2, 8], 1, 2) == [0, 2, 8]


def test_periods_that_were_served_stand_for_larger_ones_that_ran_out() -> None:
    """Each of the two that were served stands for as many of the four others."""
    sold = [5.0, 5, 5, 5, 8, 20]
    found = of(sold, 0, 1, 2, 3)
    assert sorted(set(found[:4])) == [8, 20]
    assert found[:4].count(8) == found[:4].count(20) == 2


def test_beyond_the_largest_that_was_served_demand_goes_on_as_the_larger_half_of_sales_does() -> None:
    """The larger half is 2, 2, 4 and 8: on average 2^¾ times the middle one, in logarithms."""
    assert of([1, 1, 1, 1, 2, 2, 4, 8], 7)[7] == round(8 * 2**0.75)
    assert of([0.1, 0.1, 0.1, 0.1, 0.2, 0.2, 0.4, 0.8], 7)[7] == pytest.approx(1.3)


@given(
    sold=st.lists(st.integers(0, 40), min_size=3, max_size=60),
    marks=st.lists(st.booleans(), min_size=60, max_size=60),
)
def test_demand_is_never_less_than_what_sold_and_comes_in_whole_units_where_sales_do(
    sold: list[int], marks: list[bool]
) -> None:
    given_sales, ran_out = np.array(sold, float), np.array(marks[: len(sold)])
    demand = with_lost_demand(given_sales, ran_out)
    known = ~np.isnan(demand)
    assert (known == ~(ran_out & (given_sales == 0))).all()
    assert (demand[known] >= given_sales[known]).all()
    assert (demand[known] % 1 == 0).all()
    assert (demand[known & ~ran_out] == given_sales[known & ~ran_out]).all()


@pytest.mark.parametrize("stocked", [14, 22])
def test_mean_and_spread_of_demand_come_back_where_stock_ran_out_often(stocked: int) -> None:
    random = np.random.default_rng(0)
    demand, stock = random.poisson(20, 20_000).astype(float), random.poisson(stocked, 20_000)
    sold, ran_out = np.minimum(demand, stock), demand >= stock
    found = with_lost_demand(sold, ran_out)
    assert np.nanmean(found) == pytest.approx(20, rel=0.06)
    assert np.nanstd(found) == pytest.approx(demand.std(), rel=0.25)
    assert sold[~ran_out].mean() < 19  # What leaving them out makes of it.


def test_the_plan_says_what_they_add_and_the_scan_plans_the_same(make_facts: Make) -> None:
    random = np.random.default_rng(3)
    sold = (random.random(120) < 0.3) * random.integers(1, 20, 120).astype(float)
    ran_out = frozenset(np.flatnonzero(sold > 8)[:3].tolist())
    facts = make_facts(demand=tuple(sold.tolist()), history={"stockout_periods": ran_out})
    planned, statistics = plan(facts), describe(facts.demand)
    lost = np.nansum(with_lost_demand(sold, np.isin(np.arange(120), list(ran_out)))) - sold.sum()

    assert (statistics.short, statistics.lost) == (3, pytest.approx(lost))
    assert planned.derivation[0].startswith("3 periods ran out of stock. At least what was sold was wanted; by periods")
    assert f" {lost:g} more: ÷ 120 periods" in planned.derivation[0]
    assert planned.reorder_point > plan(make_facts(demand=tuple(sold.tolist()))).reorder_point
    product = facts.product
    terms = Terms(
        lead_time_days=facts.supplier.promised_lead_time_days,
        review_period_days=product.review_period_days,
        service_level=product.service_level,
    )
    assert scan(table_of(facts).demand, terms).reorder_point[0] == planned.reorder_point


def test_a_stored_day_that_ran_out_counts_as_the_plan_counts_it() -> None:
    flags = np.array([0, STOCK_OUT, UNKNOWN, 0, STOCK_OUT], np.uint8)
    stored = OpenDays(np.array([1.0, 3, 0, 7, 0]), flags, None)
    assert np.array_equal(stored.demand(), [1, 7, np.nan, 7, np.nan], equal_nan=True)
