"""One entry and one event for each change of a run, and none of them can be taken back."""

from collections import Counter
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from tests.order_book import MOMENT, record
from tools.book.book import OrderBook
from tools.records.orders import RunView
from tools.storage.schema import audit, outbox


@pytest.fixture
def ended(book: OrderBook, new_run, new_proposal):
    """A run of a product of its own that has ended in the way given."""

    async def run_to(end: str, product_id: str = "BOLTS") -> RunView:
        run = await record(book, new_run(product_id=product_id), owner="w1", lease_seconds=60)
        new = new_proposal(run.id, product_id=product_id)
        if end == "no_action":
            await book.orders.propose(
                new_proposal(run.id, product_id=product_id, action="none", quantity=0), **_route("none")
            )
        elif end == "placed":
            await book.orders.propose(new, **_route("auto"))
            await book.orders.place(run.id)
        elif end == "failed":
            await book.runs.fail(run.id, "gave up")
        elif end == "expired":
            await book.orders.propose(new, **_route("review", expires_in_hours=0))
        else:
            review = await book.orders.propose(new, **_route("review"))
            quantity = 25 if end == "edit" else None
            await book.reviews.decide(
                review.id,
                version=1,
                decision=end,
                quantity=quantity,
                reason="why",
                decided_by="anna",
                decided_by_id="key_anna",
            )
        return await book.runs.get(run.id)

    return run_to


def _route(route: str, expires_in_hours: float = 1) -> dict[str, Any]:
    return {"route": route, "expires_in_hours": expires_in_hours}


AS_DECIDED = {
    "review.approved": "review.decided",
    "review.edited": "review.decided",
    "review.rejected": "review.decided",
}


@pytest.mark.parametrize(
    ("end", "events"),
    [
        ("no_action", ["run.no_action"]),
        ("placed", ["order.placed"]),
        ("failed", ["run.failed"]),
        ("expired", ["review.opened", "review.expired"]),
        ("approve", ["review.opened", "order.placed", "review.approved"]),
        ("edit", ["review.opened", "order.placed", "review.edited"]),
        ("reject", ["review.opened", "review.rejected"]),
    ],
)
async def test_each_change_of_a_run_leaves_one_entry_and_one_event(
    book: OrderBook, engine: sa.Engine, ended, end: str, events: list[str]
) -> None:
    view = await ended(end)
    trail = await book.audit.page(run_id=view.run.id)
    with engine.connect() as connection:
        sent = connection.scalars(sa.select(outbox.c.event).where(outbox.c.run_id == view.run.id)).all()
    assert [entry.event for entry in reversed(trail)] == events
    assert Counter(sent) == Counter(AS_DECIDED.get(event, event) for event in events)


async def test_an_entry_says_who_did_what_on_which_version_and_numbers(book: OrderBook, ended) -> None:
    view = await ended("edit")
    entry = (await book.audit.page(run_id=view.run.id))[0]
    assert view.order is not None
    assert view.proposal is not None
    assert (entry.actor, entry.actor_id, entry.event) == ("anna", "key_anna", "review.edited")
    assert (entry.review_id, entry.review_version, entry.order_number) == (view.proposal.id, 1, view.order.number)
    assert (entry.figures["quantity"], entry.figures["ordered_quantity"]) == (40, 25)
    assert (entry.figures["unit_price"], entry.figures["supplier_id"]) == ("12.50", "ACME")
    assert (entry.figures["ordered_value"], entry.figures["currency"], entry.figures["reason"]) == (
        "312.50",
        "EUR",
        "why",
    )


async def test_the_trail_is_found_by_run_order_review_and_actor(book: OrderBook, ended) -> None:
    approved, placed = await ended("approve", "A"), await ended("placed", "B")
    assert placed.order is not None
    assert approved.proposal is not None

    async def found(**filters: Any) -> list[tuple[str | None, str]]:
        return [(entry.run_id, entry.event) for entry in await book.audit.page(**filters)]

    assert await found(order_number=placed.order.number) == [(placed.run.id, "order.placed")]
    assert len(await found(review=approved.proposal.id)) == 3
    assert await found(actor="key_anna") == await found(actor="anna") != []
    assert {event for _, event in await found(actor="automatic")} == {"order.placed"}
    assert await found(run_id="nobody's") == []
    assert await found(runs=[placed.run.id, "nobody's"]) == await found(run_id=placed.run.id)
    assert await found(runs=[placed.run.id, approved.run.id]) == await found()
    assert await found(runs=[]) == []


async def test_pages_follow_each_other(book: OrderBook, ended) -> None:
    for number in range(3):
        await ended("reject", f"P{number}")
    first = await book.audit.page(4)
    second = await book.audit.page(4, before=first[-1].sequence)
    assert [entry.sequence for entry in first + second] == [6, 5, 4, 3, 2, 1]


@pytest.mark.parametrize("change", [sa.update(audit).values(actor="nobody"), sa.delete(audit)])
async def test_no_entry_can_be_changed_or_removed(book: OrderBook, engine: sa.Engine, ended, change: Any) -> None:
    await ended("placed")
    with pytest.raises(DBAPIError, match="append-only"), engine.begin() as connection:
        connection.execute(change)
    assert len(await book.audit.page()) == 1


async def test_the_version_changes_with_every_entry_also_with_one_that_is_stored_after_a_later_number(
    book: OrderBook, engine: sa.Engine
) -> None:
    def store(sequence: int) -> None:
        with engine.begin() as connection:
            entry = {"sequence": sequence, "at": MOMENT, "actor": "anna", "event": "order.placed", "figures": {}}
            connection.execute(sa.insert(audit).values(entry))

    versions = [await book.audit.version()]
    for sequence in (5, 9, 7):
        store(sequence)
        versions.append(await book.audit.version())
    assert len(set(versions)) == 4
    assert await book.audit.version() == versions[-1]
