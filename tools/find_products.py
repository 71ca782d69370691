"""The model's search through the whole catalogue."""

from collections.abc import Callable, Iterator, Sequence
from typing import Annotated, Any, Literal

from pydantic import Field

from tools.asking.fields import Figure, Name, Words
from tools.asking.overview import Overview, about
from tools.asking.periods import Coming, Day
from tools.asking.totals import groups_of, money_of, short, within
from tools.asking.words import Found
from tools.catalog.live import as_open
from tools.catalog.products import Location, number, shown_order, shown_orders
from tools.records.facts import DemandClass, OpenOrder
from tools.records.orders import Order
from tools.sweep.lists import TodayList
from tools.sweep.today_rows import Cover, TodayRow

StockStatus = Literal["any", "needs_order", "needs_transfer", "on_order", "overdue"]
Sort = Literal[
    "urgent",
    "days_left",
    "value",
    "least_value",
    "stock_value",
    "quantity",
    "confidence",
    "lost_revenue",
]
LAST = float("inf")
KEYS: dict[Sort, Callable[[TodayRow], Any]] = {
    "urgent": lambda row: (row.action == "none", _least(row.days_left)),
    "days_left": lambda row: _least(row.days_left),
    "value": lambda row: -(row.value or 0),
    "least_value": lambda row: _least(None if row.value is None else float(row.value)),
    "stock_value": lambda row: -(row.stock_value or 0),
    "quantity": lambda row: -(row.quantity or 0),
    "confidence": lambda row: _least(row.confidence),
    "lost_revenue": lambda row: -(row.lost_revenue_per_day or 0),
}


async def find_products(
    overview: Overview,
    words: Words = "",
    status: Annotated[StockStatus, Field(description="Keep only products in this state.")] = "any",
    location: Location = None,
    supplier: Name = None,
    category: Name = None,
    cover: Annotated[
        Cover | None, Field(description="How far the stock reaches; too_much: over half a year beyond the lead time.")
    ] = None,
    days_left_at_most: Annotated[Figure, Field(description="Stock on hand lasts no longer than so many days.")] = None,
    days_left_at_least: Annotated[Figure, Field(description="Or so many days and more, or for ever.")] = None,
    runs_out: Annotated[Coming, Field(description="Stock on hand is gone by the end of it.")] = None,
    runs_out_by: Annotated[Day, Field(description="Or by this day, the next that comes.")] = None,
    on_hand_at_least: Figure = None,
    on_hand_at_most: Figure = None,
    value_at_least: Annotated[Figure, Field(description="Of what is to be ordered.")] = None,
    value_at_most: Figure = None,
    demand_class: DemandClass | None = None,
    not_sold_since: Day = None,
    sort: Annotated[Sort, Field(description="value: of the order. confidence: the least sure first.")] = "urgent",
    group_by: Literal["supplier", "category", "location", "status"] | None = None,
    limit: Annotated[int, Field(ge=1, le=100, description="At most this many, 1 to 100.")] = 20,
) -> dict[str, Any]:
    """Search products by words, figures and state: needs_order (transfers too), needs_transfer, on_order, overdue, any.
    Filters narrow together; `totals` are of all that fit, also by group. Products that this service ordered and that
    are in no catalogue come last, with their orders alone. `needs_data` counts products that cannot be planned yet;
    they are left out."""
    listed = await overview.today()
    location, supplier = await overview.location(location), await overview.supplier(supplier)
    unsold_since = (await overview.days(None, not_sold_since, None)).first
    last = (await overview.days(runs_out, None, runs_out_by, coming=True)).last
    days_to_last = None if last is None else (last - listed.day).days
    found_words = overview.words(listed).find(words) if words.strip() else None
    fitting = [
        row
        for row in _worded(listed.rows, found_words)
        if location in (None, row.location)
        and supplier in (None, row.supplier_id)
        and (category is None or row.category.casefold() == category.casefold())
        and cover in (None, row.cover)
        and (days_left_at_most is None or _least(row.days_left) <= days_left_at_most)
        and (days_left_at_least is None or _least(row.days_left) >= days_left_at_least)
        and (days_to_last is None or _least(row.days_left) <= days_to_last)
        and within(row.on_hand, on_hand_at_least, on_hand_at_most)
        and within(row.value, value_at_least, value_at_most)
        and demand_class in (None, row.demand_class)
        and (unsold_since is None or row.last_sold is None or row.last_sold < unsold_since)
    ]
    known = [row for row in fitting if row.status != "needs_data"]
    found = sorted((row for row in known if _in_status(row, listed.open_orders(row.place), status)), key=KEYS[sort])
    figures = (days_left_at_most, days_left_at_least, on_hand_at_least, on_hand_at_most, value_at_least, value_at_most)
    whole = not any((supplier, category, cover, demand_class, unsold_since, last, *figures))
    others = await _others(overview, listed, status) if whole else []
    alone = [order for order in others if location in (None, order.location)]
    alone, about_alone = await overview.worded(words, alone, lambda order: (order.product_id, order.location))
    told = about_alone if alone else about(found_words)
    needs_data = {"needs_data": len(fitting) - len(known)} if len(known) < len(fitting) else {}
    by = {} if last is None else {"runs_out_by": last.isoformat()}
    answer = {**by, "total": len(found) + len(alone), **told, **needs_data, "totals": _totals(found)}
    if group_by is not None:
        return answer | groups_of(found, group_by, lambda row: getattr(row, group_by), _totals)
    rows = [_row(row, listed.open_orders(row.place)) for row in found[:limit]] + list(map(_order_row, alone))
    return answer | {"products": rows[:limit]}


