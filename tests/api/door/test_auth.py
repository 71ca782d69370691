"""Who gets in, and as far as which scope."""

from collections import Counter
from typing import Any

import httpx
import pytest
from sqlalchemy import Table

from api.door.auth import ALL_SCOPES, digest, new_key, well_formed
from tests.api.conftest import KEY
from tests.order_book import store_key
from tools.records.errors import Unavailable
from tools.storage.caller_schema import api_keys, key_secrets
from tools.storage.types import Now

KEY_HEADER = "X-API-Key"
GUARDED = [
    ("POST", "/inventory-trigger", "trigger"),
    ("POST", "/chat", "trigger"),
    ("POST", "/mcp", "read"),
    ("GET", "/conversations", "trigger"),
    ("GET", "/conversations/0123456789abcdef0123456789abcdef", "trigger"),
    ("DELETE", "/conversations/0123456789abcdef0123456789abcdef", "trigger"),
    ("POST", "/debug", "read"),
    ("GET", "/debug/STEEL_SHEETS", "read"),
    ("GET", "/orders", "read"),
    ("GET", "/orders/PO-2026-000001", "read"),
    ("GET", "/reviews", "read"),
    ("GET", "/reviews/RV-000001", "read"),
    ("POST", "/reviews/RV-000001/decision", "approve"),
    ("POST", "/orders/PO-2026-000001/outcome", "approve"),
    ("POST", "/orders/PO-2026-000001/receipts", "approve"),
    ("POST", "/orders/PO-2026-000001/receipts/1/corrections", "approve"),
    ("POST", "/orders/PO-2026-000001/cancel", "approve"),
    ("POST", "/orders/PO-2026-000001/sent", "approve"),
    ("GET", "/calibration", "read"),
    ("GET", "/runs/unknown", "read"),
    ("GET", "/metrics", "read"),
    ("GET", "/keys", "admin"),
    ("POST", "/keys", "admin"),
    ("POST", "/keys/key_unknown/rotate", "admin"),
    ("PUT", "/keys/key_unknown/limits", "admin"),
    ("DELETE", "/keys/key_unknown", "admin"),
    ("GET", "/audit", "admin"),
    ("GET", "/today", "read"),
    ("GET", "/sweeps", "read"),
    ("POST", "/sweeps", "trigger"),
    ("GET", "/sweeps/unknown", "read"),
    ("GET", "/runs", "read"),
    ("GET", "/purchase-orders", "read"),
    ("GET", "/purchase-orders/PD-2026-999999", "read"),
    ("GET", "/purchase-orders/PD-2026-999999/print", "read"),
    ("GET", "/purchase-orders/PD-2026-999999/pdf", "read"),
    ("POST", "/purchase-orders/PD-2026-999999/sent", "approve"),
    ("POST", "/purchase-orders/PD-2026-999999/receipts", "approve"),
    ("GET", "/imports", "read"),
    ("GET", "/imports/1", "read"),
    ("POST", "/imports/1", "approve"),
    ("POST", "/imports/1/confirm", "approve"),
    ("POST", "/imports/1/undo", "approve"),
    ("GET", "/orders-elsewhere", "read"),
    ("POST", "/orders-elsewhere/receipts", "approve"),
    ("POST", "/orders-elsewhere/cancel", "approve"),
    ("GET", "/products", "read"),
    ("GET", "/products/unknown", "read"),
    ("PUT", "/products/unknown", "approve"),
    ("GET", "/suppliers", "read"),
    ("GET", "/suppliers/unknown", "read"),
    ("PUT", "/suppliers/unknown", "approve"),
    ("POST", "/stock", "trigger"),
    ("POST", "/demand", "trigger"),
    ("GET", "/catalogue", "read"),
    ("PUT", "/catalogue", "approve"),
    ("GET", "/automatic", "read"),
    ("PUT", "/automatic", "admin"),
]
GUARDED_AS_OPENAI = [
    ("POST", "/v1/chat/completions", "trigger"),
    ("GET", "/v1/models", "trigger"),
    ("GET", "/v1/models/restock", "trigger"),
]
UPLOAD = ("POST", "/imports", "approve")
"""Takes files, and no JSON."""


