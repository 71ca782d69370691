"""The model's search through the whole catalogue."""

from typing import Annotated, Any, Literal

from pydantic import Field

from tools.asking.overview import Overview
from tools.catalog.live import as_open
from tools.catalog.products import Location, number, shown_order, shown_orders
from tools.records.facts import OpenOrder
from tools.records.orders import Order
from tools.sweep.lists import TodayList
from tools.sweep.today_rows import TodayRow

StockStatus = Literal["any", "needs_order", "on_order", "overdue"]
Found = tuple[TodayRow, tuple[OpenOrder, ...]]


async def find_products(
    overview: Overview,
    query: Annotated[str, Field(max_length=200, description="Words from id, name or category; empty for all.")] = "",
    status: Annotated[StockStatus, Field(description="Keep only products in this state.")] = "any",
    location: Location = None,
    limit: Annotated[int, Field(ge=1, le=100, description="At most this many, 1 to 100.")] = 20,
) -> dict[str, Any]:
    """Search products by words and by state: needs_order, on_order, overdue or any. Most urgent first. Products that
    this service ordered and that are in no catalogue come last, with their orders alone. `needs_data` counts products
    that cannot be planned yet; they are left out."""
    listed, about = await overview.today(), _About(query, location)
    fitting = [row for row in listed.rows if about.fits(row, f"{row.product_id} {row.name} {row.category}")]
    known = [(row, listed.open_orders(row.place)) for row in fitting if row.status != "needs_data"]
    found = sorted((each for each in known if _in_status(*each, status)), key=_urgency)
    alone = [each for each in await _others(overview, listed, status) if about.fits(each, each.product_id)]
    rows = [_row(*each) for each in found[:limit]] + list(map(_order_row, alone))
    needs_data = {"needs_data": len(fitting) - len(known)} if len(known) < len(fitting) else {}
    return {"total": len(found) + len(alone), **needs_data, "products": rows[:limit]}


class _About:
    """What is looked for: words, and a location."""

    def __init__(self, query: str, location: str | None) -> None:
        self._words, self._location = _plain(query).split(), location

    def fits(self, found: TodayRow | Order, text: str) -> bool:
        plain = _plain(text)
        return self._location in (None, found.location) and all(word in plain for word in self._words)


def _plain(text: str) -> str:
    return text.lower().replace("_", " ")


async def _others(overview: Overview, listed: TodayList, status: StockStatus) -> list[Order]:
    """Open orders of this service that are of no product in the list, where orders are asked for."""
    if status not in ("on_order", "overdue"):
        return []
    known = {order.reference for orders in listed.ordered.values() for order in orders}
    others = [order for order in await overview.book.orders.page(200, status="open") if order.number not in known]
    return [order for order in others if status == "on_order" or order.days_overdue]


def _order_row(order: Order) -> dict[str, Any]:
    return {
        "product_id": order.product_id,
        "location": order.location,
        "open_orders": [shown_order(as_open(order))],
    }


def _row(row: TodayRow, orders: tuple[OpenOrder, ...]) -> dict[str, Any]:
    return {
        "product_id": row.product_id,
        "name": row.name,
        "category": row.category,
        "location": row.location,
        "on_hand": number(row.on_hand),
        "on_order": number(row.on_order),
        "inventory_position": number(row.inventory_position),
        "reorder_point": number(row.reorder_point, 2),
        "days_until_stockout": number(row.days_left, 1),
        "recommended_action": row.action,
        "order_quantity": row.quantity,
        "open_orders": shown_orders(orders),
    }


def _in_status(row: TodayRow, orders: tuple[OpenOrder, ...], status: StockStatus) -> bool:
    if status == "needs_order":
        return row.action != "none"
    if status == "on_order":
        return bool(orders)
    return status == "any" or any(order.due_in_days < 0 for order in orders)


def _urgency(found: Found) -> tuple[bool, float]:
    row = found[0]
    return row.action == "none", float("inf") if row.days_left is None else row.days_left
