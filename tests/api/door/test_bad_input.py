"""What cannot be decided on is refused with a clear problem document, and leaves nothing behind."""

import json
from typing import Any

import pytest

MOCK = {"product_id": "STEEL_SHEETS", "mode": "mock"}
pytestmark = pytest.mark.asyncio(loop_scope="module")
JSON = {"content-type": "application/json"}

REFUSED: dict[str, tuple[dict[str, Any], int, str, str]] = {
    "unknown product": ({"product_id": "NO_SUCH", "mode": "mock"}, 404, "unknown_product", "NO_SUCH"),
    "unknown location": ({**MOCK, "location": "Mars"}, 404, "unknown_location", "Mars"),
    "mode database": ({**MOCK, "mode": "database"}, 422, "no_catalogue", "restock import"),
    "unknown mode": ({**MOCK, "mode": "magic"}, 422, "invalid_input", "mode must be mock or input"),
    "no mode": ({"product_id": "X"}, 422, "invalid_input", "mode must be mock or input"),
    "mode as a list": ({**MOCK, "mode": ["mock"]}, 422, "invalid_input", "mode"),
    "stock in mode mock": ({**MOCK, "current_stock": 5}, 422, "invalid_input", "no such field in mode mock"),
    "no product": ({"mode": "mock"}, 422, "invalid_input", "product_id: This field is required"),
    "a list": ([MOCK], 422, "invalid_input", ""),
    "null": (None, 422, "invalid_input", ""),
}

INLINE: dict[str, tuple[dict[str, Any], str, str]] = {
    "2 data points": ({"demand_history": [1, 2]}, "body", "at least 3 numbers; it has 2"),
    "2 numbers among nulls": ({"demand_history": [1, None, 2, None]}, "body", "at least 3 numbers; it has 2"),
    "a price break twice": (
        {"price_breaks": [{"minimum_quantity": 9, "unit_price": price} for price in (4, 3)]},
        "price_breaks",
        "two prices from 9 units on; give one",
    ),
    "negative demand": ({"demand_history": [100, 120, -5, 130]}, "demand_history[2]", "greater than or equal to 0"),
    "text in demand": ({"demand_history": [100, "120", 130]}, "demand_history[1]", "without quotation marks"),
    "true in demand": ({"demand_history": [100, True, 130]}, "demand_history[1]", "valid number"),
    "demand as an object": ({"demand_history": {"0": 1}}, "demand_history", "valid list"),
    "no demand": ({"demand_history": None}, "demand_history", "valid list"),
    "service level 1.0": ({"service_level": 1.0}, "service_level", "less than or equal to 0.999"),
    "service level 0": ({"service_level": 0}, "service_level", "greater than 0"),
    "service level 95": ({"service_level": 95}, "service_level", "0.999; 0.95 is 95 %"),
    "service level as text": ({"service_level": "0.95"}, "service_level", "valid number"),
    "lead time -1": ({"lead_time_days": -1}, "lead_time_days", "greater than or equal to 0"),
    "lead time of a century": ({"lead_time_days": 36_500}, "lead_time_days", "less than or equal to 3650"),
    "a lead time of a microsecond": ({"lead_time_days": 1e-11}, "lead_time_days", "0 or at least 0.001"),
    "demand in atoms": ({"demand_history": [1, 2, 1e-300]}, "demand_history[2]", "0 or at least 1e-06"),
    "stock far below zero": ({"current_stock": -1e10}, "current_stock", "greater than or equal to -1000000000"),
    "stock below zero beside backorders": ({"current_stock": -1, "backorders": 2}, "body", "below 0 means backorders"),
    "stock as true": ({"current_stock": True}, "current_stock", "valid number"),
    "negative price": ({"unit_price": -0.01}, "unit_price", "greater than or equal to 0"),
    "price in nanodollars": ({"unit_price": 1e-9}, "unit_price", "at most 6 decimal places"),
    "order multiple 0": ({"order_multiple": 0}, "order_multiple", "greater than or equal to 0.000001"),
    "half a minimum": ({"minimum_order_quantity": 1.5}, "minimum_order_quantity", "1.5 is no multiple of unit_size 1"),
    "a case of no whole grams": (
        {"unit_size": 0.5, "order_multiple": 0.7},
        "order_multiple",
        "0.7 is no multiple of unit_size 0.5",
    ),
    "half a price break": (
        {"price_breaks": [{"minimum_quantity": 2.5, "unit_price": 1}]},
        "price_breaks",
        "2.5 is no multiple of unit_size 1",
    ),
    "a price cut without a promotion": ({"price_cuts": {"0": 0.2}}, "body", "a period that promotion_periods lacks"),
    "a price cut of all of it": (
        {"planned_promotion_periods": [1], "planned_price_cuts": {"1": 1}},
        "planned_price_cuts.1",
        "less than 1",
    ),
    "a stock-out beyond the history": ({"stockout_periods": [7]}, "body", "a position demand_history lacks"),
    "an unknown service type": ({"service_type": "hope"}, "service_type", "'cycle'"),
    "an order without a quantity": (
        {"open_orders": [{"reference": "A", "due_in_days": 1}]},
        "open_orders[0].quantity",
        "",
    ),
    "an invented field": ({"confidence": 1.0}, "confidence", "no such field in mode input"),
    "another tenant": ({"tenant_id": "other", "status": "approved"}, "tenant_id", "no such field"),
    "a currency in words": ({"currency": "dollars"}, "currency", ""),
    "an empty id": ({"product_id": ""}, "product_id", "at least 1 character"),
    "an id of 101 characters": ({"product_id": "x" * 101}, "product_id", "at most 100 characters"),
    "an id with a line break": ({"product_id": "X1\nX2"}, "product_id", "nothing invisible"),
    "an id with a direction mark": ({"product_id": "X1\u202e"}, "product_id", "nothing invisible"),
    "an id with a blank letter": ({"product_id": "X1\u3164"}, "product_id", "nothing invisible"),
    "an id with a letter that has another spelling": ({"product_id": "X1\u212a"}, "product_id", "nothing invisible"),
    "an id with NUL": ({"product_id": "X1\u0000"}, "product_id", "nothing invisible"),
    "an id with quotes": ({"product_id": "X'; DROP TABLE orders;--"}, "product_id", "nothing invisible"),
    "an id as a number": ({"product_id": 7}, "product_id", "valid string"),
    "a location with a tag character": ({"location": "A\U000e0041"}, "location", "nothing invisible"),
}


