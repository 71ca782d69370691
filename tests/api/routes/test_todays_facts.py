"""A trigger is answered from the facts that it comes with, and with what is on the way or waits."""

import asyncio
from typing import Any

import httpx
import pytest

from tests.api.door.test_auth import with_stored_key


def ended(answer: dict[str, Any]) -> tuple[Any, ...]:
    return answer["status"], answer["recommended_action"], answer["recommended_quantity"], answer["order"]


async def test_what_is_on_the_way_is_enough_and_is_named(service: Any, x1: dict[str, Any]) -> None:
    placed = (await service.trigger(x1)).json()

    second = (await service.trigger(x1)).json()

    assert (placed["status"], placed["stands"]) == ("executed", [])
    assert ended(second) == ("already_ordered", "none", 0, None)
    [stands] = second["stands"]
    assert (stands["order_number"], stands["quantity"]) == (placed["order"]["number"], 748)
    assert stands["due_at"][:16] == placed["order"]["due_at"][:16]
    assert any(f"{placed['order']['number']} is on the way: 748 units" in said for said in second["warnings"])
    assert second["calculation"]["inventory_position"] == 898
    assert await service.count("orders") == 1


async def test_an_order_of_this_service_counts_once_whether_the_caller_names_it_or_not(
    service: Any, x1: dict[str, Any]
) -> None:
    number = (await service.trigger(x1)).json()["order"]["number"]
    named = {"open_orders": [{"reference": number, "quantity": 748, "due_in_days": 7}]}
    others = {"open_orders": [{"reference": "ERP-7", "quantity": 10, "due_in_days": 2}]}

    answers = [(await service.trigger(x1 | more)).json() for more in ({}, named, others)]

    assert [answer["status"] for answer in answers] == ["already_ordered"] * 3
    assert [answer["calculation"]["on_order"] for answer in answers] == [748, 748, 758]
    assert [each["placed_here"] for each in answers[2]["calculation"]["open_orders"]] == [False, True]
    assert [len(answer["stands"]) for answer in answers] == [1, 1, 1]


async def test_enough_stock_is_not_called_ordered(service: Any, x1: dict[str, Any]) -> None:
    await service.trigger(x1)

    answer = (await service.trigger({**x1, "current_stock": 5_000})).json()

    assert (answer["status"], answer["stands"], answer["current_stock"]) == ("no_action", [], 5_000)


async def test_a_need_beyond_what_is_on_the_way_is_decided_anew(service: Any, x1: dict[str, Any]) -> None:
    await service.trigger(x1)

    answer = (await service.trigger({**x1, "current_stock": 0, "backorders": 200})).json()

    assert (answer["status"], answer["recommended_quantity"]) == ("pending_review", 350)
    assert await service.count("orders") == 1


async def test_the_same_facts_that_wait_for_a_person_are_named_and_not_asked_again(
    service: Any, reviewed: dict[str, Any]
) -> None:
    first = await service.waiting()

    second = (await service.trigger(reviewed)).json()

    assert ended(second) == ("already_in_review", "none", 0, None)
    assert [stands["review_id"] for stands in second["stands"]] == [first["review_id"]]
    assert second["run_id"] == first["run_id"]
    assert (await service.count("runs"), await service.count("proposals")) == (1, 1)


async def test_a_review_of_older_facts_gives_way_to_the_new_plan(service: Any, reviewed: dict[str, Any]) -> None:
    first = await service.waiting()

    second = (await service.trigger({**reviewed, "current_stock": 100})).json()

    assert (second["status"], second["recommended_quantity"]) == ("pending_review", 798)
    late = await service.decide(first["review_id"], decision="approve", version=1)
    assert (late.status_code, late.json()["code"]) == (409, "already_decided")
    assert second["review_id"] in late.json()["detail"]
    shown = (await service.client.get(f"/reviews/{second['review_id']}")).json()
    assert (shown["version"], shown["supersedes"], shown["quantity"]) == (2, first["review_id"], 798)
    assert (shown["older"]["quantity"], shown["older"]["calculation"]["on_hand"]) == (748, 150)
    run = (await service.client.get(f"/runs/{first['run_id']}")).json()
    assert (run["status"], run["result"]["status"]) == ("superseded", "superseded")
    approved = await service.decide(second["review_id"], decision="approve", version=2, quantity=798)
    assert approved.json()["status"] == "executed"
    assert await service.count("orders") == 1


