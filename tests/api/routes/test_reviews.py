"""Orders that wait for a person."""

import asyncio
from typing import Any

import httpx
import pytest

from api.door.auth import digest, new_key
from tests.order_book import store_key


async def test_the_queue_shows_code_s_figures_first_and_the_model_s_words_last(service: Any) -> None:
    waiting = await service.waiting()

    (entry,) = (await service.client.get("/reviews")).json()["reviews"]

    assert entry["review_id"] == waiting["review_id"]
    assert entry["quantity"] == waiting["recommended_quantity"]
    assert entry["difference"] == entry["quantity"] - entry["calculated_quantity"] == 0
    assert entry["value"] == 5_000 * entry["quantity"]
    assert entry["review_reasons"] == waiting["review_reasons"]
    fields = list(entry)
    assert fields[-1] == "model_text"
    assert fields.index("calculated_quantity") < fields.index("model_text")
    assert entry["model_text"]["label"] == "model text, not verified"


async def test_an_approval_places_exactly_the_order_shown(service: Any) -> None:
    waiting = await service.waiting()

    decided = (await service.decide(waiting["review_id"], decision="approve", reason="Looks right.")).json()

    assert (decided["status"], decided["review_status"]) == ("executed", "approved")
    assert decided["order"]["items"][0]["quantity"] == waiting["recommended_quantity"]
    assert decided["order"]["placed_by"] == decided["decided_by"] == "configured key"
    order = (await service.client.get(f"/orders/{decided['order']['number']}")).json()
    assert order == decided["order"] | {"receipts": [], "over_delivered": 0}


async def test_the_same_approval_again_gets_the_same_answer_and_places_nothing(service: Any) -> None:
    review_id = (await service.waiting())["review_id"]
    first = await service.decide(review_id, decision="approve")

    again = await service.decide(review_id, decision="approve")

    assert again.content == first.content
    assert await service.count("orders") == 1


async def test_a_second_decision_is_a_conflict_and_changes_nothing(service: Any, problem: Any) -> None:
    review_id = (await service.waiting())["review_id"]
    await service.decide(review_id, decision="approve")

    problem(await service.decide(review_id, decision="reject", reason="No."), 409, "already_decided")

    assert await service.count("orders") == 1


async def test_an_approval_of_another_quantity_price_or_supplier_than_stored_is_a_conflict(
    service: Any, problem: Any
) -> None:
    review_id = (await service.waiting())["review_id"]
    stored = (await service.client.get(f"/reviews/{review_id}")).json()
    seen = {name: stored[name] for name in ("version", "quantity", "unit_price")} | {"supplier": "not named"}

    for wrong in ({"quantity": seen["quantity"] + 1}, {"unit_price": 5_000.5}, {"supplier": "mine"}):
        problem(await service.decide(review_id, decision="approve", **(seen | wrong)), 409, "already_decided")
    assert await service.count("orders") == 0

    assert (await service.decide(review_id, decision="approve", **seen)).status_code == 200


async def test_a_rejection_places_nothing_and_closes_the_run(service: Any, problem: Any) -> None:
    waiting = await service.waiting()

    decided = (await service.decide(waiting["review_id"], decision="reject", reason="Discontinued.")).json()

    assert (decided["status"], decided["order"]) == ("rejected", None)
    assert await service.count("orders") == 0
    assert (await service.client.get(f"/runs/{waiting['run_id']}")).json()["status"] == "rejected"
    problem(await service.decide(waiting["review_id"], decision="approve"), 409, "already_decided")


async def test_a_decided_review_shows_what_was_ordered(service: Any) -> None:
    waiting = await service.waiting()
    before = (await service.client.get(f"/reviews/{waiting['review_id']}")).json()

    decided = await service.decide(
        waiting["review_id"], decision="edit", quantity=before["minimum_quantity"], reason="Less will do."
    )
    after = (await service.client.get(f"/reviews/{waiting['review_id']}")).json()

    assert before["order"] is None
    assert after["order"] == decided.json()["order"]
    assert after["order"]["items"][0]["quantity"] == before["minimum_quantity"]


async def test_an_edit_places_the_quantity_given(service: Any) -> None:
    waiting = await service.waiting()
    quantity = waiting["calculation"]["minimum_quantity"] + 7

    decided = (
        await service.decide(waiting["review_id"], decision="edit", quantity=quantity, reason="A full truck.")
    ).json()

    assert decided["order"]["items"][0]["quantity"] == quantity
    review = (await service.client.get(f"/reviews/{waiting['review_id']}")).json()
    assert (review["status"], review["decision_reason"]) == ("approved", "A full truck.")


