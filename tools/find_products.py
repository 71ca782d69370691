"""The model's search through the whole catalogue."""

import asyncio
from typing import Annotated, Any, Literal

from pydantic import Field

from tools.catalog.live import as_open
from tools.catalog.products import AllProducts, Family, Location, number, open_orders, plan_of, shown_order
from tools.records.facts import ProductFacts
from tools.records.orders import Order
from tools.records.plan import Plan

StockStatus = Literal["any", "needs_order", "on_order", "overdue"]


async def find_products(
    products: AllProducts,
    query: Annotated[str, Field(max_length=200, description="Words from id, name or category; empty for all.")] = "",
    status: Annotated[StockStatus, Field(description="Keep only products in this state.")] = "any",
    location: Location = None,
    limit: Annotated[int, Field(ge=1, le=100, description="At most this many, 1 to 100.")] = 20,
) -> dict[str, Any]:
    """Search products by words and by state: needs_order, on_order, overdue or any. Most urgent first. Products that
    this service ordered and that are in no catalogue come last, with their orders alone."""
    everything = await products.everything()
    words = query.lower().replace("_", " ").split()
    chosen = [facts for facts in everything if _matches(facts, words, location)]
    rows = await asyncio.to_thread(_rows, chosen, everything, status)
    if status in ("on_order", "overdue"):
        known = {each.reference for facts in everything for each in facts.stock.open_orders}
        ordered = [order for order in await products.open_orders() if order.number not in known]
        rows += [row for row in map(_order_row, ordered) if _in_status(row, status) and _is_about(row, words, location)]
    return {"total": len(rows), "products": rows[:limit]}


def _order_row(order: Order) -> dict[str, Any]:
    return {
        "product_id": order.product_id,
        "location": order.location,
        "open_orders": [shown_order(as_open(order))],
    }


def _is_about(row: dict[str, Any], words: list[str], location: str | None) -> bool:
    text = row["product_id"].lower().replace("_", " ")
    return location in (None, row["location"]) and all(word in text for word in words)


def _matches(facts: ProductFacts, words: list[str], location: str | None) -> bool:
    product = facts.product
    text = f"{product.id} {product.name} {product.category}".lower().replace("_", " ")
    return (location is None or facts.stock.location == location) and all(word in text for word in words)


def _rows(chosen: list[ProductFacts], everything: Family, status: StockStatus) -> list[dict[str, Any]]:
    rows = (_row(facts, _plan_among(facts, everything)) for facts in chosen)
    return sorted((row for row in rows if _in_status(row, status)), key=_urgency)


def _plan_among(facts: ProductFacts, everything: Family) -> Plan:
    others = (other for other in everything if other.product.id == facts.product.id and other is not facts)
    return plan_of([facts, *others])


def _row(facts: ProductFacts, plan: Plan) -> dict[str, Any]:
    return {
        "product_id": plan.product_id,
        "name": facts.product.name,
        "category": facts.product.category,
        "location": plan.location,
        "on_hand": number(plan.on_hand),
        "on_order": number(plan.on_order),
        "inventory_position": number(plan.inventory_position),
        "reorder_point": number(plan.reorder_point, 2),
        "days_until_stockout": number(plan.days_until_stockout, 1),
        "recommended_action": plan.recommended_action,
        "order_quantity": plan.order_quantity,
        "open_orders": open_orders(facts),
    }


def _in_status(row: dict[str, Any], status: StockStatus) -> bool:
    orders = row["open_orders"]
    if status == "needs_order":
        return bool(row["recommended_action"] != "none")
    if status == "on_order":
        return bool(orders)
    return status == "any" or any(order["due_in_days"] < 0 for order in orders)


def _urgency(row: dict[str, Any]) -> tuple[bool, float]:
    days = row["days_until_stockout"]
    return row["recommended_action"] == "none", float("inf") if days is None else days
