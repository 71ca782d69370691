"""The published forecasts for intermittent demand, against statsforecast's."""

import warnings
from types import ModuleType

import numpy as np
import pytest

from tests.textbook.forecast import croston, sba, smooth

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
def test_croston_and_sba_equal_statsforecast(seed: int, statsforecast_models: ModuleType) -> None:
    demand = series(seed)
    oracles = {
        croston: statsforecast_models.CrostonClassic(),
        sba: statsforecast_models.CrostonSBA(),
    }
    for ours, theirs in oracles.items():
        assert ours(demand) == pytest.approx(float(theirs.forecast(y=demand, h=1)["mean"][0]), rel=1e-9)


def test_no_sale_forecasts_nothing() -> None:
    nothing = np.zeros(12)
    assert (croston(nothing), sba(nothing)) == (0, 0)


def test_croston_counts_the_first_interval_from_the_start() -> None:
    assert croston(INTERMITTENT, smoothing=0.1) == pytest.approx(1.3110367892976587, abs=1e-12)


def test_smoothing_starts_at_the_first_value() -> None:
    assert smooth(np.array([4.0, 8.0]), smoothing=0.25) == 5.0