async def test_a_parameter_that_is_not_known_is_named_with_those_that_are(service: Any, problem: Any) -> None:
    document = problem(await service.client.get("/orders?item=X1&limit=3"), 422, "invalid_input")
    trigger = await service.client.post("/inventory-trigger?dry_run=true", json={"product_id": "X", "mode": "mock"})

    assert [each["field"] for each in document["errors"]] == ["item"]
    assert "it takes before, day, late, limit," in document["detail"]
    assert "it takes none" in problem(trigger, 422, "invalid_input")["detail"]
    assert await service.count("runs") == 0


@pytest.mark.parametrize("case", REFUSED)
async def test_a_refused_trigger_says_why_and_leaves_no_trace(shared: Any, problem: Any, case: str) -> None:
    body, status, code, words = REFUSED[case]
    before = await shared.traces()

    document = problem(
        await shared.client.post("/inventory-trigger", content=json.dumps(body), headers=JSON), status, code
    )

    assert words in document["detail"]
    assert await shared.traces() == before


@pytest.mark.parametrize("case", INLINE)
async def test_a_wrong_field_is_named_and_leaves_no_trace(
    shared: Any, problem: Any, x1: dict[str, Any], case: str
) -> None:
    change, field, words = INLINE[case]
    before = await shared.traces()

    document = problem(await shared.trigger({**x1, **change}, **{"Idempotency-Key": "k"}), 422, "invalid_input")

    assert field in [error["field"] for error in document["errors"]]
    assert any(words in error["message"] for error in document["errors"])
    assert await shared.traces() == before


async def test_nan_is_refused_as_what_json_does_not_know(shared: Any, problem: Any, x1: dict[str, Any]) -> None:
    body = json.dumps({**x1, "demand_history": [1, float("nan"), 3, 4]})

    response = await shared.client.post("/inventory-trigger", content=body, headers=JSON)

    assert "NaN" in problem(response, 400, "malformed_json")["detail"]


