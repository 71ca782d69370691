"""Today: what is to be done about every product, and doing it."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Annotated, Literal

from fastapi import Depends, Form, Query
from pydantic import AfterValidator
from starlette.responses import Response

from api.bodies.today import Cursor
from api.door.doorkeeper import page_for
from api.pages import typed
from api.pages.desk import Desk, DeskForm, DeskGiven, desk_router, inside, or_page, see_other, templates
from api.pages.files import FileKind, table_file
from api.pages.listing import ROWS, Asked, Word
from api.pages.ordering import Result, Wanted, ordered, sent_to_review
from tools.book.keys import Scope
from tools.records.errors import InvalidInput, RestockError
from tools.records.facts import Mode
from tools.records.text import clean_text
from tools.sweep.lists import TodayList
from tools.sweep.pages import MONEY, Filters, arranged, page_after
from tools.sweep.today_rows import COLUMNS, Cover, Status, TodayRow

router = desk_router()
MOST_CHOSEN = 200
TO_DO: tuple[Status, ...] = ("order_now", "late_order", "not_possible", "waits_for_review", "needs_data")
STATUS_WORDS: dict[Status, str] = {
    "order_now": "to order",
    "waits_for_review": "waits for review",
    "late_order": "order late",
    "not_possible": "cannot be ordered",
    "needs_data": "needs data",
    "snoozed": "left alone",
    "on_order": "on order",
    "enough": "enough",
    "no_demand": "no demand",
}
COVER_WORDS: dict[Cover, tuple[str, str]] = {
    "out": ("●", "out of stock"),
    "at_risk": ("◐", "out before it can come"),
    "fine": ("○", "in time"),
    "too_much": ("▲", "too much stock"),
}
templates.globals |= {"status_words": STATUS_WORDS, "cover_words": COVER_WORDS}


_SCOPES_OF: dict[str, tuple[Scope, ...]] = {
    "order": ("trigger", "approve"),
    "review": ("trigger",),
    "snooze": ("approve",),
}
RISING_FIRST = frozenset({"product_id", "days_left", "order_by", "confidence", "supplier", "location", "status"})
"""Columns of which the smallest matters most."""
Said = AfterValidator(lambda words: tuple(filter(None, words)))


@dataclass(frozen=True)
class View(Asked):
    """What of the list is shown."""

    supplier: Word = ""
    category: Word = ""
    location: Word = ""
    status: Annotated[tuple[Literal["", "all"] | Status, ...], Query(), Said] = ()
    cover: Annotated[tuple[Literal[""] | Cover, ...], Query(), Said] = ()
    text: Word = ""
    sort: Annotated[str, Query(max_length=60)] = "-lost_revenue_per_day"
    after: Annotated[str, Query(max_length=600)] = ""

    @property
    def filters(self) -> Filters:
        """Without a choice, what needs doing."""
        chosen = self.status or (() if self.cover else TO_DO)
        return Filters(
            supplier=self.supplier or None,
            category=self.category or None,
            location=self.location or None,
            status=() if "all" in chosen else chosen,
            cover=self.cover,
            text=self.text or None,
        )

    def sorted_by(self, column: str) -> str:
        """The address that sorts by a column, what matters most first; in reverse if it is sorted so already."""
        first, then = (column, "-" + column) if column in RISING_FIRST else ("-" + column, column)
        return self.address("/desk", sort=then if self.sort == first else first, after="")


ViewGiven = Annotated[View, Depends()]


@router.get("", openapi_extra=page_for("read"))
async def today(desk: DeskGiven, view: ViewGiven) -> Response:
    """What needs doing, most lost revenue first."""
    cursor = Cursor.read(view.after) if view.after else None
    lists = desk.runtime.today
    found = (lists.earlier(cursor.version) if cursor else None) or await lists.present()
    fitting = await asyncio.to_thread(arranged, found.rows, view.filters, view.sort, found.worth)
    rows = page_after(fitting, (cursor.product_id, cursor.location) if cursor else None, ROWS)
    last = not rows or rows[-1] is fitting[-1]
    return await desk.page(
        "today.html",
        found=found,
        view=view,
        rows=rows,
        keys=[str(Cursor(found.version, *row.place)) for row in rows],
        total=len(fitting),
        following=None if last else view.address("/desk", after=str(Cursor(found.version, *rows[-1].place))),
        summary=Summary(found.rows),
        compared=_compared(view, fitting, found, desk.runtime.settings.limit_currency),
        choices=choices(found),
        rising=RISING_FIRST,
        threshold=desk.runtime.settings.confidence_threshold,
        out_on=_out_on,
        is_too_late=is_too_late,
    )


@router.get("/today.{kind}", openapi_extra=page_for("read"))
async def as_file(kind: FileKind, desk: DeskGiven, view: ViewGiven) -> Response:
    """All rows of a view, for a spreadsheet."""
    found = await desk.runtime.today.present()
    rows = await asyncio.to_thread(arranged, found.rows, view.filters, view.sort, found.worth)
    return await table_file(kind, (row.cells() for row in rows), COLUMNS, f"today-{found.day}")


class Chosen(DeskForm, extra="allow"):
    """Rows of the list, and what is to be done with them. `seen:` and `quantity:` before a row's key say how much."""

    deed: str = ""
    place: tuple[str, ...] = ()
    back: str = "/desk"
    until: str = ""
    reason: str = ""

    def wanted(self, found: TodayList) -> list[Wanted]:
        """Raises InvalidInput."""
        if self.deed not in _SCOPES_OF:
            raise InvalidInput("Say what to do with the rows: order them, send them to review, or leave them alone.")
        if not self.place:
            raise InvalidInput("No row is chosen. Go back, choose some, and send again.")
        if len(self.place) > MOST_CHOSEN:
            count = len(self.place)
            raise InvalidInput(f"{count} rows are chosen; at most {MOST_CHOSEN} at once. A sweep takes them all.")
        names = {row.product_id: row.name for row in found.rows}
        return [self._wanted(key, names) for key in dict.fromkeys(self.place)]

    def _wanted(self, key: str, names: Mapping[str, str]) -> Wanted:
        cursor, beside = Cursor.read(key), self.model_extra or {}
        what = f"quantity for {cursor.product_id}"
        seen = typed.number(str(beside.get(f"seen:{key}") or "0"), what)
        quantity = typed.number(str(beside.get(f"quantity:{key}") or seen), what)
        return Wanted(cursor.product_id, cursor.location, seen, quantity, names.get(cursor.product_id, ""))


