"""Demand history: what is refused, what is left out, what is flagged, and how it is classed."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.planning.demand import classify, describe, find_outliers, known_demand, standard_deviation
from tools.records.errors import InvalidDemand
from tools.records.facts import DemandHistory


def history(*values: float | None, **fields: object) -> DemandHistory:
    return DemandHistory.model_validate({"values": values, **fields})


def test_unknown_and_stocked_out_periods_are_left_out_and_the_rest_closed_up() -> None:
    demand, positions = known_demand(history(4, None, 0, 6, 8, stockout_periods={2, 99}))
    assert demand.tolist() == [4, 6, 8]
    assert positions.tolist() == [0, 3, 4]


def test_masking_never_counts_an_unknown_period_as_zero() -> None:
    masked = describe(history(10, None, 10, None, 10))
    assert (masked.mean, masked.masked, masked.nonzero, masked.periods) == (10, 2, 3, 5)


def test_too_few_known_periods_after_masking_are_refused_with_the_counts() -> None:
    with pytest.raises(InvalidDemand, match="Only 2 of 4"):
        describe(history(5, 5, 0, 0, stockout_periods={2, 3}))


def test_a_quantity_too_large_to_count_is_refused_with_its_place() -> None:
    with pytest.raises(InvalidDemand, match="period 2"):
        describe(history(1, 1e300, 2))


def test_the_standard_deviation_is_the_sample_one() -> None:
    demand = np.array([100.0, 120, 110, 130, 125, 115, 140])
    assert standard_deviation(demand, 120.0) == pytest.approx(math.sqrt(175), abs=1e-12)


def test_a_large_mean_costs_the_standard_deviation_no_digits() -> None:
    """The sum of squares less the squared sum, in single or double precision, loses it altogether."""
    demand = 1e9 + np.array([0.0, 1, 2, 3, 4])
    assert standard_deviation(demand, float(demand.mean())) == pytest.approx(math.sqrt(2.5), rel=1e-12)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([10, 11, 9, 10, 12, 10], "smooth"),
        ([1, 30, 2, 1, 40, 1], "erratic"),
        ([0, 5, 0, 5, 0, 6], "intermittent"),
        ([0, 1, 0, 60, 0, 1], "lumpy"),
        ([0, 0, 4, 0, 0, 5], "unclassified"),
        ([0, 0, 0], "no_demand"),
    ],
)
def test_the_demand_class_follows_interval_and_size(values: list[float], expected: str) -> None:
    demand = np.array(values, dtype=float)
    assert classify(periods=demand.size, sizes=demand[demand > 0]) == expected


@pytest.mark.parametrize(("sold", "expected"), [(100, "smooth"), (75, "intermittent")])
def test_the_interval_of_1_32_parts_smooth_from_intermittent(sold: int, expected: str) -> None:
    assert classify(periods=100, sizes=np.full(sold, 3.0)) == expected


def test_an_outlier_is_flagged_and_stays_in_the_mean() -> None:
    values = [10.0, 12, 11, 9, 10, 11, 10, 12, 400]
    statistics = describe(history(*values))
    assert statistics.outliers == (400,)
    assert statistics.mean == pytest.approx(sum(values) / 9)


def test_ordinary_variation_is_no_outlier() -> None:
    assert find_outliers(np.random.default_rng(3).poisson(8, 200).astype(float)) == ()


def test_the_silence_since_the_last_sale_is_counted() -> None:
    assert describe(history(3, 0, 2, 0, 0)).idle_periods == 2
    assert describe(history(0, 0, 0, 0)).idle_periods == 4
    assert describe(history(0, 0, 7)).idle_periods == 0


@given(st.lists(st.floats(0, 1e15), min_size=3, max_size=40))
def test_no_finite_history_gives_a_nan(values: list[float]) -> None:
    statistics = describe(DemandHistory(values=tuple(values)))
    assert all(math.isfinite(figure) for figure in (statistics.mean, statistics.sd, *statistics.outliers))
