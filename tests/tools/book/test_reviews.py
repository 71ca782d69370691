import asyncio
from datetime import timedelta
from decimal import Decimal

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from tests.order_book import record
from tools.book import reviews
from tools.book.book import OrderBook
from tools.records.errors import AlreadyDecided, Conflict, InvalidQuantity, UnknownReview
from tools.records.orders import Proposal, RunView
from tools.storage.schema import audit, decisions, outbox, proposals


@pytest.fixture
def decide(book: OrderBook):
    """Decides as anna, unless told otherwise."""

    async def decide(review: Proposal | str, decision: str = "approve", **changes) -> RunView:
        identity = review if isinstance(review, str) else review.id
        values = {"version": None, "quantity": None, "reason": "checked", "decided_by": "anna"} | changes
        return await book.reviews.decide(identity, decision=decision, **values)

    return decide


async def test_approving_places_what_was_shown(book: OrderBook, waiting, decide) -> None:
    view = await decide(await waiting(), version=1, quantity=40)
    assert view.order is not None
    assert (view.order.items[0].quantity, view.order.placed_by) == (40, "anna")
    assert view.run.status == "executed"
    assert view.proposal is not None
    assert (view.proposal.status, view.proposal.decided_by, view.proposal.decision_reason) == (
        "approved",
        "anna",
        "checked",
    )
    assert view == await book.runs.get(view.run.id)


async def test_rejecting_places_nothing(book: OrderBook, waiting, decide) -> None:
    view = await decide(await waiting(), "reject", reason="supplier is on strike")
    assert (view.run.status, view.order) == ("rejected", None)
    assert view.proposal is not None
    assert view.proposal.decision_reason == "supplier is on strike"
    assert await book.orders.page() == []


async def test_an_edit_orders_the_new_quantity_and_keeps_the_proposed_one(waiting, decide) -> None:
    view = await decide(await waiting(), "edit", quantity=25)
    assert view.order is not None
    assert (view.order.items[0].quantity, str(view.order.total)) == (25, "312.50")
    assert view.proposal is not None
    assert view.proposal.quantity == 40


@pytest.mark.parametrize(("decision", "quantity"), [("edit", None), ("edit", 0), ("edit", -3), ("edit", 10**30)])
async def test_a_wrong_quantity_decides_nothing(book: OrderBook, waiting, decide, decision, quantity) -> None:
    proposal = await waiting()
    with pytest.raises(InvalidQuantity):
        await decide(proposal, decision, quantity=quantity)
    assert await book.reviews.get(proposal.id) == proposal
    assert (await decide(proposal)).run.status == "executed"


async def test_approving_to_order_nothing_closes_the_run(waiting, decide) -> None:
    view = await decide(await waiting(action="none", quantity=0))
    assert (view.run.status, view.order) == ("no_action", None)


async def test_a_second_decision_is_told_who_decided_what(waiting, decide) -> None:
    proposal = await waiting()
    view = await decide(proposal, "edit", quantity=25)
    assert view.order is not None
    assert view.proposal is not None
    with pytest.raises(AlreadyDecided) as refusal:
        await decide(proposal, "reject", decided_by="ben")
    for part in (proposal.id, "approved by anna", "25 units", view.order.number, f"{view.proposal.decided_at:%H:%M}"):
        assert part in refusal.value.message


@pytest.mark.parametrize(("decision", "quantity"), [("approve", None), ("edit", 25), ("reject", None)])
async def test_the_same_decision_again_by_the_same_person_is_answered_like_the_first(
    book: OrderBook, waiting, decide, decision: str, quantity: int | None
) -> None:
    proposal = await waiting()
    first = await decide(proposal, decision, quantity=quantity, version=1)
    again = await decide(proposal, decision, quantity=quantity, version=1)
    assert again == first.model_copy(update={"standing": True})
    assert len(await book.orders.page()) == (0 if decision == "reject" else 1)


