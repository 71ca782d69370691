"""Goods by the kilogram and by the case, from the request to the last receipt."""

from typing import Any

import httpx
import pytest

COFFEE = [0.362, 0.41, 0.33, 0.29, 0.4, 0.38, 0.35, 0.36, 0.41, 0.3] * 6
IN_KILOGRAMS = {
    "mode": "input",
    "product_id": "COFFEE",
    "unit": "kg",
    "current_stock": 0.5,
    "demand_history": COFFEE,
    "lead_time_days": 7,
    "unit_price": 18.5,
}


async def debugged(client: httpx.AsyncClient, body: dict[str, Any]) -> dict[str, Any]:
    response = await client.post("/debug", json=body)
    assert response.status_code == 200, response.text
    return dict(response.json())


async def test_kilograms_are_ordered_by_the_whole_kilogram_unless_a_unit_size_is_sent(
    client: httpx.AsyncClient,
) -> None:
    whole = await debugged(client, IN_KILOGRAMS)
    exact = await debugged(client, IN_KILOGRAMS | {"unit_size": 0.001})

    assert (whole["reorder_point"], whole["recommended_quantity"]) == (2.633, 3)
    assert (exact["reorder_point"], exact["recommended_quantity"]) == (2.633, 2.134)
    assert exact["calculation"]["order_value"] == pytest.approx(39.479)


async def test_a_fraction_is_ordered_edited_and_received(either: Any, problem: Any) -> None:
    waiting = (await either.trigger(IN_KILOGRAMS | {"unit_size": 0.001, "unit_price": None})).json()
    assert waiting["recommended_quantity"] == 2.134
    review = waiting["review_id"] if "review_id" in waiting else waiting["review_url"].rsplit("/", 1)[-1]
    edit = {"decision": "edit", "reason": "a round one"}
    problem(await either.decide(review, quantity=2.2005, override=True, **edit), 422, "invalid_quantity")
    order = (await either.decide(review, quantity=2.2, **edit)).json()["order"]
    assert order["items"][0]["quantity"] == 2.2

    address = f"/orders/{order['number']}/receipts"
    problem(await either.client.post(address, json={"quantity": 0.10005}), 422, "invalid_quantity")
    part = (await either.client.post(address, json={"quantity": 0.1})).json()
    assert (part["status"], part["received_quantity"]) == ("partly_received", 0.1)
    rest = (await either.client.post(address, json={"quantity": 2.1})).json()
    assert (rest["status"], rest["received_quantity"], rest["over_delivered"]) == ("received", 2.2, 0)

    outcome = {"ran_out": False, "left_over": 0.25, "received_quantity": 2.2}
    told = (await either.client.post(f"/orders/{order['number']}/outcome", json=outcome)).json()
    assert (told["received_quantity"], told["left_over"]) == (2.2, 0.25)


async def test_the_value_of_a_fraction_is_exact(service: Any) -> None:
    placed = (await service.trigger(IN_KILOGRAMS | {"unit_size": 0.001})).json()

    assert placed["order"]["total"] == 39.479
    order = await service.book.orders.get(placed["order"]["number"])
    assert str(order.total) == "39.4790"


async def test_half_a_bolt_is_neither_ordered_nor_received(service: Any, x1: dict[str, Any], problem: Any) -> None:
    number = (await service.trigger(x1)).json()["order"]["number"]
    response = await service.client.post(f"/orders/{number}/receipts", json={"quantity": 1.5})
    assert "it is counted in 1" in problem(response, 422, "invalid_quantity")["detail"]

    review_id = (await service.waiting())["review_url"].rsplit("/", 1)[-1]
    for more in ({}, {"override": True}):
        answer = await service.decide(review_id, decision="edit", quantity=850.5, reason="half", **more)
        problem(answer, 422, "invalid_quantity")


async def test_whole_numbers_may_be_written_with_a_point(client: httpx.AsyncClient) -> None:
    """Many systems write every number so. 100 at least, in twelves."""
    body = {"mode": "input", "product_id": "X", "demand_history": [10.0, 11.0, 9.0] * 10, "lead_time_days": 7.0}
    rules = {"current_stock": 0.0, "minimum_order_quantity": 100.0, "order_multiple": 12.0, "unit_size": 1.0}
    found = await debugged(client, body | rules | {"maximum_order_quantity": 1200.0, "units_per_purchase_unit": 1.0})

    assert '"recommended_quantity":108,' in (await client.post("/debug", json=body | rules)).text
    assert found["recommended_quantity"] == 108


async def test_what_is_bought_by_the_case_is_said_in_cases(client: httpx.AsyncClient, x1: dict[str, Any]) -> None:
    cases = {"unit": "pieces", "purchase_unit": "cases", "units_per_purchase_unit": 144}
    found = await debugged(client, x1 | cases)

    assert found["recommended_quantity"] == 864
    assert "6 cases (864 pieces)" in found["trigger_reason"]


async def test_stock_below_zero_is_backorders_in_any_unit(client: httpx.AsyncClient) -> None:
    below = await debugged(client, IN_KILOGRAMS | {"current_stock": -0.25, "unit_size": 0.001})
    owed = await debugged(client, IN_KILOGRAMS | {"current_stock": 0, "backorders": 0.25, "unit_size": 0.001})

    assert below["recommended_quantity"] == owed["recommended_quantity"] == 2.884
    assert any("customers wait for 0.25" in warning for warning in below["warnings"])
