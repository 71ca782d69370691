import asyncio
from datetime import timedelta
from decimal import Decimal

import pytest
import sqlalchemy as sa

from tests.order_book import ANNA, open_orders, record
from tests.tools.conftest import PLAN
from tools.book.book import OrderBook
from tools.book.filters import Filters
from tools.records.errors import (
    Conflict,
    InvalidInput,
    InvalidQuantity,
    RunLost,
    UnknownOrder,
    UnknownRun,
)
from tools.records.orders import Order
from tools.storage.schema import audit, outbox


async def test_an_order_says_what_the_proposal_said(book: OrderBook, placed) -> None:
    order = await placed(quantity=7, unit_price=Decimal("0.35"), lead_time_days=2.5)
    assert (order.type, order.product_id, order.location, order.supplier_id) == (
        "purchase_order",
        "BOLTS",
        "SHOP",
        "ACME",
    )
    line = order.items[0]
    assert (line.name, line.quantity, line.unit_price, line.value) == (
        "Bolts M8 – verzinkt",
        7,
        Decimal("0.35"),
        Decimal("2.45"),
    )
    assert (str(order.total), order.currency, order.placed_by, order.provider) == ("2.45", "EUR", "automatic", "rules")
    assert order.due_at - order.created_at == timedelta(days=2.5)
    assert await book.orders.get(order.number) == order


async def test_placing_closes_run_and_proposal(book: OrderBook, placed) -> None:
    order = await placed()
    view = await book.runs.get(order.run_id)
    assert view.order == order
    assert view.run.status == "executed"
    assert view.run.finished_at is not None
    assert view.proposal is not None
    assert (view.proposal.status, view.proposal.id, view.proposal.expires_at) == ("placed", order.proposal_id, None)


async def test_placing_again_returns_the_same_order(book: OrderBook, placed) -> None:
    order = await placed()
    assert (await book.orders.place(order.run_id)).order == order
    assert await book.orders.page() == [order]


async def test_the_first_proposal_of_a_run_stands(book: OrderBook, new_run, new_proposal) -> None:
    run = await record(book, new_run(), owner="w1", lease_seconds=60)
    first = await book.orders.propose(new_proposal(run.id, quantity=40), route="review", expires_in_hours=1)
    again = await book.orders.propose(new_proposal(run.id, quantity=999), route="auto", expires_in_hours=1)
    assert again == first
    assert (again.quantity, again.status) == (40, "pending")


async def test_a_proposal_comes_back_as_it_was_given(book: OrderBook, new_run, new_proposal) -> None:
    new = new_proposal("run-a", concerns=("late twice", "ü"), review_reasons=("value",), source_location="DEPOT")
    await record(book, new_run(id="run-a"), owner="w1", lease_seconds=60)
    stored = await book.orders.propose(new, route="review", expires_in_hours=72)
    assert stored.model_dump(include=set(type(new).model_fields)) == new.model_dump()
    assert stored.expires_at is not None
    assert stored.expires_at - stored.created_at == timedelta(hours=72)
    assert await book.reviews.get(stored.id) == stored


async def test_numbers_count_up_by_kind_and_year(placed) -> None:
    numbers = [
        (await placed(product_id=f"P{n}", action="transfer" if n % 2 else "purchase_order")).number for n in range(4)
    ]
    year = (await placed(product_id="LAST")).created_at.year
    assert numbers == [f"PO-{year}-000001", f"TR-{year}-000001", f"PO-{year}-000002", f"TR-{year}-000002"]


async def test_a_transfer_names_where_the_stock_comes_from(placed) -> None:
    order = await placed(action="transfer", source_location="DEPOT", supplier_id=None, unit_price=None)
    assert (order.type, order.source_location, order.supplier_id, order.total) == ("transfer", "DEPOT", None, None)


async def test_nothing_to_order_closes_the_run(book: OrderBook, new_run, new_proposal) -> None:
    run = await record(book, new_run(), owner="w1", lease_seconds=60)
    none = new_proposal(run.id, action="none", quantity=0)
    proposal = await book.orders.propose(none, route="none", expires_in_hours=1)
    assert (proposal.status, proposal.expires_at) == ("no_action", None)
    view = await book.runs.get(run.id)
    assert (view.run.status, view.order) == ("no_action", None)
    with pytest.raises(Conflict, match="nothing to place"):
        await book.orders.place(run.id)


async def test_a_review_cannot_be_placed_automatically(book: OrderBook, new_run, new_proposal) -> None:
    run = await record(book, new_run(), owner="w1", lease_seconds=60)
    proposal = await book.orders.propose(new_proposal(run.id), route="review", expires_in_hours=1)
    view = await book.orders.place(run.id)
    assert view == await book.runs.get(run.id)
    assert (view.run.status, view.proposal) == ("pending_review", proposal)
    assert await book.orders.page() == []


