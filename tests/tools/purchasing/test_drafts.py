"""Orders that are placed join the one draft of their supplier, and leave it by themselves."""

import asyncio
from typing import Any

import pytest
import sqlalchemy as sa

from tests.order_book import ANNA, record
from tools.book.book import OrderBook
from tools.purchasing.reading import Wanted
from tools.purchasing.store import DocumentStore
from tools.records.errors import UnknownPurchaseOrder
from tools.storage.schema import purchase_orders


async def test_orders_to_one_supplier_are_lines_of_one_draft(documents: DocumentStore, placed: Any) -> None:
    orders = [await placed(product_id=product) for product in ("BOLTS", "NUTS")]
    [draft] = await documents.page()
    assert (draft.status, draft.supplier_id, draft.location, draft.currency) == ("draft", "ACME", "SHOP", "EUR")
    assert list(draft.lines) == orders
    assert {order.purchase_order for order in orders} == {draft.number}
    assert (draft.line_count, draft.open_lines, draft.total) == (2, 2, 1000)
    assert draft.number.endswith("-000001")


@pytest.mark.parametrize(
    "other",
    [{"supplier_id": "BOLT_CO"}, {"location": "DEPOT"}, {"currency": "USD"}, {"mode": "mock"}, {"supplier_id": None}],
)
async def test_another_supplier_location_currency_or_mode_has_a_draft_of_its_own(
    documents: DocumentStore, placed: Any, other: dict[str, Any]
) -> None:
    first = await placed()
    second = await placed(product_id="NUTS", **other)
    assert first.purchase_order != second.purchase_order
    assert await documents.count() == 2


async def test_suppliers_that_requests_name_have_drafts_by_their_names(documents: DocumentStore, placed: Any) -> None:
    names = ["Acme", "Bolt & Co", "Acme"]
    orders = [
        await placed(mode="input", product_id=f"P{n}", supplier_id="stated", supplier_name=name)
        for n, name in enumerate(names)
    ]
    assert orders[0].purchase_order == orders[2].purchase_order != orders[1].purchase_order
    assert [each.supplier_name for each in await documents.page()] == ["Bolt & Co", "Acme"]


async def test_a_transfer_is_no_line_of_a_purchase_order(documents: DocumentStore, placed: Any) -> None:
    order = await placed(action="transfer", source_location="DEPOT", supplier_id=None, supplier_name=None)
    assert order.purchase_order is None
    assert await documents.page() == []


async def test_of_forty_orders_at_once_each_is_a_line_of_one_draft(
    documents: DocumentStore, book: OrderBook, new_run: Any, new_proposal: Any
) -> None:
    async def place(product: str) -> None:
        run = await record(book, new_run(product_id=product), owner="w1", lease_seconds=60)
        await book.orders.place(run.id, new=new_proposal(run.id, product_id=product))

    await asyncio.gather(*(place(f"P{n}") for n in range(40)))
    [draft] = await documents.page()
    assert {line.product_id for line in draft.lines} == {f"P{n}" for n in range(40)}


@pytest.mark.parametrize("step", ["cancel", "send", "receive"])
async def test_a_line_that_goes_its_own_way_leaves_the_draft(
    documents: DocumentStore, book: OrderBook, placed: Any, step: str
) -> None:
    leaves, stays = await placed(), await placed(product_id="NUTS")
    if step == "cancel":
        gone = await book.life.cancel(leaves.number, "sold out", by=ANNA)
    elif step == "send":
        gone = await book.life.mark_sent(leaves.number, by=ANNA)
    else:
        gone = await book.life.receive(leaves.number, 5, by=ANNA)
    assert gone.purchase_order is None
    assert (await documents.get(stays.purchase_order)).lines == (stays,)
    [entry] = await book.audit.page(1)
    assert entry.figures["purchase_order"] == stays.purchase_order


async def test_an_empty_draft_is_not_listed_and_takes_the_next_line(
    documents: DocumentStore, book: OrderBook, placed: Any
) -> None:
    first = await placed()
    await book.life.cancel(first.number, "sold out", by=ANNA)
    assert (await documents.page(), await documents.count()) == ([], 0)
    assert (await documents.get(first.purchase_order)).lines == ()
    assert (await placed(product_id="NUTS")).purchase_order == first.purchase_order


async def test_an_order_that_is_not_placed_leaves_no_draft(
    documents: DocumentStore, book: OrderBook, engine: sa.Engine, placed: Any, new_run: Any, new_proposal: Any
) -> None:
    run = await record(book, new_run(), owner="w1", lease_seconds=60)
    await book.orders.propose(new_proposal(run.id), route="review", expires_in_hours=1)
    with engine.connect() as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(purchase_orders)) == 0


async def test_documents_are_listed_by_supplier_location_and_status(documents: DocumentStore, placed: Any) -> None:
    bolts = await placed()
    nuts = await placed(product_id="NUTS", location="DEPOT", supplier_id="N1", supplier_name="Nuts & Sons")
    document = await documents.get(bolts.purchase_order)
    await documents.send(document.number, document.version, by=ANNA)

    async def listed(**wanted: Any) -> set[str]:
        found = await documents.page(wanted=Wanted(**wanted))
        assert await documents.count(Wanted(**wanted)) == len(found)
        return {each.number for each in found}

    assert await listed() == {bolts.purchase_order, nuts.purchase_order}
    assert await listed(supplier="N1") == await listed(supplier="Nuts & Sons") == {nuts.purchase_order}
    assert await listed(location="SHOP") == await listed(status="sent") == {bolts.purchase_order}
    assert await listed(status="draft") == {nuts.purchase_order}
    assert await listed(status="closed") == await listed(late=True) == set()
    assert len(await listed(late=False)) == 2
    await documents.receive(document.number, by=ANNA)
    assert await listed(status="closed") == {bolts.purchase_order}


async def test_pages_go_on_where_the_last_one_ended(documents: DocumentStore, placed: Any) -> None:
    numbers = [(await placed(product_id=f"P{n}", supplier_id=f"S{n}")).purchase_order for n in range(3)]
    first = await documents.page(2)
    rest = await documents.page(2, before=first[-1].number)
    assert [each.number for each in [*first, *rest]] == numbers[::-1]
    with pytest.raises(UnknownPurchaseOrder, match="PD-9"):
        await documents.page(before="PD-9")
