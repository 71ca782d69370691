"""The same request sent twice is done once."""

import asyncio
import json
from typing import Any

import httpx
import pytest
from pydantic import create_model
from sqlalchemy import select, update

from api.bodies.triggers import CatalogueTrigger, InlineTrigger
from api.door.auth import digest, new_key
from api.door.idempotency import hash_of
from api.routes import triggers
from tests.api.conftest import X1
from tests.order_book import store_key
from tools.storage.schema import runs
from tools.storage.types import NowPlus


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


def held(service: Any, monkeypatch: pytest.MonkeyPatch) -> tuple[asyncio.Event, asyncio.Event]:
    """Orders wait to be placed. Says when the first does, and is told when they may."""
    place, begun, go_on = service.book.orders.place, asyncio.Event(), asyncio.Event()

    async def slow(run_id: str, **how: Any) -> Any:
        begun.set()
        await go_on.wait()
        return await place(run_id, **how)

    monkeypatch.setattr(service.book.orders, "place", slow)
    return begun, go_on


async def test_a_key_still_being_answered_is_a_conflict_that_names_the_run(
    service: Any, problem: Any, monkeypatch: pytest.MonkeyPatch, x1: dict[str, Any]
) -> None:
    begun, go_on = held(service, monkeypatch)
    first = asyncio.create_task(service.trigger(x1, **key("a")))
    await begun.wait()

    second = problem(await service.trigger(x1, **key("a")), 409, "in_flight")
    other = await service.trigger({**x1, "current_stock": 151}, **key("a"))

    problem(other, 422, "idempotency_mismatch")
    go_on.set()
    assert (await first).json()["run_id"] == second["run_id"]


async def test_a_key_whose_run_outlives_the_wait_is_answered_with_the_run_s_address(
    service: Any, monkeypatch: pytest.MonkeyPatch, x1: dict[str, Any]
) -> None:
    begun, go_on = held(service, monkeypatch)
    first = asyncio.create_task(service.trigger(x1, **key("a")))
    await begun.wait()
    with service.book.database.engine.begin() as connection:
        connection.execute(update(runs).values(created_at=NowPlus(-service.runtime.settings.wait_seconds - 1)))

    second = await service.trigger(x1, **key("a"))

    go_on.set()
    run_id = (await first).json()["run_id"]
    assert (second.status_code, second.json()["run_id"]) == (202, run_id)
    assert second.headers["location"] == f"/runs/{run_id}"
    assert second.headers["idempotency-replayed"] == "true"


async def test_an_answer_lost_in_a_crash_is_found_again_by_its_key(
    service: Any, monkeypatch: pytest.MonkeyPatch, x1: dict[str, Any]
) -> None:
    def crash(*_: object) -> None:
        raise RuntimeError("the power is gone")

    with monkeypatch.context() as patch:
        patch.setattr(triggers, "_answer", crash)
        assert (await service.trigger(x1, **key("a"))).status_code == 500

    again = await service.trigger(x1, **key("a"))

    assert again.json()["status"] == "executed"
    assert (await service.count("runs"), await service.count("orders")) == (1, 1)


async def test_once_a_person_has_decided_a_repeated_trigger_is_answered_with_the_decision(
    service: Any, reviewed: dict[str, Any]
) -> None:
    first = (await service.trigger(reviewed, **key("a"))).json()
    await service.decide(first["review_id"], decision="approve", reason="ok")

    again = (await service.trigger(reviewed, **key("a"))).json()

    assert (first["status"], again["status"]) == ("pending_review", "executed")
    assert (again["run_id"], again["review_id"]) == (first["run_id"], first["review_id"])
    assert await service.count("runs") == 1


async def test_a_key_that_an_earlier_run_answered_stays_with_that_run(service: Any, reviewed: dict[str, Any]) -> None:
    standing = await service.waiting()
    first = (await service.trigger(reviewed, **key("b"))).json()
    await service.decide(standing["review_id"], decision="reject", reason="no")

    again = await service.trigger(reviewed, **key("b"))

    assert first["run_id"] == again.json()["run_id"] == standing["run_id"]
    assert again.json()["status"] == "rejected"
    assert again.headers["idempotency-replayed"] == "true"
    assert await service.count("runs") == 1


async def test_such_a_key_refuses_another_body(service: Any, problem: Any, reviewed: dict[str, Any]) -> None:
    await service.waiting()
    await service.trigger(reviewed, **key("b"))

    problem(await service.trigger({**reviewed, "current_stock": 1}, **key("b")), 422, "idempotency_mismatch")


