"""The score that forecasts are judged by, and what the benchmark says without its data."""

import subprocess
import sys

import numpy as np
import pytest

from benchmarks.forecasting import ASKED, score
from tools.catalog.demand_table import DemandTable
from tools.lookback.rolling_origin import Interval, rolling_origins


def test_a_level_that_is_always_met_loses_what_it_leaves_over_and_one_that_never_is_what_it_lacks() -> None:
    table = DemandTable(("A",), np.full((1, 40), 10.0), "day")
    origins = rolling_origins(table, Interval(1, 1), first=20)
    above, below = score(origins, lambda _: origins.actual + 4), score(origins, lambda _: origins.actual - 4)
    assert above.coverage == (1.0,) * 4 and below.coverage == (0.0,) * 4
    assert above.leftover == pytest.approx((0.2,) * 4) and below.leftover == pytest.approx((0.0,) * 4)
    assert above.pinball == pytest.approx([(1 - asked) * 0.2 for asked in ASKED])
    assert below.pinball == pytest.approx([asked * 0.2 for asked in ASKED])
    assert above.loss == pytest.approx(np.mean(above.pinball))


def test_origins_begin_where_they_are_asked_to() -> None:
    table = DemandTable(("A",), np.full((1, 40), 10.0), "week")
    assert rolling_origins(table, Interval(1, 1), first=30).moment.tolist() == list(range(30, 39))


def test_without_data_the_benchmark_says_what_it_needs() -> None:
    found = subprocess.run(
        [sys.executable, "-m", "benchmarks.forecasting"], capture_output=True, text=True, env={}, check=True, timeout=60
    )
    assert found.stdout.startswith("Skipped: give --data FOLDER")
