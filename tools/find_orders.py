"""The model's search through placed orders."""

from collections.abc import Callable
from typing import Annotated, Any, Literal

from pydantic import Field

from tools.asking.fields import Figure, Limit, Name, Words
from tools.asking.orders import AskedOrder, totals_of
from tools.asking.overview import Overview
from tools.asking.periods import Coming, Day, Period
from tools.asking.totals import groups_of, short, within
from tools.records.orders import OrderFilter

Sort = Literal["newest", "due", "value", "least_value", "overdue"]
LAST = float("inf")
KEYS: dict[Sort, Callable[[AskedOrder], Any]] = {
    "due": lambda order: order.due,
    "value": lambda order: -(order.value or 0),
    "least_value": lambda order: LAST if order.value is None else order.value,
    "overdue": lambda order: -order.days_overdue,
}


async def find_orders(
    overview: Overview,
    words: Words = "",
    supplier: Name = None,
    product_id: Name = None,
    location: Name = None,
    status: Annotated[
        Literal["any", OrderFilter], Field(description="open: still to come. overdue: open and late.")
    ] = "any",
    period: Period = None,
    since: Day = None,
    until: Day = None,
    due: Coming = None,
    due_since: Day = None,
    due_until: Day = None,
    value_at_least: Figure = None,
    value_at_most: Figure = None,
    quantity_at_least: Figure = None,
    quantity_at_most: Figure = None,
    days_overdue_at_least: Figure = None,
    placed_by: Annotated[Name, Field(description="Who approved it, or `automatic`.")] = None,
    sort: Sort = "newest",
    group_by: Literal["supplier", "product_id", "location", "status", "placed", "placed_by"] | None = None,
    limit: Limit = 20,
) -> dict[str, Any]:
    """Search orders that were placed, by day of placing: this service's, and open ones of other systems. What is still
    to be ordered is in find_products. Filters narrow together; `totals` are of all that fit, also by group; their value
    is without cancelled orders. Bounds of value leave out orders of unknown value, and say how many."""
    days = await overview.days(period, since, until)
    coming = await overview.days(due, due_since, due_until, coming=True)
    every = await overview.orders(None if status == "any" else status)
    supplier = await overview.supplier(supplier, (order.supplied_by for order in every))
    location = await overview.location(location, (order.location for order in every))
    named, about = await overview.worded(words, every, lambda order: order.names)
    same = {"product_id": product_id, "location": location, "placed_by": placed_by}
    fitting = [
        order
        for order in named
        if days.holds(order.placed)
        and coming.holds(order.due)
        and supplier in (None, order.supplied_by[0])
        and within(order.quantity, quantity_at_least, quantity_at_most)
        and (days_overdue_at_least is None or order.days_overdue >= days_overdue_at_least)
        and all(asked is None or getattr(order, name).casefold() == asked.casefold() for name, asked in same.items())
    ]
    valued = [order for order in fitting if within(order.value, value_at_least, value_at_most)]
    unvalued = 0 if len(valued) == len(fitting) else sum(order.value is None for order in fitting)
    fitting = valued
    answer = {
        **days.shown(),
        **{f"due_{name}".replace("since", "from"): day for name, day in coming.shown().items()},
        **about,
        **short({"left_out_of_unknown_value": unvalued or None}),
        "totals": totals_of(fitting),
    }
    if group_by is not None:
        return answer | groups_of(fitting, group_by, lambda order: getattr(order, group_by), totals_of)
    ordered = sorted(fitting, key=KEYS[sort]) if sort in KEYS else fitting
    return answer | {"orders": [order.shown() for order in ordered[:limit]]}