@pytest.mark.parametrize("quantity", [1, 100_000, 10**9])
async def test_an_edit_outside_the_plan_is_refused_like_any_other_proposal(
    service: Any, problem: Any, quantity: int
) -> None:
    review_id = (await service.waiting())["review_id"]

    response = await service.decide(review_id, decision="edit", quantity=quantity, reason="More.")

    assert "bounds" in problem(response, 422, "invalid_quantity")["detail"]
    assert (await service.client.get(f"/reviews/{review_id}")).json()["status"] == "pending"
    assert await service.count("orders") == 0


async def test_a_reviewer_may_override_the_plan_and_stands_apart_in_the_audit(service: Any) -> None:
    review_id = (await service.waiting())["review_id"]
    sentence = "The supplier closes for a month."

    decided = await service.decide(review_id, decision="edit", quantity=100_000, override=True, reason=sentence)

    assert decided.json()["order"]["items"][0]["quantity"] == 100_000
    entries = (await service.client.get("/audit", params={"review": review_id})).json()["entries"]
    (entry,) = [entry for entry in entries if entry["event"].startswith("review.") and "reason" in entry["figures"]]
    assert (entry["event"], entry["figures"]["reason"]) == ("review.overridden", sentence)
    assert "100000 is outside" in entry["figures"]["overridden"]


async def test_an_override_that_breaks_no_rule_is_an_edit(service: Any) -> None:
    waiting = await service.waiting()
    quantity = waiting["calculation"]["minimum_quantity"]

    await service.decide(waiting["review_id"], decision="edit", quantity=quantity, override=True, reason="Less.")

    entries = (await service.client.get("/audit", params={"review": waiting["review_id"]})).json()["entries"]
    assert "review.edited" in {entry["event"] for entry in entries}
    assert "review.overridden" not in {entry["event"] for entry in entries}


async def test_an_override_keeps_to_the_limits_of_its_key(service: Any, problem: Any) -> None:
    review_id = (await service.waiting())["review_id"]
    key = {"name": "r", "scopes": ["approve"], "limits": [{"currency": "USD", "per_order": 4_000_000}]}
    secret = (await service.client.post("/keys", json=key)).json()["key"]
    more = {"decision": "edit", "quantity": 100_000, "override": True, "reason": "More."}

    refused = await service.client.post(f"/reviews/{review_id}/decision", json=more, headers={"X-API-Key": secret})

    problem(refused, 403, "limit_exceeded")
    assert await service.count("orders") == 0


@pytest.mark.parametrize("reason", ["", "  ", "\u200b"])
@pytest.mark.parametrize(
    "decision",
    [
        {"decision": "edit", "quantity": 850},
        {"decision": "edit", "quantity": 100_000, "override": True},
        {"decision": "reject"},
    ],
)
async def test_whoever_edits_overrides_or_rejects_says_why(
    service: Any, problem: Any, decision: dict[str, Any], reason: str
) -> None:
    review_id = (await service.waiting())["review_id"]

    refused = problem(await service.decide(review_id, **decision, reason=reason), 422, "invalid_input")

    assert refused["detail"] == "body: reason is needed to edit, override or reject; say why."


@pytest.mark.parametrize(
    "body",
    [
        {"decision": "approve", "override": True, "reason": "more"},
        {"decision": "reject", "override": True, "reason": "none"},
        {"decision": "approve", "quantity": 0},
        {"decision": "approve", "unit_price": "5000"},
        {"decision": "approve", "supplier": 7},
        {"decision": "edit", "reason": "no quantity"},
        {"decision": "edit", "quantity": 0, "reason": "zero"},
        {"decision": "edit", "quantity": -5, "reason": "less"},
        {"decision": "edit", "quantity": "850", "reason": "text"},
        {"decision": "edit", "quantity": True, "reason": "true"},
        {"decision": "edit", "quantity": 850},
        {"decision": "reject"},
        {"decision": "reject", "quantity": 850, "reason": "both"},
        {"decision": "yes"},
        {"decision": "approve", "version": 0},
        {"decision": "approve", "reason": "x" * 1_001},
        {},
    ],
)
async def test_a_decision_that_says_too_little_or_too_much_changes_nothing(
    service: Any, problem: Any, body: dict[str, Any]
) -> None:
    review_id = (await service.waiting())["review_id"]

    problem(await service.decide(review_id, **body), 422, "invalid_input")

    assert (await service.client.get(f"/reviews/{review_id}")).json()["status"] == "pending"


async def test_a_decision_on_a_version_that_has_moved_on_is_a_conflict(service: Any, problem: Any) -> None:
    review_id = (await service.waiting())["review_id"]
    version = (await service.client.get(f"/reviews/{review_id}")).json()["version"]

    stale = await service.decide(review_id, decision="approve", version=version + 1)
    current = await service.decide(review_id, decision="approve", version=version)

    problem(stale, 409, "already_decided")
    assert current.status_code == 200


