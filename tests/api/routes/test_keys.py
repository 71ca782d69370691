"""Keys administered over HTTP, and what a key may then do."""

import asyncio
from decimal import Decimal
from typing import Any

import httpx
import pytest

ERP = {"name": "erp bridge", "scopes": ["trigger", "read", "approve"]}


def with_key(service: Any, key: str) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app=service.app)
    return httpx.AsyncClient(transport=transport, base_url="http://service", headers={"X-API-Key": key})


async def made(service: Any, **changes: Any) -> dict[str, Any]:
    response = await service.client.post("/keys", json=ERP | changes)
    assert response.status_code == 200, response.text
    return dict(response.json())


async def test_a_new_key_is_shown_once_and_opens_what_its_scopes_say(service: Any, problem: Any) -> None:
    key = await made(service, scopes=["read"], expires_at="2099-01-01T00:00:00Z")

    listed = await service.client.get("/keys")
    async with with_key(service, key["key"]) as client:
        assert (await client.get("/orders")).status_code == 200
        problem(await client.get("/keys"), 403, "scope_missing")

    assert key["key"] not in listed.text
    (shown,) = listed.json()["keys"]
    assert shown == {name: value for name, value in key.items() if name != "key"}
    assert (shown["expires_at"], shown["scopes"]) == ("2099-01-01T00:00:00Z", ["read"])
    assert key["key"].startswith(shown["secrets"][0]["prefix"])


async def test_a_repeated_creation_makes_one_key_and_does_not_show_its_secret_again(service: Any) -> None:
    headers = {"Idempotency-Key": "make it once"}

    first = await service.client.post("/keys", json=ERP, headers=headers)
    again = await service.client.post("/keys", json=ERP, headers=headers)

    assert again.headers["idempotency-replayed"] == "true"
    assert again.json() == first.json() | {"key": None}
    assert len((await service.client.get("/keys")).json()["keys"]) == 1
    for table in ("idempotency", "api_keys", "key_secrets", "audit"):
        with service.book.database.engine.begin() as connection:
            stored = connection.exec_driver_sql(f"SELECT * FROM {table}").all()  # noqa: S608
        assert first.json()["key"] not in str(stored)


async def test_an_idempotency_key_that_is_forgotten_makes_no_other_key_of_the_same_id(
    service: Any, problem: Any
) -> None:
    headers = {"Idempotency-Key": "make it once"}
    first = (await service.client.post("/keys", json=ERP, headers=headers)).json()
    with service.book.database.engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM idempotency")

    other = await service.client.post("/keys", json={**ERP, "scopes": ["admin"]}, headers=headers)

    document = problem(other, 422, "idempotency_mismatch")
    assert first["id"] in document["detail"]
    assert len((await service.client.get("/keys")).json()["keys"]) == 1


