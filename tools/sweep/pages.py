"""Today's list filtered, sorted, and in pages without gaps or repeats: a page belongs to one version of the list."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date
from functools import partial
from typing import Any

from pydantic import ValidationInfo, field_validator

from tools.records.errors import InvalidInput
from tools.records.facts import DemandClass, Record
from tools.sweep.today_rows import COLUMNS, COVERS, STATUSES, TodayRow

URGENCY = "urgency"
"""What is to be ordered first, and of it what runs out first."""
MONEY = frozenset({"value", "stock_value", "lost_revenue_per_day"})
"""Columns of amounts, each in its row's currency."""
Place = tuple[str, str]
Check = Callable[[TodayRow], bool]
Bounds = tuple[float | None, float | None]


class Filters(Record):
    """Which rows of the list. Each that is given must fit; case does not count."""

    supplier: str | None = None
    """Id or name."""
    category: str | None = None
    location: str | None = None
    status: tuple[str, ...] = ()
    """Any of these."""
    cover: tuple[str, ...] = ()
    """Any of these."""
    text: str | None = None
    """Words that id, name, category or supplier must hold."""
    to_order: bool = False
    """Only what is to be ordered or moved, and neither waits for a review nor is left alone."""
    demand_class: DemandClass | None = None
    days_left: Bounds = (None, None)
    """The least and the most. A row whose figure is unknown fits no bound."""
    value: Bounds = (None, None)
    stock_value: Bounds = (None, None)
    not_sold_since: date | None = None
    """Only what nobody has bought on this day or later, and is in stock."""

    @field_validator("status", "cover")
    @classmethod
    def _known(cls, value: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        known: tuple[str, ...] = STATUSES if info.field_name == "status" else COVERS
        if unknown := [each for each in value if each not in known]:
            raise InvalidInput(f"There is no {info.field_name} {unknown[0][:40]!r}; use one of {', '.join(known)}.")
        return value

    def fitting(self, rows: Iterable[TodayRow]) -> list[TodayRow]:
        """The rows that fit, in their order."""
        checks = [check for check in self._checks() if check is not None]
        return [row for row in rows if all(check(row) for check in checks)]

    def _checks(self) -> Iterator[Check | None]:
        """A check for each filter; None where it is not given."""
        status, cover = frozenset(self.status), frozenset(self.cover)
        yield (lambda row: row.status in status) if status else None
        yield (lambda row: row.cover in cover) if cover else None
        yield _is_one(self.supplier, "supplier_id", "supplier")
        yield _is_one(self.category, "category")
        yield _is_one(self.location, "location")
        yield None if self.text is None else partial(_holds, words=self.text.casefold().split())
        yield (lambda row: row.is_to_order) if self.to_order else None
        yield (lambda row: row.demand_class == self.demand_class) if self.demand_class else None
        yield _is_within(self.days_left, "days_left")
        yield _is_within(self.value, "value")
        yield _is_within(self.stock_value, "stock_value")
        yield None if self.not_sold_since is None else partial(_is_unsold, since=self.not_sold_since)


def _is_one(asked: str | None, *columns: str) -> Check | None:
    if asked is None:
        return None
    wanted = asked.strip().casefold()
    return lambda row: any(getattr(row, column).casefold() == wanted for column in columns)


def _is_within(bounds: Bounds, column: str) -> Check | None:
    least, most = bounds
    if least is None and most is None:
        return None

    def check(row: TodayRow) -> bool:
        figure = getattr(row, column)
        return figure is not None and (least is None or figure >= least) and (most is None or figure <= most)

    return check


def _is_unsold(row: TodayRow, since: date) -> bool:
    return bool(row.on_hand) and (row.last_sold is None or row.last_sold < since)


def _holds(row: TodayRow, words: Sequence[str]) -> bool:
    searched = f"{row.product_id} {row.name} {row.category} {row.supplier}".casefold()
    return all(word in searched for word in words)


def arranged(
    rows: Sequence[TodayRow], filters: Filters, sort: str = URGENCY, worth: Mapping[str, float] | None = None
) -> list[TodayRow]:
    """The rows that fit, sorted by a column, or by it in reverse with `-` before the name. Unknown values come last.

    Amounts are compared by the `worth` of a unit of their currency. Those of currencies without one come after the
    others, each currency by itself. Raises InvalidInput for a column that is
    not there.
    """
    fitting = sorted(filters.fitting(rows), key=lambda row: row.place)
    name = sort.removeprefix("-")
    if name == URGENCY:
        return sorted(fitting, key=_urgency, reverse=sort.startswith("-"))
    if name not in COLUMNS:
        raise InvalidInput(
            f"There is no column {name[:40]!r} to sort by; use {URGENCY} or one of {', '.join(COLUMNS)}."
        )
    rates = worth or {}

    def key(row: TodayRow) -> Any:
        value = getattr(row, name)
        if name in MONEY:
            return float(value) * rates.get(row.currency, 1.0)
        return value.casefold() if isinstance(value, str) else value

    known = sorted((row for row in fitting if getattr(row, name) is not None), key=key, reverse=sort.startswith("-"))
    if name in MONEY:
        known.sort(key=lambda row: "" if row.currency in rates else row.currency)
    return known + [row for row in fitting if getattr(row, name) is None]


def _urgency(row: TodayRow) -> tuple[bool, float]:
    return not row.quantity, float("inf") if row.days_left is None else row.days_left


def page_after(rows: Sequence[TodayRow], after: Place | None, limit: int) -> list[TodayRow]:
    """The next rows after this place. Raises InvalidInput if it is not among them."""
    start = 0
    if after is not None:
        places = [row.place for row in rows]
        if after not in places:
            raise InvalidInput("The list has changed since that page, and its last line is gone. Begin with page one.")
        start = places.index(after) + 1
    return list(rows[start : start + limit])
