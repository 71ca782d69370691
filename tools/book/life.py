"""An order's life after it is placed.

    placed ── sent ──→ sent
    placed, sent ── receive ──→ partly_received ── receive ──→ received
    any of these but received ── cancel ──→ cancelled        what has arrived stays received
    partly_received, received ── correct ──→ as its receipts have it

A step is one transaction: it locks the order, changes it, and writes outbox and audit row. So of steps that contradict
each other the first wins, and the others learn what stands. An order has no other lock to wait for.

An order that is `placed` is a line of its supplier's draft. A step of its own takes it out of the draft.
"""

from collections.abc import Collection
from datetime import datetime, timedelta
from secrets import token_hex
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from tools.book.audit import Actor
from tools.book.idempotency import MISMATCH
from tools.book.placing import send, write_audit
from tools.book.receipts import as_received, found_receipt, is_recorded, read_receipts, require_as_seen
from tools.book.rows import ORDER, order_from, review_number
from tools.planning.gate import is_countable
from tools.records.errors import IdempotencyMismatch, InvalidInput, InvalidQuantity, OrderClosed, UnknownOrder
from tools.records.orders import OPEN_STATUSES, Correction, Order, Receipt
from tools.records.plan import Plan
from tools.storage.database import Store, reads, writes
from tools.storage.schema import orders, proposals, receipt_corrections, receipts

MAX_RECEIPT = 10**9
CLOCKS_DIFFER = timedelta(minutes=1)


class LifeStore(Store):
    """What happens to orders. Each method raises UnknownOrder."""

    @writes
    def mark_sent(self, connection: Connection, number: str, *, by: Actor) -> Order:
        """Mark an order as sent to its supplier. Its lead time begins now, so it is due later. Doing it again changes
        nothing. Raises OrderClosed if something has arrived, or if it is cancelled."""
        order, now = _locked(connection, number)
        if order.status == "sent":
            return order
        if order.status != "placed":
            raise OrderClosed(f"{_standing(order)} Only an order that is placed can be marked as sent.")
        return send_line(connection, order, now, by=by)

    @writes
    def receive(
        self,
        connection: Connection,
        number: str,
        arrived: float,
        *,
        by: Actor,
        received_at: datetime | None = None,
        receipt_id: str | None = None,
    ) -> Order:
        """Record units that have arrived, at `received_at` or now. With the last of them the order is closed. More than
        was ordered is taken as it is.

        A `receipt_id` that is stored already returns the order as it is, so a request may be repeated. Raises
        IdempotencyMismatch if it was stored with another quantity, InvalidQuantity for none or too many, InvalidInput
        for a time in the future or before the order was placed, OrderClosed if the order is received or cancelled.
        """
        require_in_range(arrived)
        order, now = _locked(connection, number)
        return take_in(connection, order, arrived, now, by=by, received_at=received_at, receipt_id=receipt_id)

    @writes
    def correct(
        self,
        connection: Connection,
        number: str,
        receipt_id: str,
        arrived: float,
        *,
        instead_of: float,
        reason: str,
        by: Actor,
        received_at: datetime | None = None,
        correction_id: str | None = None,
    ) -> Order:
        """Set a receipt right: `arrived` units came and not `instead_of`, which it says, at `received_at` or when it
        says. 0 takes it back whole. An order of which too little has arrived then is open again.

        The receipt and each of its corrections stay on record. What it says already, and a `correction_id` that is
        stored already, change nothing. Raises UnknownReceipt, InvalidInput without a reason or for a time in the future
        or before the order, InvalidQuantity, and ReceiptChanged if the receipt says neither.
        """
        if not reason:
            raise InvalidInput("Say why the receipt is corrected: the reason is kept with it.")
        order, now = _locked(connection, number)
        receipt = found_receipt(order, read_receipts(connection, [number])[number], receipt_id)
        at = None if received_at in (None, receipt.received_at) else _time_of_receipt(order, received_at, now)
        if (receipt.quantity == arrived and at is None) or is_recorded(connection, correction_id or ""):
            return order
        if receipt.quantity != arrived:
            require_as_seen(receipt, instead_of)
        if arrived:
            require_in_range(arrived)
            _require_countable(connection, order, arrived)
        correction = Correction(
            quantity_before=receipt.quantity,
            quantity=arrived,
            received_at=at,
            reason=reason,
            recorded_by=by.name,
            recorded_at=now,
        )
        return _set_right(connection, order, receipt, correction, by, correction_id or token_hex(16))

    @writes
    def cancel(self, connection: Connection, number: str, reason: str, *, by: Actor) -> Order:
        """Cancel what has not arrived of an order. The same reason again changes nothing. Raises InvalidInput without a
        reason, OrderClosed if the order is received, or was cancelled for another reason."""
        if not reason:
            raise InvalidInput(f"Say why {number[:40]} is cancelled: the reason is kept with the order.")
        order, now = _locked(connection, number)
        if order.status == "cancelled" and order.cancel_reason == reason:
            return order
        if order.status not in OPEN_STATUSES:
            raise OrderClosed(f"{_standing(order)} There is nothing left to cancel.")
        told = {"reason": reason}
        return _change(
            connection, order, "order.cancelled", by, told, status="cancelled", closed_at=now, cancel_reason=reason
        )

    @reads
    def receipts(self, connection: Connection, numbers: Collection[str]) -> dict[str, tuple[Receipt, ...]]:
        """The receipts of these orders, in the order in which they were recorded."""
        return read_receipts(connection, numbers)