@pytest.mark.parametrize("approved_version", [1, 2])
async def test_an_approval_names_the_version_that_was_seen(
    service: Any, reviewed: dict[str, Any], approved_version: int
) -> None:
    await service.waiting()
    second = (await service.trigger({**reviewed, "current_stock": 100})).json()

    answer = await service.decide(second["review_id"], decision="approve", version=approved_version)

    assert answer.status_code == {1: 409, 2: 200}[approved_version]


async def test_a_review_closes_itself_when_nothing_is_needed_any_more(service: Any, reviewed: dict[str, Any]) -> None:
    first = await service.waiting()

    second = (await service.trigger({**reviewed, "current_stock": 5_000})).json()

    assert (second["status"], second["recommended_quantity"]) == ("no_action", 0)
    closed = (await service.client.get(f"/reviews/{first['review_id']}")).json()
    assert closed["status"] == "superseded"
    assert "nothing is to be ordered any more" in closed["decision_reason"]
    assert (await service.decide(first["review_id"], decision="approve")).status_code == 409
    assert await service.count("orders") == 0


async def test_a_new_plan_that_needs_no_person_is_ordered_and_closes_the_review(
    service: Any, reviewed: dict[str, Any]
) -> None:
    first = await service.waiting()

    second = (await service.trigger({**reviewed, "unit_price": 5})).json()

    assert second["status"] == "executed"
    listed = (await service.client.get("/reviews", params={"status": "superseded"})).json()["reviews"]
    assert [review["review_id"] for review in listed] == [first["review_id"]]
    assert await service.count("orders") == 1


async def test_of_many_at_once_with_the_same_facts_one_orders_and_none_other_says_that_it_did(
    service: Any, x1: dict[str, Any]
) -> None:
    answers = [answer.json() for answer in await asyncio.gather(*(service.trigger(x1) for _ in range(12)))]

    said = sorted(answer["status"] for answer in answers)
    assert said == ["already_ordered"] * 11 + ["executed"]
    assert {answer["recommended_quantity"] for answer in answers if answer["status"] != "executed"} == {0}
    assert await service.count("orders") == 1


async def test_a_dry_run_decides_and_records_nothing(service: Any, x1: dict[str, Any], reviewed: Any) -> None:
    before = await service.traces()
    tries = [x1, reviewed, {**x1, "current_stock": 5_000}]

    answers = [(await service.trigger(body | {"dry_run": True}, idempotency_key="k")).json() for body in tries]

    assert await service.traces() == before
    assert [answer["status"] for answer in answers] == ["dry_run"] * 3
    assert [answer["would_be"] for answer in answers] == ["executed", "pending_review", "no_action"]
    assert [answer["recommended_quantity"] for answer in answers] == [748, 748, 0]
    assert {(answer["run_id"], answer["review_id"], answer["order"]) for answer in answers} == {(None, None, None)}
    assert (await service.trigger(x1)).json()["status"] == "executed"


async def test_debug_takes_facts_and_records_nothing(service: Any, x1: dict[str, Any]) -> None:
    await service.trigger(x1)
    before = await service.traces()

    bare = (await service.client.post("/debug", json={**x1, "product_id": "X9"})).json()
    counted = (await service.client.post("/debug", json=x1)).json()

    assert (bare["would_trigger"], bare["recommended_quantity"], bare["mode"]) == (True, 748, "input")
    assert (counted["would_trigger"], counted["calculation"]["on_order"]) == (False, 748)
    assert await service.traces() == before


async def test_debug_with_a_catalogue_says_what_its_address_says(client: httpx.AsyncClient) -> None:
    posted = (await client.post("/debug", json={"product_id": "STEEL_SHEETS", "mode": "mock"})).json()

    assert posted == (await client.get("/debug/STEEL_SHEETS")).json()