async def _not_done(desk: Desk, form: Chosen, refusal: RestockError) -> Response:
    return await desk.page("results.html", refusal=refusal, results=[], back=inside(form.back))


@router.post("/rows", openapi_extra=page_for("read"))
@or_page(_not_done)
async def deal_with(desk: DeskGiven, form: Annotated[Chosen, Form()]) -> Response:
    """Order the chosen rows, send them to review, or leave them alone until a day. Each has its own result."""
    for scope in _SCOPES_OF.get(form.deed, ()):
        desk.require(scope)
    found = await desk.runtime.today.present()
    wanted, reason = form.wanted(found), clean_text(form.reason, limit=500)
    if form.deed == "snooze":
        results = await _snoozed(desk, found, wanted, typed.day_ahead(form.until, found.day), reason)
    else:
        results = [await _dealt_with(desk, found.mode, form, each, reason) for each in wanted]
    return await desk.page("results.html", results=results, back=inside(form.back))


class Woken(DeskForm):
    """A product that was left alone."""

    place: str
    back: str = "/desk"


@router.post("/wake", openapi_extra=page_for("approve"))
async def wake(desk: DeskGiven, form: Annotated[Woken, Form()]) -> Response:
    """Look at a product again that was left alone."""
    cursor, mode = Cursor.read(form.place), (await desk.runtime.today.present()).mode
    await desk.runtime.book.snoozes.wake(mode, cursor.product_id, cursor.location, by=desk.caller.actor)
    return see_other(inside(form.back))


async def _dealt_with(desk: Desk, mode: Mode, form: Chosen, wanted: Wanted, reason: str) -> Result:
    if form.deed == "review":
        return await sent_to_review(desk.runtime, mode, wanted, by=desk.caller, once=form.once)
    if not wanted.seen and not reason:
        return Result(wanted, False, "Not ordered: it is not due. Say why it is ordered nevertheless.")
    reason = reason or "Ordered from today's list."
    return await ordered(desk.runtime, mode, wanted, by=desk.caller, once=form.once, reason=reason)


async def _snoozed(desk: Desk, found: TodayList, wanted: list[Wanted], until: date, reason: str) -> list[Result]:
    if not reason:
        raise InvalidInput("Leaving products alone needs a reason.")
    for each in wanted:
        place = found.mode, each.product_id, each.location
        await desk.runtime.book.snoozes.snooze(*place, until=until, reason=reason, by=desk.caller.actor)
    return [Result(each, True, f"Left alone until {until}.") for each in wanted]


class Summary:
    """The list in a few figures."""

    def __init__(self, rows: Sequence[TodayRow]) -> None:
        self.status, self.cover = Counter(row.status for row in rows), Counter(row.cover for row in rows)
        due = [row for row in rows if row.quantity and row.status in ("order_now", "late_order")]
        self.to_do = sum(self.status[status] for status in TO_DO)
        self.moves = sum(row.action == "transfer" for row in due)
        self.due, self.to_order = len(due), self.status["order_now"]
        self.last_sold = max((row.last_sold for row in rows if row.last_sold), default=None)
        self.currencies = len({row.currency for row in rows})
        self.money = defaultdict[str, Decimal](Decimal)
        for row in due:
            if row.value is not None and row.action == "purchase_order":
                self.money[row.currency] += row.value


def choices(found: TodayList) -> dict[str, list[str]]:
    """What the list can be narrowed to."""
    names = ("supplier", "category", "location")
    return {name: sorted({getattr(row, name) for row in found.rows} - {""}) for name in names}


def _compared(view: View, rows: Sequence[TodayRow], found: TodayList, currency: str) -> str:
    """How amounts of several currencies were compared, if the list is sorted by them."""
    present = {row.currency for row in rows}
    if view.sort.removeprefix("-") not in MONEY or len(present) < 2:
        return ""
    without = ", ".join(sorted(present - found.worth.keys()))
    last = f" No rate is known for {without}: these come last." if without else ""
    return f"Amounts are compared in {currency}, at the rates of the setting EXCHANGE_RATES.{last}"


def is_too_late(row: TodayRow, day: date) -> bool:
    """Whether an order is due, and stock runs out before one of today comes."""
    return row.order_by is not None and row.order_by <= day and row.cover in ("out", "at_risk")


def _out_on(row: TodayRow, day: date) -> date | None:
    """The day on which the stock on hand is gone at mean demand."""
    return None if row.days_left is None or row.days_left > 3_650 else day + timedelta(row.days_left)
