import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from tools.planning.demand_belief import (
    MOTIONS,
    RETURNS,
    DemandBelief,
    GammaScatter,
    believe,
    step_kernel,
    steps_between,
)

STEADY = (98.0, 104.0, 95.0, 107.0, 101.0)


def told(*demand: float) -> DemandBelief:
    return believe(np.array(STEADY + demand))


def courses(belief: DemandBelief, periods: int, count: int = 2000) -> NDArray[np.float64]:
    return belief.courses(periods=periods, count=count, random=np.random.default_rng(5))


def test_a_level_shift_is_followed_within_three_periods() -> None:
    assert told(205.0, 196.0, 210.0).mean() == pytest.approx(200, rel=0.12)


def test_one_surge_among_steady_periods_moves_the_level_little() -> None:
    assert told(102.0, 97.0, 103.0, 400.0, 99.0).mean() == pytest.approx(100, rel=0.12)


def test_a_level_seen_before_is_believed_sooner_than_a_new_one() -> None:
    surge = (200.0, 196.0, 205.0, 199.0, 203.0, 198.0, 201.0, 204.0)

    back, beyond = told(*surge, 100.0).mean(), told(*surge, 400.0).mean()

    assert abs(back - 100) / 100 < abs(beyond - 400) / 400


@pytest.mark.parametrize("growth", [0.03, -0.03])
def test_growth_and_decline_are_led_on(growth: float) -> None:
    level = 100 * np.exp(growth * np.arange(45))
    belief = believe(np.random.default_rng(2).normal(level[:40], 0.05 * level[:40]).round())

    ahead = courses(belief, 5)[:, 4].mean()

    assert abs(ahead - level[44]) < 0.5 * abs(level[39] - level[44])


def test_scattered_demand_is_believed_wider_than_steady_demand() -> None:
    steady, scattered = told(), believe(np.array((40.0, 190.0, 95.0, 20.0, 160.0)))

    assert np.std(courses(scattered, 1)) > 1.5 * np.std(courses(steady, 1))


def test_courses_are_whole_counts_around_the_expected_level() -> None:
    belief = told(97.0, 103.0, 99.0)

    demand = courses(belief, 4)

    assert demand.shape == (2000, 4)
    assert (demand >= 0).all()
    assert (demand == np.round(demand)).all()
    assert demand[:, 0].mean() == pytest.approx(belief.mean(), rel=0.05)


def test_demand_further_ahead_is_less_certain() -> None:
    demand = courses(told(97.0, 103.0, 99.0), 9)

    assert np.ptp(np.quantile(demand[:, 8], [0.1, 0.9])) > 1.2 * np.ptp(np.quantile(demand[:, 0], [0.1, 0.9]))


def test_the_levels_expected_value_does_not_rise_with_the_horizon() -> None:
    demand = courses(told(97.0, 103.0, 99.0, 102.0, 98.0, 101.0, 100.0), 9, count=20_000)

    assert demand[:, 8].mean() == pytest.approx(demand[:, 0].mean(), rel=0.05)


@pytest.mark.parametrize("sd", [0.04, 0.2, 0.6])
def test_a_step_keeps_the_mean_level(sd: float) -> None:
    log_levels = np.linspace(-4, 4, 161)

    after = step_kernel(log_levels, sd=sd) @ np.exp(log_levels)

    assert after[60:100] == pytest.approx(np.exp(log_levels)[60:100], rel=0.02)


def test_steps_of_every_motion_and_a_return_add_up_to_one() -> None:
    steps = steps_between(97)

    assert steps.shape == (len(MOTIONS), 97, 97)
    assert steps.sum(axis=2) == pytest.approx(np.broadcast_to(1 - RETURNS[:, None], (len(MOTIONS), 97)))


def test_densities_equal_scipys_gamma() -> None:
    mean, noise = np.array([[3.0, 100.0]]), np.array([[0.3]])

    scatter = GammaScatter.around(mean=mean, noise=noise)

    expected = stats.gamma.pdf(80.0, a=scatter.shape, scale=scatter.scale)
    assert scatter.density(np.array([0.0, 80.0]))[1] == pytest.approx(expected)
    assert scatter.density(np.array([0.0]))[0] == pytest.approx(
        stats.gamma.cdf(0.5, a=scatter.shape, scale=scatter.scale)
    )
    assert scatter.scale**2 * scatter.shape == pytest.approx(noise**2 * mean**2 + mean)


@pytest.mark.parametrize("demand", [0.0, 1e9])
def test_demand_that_nothing_explains_leaves_a_finite_belief(demand: float) -> None:
    belief = told(demand, demand, demand)

    assert np.isfinite(belief.mean())
    assert np.isfinite(courses(belief, 3)).all()


def test_a_product_that_never_sold_is_believed_to_sell_next_to_nothing() -> None:
    assert believe(np.zeros(5)).mean() < 1


def test_a_product_that_begins_with_nothing_is_followed_to_whatever_it_sells() -> None:
    assert believe(np.array((0.0,) * 5 + (900.0,) * 10)).mean() == pytest.approx(900, rel=0.1)