def stranger(service: Any, *keys: str | bytes) -> httpx.AsyncClient:
    """A client with these keys and no others."""
    headers = [(b"x-api-key", key if isinstance(key, bytes) else key.encode()) for key in keys]
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=service.app), base_url="http://service", headers=headers)


async def with_stored_key(service: Any, *scopes: str, name: str = "robot") -> httpx.AsyncClient:
    key = new_key()
    await store_key(service.book, digest(key.encode()), key[:10], name, *scopes)
    return stranger(service, key)


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(("method", "address", "_scope"), [*GUARDED, UPLOAD])
async def test_without_a_key_nothing_guarded_answers(
    shared: Any, problem: Any, method: str, address: str, _scope: str
) -> None:
    async with stranger(shared) as client:
        document = problem(await client.request(method, address), 401, "key_missing")

    assert KEY_HEADER in document["detail"]


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(("method", "address", "scope"), GUARDED)
async def test_each_address_asks_for_its_own_scope(
    shared: Any, problem: Any, method: str, address: str, scope: str
) -> None:
    others = ALL_SCOPES - {scope}

    async with await with_stored_key(shared, *others) as client:
        refused = await client.request(method, address, json=None if method == "GET" else {})
    async with await with_stored_key(shared, scope) as client:
        let_in = await client.request(method, address, json=None if method == "GET" else {})

    assert scope in problem(refused, 403, "scope_missing")["detail"]
    assert let_in.status_code in (200, 202, 404, 421, 422)


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(("method", "address", "scope"), GUARDED_AS_OPENAI)
async def test_the_addresses_of_openai_are_guarded_alike_and_refuse_in_its_form(
    shared: Any, method: str, address: str, scope: str
) -> None:
    async with stranger(shared) as client:
        keyless = await client.request(method, address)
    async with await with_stored_key(shared, *(ALL_SCOPES - {scope})) as client:
        scopeless = await client.request(method, address)
    async with await with_stored_key(shared, scope) as client:
        let_in = await client.request(method, address, json=None if method == "GET" else {})

    assert (keyless.status_code, keyless.json()["error"]["code"]) == (401, "invalid_api_key")
    assert (scopeless.status_code, scopeless.json()["error"]["type"]) == (403, "permission_error")
    assert let_in.status_code in (200, 400)


