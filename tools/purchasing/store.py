"""What is done with purchase orders. Each method is a transaction.

Locks are taken in one order: the document, then its lines, oldest first. An order that is placed meanwhile waits for
the document, and joins it or a new draft.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from hashlib import sha256
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy import Connection

from tools.book.audit import Actor
from tools.book.idempotency import MISMATCH
from tools.book.life import require_in_range, send_line, take_in
from tools.book.placing import write_audit
from tools.book.rows import READ_AT, page_size
from tools.catalog.own import read_settings
from tools.purchasing.documents import Document
from tools.purchasing.reading import EVERY_ONE, HEADS, Wanted, chosen, documents, locked, one_document, sequence_of
from tools.purchasing.terms import Terms, read_terms
from tools.records.errors import (
    BelowMinimum,
    DocumentChanged,
    DocumentNotSent,
    IdempotencyMismatch,
    InvalidInput,
    OrderClosed,
)
from tools.records.orders import Order
from tools.records.text import money
from tools.storage.database import Store, reads, writes
from tools.storage.schema import purchase_orders, receipts


class DocumentStore(Store):
    """Purchase orders. Each method that is given a number raises UnknownPurchaseOrder."""

    @reads
    def page(
        self, connection: Connection, limit: int = 50, before: str | None = None, wanted: Wanted = EVERY_ONE
    ) -> list[Document]:
        """A page of documents, newest first, at most 200. `before` is the last number of the page before. Drafts
        without lines are left out."""
        query = HEADS.where(*chosen(connection, wanted))
        if before is not None:
            query = query.where(purchase_orders.c.sequence < sequence_of(connection, before))
        query = query.order_by(purchase_orders.c.sequence.desc()).limit(page_size(limit))
        return documents(connection, connection.execute(query).mappings().all())

    @reads
    def count(self, connection: Connection, wanted: Wanted = EVERY_ONE) -> int:
        """How many documents there are in all pages together."""
        query = sa.select(sa.func.count()).select_from(purchase_orders).where(*chosen(connection, wanted))
        return connection.scalar(query) or 0

    @reads
    def get(self, connection: Connection, number: str) -> Document:
        return one_document(connection, number)

    @reads
    def terms(self, connection: Connection, supplier_ids: Collection[str]) -> dict[str, Terms]:
        """The terms of suppliers of the own catalogue, by id."""
        return read_terms(connection, supplier_ids)

    @reads
    def span(self, connection: Connection, day: date) -> tuple[datetime, datetime]:
        """The first moment of a day of the catalogue's time zone, and that of the day after."""
        if day in (date.min, date.max):
            raise InvalidInput(f"{day} has no day before or after it; give one in between.")
        zone = ZoneInfo(read_settings(connection).time_zone)
        begin, end = (datetime.combine(each, time(), zone) for each in (day, day + timedelta(days=1)))
        return begin, end

    @writes
    def send(
        self,
        connection: Connection,
        number: str,
        version: str,
        *,
        by: Actor,
        below_minimum: bool = False,
        fill_up: Sequence[str] = (),
    ) -> Document:
        """Mark the document and its lines as sent: their lead times begin now, and later lines go to a new draft.
        Sending it again returns it as it is.

        Raises DocumentChanged if its lines are not those of `version`, BelowMinimum below its supplier's minimum unless
        that is wanted. The error names what would `fill_up` the document.
        """
        document = locked(connection, number)
        if document.version != version or not document.lines:
            raise DocumentChanged(_changed(document, version))
        if document.status != "draft":
            return document
        if document.lacks_minimum and not below_minimum:
            raise BelowMinimum(_below(document, fill_up))
        now = connection.execute(sa.select(READ_AT)).scalar_one()
        for line in document.lines:
            send_line(connection, line, now, by=by, purchase_order=number)
        change = sa.update(purchase_orders).where(purchase_orders.c.number == number)
        connection.execute(change.values(status="sent", sent_at=now, sent_by=by.name))
        write_audit(connection, "purchase_order.sent", by, _figures(document, below_minimum=below_minimum))
        return one_document(connection, number)

    @writes
    def receive(
        self,
        connection: Connection,
        number: str,
        quantities: Mapping[str, float] | None = None,
        *,
        by: Actor,
        received_at: datetime | None = None,
        receipt_id: str | None = None,
    ) -> Document:
        """Record a delivery: the rest of every open line, or the `quantities` of lines, by order number or product id.
        It is recorded whole or not at all. With a `receipt_id` it may be repeated.

        Raises DocumentNotSent for a draft, InvalidInput for a line that is not there, OrderClosed if nothing is to
        come, and what `LifeStore.receive` raises for one line.
        """
        document = locked(connection, number)
        named = None if quantities is None else _by_line(document, quantities)
        identities = {line.number: _receipt_id(receipt_id, line.number) for line in document.lines}
        if receipt_id and (known := _known_receipts(connection, identities.values())):
            if named not in (None, known):
                raise IdempotencyMismatch(MISMATCH)
            return document
        now = connection.execute(sa.select(READ_AT)).scalar_one()
        for line, quantity in _arriving(document, named):
            require_in_range(quantity)
            identity = identities[line.number]
            take_in(connection, line, quantity, now, by=by, received_at=received_at, receipt_id=identity)
        return one_document(connection, number)