async def test_a_creation_whose_answer_was_lost_is_not_done_twice(
    service: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    headers = {"Idempotency-Key": "lost"}

    async def crash(*_: object) -> None:
        raise RuntimeError("the power is gone")

    with monkeypatch.context() as patch:
        patch.setattr(service.book.answers, "finish", crash)
        assert (await service.client.post("/keys", json=ERP, headers=headers)).status_code == 500
    await service.book.answers.abandon("lost", "configured /keys")
    again = await service.client.post("/keys", json=ERP, headers=headers)

    assert again.json()["key"] is None
    assert len((await service.client.get("/keys")).json()["keys"]) == 1


async def test_while_a_key_is_rotated_both_secrets_open_and_are_one_caller(service: Any, problem: Any) -> None:
    old = await made(service)
    new = (await service.client.post(f"/keys/{old['id']}/rotate", json={"keep_old_hours": 1})).json()
    async with with_key(service, old["key"]) as before, with_key(service, new["key"]) as after:
        conversation = (await before.post("/chat", json={"message": "What is on order?"})).json()["conversation_id"]
        going_on = {"message": "And overdue?", "conversation_id": conversation}
        assert (await after.post("/chat", json=going_on)).status_code == 200

        newest = (await service.client.post(f"/keys/{old['id']}/rotate", json={"keep_old_hours": 0})).json()
        for client in (before, after):
            problem(await client.get("/orders"), 401, "invalid_key")
    async with with_key(service, newest["key"]) as client:
        assert (await client.get("/orders")).status_code == 200


async def test_a_repeated_rotation_makes_one_secret(service: Any) -> None:
    key, headers = await made(service), {"Idempotency-Key": "turn"}
    address = f"/keys/{key['id']}/rotate"

    first = await service.client.post(address, json={}, headers=headers)
    again = await service.client.post(address, json={}, headers=headers)

    assert (first.json()["key"] is None, again.json()["key"]) == (False, None)
    assert len((await service.client.get("/keys")).json()["keys"][0]["secrets"]) == 2


async def test_a_revoked_key_opens_nothing_from_then_on(service: Any, problem: Any) -> None:
    key = await made(service)
    async with with_key(service, key["key"]) as client:
        assert (await client.get("/orders")).status_code == 200

        revoked = (await service.client.delete(f"/keys/{key['id']}")).json()

        problem(await client.get("/orders"), 401, "invalid_key")
    assert revoked["revoked_at"] is not None
    problem(await service.client.delete("/keys/key_unknown"), 404, "unknown_key")


async def test_the_last_administrator_cannot_be_revoked_where_no_key_is_configured(
    start: Any, problem: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    service = await start(api_key=None)
    async with with_key(service, capsys.readouterr().out.split()[-1]) as client:
        (first,) = (await client.get("/keys")).json()["keys"]

        problem(await client.delete(f"/keys/{first['id']}"), 409, "conflict")

        assert first["may_approve_own"]
        assert (await client.get("/keys")).status_code == 200


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": ""},
        {"scopes": []},
        {"scopes": ["root"]},
        {"expires_at": "2030-01-01T00:00:00"},
        {"expires_at": "0001-01-01T00:00:00+23:59"},
        {"expires_at": "0001-01-01T00:00:00Z"},
        {"expires_at": "9999-12-31T23:59:59-23:59"},
        {"expires_at": "9999-12-31T23:59:59Z"},
        {"expires_at": 1e300},
        {"limits": [{"currency": "eur", "per_day": 5}]},
        {"limits": [{"currency": "EUR", "per_day": -5}]},
        {"limits": [{"currency": "EUR", "per_day": 5}, {"currency": "EUR", "per_order": 5}]},
        {"may_approve_own": "yes"},
        {"id": "key_chosen"},
    ],
)
async def test_a_key_that_is_asked_for_wrongly_is_not_made(service: Any, problem: Any, wrong: dict[str, Any]) -> None:
    problem(await service.client.post("/keys", json=ERP | wrong), 422, "invalid_input")

    assert await service.count("api_keys") == 0


async def test_an_automatic_order_beyond_its_key_s_limit_waits_for_a_person(service: Any, x1: dict[str, Any]) -> None:
    key = await made(service, limits=[{"currency": "USD", "per_day": 600_000}])
    async with with_key(service, key["key"]) as client:
        answers = [
            (await client.post("/inventory-trigger", json={**x1, "product_id": name})).json() for name in ("A1", "B1")
        ]

    assert [answer["status"] for answer in answers] == ["executed", "pending_review"]
    assert answers[1]["review_reasons"] == [
        "Key 'erp bridge' may spend 600,000.00 USD a day, of which 226,000.00 USD are left; "
        "this order is 374,000.00 USD."
    ]


async def test_automatic_orders_beyond_the_day_s_limit_of_all_wait_for_a_person(start: Any, x1: dict[str, Any]) -> None:
    service = await start(auto_day_value_limit=Decimal(400_000))

    answers = [(await service.trigger({**x1, "product_id": name})).json() for name in ("A1", "B1")]
    approved = await service.decide(answers[1]["review_id"], decision="approve")

    assert [answer["status"] for answer in answers] == ["executed", "pending_review"]
    assert "Automatic orders may cost 400,000.00 USD a day together" in answers[1]["review_reasons"][0]
    assert approved.json()["status"] == "executed"