def _set_right(
    connection: Connection, order: Order, receipt: Receipt, correction: Correction, by: Actor, identity: str
) -> Order:
    stored = dict(correction) | {"id": identity, "receipt_id": receipt.id, "recorded_by_id": by.id}
    connection.execute(sa.insert(receipt_corrections).values(stored))
    said = {"quantity_before", "quantity", "received_at"}
    told = correction.model_dump(mode="json", include=said, exclude_none=True) | {"receipt_id": receipt.id}
    changed = as_received(order, read_receipts(connection, [order.number])[order.number])
    more = {"correction": told, "reason": correction.reason}
    return _change(connection, order, "order.corrected", by, more, occasion=identity, **changed)


def send_line(
    connection: Connection, order: Order, now: datetime, *, by: Actor, purchase_order: str | None = None
) -> Order:
    """Mark a locked order that is `placed` as sent, by itself or with its document."""
    changed: dict[str, Any] = {
        "sent_at": now,
        "due_at": now + (order.due_at - order.created_at),
        "purchase_order": purchase_order,
    }
    return _change(connection, order, "order.sent", by, {}, status="sent", **changed)


def require_in_range(arrived: float) -> None:
    """Raises InvalidQuantity."""
    if not 0 < arrived <= MAX_RECEIPT:
        raise InvalidQuantity(
            f"A receipt of {arrived} units cannot be recorded; use more than 0, at most {MAX_RECEIPT}."
        )


def take_in(
    connection: Connection,
    order: Order,
    arrived: float,
    now: datetime,
    *,
    by: Actor,
    received_at: datetime | None,
    receipt_id: str | None,
) -> Order:
    """Record a receipt of a locked order. Raises what `LifeStore.receive` does."""
    known = connection.scalar(sa.select(receipts.c.quantity).where(receipts.c.id == (receipt_id or "")))
    if known is not None:
        if known != arrived:
            raise IdempotencyMismatch(MISMATCH)
        return order
    if order.status not in OPEN_STATUSES:
        raise OrderClosed(f"{_standing(order)} {_WAY_ON[order.status]}")
    _require_countable(connection, order, arrived)
    receipt = Receipt(
        id=receipt_id or token_hex(16),
        quantity=arrived,
        received_at=_time_of_receipt(order, received_at, now),
        recorded_by=by.name,
        recorded_at=now,
    )
    stored = receipt.model_dump(exclude={"corrections"}) | {"order_number": order.number, "recorded_by_id": by.id}
    connection.execute(sa.insert(receipts).values(stored))
    told = {"receipt": receipt.model_dump(mode="json", include={"id", "quantity", "received_at"})}
    changed = as_received(order, read_receipts(connection, [order.number])[order.number])
    return _change(connection, order, "order.received", by, told, occasion=receipt.id, **changed)