@pytest.mark.parametrize(
    "difference",
    [
        {"decision": "reject", "quantity": None},
        {"decision": "approve", "quantity": None},
        {"quantity": 26},
        {"decided_by": "ben"},
        {"decided_by_id": "key_of_another_anna"},
        {"version": 2},
    ],
)
async def test_another_decision_is_told_who_decided(book: OrderBook, waiting, decide, difference: dict) -> None:
    proposal = await waiting()
    same = {"decision": "edit", "quantity": 25, "decided_by_id": "key_of_anna"}
    await decide(proposal, **same)
    with pytest.raises(AlreadyDecided, match="approved by anna"):
        await decide(proposal, **(same | difference))
    assert len(await book.orders.page()) == 1


@pytest.mark.parametrize(
    ("seen", "stored"),
    [
        ({"quantity": 41}, "the quantity is 40"),
        ({"unit_price": Decimal("12.49")}, "the unit price is 12.5"),
        ({"supplier": "Acme Fastener"}, "the supplier is 'Acme Fasteners'"),
    ],
)
async def test_an_approval_of_anything_but_what_is_stored_decides_nothing(
    book: OrderBook, waiting, decide, seen: dict, stored: str
) -> None:
    proposal = await waiting()
    with pytest.raises(AlreadyDecided, match=stored):
        await decide(proposal, **seen)
    assert await book.reviews.get(proposal.id) == proposal


@pytest.mark.parametrize("supplier", ["Acme Fasteners", "ACME"])
async def test_an_approval_of_exactly_what_is_stored_is_carried_out(waiting, decide, supplier: str) -> None:
    view = await decide(await waiting(), quantity=40, unit_price=Decimal("12.5"), supplier=supplier)
    assert view.run.status == "executed"


@pytest.mark.parametrize("quantity", [19, 61])
async def test_an_edit_outside_the_plan_s_bounds_decides_nothing(
    book: OrderBook, waiting, decide, quantity: int
) -> None:
    proposal = await waiting()
    with pytest.raises(InvalidQuantity, match="bounds"):
        await decide(proposal, "edit", quantity=quantity)
    assert await book.reviews.get(proposal.id) == proposal


async def test_a_decision_on_another_version_is_refused(book: OrderBook, waiting, decide) -> None:
    proposal = await waiting()
    with pytest.raises(AlreadyDecided, match="at version 1, not 2"):
        await decide(proposal, version=2)
    assert (await book.reviews.get(proposal.id)).status == "pending"


async def test_an_expired_review_cannot_be_decided(book: OrderBook, waiting, decide) -> None:
    proposal = await waiting(expires_in_hours=0)
    with pytest.raises(AlreadyDecided, match="expired at"):
        await decide(proposal)
    assert await book.orders.page() == []


async def test_an_expired_review_closes_its_run_with_the_next_look(book: OrderBook, engine: sa.Engine, waiting) -> None:
    proposal = await waiting(expires_in_hours=0)
    view = await book.runs.get(proposal.run_id)
    assert view.run.status == "expired"
    assert view.proposal is not None
    assert view.proposal.status == "expired"
    assert await book.reviews.page(status="pending") == []
    with engine.connect() as connection:
        events = connection.scalars(sa.select(outbox.c.event).order_by(outbox.c.sequence)).all()
    assert events == ["review.opened", "review.expired"]


@pytest.mark.parametrize(
    "identity", ["RV-000099", "RV-1", "rv-000001", "PO-2026-000001", "RV-" + "9" * 30, "", "RV-١٢٣٤٥٦"]
)
async def test_an_unknown_review_is_refused(book: OrderBook, waiting, decide, identity: str) -> None:
    await waiting()
    with pytest.raises(UnknownReview):
        await decide(identity)
    with pytest.raises(UnknownReview):
        await book.reviews.get(identity)


async def test_an_automatic_order_was_never_up_for_decision(book: OrderBook, new_run, new_proposal, decide) -> None:
    run = await record(book, new_run(), owner="w1", lease_seconds=60)
    proposal = await book.orders.propose(new_proposal(run.id), route="auto", expires_in_hours=1)
    with pytest.raises(AlreadyDecided, match="never open"):
        await decide(proposal)
    await book.orders.place(run.id)
    with pytest.raises(AlreadyDecided, match="never open"):
        await decide(proposal, "reject")


