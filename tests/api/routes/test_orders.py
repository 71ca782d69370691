"""Orders after they are placed: sent, received in parts, cancelled, late."""

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from api.bodies.examples import CANCELLATIONS, RECEIPTS
from tests.order_book import let_pass

LATER = {"Idempotency-Key": "again"}


async def ordered(service: Any, body: dict[str, Any]) -> dict[str, Any]:
    answer = (await service.trigger(body)).json()
    assert answer["status"] == "executed", answer
    return dict(answer["order"])


async def step(service: Any, number: str, what: str, body: dict[str, Any] | None = None, **more: Any) -> httpx.Response:
    answer: httpx.Response = await service.client.post(f"/orders/{number}/{what}", json=body or {}, **more)
    return answer


async def test_an_order_is_received_in_parts_and_then_closed(service: Any, x1: dict[str, Any]) -> None:
    order = await ordered(service, x1)
    number, quantity = order["number"], order["items"][0]["quantity"]
    assert (order["status"], order["received_quantity"], order["days_overdue"]) == ("placed", 0, 0)

    sent = (await step(service, number, "sent")).json()
    part = (await step(service, number, "receipts", {"quantity": 300})).json()
    rest = (await step(service, number, "receipts", {"quantity": quantity - 290})).json()

    assert (sent["status"], part["status"], rest["status"]) == ("sent", "partly_received", "received")
    assert (rest["received_quantity"], rest["over_delivered"]) == (quantity + 10, 10)
    assert [each["quantity"] for each in rest["receipts"]] == [300, quantity - 290]
    assert (await service.client.get(f"/orders/{number}")).json() == rest
    assert (await service.client.get("/orders")).json()["orders"] == [rest]


async def test_a_receipt_sent_twice_with_a_key_counts_once(service: Any, x1: dict[str, Any], problem: Any) -> None:
    """Also where the answer of the first is lost: the receipt itself knows the key."""
    number = (await ordered(service, x1))["number"]
    body = {"quantity": 300}

    first = await step(service, number, "receipts", body, headers=LATER)
    again = await step(service, number, "receipts", body, headers=LATER)
    await service.book.retention.forget_answers(days=-1)
    unanswered = await step(service, number, "receipts", body, headers=LATER)

    assert first.json() == again.json() == unanswered.json()
    assert again.headers["Idempotency-Replayed"] == "true"
    other = await step(service, number, "receipts", {"quantity": 301}, headers=LATER)
    problem(other, 422, "idempotency_mismatch")
    assert (await step(service, number, "receipts", body)).json()["received_quantity"] == 600


async def test_a_receipt_is_corrected_once_and_all_of_it_is_shown(
    service: Any, x1: dict[str, Any], problem: Any
) -> None:
    number = (await ordered(service, x1))["number"]
    [receipt] = (await step(service, number, "receipts", {"quantity": 500})).json()["receipts"]
    address, body = f"receipts/{receipt['id']}/corrections", {"quantity": 50, "instead_of": 500, "reason": "Typed."}

    first = await step(service, number, address, body, headers=LATER)
    again = await step(service, number, address, body, headers=LATER)
    other = await step(service, number, address, body | {"quantity": 60})
    unknown = await step(service, number, "receipts/none/corrections", body)
    silent = await step(service, number, address, body | {"reason": " "})

    assert first.json() == again.json() == (await service.client.get(f"/orders/{number}")).json()
    assert again.headers["Idempotency-Replayed"] == "true"
    assert (first.json()["received_quantity"], first.json()["receipts"][0]["quantity"]) == (50, 50)
    [correction] = first.json()["receipts"][0]["corrections"]
    assert {**body, "quantity_before": 500}.items() - correction.items() == {("instead_of", 500)}
    problem(other, 409, "receipt_changed")
    problem(unknown, 404, "unknown_receipt")
    problem(silent, 422, "invalid_input")


async def test_a_cancelled_order_no_longer_stands_for_its_need(service: Any, x1: dict[str, Any], problem: Any) -> None:
    first = await ordered(service, x1)

    cancelled = await step(service, first["number"], "cancel", {"reason": "The supplier has none left."})
    second = await ordered(service, x1)

    assert (cancelled.json()["status"], cancelled.json()["cancel_reason"]) == (
        "cancelled",
        "The supplier has none left.",
    )
    assert second["number"] != first["number"]
    assert (
        await step(service, first["number"], "cancel", {"reason": "The supplier has none left."})
    ).status_code == 200
    for what, body in (("cancel", {"reason": "another"}), ("receipts", {"quantity": 1}), ("sent", {})):
        problem(await step(service, first["number"], what, body), 409, "order_closed")


