"""The model's search through reviews: what waits and why, and what was decided by whom."""

from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa

from tools.asking.overview import Overview
from tools.book.book import OrderBook
from tools.find_changes import find_changes
from tools.find_reviews import find_reviews
from tools.get_review import get_review
from tools.records.errors import UnknownReview
from tools.storage.schema import proposals
from tools.storage.types import NowPlus

WHY = "Its value is above the limit."


async def test_what_waits_is_told_with_its_reasons_and_sums(overview: Overview, waiting: Any) -> None:
    first = await waiting(mode="mock", review_reasons=(WHY,))
    second = await waiting(mode="mock", product_id="PINS", unit_price=None)

    found = await find_reviews(overview)

    assert [each["review_id"] for each in found["reviews"]] == [second.id, first.id]
    assert (found["reviews"][1]["reasons"], found["reviews"][1]["value"]) == ([WHY], 500.0)
    assert found["totals"] == {"reviews": 2, "value": {"EUR": 500.0}}


async def test_filters_narrow_together(engine: sa.Engine, overview: Overview, waiting: Any) -> None:
    bolts = await waiting(mode="mock")
    nuts = await waiting(product_id="NUTS", supplier_id="N1", supplier_name="Nuts", unit_price=Decimal(1), mode="mock")
    with engine.begin() as connection:
        old = sa.update(proposals).where(proposals.c.product_id == "NUTS").values(created_at=NowPlus(-2 * 86_400.0))
        connection.execute(old)
    for filters, review in (
        ({"supplier": "nuts"}, nuts),
        ({"product_id": "bolts"}, bolts),
        ({"late": True}, nuts),
        ({"late": False}, bolts),
        ({"period": "today"}, bolts),
        ({"value_at_least": 41}, bolts),
        ({"words": "nuts shop"}, nuts),
    ):
        found = await find_reviews(overview, **filters)  # type: ignore[arg-type]
        assert [each["review_id"] for each in found["reviews"]] == [review.id], filters
    assert (await find_reviews(overview))["totals"]["waiting_over_a_day"] == 1
    grouped = await find_reviews(overview, group_by="supplier")
    assert [group["supplier"] for group in grouped["groups"]] == ["Acme Fasteners", "Nuts"]


async def test_decisions_are_found_by_who_made_them_and_when(overview: Overview, book: OrderBook, waiting: Any) -> None:
    approved, rejected = await waiting(mode="mock"), await waiting(mode="mock", product_id="PINS")
    await book.reviews.decide(approved.id, decision="approve", reason="fine", decided_by="Anna")
    await book.reviews.decide(rejected.id, decision="reject", reason="too much", decided_by="Bo")

    annas = await find_reviews(overview, status="any", decided_by="anna", period="today")
    assert [each["review_id"] for each in annas["reviews"]] == [approved.id]
    assert (await find_reviews(overview, status="any", period="yesterday"))["reviews"] == []
    [told] = (await find_reviews(overview, status="rejected"))["reviews"]
    assert (told["decided_by"], told["decision_reason"]) == ("Bo", "too much")


async def test_a_review_says_what_is_proposed_and_what_may_be_ordered_instead(overview: Overview, waiting: Any) -> None:
    review = await waiting(mode="mock", review_reasons=(WHY,))
    told = await get_review(overview, review.id.lower())
    assert (told["quantity"], told["minimum_quantity"], told["maximum_quantity"]) == (40, 20, 60)
    assert (told["reasons"], told["reason"]) == ((WHY,), review.plan.reason)
    assert told["model_text_not_verified"] == ["Stock lasts three days.", "supplier was late twice"]
    with pytest.raises(UnknownReview):
        await get_review(overview, "RV-999999")


async def test_what_was_done_is_told_with_who_did_it_and_never_of_keys(
    overview: Overview, book: OrderBook, waiting: Any, placed: Any
) -> None:
    review = await waiting(mode="mock")
    await book.reviews.decide(review.id, decision="reject", reason="too much", decided_by="Anna")
    order = await placed(mode="mock", product_id="PINS")

    done = await find_changes(overview, period="today")

    assert done["totals"] == {"review.opened": 1, "review.rejected": 1, "order.placed": 1}
    assert done["changes"][0] | {"at": ""} == {
        "at": "",
        "by": "automatic",
        "event": "order.placed",
        "order_number": order.number,
        "review_id": order.proposal_id,
        "product_id": "PINS",
        "location": "SHOP",
        "quantity": 40,
        "supplier_id": "ACME",
    }
    [annas] = (await find_changes(overview, by="anna"))["changes"]
    assert (annas["event"], annas["reason"]) == ("review.rejected", "too much")
    assert (await find_changes(overview, kind="order"))["totals"] == {"order.placed": 1}
    assert (await find_changes(overview, product_id="pins", kind="review"))["changes"] == []
    assert (await find_changes(overview, period="yesterday"))["totals"] == {}
