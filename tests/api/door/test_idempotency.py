"""The same request sent twice is done once."""

import asyncio
import json
from typing import Any

import httpx
import pytest
from sqlalchemy import delete, update

from api.door.auth import digest, new_key
from tests.order_book import store_key
from tools.storage.schema import idempotency, runs


def key(value: str) -> dict[str, str]:
    return {"Idempotency-Key": value}


async def test_the_same_key_and_body_get_the_first_answer_again(service: Any, x1: dict[str, Any]) -> None:
    first = await service.trigger(x1, **key("a"))

    second = await service.trigger(x1, **key("a"))

    assert second.content == first.content
    assert "idempotency-replayed" not in first.headers
    assert second.headers["idempotency-replayed"] == "true"
    assert await service.count("runs") == 1


async def test_the_same_json_in_another_layout_is_the_same_request(service: Any, x1: dict[str, Any]) -> None:
    first = await service.trigger(x1, **key("a"))
    turned = json.dumps(dict(reversed(x1.items())), indent=4)

    second = await service.client.post(
        "/inventory-trigger", content=turned, headers={**key("a"), "content-type": "application/json"}
    )

    assert second.content == first.content


async def test_the_same_key_with_another_body_is_refused(service: Any, problem: Any, x1: dict[str, Any]) -> None:
    await service.trigger(x1, **key("a"))

    other = await service.trigger({**x1, "current_stock": 151}, **key("a"))

    problem(other, 422, "idempotency_mismatch")
    assert await service.count("runs") == 1


async def test_a_replay_is_not_counted_as_a_trigger(service: Any, x1: dict[str, Any]) -> None:
    for _ in range(3):
        await service.trigger(x1, **key("a"))

    assert service.runtime.metrics.triggers.labels("input", "executed")._value.get() == 1


async def test_fifty_at_once_are_one_run_one_order_and_every_answer_names_it(
    service: Any, problem: Any, x1: dict[str, Any]
) -> None:
    answers = await asyncio.gather(*[service.trigger(x1, **key("a")) for _ in range(50)])

    assert len({answer.json()["run_id"] for answer in answers}) == 1
    for answer in answers:
        if answer.status_code != 200:
            problem(answer, 409, "in_flight")
            assert int(answer.headers["retry-after"]) > 0
    assert 200 in {answer.status_code for answer in answers}
    assert (await service.count("runs"), await service.count("orders"), await service.count("outbox")) == (1, 1, 1)


async def test_a_key_still_being_answered_is_a_conflict_that_names_the_run(
    service: Any, problem: Any, monkeypatch: pytest.MonkeyPatch, x1: dict[str, Any]
) -> None:
    decide, begun, go_on = service.runtime.decide, asyncio.Event(), asyncio.Event()

    async def slow(request: Any) -> Any:
        begun.set()
        await go_on.wait()
        return await decide(request)

    monkeypatch.setattr(service.runtime, "decide", slow)
    first = asyncio.create_task(service.trigger(x1, **key("a")))
    await begun.wait()

    second = problem(await service.trigger(x1, **key("a")), 409, "in_flight")

    go_on.set()
    assert (await first).json()["run_id"] == second["run_id"]


async def test_an_answer_lost_in_a_crash_is_found_again_by_its_key(
    service: Any, monkeypatch: pytest.MonkeyPatch, x1: dict[str, Any]
) -> None:
    async def crash(*_: object) -> None:
        raise RuntimeError("the power is gone")

    with monkeypatch.context() as patch:
        patch.setattr(service.book.answers, "finish", crash)
        assert (await service.trigger(x1, **key("a"))).status_code == 500
    await service.book.answers.abandon("a", "configured /inventory-trigger")

    again = await service.trigger(x1, **key("a"))

    assert again.json()["status"] == "executed"
    assert (await service.count("runs"), await service.count("orders")) == (1, 1)


@pytest.mark.parametrize(
    ("kept", "change"),
    [
        (True, {"product_id": "X2"}),
        (True, {"current_stock": 1}),
        (True, {"location": "elsewhere"}),
        (False, {"product_id": "X2"}),
    ],
)
async def test_a_key_given_back_before_its_answer_was_kept_stays_its_body_s(
    service: Any, problem: Any, x1: dict[str, Any], kept: bool, change: dict[str, Any]
) -> None:
    await service.trigger(x1, **key("a"))
    with service.book.database.engine.begin() as connection:
        connection.execute(delete(idempotency))
        if not kept:
            connection.execute(update(runs).values(request={}))

    other = await service.trigger({**x1, **change}, **key("a"))

    problem(other, 422, "idempotency_mismatch")
    assert (await service.trigger(x1, **key("a"))).json()["status"] == "executed"
    assert await service.count("runs") == 1