@pytest.mark.parametrize(
    ("what", "body"),
    [
        ("receipts", {"quantity": 0}),
        ("receipts", {}),
        ("receipts", {"quantity": 1, "received_at": "2026-01-31T09:30:00"}),
        ("receipts", {"quantity": 1, "received_at": "2001-01-31T09:30:00Z"}),
        ("receipts", {"quantity": 1, "received_at": "2999-01-31T09:30:00Z"}),
        ("cancel", {}),
        ("cancel", {"reason": "  "}),
    ],
)
async def test_what_cannot_have_happened_is_refused(
    service: Any, x1: dict[str, Any], problem: Any, what: str, body: dict[str, Any]
) -> None:
    number = (await ordered(service, x1))["number"]
    problem(await step(service, number, what, body), 422, "invalid_input")
    assert (await service.client.get(f"/orders/{number}")).json()["status"] == "placed"


async def test_an_order_that_is_not_there_has_no_life(service: Any, problem: Any) -> None:
    for what, body in (("cancel", {"reason": "no"}), ("receipts", {"quantity": 1}), ("sent", {})):
        problem(await step(service, "PO-2026-000009", what, body), 404, "unknown_order")


async def test_a_key_that_may_not_approve_may_not_end_an_order(service: Any, x1: dict[str, Any], problem: Any) -> None:
    number = (await ordered(service, x1))["number"]
    made = await service.client.post("/keys", json={"name": "erp", "scopes": ["trigger", "read"]})
    headers = {"X-API-Key": made.json()["key"]}
    wrong = {"quantity": 1, "instead_of": 2, "reason": "no"}
    for what, body in (
        ("cancel", {"reason": "no"}),
        ("receipts", {"quantity": 1}),
        ("receipts/1/corrections", wrong),
        ("sent", {}),
    ):
        problem(await step(service, number, what, body, headers=headers), 403, "scope_missing")


async def test_a_late_order_is_not_placed_again_and_is_named_everywhere(either: Any, x1: dict[str, Any]) -> None:
    for body in (x1, {"product_id": "STEEL_SHEETS", "mode": "mock"}):
        order = await either.book.orders.get((await ordered(either, body))["number"])
        await let_pass(either.book, order, days=400)
        again = (await either.trigger(body)).json()
        named = {**body, "open_orders": [{"reference": order.number, "quantity": 1, "due_in_days": -390}]}
        if body is x1:
            assert (await either.trigger(named)).json()["status"] == "pending_review"
        else:
            assert again["status"] == "pending_review"
            assert any("late" in reason and order.number in reason for reason in again["review_reasons"])
            assert any("overdue" in warning and order.number in warning for warning in again["warnings"])

    assert await either.count("orders") == 2
    late = (await either.client.get("/orders", params={"status": "overdue"})).json()["orders"]
    assert [each["product_id"] for each in late] == ["STEEL_SHEETS", "X1"]
    assert all(each["days_overdue"] > 300 for each in late)
    said = (await either.client.post("/chat", json={"message": "what is overdue?"})).json()["answer"]
    assert all(each["number"] in said for each in late)
    metrics = (await either.client.get("/metrics")).text
    assert "orders_open 2.0" in metrics
    assert "orders_overdue 2.0" in metrics


@pytest.mark.parametrize(("days", "status"), [(2, "pending_review"), (4, "executed")])
async def test_a_further_order_needs_no_person_once_half_of_the_cover_is_over(
    service: Any, x1: dict[str, Any], days: int, status: str
) -> None:
    """Of 748 units at 120 a day, 3.1 days. They are due after 7."""
    order = await service.book.orders.get((await ordered(service, x1))["number"])
    assert order.cover_days == pytest.approx(6.23, abs=0.01)
    await let_pass(service.book, order, days=days)
    on_the_way = {"reference": order.number, "quantity": order.quantity, "due_in_days": 7 - days}

    answer = (await service.trigger({**x1, "current_stock": 0, "open_orders": [on_the_way]})).json()

    assert answer["status"] == status
    assert answer["calculation"]["on_order"] == order.quantity
    assert any("Less than half" in reason for reason in answer["review_reasons"]) is (status == "pending_review")


async def test_an_order_of_another_system_is_counted_and_asks_for_no_person(service: Any, x1: dict[str, Any]) -> None:
    of_others = {"reference": "ERP-1", "quantity": 40, "due_in_days": 1}
    answer = (await service.trigger({**x1, "open_orders": [of_others]})).json()
    assert (answer["status"], answer["calculation"]["on_order"]) == ("executed", 40)


