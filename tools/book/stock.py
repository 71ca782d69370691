"""What this service's own orders mean for stock: what is on the way, what they have moved, how long they took."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
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
from tools.storage.schema import orders, receipt_corrections, receipts

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


class _Queries:
    """What is asked of some orders. Every run asks it, and building a query costs more than running it."""

    def __init__(self, chosen: Sequence[sa.ColumnElement[bool]], delivering: Sequence[sa.ColumnElement[bool]]) -> None:
        """The orders that are counted, and those that teach lead times."""
        self._open = sa.select(*ORDER).where(*chosen, OPEN).order_by(orders.c.sequence.desc()).limit(MAX_ORDERS)
        self._moved = {"mock": _moved(*chosen), "database": _moved_since_count(*chosen)}
        self._delivered = _delivered(*delivering)

    def open_orders(self, connection: Connection, asked: Mapping[str, Any]) -> tuple[Order, ...]:
        return tuple(map(order_from, connection.execute(self._open, asked).mappings()))

    def moved(self, connection: Connection, asked: Mapping[str, Any]) -> dict[tuple[str, str], float]:
        moved: dict[tuple[str, str], float] = defaultdict(int)
        for query in self._moved[asked["mode"]]:
            for product_id, location, total in connection.execute(query, asked).all():
                moved[product_id, location] = quantity(moved[product_id, location] + total)
        return moved

    def lead_times(self, connection: Connection, asked: Mapping[str, Any]) -> dict[str, tuple[float, ...]]:
        found: dict[str, tuple[float, ...]] = defaultdict(tuple)
        for supplier, start, end in reversed(connection.execute(self._delivered, asked).all()):
            # It may have been marked as sent after it had arrived.
            found[supplier] += (max(0.0, (end - start).total_seconds() / _SECONDS_A_DAY),)
        return found


def _moved(*chosen: sa.ColumnElement[bool]) -> tuple[sa.Select[Any], ...]:
    """A transfer takes everything at once from where it comes, and gives back what is cancelled of it."""
    came = _total(orders.c.received_quantity).where(*chosen)
    went = sa.select(orders.c.product_id, orders.c.source_location, sa.func.sum(-_GIVEN))
    went = went.where(*chosen, orders.c.source_location.is_not(None))
    return came, _by_source(went)


def _moved_since_count(*chosen: sa.ColumnElement[bool]) -> tuple[sa.Select[Any], ...]:
    """The same since the stock was counted. What came or went before is in the count."""
    counted = (stock.c.product_id == orders.c.product_id) & (stock.c.location == orders.c.location)
    arrived = orders.join(receipts, receipts.c.order_number == orders.c.number).join(stock, counted)
    since = _as_set_right("received_at") > stock.c.as_of
    came = _total(_as_set_right("quantity")).select_from(arrived).where(*chosen, since)
    went = (
        sa.select(orders.c.product_id, orders.c.source_location, sa.func.sum(-_GIVEN))
        .join(stock, (stock.c.product_id == orders.c.product_id) & (stock.c.location == orders.c.source_location))
        .where(*chosen, orders.c.created_at > stock.c.as_of)
    )
    return came, _by_source(went)


def _as_set_right(name: str) -> sa.ColumnElement[Any]:
    """What a receipt says, or the last of its corrections that says it."""
    recorded, corrected = receipts.c[name], receipt_corrections.c[name]
    said = sa.select(corrected).where(receipt_corrections.c.receipt_id == receipts.c.id, corrected.is_not(None))
    latest = said.order_by(receipt_corrections.c.number.desc()).limit(1).correlate(receipts).scalar_subquery()
    return sa.func.coalesce(latest, recorded, type_=recorded.type)


def _total(units: sa.ColumnElement[Any]) -> sa.Select[Any]:
    """A sum by product and location."""
    place = orders.c.product_id, orders.c.location
    return sa.select(*place, sa.func.sum(units)).group_by(*place)


def _by_source(went: sa.Select[Any]) -> sa.Select[Any]:
    return went.group_by(orders.c.product_id, orders.c.source_location)


def _delivered(*chosen: sa.ColumnElement[bool]) -> sa.Select[Any]:
    """Supplier, beginning and end of what was received, newest first."""
    begun = sa.func.coalesce(orders.c.sent_at, orders.c.created_at, type_=orders.c.created_at.type)
    query = sa.select(orders.c.supplier_id, begun, orders.c.closed_at).where(*chosen, orders.c.status == "received")
    return query.order_by(orders.c.closed_at.desc()).limit(MAX_ORDERS)


_GIVEN = sa.case((OPEN, orders.c.quantity), else_=orders.c.received_quantity)
_MODE = orders.c.mode == sa.bindparam("mode")
_PRODUCT = orders.c.product_id == sa.bindparam("product_id")
_PLACE = orders.c.location == sa.bindparam("location")
_SUPPLIERS = orders.c.supplier_id.in_(sa.bindparam("suppliers", expanding=True))
_OF_ALL = _Queries([_MODE], [_MODE])
_OF_PRODUCT = _Queries([_MODE, _PRODUCT], [_MODE, _SUPPLIERS])
_OF_PLACE = _Queries([_MODE, _PRODUCT, _PLACE], [_MODE, _PRODUCT, _PLACE])


class StockStore(Store):
    @reads
    def of_catalogue(
        self, connection: Connection, mode: Mode, product_id: str | None = None, suppliers: Collection[str] = ()
    ) -> OwnOrders:
        """Orders of one product of a catalogue with the lead times of these suppliers, or all orders and all
        suppliers."""
        asked = {"mode": mode, "product_id": product_id, "suppliers": list(suppliers)}
        queries = _OF_ALL if product_id is None else _OF_PRODUCT
        # Open orders first, so that a receipt in between counts twice for a moment, and not for nothing.
        return OwnOrders(
            queries.open_orders(connection, asked),
            queries.moved(connection, asked),
            queries.lead_times(connection, asked),
        )

    @reads
    def of_input(self, connection: Connection, product_id: str, location: str) -> OwnOrders:
        """Orders of one product and location whose stock the caller knows, so that nothing is added to it."""
        asked = {"mode": "input", "product_id": product_id, "location": location}
        return OwnOrders(_OF_PLACE.open_orders(connection, asked), {}, _OF_PLACE.lead_times(connection, asked))