async def test_a_sending_that_comes_late_begins_no_run_beside_the_one_that_answered_another(
    service: Any, problem: Any, monkeypatch: pytest.MonkeyPatch, reviewed: dict[str, Any]
) -> None:
    standing = await service.waiting()
    admit, begun, go_on = service.book.runs.admit, asyncio.Event(), asyncio.Event()

    async def late(new: Any, **how: Any) -> Any:
        begun.set()
        await go_on.wait()
        return await admit(new, **how)

    with monkeypatch.context() as patch:
        patch.setattr(service.book.runs, "admit", late)
        first = asyncio.create_task(service.trigger(reviewed, **key("b")))
        await begun.wait()
    answered = (await service.trigger(reviewed, **key("b"))).json()
    await service.decide(standing["review_id"], decision="reject", reason="no")
    go_on.set()

    problem(await first, 409, "in_flight")
    assert (await service.trigger(reviewed, **key("b"))).json()["run_id"] == answered["run_id"]
    assert await service.count("runs") == 1


async def test_an_answer_that_comes_late_does_not_stand_beside_the_run_that_another_sending_began(
    service: Any, problem: Any, monkeypatch: pytest.MonkeyPatch, reviewed: dict[str, Any]
) -> None:
    standing = await service.waiting()
    keep, begun, go_on = service.book.runs.keep_answer, asyncio.Event(), asyncio.Event()

    async def late(*what: Any) -> None:
        begun.set()
        await go_on.wait()
        await keep(*what)

    with monkeypatch.context() as patch:
        patch.setattr(service.book.runs, "keep_answer", late)
        first = asyncio.create_task(service.trigger(reviewed, **key("b")))
        await begun.wait()
    await service.decide(standing["review_id"], decision="reject", reason="no")
    answered = (await service.trigger(reviewed, **key("b"))).json()
    go_on.set()

    problem(await first, 409, "in_flight")
    assert answered["run_id"] != standing["run_id"]
    assert (await service.trigger(reviewed, **key("b"))).json()["run_id"] == answered["run_id"]


@pytest.mark.parametrize("sent", [X1, {"product_id": "STEEL_SHEETS", "mode": "mock"}])
def test_a_field_that_a_later_version_adds_refuses_no_request_from_before(sent: dict[str, Any]) -> None:
    kind = InlineTrigger if sent["mode"] == "input" else CatalogueTrigger
    later = create_model("Later", __base__=kind, urgency=(int, 3))

    asked = hash_of(kind.model_validate(sent))

    assert hash_of(later.model_validate(sent)) == asked
    assert hash_of(later.model_validate(dict(reversed(sent.items())))) == asked
    assert hash_of(later.model_validate(sent | {"urgency": 3})) != asked
    assert hash_of(later.model_validate(sent | {"note": "soon"})) != asked


@pytest.mark.parametrize(
    ("stored", "change"),
    [
        ("all of it", {"product_id": "X2"}),
        ("all of it", {"current_stock": 1}),
        ("all of it", {"location": "elsewhere"}),
        ("all of it", {"note": "now"}),
        ("what versions before stored", {"product_id": "X2"}),
        ("what versions before stored", {"current_stock": 1}),
        ("what versions before stored", {"location": "elsewhere"}),
        ("nothing", {"product_id": "X2"}),
        ("nothing", {"location": "elsewhere"}),
    ],
)
async def test_a_key_stays_its_body_s_however_much_is_left_of_its_run_s_request(
    service: Any, problem: Any, x1: dict[str, Any], stored: str, change: dict[str, Any]
) -> None:
    first = await service.trigger(x1, **key("a"))
    with service.book.database.engine.begin() as connection:
        request = dict(connection.scalar(select(runs.c.request)))
        request.pop("body_hash")
        if stored != "all of it":
            connection.execute(update(runs).values(request={} if stored == "nothing" else request))

    other = await service.trigger({**x1, **change}, **key("a"))

    problem(other, 422, "idempotency_mismatch")
    assert (await service.trigger(x1, **key("a"))).content == first.content
    assert await service.count("runs") == 1


async def test_where_another_sending_was_let_through_and_answered_first_its_answer_is_given(
    service: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    finish = service.book.answers.finish

    async def come_second(key: str, caller: str, answer: str) -> Any:
        await finish(key, caller, '{"came": "first"}')
        return await finish(key, caller, answer)

    monkeypatch.setattr(service.book.answers, "finish", come_second)

    answer = await service.client.post("/chat", json={"message": "What is on order?"}, headers=key("a"))

    assert answer.json() == {"came": "first"}


async def test_a_trigger_that_begins_a_run_is_kept_by_that_run_alone(service: Any, x1: dict[str, Any]) -> None:
    await service.trigger(x1, **key("a"))

    assert await service.count("idempotency") == 0


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
