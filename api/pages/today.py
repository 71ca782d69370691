"""Today: what is to be done about every product, and doing it."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Annotated, Any, Literal

from fastapi import Depends, Query, Request
from starlette.datastructures import FormData
from starlette.responses import Response

from api.bodies.today import Cursor
from api.door.doorkeeper import page_for
from api.pages import typed
from api.pages.desk import Desk, DeskGiven, desk_router, inside, see_other
from api.pages.files import FileKind, table_file
from api.pages.listing import ROWS, Word, address_of
from api.pages.ordering import Result, Wanted, ordered, sent_to_review
from tools.book.keys import Scope
from tools.records.errors import InvalidInput
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
SORTS = {
    "product_id": "Product",
    "on_hand": "On hand",
    "on_order": "On order",
    "mean_per_day": "A day",
    "days_left": "Days left",
    "lead_time_days": "Lead time",
    "safety_stock": "Safety stock",
    "reorder_point": "Reorder point",
    "quantity": "Order",
    "value": "Value",
    "lost_revenue_per_day": "Lost a day",
    "order_by": "Order by",
    "confidence": "Confidence",
}
MEANINGS = {
    "product_id": "The product, its location and supplier; below, how far its stock reaches and what is in the way.",
    "on_hand": "Units in stock.",
    "on_order": "Units on the way that come in time to count; the numbers of late orders stand below.",
    "mean_per_day": "What sells a day, on average, by the forecast.",
    "days_left": "How long the stock on hand lasts at that rate, and the day on which it is gone.",
    "lead_time_days": "Days from an order to its arrival, on average.",
    "safety_stock": "Units kept beyond the expected demand, in case more sells or a delivery is late.",
    "reorder_point": "Once stock and what is on the way fall to it, an order is due.",
    "quantity": "Units to order today, in whole packs and at least the supplier's minimum. You may change it.",
    "value": "Of the quantity, at the purchase price.",
    "lost_revenue_per_day": "Sales that are expected to be missed a day if nothing is ordered, at the purchase price.",
    "order_by": "The last day on which an order still comes in time. Too late: stock runs out before an order of "
    "today comes.",
    "confidence": "The chance that this quantity turns out right: no stock-out before the next delivery, and not too "
    "much left over. Below {threshold} an order always waits for a person.",
}
"""What the columns of the list mean."""
_SCOPES_OF: dict[str, tuple[Scope, ...]] = {
    "order": ("trigger", "approve"),
    "review": ("trigger",),
    "snooze": ("approve",),
}
RISING_FIRST = frozenset({"product_id", "days_left", "order_by", "confidence", "supplier", "location", "status"})
"""Columns of which the smallest matters most."""
SORT_WORDS = {"supplier": "Supplier", "location": "Location", "status": "Status"} | SORTS
"""What the list can be sorted by: its columns, of which a phone shows few, and what stands under a product."""


class View:
    """What of the list is shown. Its address says all of it, so that it can be kept and sent on."""

    def __init__(
        self,
        supplier: Word = "",
        category: Word = "",
        location: Word = "",
        status: Annotated[list[Literal["", "all"] | Status], Query()] = [],  # noqa: B006  (FastAPI copies it)
        cover: Annotated[list[Literal[""] | Cover], Query()] = [],  # noqa: B006
        text: Word = "",
        sort: Annotated[str, Query(max_length=60)] = "-lost_revenue_per_day",
        after: Annotated[str, Query(max_length=600)] = "",
    ) -> None:
        self.status = [word for word in status if word]
        self.cover = [word for word in cover if word]
        self.supplier, self.category, self.location, self.text = supplier, category, location, text
        self.sort, self.after = sort, after

    @property
    def filters(self) -> Filters:
        """Without a choice, what needs doing."""
        chosen = tuple(self.status) or (() if self.cover else TO_DO)
        return Filters(
            supplier=self.supplier or None,
            category=self.category or None,
            location=self.location or None,
            status=() if "all" in chosen else chosen,
            cover=tuple(self.cover),
            text=self.text or None,
        )

    def address(self, path: str = "/desk", **changed: Any) -> str:
        """The address of this view with other words in it."""
        return address_of(path, vars(self) | changed)

    def sorted_by(self, column: str) -> str:
        """The address that sorts by a column, what matters most first; in reverse if it is sorted so already."""
        falling = "-" + column
        if column in RISING_FIRST:
            return self.address(sort=falling if self.sort == column else column, after="")
        return self.address(sort=column if self.sort == falling else falling, after="")


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
    threshold = desk.runtime.settings.confidence_threshold
    return await desk.page(
        "today.html",
        found=found,
        view=view,
        rows=rows,
        keys=[str(Cursor(found.version, *row.place)) for row in rows],
        total=len(fitting),
        following=None if last else view.address(after=str(Cursor(found.version, *rows[-1].place))),
        summary=Summary(found.rows),
        compared=_compared(view, fitting, found, desk.runtime.settings.limit_currency),
        choices=choices(found),
        status_words=STATUS_WORDS,
        cover_words=COVER_WORDS,
        sorts=SORTS,
        sort_words={name if name in RISING_FIRST else f"-{name}": words for name, words in SORT_WORDS.items()},
        meanings={name: words.format(threshold=threshold) for name, words in MEANINGS.items()},
        threshold=threshold,
        out_on=_out_on,
        is_too_late=is_too_late,
    )


@router.get("/today.{kind}", openapi_extra=page_for("read"))
async def as_file(kind: FileKind, desk: DeskGiven, view: ViewGiven) -> Response:
    """All rows of a view, for a spreadsheet."""
    found = await desk.runtime.today.present()
    rows = await asyncio.to_thread(arranged, found.rows, view.filters, view.sort, found.worth)
    return await table_file(kind, (row.cells() for row in rows), COLUMNS, f"today-{found.day}")


@router.post("/rows", openapi_extra=page_for("read"))
async def deal_with(desk: DeskGiven, request: Request) -> Response:
    """Order the chosen rows, send them to review, or leave them alone until a day. Each has its own result."""
    sent = await request.form()
    for scope in _SCOPES_OF.get(_text(sent, "deed"), ()):
        desk.require(scope)
    try:
        form = Form(sent)
    except InvalidInput as refusal:
        back = inside(_text(sent, "back"))
        return await desk.page("results.html", 422, results=[], back=back, refusal=refusal)
    found = await desk.runtime.today.present()
    if form.deed == "snooze":
        results = await _snoozed(desk, found, form)
    else:
        results = [await _dealt_with(desk, found.mode, form, wanted) for wanted in form.named(found)]
    return await desk.page("results.html", results=results, back=form.back, refusal=None)


@router.post("/wake", openapi_extra=page_for("approve"))
async def wake(desk: DeskGiven, request: Request) -> Response:
    """Look at a product again that was left alone."""
    form = await request.form()
    cursor = Cursor.read(_text(form, "place"))
    mode = (await desk.runtime.today.present()).mode
    await desk.runtime.book.snoozes.wake(mode, cursor.product_id, cursor.location, by=desk.caller.actor)
    return see_other(inside(_text(form, "back")))


class Form:
    """What was chosen in the list, and what is to be done with it."""

    def __init__(self, form: FormData) -> None:
        self.deed = _text(form, "deed")
        if self.deed not in _SCOPES_OF:
            raise InvalidInput("Say what to do with the rows: order them, send them to review, or leave them alone.")
        self.once, self.back = _text(form, "once"), inside(_text(form, "back"))
        self.until, self.reason = _text(form, "until"), clean_text(_text(form, "reason"), limit=500)
        chosen = [key for key in form.getlist("place") if isinstance(key, str)]
        if not chosen:
            raise InvalidInput("No row is chosen. Go back, choose some, and send again.")
        if len(chosen) > MOST_CHOSEN:
            raise InvalidInput(f"{len(chosen)} rows are chosen; at most {MOST_CHOSEN} at once. A sweep takes them all.")
        self.wanted = [_wanted(form, key) for key in dict.fromkeys(chosen)]

    def named(self, found: TodayList) -> list[Wanted]:
        """What is wanted, each with its product's name."""
        names = {row.product_id: row.name for row in found.rows}
        return [replace(each, name=names.get(each.product_id, "")) for each in self.wanted]