async def test_a_run_that_ended_is_answered_though_whoever_began_it_died_holding_the_key(
    service: Any, x1: dict[str, Any]
) -> None:
    first = await service.trigger(x1, **key("a"))
    unanswered = update(idempotency).values(status_code=None, body=None)
    with service.book.database.engine.begin() as connection:
        connection.execute(unanswered)

    again = await service.trigger(x1, **key("a"))

    assert again.status_code == 200
    assert again.headers["idempotency-replayed"] == "true"
    assert again.json()["order"] == first.json()["order"]


async def test_where_another_sending_was_let_through_and_answered_first_its_answer_is_given(
    service: Any, monkeypatch: pytest.MonkeyPatch, x1: dict[str, Any]
) -> None:
    finish = service.book.answers.finish

    async def come_second(key: str, caller: str, *answer: Any) -> Any:
        await finish(key, caller, 200, '{"came": "first"}')
        return await finish(key, caller, *answer)

    monkeypatch.setattr(service.book.answers, "finish", come_second)

    answer = await service.trigger(x1, **key("a"))

    assert answer.json() == {"came": "first"}


async def test_a_refused_request_does_not_use_up_its_key(service: Any, x1: dict[str, Any]) -> None:
    wrong = {"product_id": "NO_SUCH", "mode": "mock"}
    assert (await service.trigger(wrong, **key("a"))).status_code == 404

    right = await service.trigger(x1, **key("a"))

    assert right.status_code == 200


async def test_a_key_belongs_to_its_caller(service: Any, x1: dict[str, Any]) -> None:
    other = new_key()
    await store_key(service.book, digest(other.encode()), other[:10], "other", "trigger")
    await service.trigger(x1, **key("a"))

    elsewhere = await service.trigger({**x1, "product_id": "X7"}, **key("a"), **{"X-API-Key": other})

    assert elsewhere.json()["product_id"] == "X7"


async def test_a_key_belongs_to_its_address(service: Any, x1: dict[str, Any]) -> None:
    await service.trigger(x1, **key("a"))

    chat = await service.client.post("/chat", json={"message": "What is on order?"}, headers=key("a"))

    assert chat.status_code == 200


async def test_a_repeated_chat_message_is_answered_once(service: Any) -> None:
    body = {"message": "Should I reorder STEEL_SHEETS?"}

    first = await service.client.post("/chat", json=body, headers=key("a"))
    second = await service.client.post("/chat", json=body, headers=key("a"))

    assert second.content == first.content
    assert await service.count("conversations") == 1


async def test_a_repeated_decision_is_replayed_and_a_new_one_conflicts(service: Any, problem: Any) -> None:
    address = f"/reviews/{(await service.waiting())['review_id']}/decision"
    body = {"decision": "approve", "reason": "ok"}

    first = await service.client.post(address, json=body, headers=key("a"))
    replay = await service.client.post(address, json=body, headers=key("a"))
    other = {"decision": "reject", "reason": "no"}
    fresh = await service.client.post(address, json=other, headers=key("b"))

    assert replay.content == first.content
    problem(fresh, 409, "already_decided")
    assert await service.count("orders") == 1


@pytest.mark.parametrize("value", ["", "x" * 201, "tab\there", "sch\u00fcssel", "\u00ff"])
async def test_a_key_that_cannot_be_kept_is_refused(service: Any, problem: Any, x1: dict[str, Any], value: str) -> None:
    headers = [(b"idempotency-key", value.encode("latin-1"))]

    response = await service.client.post("/inventory-trigger", json=x1, headers=headers)

    problem(response, 400, "invalid_idempotency_key")
    assert await service.count("runs") == 0


async def test_two_keys_are_refused(client: httpx.AsyncClient, problem: Any, x1: dict[str, Any]) -> None:
    headers = [("Idempotency-Key", "a"), ("Idempotency-Key", "b")]

    problem(await client.post("/inventory-trigger", json=x1, headers=headers), 400, "invalid_idempotency_key")
