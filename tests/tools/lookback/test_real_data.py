"""The promises on real demand, where RESTOCK_DATA names the folder that holds it."""

import os
from pathlib import Path

import pytest

from benchmarks.real_data import CAR_PARTS_INTERVAL, RETAIL_INTERVAL, car_parts, retail
from tools.lookback.calibration import calibrated, judge_proposals
from tools.lookback.coverage import coverage_table
from tools.lookback.reliability import calibration_error
from tools.lookback.rolling_origin import Origins, rolling_origins
from tools.planning.confidence import shipped_table

FOLDER = os.environ.get("RESTOCK_DATA")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not FOLDER, reason="RESTOCK_DATA does not name the folder with the real demand"),
]


@pytest.fixture(scope="module")
def origins() -> dict[str, Origins]:
    data = Path(str(FOLDER)) / "data"
    return {
        "retail": rolling_origins(retail(data), RETAIL_INTERVAL, step=9),
        "car parts": rolling_origins(car_parts(data), CAR_PARTS_INTERVAL),
    }


@pytest.mark.parametrize("name", ["retail", "car parts"])
def test_what_is_asked_is_achieved_with_no_more_stock_than_the_textbook_takes(
    name: str, origins: dict[str, Origins]
) -> None:
    rows = [row for row in coverage_table(origins[name]) if row.group == "all"]
    assert min(row.points_off for row in rows) > -1.5
    assert max(row.stock_ratio for row in rows) <= 1
    assert all(row.textbook < row.achieved for row in rows)


def test_products_that_sell_five_units_an_interval_come_near_what_is_asked(origins: dict[str, Origins]) -> None:
    for found in origins.values():
        fast = [row for row in coverage_table(found) if "units an interval" in row.group]
        assert abs(sum(row.achieved_by_product - row.asked for row in fast) / len(fast)) < 0.015


@pytest.mark.parametrize("name", ["retail", "car parts"])
def test_the_shipped_confidence_holds(name: str, origins: dict[str, Origins]) -> None:
    shipped = shipped_table()
    assert shipped is not None
    outcomes = judge_proposals(origins[name])
    confidence = calibrated(shipped, outcomes)
    sure = confidence >= 0.5
    assert calibration_error(confidence, outcomes.acceptable) <= 0.03
    assert calibration_error(confidence[sure], outcomes.acceptable[sure]) <= 0.04
