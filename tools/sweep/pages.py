"""Today's list filtered, sorted, and in pages without gaps or repeats: a page belongs to one version of the list."""

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any

from pydantic import field_validator

from tools.records.errors import InvalidInput
from tools.records.facts import Record
from tools.sweep.today_rows import COLUMNS, COVERS, STATUSES, TodayRow

URGENCY = "urgency"
"""What is to be ordered first, and of it what runs out first."""
Place = tuple[str, str]


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

    @field_validator("status")
    @classmethod
    def _known(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        unknown = [status for status in value if status not in STATUSES]
        if unknown:
            raise InvalidInput(f"There is no status {unknown[0][:40]!r}; use one of {', '.join(STATUSES)}.")
        return value

    @field_validator("cover")
    @classmethod
    def _known_cover(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        unknown = [cover for cover in value if cover not in COVERS]
        if unknown:
            raise InvalidInput(f"There is no cover {unknown[0][:40]!r}; use one of {', '.join(COVERS)}.")
        return value

    def fit(self, row: TodayRow) -> bool:
        exact = (
            (self.supplier, (row.supplier_id, row.supplier)),
            (self.category, (row.category,)),
            (self.location, (row.location,)),
        )
        if any(asked is not None and not _is_one(asked, known) for asked, known in exact):
            return False
        if (self.status and row.status not in self.status) or (self.cover and row.cover not in self.cover):
            return False
        return self.text is None or _holds(row, self.text)


def _is_one(asked: str, known: Sequence[str]) -> bool:
    return asked.strip().casefold() in (each.casefold() for each in known)


def _holds(row: TodayRow, text: str) -> bool:
    searched = f"{row.product_id} {row.name} {row.category} {row.supplier}".casefold()
    return all(word in searched for word in text.casefold().split())


def arranged(rows: Sequence[TodayRow], filters: Filters, sort: str = URGENCY) -> list[TodayRow]:
    """The rows that fit, sorted by a column, or by it in reverse with `-` before the name. Unknown values come last.

    Raises InvalidInput for a column that is not there.
    """
    fitting = sorted(filter(filters.fit, rows), key=lambda row: row.place)
    name = sort.removeprefix("-")
    if name == URGENCY:
        return sorted(fitting, key=_urgency, reverse=sort.startswith("-"))
    if name not in COLUMNS:
        raise InvalidInput(
            f"There is no column {name[:40]!r} to sort by; use {URGENCY} or one of {', '.join(COLUMNS)}."
        )
    key = _by_column(name)
    known = sorted((row for row in fitting if getattr(row, name) is not None), key=key, reverse=sort.startswith("-"))
    return known + [row for row in fitting if getattr(row, name) is None]


def _urgency(row: TodayRow) -> tuple[bool, float]:
    return not row.quantity, float("inf") if row.days_left is None else row.days_left


def _by_column(name: str) -> Callable[[TodayRow], Any]:
    def key(row: TodayRow) -> Any:
        value = getattr(row, name)
        return value.casefold() if isinstance(value, str) else value

    return key


def page_after(rows: Sequence[TodayRow], after: Place | None, limit: int) -> list[TodayRow]:
    """The next rows after this place. Raises InvalidInput if it is not among them."""
    return list(islice(_after(rows, after), limit))


def _after(rows: Sequence[TodayRow], after: Place | None) -> Iterator[TodayRow]:
    start = 0
    if after is not None:
        places = [row.place for row in rows]
        if after not in places:
            raise InvalidInput("The list has changed since that page, and its last line is gone. Begin with page one.")
        start = places.index(after) + 1
    return islice(iter(rows), start, None)