def _least(value: float | None) -> float:
    return LAST if value is None else value


def _worded(rows: Sequence[TodayRow], found: Found | None) -> Iterator[TodayRow]:
    """The rows that all words fit."""
    if found is None:
        yield from rows
    elif not found.unknown:
        yield from (rows[row] for row in sorted(found.rows))


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


def _totals(rows: Sequence[TodayRow]) -> dict[str, Any]:
    """`value` is of what is to be ordered or moved, `stock_value` of what is on hand."""
    return {
        "products": len({row.product_id for row in rows}),
        "to_order": sum(row.action != "none" for row in rows),
        "value": money_of(
            (row for row in rows if row.action == "purchase_order"), lambda row: (row.value, row.currency)
        ),
        "stock_value": money_of(rows, lambda row: (row.stock_value, row.currency)),
    }


def _row(row: TodayRow, orders: tuple[OpenOrder, ...]) -> dict[str, Any]:
    figures = {
        "product_id": row.product_id,
        "name": row.name,
        "category": row.category,
        "location": row.location,
        "supplier": row.supplier,
        "on_hand": number(row.on_hand),
        "on_order": number(row.on_order),
        "inventory_position": number(row.inventory_position),
        "reorder_point": number(row.reorder_point, 2),
        "days_until_stockout": number(row.days_left, 1),
        "recommended_action": row.action,
        "order_quantity": row.quantity,
        "open_orders": shown_orders(orders),
        "status": row.status,
    }
    more = {
        "order_value": None if row.value is None else float(row.value),
        "stock_value": number(row.stock_value, 2),
        "lost_revenue_per_day": number(row.lost_revenue_per_day, 2) or None,
        "currency": row.currency,
        "review_id": row.review_id,
    }
    return figures | short(more)


def _in_status(row: TodayRow, orders: tuple[OpenOrder, ...], status: StockStatus) -> bool:
    if status == "needs_order":
        return row.action != "none"
    if status == "needs_transfer":
        return row.action == "transfer"
    if status == "on_order":
        return bool(orders)
    return status == "any" or any(order.due_in_days < 0 for order in orders)
