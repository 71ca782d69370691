"""The published slips and ordinary days, and a benchmark that finds what is decided wrongly."""

import os
from pathlib import Path
from typing import Any

import pytest

from benchmarks.slips import cases, missed

STEADY = {
    "mode": "input",
    "current_stock": 20,
    "demand_history": [9, 11, 10] * 20,
    "lead_time_days": 7,
    "unit_price": 5,
}


@pytest.mark.skipif("RESTOCK_DATA" not in os.environ, reason="RESTOCK_DATA does not name the folder with slips.json")
def test_no_published_slip_passes_and_every_ordinary_day_does() -> None:
    found = cases(Path(os.environ["RESTOCK_DATA"]))

    assert len(found) >= 16
    assert [(case["id"], fault) for _, case in found if (fault := missed(case))] == []


def test_what_is_decided_wrongly_is_found() -> None:
    placed: dict[str, Any] = {"request": STEADY, "clean": STEADY}
    unnamed = {**placed, "request": STEADY | {"current_stock": 100}}
    stopped = {"request": STEADY | {"planned_uplift": 40}}

    assert missed(placed) == "68 placed"
    assert "not named" in str(missed(unnamed))
    assert "auto before, review now" in str(missed(stopped))
