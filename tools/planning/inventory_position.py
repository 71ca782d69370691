"""What stock and open orders amount to: on hand + on order − backorders. Pure.

An open order counts when it is due within the protection interval. One overdue by no more than the supplier has been
late before counts fully. Beyond that it counts half. After k receipts, the next is later than all of them with chance
1/(k + 1), and it never comes with chance 1/(k + 2) (rule of succession). So "late" and "lost" are about equally likely.
A whole lead time beyond that, it is written off.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from math import fsum
from typing import Literal

from tools.records.facts import OpenOrder, Stock

DOUBTED_SHARE = 0.5
TOLERANCE_DAYS = 1e-9

Standing = Literal["counted", "later", "doubted", "written_off"]


@dataclass(frozen=True, slots=True)
class CountedOrder:
    """An open order, whether it counts, and how many of its units do."""

    order: OpenOrder
    standing: Standing
    counted: float


@dataclass(slots=True)
class InventoryPosition:
    """`on_order` is what counts; `stated_on_order` would count if every overdue order came."""

    on_hand: float
    on_order: float
    backorders: float
    stated_on_order: float
    orders: tuple[CountedOrder, ...]

    @property
    def units(self) -> float:
        return self.on_hand + self.on_order - self.backorders

    @property
    def stated_units(self) -> float:
        return self.on_hand + self.stated_on_order - self.backorders


def inventory_position(
    stock: Stock, *, horizon_days: float, slip_days: float, lead_time_days: float
) -> InventoryPosition:
    """Count the open orders due within `horizon_days`; see the module for those that are overdue."""
    orders = tuple(
        count_order(order, horizon_days=horizon_days, slip_days=slip_days, lead_time_days=lead_time_days)
        for order in stock.open_orders
    )
    return InventoryPosition(
        on_hand=stock.on_hand,
        on_order=fsum(order.counted for order in orders),
        backorders=stock.backorders,
        stated_on_order=_stated(orders),
        orders=orders,
    )


def _stated(orders: Iterable[CountedOrder]) -> float:
    return fsum(entry.order.quantity for entry in orders if entry.standing != "later")


def count_order(order: OpenOrder, *, horizon_days: float, slip_days: float, lead_time_days: float) -> CountedOrder:
    """How many units of one open order count, and why."""
    if order.due_in_days > horizon_days + TOLERANCE_DAYS:
        return CountedOrder(order, "later", 0.0)
    overdue = -order.due_in_days
    if overdue <= slip_days + TOLERANCE_DAYS:
        return CountedOrder(order, "counted", order.quantity)
    if overdue <= slip_days + lead_time_days + TOLERANCE_DAYS:
        return CountedOrder(order, "doubted", order.quantity * DOUBTED_SHARE)
    return CountedOrder(order, "written_off", 0.0)
