"""Reviews at the desk: the queue, one review, and the decisions that can be taken there."""

import re
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from api.bodies.today import Cursor
from tests.api.pages.conftest import Browser, sign_in
from tools.planning.gate import ONLY_PROPOSES
from tools.storage.schema import proposals

EVIL = '<script>alert(1)</script> & "Co"'


async def waiting(
    service: Any, product_id: str = "X2", headers: dict[str, str] | None = None, **more: Any
) -> dict[str, Any]:
    """A fresh order that waits for a person, as the API shows it."""
    body = {"product_id": product_id, "mode": "input", "current_stock": 150, "lead_time_days": 7, "unit_price": 5_000}
    body |= {"demand_history": [100, 120, 110, 130, 125, 115, 140]}
    answer = (await service.trigger(body | more, **headers or {})).json()
    return dict((await service.client.get(f"/reviews/{answer['review_id']}")).json())


async def with_key(service: Any, *scopes: str, **more: Any) -> Browser:
    """A browser that is signed in with a key of its own."""
    made = await service.client.post("/keys", json={"name": "Anna", "scopes": list(scopes), **more})
    return await sign_in(service, made.json()["key"])


async def test_the_dearest_come_first_where_that_is_asked_for(browser: Any, service: Any, reviewed: Any) -> None:
    for product, price, currency in (("A", 7_000, "USD"), ("B", 6_000, "EUR"), ("C", 3_000, "USD")):
        await service.trigger({**reviewed, "product_id": product, "unit_price": price, "currency": currency})

    page = (await browser.get("/desk/reviews", sort="value")).text

    assert re.findall(r"<small>RV-\d+ · (\w) ·", page) == ["B", "A", "C"]
    assert "Amounts are compared in USD" in page
    assert '<th class="narrow" aria-sort="descending"><a href="/desk/reviews?sort=value">' in page


async def test_what_loses_most_revenue_comes_first_where_that_is_asked_for(browser: Any, service: Any) -> None:
    rows = [row for row in (await service.runtime.today.present()).rows if row.is_to_order and row.currency == "USD"]
    losing = sorted(rows, key=lambda row: -row.lost_revenue_per_day)[:3]
    for row in losing:
        place = str(Cursor("", *row.place))
        await browser.send("/desk/rows", once=place, deed="review", place=place, **{f"seen:{place}": row.quantity})

    page = (await browser.get("/desk/reviews", sort="risk")).text

    shown = re.findall(r"RV-\d+ · (\w+) · (\w+)</small>", page)
    assert shown == [row.place for row in losing]
    assert page.count("lost a day") == 3


async def test_what_follows_a_review_fits_the_list_it_was_opened_from(browser: Any, service: Any) -> None:
    ids = [(await waiting(service, each, supplier=name))["review_id"] for each, name in (("A", "Müller"), ("B", "Co"))]
    ids.append((await waiting(service, "C", supplier="Müller", unit_price=4_000))["review_id"])

    listed = unescape((await browser.get("/desk/reviews", supplier="MÜLLER", sort="value")).text)
    address = f"/desk/reviews/{ids[0]}?supplier=M%C3%9CLLER&sort=value"
    await browser.send(address, deed="approve", version=1)
    page = unescape((await browser.client.get(address)).text)

    assert f'href="{address}"' in listed
    assert f'href="/desk/reviews/{ids[2]}?supplier=M%C3%9CLLER&sort=value">Next: ' in page
    assert 'href="/desk/reviews?supplier=M%C3%9CLLER&sort=value">All that waits' in page


