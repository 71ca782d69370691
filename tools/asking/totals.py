"""Counts and money of rows, in all and by group. Nothing is added up across currencies."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from typing import Any, TypeVar

Row = TypeVar("Row")
Money = Callable[[Row], tuple[Decimal | float | None, str]]
"""A row's value and its currency."""
GROUPS = 20


def money_of(rows: Iterable[Row], money: Money[Row]) -> dict[str, float]:
    """The money by currency. A row without a value adds nothing."""
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for value, currency in map(money, rows):
        if value is not None:
            sums[currency] += Decimal(value)
    return {currency: round(float(total), 2) for currency, total in sorted(sums.items())}


def within(value: Decimal | float | None, least: float | None, most: float | None) -> bool:
    """Whether a value is in the bounds that were asked for. An unknown one is in none."""
    if value is None:
        return least is None and most is None
    return (least is None or float(value) >= least) and (most is None or float(value) <= most)


def groups_of(
    rows: Sequence[Row], by: str, key: Callable[[Row], object], totals: Callable[[Sequence[Row]], dict[str, Any]]
) -> dict[str, Any]:
    """The groups of the rows, those of most money first, with the totals of each; and how many there are."""
    groups: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        groups[str(key(row) or "none")].append(row)
    told = [{by: name, **totals(own)} for name, own in groups.items()]
    told.sort(key=lambda group: (-max(group.get("value", {}).values(), default=0), str(group[by])))
    return {"groups_in_all": len(told), "groups": told[:GROUPS]}


def short(row: dict[str, Any]) -> dict[str, Any]:
    """Without what is empty or unknown: every word costs tokens."""
    return {name: value for name, value in row.items() if value not in (None, "", [], (), {})}
