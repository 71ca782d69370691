"""Our own orders in the facts: open ones on the way, received ones in stock, receipts as lead times."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from tests.order_book import ANNA, let_pass
from tests.own_catalogue import put, stock_row
from tools.book.book import OrderBook
from tools.book.stock import OwnOrders
from tools.catalog.live import LiveCatalog, taught, with_own_orders
from tools.records.facts import OpenOrder, ProductFacts, Supplier
from tools.storage.catalogue_schema import stock


class Shelves:
    """A catalogue of the facts given, all of one product."""

    def __init__(self, everything: list[ProductFacts]) -> None:
        self._everything = tuple(everything)

    async def family(self, product_id: str, location: str | None = None) -> tuple[ProductFacts, ...]:
        return self._everything

    async def all_facts(self, supplier_id: str | None = None) -> tuple[ProductFacts, ...]:
        return self._everything


async def own(book: OrderBook) -> OwnOrders:
    return await book.stock.of_input("BOLTS", "SHOP")


@pytest.fixture
def bolts(make_facts: Callable[..., ProductFacts]) -> Callable[..., ProductFacts]:
    """BOLTS of ACME, 100 on hand at SHOP."""

    def make(location: str = "SHOP", **changes: object) -> ProductFacts:
        stock = {"location": location, "on_hand": 100} | dict(changes)
        return make_facts(id="BOLTS", stock=stock, supplier={"id": "ACME", "observed_lead_times_days": (5, 6)})

    return make


@pytest.fixture
def live(book: OrderBook, bolts) -> LiveCatalog:
    """Counted long ago."""
    put(book.database.engine, stock, stock_row(), stock_row(location="DEPOT"))
    return LiveCatalog(Shelves([bolts(), bolts("DEPOT")]), book, "database")


async def test_what_remains_of_an_open_order_is_on_the_way_and_what_arrived_is_in_stock(
    book: OrderBook, placed, live: LiveCatalog
) -> None:
    order = await placed(quantity=40)
    await book.life.receive(order.number, 15, by=ANNA)
    stock = (await live.facts("BOLTS")).stock
    [open_order] = stock.open_orders
    assert (stock.on_hand, open_order.quantity, open_order.received) == (115, 25, 15)
    assert (open_order.reference, open_order.placed_here) == (order.number, True)
    assert open_order.due_in_days == pytest.approx(7, abs=0.01)
    assert open_order.cover_days == pytest.approx(40 / 4.25, abs=0.01)

    await book.life.receive(order.number, 30, by=ANNA)
    stock = (await live.facts("BOLTS")).stock
    assert (stock.on_hand, stock.open_orders) == (145, ())


@pytest.mark.parametrize("mode", ["database", "mock"])
async def test_a_receipt_that_was_set_right_leaves_the_stock_and_the_lead_times(
    book: OrderBook, placed, bolts, live: LiveCatalog, mode: str
) -> None:
    seen = LiveCatalog(Shelves([bolts()]), book, mode)
    order = await placed(quantity=40, mode=mode)
    await let_pass(book, order, days=9)
    await book.life.receive(order.number, 40, by=ANNA)
    before = await seen.facts("BOLTS")
    [receipt] = (await book.life.receipts([order.number]))[order.number]

    await book.life.correct(order.number, receipt.id, 4, instead_of=40, reason="a zero too many", by=ANNA)

    facts = await seen.facts("BOLTS")
    [open_order] = facts.stock.open_orders
    assert (before.stock.on_hand, facts.stock.on_hand, open_order.quantity) == (140, 104, 36)
    assert len(before.supplier.observed_lead_times_days) == 3
    assert facts.supplier.observed_lead_times_days == (5, 6)


async def test_a_late_order_stays_on_the_way(book: OrderBook, placed, live: LiveCatalog) -> None:
    order = await placed(lead_time_days=7)
    await let_pass(book, order, days=20)
    [open_order] = (await live.facts("BOLTS")).stock.open_orders
    assert open_order.due_in_days == pytest.approx(-13, abs=0.01)
    assert open_order.placed_days_ago == pytest.approx(20, abs=0.01)


async def test_what_is_cancelled_is_no_longer_on_the_way(book: OrderBook, placed, live: LiveCatalog) -> None:
    order = await placed(quantity=40)
    await book.life.receive(order.number, 15, by=ANNA)
    await book.life.cancel(order.number, "sold out", by=ANNA)
    stock = (await live.facts("BOLTS")).stock
    assert (stock.on_hand, stock.open_orders) == (115, ())


async def test_a_transfer_leaves_its_source_at_once_and_what_is_cancelled_of_it_comes_back(
    book: OrderBook, placed, live: LiveCatalog
) -> None:
    def on_hand() -> list[float]:
        return [facts.stock.on_hand for facts in everything]

    order = await placed(action="transfer", quantity=40, source_location="DEPOT", supplier_id=None, supplier_name=None)
    everything = await live.all_facts()
    assert (on_hand(), len(everything[0].stock.open_orders)) == ([100, 60], 1)
    await book.life.receive(order.number, 15, by=ANNA)
    await book.life.cancel(order.number, "a pallet broke", by=ANNA)
    everything = await live.all_facts()
    assert (on_hand(), len(everything[0].stock.open_orders)) == ([115, 85], 0)
    assert everything[0].supplier.observed_lead_times_days == (5, 6), "a transfer says nothing of the supplier"


async def test_a_receipt_teaches_the_lead_time_of_its_supplier(book: OrderBook, placed, live: LiveCatalog) -> None:
    """From when the order was sent, where that is known, to its last receipt. NUTS come from the same supplier."""
    order, sent, other = await placed(), await placed(product_id="NUTS"), await placed(supplier_id="OTHER")
    now = datetime.now(UTC)
    for each, days in ((order, 12), (other, 30)):
        await let_pass(book, each, days=days)
    await book.life.receive(order.number, 15, by=ANNA, received_at=now - timedelta(days=8))
    await book.life.receive(order.number, 25, by=ANNA, received_at=now - timedelta(days=3))
    await let_pass(book, sent, days=1)
    await book.life.mark_sent(sent.number, by=ANNA)
    await book.life.receive(sent.number, 40, by=ANNA, received_at=now - timedelta(hours=12))
    await book.life.receive(other.number, 40, by=ANNA)

    for facts in ((await live.facts("BOLTS")), (await live.all_facts())[1]):
        assert facts.supplier.observed_lead_times_days[:2] == (5, 6)
        assert facts.supplier.observed_lead_times_days[2:] == pytest.approx([9], abs=0.01), (
            "one that came at once was marked as sent too late"
        )
        assert min(facts.supplier.observed_lead_times_days) >= 0


def test_a_receipt_of_ours_is_as_late_as_it_took_longer_than_promised() -> None:
    known = Supplier(id="S", name="S", promised_lead_time_days=7, observed_lateness_days=(2,))
    assert taught(known, (10, 0.1, 6)).observed_lateness_days == (2, 3, -1)
    assert taught(known.model_copy(update={"observed_lateness_days": ()}), (10,)).observed_lateness_days == ()


async def test_an_order_that_is_open_or_cancelled_teaches_no_lead_time(
    book: OrderBook, placed, live: LiveCatalog
) -> None:
    for order in (await placed(), await placed()):
        await book.life.receive(order.number, 15, by=ANNA)
    await book.life.cancel(order.number, "sold out", by=ANNA)
    assert (await live.facts("BOLTS")).supplier.observed_lead_times_days == (5, 6)


async def test_a_callers_facts_get_our_open_orders_but_no_stock(book: OrderBook, placed, bolts) -> None:
    """The caller has counted what arrived, and may have named the order with what is left of it by now."""
    named, unnamed = await placed(mode="input"), await placed(mode="input")
    await placed(mode="input", location="DEPOT")
    await placed()
    await book.life.receive(unnamed.number, 15, by=ANNA)
    of_others = OpenOrder(reference="ERP-1", quantity=5, due_in_days=2)
    of_ours = OpenOrder(reference=named.number, quantity=30, due_in_days=1)
    stock = with_own_orders(bolts(open_orders=(of_others, of_ours)), await own(book)).stock
    assert stock.on_hand == 100
    assert [(order.reference, order.quantity, order.placed_here) for order in stock.open_orders] == [
        ("ERP-1", 5, False),
        (unnamed.number, 25, True),
        (named.number, 30, True),
    ]


async def test_earlier_receipts_stand_in_for_lead_times_that_the_caller_does_not_give(
    book: OrderBook, placed, make_facts
) -> None:
    order = await placed(mode="input", supplier_id="stated")
    await let_pass(book, order, days=9)
    await book.life.receive(order.number, 40, by=ANNA)
    silent = make_facts(id="BOLTS", stock={"location": "SHOP"}, supplier={"id": "stated"})
    given = make_facts(
        id="BOLTS", stock={"location": "SHOP"}, supplier={"id": "stated", "observed_lead_times_days": (5,)}
    )
    [learned] = with_own_orders(silent, await own(book)).supplier.observed_lead_times_days
    assert learned == pytest.approx(9, abs=0.01)
    assert with_own_orders(given, await own(book)).supplier.observed_lead_times_days == (5,)
