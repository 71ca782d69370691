"""Orders in one form, whether this service placed them or another system did."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from tools.asking.totals import money_of, short
from tools.book.orders import OrderRow
from tools.records.facts import OpenOrder
from tools.records.orders import OPEN_STATUSES
from tools.records.quantities import quantity
from tools.sweep.lists import TodayList
from tools.sweep.today_rows import TodayRow

OTHER_SYSTEM = "other system"


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedOrder:
    """An order, with days in the catalogue's time zone. Of other systems' orders the value is not known."""

    number: str
    product_id: str
    product_name: str
    location: str
    supplier_id: str
    supplier: str
    quantity: float
    received: float
    status: str
    placed: date | None
    due: date
    days_overdue: float
    value: Decimal | None
    currency: str
    placed_by: str
    purchase_order: str | None = None

    @property
    def is_open(self) -> bool:
        return self.status in (*OPEN_STATUSES, OTHER_SYSTEM)

    @property
    def supplied_by(self) -> tuple[str, str]:
        """The supplier's id, or its name where it has none, and its name."""
        return self.supplier_id or self.supplier, self.supplier

    @property
    def names(self) -> tuple[str, ...]:
        """By which it can be found."""
        named = (self.number, self.purchase_order or "", self.product_id, self.product_name, self.location)
        return (*named, self.supplier_id, self.supplier)

    def shown(self) -> dict[str, Any]:
        """As a model sees it."""
        named = ("number", "product_id", "location", "supplier", "status", "placed_by", "purchase_order")
        return short(
            {name: getattr(self, name) for name in named}
            | {
                "quantity": quantity(self.quantity),
                "received": quantity(self.received) or None,
                "placed": self.placed and self.placed.isoformat(),
                "due": self.due.isoformat(),
                "days_overdue": round(self.days_overdue, 1) or None,
                "value": None if self.value is None else round(float(self.value), 2),
                "currency": None if self.value is None else self.currency,
            }
        )


def placed_here(row: OrderRow, zone: ZoneInfo) -> AskedOrder:
    is_open = row.status in OPEN_STATUSES
    overdue = (datetime.now(UTC) - row.due_at).total_seconds() / 86_400
    return AskedOrder(
        number=row.number,
        product_id=row.product_id,
        product_name=row.product_name,
        location=row.location,
        supplier_id=row.supplier_id or "",
        supplier=row.supplier_name or "",
        quantity=row.quantity,
        received=row.received_quantity,
        status=row.status,
        placed=row.created_at.astimezone(zone).date(),
        due=row.due_at.astimezone(zone).date(),
        days_overdue=max(0.0, overdue) if is_open else 0.0,
        value=row.total,
        currency=row.currency,
        placed_by=row.placed_by,
        purchase_order=row.purchase_order,
    )


def of_other_systems(listed: TodayList) -> list[AskedOrder]:
    """Open orders that the catalogue names and this service did not place."""
    return [
        _elsewhere(listed.day, row, order)
        for row in listed.rows
        for order in listed.ordered.get(row.place, ())
        if not order.placed_here
    ]


def _elsewhere(day: date, row: TodayRow, order: OpenOrder) -> AskedOrder:
    ago = order.placed_days_ago
    return AskedOrder(
        number=order.reference,
        product_id=row.product_id,
        product_name=row.name,
        location=row.location,
        supplier_id=row.supplier_id,
        supplier=row.supplier,
        quantity=order.quantity + order.received,
        received=order.received,
        status=OTHER_SYSTEM,
        placed=None if ago is None else day - timedelta(ago),
        due=day + timedelta(order.due_in_days),
        days_overdue=max(0.0, -order.due_in_days),
        value=None,
        currency=row.currency,
        placed_by=OTHER_SYSTEM,
    )


def totals_of(orders: Sequence[AskedOrder]) -> dict[str, Any]:
    """`value` is without cancelled orders."""
    valid = [order for order in orders if order.status != "cancelled"]
    more = {"cancelled": len(orders) - len(valid), "without_a_value": sum(order.value is None for order in valid)}
    return {
        "orders": len(orders),
        "overdue": sum(order.days_overdue > 0 for order in orders),
        "value": money_of(valid, lambda order: (order.value, order.currency)),
        **{name: count for name, count in more.items() if count},
    }
