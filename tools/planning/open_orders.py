"""Whether an open order of this service leaves room for another one without a person."""

from collections.abc import Iterable, Iterator

from tools.records.facts import OpenOrder

SHARE_OF_COVER = 0.5
"""Of the days that an order lasts. Until they have passed, another one most likely meets the same need again."""


def why_not_another(orders: Iterable[OpenOrder]) -> Iterator[str]:
    """Why a person must decide on a further order: the first reason for each open order that gives one.

    An order is asked after when it is late or has arrived in part. Otherwise a new need is credible once half of what
    the order covers has passed since it was placed.
    """
    for order in orders:
        reason = _reason(order)
        if reason:
            yield reason


def _reason(order: OpenOrder) -> str | None:
    ordered, overdue, age = order.quantity + order.received, -order.due_in_days, order.placed_days_ago or 0.0
    to_come = f"{order.quantity:g} of {ordered:g} units are still to come"
    if overdue > 0:
        return f"{order.reference} is {_days(overdue)} late; {to_come}. Ask the supplier before ordering more."
    if order.received:
        return f"{order.reference} has arrived in part; {to_come}. Settle them before ordering more."
    if order.cover_days is None:
        return f"{order.reference} is on the way, and no demand was expected when it was placed."
    if age < SHARE_OF_COVER * order.cover_days:
        return (
            f"{order.reference} was placed {_days(age)} ago, and its {ordered:g} units last {_days(order.cover_days)}. "
            "Less than half of that has passed."
        )
    return None


def _days(days: float) -> str:
    """
    >>> _days(0.4), _days(1.2), _days(12.5)
    ('less than a day', '1 day', '12 days')
    """
    if days < 1:
        return "less than a day"
    return "1 day" if days < 2 else f"{int(days):,} days"