async def test_safe_reviews_can_be_shown_apart_and_the_surest_first(browser: Any, service: Any) -> None:
    ids = [(await waiting(service, product))["review_id"] for product in "ABC"]
    for identity, reasons, value in zip(
        ids, ([ONLY_PROPOSES], ["Doubt."], [ONLY_PROPOSES]), (0.9, 0.5, 0.95), strict=True
    ):
        values = {
            "review_reasons": reasons,
            "confidence": {"value": value, "raw": value, "calibrated": False, "label": ""},
        }
        work = sa.update(proposals).where(proposals.c.number == int(identity[3:])).values(values)
        await service.book.database.write(lambda connection, work=work: connection.execute(work) and None)

    async def shown(**query: str) -> list[str]:
        return re.findall(r"RV-\d+ · (\w)", (await browser.get("/desk/reviews", **query)).text)

    async def answered(**query: str) -> list[str]:
        found = (await service.client.get("/reviews", params=query)).json()
        assert found["total"] == len(found["reviews"])
        return [each["product_id"] for each in found["reviews"]]

    assert await shown(sure="safe") == await answered(safe="true") == ["C", "A"]
    assert await shown(sure="doubtful") == await answered(safe="false") == ["B"]
    assert await shown(sort="confidence") == await answered(sort="confidence") == ["C", "A", "B"]
    last = await answered(sort="confidence", safe="true")
    assert await shown(sort="confidence", before=ids["ABC".index(last[0])]) == ["A", "B"]


@pytest.mark.parametrize(("ordered", "alone"), [("less", True), ("as much", False)])
async def test_what_is_ordered_less_than_proposed_can_be_left_alone(
    browser: Any, service: Any, ordered: str, alone: bool
) -> None:
    rows = (await service.runtime.today.present()).rows
    row = next(row for row in rows if row.is_to_order and row.action == "purchase_order")
    key = str(Cursor("", *row.place))
    await browser.send("/desk/rows", deed="review", place=key, **{f"seen:{key}": f"{row.quantity}"})
    [seen] = (await service.client.get("/reviews")).json()["reviews"]
    address = f"/desk/reviews/{seen['review_id']}"
    quantity = seen["quantity"] - (1 if ordered == "less" else 0)
    until = (datetime.now(UTC).date() + timedelta(5)).isoformat()
    form = {"deed": "edit", "version": 1, "quantity": quantity, "reason": "Room.", "until": until, "override": "true"}

    answer = await browser.send(address, **form)

    assert answer.status_code == 303
    assert ("left alone until" in (await browser.get(address)).text) is alone
    assert bool(await service.book.snoozes.on("mock", datetime.now(UTC).date())) is alone


async def change(service: Any, **values: Any) -> None:
    work = sa.update(proposals).values(values)
    await service.book.database.write(lambda connection: connection.execute(work) and None)


def alert(answer: httpx.Response) -> str:
    """The sentence of a refusal on its page."""
    found = re.search(r'<p class="refused" role="alert">(.*?)</p>', answer.text)
    assert found, answer.text
    return unescape(found[1])


async def test_the_queue_says_what_waits_and_why(browser: Any, service: Any) -> None:
    review = await waiting(service, supplier=EVIL)

    page = unescape((await browser.get("/desk/reviews")).text)

    assert "1 order waits for a person." in page
    assert f'href="/desk/reviews/{review["review_id"]}"' in page
    assert all(reason in page for reason in review["review_reasons"])
    assert f"{review['value']:,.2f} USD" in page
    assert f"{review['confidence']['value']:.2f}" in page
    assert "<script>alert" not in (await browser.get("/desk/reviews")).text


async def test_an_empty_queue_says_what_to_do_next(browser: Any) -> None:
    assert "Nothing waits." in (await browser.get("/desk/reviews")).text
    assert "No review fits." in (await browser.get("/desk/reviews", supplier="Acme")).text


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ({}, {"A", "B"}),
        ({"supplier": "Acme"}, {"A"}),
        ({"supplier": "acm"}, {"A"}),
        ({"location": "DEPOT"}, {"B"}),
        ({"product": " B "}, {"B"}),
        ({"value": "1,000,000"}, {"A"}),
        ({"day": datetime.now(UTC).date().isoformat()}, {"A", "B"}),
        ({"day": "2020-01-01"}, set()),
        ({"late": "true"}, set()),
        ({"status": "approved"}, {"C"}),
        ({"status": "all", "supplier": ""}, {"A", "B", "C"}),
    ],
)
async def test_the_queue_is_narrowed(browser: Any, service: Any, query: dict[str, str], shown: set[str]) -> None:
    await waiting(service, "A", supplier="Acme")
    await waiting(service, "B", location="DEPOT", unit_price=1_100)
    decided = await waiting(service, "C")
    await service.decide(decided["review_id"], decision="approve")

    page = (await browser.get("/desk/reviews", **query)).text

    assert set(re.findall(r"RV-\d+ · (\w)", page)) == shown


