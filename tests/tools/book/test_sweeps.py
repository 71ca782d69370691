"""Sweeps in the order book: stored once, held by one process, and read with what came of each product."""

from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa

from tests.order_book import record
from tools.book.book import OrderBook
from tools.planning.gate import ONLY_PROPOSES
from tools.records.errors import UnknownSweep
from tools.records.sweeps import NewSweep, SweepItem
from tools.storage.schema import sweeps

HELD = {"owner": "w1", "lease_seconds": 60.0}


def item(run_id: str = "run-1", product_id: str = "BOLTS", **about: Any) -> SweepItem:
    given = {"product_id": product_id, "name": "Bolts", "location": "SHOP", "supplier_id": "ACME", "supplier": "Acme"}
    given |= {"quantity": 40, "value": Decimal(500), "currency": "EUR", "ask_models": False, "run_id": run_id}
    return SweepItem.model_validate(given | about)


def new_sweep(sweep_id: str = "s1", *items: SweepItem) -> NewSweep:
    by = {"requested_by": "anna", "requested_by_id": "key_anna"}
    return NewSweep(id=sweep_id, mode="database", filters={"supplier": "ACME"}, items=items or (item(),), **by)


async def test_a_sweep_is_stored_once_with_its_products(book: OrderBook) -> None:
    first, fresh = await book.sweeps.begin(new_sweep(), **HELD)
    again, second = await book.sweeps.begin(new_sweep("s1", item(product_id="NUTS")), **HELD)
    assert (fresh, second) == (True, False)
    assert again == first == await book.sweeps.get("s1")
    assert (first.items[0].value, first.status, first.filters) == (Decimal(500), "running", {"supplier": "ACME"})


async def test_an_unknown_sweep_is_refused(book: OrderBook) -> None:
    with pytest.raises(UnknownSweep, match="No sweep 's9'"):
        await book.sweeps.get("s9")


async def test_only_a_sweep_that_nobody_carries_out_is_taken_over(book: OrderBook) -> None:
    await book.sweeps.begin(new_sweep("held"), **HELD)
    assert await book.sweeps.claim(owner="w2", lease_seconds=60) is None
    assert await book.sweeps.owners() == {"w1"}
    taken = await book.sweeps.claim(owner="w2", lease_seconds=60, dead=["w1"])
    assert taken is not None and taken.id == "held"
    assert not await book.sweeps.renew("held", owner="w1", lease_seconds=60)
    assert await book.sweeps.renew("held", owner="w2", lease_seconds=60)


@pytest.mark.parametrize("how", ["lease", "release"])
async def test_a_sweep_is_free_when_its_lease_is_over_or_given_back(book: OrderBook, how: str) -> None:
    await book.sweeps.begin(new_sweep(), owner="w1", lease_seconds=0 if how == "lease" else 60)
    if how == "release":
        await book.sweeps.release(owner="w1")
    taken = await book.sweeps.claim(owner="w2", lease_seconds=60)
    assert taken is not None and taken.id == "s1"
    assert await book.sweeps.claim(owner="w3", lease_seconds=60) is None


async def test_only_its_holder_ends_a_sweep(book: OrderBook) -> None:
    await book.sweeps.begin(new_sweep(), **HELD)
    assert not await book.sweeps.finish("s1", [item("other")], owner="w2")
    assert await book.sweeps.finish("s1", [item("other")], owner="w1")
    done = await book.sweeps.get("s1")
    assert (done.status, done.items[0].run_id) == ("done", "other")
    assert done.finished_at is not None
    assert await book.sweeps.claim(owner="w2", lease_seconds=60, dead=["w1"]) is None


async def test_pages_show_every_sweep_once_the_newest_first(book: OrderBook, engine: sa.Engine) -> None:
    for name in "abcde":
        await book.sweeps.begin(new_sweep(name), **HELD)
    with engine.begin() as connection:  # in the same millisecond, as on a fast machine
        moment = connection.execute(sa.select(sa.func.max(sweeps.c.created_at))).scalar_one()
        connection.execute(sa.update(sweeps).where(sweeps.c.id.in_(list("bcd"))).values(created_at=moment))
    shown: list[str] = []
    while page := await book.sweeps.page(2, before=shown[-1] if shown else None):
        shown += [sweep.id for sweep in page]
    assert sorted(shown) == list("abcde")
    assert shown[-1] == "a"


async def test_a_page_has_the_number_of_products_and_not_the_products(book: OrderBook) -> None:
    sweep, _ = await book.sweeps.begin(new_sweep("s1"), **HELD)
    await book.sweeps.begin(new_sweep("empty").model_copy(update={"items": ()}), **HELD)
    heads = {head.id: head for head in await book.sweeps.page()}
    assert (heads["s1"].total, heads["empty"].total) == (len(sweep.items), 0)
    assert dict(heads["s1"]) == {name: value for name, value in sweep if name != "items"} | {"total": sweep.total}


async def test_a_line_says_what_came_of_its_product(book: OrderBook, new_run: Any, new_proposal: Any) -> None:
    async def begun(run_id: str) -> str:
        await record(book, new_run(id=run_id, product_id=run_id, sweep_id="s1"), **HELD)
        return run_id

    async def reviewed(run_id: str, *reasons: str) -> str:
        new = new_proposal(await begun(run_id), product_id=run_id, review_reasons=reasons)
        return (await book.orders.propose(new, route="review", expires_in_hours=1)).id

    await book.orders.place(await begun("placed"), new=new_proposal("placed", product_id="placed"))
    only, waits = await reviewed("only", ONLY_PROPOSES), await reviewed("waits", ONLY_PROPOSES, "Too dear.")
    rejected = await reviewed("rejected", "Too dear.")
    await book.reviews.decide(rejected, decision="reject", reason="We have enough.", decided_by="anna")
    await book.runs.fail(await begun("failed"), "Its product is gone.")
    await begun("begun")

    names = ("placed", "only", "waits", "rejected", "failed", "begun", "never")
    items = [item(name, name) for name in names] + [item("gone", failure="No product GONE.")]
    found = await book.sweeps.lines(items)
    assert [line.outcome for line in found] == [
        *("placed", "waiting", "waiting", "not_ordered", "not_ordered", "unfinished", "unfinished", "not_ordered")
    ]
    placed, first, second, no, failed, _, _, gone = found
    assert (placed.quantity, placed.value, placed.decided_by) == (40, Decimal(500), "rules")
    assert (placed.order_number or "").startswith("PO-")
    assert (first.review_id, first.only_proposed) == (only, True)
    assert (second.review_id, second.only_proposed, second.reasons[1]) == (waits, False, "Too dear.")
    assert no.reasons == ("The review was rejected: We have enough.",)
    assert failed.reasons == ("Its run failed: Its product is gone.",)
    assert (gone.reasons, gone.run_id) == (("No product GONE.",), None)
    assert await book.sweeps.unfinished("s1") == 1
    assert await book.sweeps.recorded(items) == {"placed", "only", "waits", "rejected", "failed", "begun"}