@pytest.mark.asyncio(loop_scope="module")
async def test_the_guarded_addresses_are_all_there_are(shared: Any) -> None:
    document = (await shared.client.get("/openapi.json")).json()
    open_addresses = {"/", "/health/live", "/health/ready"}

    operations = [
        (path, method, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
        if path not in open_addresses
    ]

    wanted = [(method, scope) for method, _, scope in (*GUARDED, *GUARDED_AS_OPENAI, UPLOAD)]
    assert Counter((method.upper(), each["x-required-scope"]) for _, method, each in operations) == Counter(wanted)


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("address", ["/", "/health/live", "/health/ready"])
async def test_the_open_addresses_need_no_key(shared: Any, address: str) -> None:
    async with stranger(shared) as client:
        assert (await client.get(address)).status_code == 200


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(
    "key",
    [
        "wrong",
        "",
        " ",
        "test-key-of-the-settings-32-lon",
        "test-key-of-the-settings-32-long ",
        "x" * 10_000,
        b"\xff\xfe",
        "schlüssel",
    ],
)
async def test_a_wrong_key_is_refused(shared: Any, problem: Any, key: str | bytes) -> None:
    async with stranger(shared, key) as client:
        response = await client.get("/orders")

    problem(response, 401, "invalid_key")
    assert response.headers["www-authenticate"].startswith("ApiKey")


@pytest.mark.asyncio(loop_scope="module")
async def test_a_well_formed_key_that_nobody_was_given_is_refused(shared: Any, problem: Any) -> None:
    async with stranger(shared, new_key()) as client:
        problem(await client.get("/orders"), 401, "invalid_key")


@pytest.mark.asyncio(loop_scope="module")
async def test_two_keys_are_refused_whichever_is_right(shared: Any, problem: Any) -> None:
    right = "test-key-of-the-settings-32-long"

    for keys in [(right, "wrong"), ("wrong", right), (right, right)]:
        async with stranger(shared, *keys) as client:
            problem(await client.get("/orders"), 401, "invalid_key")


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("name", ["api_key", "apikey", "API-KEY", "X-API-Key", "key", "access_token"])
async def test_a_key_in_the_address_is_refused_even_beside_a_right_one(shared: Any, problem: Any, name: str) -> None:
    response = await shared.client.get("/debug/STEEL_SHEETS", params={name: "canary-77aa"})

    problem(response, 401, "key_in_query")
    assert "canary" not in response.text


@pytest.mark.asyncio(loop_scope="module")
async def test_a_stranger_s_body_is_not_even_read(shared: Any, problem: Any) -> None:
    read = False

    async def body() -> Any:
        nonlocal read
        read = True
        yield b"{}"

    async with stranger(shared) as client:
        headers = {"content-length": "2"}
        problem(await client.post("/inventory-trigger", content=body(), headers=headers), 401, "key_missing")

    assert not read


async def test_an_order_is_recorded_under_the_name_of_the_key_that_asked(service: Any, x1: dict[str, Any]) -> None:
    async with await with_stored_key(service, "trigger", "read", name="erp bridge") as client:
        answer = (await client.post("/inventory-trigger", json=x1)).json()
        run = (await client.get(f"/runs/{answer['run_id']}")).json()
        order = (await client.get(f"/orders/{answer['order']['number']}")).json()
    (key,) = [key for key in await service.book.keys.all() if key.name == "erp bridge"]
    (entry,) = await service.book.audit.page(order_number=order["number"])

    assert run["requested_by"] == "erp bridge"
    assert (order["placed_by"], order["placed_by_id"]) == ("automatic", key.id)
    assert (entry.figures["requested_by"], entry.figures["requested_by_id"]) == ("erp bridge", key.id)


async def test_a_key_whose_use_cannot_be_noted_is_let_in(service: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    async def locked(key_hash: str) -> None:
        raise Unavailable("The order book is locked.")

    monkeypatch.setattr(service.book.keys, "note_use", locked)
    async with await with_stored_key(service, "read") as client:
        assert (await client.get("/orders")).status_code == 200


async def test_without_any_key_one_is_made_shown_once_and_stored_as_a_hash(
    start: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    service = await start(api_key=None)

    shown = capsys.readouterr().out
    key = shown.split()[-1]
    async with stranger(service, key) as client:
        let_in = await client.get("/orders")

    assert let_in.status_code == 200
    assert shown.count("rsk_") == 1
    stored = await service.book.keys.by_hash(digest(key.encode()))
    assert stored.scopes == ALL_SCOPES
    assert len(stored.prefix) == 10


@pytest.mark.parametrize(
    ("table", "end"), [(api_keys, "revoked_at"), (api_keys, "expires_at"), (key_secrets, "expires_at")]
)
async def test_a_key_that_has_ended_is_refused_in_the_words_for_one_that_never_was(
    service: Any, problem: Any, table: Table, end: str
) -> None:
    async with await with_stored_key(service, "read") as client, stranger(service, new_key()) as unknown:
        assert (await client.get("/orders")).status_code == 200

        with service.book.database.engine.begin() as connection:
            connection.execute(table.update().values({end: Now()}))
        ended, never = await client.get("/orders"), await unknown.get("/orders")

    assert {**problem(ended, 401, "invalid_key"), "instance": ""} == {
        **problem(never, 401, "invalid_key"),
        "instance": "",
    }
    assert ended.headers.keys() == never.headers.keys()


async def test_a_second_start_makes_and_shows_no_second_key(start: Any, capsys: pytest.CaptureFixture[str]) -> None:
    await start(api_key=None)
    capsys.readouterr()

    await start(api_key=None)

    assert "rsk_" not in capsys.readouterr().out


async def test_a_key_of_the_settings_leaves_no_key_to_be_made(start: Any, capsys: pytest.CaptureFixture[str]) -> None:
    service = await start()

    assert "rsk_" not in capsys.readouterr().out
    assert await service.count("api_keys") == 0


async def test_metrics_are_open_by_setting_only(start: Any) -> None:
    service = await start(public_pages=("metrics",))

    async with stranger(service) as client:
        assert (await client.get("/metrics")).status_code == 200


async def test_a_conversation_belongs_to_the_key_that_began_it(service: Any, problem: Any) -> None:
    begun = (await service.client.post("/chat", json={"message": "What is on order?"})).json()
    go_on = {"message": "And overdue?", "conversation_id": begun["conversation_id"]}
    made_up = {"message": "And overdue?", "conversation_id": "0" * 32}

    async with await with_stored_key(service, "trigger") as other:
        foreign = problem(await other.post("/chat", json=go_on), 404, "unknown_conversation")
        unknown = problem(await other.post("/chat", json=made_up), 404, "unknown_conversation")

    assert (await service.client.post("/chat", json=go_on)).status_code == 200
    assert {**foreign, "instance": ""} == {**unknown, "instance": ""}


def test_keys_are_long_different_and_checked_without_a_look_up() -> None:
    keys = {new_key() for _ in range(100)}

    assert len(keys) == 100
    for key in keys:
        assert well_formed(key.encode())
        assert not well_formed(key[:-1].encode() + (b"0" if key[-1] != "0" else b"1"))
        assert not well_formed(key[:20].encode() + b"\xff" + key[21:].encode())


BEARERS = [
    ({"Authorization": f"Bearer {KEY}"}, 200),
    ({"Authorization": f"bearer  {KEY}"}, 200),
    ({"Authorization": f"Bearer {KEY}", KEY_HEADER: KEY}, 200),
    ({"Authorization": "Basic cHJveHk6cGFzc3dvcmQ=", KEY_HEADER: KEY}, 200),
    ({"Authorization": "Bearer wrong", KEY_HEADER: KEY}, 401),
    ({"Authorization": f"Bearer {KEY}", KEY_HEADER: "wrong"}, 401),
    ({"Authorization": f"Bearer {KEY}x"}, 401),
    ({"Authorization": f"Basic {KEY}"}, 401),
    ({"Authorization": KEY}, 401),
    ({"Authorization": "Bearer"}, 401),
    ({"Authorization": "Bearer "}, 401),
]


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(("headers", "status"), BEARERS)
async def test_a_key_may_come_as_a_bearer_and_two_that_differ_are_refused(
    shared: Any, headers: dict[str, str], status: int
) -> None:
    async with stranger(shared) as client:
        answer = await client.get("/orders", headers=headers)

    assert answer.status_code == status
    assert status == 200 or "Bearer" in answer.headers["www-authenticate"]


async def test_two_bearers_are_refused(service: Any) -> None:
    async with stranger(service) as client:
        answer = await client.get("/orders", headers=[("Authorization", f"Bearer {each}") for each in (KEY, "other")])

    assert answer.status_code == 401


async def test_a_good_bearer_gets_through_from_an_address_that_guesses(start: Any) -> None:
    service = await start(rate_limit_failed_keys="2/minute")
    good = {"Authorization": f"Bearer {KEY}"}
    async with stranger(service) as client:
        known = await client.get("/orders", headers=good)
        guesses = [await client.get("/orders", headers={"Authorization": f"Bearer {n}"}) for n in range(4)]
        again = await client.get("/orders", headers=good)

    assert [known.status_code, guesses[-1].status_code, again.status_code] == [200, 429, 200]
