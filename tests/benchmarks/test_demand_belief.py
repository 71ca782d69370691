import numpy as np
import pytest
from scipy import stats

from benchmarks.demand_belief import DemandBelief, DemandPrior, GammaScatter, step_kernel

STEADY = (98.0, 104.0, 95.0, 107.0, 101.0)


def told(*demand: float) -> DemandBelief:
    belief = DemandBelief(STEADY)
    for units in demand:
        belief.observe(units)
    return belief


def test_a_level_shift_is_followed_within_three_periods() -> None:
    belief = told(205.0, 196.0, 210.0)

    assert belief.mean() == pytest.approx(200, rel=0.12)


def test_one_surge_among_steady_periods_moves_the_level_little() -> None:
    belief = told(102.0, 97.0, 103.0, 400.0, 99.0)

    assert belief.mean() == pytest.approx(100, rel=0.12)


def test_a_surge_moves_the_level_less_where_surges_are_thought_possible() -> None:
    expecting, blind = DemandBelief(STEADY), DemandBelief(STEADY, DemandPrior(surge_chance=0.0))

    for belief in (expecting, blind):
        belief.observe(400.0)

    assert expecting.mean() < 0.95 * blind.mean()


def test_a_shift_of_a_long_steady_level_is_followed_sooner_where_jumps_are_thought_possible() -> None:
    steady = STEADY * 5
    expecting, blind = DemandBelief(steady), DemandBelief(steady, DemandPrior(jump_chance=0.0))

    for belief in (expecting, blind):
        belief.observe(400.0)
        belief.observe(410.0)

    assert abs(expecting.mean() - 400) < 0.8 * abs(blind.mean() - 400)


def test_a_level_seen_before_is_believed_sooner_than_a_new_one() -> None:
    surge = (200.0, 196.0, 205.0, 199.0, 203.0, 198.0, 201.0, 204.0)

    back, beyond = told(*surge, 100.0).mean(), told(*surge, 400.0).mean()

    assert abs(back - 100) / 100 < abs(beyond - 400) / 400


def test_scattered_demand_is_believed_wider_than_steady_demand() -> None:
    steady, scattered = DemandBelief(STEADY), DemandBelief((40.0, 190.0, 95.0, 20.0, 160.0))

    widths = [
        np.std(belief.scenarios(periods=1, count=400, random=np.random.default_rng(1)))
        for belief in (steady, scattered)
    ]

    assert widths[1] > 1.5 * widths[0]


def test_scenarios_are_whole_units_around_the_expected_level() -> None:
    belief = told(97.0, 103.0, 99.0)

    demand = belief.scenarios(periods=4, count=2000, random=np.random.default_rng(5))

    assert demand.shape == (2000, 4)
    assert (demand >= 0).all()
    assert (demand == np.round(demand)).all()
    assert demand[:, 0].mean() == pytest.approx(belief.mean(), rel=0.05)


def test_demand_further_ahead_is_less_certain() -> None:
    demand = told(97.0, 103.0, 99.0).scenarios(periods=9, count=2000, random=np.random.default_rng(5))

    assert np.ptp(np.quantile(demand[:, 8], [0.1, 0.9])) > 1.2 * np.ptp(np.quantile(demand[:, 0], [0.1, 0.9]))


def test_the_levels_expected_value_does_not_rise_with_the_horizon() -> None:
    demand = told(97.0, 103.0, 99.0).scenarios(periods=9, count=20000, random=np.random.default_rng(5))

    assert demand[:, 8].mean() == pytest.approx(demand[:, 0].mean(), rel=0.04)


@pytest.mark.parametrize("sd", [0.04, 0.2, 0.6])
def test_a_step_keeps_the_mean_level(sd: float) -> None:
    log_levels = np.linspace(-4, 4, 161)

    after = step_kernel(log_levels=log_levels, sd=sd) @ np.exp(log_levels)

    assert after[60:100] == pytest.approx(np.exp(log_levels)[60:100], rel=0.02)


def test_densities_equal_scipys_gamma() -> None:
    mean, noise = np.array([[3.0, 100.0]]), np.array([[0.3]])

    scatter = GammaScatter.around(mean=mean, noise=noise)

    expected = stats.gamma.pdf(80.0, a=scatter.shape, scale=scatter.scale)
    assert scatter.density(80.0) == pytest.approx(expected)
    assert scatter.scale * scatter.shape == pytest.approx(mean)
    assert scatter.scale**2 * scatter.shape == pytest.approx(noise**2 * mean**2 + mean)


@pytest.mark.parametrize("demand", [0.0, 1e9])
def test_demand_that_nothing_explains_leaves_a_finite_belief(demand: float) -> None:
    belief = told(demand, demand, demand)

    assert np.isfinite(belief.mean())
    assert np.isfinite(belief.scenarios(periods=3, count=50, random=np.random.default_rng(2))).all()


def test_a_product_that_never_sold_is_believed_to_sell_next_to_nothing() -> None:
    belief = DemandBelief((0.0,) * 5)

    assert belief.mean() < 1
