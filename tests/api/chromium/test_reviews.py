"""A planner, or two, at the reviews."""

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from tests.api.chromium.conftest import KEY, Desk

Open = Callable[..., Desk]
PHONE = {"width": 390, "height": 844}


class Api:
    """What programs see of the service."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client

    def waiting(self, product_id: str) -> str:
        """A fresh review, above the value limit."""
        body = {"product_id": product_id, "mode": "input", "current_stock": 150, "lead_time_days": 7}
        body |= {"demand_history": [100, 120, 110, 130, 125, 115, 140], "service_level": 0.95, "unit_price": 5_000}
        answer = self._client.post("/inventory-trigger", json=body).json()
        assert answer["status"] == "pending_review"
        return str(answer["review_id"])

    def review(self, review_id: str) -> dict[str, Any]:
        return dict(self._client.get(f"/reviews/{review_id}").json())

    def new_key(self, name: str, *scopes: str) -> str:
        made = self._client.post("/keys", json={"name": name, "scopes": list(scopes)})
        return str(made.json()["key"])


@pytest.fixture
def api(shared_url: str) -> Iterator[Api]:
    with httpx.Client(base_url=shared_url, headers={"X-API-Key": KEY}, trust_env=False, timeout=60) as client:
        yield Api(client)


def test_a_review_is_approved_by_keyboard(shared_url: str, open_desk: Open, api: Api) -> None:
    review = api.waiting("BY_KEYBOARD")
    desk = open_desk(shared_url)
    desk.go(f"/desk/reviews/{review}")
    desk.page.keyboard.press("a")
    desk.page.keyboard.press("Enter")
    desk.page.wait_for_selector("text=Approved by configured key")

    assert api.review(review)["status"] == "approved"


def test_another_quantity_is_ordered_and_one_beyond_the_plan_only_as_an_override(
    shared_url: str, open_desk: Open, api: Api
) -> None:
    review = api.waiting("EDITED")
    desk = open_desk(shared_url)
    desk.go(f"/desk/reviews/{review}")
    desk.page.keyboard.press("e")
    desk.page.keyboard.type("100000")
    desk.page.fill("form:has(.quantity) input[name=reason]", "The fair sells four times as much.")
    desk.page.click("text=Order this quantity")
    assert "is outside" in desk.page.inner_text("[role=alert]")
    assert desk.page.input_value(".quantity") == "100000"
    assert desk.violations() == []
    desk.page.check("input[name=override]")
    desk.page.click("text=Order this quantity")
    desk.page.wait_for_selector("text=Ordered: 100,000")

    assert api.review(review)["order"]["items"][0]["quantity"] == 100_000
    desk.faults.clear()  # a refused form is an answer of 422, which the browser tells on its console


def test_a_review_is_rejected_only_with_a_reason(shared_url: str, open_desk: Open, api: Api) -> None:
    review = api.waiting("REJECTED")
    desk = open_desk(shared_url)
    desk.go(f"/desk/reviews/{review}")
    desk.page.click("text=Reject: order nothing")
    assert api.review(review)["status"] == "pending"
    desk.page.fill("form:has-text('Reject: order nothing') input[name=reason]", "Discontinued.")
    desk.page.click("text=Reject: order nothing")
    desk.page.wait_for_selector("text=Rejected by configured key")

    assert api.review(review)["status"] == "rejected"


def test_two_people_decide_and_the_second_learns_of_the_first(shared_url: str, open_desk: Open, api: Api) -> None:
    review = api.waiting("TWO_PEOPLE")
    anna = open_desk(shared_url)
    ben = open_desk(shared_url, key=api.new_key("ben", "read", "approve"))
    for desk in (anna, ben):
        desk.go(f"/desk/reviews/{review}")
    ben.page.click("text=Approve: order")
    ben.page.wait_for_selector("text=Approved by ben")
    anna.page.fill("form:has-text('Reject: order nothing') input[name=reason]", "Too much.")
    anna.page.click("text=Reject: order nothing")

    assert "was approved by ben" in anna.page.inner_text("[role=alert]")
    assert "Approved by ben" in anna.text()
    anna.faults.clear()


def test_many_reviews_are_approved_at_once(shared_url: str, open_desk: Open, api: Api) -> None:
    reviews = [api.waiting(f"MANY_{number}") for number in range(3)]
    desk = open_desk(shared_url)
    desk.go("/desk/reviews")
    for review in reviews:
        desk.page.check(f"input[value^='{review} ']")
    desk.page.click("text=Approve what is chosen")
    desk.page.wait_for_selector("text=3 of 3 done")

    assert {api.review(review)["status"] for review in reviews} == {"approved"}


def test_on_a_phone_a_review_is_read_and_decided_without_scrolling_sideways(
    shared_url: str, open_desk: Open, api: Api
) -> None:
    review = api.waiting("ON_A_PHONE")
    desk = open_desk(shared_url, viewport=PHONE)
    desk.go("/desk/reviews")
    assert not desk.reaches_beyond()
    desk.go(f"/desk/reviews/{review}")
    assert not desk.reaches_beyond()
    assert desk.violations() == []
    desk.page.click("text=Approve: order")
    desk.page.wait_for_selector("text=Approved by")

    assert not desk.reaches_beyond()


def test_without_scripts_a_review_is_decided(shared_url: str, open_desk: Open, api: Api) -> None:
    review = api.waiting("WITHOUT_SCRIPTS")
    desk = open_desk(shared_url, java_script_enabled=False)
    desk.go(f"/desk/reviews/{review}")
    desk.page.click("text=Approve: order")

    assert "Approved by configured key" in desk.text()


def test_a_key_that_may_only_read_sees_why_it_cannot_decide(shared_url: str, open_desk: Open, api: Api) -> None:
    review = api.waiting("READ_ONLY")
    desk = open_desk(shared_url, key=api.new_key("rita", "read"))
    desk.go(f"/desk/reviews/{review}")

    assert desk.page.locator("button:has-text('Approve: order')").is_disabled()
    assert "approve" in desk.text()
    assert desk.violations() == []


def test_a_link_in_a_message_leads_through_sign_in_to_the_review(shared_url: str, open_desk: Open, api: Api) -> None:
    review = api.waiting("BY_LINK")
    desk = open_desk(shared_url, key=None)
    desk.page.goto(f"{shared_url}/reviews/{review}")
    desk.page.fill("input[name=key]", KEY)
    desk.page.click("text=Sign in >> nth=-1")
    desk.page.wait_for_url(f"**/desk/reviews/{review}")

    assert "BY_LINK" in desk.text()
    assert KEY not in desk.page.content()
    assert KEY not in str(desk.context.cookies())


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_reviews_are_accessible(shared_url: str, open_desk: Open, api: Api, scheme: str) -> None:
    review = api.waiting(f"ACCESSIBLE_{scheme}")
    desk = open_desk(shared_url, color_scheme=scheme)
    found = []
    for path in ("/desk/reviews", "/desk/reviews?status=all", f"/desk/reviews/{review}"):
        desk.go(path)
        found += desk.violations()

    assert found == []