def _changed(document: Document, version: str) -> str:
    if not document.lines:
        return f"{document.number} has no lines; an order that is placed joins the draft of its supplier."
    has = "was sent with" if document.status != "draft" else "now has"
    return (
        f"{document.number} {has} {document.line_count} lines, which is version {document.version}, not "
        f"{version[:40]!r}. Read it again and send the version that it has."
    )


def _below(document: Document, fill_up: Sequence[str]) -> str:
    limit = money(document.minimum_order_value, document.terms_currency)
    way_on = f"It would be filled up by {'; '.join(fill_up)}." if fill_up else "Wait for further lines."
    way_on += " Or send it with below_minimum if the supplier agrees."
    if document.missing_to_minimum is not None:
        missing = money(document.missing_to_minimum, document.currency)
        return f"{document.number} is {missing} below its supplier's minimum of {limit}. {way_on}"
    lacks = (
        f"{document.unpriced_lines} lines have no price" if document.unpriced_lines else f"it is in {document.currency}"
    )
    return f"{document.number} cannot be compared with its supplier's minimum of {limit}: {lacks}. {way_on}"


def _figures(document: Document, *, below_minimum: bool) -> dict[str, Any]:
    told = document.model_dump(
        mode="json", include={"number", "supplier_id", "location", "currency", "total", "minimum_order_value"}
    )
    orders_sent = [line.number for line in document.lines]
    return told | {"orders": orders_sent, "below_minimum": document.lacks_minimum and below_minimum}


def _by_line(document: Document, quantities: Mapping[str, float]) -> dict[str, float]:
    found: dict[str, float] = {}
    for name, quantity in quantities.items():
        lines = [line.number for line in document.lines if name in (line.number, line.product_id)]
        if len(lines) != 1 or lines[0] in found:
            says = ("has no line", "was given two quantities for", "has several lines")[min(len(lines), 2)]
            raise InvalidInput(f"{document.number} {says} {name[:100]!r}; name each line once, by its order number.")
        found[lines[0]] = quantity
    return found


def _arriving(document: Document, named: Mapping[str, float] | None) -> list[tuple[Order, float]]:
    if document.status == "draft":
        raise DocumentNotSent(f"{document.number} is a draft; mark it as sent, then report what has arrived.")
    if named is not None:
        return [(line, named[line.number]) for line in document.lines if line.number in named]
    rest = [(line, line.remaining) for line in document.lines if line.remaining]
    if not rest:
        raise OrderClosed(f"{document.number} is closed: nothing of it is still to come.")
    return rest


def _receipt_id(receipt_id: str | None, order_number: str) -> str | None:
    return None if receipt_id is None else sha256(f"{receipt_id}\n{order_number}".encode()).hexdigest()[:32]


def _known_receipts(connection: Connection, identities: Collection[str | None]) -> dict[str, float]:
    """The quantities that were recorded under these ids, by order number."""
    query = sa.select(receipts.c.order_number, receipts.c.quantity).where(receipts.c.id.in_(identities))
    return {row[0]: row[1] for row in connection.execute(query)}
