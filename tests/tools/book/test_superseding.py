"""A review with older facts gives way to a newer plan for the same need."""

import asyncio
from collections import Counter

import pytest
import sqlalchemy as sa

from tests.order_book import record
from tools.book.book import OrderBook
from tools.records.errors import AlreadyDecided
from tools.records.orders import Proposal
from tools.storage.schema import audit, orders, outbox, proposals


@pytest.fixture
def waiting(book: OrderBook, new_run, new_proposal):
    """A review of BOLTS, older than the next one."""

    async def open_one(**changes) -> Proposal:
        run = await record(book, new_run(), owner="w1", lease_seconds=60)
        proposal = await book.orders.propose(new_proposal(run.id, **changes), route="review", expires_in_hours=1)
        await asyncio.sleep(0.002)
        return proposal

    return open_one


async def test_the_newer_review_takes_the_place_and_the_version_of_the_older(book: OrderBook, waiting) -> None:
    older = await waiting()
    newer = await waiting(quantity=20)
    newest = await waiting(quantity=30)

    assert [older.version, newer.version, newest.version] == [1, 2, 3]
    assert [older.supersedes, newer.supersedes, newest.supersedes] == [None, older.id, newer.id]
    assert await book.reviews.page("pending") == [newest]
    assert await book.reviews.superseded_by(newest) == await book.reviews.get(newer.id)
    ended = await book.runs.get(newer.run_id)
    assert (ended.run.status, ended.proposal and ended.proposal.status) == ("superseded", "superseded")
    with pytest.raises(AlreadyDecided, match=f"superseded. The facts have changed; {newest.id} shows"):
        await book.reviews.decide(newer.id, decision="approve", reason="", decided_by="anna")


async def test_other_needs_keep_their_reviews(book: OrderBook, new_run, new_proposal, waiting) -> None:
    here = await waiting()
    for place in ({"location": "DEPOT"}, {"mode": "mock"}, {"product_id": "NUTS"}):
        run = await record(book, new_run(**place), owner="w1", lease_seconds=60)
        await book.orders.propose(new_proposal(run.id, **place), route="review", expires_in_hours=1)
    assert (await book.reviews.get(here.id)).status == "pending"


async def test_a_run_that_began_before_the_review_waits_beside_it(
    book: OrderBook, new_run, new_proposal, waiting
) -> None:
    slow = await record(book, new_run(), owner="w1", lease_seconds=60)
    await asyncio.sleep(0.002)
    newer = await waiting()
    held = await book.orders.place(slow.id, new=new_proposal(slow.id))
    assert held.proposal is not None
    assert held.proposal.review_reasons[-1] == f"{newer.id} for the same need already waits for a person"
    assert (await book.reviews.get(newer.id)).status == "pending"


async def test_it_is_on_record_who_went_and_why(book: OrderBook, engine: sa.Engine, new_run, new_proposal, waiting):
    older = await waiting()
    run = await record(book, new_run(), owner="w1", lease_seconds=60)
    nothing = new_proposal(run.id, action="none", quantity=0)
    await book.orders.propose(nothing, route="none", expires_in_hours=1)
    with engine.connect() as connection:
        events = connection.scalars(sa.select(outbox.c.event).order_by(outbox.c.sequence)).all()
        entries = connection.scalars(sa.select(audit.c.event).order_by(audit.c.sequence)).all()
    assert events == entries == ["review.opened", "review.superseded", "run.no_action"]
    went = await book.reviews.get(older.id)
    assert went.decision_reason is not None
    assert went.decision_reason.startswith("The facts have changed, and nothing is to be ordered any more.")
    assert await book.runs.to_close() == [older.run_id]


async def test_a_review_is_approved_or_superseded_and_never_both(
    book: OrderBook, engine: sa.Engine, new_run, new_proposal, waiting
) -> None:
    won: Counter[str] = Counter()
    for number in range(12):
        older = await waiting()
        run = await record(book, new_run(), owner="w1", lease_seconds=60)

        async def approve(review: Proposal = older, pause: float = number % 4 / 1000) -> str:
            await asyncio.sleep(pause)
            try:
                await book.reviews.decide(review.id, decision="approve", reason="", decided_by="anna")
            except AlreadyDecided:
                return "superseded"
            return "approved"

        async def place(run_id: str = run.id) -> str:
            view = await book.orders.place(run_id, new=new_proposal(run_id))
            return "waits" if view.order is None else "placed"

        outcome = await asyncio.gather(approve(), place())
        won[outcome[0]] += 1
        assert outcome in (["approved", "waits"], ["superseded", "placed"])
        with engine.begin() as connection:  # the next round begins without a review or an order of this one
            made = connection.scalar(sa.select(sa.func.count()).select_from(orders))
            assert made == number + 1
            connection.execute(sa.update(proposals).where(proposals.c.status == "pending").values(status="rejected"))
    assert sum(won.values()) == 12