async def test_a_run_without_a_proposal_has_nothing_to_place(book: OrderBook, new_run) -> None:
    run = await record(book, new_run(), owner="w1", lease_seconds=60)
    with pytest.raises(Conflict, match="propose before placing"):
        await book.orders.place(run.id)


async def test_a_failed_run_neither_proposes_nor_places(book: OrderBook, new_run, new_proposal) -> None:
    for identity in ("proposed", "bare"):
        await record(book, new_run(id=identity), owner="w1", lease_seconds=60)
    await book.orders.propose(new_proposal("proposed"), route="auto", expires_in_hours=1)
    for identity in ("proposed", "bare"):
        await book.runs.fail(identity, "given up")
    with pytest.raises(Conflict, match="failed"):
        await book.orders.place("proposed")
    with pytest.raises(Conflict, match="failed"):
        await book.orders.propose(new_proposal("bare"), route="auto", expires_in_hours=1)
    assert await book.orders.page() == []


@pytest.mark.parametrize("changes", [{"product_id": "NUTS"}, {"location": "DEPOT"}, {"mode": "mock"}])
async def test_a_run_proposes_only_for_what_it_is_about(book: OrderBook, new_run, new_proposal, changes) -> None:
    run = await record(book, new_run(), owner="w1", lease_seconds=60)
    with pytest.raises(InvalidInput, match="it cannot propose for"):
        await book.orders.propose(new_proposal(run.id, **changes), route="auto", expires_in_hours=1)


async def test_a_proposal_needs_a_run(book: OrderBook, new_proposal) -> None:
    with pytest.raises(UnknownRun):
        await book.orders.propose(new_proposal("run-x"), route="auto", expires_in_hours=1)


@pytest.mark.parametrize(
    ("route", "changes"),
    [
        ("auto", {"quantity": 0}),
        ("auto", {"action": "none"}),
        ("none", {"quantity": 5}),
        ("review", {"quantity": 10**5000}),
    ],
)
async def test_a_quantity_must_go_with_the_route(book: OrderBook, new_run, new_proposal, route, changes) -> None:
    run = await record(book, new_run(), owner="w1", lease_seconds=60)
    with pytest.raises(InvalidQuantity):
        await book.orders.propose(new_proposal(run.id, **changes), route=route, expires_in_hours=1)
    assert (await book.runs.get(run.id)).proposal is None


async def test_text_that_no_database_holds_is_refused_and_leaves_nothing(
    book: OrderBook, new_run, new_proposal
) -> None:
    run = await record(book, new_run(), owner="w1", lease_seconds=60)
    hostile = new_proposal(run.id, rationale="a \ud800 b")
    with pytest.raises(InvalidInput, match="surrogate"):
        await book.orders.propose(hostile, route="review", expires_in_hours=1)
    fitting = new_proposal(run.id, rationale="b \U0001f600", concerns=("c\0 \udfff",))
    stored = await book.orders.propose(fitting, route="review", expires_in_hours=1)
    assert (stored.rationale, stored.concerns) == ("b \U0001f600", ("c\0 \udfff",))


async def test_durations_beyond_any_calendar_are_cut(book: OrderBook, new_run, new_proposal) -> None:
    run = await record(book, new_run(), owner="w1", lease_seconds=60)
    proposal = await book.orders.propose(
        new_proposal(run.id, lead_time_days=1e12), route="review", expires_in_hours=1e12
    )
    view = await book.reviews.decide(
        proposal.id, version=1, decision="approve", quantity=None, reason="", decided_by="anna"
    )
    assert view.order is not None
    assert view.order.due_at - view.order.created_at == timedelta(days=36_500)


async def test_placing_leaves_the_order_in_the_outbox_once(book: OrderBook, engine: sa.Engine, placed) -> None:
    order = await placed()
    await book.orders.place(order.run_id)
    with engine.connect() as connection:
        messages = connection.execute(sa.select(outbox)).mappings().all()
    assert [(message["event"], message["run_id"]) for message in messages] == [("order.placed", order.run_id)]
    assert Order.model_validate(messages[0]["payload"]) == order
    assert messages[0]["handed_out_at"] is None