_WAY_ON = {
    "received": "What arrives on top of it belongs to no order: count it in the stock that you report.",
    "cancelled": "Count what arrives all the same in the stock that you report, or place a new order.",
}


def _locked(connection: Connection, number: str) -> tuple[Order, datetime]:
    """The order, locked until the transaction ends, and the time. SQLite's transaction has locked everything."""
    query = sa.select(orders.c.sequence).where(orders.c.number == number).with_for_update()
    if connection.execute(query).first() is None:
        raise unknown_order(number)
    # A statement of its own: its clock counts the wait for the lock.
    row = connection.execute(sa.select(*ORDER).where(orders.c.number == number)).mappings().one()
    return order_from(row), row["read_at"]


def unknown_order(number: str) -> UnknownOrder:
    return UnknownOrder(f"No order {number[:40]!r}; numbers look like PO-2026-000001 and are listed under orders.")


def _standing(order: Order) -> str:
    """Where the order stands, in a sentence."""
    arrived = f"{order.received_quantity} of {order.quantity} units have arrived"
    if order.closed_at is None:
        return f"{order.number} is {order.status.replace('_', ' ')}: {arrived}."
    because = f", because: {order.cancel_reason}" if order.cancel_reason else ""
    return f"{order.number} is {order.status} since {order.closed_at:%Y-%m-%d %H:%M} UTC{because}: {arrived}."


def _require_countable(connection: Connection, order: Order, arrived: float) -> None:
    """Raise InvalidQuantity for a fraction of what comes in whole units only."""
    if isinstance(arrived, int):
        return
    query = sa.select(proposals.c.plan).where(proposals.c.number == review_number(order.proposal_id))
    plan = Plan.model_validate(connection.execute(query).scalar_one())
    if not is_countable(plan, arrived):
        raise InvalidQuantity(
            f"{arrived} units of {order.product_id} cannot arrive: it is counted in {plan.unit_size:.6g}."
        )


def _time_of_receipt(order: Order, stated: datetime | None, now: datetime) -> datetime:
    if stated is None:
        return now
    if stated > now + CLOCKS_DIFFER:
        raise InvalidInput(f"received_at is in the future ({stated:%Y-%m-%d %H:%M %Z}); report what has arrived.")
    if stated < order.created_at:
        raise InvalidInput(
            f"received_at is before {order.number} was placed, at {order.created_at:%Y-%m-%d %H:%M:%S} UTC; "
            "leave it out for now, or give a later time."
        )
    return stated


def _change(
    connection: Connection,
    order: Order,
    event: str,
    by: Actor,
    told: dict[str, Any],
    *,
    occasion: str = "",
    **changed: Any,
) -> Order:
    """Change the locked order, and tell of it in outbox and audit trail."""
    if order.status == "placed":
        changed.setdefault("purchase_order", None)
    update = sa.update(orders).where(orders.c.number == order.number).values(changed)
    after = order_from(connection.execute(update.returning(*ORDER)).mappings().one())
    send(connection, event, order.run_id, after.model_dump(mode="json") | told, occasion=occasion)
    figures = {"product_id": order.product_id, "location": order.location, "ordered_quantity": order.quantity}
    figures |= {"received_quantity": after.received_quantity, "status": after.status} | told
    if order.purchase_order is not None:
        figures["purchase_order"] = order.purchase_order
    write_audit(connection, event, by, figures, run_id=order.run_id, order_number=order.number)
    return after
