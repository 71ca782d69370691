"""What has arrived of orders: receipts as they were recorded, and what was set right of them."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from tools.records.errors import ReceiptChanged, UnknownReceipt
from tools.records.orders import OPEN_STATUSES, Correction, Order, OrderStatus, Receipt
from tools.records.quantities import quantity
from tools.storage.schema import receipt_corrections, receipts

_RECORDED = [name for name in Receipt.model_fields if name != "corrections"]


def read_receipts(connection: Connection, numbers: Collection[str]) -> dict[str, tuple[Receipt, ...]]:
    """The receipts of these orders, in the order in which they were recorded."""
    query = sa.select(receipts).where(receipts.c.order_number.in_(numbers))
    rows = connection.execute(query.order_by(receipts.c.recorded_at, receipts.c.id)).mappings().all()
    corrected = _corrections(connection, numbers)
    found: dict[str, tuple[Receipt, ...]] = defaultdict(tuple)
    for row in rows:
        found[row["order_number"]] += (_receipt(row, corrected.get(row["id"], ())),)
    return found


def _corrections(connection: Connection, numbers: Collection[str]) -> dict[str, tuple[Correction, ...]]:
    """By receipt, oldest first."""
    query = sa.select(receipt_corrections).join(receipts).where(receipts.c.order_number.in_(numbers))
    found: dict[str, tuple[Correction, ...]] = defaultdict(tuple)
    for row in connection.execute(query.order_by(receipt_corrections.c.number)).mappings():
        found[row["receipt_id"]] += (Correction(**{name: row[name] for name in Correction.model_fields}),)
    return found


def _receipt(row: Mapping[Any, Any], made: tuple[Correction, ...]) -> Receipt:
    values = {name: row[name] for name in _RECORDED}
    if made:
        values["quantity"] = made[-1].quantity
        values["received_at"] = next(
            (each.received_at for each in reversed(made) if each.received_at), values["received_at"]
        )
    return Receipt.model_validate(values | {"corrections": made})


def is_recorded(connection: Connection, correction_id: str) -> bool:
    """Whether there is a correction of this id."""
    query = sa.select(receipt_corrections.c.number).where(receipt_corrections.c.id == correction_id)
    return connection.scalar(query) is not None


def found_receipt(order: Order, known: Sequence[Receipt], receipt_id: str) -> Receipt:
    """Raises UnknownReceipt."""
    for receipt in known:
        if receipt.id == receipt_id:
            return receipt
    raise UnknownReceipt(
        f"{order.number} has no receipt {receipt_id[:40]!r}; read the order to see its {len(known)} receipts."
    )


def require_as_seen(receipt: Receipt, seen: float) -> None:
    """Raises ReceiptChanged if a receipt does not say what the person who corrects it has seen."""
    if receipt.quantity == seen:
        return
    by = f", which {receipt.corrections[-1].recorded_by} set right" if receipt.corrections else ""
    raise ReceiptChanged(
        f"The receipt says {receipt.quantity} units{by}, not {seen}. Look at it again, and correct what it says now."
    )


def as_received(order: Order, known: Sequence[Receipt]) -> dict[str, Any]:
    """An order's columns as its receipts have it. One of which too little has arrived is open again; one that is
    cancelled stays so."""
    arrived = quantity(sum(receipt.quantity for receipt in known))
    if order.status == "cancelled":
        return {"received_quantity": arrived}
    status = _status(order, arrived)
    return {"received_quantity": arrived, "status": status, "closed_at": _closed_at(known, status)}


def _status(order: Order, arrived: float) -> OrderStatus:
    if arrived >= order.quantity:
        return "received"
    if arrived:
        return "partly_received"
    return "placed" if order.sent_at is None else "sent"


def _closed_at(known: Sequence[Receipt], status: OrderStatus) -> datetime | None:
    if status in OPEN_STATUSES:
        return None
    return max(receipt.received_at for receipt in known if receipt.quantity)
