"""The document tells the truth about the service."""

import tomllib
from pathlib import Path
from typing import Any

import pytest

from api import VERSION

ROOT = Path(__file__).parents[3]

PATHS = {
    "/": {"get"},
    "/inventory-trigger": {"post"},
    "/debug": {"post"},
    "/debug/{product_id}": {"get"},
    "/chat": {"post"},
    "/v1/chat/completions": {"post"},
    "/v1/models": {"get"},
    "/v1/models/{model}": {"get"},
    "/mcp": {"post"},
    "/conversations": {"get"},
    "/conversations/{conversation_id}": {"delete", "get"},
    "/today": {"get"},
    "/sweeps": {"get", "post"},
    "/sweeps/{sweep_id}": {"get"},
    "/orders": {"get"},
    "/orders/{number}": {"get"},
    "/orders/{number}/receipts": {"post"},
    "/orders/{number}/receipts/{receipt_id}/corrections": {"post"},
    "/orders/{number}/cancel": {"post"},
    "/orders/{number}/sent": {"post"},
    "/orders/{number}/outcome": {"post"},
    "/orders-elsewhere": {"get"},
    "/orders-elsewhere/receipts": {"post"},
    "/orders-elsewhere/cancel": {"post"},
    "/purchase-orders": {"get"},
    "/purchase-orders/{number}": {"get"},
    "/purchase-orders/{number}/print": {"get"},
    "/purchase-orders/{number}/pdf": {"get"},
    "/purchase-orders/{number}/sent": {"post"},
    "/purchase-orders/{number}/receipts": {"post"},
    "/calibration": {"get"},
    "/reviews": {"get"},
    "/reviews/{review_id}": {"get"},
    "/reviews/{review_id}/decision": {"post"},
    "/runs": {"get"},
    "/runs/{run_id}": {"get"},
    "/keys": {"get", "post"},
    "/keys/{key_id}": {"delete"},
    "/keys/{key_id}/rotate": {"post"},
    "/keys/{key_id}/limits": {"put"},
    "/audit": {"get"},
    "/automatic": {"get", "put"},
    "/imports": {"get", "post"},
    "/imports/{number}": {"get", "post"},
    "/imports/{number}/confirm": {"post"},
    "/imports/{number}/undo": {"post"},
    "/products": {"get"},
    "/products/{product_id}": {"get", "put"},
    "/suppliers": {"get"},
    "/suppliers/{supplier_id}": {"get", "put"},
    "/stock": {"post"},
    "/demand": {"post"},
    "/catalogue": {"get", "put"},
    "/metrics": {"get"},
    "/health/live": {"get"},
    "/health/ready": {"get"},
}


pytestmark = pytest.mark.asyncio(loop_scope="module")


def operations(document: dict[str, Any]) -> list[dict[str, Any]]:
    return [operation for methods in document["paths"].values() for operation in methods.values()]


async def test_it_lists_every_address_and_no_other(shared: Any) -> None:
    document = (await shared.client.get("/openapi.json")).json()

    assert {path: set(methods) for path, methods in document["paths"].items()} == PATHS


async def test_every_operation_says_what_it_does(shared: Any) -> None:
    document = (await shared.client.get("/openapi.json")).json()

    assert all(operation["description"] and operation["summary"] for operation in operations(document))


async def test_every_schema_field_and_parameter_says_what_it_is(shared: Any) -> None:
    document = (await shared.client.get("/openapi.json")).json()

    schemas = document["components"]["schemas"]
    fields = {f"{of}.{name}": field for of, schema in schemas.items() for name, field in schema["properties"].items()}
    parameters = [each for operation in operations(document) for each in operation.get("parameters", [])]
    assert [name for name, part in (schemas | fields).items() if not part.get("description")] == []
    assert [each["name"] for each in parameters if not each.get("description")] == []


async def test_every_guarded_operation_names_key_scope_and_problems(shared: Any) -> None:
    document = (await shared.client.get("/openapi.json")).json()

    guarded = [operation for operation in operations(document) if "x-required-scope" in operation]
    for operation in guarded:
        assert operation["security"] == [{"ApiKey": []}, {"Bearer": []}]
        assert {"401", "403", "503"} <= operation["responses"].keys()
        refusal = operation["responses"]["401"]["content"]
        if "application/problem+json" in refusal:
            assert refusal["application/problem+json"]["example"]["status"] == 401
        else:
            assert refusal["application/json"]["schema"]["$ref"].endswith("/CompletionRefusal")
    assert document["components"]["securitySchemes"]["ApiKey"]["name"] == "X-API-Key"
    assert "Problem" in document["components"]["schemas"]
    assert "HTTPValidationError" not in document["components"]["schemas"]


async def test_every_post_that_can_create_something_takes_an_idempotency_key_and_shows_examples(shared: Any) -> None:
    document = (await shared.client.get("/openapi.json")).json()

    posts = [methods["post"] for methods in document["paths"].values() if "requestBody" in methods.get("post", {})]
    posts.remove(document["paths"]["/debug"]["post"])
    posts.remove(document["paths"]["/v1/chat/completions"]["post"])  # OpenAI's clients know no such header
    posts.remove(document["paths"]["/mcp"]["post"])
    for operation in posts:
        assert "Idempotency-Key" in [parameter["name"] for parameter in operation["parameters"]]
        content = operation["requestBody"]["content"]
        assert "multipart/form-data" in content or content["application/json"]["examples"]
        assert {"400", "409", "413", "415", "422"} <= operation["responses"].keys()


async def test_every_reference_leads_somewhere(shared: Any) -> None:
    document = (await shared.client.get("/openapi.json")).json()

    for reference in _references(document):
        part: Any = document
        for name in reference.removeprefix("#/").split("/"):
            part = part[name]


def _references(value: Any) -> list[str]:
    if isinstance(value, list):
        return [reference for item in value for reference in _references(item)]
    if not isinstance(value, dict):
        return []
    own = [value["$ref"]] if isinstance(value.get("$ref"), str) else []
    return own + [reference for item in value.values() for reference in _references(item)]


async def test_it_shows_money_as_numbers(shared: Any) -> None:
    schemas = (await shared.client.get("/openapi.json")).json()["components"]["schemas"]

    assert schemas["OrderItem"]["properties"]["unit_price"]["anyOf"][0] == {"type": "number"}


async def test_answers_are_as_it_says(shared: Any, x1: dict[str, Any]) -> None:
    schemas = (await shared.client.get("/openapi.json")).json()["components"]["schemas"]

    answer = (await shared.trigger(x1)).json()
    review = (await shared.client.get(f"/reviews/{(await shared.waiting())['review_id']}")).json()

    assert set(answer) == set(schemas["TriggerAnswer"]["properties"])
    assert set(answer["calculation"]) == set(schemas["Calculation"]["properties"])
    assert set(answer["order"]) == set(schemas["OrderAnswer"]["properties"])
    assert set(review) == set(schemas["ReviewAnswer"]["properties"])


async def test_the_version_is_the_package_s(shared: Any) -> None:
    document = (await shared.client.get("/openapi.json")).json()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

    assert document["info"]["version"] == VERSION == project["version"]