async def test_malformed_json_is_refused_with_its_place(shared: Any, problem: Any) -> None:
    response = await shared.client.post("/inventory-trigger", content='{"product_id": "X1",}', headers=JSON)

    assert "line 1" in problem(response, 400, "malformed_json")["detail"]


async def test_a_refusal_never_repeats_the_value(shared: Any, x1: dict[str, Any]) -> None:
    canary = "canary-5fb2"

    bodies = [{**x1, "service_level": canary}, {**x1, "mode": canary}, {**x1, "current_stock": {canary: canary}}]

    for body in bodies:
        assert canary not in (await shared.client.post("/inventory-trigger", json=body)).text


async def test_a_body_of_exactly_the_limit_is_read(shared: Any, problem: Any) -> None:
    at_limit = await shared.client.post("/inventory-trigger", content=b" " * 1_000_000, headers=JSON)
    above = await shared.client.post("/inventory-trigger", content=b" " * 1_000_001, headers=JSON)

    problem(at_limit, 400, "malformed_json")
    problem(above, 413, "body_too_large")


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"content-type": "text/plain"},
        {"content-type": "application/x-www-form-urlencoded"},
        {"content-type": "application/json; charset=utf-16"},
        {"content-type": "application/json", "content-encoding": "gzip"},
        {"content-type": "\u00ff"},
    ],
)
async def test_another_media_type_is_refused(shared: Any, problem: Any, headers: dict[str, str]) -> None:
    raw = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]

    response = await shared.client.post("/inventory-trigger", content=json.dumps(MOCK), headers=raw)

    problem(response, 415, "unsupported_media_type")


@pytest.mark.parametrize(
    "media_type", ["application/json", "Application/JSON; charset=UTF-8", 'application/json;charset="utf-8"']
)
async def test_json_in_utf_8_is_taken_however_it_is_written(shared: Any, media_type: str) -> None:
    headers = {"content-type": media_type}

    assert (
        await shared.client.post("/inventory-trigger", content=json.dumps(MOCK), headers=headers)
    ).status_code == 200


async def test_an_unknown_address_is_a_problem_document(shared: Any, problem: Any) -> None:
    problem(await shared.client.get("/no/such/thing"), 404, "not_found")


async def test_a_wrong_method_is_a_problem_document_that_names_the_right_one(shared: Any, problem: Any) -> None:
    response = await shared.client.delete("/inventory-trigger")

    problem(response, 405, "method_not_allowed")
    assert response.headers["allow"] == "POST"


async def test_a_preflight_gets_no_leave(shared: Any, problem: Any) -> None:
    headers = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}

    response = await shared.client.options("/inventory-trigger", headers=headers)

    problem(response, 405, "method_not_allowed")
    assert not [name for name in response.headers if name.startswith("access-control")]


@pytest.mark.parametrize(
    "address", ["/debug/STEEL_SHEETS?mode=input", "/orders?limit=0", "/orders?limit=x", "/reviews?status=lost"]
)
async def test_a_wrong_parameter_is_a_problem_document(shared: Any, problem: Any, address: str) -> None:
    problem(await shared.client.get(address), 422, "invalid_input")


@pytest.mark.parametrize(
    ("address", "code"),
    [
        ("/runs/nope", "unknown_run"),
        ("/orders/PO-2026-999999", "unknown_order"),
        ("/orders/%00", "unknown_order"),
        ("/reviews/RV-999999", "unknown_review"),
        ("/reviews/7", "unknown_review"),
        ("/reviews?before=7", "unknown_review"),
        ("/debug/NO_SUCH", "unknown_product"),
    ],
)
async def test_what_does_not_exist_is_not_found(shared: Any, problem: Any, address: str, code: str) -> None:
    problem(await shared.client.get(address), 404, code)


async def test_a_fault_of_ours_shows_nothing_but_the_request_s_id(
    shared: Any, problem: Any, monkeypatch: pytest.MonkeyPatch, x1: dict[str, Any]
) -> None:
    async def broken(_: object) -> None:
        raise RuntimeError("canary-1c9d at /secret/path")

    monkeypatch.setattr(shared.runtime, "decide", broken)

    response = await shared.trigger(x1)

    problem(response, 500, "internal_error")
    assert "canary" not in response.text
    assert "Traceback" not in response.text
