"""Orders on the screen and in files: one line for each, or gathered by supplier."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from pydantic import BaseModel

from api.bodies.purchase_orders import DocumentDetail
from api.bodies.runs import OrderAnswer
from api.commands.tables import Out, at_minute
from tools.book.paging import every_page
from tools.purchasing.documents import Document
from tools.purchasing.purchasing import Purchasing
from tools.purchasing.table import COLUMNS, by_supplier, group_of, order_row
from tools.records.orders import Order, OrderFilter, Receipt
from tools.records.text import amount, days, money, several
from tools.sweep.lists import TodayLists

if TYPE_CHECKING:
    from tools.book.book import OrderBook
    from tools.book.filters import Filters


@dataclass(frozen=True, slots=True)
class Listing:
    """Orders that were asked for, how many there are in all, and the documents that they are lines of."""

    orders: list[Order]
    total: int
    documents: dict[str, Document]
    units: dict[str, str]
    """By product; for a file only."""


async def read_listing(
    book: "OrderBook",
    filters: "Filters",
    status: OrderFilter | None,
    *,
    limit: int | None,
    before: str | None,
    by_supplier: bool,
    units: bool,
) -> Listing:
    """As many orders as the limit says, newest first, or all of them."""

    async def page(size: int, last: str | None) -> list[Order]:
        return await book.orders.page(size, last, status, filters)

    found = await every_page(page, lambda order: order.number, limit, before)
    total = await book.orders.count(status, filters)
    documents = await _documents(book, found) if by_supplier else {}
    return Listing(found, total, documents, await TodayLists(book).units() if units else {})


async def _documents(book: "OrderBook", found: Iterable[Order]) -> dict[str, Document]:
    numbers = dict.fromkeys(order.purchase_order for order in found if order.purchase_order)
    store = Purchasing(book).documents
    return {number: await store.get(number) for number in numbers}


def write(listing: Listing, out: Out, *, gather: bool) -> None:
    """Write the orders as lines of files."""
    lines = by_supplier(listing.orders) if gather else listing.orders
    out.write([order_row(order, listing.units) for order in lines], COLUMNS)


def order_line(order: Order) -> str:
    """An order on one line."""
    parts = [order.number, order.status, f"{order.product_id} at {order.location}"]
    parts.append(f"{amount(order.received_quantity)} of {amount(order.quantity)} received")
    if order.received_quantity > order.quantity:
        parts.append(f"{amount(order.received_quantity - order.quantity)} more than ordered")
    if order.closed_at is None:
        late = f", {days(round(order.days_overdue, 1))} overdue" if order.days_overdue else ""
        parts.append(f"due {at_minute(order.due_at)}{late}")
    else:
        parts.append(f"closed {at_minute(order.closed_at)}")
    return " | ".join(parts + ([order.cancel_reason] if order.cancel_reason else []))


def receipt_line(receipt: Receipt) -> str:
    """A receipt on one line, with what was set right of it."""
    line = f"{at_minute(receipt.received_at)}: {amount(receipt.quantity)} units, reported by {receipt.recorded_by}"
    for each in receipt.corrections:
        earlier = "" if each.quantity == each.quantity_before else f" from {amount(each.quantity_before)}"
        when = f" to {at_minute(each.received_at)}" if each.received_at else ""
        line += f", corrected{earlier}{when} by {each.recorded_by}: {each.reason}"
    return f"{line} | receipt {receipt.id}"


def document_line(document: Document) -> str:
    """A document on one line, with what is missing to its supplier's minimum."""
    worth = "value not known" if document.total is None else money(document.total, document.currency)
    parts = [document.number, document.status, several(document.line_count, "line"), worth]
    if document.lacks_minimum and document.status == "draft":
        parts.append(_missing(document))
    if document.missing_to_free_freight:
        parts.append(f"{money(document.missing_to_free_freight, document.currency)} to free freight")
    if document.status == "draft":
        parts += [f"version {document.version}"]
        parts += [f"next order day {document.next_order_day}"] if document.next_order_day else []
    return " | ".join(parts + (["LATE"] if document.late else []))


def gathered_lines(listing: Listing) -> Iterator[str]:
    """Each document of each supplier with its lines, and the money of all of them."""
    groups: dict[tuple[str, str, str], list[Order]] = defaultdict(list)
    for order in by_supplier(listing.orders):
        groups[group_of(order)].append(order)
    for (supplier, location, number), lines in groups.items():
        document = listing.documents.get(number)
        yield f"{supplier} | {location} | {document_line(document) if document else 'in no document'}"
        yield from (f"  {order_line(line)} | {_worth([line])}" for line in lines)
    count = f"{several(len(listing.documents), 'document')}, {several(len(listing.orders), 'line')}"
    yield f"In all: {count}, {_worth(listing.orders)}"


class ListedOrders(BaseModel):
    """Orders as JSON. Gathered by supplier: documents with their lines, and orders that are in none."""

    purchase_orders: list[DocumentDetail] | None = None
    orders: list[OrderAnswer]
    total: int


def as_json(listing: Listing, *, gather: bool) -> str:
    if not gather:
        orders = list(map(OrderAnswer.copy_of, listing.orders))
        return ListedOrders(orders=orders, total=listing.total).model_dump_json(exclude_unset=True)
    loose = [order for order in by_supplier(listing.orders) if order.purchase_order is None]
    documents = sorted(listing.documents.values(), key=lambda each: (each.supplier_name, each.location, each.number))
    return ListedOrders(
        purchase_orders=[DocumentDetail.copy_of(document, fill_up=()) for document in documents],
        orders=list(map(OrderAnswer.copy_of, loose)),
        total=listing.total,
    ).model_dump_json()


def _missing(document: Document) -> str:
    limit = f"the minimum of {money(document.minimum_order_value, document.terms_currency)}"
    if document.missing_to_minimum is None:
        return f"cannot be compared with {limit}"
    return f"{money(document.missing_to_minimum, document.currency)} below {limit}"


def _worth(orders: Sequence[Order]) -> str:
    """The money by currency. What has no price is named, and nothing is added up across currencies."""
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for order in orders:
        if order.total is not None:
            sums[order.currency] += order.total
    unpriced = sum(order.total is None for order in orders)
    parts = [money(value, currency) for currency, value in sorted(sums.items())]
    return ", ".join(parts + ([f"{unpriced} without a price"] if unpriced else []))
