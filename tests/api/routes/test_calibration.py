"""How far the confidence can be believed, and how orders turned out."""

import json
from pathlib import Path
from typing import Any

import pytest

from tools.records.errors import InvalidInput


async def test_an_outcome_is_recorded_and_shows_in_the_calibration(service: Any, x1: dict[str, Any]) -> None:
    order = (await service.trigger(x1)).json()["order"]

    recorded = await service.client.post(
        f"/orders/{order['number']}/outcome", json={"ran_out": False, "left_over": 40, "received_quantity": 748}
    )

    assert recorded.status_code == 200
    kept = recorded.json()
    assert (kept["order_number"], kept["acceptable"], kept["route"]) == (order["number"], True, "automatic")
    state = (await service.client.get("/calibration")).json()
    assert "CC BY 4.0" in state["table"]["origin"]
    assert state["table"]["age_days"] >= 0
    assert state["reliability"][0].keys() == {"stratum", "predicted", "observed", "count", "low", "high"}
    assert state["observed"]["test"]["outcomes"] == 1
    assert state["observed"]["by_route"] == {"automatic": {"outcomes": 1, "acceptable": 1}}


async def test_another_outcome_of_the_same_order_is_a_conflict(service: Any, x1: dict[str, Any], problem: Any) -> None:
    address = f"/orders/{(await service.trigger(x1)).json()['order']['number']}/outcome"
    await service.client.post(address, json={"ran_out": False, "left_over": 40})

    assert (await service.client.post(address, json={"ran_out": False, "left_over": 40})).status_code == 200
    problem(await service.client.post(address, json={"ran_out": True, "left_over": 0}), 409, "already_recorded")


@pytest.mark.parametrize(
    "body", [{"ran_out": False}, {"ran_out": 0, "left_over": 1}, {"ran_out": True, "left_over": -1}, {"left_over": 1}]
)
async def test_a_report_that_says_too_little_or_too_much_is_refused(
    service: Any, problem: Any, body: dict[str, Any]
) -> None:
    problem(await service.client.post("/orders/PO-2026-000001/outcome", json=body), 422, "invalid_input")


async def test_an_order_that_is_not_there_is_a_404(service: Any, problem: Any) -> None:
    report = {"ran_out": False, "left_over": 1}
    problem(await service.client.post("/orders/PO-2026-000009/outcome", json=report), 404, "unknown_order")


async def test_outcomes_that_disagree_with_the_confidence_raise_the_alarm(service: Any, x1: dict[str, Any]) -> None:
    for index in range(30):
        answer = (await service.trigger({**x1, "product_id": f"X{index}"})).json()
        await service.client.post(
            f"/orders/{answer['order']['number']}/outcome", json={"ran_out": True, "left_over": 0}
        )

    metrics = (await service.client.get("/metrics")).text

    assert "confidence_outcomes 30.0" in metrics
    assert "confidence_drift 1.0" in metrics
    assert (await service.client.get("/calibration")).json()["observed"]["drift"] is True


async def test_without_outcomes_there_is_no_alarm(service: Any) -> None:
    metrics = (await service.client.get("/metrics")).text

    assert "confidence_drift 0.0" in metrics
    assert "confidence_drift_p_value 1.0" in metrics


async def test_a_table_of_ones_own_decides_what_is_automatic(start: Any, x1: dict[str, Any], tmp_path: Path) -> None:
    table = tmp_path / "table.json"
    curve = {"raw": [0, 1], "acceptable": [0, 0.5]}
    curves = {f"{length} history, {kind}": curve for length in ("short", "long") for kind in ("smooth", "unclassified")}
    table.write_text(json.dumps({"origin": "our own", "curves": curves}))
    service = await start(calibration_table=table)

    answer = (await service.trigger(x1)).json()

    assert (answer["status"], answer["confidence_score"] <= 0.5) == ("pending_review", True)
    assert (await service.client.get("/calibration")).json()["table"]["origin"] == "our own"


async def test_a_table_that_is_none_keeps_the_service_from_starting(start: Any, tmp_path: Path) -> None:
    table = tmp_path / "table.json"
    table.write_text("{}")

    with pytest.raises(InvalidInput, match="restock calibrate"):
        await start(calibration_table=table)
