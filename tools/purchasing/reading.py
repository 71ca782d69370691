"""Reads purchase orders with their lines and their suppliers' terms, in the caller's transaction."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from tools.book.filters import part_of
from tools.book.placing import DRAFT
from tools.book.rows import OPEN, ORDER, READ_AT, order_from
from tools.catalog.own import read_settings
from tools.purchasing.documents import Document, DocumentStatus, document_of
from tools.purchasing.terms import NO_TERMS, Terms, read_terms
from tools.records.errors import UnknownPurchaseOrder
from tools.records.orders import Order
from tools.storage.schema import orders, purchase_orders
from tools.storage.types import Now


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which documents a list is of; None is all of them. `supplier` is a part of an id or a name."""

    supplier: str | None = None
    location: str | None = None
    status: DocumentStatus | None = None
    late: bool | None = None


EVERY_ONE = Wanted()
HEADS = sa.select(purchase_orders, READ_AT)
_LINE = orders.c.purchase_order == purchase_orders.c.number
_SENT = purchase_orders.c.status == "sent"


def chosen(connection: Connection, wanted: Wanted) -> list[sa.ColumnElement[bool]]:
    chosen: list[sa.ColumnElement[bool]] = [sa.exists().where(_LINE)]
    if wanted.supplier is not None:
        chosen.append(part_of(wanted.supplier, purchase_orders.c.supplier_id, purchase_orders.c.supplier_name))
    if wanted.location is not None:
        chosen.append(purchase_orders.c.location == wanted.location)
    if wanted.status is not None:
        chosen.append(_in_status(wanted.status))
    if wanted.late is not None:
        overdue = sa.and_(_SENT, sa.exists().where(_LINE, OPEN, orders.c.due_at < Now()))
        late = sa.or_(overdue, purchase_orders.c.number.in_(_late_drafts(connection)))
        chosen.append(late if wanted.late else sa.not_(late))
    return chosen


def _in_status(status: DocumentStatus) -> sa.ColumnElement[bool]:
    to_come = sa.exists().where(_LINE, OPEN)
    if status == "draft":
        return DRAFT
    return sa.and_(_SENT, to_come if status == "sent" else sa.not_(to_come))


def _late_drafts(connection: Connection) -> list[str]:
    """There is one draft for a supplier, location and currency, so there are few."""
    drafts = connection.execute(HEADS.where(DRAFT, sa.exists().where(_LINE))).mappings().all()
    return [document.number for document in documents(connection, drafts) if document.late]


def one_document(connection: Connection, number: str) -> Document:
    """Raises UnknownPurchaseOrder."""
    rows = connection.execute(HEADS.where(purchase_orders.c.number == number)).mappings().all()
    if not rows:
        raise unknown_document(number)
    return documents(connection, rows)[0]


def documents(connection: Connection, rows: Sequence[Any]) -> list[Document]:
    settings = read_settings(connection)
    lines, terms = _lines(connection, [row["number"] for row in rows]), _terms(connection, rows)
    return [
        document_of(
            row,
            lines[row["number"]],
            terms.get(row["supplier_id"], NO_TERMS) if row["mode"] == "database" else NO_TERMS,
            now=row["read_at"],
            time_zone=settings.time_zone,
            base_currency=settings.currency,
        )
        for row in rows
    ]


def _lines(connection: Connection, numbers: Collection[str]) -> dict[str, list[Order]]:
    query = sa.select(*ORDER).where(orders.c.purchase_order.in_(numbers)).order_by(orders.c.sequence)
    found: dict[str, list[Order]] = defaultdict(list)
    for row in connection.execute(query).mappings():
        found[row[orders.c.purchase_order]].append(order_from(row))
    return found


def _terms(connection: Connection, rows: Sequence[Any]) -> dict[str, Terms]:
    return read_terms(connection, {row["supplier_id"] for row in rows if row["mode"] == "database"})


def locked(connection: Connection, number: str) -> Document:
    """The document with its lines, locked until the transaction ends. SQLite's transaction has locked everything."""
    head = sa.select(purchase_orders.c.number).where(purchase_orders.c.number == number).with_for_update()
    lines = sa.select(orders.c.sequence).where(orders.c.purchase_order == number).order_by(orders.c.sequence)
    for query in (head, lines.with_for_update()):
        connection.execute(query).all()
    # A statement of its own: one that waits for a lock may find rows as they were before.
    return one_document(connection, number)


def unknown_document(number: str) -> UnknownPurchaseOrder:
    return UnknownPurchaseOrder(
        f"No purchase order {number[:40]!r}; numbers look like PD-2026-000001 and are listed under purchase orders."
    )


def sequence_of(connection: Connection, number: str) -> int:
    """Raises UnknownPurchaseOrder."""
    query = sa.select(purchase_orders.c.sequence).where(purchase_orders.c.number == number)
    sequence: int | None = connection.scalar(query)
    if sequence is None:
        raise unknown_document(number)
    return sequence
