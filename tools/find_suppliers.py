"""The model's search through suppliers."""

from collections import defaultdict
from collections.abc import Sequence
from statistics import fmean
from typing import Annotated, Any, Literal

from pydantic import Field

from tools.asking.fields import Figure, Limit, Words
from tools.asking.orders import AskedOrder
from tools.asking.overview import Overview, about
from tools.asking.totals import money_of, short, within
from tools.asking.words import WordIndex
from tools.purchasing.terms import NO_TERMS, Terms, next_order_day
from tools.records.facts import Supplier
from tools.sweep.today_rows import TodayRow

Sort = Literal["name", "slowest", "fastest", "latest", "most_punctual", "most_open", "most_to_order"]


async def find_suppliers(
    overview: Overview,
    words: Annotated[Words, Field(description="Words of its id or name, or of what it supplies.")] = "",
    with_late_orders: Annotated[bool | None, Field(description="Only those that owe us an overdue order.")] = None,
    with_orders_due: Annotated[bool | None, Field(description="Only those with something to order.")] = None,
    lead_time_at_least: Annotated[
        Figure, Field(description="Days from order to delivery: observed, else promised.")
    ] = None,
    lead_time_at_most: Figure = None,
    sort: Annotated[Sort, Field(description="latest: most often later than promised.")] = "name",
    limit: Limit = 20,
) -> dict[str, Any]:
    """Search suppliers: lead times promised and observed, how often they are late, their terms (minimum order value,
    order days), what is open with them, and what is to be ordered from them."""
    listed, orders = await overview.today(), await overview.orders("open")
    terms = await overview.documents.terms(listed.suppliers) if listed.mode == "database" else {}
    found = WordIndex((each.id, each.name) for each in listed.suppliers.values()).find(words)
    ids = {each.id for row, each in enumerate(listed.suppliers.values()) if row in found.rows}
    if found.unknown:
        found = overview.words(listed).find(words)
        ids = {row.supplier_id for number, row in enumerate(listed.rows) if number in found.rows}
    chosen = [each for each in listed.suppliers.values() if each.id in ids and not found.unknown]
    products, incoming = _by_supplier(listed.rows), _by_supplier(orders)
    told = [
        _shown(each, products[each.id], incoming[each.id], terms.get(each.id, NO_TERMS), listed.day) for each in chosen
    ]
    for wanted, column in ((with_late_orders, "late_orders"), (with_orders_due, "products_to_order")):
        told = [each for each in told if wanted is None or bool(each[column]) == wanted]
    told = [each for each in told if within(_lead_time(each), lead_time_at_least, lead_time_at_most)]
    told.sort(key=lambda each: (_rank(each, sort), each["name"].casefold()))
    return {**about(found), "totals": {"suppliers": len(told)}, "suppliers": told[:limit]}


def _by_supplier(rows: Sequence[Any]) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = defaultdict(list)
    for row in rows:
        found[row.supplier_id].append(row)
    return found


def _shown(
    supplier: Supplier, products: Sequence[TodayRow], orders: Sequence[AskedOrder], terms: Terms, day: Any
) -> dict[str, Any]:
    due = [row for row in products if row.is_to_order and row.action == "purchase_order"]
    return {
        "supplier_id": supplier.id,
        "name": supplier.name,
        **_lead_times(supplier),
        "products": len({row.product_id for row in products}),
        "products_to_order": len(due),
        **short({"value_to_order": money_of(due, lambda row: (row.value, row.currency))}),
        "open_orders": len(orders),
        "late_orders": sum(order.days_overdue > 0 for order in orders),
        **short({"open_value": money_of(orders, lambda order: (order.value, order.currency))}),
        **_terms(terms, day),
    }


def _lead_times(supplier: Supplier) -> dict[str, Any]:
    promised, observed = supplier.promised_lead_time_days, supplier.observed_lead_times_days
    told: dict[str, Any] = {"promised_lead_time_days": promised}
    if observed:
        told |= {"deliveries": len(observed), "later_than_promised": sum(days > promised for days in observed)}
        told["mean_lead_time_days"] = round(fmean(observed), 1)
    return told


def _terms(terms: Terms, day: Any) -> dict[str, Any]:
    order_day = next_order_day(terms.order_days, day)
    values = {name: getattr(terms, name) for name in ("minimum_order_value", "free_freight_value")}
    return short(
        {name: None if value is None else float(value) for name, value in values.items()}
        | {"order_days": sorted(terms.order_days), "next_order_day": order_day and order_day.isoformat()}
    )


def _lead_time(told: dict[str, Any]) -> float:
    return float(told.get("mean_lead_time_days", told["promised_lead_time_days"]))


def _rank(told: dict[str, Any], sort: Sort) -> Any:
    """Smaller comes first."""
    if sort in ("slowest", "fastest"):
        return _lead_time(told) * (1 if sort == "fastest" else -1)
    if sort in ("latest", "most_punctual"):
        share = told.get("later_than_promised", 0) / told.get("deliveries", 1)
        return -share if sort == "latest" else ("deliveries" not in told, share)
    if sort == "most_open":
        return -max(told.get("open_value", {}).values(), default=told["open_orders"] / 1e9)
    if sort == "most_to_order":
        return -max(told.get("value_to_order", {}).values(), default=told["products_to_order"] / 1e9)
    return 0.0