def _wanted(form: FormData, key: str) -> Wanted:
    cursor = Cursor.read(key)
    what = f"quantity for {cursor.product_id}"
    seen = typed.number(_text(form, f"seen:{key}") or "0", what)
    return Wanted(
        product_id=cursor.product_id,
        location=cursor.location,
        seen=seen,
        quantity=typed.number(_text(form, f"quantity:{key}") or str(seen), what),
    )


def _text(form: FormData, name: str) -> str:
    value = form.get(name)
    return value if isinstance(value, str) else ""


async def _dealt_with(desk: Desk, mode: Mode, form: Form, wanted: Wanted) -> Result:
    if form.deed == "review":
        return await sent_to_review(desk.runtime, mode, wanted, by=desk.caller, once=form.once)
    if not wanted.seen and not form.reason:
        return Result(wanted, False, "Not ordered: it is not due. Say why it is ordered nevertheless.")
    reason = form.reason or "Ordered from today's list."
    return await ordered(desk.runtime, mode, wanted, by=desk.caller, once=form.once, reason=reason)


async def _snoozed(desk: Desk, found: TodayList, form: Form) -> list[Result]:
    until = typed.day_ahead(form.until, found.day)
    if not form.reason:
        raise InvalidInput("Leaving products alone needs a reason.")
    wanted = form.named(found)
    for each in wanted:
        await desk.runtime.book.snoozes.snooze(
            found.mode, each.product_id, each.location, until=until, reason=form.reason, by=desk.caller.actor
        )
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
    named = {"supplier": "supplier", "category": "category", "location": "location"}
    return {name: sorted({getattr(row, column) for row in found.rows} - {""}) for name, column in named.items()}


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