async def test_placing_is_on_record_with_its_numbers(engine: sa.Engine, placed) -> None:
    order = await placed()
    with engine.connect() as connection:
        entry = connection.execute(sa.select(audit)).mappings().one()
    assert (entry["actor"], entry["event"], entry["order_number"]) == ("automatic", "order.placed", order.number)
    assert (entry["run_id"], entry["proposal_version"]) == (order.run_id, 1)
    figures = entry["figures"]
    assert (figures["quantity"], figures["value"], figures["reorder_point"]) == (40, "500.00", 44.1)


async def test_orders_are_listed_newest_first_page_by_page(book: OrderBook, placed) -> None:
    placed_orders = [await placed(product_id=f"P{n}") for n in range(5)]
    first = await book.orders.page(limit=2)
    second = await book.orders.page(limit=2, before=first[-1].number)
    last = await book.orders.page(limit=2, before=second[-1].number)
    assert [*first, *second, *last] == placed_orders[::-1]
    assert await book.orders.page(filters=Filters(product_id="P3")) == [placed_orders[3]]
    assert len(await book.orders.page(limit=0)) == 1


async def test_what_was_bought_before_is_of_one_stock_and_newest_first(book: OrderBook, placed) -> None:
    first, second = await placed(product_id="A"), await placed(product_id="A", lead_time_days=0)
    cancelled = await placed(product_id="A")
    await book.life.cancel(cancelled.number, "no need", by=ANNA)
    await placed(product_id="A", location="DEPOT")
    await placed(product_id="A", mode="mock")
    await placed(product_id="A", action="transfer", source_location="DEPOT", supplier_id=None, supplier_name=None)
    await placed(product_id="B")

    assert await book.orders.bought("A", "SHOP", "database") == [second, first]


async def test_an_unknown_order_is_named(book: OrderBook) -> None:
    with pytest.raises(UnknownOrder, match="PO-1"):
        await book.orders.get("PO-1")
    with pytest.raises(UnknownOrder, match="PO-1"):
        await book.orders.page(before="PO-1")


async def test_an_order_is_due_in_a_day_at_the_earliest(placed) -> None:
    order = await placed(lead_time_days=0)
    assert order.due_at - order.created_at == timedelta(days=1)


async def test_an_order_says_how_long_it_lasts_at_the_demand_it_was_planned_on(placed) -> None:
    assert (await placed(quantity=17)).cover_days == 4  # PLAN has 4.25 a day
    without = PLAN.model_copy(update={"mean_per_day": 0.0})
    assert (await placed(plan=without)).cover_days is None


async def test_open_orders_are_those_of_the_same_mode_that_are_not_closed(book: OrderBook, placed) -> None:
    shop = await placed(product_id="A")
    depot = await placed(product_id="A", location="DEPOT")
    other = await placed(product_id="B")
    received, cancelled = await placed(product_id="C"), await placed(product_id="C")
    await book.life.receive(received.number, 40, by=ANNA)
    await book.life.cancel(cancelled.number, "no need", by=ANNA)
    await placed(product_id="A", location="YARD", mode="mock")
    assert await open_orders(book, "A", "SHOP", "database") == [shop]
    assert await open_orders(book, "A", None, "database") == [depot, shop]
    assert await open_orders(book, None, None, "database") == [other, depot, shop]
    assert await open_orders(book, "C", "SHOP", "database") == []


async def test_a_run_proposes_and_places_at_once(book: OrderBook, new_run, new_proposal) -> None:
    run = await record(book, new_run(), owner="w", lease_seconds=60)
    new = new_proposal(run.id, product_id=run.product_id)

    views = await asyncio.gather(*(book.orders.place(run.id, new=new, owner="w") for _ in range(3)))

    view = await book.runs.get(run.id)
    assert (view.run.status, view.proposal and view.proposal.status) == ("executed", "placed")
    assert view.order is not None
    assert views == [view] * 3


async def test_what_was_proposed_before_stands(book: OrderBook, new_run, new_proposal) -> None:
    run = await record(book, new_run(), owner="w", lease_seconds=60)
    new = new_proposal(run.id, product_id=run.product_id)
    await book.orders.propose(new, route="review", expires_in_hours=1)

    await book.orders.place(run.id, new=new)

    assert (await book.runs.get(run.id)).order is None


async def test_a_run_that_is_lost_proposes_and_places_nothing(book: OrderBook, new_run, new_proposal) -> None:
    run = await record(book, new_run(), owner="w", lease_seconds=60)

    with pytest.raises(RunLost):
        await book.orders.place(run.id, new=new_proposal(run.id, product_id=run.product_id), owner="another")
    with pytest.raises(InvalidQuantity):
        await book.orders.place(run.id, new=new_proposal(run.id, product_id=run.product_id, quantity=0), owner="w")

    assert (await book.runs.get(run.id)).proposal is None
