"""Forecasts of mean demand, and the out-of-sample errors they are judged by."""

import warnings
from types import ModuleType

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tools.forecast import (
    BLOCK,
    croston,
    error_variance,
    first_origin,
    forecast_errors,
    forecast_path,
    recent_level_path,
    sba,
    smooth,
    tsb,
)

INTERMITTENT = np.array([0.0, 0, 4, 0, 0, 0, 2, 0, 5, 0])


@pytest.fixture(scope="module")
def statsforecast_models() -> ModuleType:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from statsforecast import models

        return models


def series(seed: int) -> np.ndarray:
    random = np.random.default_rng(seed)
    size = int(random.integers(8, 300))
    return (random.random(size) < random.uniform(0.1, 1)) * random.integers(1, 30, size) * 1.0


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(8))
def test_croston_sba_and_tsb_equal_statsforecast(seed: int, statsforecast_models: ModuleType) -> None:
    demand = series(seed)
    oracles = {
        croston: statsforecast_models.CrostonClassic(),
        sba: statsforecast_models.CrostonSBA(),
        tsb: statsforecast_models.TSB(alpha_d=0.1, alpha_p=0.05),
    }
    for ours, theirs in oracles.items():
        assert ours(demand) == pytest.approx(float(theirs.forecast(y=demand, h=1)["mean"][0]), rel=1e-9)


def test_no_sale_forecasts_nothing() -> None:
    nothing = np.zeros(12)
    assert (croston(nothing), sba(nothing), tsb(nothing)) == (0, 0, 0)
    assert not recent_level_path(nothing).any()


def test_croston_counts_the_first_interval_from_the_start() -> None:
    assert croston(INTERMITTENT, smoothing=0.1) == pytest.approx(1.3110367892976587, abs=1e-12)


def step_by_step(demand: np.ndarray) -> list[float]:
    """The recent level by its definition: weighted means, one period at a time."""
    path = []
    for now in range(1, demand.size + 1):
        past = demand[:now]
        ages = np.arange(now)[::-1]
        chance = np.average(past > 0, weights=0.95**ages)
        sizes = past[past > 0]
        size = np.average(sizes, weights=0.9 ** np.arange(sizes.size)[::-1]) if sizes.size else 0.0
        path.append(float(chance * size))
    return path


@pytest.mark.parametrize("seed", range(3))
def test_the_recent_level_is_what_its_definition_gives_step_by_step(seed: int) -> None:
    demand = series(seed)
    np.testing.assert_allclose(recent_level_path(demand), step_by_step(demand), rtol=1e-10)


def test_the_first_period_does_not_linger_in_the_recent_level() -> None:
    """TSB as published still gives a third of its weight to the empty first period after twenty."""
    demand = np.array([0.0] + [6.0] * 19)
    assert recent_level_path(demand)[-1] > 5.6
    assert tsb(demand) < 4


def test_a_history_longer_than_a_block_is_smoothed_without_a_seam() -> None:
    demand = np.tile([3.0, 0, 2, 0, 0], BLOCK)
    path = recent_level_path(demand)
    assert np.isfinite(path).all()
    tail = demand[-1500:]
    assert path[-1] == pytest.approx(recent_level_path(tail)[-1], rel=1e-9)


def test_smoothing_starts_at_the_first_value() -> None:
    assert smooth(np.array([4.0, 8.0]), smoothing=0.25) == 5.0


def test_the_forecast_is_half_the_long_run_mean_and_half_the_recent_level() -> None:
    demand = series(5)
    path = forecast_path(demand)
    assert path.mean[-1] == pytest.approx(demand.mean() / 2 + recent_level_path(demand)[-1] / 2, rel=1e-12)


def test_a_forecast_knows_nothing_that_comes_later() -> None:
    demand = series(6)
    known = demand[: demand.size // 2]
    np.testing.assert_allclose(forecast_path(demand).mean[: known.size], forecast_path(known).mean, rtol=1e-12)


def test_errors_compare_each_forecast_with_what_came_after_it() -> None:
    demand = series(7)
    path, errors = forecast_path(demand), forecast_errors(forecast_path(demand), horizon=4)
    by_hand = [
        demand[known : known + 4].sum() - 4 * path.mean[known - 1]
        for known in range(first_origin(demand.size), demand.size - 3)
    ]
    np.testing.assert_allclose(errors.missed, by_hand, atol=1e-9)


@pytest.mark.parametrize(("periods", "first"), [(8, 4), (11, 5), (16, 8), (365, 8)])
def test_a_short_history_is_judged_from_its_half_on(periods: int, first: int) -> None:
    assert first_origin(periods) == first


def test_a_horizon_that_the_history_cannot_judge_is_grown_from_one_that_it_can() -> None:
    path = forecast_path(series(1)[:12])
    judged = error_variance(path, horizon=2)
    grown = error_variance(path, horizon=30)
    assert (judged.horizon, grown.horizon, grown.count) == (2, 2, 5)
    assert float(grown.variance) == pytest.approx(15 * float(judged.variance))


def test_a_fractional_horizon_lies_between_the_whole_ones() -> None:
    path = forecast_path(series(2))
    two, three = error_variance(path, horizon=2).variance, error_variance(path, horizon=3).variance
    assert float(error_variance(path, horizon=2.25).variance) == pytest.approx(float(0.75 * two + 0.25 * three))


def test_no_horizon_has_no_error() -> None:
    assert float(error_variance(forecast_path(series(3)), horizon=0).variance) == 0


@given(seed=st.integers(0, 1000), horizon=st.sampled_from([0.5, 1, 3.7, 8]))
@settings(max_examples=30)
def test_a_block_of_products_gets_what_each_gets_alone(seed: int, horizon: float) -> None:
    """The bulk path must give the same numbers."""
    random = np.random.default_rng(seed)
    block = (random.random((4, 60)) < 0.4) * random.integers(1, 50, (4, 60)) * 1.0
    together = error_variance(forecast_path(block), horizon=horizon)
    alone = [error_variance(forecast_path(row), horizon=horizon).variance for row in block]
    np.testing.assert_allclose(together.variance, alone, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(forecast_path(block).mean[2], forecast_path(block[2]).mean, rtol=1e-9)
