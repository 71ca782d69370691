"""Orders as lines of a table, and their order by supplier."""

from collections.abc import Iterable, Mapping

from tools.records.orders import Order
from tools.records.tables import Cell

COLUMNS = (
    *("document", "order", "type", "product_id", "name", "supplier_id", "supplier", "location", "quantity", "unit"),
    *("received", "unit_price", "value", "currency", "placed", "sent", "due", "days_overdue", "status"),
)


def order_row(order: Order, units: Mapping[str, str]) -> dict[str, Cell]:
    """A line of a table, with the product's unit of `units`. What stands in a document is a draft until it is sent."""
    [item] = order.items
    return {
        "document": order.purchase_order or "",
        "order": order.number,
        "type": order.type,
        "product_id": order.product_id,
        "name": item.name,
        "supplier_id": order.supplier_id or "",
        "supplier": order.supplier_name or "",
        "location": order.location,
        "quantity": item.quantity,
        "unit": units.get(order.product_id, ""),
        "received": order.received_quantity,
        "unit_price": item.unit_price,
        "value": item.value,
        "currency": order.currency,
        "placed": order.created_at,
        "sent": order.sent_at,
        "due": order.due_at,
        "days_overdue": round(order.days_overdue, 1),
        "status": "draft" if order.status == "placed" and order.purchase_order else order.status,
    }


def by_supplier(orders: Iterable[Order]) -> list[Order]:
    """By supplier and document, oldest first; transfers last."""
    return sorted(orders, key=lambda order: (order.type, *group_of(order), order.number))


def group_of(order: Order) -> tuple[str, str, str]:
    """The supplier, the location, and the document that the order is a line of."""
    supplier = "Transfers" if order.type == "transfer" else order.supplier_name or order.supplier_id or "Not known"
    return supplier, order.location, order.purchase_order or ""
