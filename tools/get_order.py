"""The model's look at one order, or at one purchase order with its lines."""

from datetime import datetime
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from pydantic import Field

from tools.asking.orders import placed_here
from tools.asking.overview import Overview
from tools.asking.totals import short
from tools.book.orders import OrderRow
from tools.purchasing.documents import Document
from tools.records.errors import InvalidInput, UnknownOrder
from tools.records.orders import Order, Receipt

MOST_LINES = 20
OrderNumber = Annotated[str, Field(min_length=1, max_length=100, description="PO-…, TR-…, PD-…, or another system's.")]


async def get_order(overview: Overview, number: OrderNumber) -> dict[str, Any]:
    """Look up one order: where it stands, when it is due, what arrived, who placed it and why. A number PD-… is a
    purchase order as its supplier gets it, with its lines."""
    asked = number.strip()
    if asked.upper().startswith("RV-"):
        raise InvalidInput(f"{asked.upper()} is a review; look it up with get_review.")
    others = {order.number.casefold(): order for order in await overview.orders("open")}
    if asked.upper().startswith("PD-"):
        return _document(await overview.documents.get(asked.upper()), await overview.zone())
    try:
        return await _own(overview, asked.upper())
    except UnknownOrder:
        if asked.casefold() not in others:
            raise
        return others[asked.casefold()].shown()


async def _own(overview: Overview, number: str) -> dict[str, Any]:
    order, zone = await overview.book.orders.get(number), await overview.zone()
    proposal = (await overview.book.runs.get(order.run_id)).proposal
    receipts = (await overview.book.life.receipts([number])).get(number, ())
    about = {
        "product_name": order.items[0].name,
        "unit_price": None if order.items[0].unit_price is None else float(order.items[0].unit_price),
        "source_location": order.source_location,
        "sent": _day(order.sent_at, zone),
        "closed": _day(order.closed_at, zone),
        "cancel_reason": order.cancel_reason,
        "receipts": [_receipt(each, zone) for each in receipts],
    }
    why = (
        {}
        if proposal is None
        else {
            "reason": proposal.plan.reason,
            "confidence": round(proposal.confidence.value, 4),
            "review_id": proposal.id if proposal.decided_by else None,
            "review_reasons": proposal.review_reasons,
            "decided_by": proposal.decided_by,
            "decision_reason": proposal.decision_reason,
            "requested_by": proposal.requested_by,
        }
    )
    return placed_here(_row(order), zone).shown() | short(about | why)


def _row(order: Order) -> OrderRow:
    return OrderRow(
        **{name: getattr(order, name) for name in OrderRow._fields if name != "product_name"},
        product_name=order.items[0].name,
    )


def _receipt(receipt: Receipt, zone: ZoneInfo) -> dict[str, Any]:
    return {"quantity": receipt.quantity, "received": _day(receipt.received_at, zone), "by": receipt.recorded_by}


def _document(document: Document, zone: ZoneInfo) -> dict[str, Any]:
    named = ("number", "status", "supplier_name", "location", "line_count", "open_lines", "late", "currency", "sent_by")
    money = ("total", "minimum_order_value", "missing_to_minimum", "missing_to_free_freight")
    amounts = {name: getattr(document, name) for name in money}
    return short(
        {name: getattr(document, name) for name in named}
        | {name: None if value is None else float(value) for name, value in amounts.items()}
        | {
            "sent": _day(document.sent_at, zone),
            "next_order_day": document.next_order_day and document.next_order_day.isoformat(),
            "lines": [placed_here(_row(line), zone).shown() for line in document.lines[:MOST_LINES]],
        }
    )


def _day(moment: datetime | None, zone: ZoneInfo) -> str | None:
    return None if moment is None else moment.astimezone(zone).date().isoformat()