async def test_of_fifty_decisions_at_once_one_wins(book: OrderBook, engine: sa.Engine, waiting, decide) -> None:
    proposal = await waiting()
    kinds = ["approve", "reject", "edit"]
    attempts = [
        decide(proposal, kind, quantity=30 if kind == "edit" else None, version=1, decided_by=f"p{n}")
        for n, kind in ((n, kinds[n % 3]) for n in range(50))
    ]
    outcomes = await asyncio.gather(*attempts, return_exceptions=True)
    winners = [outcome for outcome in outcomes if isinstance(outcome, RunView)]
    assert len(winners) == 1
    assert sum(isinstance(outcome, AlreadyDecided) for outcome in outcomes) == 49
    assert await book.runs.get(proposal.run_id) == winners[0]
    with engine.connect() as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(decisions)) == 1
    assert len(await book.orders.page()) == (0 if winners[0].order is None else 1)


async def test_without_the_compare_and_set_the_tables_still_refuse_a_second_decision(
    book: OrderBook, waiting, decide, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A planted fault: whatever the code believes, one decision and one order is all that a proposal can have."""
    rejected, approved = await waiting(), await waiting(product_id="NUTS")
    await decide(rejected, "reject")
    await decide(approved)
    monkeypatch.setattr(reviews, "PENDING_NOW", sa.true())
    with pytest.raises(IntegrityError):
        await decide(rejected)
    with pytest.raises(Conflict, match="has its order already"):
        await decide(approved)
    assert [order.product_id for order in await book.orders.page()] == ["NUTS"]


async def test_a_decision_is_on_record_with_version_and_numbers(engine: sa.Engine, waiting, decide) -> None:
    proposal = await waiting()
    view = await decide(proposal, "edit", quantity=25, version=1, reason="promotion ends")
    with engine.connect() as connection:
        decided = connection.execute(sa.select(decisions)).mappings().one()
        trail = connection.execute(sa.select(audit).order_by(audit.c.sequence)).mappings().all()
        events = connection.scalars(sa.select(outbox.c.event).order_by(outbox.c.sequence)).all()
    assert (decided["decision"], decided["quantity"], decided["proposal_version"]) == ("edit", 25, 1)
    assert (decided["reason"], decided["decided_by"]) == ("promotion ends", "anna")
    assert [(entry["event"], entry["actor"]) for entry in trail] == [
        ("review.opened", "service"),
        ("order.placed", "anna"),
        ("review.edited", "anna"),
    ]
    assert view.order is not None
    assert trail[2]["order_number"] == view.order.number
    assert (trail[2]["figures"]["quantity"], trail[2]["figures"]["ordered_quantity"]) == (40, 25)
    assert events == ["review.opened", "order.placed", "review.decided"]


async def test_reviews_are_listed_by_status_newest_first_page_by_page(
    book: OrderBook, new_run, new_proposal, waiting, decide
) -> None:
    identities = [(await waiting(product_id=f"P{n}")).id for n in range(5)]
    await decide(identities[1], "reject")
    run = await record(book, new_run(), owner="w1", lease_seconds=60)
    await book.orders.propose(new_proposal(run.id), route="auto", expires_in_hours=1)

    async def listed(**options) -> list[str]:
        return [proposal.id for proposal in await book.reviews.page(**options)]

    assert await listed() == identities[::-1]
    assert await listed(status="rejected") == [identities[1]]
    assert await listed(status="pending", limit=2) == [identities[4], identities[3]]
    assert await listed(status="pending", limit=2, before=identities[3]) == [identities[2], identities[0]]
    assert len(await listed(limit=-5)) == 1


async def test_a_malformed_cursor_is_refused(book: OrderBook) -> None:
    with pytest.raises(UnknownReview):
        await book.reviews.page(before="yesterday")


async def test_the_queues_figures_count_what_waits(book: OrderBook, engine: sa.Engine, waiting, decide) -> None:
    assert await book.reviews.figures() == (0, 0.0)
    first = await waiting(product_id="A")
    await waiting(product_id="B")
    await waiting(product_id="C", expires_in_hours=0)
    earlier = sa.update(proposals).where(proposals.c.product_id == "A")
    with engine.begin() as connection:
        connection.execute(earlier.values(created_at=first.created_at - timedelta(hours=2)))
    count, age = await book.reviews.figures()
    assert count == 2
    assert age == pytest.approx(7200, abs=60)
    await decide(first)
    count, age = await book.reviews.figures()
    assert (count, age < 60) == (1, True)
