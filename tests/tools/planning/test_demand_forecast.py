"""Three mean forecasts weighed and corrected by their own past errors, for one product and for a block."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tools.planning.demand_forecast import ErrorMoments, RateForecast, combine, moments_by_point, newest_moments
from tools.planning.forecast_frame import (
    ERROR_DECAY,
    PAIRS,
    PRIOR_WINDOWS,
    SMOOTHING,
    TIMES,
    Trust,
    first_origin,
    measured_horizon,
)
from tools.planning.forecast_grid import BLOCK_PERIODS, grid


def series(seed: int, size: int | None = None) -> np.ndarray:
    random = np.random.default_rng(seed)
    size = size or int(random.integers(20, 400))
    return (random.random(size) < random.uniform(0.1, 1)) * random.integers(1, 30, size) * 1.0


def forecast(demand: np.ndarray, horizon: int = 8) -> RateForecast:
    past = grid(demand[None], periods=np.array([demand.size]), horizon=horizon)
    return combine(
        means=past.means,
        moments=newest_moments(past),
        variance=np.array([demand.var(ddof=1)]),
        horizon=horizon,
    )


def mean_forecasts(demand: np.ndarray) -> np.ndarray:
    """By their definition."""
    ages = np.arange(demand.size)[::-1]
    recent = [np.average(demand, weights=(1 - smoothing) ** ages) for smoothing in SMOOTHING]
    return np.array([demand.mean(), *recent])


def errors_by_hand(demand: np.ndarray, horizon: int) -> tuple[np.ndarray, np.ndarray]:
    """(origins × forecasts) errors per period and the weight of each origin."""
    origins = [known for known in range(demand.size - horizon, 0, -horizon) if known >= min(8, demand.size // 2)]
    missed = [demand[known : known + horizon].mean() - mean_forecasts(demand[:known]) for known in origins]
    return np.array(missed), ERROR_DECAY ** (origins[0] - np.array(origins))


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("horizon", [1, 2, 7, 8, 30])
def test_the_mean_forecasts_and_their_errors_are_what_the_definition_gives_step_by_step(
    seed: int, horizon: int
) -> None:
    demand = series(seed, 90 + 13 * seed)
    past = grid(demand[None], periods=np.array([demand.size]), horizon=horizon)
    moments = newest_moments(past)
    missed, weight = errors_by_hand(demand, horizon)

    np.testing.assert_allclose(np.ravel(past.means), mean_forecasts(demand), rtol=1e-10)
    np.testing.assert_allclose(np.ravel(moments.bias), np.average(missed, axis=0, weights=weight), atol=1e-8)
    squares = [np.average(missed[:, one] * missed[:, two], weights=weight) * (1 + (one != two)) for one, two in PAIRS]
    windows = weight.sum() ** 2 / (weight**2).sum()
    believed = horizon * windows / (windows + PRIOR_WINDOWS)
    np.testing.assert_allclose(moments.products[:, 0], believed * np.array(squares), rtol=1e-9)


def test_the_running_moments_end_where_the_newest_are_and_know_nothing_later() -> None:
    demand = series(3, 200)
    past = grid(demand[None], periods=np.array([200]), horizon=8)
    running, newest = moments_by_point(past), newest_moments(past)
    np.testing.assert_allclose([bias[-1] for bias in running.bias], np.ravel(newest.bias), rtol=1e-9)

    earlier = grid(demand[None, :160], periods=np.array([160]), horizon=8)
    then = newest_moments(earlier)
    np.testing.assert_allclose([bias[-6] for bias in running.bias], np.ravel(then.bias), rtol=1e-9)
    np.testing.assert_allclose(running.trust.others[-6], then.trust.others[0], rtol=1e-9)


@given(seed=st.integers(0, 10_000), horizon=st.integers(1, 40))
@settings(max_examples=40, deadline=None)
def test_a_block_of_products_with_histories_of_any_length_gets_what_each_gets_alone(seed: int, horizon: int) -> None:
    random = np.random.default_rng(seed)
    histories = [series(seed + index, int(random.integers(8, 3 * BLOCK_PERIODS))) for index in range(5)]
    width = max(history.size for history in histories)
    block = np.stack([np.concatenate([np.zeros(width - history.size), history]) for history in histories])
    past = grid(block, periods=np.array([history.size for history in histories]), horizon=horizon)
    together = combine(
        means=past.means,
        moments=newest_moments(past),
        variance=np.array([history.var(ddof=1) for history in histories]),
        horizon=horizon,
    )
    alone = [forecast(history, horizon) for history in histories]
    np.testing.assert_allclose(together.mean, [one.mean[0] for one in alone], rtol=1e-9)
    np.testing.assert_allclose(together.variance, [one.variance[0] for one in alone], rtol=1e-9, atol=1e-9)


def test_without_a_judged_error_the_forecasts_weigh_the_same_and_demand_is_taken_for_independent() -> None:
    demand = series(1, 12)
    found = forecast(demand, horizon=10)
    np.testing.assert_allclose(np.ravel(found.weights), 1 / 3)
    assert found.mean[0] == pytest.approx(mean_forecasts(demand).mean())
    assert found.variance[0] == pytest.approx(demand.var(ddof=1))


def test_a_level_that_wanders_is_followed_and_one_that_stays_is_averaged() -> None:
    random = np.random.default_rng(4)
    wandering = np.maximum(200 + np.cumsum(random.normal(0, 12, 365)), 0)
    steady = random.poisson(200, 365).astype(float)
    assert forecast(wandering).weights[2][0] > 0.8
    assert forecast(steady).weights[0][0] > 0.3


def test_a_trend_that_stands_out_is_corrected_and_a_chance_deviation_is_not() -> None:
    random = np.random.default_rng(5)
    rising = forecast(random.poisson(np.linspace(50, 200, 365)).astype(float))
    steady = forecast(random.poisson(100, 365).astype(float))
    assert rising.mean[0] > 1.01 * rising.uncorrected[0]
    assert steady.mean[0] == pytest.approx(steady.uncorrected[0], rel=0.01)


@pytest.mark.parametrize(("standard_errors", "corrected"), [(1.0, 0.0), (1.5, 0.0), (3.0, 1 - 2.5 / 9), (10.0, 0.975)])
def test_a_bias_is_corrected_as_far_as_it_lies_beyond_chance(standard_errors: float, corrected: float) -> None:
    """26 errors with a mean of 5 and, about it, the spread that makes it so many standard errors."""
    square = 25 + 25 * (5 / standard_errors) ** 2
    moments = ErrorMoments(np.full((3, 1), 5.0), 26 / 29 * square * TIMES, Trust.in_windows(np.array([26.0]), 1))
    found = combine(means=np.full((3, 1), 40.0), moments=moments, variance=np.array([0.0]), horizon=1)
    assert found.mean[0] == pytest.approx(40 + 5 * corrected)
    remaining = square - corrected * (2 - corrected) * 25
    assert found.variance[0] == pytest.approx(remaining * 26 / 29)


def test_a_correction_leaves_a_tenth_of_the_mean() -> None:
    stopped = np.concatenate([np.full(300, 20.0), np.zeros(30)])
    found = forecast(stopped)
    assert found.mean[0] >= 0.1 * found.uncorrected[0] > 0


@pytest.mark.parametrize(("periods", "first"), [(8, 4), (11, 5), (16, 8), (365, 8)])
def test_a_short_history_is_judged_from_its_half_on(periods: int, first: int) -> None:
    assert int(first_origin(np.array(periods))) == first


@pytest.mark.parametrize(("interval", "horizon"), [(0, 1), (0.4, 1), (7.5, 8), (7, 7), (30.2, 30)])
def test_errors_are_measured_over_whole_periods(interval: float, horizon: int) -> None:
    assert measured_horizon(interval) == horizon


@pytest.mark.parametrize("demand", [np.zeros(40), np.full(40, 7.0), np.full(40, 1e15), np.full(40, 1e-300)])
def test_a_demand_that_never_varies_gives_finite_numbers(demand: np.ndarray) -> None:
    found = forecast(demand)
    assert np.isfinite([found.mean[0], found.variance[0]]).all()
    assert found.mean[0] == pytest.approx(demand[0])


def test_scaling_demand_scales_mean_and_spread() -> None:
    demand = series(9, 150)
    once, thrice = forecast(demand), forecast(3 * demand)
    assert thrice.mean[0] == pytest.approx(3 * once.mean[0])
    assert thrice.variance[0] == pytest.approx(9 * once.variance[0])