async def test_orders_are_listed_by_where_they_stand(service: Any, x1: dict[str, Any]) -> None:
    numbers = [(await ordered(service, {**x1, "product_id": f"X{n}"}))["number"] for n in range(5)]
    await step(service, numbers[0], "sent")
    await step(service, numbers[1], "receipts", {"quantity": 1})
    await step(service, numbers[2], "receipts", {"quantity": 10_000})
    await step(service, numbers[3], "cancel", {"reason": "no need"})
    await let_pass(service.book, await service.book.orders.get(numbers[4]), days=30)
    await let_pass(service.book, await service.book.orders.get(numbers[3]), days=30)

    async def listed(status: str) -> list[int]:
        found = (await service.client.get("/orders", params={"status": status})).json()["orders"]
        return [numbers.index(each["number"]) for each in found]

    assert await listed("open") == [4, 1, 0]
    assert await listed("overdue") == [4]
    for place, status in ((4, "placed"), (0, "sent"), (1, "partly_received"), (2, "received"), (3, "cancelled")):
        assert await listed(status) == [place]


async def test_what_arrived_in_two_parts_is_in_stock_and_taught_the_lead_time(service: Any) -> None:
    body = {"product_id": "STEEL_SHEETS", "mode": "mock"}
    order = await service.book.orders.get((await ordered(service, body))["number"])
    await let_pass(service.book, order, days=20)
    before = (await service.client.get("/debug/STEEL_SHEETS?mode=mock")).json()
    for part in (order.quantity - 10, 10):
        await step(service, order.number, "receipts", {"quantity": part})

    after = (await service.client.get("/debug/STEEL_SHEETS?mode=mock")).json()

    assert after["current_stock"] == before["current_stock"] + order.quantity
    assert after["calculation"]["on_order"] == 0
    assert after["calculation"]["lead_time_days"] > before["calculation"]["lead_time_days"]


async def test_fifty_receipts_cancels_and_approvals_at_once_leave_one_outcome(
    either: Any, x1: dict[str, Any], reviewed: dict[str, Any]
) -> None:
    """An order, and a review that becomes one: each step either counts once or is refused."""
    order = await ordered(either, x1)
    review_id = (await either.trigger(reviewed)).json()["review_id"]

    async def one(n: int) -> tuple[str, int]:
        if n % 5 == 0:
            body = {"decision": "approve", "reason": f"{n}"}
            return "approve", (await either.client.post(f"/reviews/{review_id}/decision", json=body)).status_code
        if n % 5 == 1:
            return "cancel", (await step(either, order["number"], "cancel", {"reason": f"{n}"})).status_code
        return "receive", (await step(either, order["number"], "receipts", {"quantity": 30})).status_code

    said = Counter(await asyncio.gather(*map(one, range(50))))

    assert said["approve", 200] >= 1  # the same person, so that a repeated approval gets the first answer
    assert {status for _, status in said} <= {200, 409}
    stood = (await either.client.get(f"/orders/{order['number']}")).json()
    assert stood["status"] == ("cancelled" if said["cancel", 200] else "received")
    assert said["cancel", 200] <= 1
    assert stood["received_quantity"] == 30 * said["receive", 200] == 30 * len(stood["receipts"])
    assert await either.count("orders") == 2
    entries = (await either.client.get("/audit", params={"limit": 200})).json()["entries"]
    assert [entry["sequence"] for entry in entries] == list(range(len(entries), 0, -1))
    events = Counter(entry["event"] for entry in entries if entry["order_number"] == order["number"])
    assert events["order.received"] == said["receive", 200]
    assert events["order.cancelled"] == said["cancel", 200]


TAKEN = [("receipts", example) for example in RECEIPTS.values()]
TAKEN += [("cancel", example) for example in CANCELLATIONS.values()]


@pytest.mark.parametrize(("what", "example"), TAKEN)
async def test_the_documented_examples_are_taken(service: Any, x1: dict[str, Any], what: str, example: Any) -> None:
    order = await service.book.orders.get((await ordered(service, x1))["number"])
    await let_pass(service.book, order, days=3_650)
    assert (await step(service, order.number, what, example["value"])).status_code == 200


async def test_a_receipt_says_how_the_order_before_it_turned_out(service: Any, x1: dict[str, Any]) -> None:
    first = (await ordered(service, x1))["number"]
    await step(service, first, "receipts", {"quantity": 10_000})
    second = (await ordered(service, x1))["number"]
    await step(service, second, "receipts", {"quantity": 1, "stock_before": 30})

    [outcome] = await service.book.outcomes.latest()

    assert (outcome.order_number, outcome.left_over, outcome.received_quantity) == (first, 30, 10_000)
    observed = (await service.client.get("/calibration")).json()["observed"]
    assert observed["by_route"] == {"automatic": {"outcomes": 1, "acceptable": 1}}


async def test_a_receipt_may_be_reported_later(service: Any, x1: dict[str, Any]) -> None:
    order = await service.book.orders.get((await ordered(service, x1))["number"])
    await let_pass(service.book, order, days=3)
    arrived = (datetime.now(UTC) - timedelta(days=1)).replace(microsecond=0)
    body = {"quantity": 5, "received_at": arrived.astimezone().isoformat()}
    [receipt] = (await step(service, order.number, "receipts", body)).json()["receipts"]
    assert datetime.fromisoformat(receipt["received_at"]) == arrived
