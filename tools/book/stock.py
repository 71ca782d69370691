"""What this service's own orders mean for stock: what is on the way, what they have moved, how long they took."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from tools.book.rows import OPEN, ORDER, order_from
from tools.records.facts import Mode
from tools.records.orders import Order
from tools.records.quantities import quantity
from tools.storage.catalogue_schema import stock
from tools.storage.database import Store, reads
from tools.storage.schema import orders, receipts

MAX_ORDERS = 10_000
_SECONDS_A_DAY = 86_400


@dataclass(frozen=True, slots=True)
class OwnOrders:
    """Orders of a product, or of all products."""

    open: tuple[Order, ...] = ()
    """Newest first."""
    moved: Mapping[tuple[str, str], float] = field(default_factory=dict)
    """Units by product and location: what has arrived there, less what transfers have taken from there."""
    lead_times: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    """Days from an order to its last receipt, oldest first, by supplier. Transfers have none."""


class StockStore(Store):
    @reads
    def of_catalogue(
        self, connection: Connection, mode: Mode, product_id: str | None = None, suppliers: Collection[str] = ()
    ) -> OwnOrders:
        """Orders of one product of a catalogue with the lead times of these suppliers, or all orders and all
        suppliers."""
        chosen = [orders.c.mode == mode] + ([] if product_id is None else [orders.c.product_id == product_id])
        delivering = [] if product_id is None else [orders.c.supplier_id.in_(suppliers)]
        return OwnOrders(
            # First, so that a receipt in between counts twice for a moment, and not for nothing.
            _open(connection, *chosen),
            (_moved_since_count if mode == "database" else _moved)(connection, *chosen),
            _lead_times(connection, orders.c.mode == mode, *delivering),
        )

    @reads
    def of_input(self, connection: Connection, product_id: str, location: str) -> OwnOrders:
        """Orders of one product and location whose stock the caller knows, so that nothing is added to it."""
        same = (orders.c.mode == "input", orders.c.product_id == product_id, orders.c.location == location)
        return OwnOrders(_open(connection, *same), {}, _lead_times(connection, *same))


def _open(connection: Connection, *chosen: sa.ColumnElement[bool]) -> tuple[Order, ...]:
    query = sa.select(*ORDER).where(*chosen, OPEN).order_by(orders.c.sequence.desc()).limit(MAX_ORDERS)
    return tuple(order_from(row) for row in connection.execute(query).mappings())


def _moved(connection: Connection, *chosen: sa.ColumnElement[bool]) -> dict[tuple[str, str], float]:
    """A transfer takes everything at once from where it comes, and gives back what is cancelled of it."""
    given = sa.case((OPEN, orders.c.quantity), else_=orders.c.received_quantity)
    came = sa.select(orders.c.product_id, orders.c.location, sa.func.sum(orders.c.received_quantity)).where(*chosen)
    went = sa.select(orders.c.product_id, orders.c.source_location, sa.func.sum(-given))
    went = went.where(*chosen, orders.c.source_location.is_not(None))
    return _summed(
        connection,
        came.group_by(orders.c.product_id, orders.c.location),
        went.group_by(orders.c.product_id, orders.c.source_location),
    )


def _moved_since_count(connection: Connection, *chosen: sa.ColumnElement[bool]) -> dict[tuple[str, str], float]:
    """The same since the stock was counted. What came or went before is in the count."""
    given = sa.case((OPEN, orders.c.quantity), else_=orders.c.received_quantity)
    came = (
        sa.select(orders.c.product_id, orders.c.location, sa.func.sum(receipts.c.quantity))
        .join(receipts, receipts.c.order_number == orders.c.number)
        .join(stock, (stock.c.product_id == orders.c.product_id) & (stock.c.location == orders.c.location))
        .where(*chosen, receipts.c.received_at > stock.c.as_of)
    )
    went = (
        sa.select(orders.c.product_id, orders.c.source_location, sa.func.sum(-given))
        .join(stock, (stock.c.product_id == orders.c.product_id) & (stock.c.location == orders.c.source_location))
        .where(*chosen, orders.c.created_at > stock.c.as_of)
    )
    return _summed(
        connection,
        came.group_by(orders.c.product_id, orders.c.location),
        went.group_by(orders.c.product_id, orders.c.source_location),
    )


def _summed(connection: Connection, *queries: sa.Select[Any]) -> dict[tuple[str, str], float]:
    moved: dict[tuple[str, str], float] = defaultdict(int)
    for query in queries:
        for product_id, location, total in connection.execute(query).all():
            moved[product_id, location] = quantity(moved[product_id, location] + total)
    return moved


def _lead_times(connection: Connection, *chosen: sa.ColumnElement[bool]) -> dict[str, tuple[float, ...]]:
    begun = sa.func.coalesce(orders.c.sent_at, orders.c.created_at, type_=orders.c.created_at.type)
    query = sa.select(orders.c.supplier_id, begun, orders.c.closed_at).where(*chosen, orders.c.status == "received")
    latest = connection.execute(query.order_by(orders.c.closed_at.desc()).limit(MAX_ORDERS)).all()
    found: dict[str, tuple[float, ...]] = defaultdict(tuple)
    for supplier, start, end in reversed(latest):
        # It may have been marked as sent after it had arrived.
        found[supplier] += (max(0.0, (end - start).total_seconds() / _SECONDS_A_DAY),)
    return found