async def test_on_the_second_day_every_answer_uses_the_second_days_figures(service: Any, x1: dict[str, Any]) -> None:
    demand, stocks = x1["demand_history"], {"monday": {}, "tuesday": {}}
    for number in range(300):
        stocks["monday"][f"P{number}"] = (number * 37) % 1_200
        stocks["tuesday"][f"P{number}"] = max(0, (number * 37) % 1_200 - 60 - number % 90)

    async def day(name: str) -> dict[str, Any]:
        answers = {}
        for product, stock in stocks[name].items():
            price = 5_000 if int(product[1:]) % 3 == 0 else 5
            body = x1 | {"product_id": product, "current_stock": stock, "unit_price": price, "demand_history": demand}
            answers[product] = (await service.trigger(body)).json()
        return answers

    first, second = await day("monday"), await day("tuesday")

    assert {product: answer["current_stock"] for product, answer in second.items()} == stocks["tuesday"]
    for product, answer in second.items():
        ordered = first[product]["order"]
        on_order = ordered["items"][0]["quantity"] if ordered else 0
        assert answer["calculation"]["inventory_position"] == stocks["tuesday"][product] + on_order
        assert (answer["status"] == "executed") == (answer["order"] is not None)
    waiting = (await service.client.get("/reviews", params={"limit": 200, "include": "calculation"})).json()["reviews"]
    assert {review["calculation"]["on_hand"] for review in waiting} == {
        stocks["tuesday"][review["product_id"]] for review in waiting
    }


@pytest.mark.parametrize("more", [{}, {"unit_price": 5_000}], ids=["order", "review"])
async def test_a_key_that_may_not_read_is_told_of_another_s_order_only_that_it_stands_and_when_it_is_due(
    service: Any, x1: dict[str, Any], more: dict[str, Any]
) -> None:
    placed = (await service.trigger(x1 | more)).json()

    async with await with_stored_key(service, "trigger") as stranger:
        told = (await stranger.post("/inventory-trigger", json=x1 | more)).json()

    [stands] = told["stands"]
    due = placed["order"] and placed["order"]["due_at"]
    assert told["status"] == ("already_ordered" if due else "already_in_review")
    assert (stands["order_number"], stands["review_id"], stands["quantity"]) == (None, None, None)
    assert (stands["due_at"] or "")[:16] == (due or "")[:16]
    assert (told["order"], told["calculation"], told["review_id"], told["review_url"]) == (None, None, None, None)
    secrets = [str(placed["recommended_quantity"]), "PO-", "RV-", *([] if due else [placed["run_id"]])]
    assert [secret for secret in secrets if secret in str(told)] == []
    assert "What another key asked for stands; a key with the scope read is told more." in told["warnings"]


@pytest.mark.parametrize("scopes", [("trigger", "read"), ("trigger",)], ids=["another's", "its own"])
async def test_a_key_that_may_read_and_the_one_that_asked_are_told_all(
    service: Any, x1: dict[str, Any], scopes: tuple[str, ...]
) -> None:
    async with await with_stored_key(service, *scopes) as client:
        first = client if scopes == ("trigger",) else service.client
        placed = (await first.post("/inventory-trigger", json=x1)).json()
        told = (await client.post("/inventory-trigger", json=x1)).json()

    assert told["stands"][0]["order_number"] == placed["order"]["number"]
    assert told["calculation"]["inventory_position"] == 898


async def test_what_is_decided_anew_beside_another_s_order_does_not_name_it(service: Any, x1: dict[str, Any]) -> None:
    number = (await service.trigger(x1)).json()["order"]["number"]
    more = {**x1, "current_stock": 0, "backorders": 200}

    async with await with_stored_key(service, "trigger") as stranger:
        told = (await stranger.post("/inventory-trigger", json=more)).json()

    assert (told["status"], told["calculation"]) == ("pending_review", None)
    assert told["run_id"]
    assert told["review_id"]
    assert told["review_reasons"]
    assert number not in str(told)
