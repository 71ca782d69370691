"""Stated probabilities beside what came."""

import numpy as np
import pytest
from scipy import stats

from tools.lookback.reliability import calibration_test, reliability, wilson_interval


def test_wilsons_interval_is_that_of_scipy() -> None:
    for good, count in ((8, 10), (0, 5), (73, 73), (1, 400)):
        expected = stats.binomtest(good, count).proportion_ci(0.95, method="wilson")
        assert wilson_interval(good / count, count) == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_outcomes_that_overlap_widen_the_interval() -> None:
    stated, acceptable = np.full(80, 0.85), np.repeat([1.0, 0.0], [64, 16])
    (alone,), (together,) = (reliability(stated, acceptable, overlap=overlap) for overlap in (1, 8))
    assert (alone.predicted, alone.observed, alone.count) == (together.predicted, together.observed, 80)
    assert together.high - together.low > 2 * (alone.high - alone.low)


def test_every_tenth_that_occurs_has_its_bin() -> None:
    bins = reliability(np.array([0.05, 0.31, 0.39, 1.0]), np.array([0.0, 1.0, 0.0, 1.0]), stratum="lumpy")
    assert [(each.predicted, each.observed, each.count) for each in bins] == [
        (0.05, 0, 1),
        (pytest.approx(0.35), 0.5, 2),
        (1, 1, 1),
    ]
    assert {each.stratum for each in bins} == {"lumpy"}


def test_calibrated_outcomes_raise_an_alarm_as_rarely_as_the_p_value_says() -> None:
    random = np.random.default_rng(5)
    p_values = []
    for _ in range(1_000):
        stated = random.uniform(0.05, 0.95, 120)
        p_values.append(calibration_test(stated.tolist(), (random.random(120) < stated).tolist()).p_value)
    assert stats.kstest(p_values, "uniform").pvalue > 0.01


@pytest.mark.parametrize("truth", [lambda p: p - 0.15, lambda p: 0.5 + 0.4 * (p - 0.5)])
def test_too_few_good_ones_and_too_little_spread_are_both_found(truth) -> None:
    random = np.random.default_rng(6)
    stated = random.uniform(0.2, 0.95, 400)
    found = calibration_test(stated.tolist(), (random.random(400) < truth(stated)).tolist())
    assert found.p_value < 0.001
    assert found.calibration_error is not None
    assert found.calibration_error > 0.05


def test_one_stated_probability_is_tested_as_a_binomial_share() -> None:
    found = calibration_test([0.8] * 100, [True] * 70 + [False] * 30)
    assert found.statistic == pytest.approx((70 - 80) ** 2 / (100 * 0.8 * 0.2))
    assert found.p_value == pytest.approx(stats.chi2.sf(found.statistic, 1))


def test_nothing_observed_is_no_alarm_and_no_zero() -> None:
    found = calibration_test([], [])
    assert (found.outcomes, found.p_value, found.calibration_error, found.share_acceptable) == (0, 1, None, None)


def test_a_certainty_that_missed_gives_a_finite_test() -> None:
    assert np.isfinite(calibration_test([1.0, 1.0, 0.0], [True, False, False]).statistic)