async def test_an_approval_beyond_the_key_s_limit_is_forbidden_and_changes_nothing(service: Any, problem: Any) -> None:
    waiting = await service.waiting()
    key = await made(service, name="junior")
    await made(service, name="senior")
    limits = {"limits": [{"currency": "USD", "per_order": 1_000}]}
    limited = (await service.client.put(f"/keys/{key['id']}/limits", json=limits)).json()
    assert limited["limits"] == [{"currency": "USD", "per_order": 1000.0, "per_day": None, "in_total": None}]

    async with with_key(service, key["key"]) as client:
        address = f"/reviews/{waiting['review_id']}/decision"
        document = problem(await client.post(address, json={"decision": "approve"}), 403, "limit_exceeded")

    assert "may spend 1,000.00 USD on one order; this order is 3,740,000.00 USD" in document["detail"]
    assert "'senior'" in document["detail"]
    assert await service.count("orders") == 0


@pytest.mark.parametrize("begin", ["trigger", "chat"])
async def test_the_key_that_asked_does_not_approve_unless_it_may(
    service: Any, problem: Any, reviewed: dict[str, Any], begin: str
) -> None:
    asker, allowed = await made(service), await made(service, may_approve_own=True)
    for key, status in ((asker, 403), (allowed, 200)):
        async with with_key(service, key["key"]) as client:
            review_id = await _begun(client, {**reviewed, "product_id": key["id"].upper()}, begin)
            response = await client.post(f"/reviews/{review_id}/decision", json={"decision": "approve"})
        if status == 403:
            problem(response, 403, "own_order")
            assert await service.count("orders") == 0
            rejection = {"decision": "reject", "reason": "makes room"}
            assert (await service.client.post(f"/reviews/{review_id}/decision", json=rejection)).status_code == 200
        else:
            assert response.json()["order"]["placed_by"] == "erp bridge"


async def _begun(client: httpx.AsyncClient, body: dict[str, Any], begin: str) -> str:
    if begin == "trigger":
        return str((await client.post("/inventory-trigger", json=body)).json()["review_id"])
    answer = (await client.post("/chat", json={"message": "Please reorder STEEL_SHEETS."})).json()
    return str(answer["runs"][0]["review_id"])


async def test_the_audit_trail_tells_who_did_what_by_the_key_s_id(service: Any, x1: dict[str, Any]) -> None:
    key = await made(service)
    async with with_key(service, key["key"]) as client:
        answer = (await client.post("/inventory-trigger", json=x1)).json()

    trail = (await service.client.get("/audit", params={"order": answer["order"]["number"]})).json()

    (entry,) = trail["entries"]
    assert (entry["event"], entry["run_id"]) == ("order.placed", answer["run_id"])
    assert entry["figures"]["requested_by_id"] == key["id"]
    made_by = (await service.client.get("/audit", params={"actor": "configured"})).json()["entries"]
    assert [entry["event"] for entry in made_by] == ["key.created"]


async def test_the_trail_is_paged(service: Any) -> None:
    for name in ("a", "b", "c"):
        await made(service, name=name)
    seen, before = [], None
    while True:
        query = {"limit": 2} | ({"before": before} if before else {})
        page = (await service.client.get("/audit", params=query)).json()
        seen += [entry["figures"]["name"] for entry in page["entries"]]
        before = page["next"]
        if before is None:
            break
    assert seen == ["c", "b", "a"]


async def test_fifty_creations_at_once_with_one_idempotency_key_make_one_key(service: Any) -> None:
    headers = {"Idempotency-Key": "many"}

    answers = await asyncio.gather(*(service.client.post("/keys", json=ERP, headers=headers) for _ in range(50)))

    assert {answer.status_code for answer in answers} <= {200, 409, 429, 503}
    shown = [answer.json()["key"] for answer in answers if answer.status_code == 200]
    assert len([key for key in shown if key]) == 1
    assert await service.count("api_keys") == 1
