"""Four eyes: whoever asked for an order does not approve it, unless allowed to."""

from typing import Any

import pytest

from tests.order_book import record
from tools.book.audit import Actor
from tools.book.book import OrderBook
from tools.book.keys import Grant
from tools.records.errors import OwnOrder
from tools.records.orders import RunView

ADMIN = Actor(name="admin")


@pytest.fixture
def decide_own(book: OrderBook, new_run, new_proposal):
    """Decides as key `key_a` on a review that was asked for with it."""

    async def decide(asked_with: str = "key_a", **changes: Any) -> RunView:
        run = await record(book, new_run(requested_by_id=asked_with), owner="w1", lease_seconds=60)
        proposal = new_proposal(run.id, requested_by_id=asked_with)
        review = await book.orders.propose(proposal, route="review", expires_in_hours=1)
        values = {"version": 1, "decision": "approve", "quantity": None, "reason": "ok", "decided_by": "a"} | changes
        return await book.reviews.decide(review.id, **({"decided_by_id": "key_a"} | values))

    return decide


@pytest.fixture
def key(book: OrderBook):
    async def make(*, may_approve_own: bool) -> None:
        grant = Grant(name="a", scopes=frozenset({"approve"}), may_approve_own=may_approve_own)
        await book.keys.create("key_a", "ha", "rsk", grant, by=ADMIN)

    return make


@pytest.mark.parametrize("decision", [{}, {"decision": "edit", "quantity": 25}])
async def test_a_key_does_not_approve_what_it_asked_for(book: OrderBook, key, decide_own, decision: dict) -> None:
    await key(may_approve_own=False)
    with pytest.raises(OwnOrder, match="Use another key with the scope approve"):
        await decide_own(**decision)
    assert (await book.reviews.page())[0].status == "pending"
    assert await book.orders.page() == []


async def test_a_key_that_is_allowed_to_does(key, decide_own) -> None:
    await key(may_approve_own=True)
    assert (await decide_own()).run.status == "executed"


async def test_another_key_s_order_is_approved(key, decide_own) -> None:
    await key(may_approve_own=False)
    assert (await decide_own(asked_with="key_b")).run.status == "executed"


async def test_anybody_may_reject_what_they_asked_for(key, decide_own) -> None:
    await key(may_approve_own=False)
    assert (await decide_own(decision="reject")).run.status == "rejected"


async def test_names_do_not_count(key, decide_own) -> None:
    """Two keys of the same name are two pairs of eyes, and one key under two names is one."""
    await key(may_approve_own=False)
    with pytest.raises(OwnOrder):
        await decide_own(decided_by="somebody else")


async def test_the_key_of_the_settings_and_the_first_key_may(book: OrderBook, decide_own) -> None:
    grant = Grant(name="first key", scopes=frozenset({"admin", "approve"}), may_approve_own=True)
    await book.keys.store_first("fa" * 32, "rsk", grant)
    first = (await book.keys.all())[0].id
    for key_id in ("configured", first):
        assert (await decide_own(asked_with=key_id, decided_by_id=key_id)).run.status == "executed"


async def test_ids_are_kept_with_run_proposal_order_and_decision(book: OrderBook, key, decide_own) -> None:
    await key(may_approve_own=True)
    view = await decide_own()
    assert view.run.requested_by_id == "key_a"
    assert view.proposal is not None
    assert (view.proposal.requested_by_id, view.proposal.decided_by_id) == ("key_a", "key_a")
    assert view.order is not None
    assert view.order.placed_by_id == "key_a"
