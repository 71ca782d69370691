"""What the service says about itself, and what is on every answer."""

import asyncio
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from api import VERSION
from api.app import create_app
from api.routes import orders
from api.routes import service as service_routes


async def metric(client: httpx.AsyncClient, name: str, **labels: str) -> float | None:
    text = (await client.get("/metrics")).text
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if sample.name == name and labels.items() <= sample.labels.items():
                return float(sample.value)
    return None


@pytest.mark.asyncio(loop_scope="module")
async def test_the_root_names_service_status_and_version(shared: Any) -> None:
    assert (await shared.client.get("/")).json() == {"service": "restock", "status": "running", "version": VERSION}


@pytest.mark.asyncio(loop_scope="module")
async def test_a_ready_service_says_what_it_works_with(shared: Any) -> None:
    response = await shared.client.get("/health/ready")

    assert response.status_code == 200
    assert response.json()["database"] == "ok"
    assert response.json()["models"][-1]["provider"] == "rules"


def test_no_route_is_built_once_more_so_that_the_first_request_need_not_wait(settings: Any) -> None:
    known = {id(route) for route in create_app(settings).routes}

    assert [route for route in [*orders.router.routes, *service_routes.router.routes] if id(route) not in known] == []


async def test_the_promised_metrics_are_there_and_count(service: Any, x1: dict[str, Any]) -> None:
    await service.trigger(x1)
    await service.waiting()
    await service.trigger({"product_id": "NO_SUCH", "mode": "mock"})

    client = service.client
    assert await metric(client, "inventory_trigger_total", mode="input", status="executed") == 1
    assert await metric(client, "inventory_trigger_total", mode="input", status="pending_review") == 1
    assert await metric(client, "inventory_trigger_total", mode="mock", status="refused") == 1
    assert (await metric(client, "llm_calls_total", provider="rules") or 0) >= 1
    assert await metric(client, "orders_generated_total", action="purchase_order", status="executed") == 1
    assert await metric(client, "current_safety_stock", product_id="X1") == pytest.approx(57.57, abs=0.01)
    assert await metric(client, "current_reorder_point", product_id="X1") == pytest.approx(897.57, abs=0.01)
    assert await metric(client, "review_queue_length") == 1
    assert await metric(client, "http_requests_total", route="/inventory-trigger", status="200") == 2


async def test_http_metrics_know_routes_not_addresses(client: httpx.AsyncClient) -> None:
    for address in ("/debug/STEEL_SHEETS", "/debug/COPPER_WIRE", "/made/up/1", "/made/up/2"):
        await client.get(address)

    assert await metric(client, "http_requests_total", route="/debug/{product_id}", status="200") == 2
    assert await metric(client, "http_requests_total", route="unmatched", status="404") == 2
    assert "made/up" not in (await client.get("/metrics")).text


@pytest.mark.asyncio(loop_scope="module")
async def test_an_invented_method_does_not_become_a_label(shared: Any) -> None:
    await shared.client.request("BREW", "/")

    assert "BREW" not in (await shared.client.get("/metrics")).text


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("given", ["abc-1.2_3", "A" * 64])
async def test_a_sane_request_id_is_kept(shared: Any, given: str) -> None:
    assert (await shared.client.get("/", headers={"X-Request-ID": given})).headers["x-request-id"] == given


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("given", ["", "A" * 65, "a b", "a\tb", '{"x":1}', "a/../b", "\u00fc"])
async def test_any_other_request_id_is_replaced(shared: Any, given: str) -> None:
    response = await shared.client.get("/", headers=[(b"x-request-id", given.encode("latin-1"))])

    assert response.headers["x-request-id"] != given
    assert len(response.headers["x-request-id"]) == 32


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("address", ["/", "/orders", "/no/such/thing", "/openapi.json", "/metrics"])
async def test_every_answer_carries_the_headers_that_hold_browsers_back(shared: Any, address: str) -> None:
    headers = (await shared.client.get(address)).headers

    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["cache-control"] == "no-store"
    assert headers["content-security-policy"].startswith("default-src 'none'")
    assert "server" not in headers


async def test_a_service_that_is_shutting_down_takes_no_new_work(
    service: Any, problem: Any, x1: dict[str, Any]
) -> None:
    review_id = (await service.waiting())["review_id"]
    service.runtime.begin_shutdown()

    refused = [
        await service.trigger(x1),
        await service.decide(review_id, decision="approve"),
        await service.client.post("/chat", json={"message": "What is on order?"}),
    ]

    for response in refused:
        problem(response, 503, "unavailable")
        assert int(response.headers["retry-after"]) > 0
    assert (await service.client.get("/health/ready")).status_code == 503
    assert (await service.client.get("/health/live")).status_code == 200
    assert (await service.client.get("/orders")).status_code == 200
    assert await service.count("orders") == 0


async def test_what_was_begun_before_the_shutdown_is_finished(
    service: Any, monkeypatch: pytest.MonkeyPatch, x1: dict[str, Any]
) -> None:
    book, begun, go_on = service.book, asyncio.Event(), asyncio.Event()
    place = book.orders.place

    async def slow(run_id: str, **held: Any) -> Any:
        begun.set()
        await go_on.wait()
        return await place(run_id, **held)

    monkeypatch.setattr(book.orders, "place", slow)
    running = asyncio.create_task(service.trigger(x1))
    await begun.wait()

    service.runtime.begin_shutdown()
    go_on.set()

    assert (await running).json()["status"] == "executed"


async def test_docs_can_be_switched_off(start: Any) -> None:
    service = await start(public_pages=())

    for address in ("/docs", "/openapi.json", "/redoc"):
        assert (await service.client.get(address)).status_code == 404


@pytest.mark.asyncio(loop_scope="module")
async def test_a_caller_who_leaves_in_the_middle_of_a_body_is_no_fault_of_ours(shared: Any) -> None:
    headers = [(b"x-api-key", b"test-key-of-the-settings-32-long"), (b"content-type", b"application/json")]
    said = [{"type": "http.request", "body": b'{"product_id', "more_body": True}, {"type": "http.disconnect"}]
    scope = {"type": "http", "method": "POST", "path": "/inventory-trigger", "query_string": b"", "headers": headers}
    before, sent = await shared.traces(), []

    async def receive() -> dict[str, Any]:
        return said.pop(0)

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    await shared.app(scope, receive, send)

    assert sent == []
    assert await shared.traces() == before