async def test_what_cannot_be_meant_is_refused(browser: Any) -> None:
    for query in ({"value": "1,5"}, {"day": "tomorrow"}, {"status": "open"}, {"before": "RV-1"}):
        assert (await browser.get("/desk/reviews", **query)).status_code in (404, 422)


async def test_pages_of_the_queue_follow_each_other(browser: Any, service: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr("api.pages.reviews.ROWS", 2)
    ids = [(await waiting(service, product))["review_id"] for product in "ABC"]

    first = (await browser.get("/desk/reviews", supplier="")).text
    [address] = re.findall(r'href="([^"]+)" rel="next"', first)
    second = (await browser.client.get(unescape(address))).text

    assert [re.findall(r'href="/desk/reviews/(RV-\d+)"', page) for page in (first, second)] == [ids[:0:-1], ids[:1]]
    assert "3 reviews, 2 on this page" in first


async def test_many_are_approved_at_once_each_with_its_own_result_and_twice_is_once(browser: Any, service: Any) -> None:
    first, second, third = [await waiting(service, product) for product in "ABC"]
    await service.decide(third["review_id"], decision="reject", reason="No.")
    chosen = [f"{each['review_id']} {each['version']}" for each in (first, second, third)]

    answers = [await browser.send("/desk/reviews", deed="approve", review=chosen) for _ in range(2)]

    assert "2 of 3 done" in answers[0].text
    assert answers[1].text.count("Ordered: ") == 2
    assert "was rejected by configured key" in answers[1].text
    assert await service.count("orders") == 2


async def test_many_are_rejected_with_one_reason(browser: Any, service: Any) -> None:
    review = await waiting(service)
    chosen = {"deed": "reject", "review": f"{review['review_id']} {review['version']}"}

    refused = await browser.send("/desk/reviews", **chosen)
    done = await browser.send("/desk/reviews", **chosen, reason="Discontinued.", back="//evil.example")

    assert (refused.status_code, "reason is needed" in refused.text) == (422, True)
    assert "1 of 1 done" in done.text
    assert 'href="/desk">Back to the list' in done.text
    stored = (await service.client.get(f"/reviews/{review['review_id']}")).json()
    assert (stored["status"], stored["decision_reason"]) == ("rejected", "Discontinued.")


@pytest.mark.parametrize(
    ("chosen", "status"), [([], 422), (["RV-000001"], 422), (["RV-000009 1"], 404), (["RV-000001 1"] * 201, 422)]
)
async def test_a_choice_that_cannot_be_meant_decides_nothing(
    browser: Any, service: Any, chosen: list[str], status: int
) -> None:
    await waiting(service)

    answer = await browser.send("/desk/reviews", deed="approve", review=chosen)

    assert answer.status_code == status
    assert await service.count("orders") == 0


async def test_a_review_shows_plan_arithmetic_reasons_and_the_model_apart(browser: Any, service: Any) -> None:
    review = await waiting(service, supplier=EVIL)
    await change(service, rationale=f"Order more. {EVIL}", concerns=["Ask first."], provider="gemini", model="flash")

    page = (await browser.get(f"/desk/reviews/{review['review_id']}")).text
    words = unescape(page)

    plan = review["calculation"]
    assert all(f"<p>{line}</p>" in words for line in plan["reason"].splitlines())
    assert all(f"<li>{line}</li>" in words for line in plan["derivation"])
    assert all(f'<p class="reason">{reason}</p>' in words for reason in review["review_reasons"])
    assert f"The plan allows {plan['minimum_quantity']:,} to {plan['maximum_quantity']:,}." in words
    [model] = re.findall(r'<div class="model">.*?</div>', words, re.DOTALL)
    assert "What the model says" in model
    assert "Ask first." in model
    assert "Written by flash (gemini), not verified." in model
    assert "review opened by service" in words
    assert "<script>alert" not in page


async def test_rules_are_not_shown_as_a_model(browser: Any, service: Any) -> None:
    page = (await browser.get(f"/desk/reviews/{(await waiting(service))['review_id']}")).text

    assert "What the rules say" in page
    assert "What the model says" not in page


async def test_an_approval_leads_to_the_order_and_a_second_click_to_the_same_one(browser: Any, service: Any) -> None:
    review = await waiting(service)
    address = f"/desk/reviews/{review['review_id']}"
    form = {"deed": "approve", "version": review["version"]}

    answers = [await browser.send(address, **form) for _ in range(2)]
    page = (await browser.get(address)).text

    assert [(answer.status_code, answer.headers["location"]) for answer in answers] == [(303, address)] * 2
    [order] = (await service.client.get("/orders")).json()["orders"]
    assert f'Ordered: {review["quantity"]:,} as <a href="/desk/orders/{order["number"]}">' in page
    assert "Approved</b> by configured key" in page
    assert '<button class="main"' not in page


async def test_an_edit_orders_what_was_typed(browser: Any, service: Any) -> None:
    review = await waiting(service)
    quantity = review["calculation"]["minimum_quantity"] + 7
    form = {"deed": "edit", "version": review["version"], "quantity": f"{quantity:,}", "reason": "A full truck."}

    await browser.send(f"/desk/reviews/{review['review_id']}", **form)

    page = unescape((await browser.get(f"/desk/reviews/{review['review_id']}")).text)
    assert f"Ordered: {quantity:,} instead of {review['quantity']:,}" in page
    assert page.count(f"{quantity * 5_000:,}.00 USD") == 2
    assert "“A full truck.”" in page


async def test_beyond_the_plan_it_takes_an_override_which_stands_apart(browser: Any, service: Any) -> None:
    review = await waiting(service)
    address = f"/desk/reviews/{review['review_id']}"
    form = {"deed": "edit", "version": review["version"], "quantity": "100,000", "reason": "Closed <b>in</b> August."}

    refused = await browser.send(address, **form)
    done = await browser.send(address, **form, override="true")

    assert refused.status_code == 422
    assert "the plan's bounds" in alert(refused)
    assert 'value="100,000"' in refused.text
    assert 'value="Closed &lt;b&gt;in&lt;/b&gt; August."' in refused.text
    assert done.status_code == 303
    page = unescape((await browser.get(address)).text)
    assert "review overridden by configured key, at version 1, against the plan: 100000 is outside" in page


@pytest.mark.parametrize(
    ("form", "sentence"),
    [
        ({"deed": "reject"}, "reason is needed to edit, override or reject; say why."),
        ({"deed": "edit", "quantity": "900"}, "reason is needed to edit, override or reject; say why."),
        ({"deed": "edit", "quantity": "1,5", "reason": "x"}, "'1,5' is no quantity; type a number such as 120 or 0.5."),
        ({"deed": "edit", "quantity": "0", "reason": "x"}, "quantity: Input should be greater than"),
        (
            {"deed": "edit", "quantity": "900", "reason": "x", "until": "2020-01-01"},
            "Leaving products alone needs a day from tomorrow",
        ),
        ({"deed": "approve", "reason": "x" * 1_001}, "reason: String should have at most 1000 characters."),
        ({"deed": "reject", "reason": "x", "until": "2020-01-01"}, "Leaving products alone needs a day from tomorrow"),
        ({"deed": "reject", "reason": "x", "until": "2199-01-01"}, "Leaving products alone needs a day from tomorrow"),
        ({"deed": "approve", "override": "true"}, "override goes with edit, whose quantity may then be any."),
    ],
)
async def test_what_can_be_put_right_is_said_on_the_review_s_page(
    browser: Any, service: Any, form: dict[str, str], sentence: str
) -> None:
    review = await waiting(service)

    refused = await browser.send(f"/desk/reviews/{review['review_id']}", version=review["version"], **form)

    assert refused.status_code == 422
    assert alert(refused).startswith(sentence)
    assert (await service.client.get(f"/reviews/{review['review_id']}")).json()["status"] == "pending"


async def test_a_rejection_orders_nothing(browser: Any, service: Any) -> None:
    review = await waiting(service)
    form = {"deed": "reject", "version": review["version"], "reason": "Discontinued."}

    await browser.send(f"/desk/reviews/{review['review_id']}", **form)

    page = (await browser.get(f"/desk/reviews/{review['review_id']}")).text
    assert "Rejected</b> by configured key" in page
    assert "Nothing was ordered." in page


async def test_a_decision_that_comes_too_late_shows_who_decided_what_and_when(browser: Any, service: Any) -> None:
    review = await waiting(service)
    decided = (await service.decide(review["review_id"], decision="approve")).json()

    late = await browser.send(
        f"/desk/reviews/{review['review_id']}", deed="reject", version=review["version"], reason="No."
    )

    assert late.status_code == 409
    said = alert(late)
    assert "was approved by configured key at" in said
    assert f"{review['quantity']} units ordered as {decided['order']['number']}" in said
    assert "Approved</b> by configured key" in late.text


async def test_a_decision_on_an_older_version_shows_what_stands_now(browser: Any, service: Any) -> None:
    review = await waiting(service)
    await change(service, version=review["version"] + 1)
    form = {"deed": "edit", "version": review["version"], "quantity": "900", "reason": "More."}

    refused = await browser.send(f"/desk/reviews/{review['review_id']}", **form)

    assert refused.status_code == 409
    assert "has changed since it was read" in alert(refused)
    assert f'name="version" value="{review["version"] + 1}"' in refused.text
    assert f'value="{review["quantity"]:,}" inputmode' in refused.text
    assert await service.count("orders") == 0


async def test_a_review_that_takes_another_s_place_names_it(browser: Any, service: Any) -> None:
    older = await waiting(service)
    newer = await waiting(service, current_stock=100)

    page = (await browser.get(f"/desk/reviews/{newer['review_id']}")).text
    left = (await browser.get(f"/desk/reviews/{older['review_id']}")).text

    assert f'takes the place of <a href="/desk/reviews/{older["review_id"]}">' in page
    assert "with 150 on hand" in page
    assert "Replaced by a newer plan</b>" in left
    assert f"{newer['review_id']} shows the new plan." in left


async def test_a_review_that_lapsed_says_so(browser: Any, service: Any) -> None:
    review = await waiting(service)
    await change(service, expires_at=datetime.now(UTC) - timedelta(days=1))

    page = (await browser.get(f"/desk/reviews/{review['review_id']}")).text

    assert "Nobody decided in time, and nothing was ordered." in page


async def test_where_no_order_is_possible_nothing_can_be_approved(browser: Any, service: Any) -> None:
    review = (await service.trigger({"product_id": "EPOXY_RESIN_5L", "mode": "mock"})).json()

    page = (await browser.get(f"/desk/reviews/{review['review_id']}")).text

    assert 'data-supplier="no supplier"' in (await browser.get("/desk/reviews")).text
    assert "is due, and cannot be ordered" in page
    assert "Approve: order" not in page


async def test_a_session_that_may_not_approve_sees_why_and_decides_nothing(service: Any) -> None:
    review = await waiting(service)
    reader = await with_key(service, "read")
    address = f"/desk/reviews/{review['review_id']}"

    for page in [(await reader.get(address)).text, (await reader.get("/desk/reviews")).text]:
        assert "Your key lacks the scope “approve”" in page
        assert all("disabled" in button for button in re.findall(r"<button[^>]*>(?:Approve|Reject|Order)", page))
    for path, form in ((address, {"version": 1}), ("/desk/reviews", {"review": f"{review['review_id']} 1"})):
        assert (await reader.send(path, deed="approve", **form)).status_code == 403
    assert await service.count("orders") == 0


async def test_an_own_order_and_one_above_the_limits_are_refused_in_a_sentence(service: Any) -> None:
    made = await service.client.post("/keys", json={"name": "Anna", "scopes": ["trigger", "read", "approve"]})
    own = await waiting(service, "A", headers={"X-API-Key": made.json()["key"]})
    other = await waiting(service, "B")
    limited = await with_key(service, "read", "approve", limits=[{"currency": "USD", "per_order": 1}])

    asked = await sign_in(service, made.json()["key"])
    for browser, review, sentence in (
        (asked, own, "may not approve its own orders"),
        (limited, other, "an admin can raise the limit"),
    ):
        refused = await browser.send(f"/desk/reviews/{review['review_id']}", deed="approve", version=1)
        assert refused.status_code == 403
        assert sentence in alert(refused)
    assert await service.count("orders") == 0