async def test_of_twenty_decisions_at_once_one_counts(service: Any) -> None:
    review_id = (await service.waiting())["review_id"]
    bodies = [{"decision": "approve"}, {"decision": "reject", "reason": "no"}] * 10

    answers = await asyncio.gather(*[service.decide(review_id, **body) for body in bodies])

    taken = [body["decision"] for body, answer in zip(bodies, answers, strict=True) if answer.status_code == 200]
    assert sorted({answer.status_code for answer in answers}) == [200, 409]
    assert len(set(taken)) == 1
    assert len({answer.content for answer in answers if answer.status_code == 200}) == 1
    assert await service.count("decisions") == 1
    assert await service.count("orders") <= 1


async def test_a_key_that_may_only_trigger_cannot_approve(service: Any, problem: Any) -> None:
    review_id = (await service.waiting())["review_id"]
    key = new_key()
    await store_key(service.book, digest(key.encode()), key[:10], "robot", "trigger", "read")

    response = await service.client.post(
        f"/reviews/{review_id}/decision", json={"decision": "approve"}, headers={"X-API-Key": key}
    )

    problem(response, 403, "scope_missing")
    assert await service.count("orders") == 0


async def test_an_expired_review_cannot_be_approved(start: Any, problem: Any, reviewed: dict[str, Any]) -> None:
    service = await start(review_expiry_hours=1e-9)
    review_id = (await service.trigger(reviewed)).json()["review_id"] or "RV-000001"

    problem(await service.decide(review_id, decision="approve"), 409, "already_decided")

    assert await service.count("orders") == 0


async def test_pages_of_reviews_and_orders_follow_each_other(service: Any, reviewed: dict[str, Any]) -> None:
    for number in range(5):
        answer = (await service.trigger({**reviewed, "product_id": f"P{number}"})).json()
        await service.decide(answer["review_id"], decision="approve")

    seen = await _all_pages(service.client, "/orders", "orders", "number")
    reviews = await _all_pages(service.client, "/reviews", "reviews", "review_id", status="all")

    assert len(seen) == len(set(seen)) == 5
    assert reviews == sorted(reviews, reverse=True)
    assert len(reviews) == 5


async def _all_pages(client: httpx.AsyncClient, address: str, field: str, name: str, **query: str) -> list[str]:
    seen: list[str] = []
    before: str | None = ""
    while before is not None:
        page = (
            await client.get(address, params={**query, "limit": 2, **({"before": before} if before else {})})
        ).json()
        seen += [entry[name] for entry in page[field]]
        before = page["next"]
    return seen


async def test_orders_can_be_listed_by_product(service: Any, x1: dict[str, Any]) -> None:
    await service.trigger(x1)
    await service.trigger({**x1, "product_id": "X8"})

    orders = (await service.client.get("/orders", params={"product_id": "X8"})).json()["orders"]

    assert [order["product_id"] for order in orders] == ["X8"]


async def test_reviews_are_sorted_by_what_they_are_worth_in_pages_without_gaps(
    either: Any, reviewed: dict[str, Any], problem: Any
) -> None:
    """A euro counts as 1.3 dollars, and of the yen no rate is known."""
    asked = [(7_000, "USD"), (6_000, "EUR"), (9_000, "JPY"), (3_000, "USD"), (None, "USD"), (3_000, "USD")]
    asked += [(8_000, "JPY")]
    for number, (price, currency) in enumerate(asked):
        await either.trigger({**reviewed, "product_id": f"P{number}", "unit_price": price, "currency": currency})

    shown: list[str] = []
    before: dict[str, str] | None = {}
    while before is not None:
        page = (await either.client.get("/reviews", params={"sort": "value", "limit": 2, **before})).json()
        shown += [review["product_id"] for review in page["reviews"]]
        before = {"before": page["next"]} if page["next"] else None

    assert shown == ["P1", "P0", "P5", "P3", "P4", "P2", "P6"]
    problem(await either.client.get("/reviews?sort=value&before=RV-000999"), 404, "unknown_review")


async def test_decided_reviews_leave_the_queue(service: Any) -> None:
    review_id = (await service.waiting())["review_id"]
    await service.decide(review_id, decision="reject", reason="no")

    queue = (await service.client.get("/reviews")).json()["reviews"]
    rejected = (await service.client.get("/reviews", params={"status": "rejected"})).json()["reviews"]

    assert queue == []
    assert [entry["review_id"] for entry in rejected] == [review_id]
