"""Orders: by supplier in purchase orders, and one by one; what became of each, and saying so."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal
from urllib.parse import quote

from fastapi import Form
from starlette.responses import Response

from agent.runtime import Runtime
from api.door.doorkeeper import page_for
from api.pages import typed
from api.pages.desk import Desk, DeskForm, DeskGiven, desk_router, or_page, see_other, templates
from api.pages.files import FileKind, table_file
from api.pages.listing import ROWS, Listed, ListedGiven
from tools.book.paging import PAGE, every_page
from tools.catalog.entries import EntryStore
from tools.purchasing.documents import Document
from tools.purchasing.reading import Wanted
from tools.purchasing.table import COLUMNS, by_supplier, order_row
from tools.records.errors import InvalidInput, RestockError
from tools.records.orders import OPEN_STATUSES, Order
from tools.records.text import clean_text

router = desk_router()
Status = Literal["open", "overdue", "placed", "sent", "partly_received", "received", "cancelled", "all"]
STATUS_WORDS: dict[str, str] = {
    "open": "open",
    "overdue": "late",
    "placed": "not sent yet",
    "sent": "sent",
    "partly_received": "partly received",
    "received": "received",
    "cancelled": "cancelled",
    "all": "all",
}
templates.globals["order_words"] = STATUS_WORDS


class Arrival(DeskForm):
    """What arrived of one order."""

    quantity: str
    day: str = ""
    stock_before: str = ""


class Correction(DeskForm):
    """What a receipt should have said."""

    receipt: str
    instead_of: str
    right_quantity: str
    right_day: str = ""
    why: str = ""


class Cancellation(DeskForm):
    """Why the rest will not come."""

    reason: str = ""


@router.get("/orders", openapi_extra=page_for("read"))
async def orders(desk: DeskGiven, listed: ListedGiven, status: Status = "open") -> Response:
    """Purchase orders that are not closed, late ones first, and single orders, newest first."""
    store, filters = desk.runtime.book.orders, await listed.filters(desk.runtime)
    chosen = None if status == "all" else status
    found = await store.page(ROWS, listed.before or None, chosen, filters)
    more = len(found) == ROWS
    documents, total = await _documents(desk.runtime, listed)
    _, elsewhere = await EntryStore(desk.runtime.book.database).open_lines(0)
    return await desk.page(
        "orders.html",
        documents=documents,
        documents_in_all=total,
        elsewhere=elsewhere,
        orders=found,
        total=await store.count(chosen, filters),
        listed=listed,
        chosen=status,
        following=listed.address("/desk/orders", status=status, before=found[-1].number) if more else None,
    )


@router.get("/orders.{kind}", openapi_extra=page_for("read"))
async def open_lines(kind: FileKind, desk: DeskGiven, listed: ListedGiven) -> Response:
    """What is still to come, by supplier, one line each."""
    filters = await listed.filters(desk.runtime)

    async def page(size: int, last: str | None) -> list[Order]:
        return await desk.runtime.book.orders.page(size, last, "open", filters)

    found = await every_page(page, lambda order: order.number, None, listed.before or None)
    return await lines_file(desk, kind, by_supplier(found), f"open-orders-{datetime.now(UTC):%Y-%m-%d}")


async def _page(number: str, desk: Desk, form: DeskForm | None = None, refusal: RestockError | None = None) -> Response:
    book = desk.runtime.book
    found = await book.orders.get(number)
    return await desk.page(
        "order.html",
        refusal=refusal,
        order=found,
        is_open=found.status in OPEN_STATUSES,
        receipts=(await book.life.receipts([number]))[number],
        entries=await book.audit.page(order_number=number),
        typed={} if form is None else form.model_dump(),
    )


@router.get("/orders/{number}", openapi_extra=page_for("read"))
async def order(number: str, desk: DeskGiven) -> Response:
    """One order: its life, and the next step of it."""
    return await _page(number, desk)


@router.post("/orders/{number}/receipts", openapi_extra=page_for("approve"))
@or_page(_page)
async def receive(number: str, desk: DeskGiven, form: Annotated[Arrival, Form()]) -> Response:
    """Record what has arrived. The same form again is the same receipt."""
    await desk.runtime.receive(
        number,
        typed.number(form.quantity, "quantity"),
        by=desk.caller.actor,
        stock_before=typed.number(form.stock_before, "stock") if form.stock_before else None,
        received_at=await arrived_at(desk.runtime, form.day),
        receipt_id=desk.deed_id(form, number),
    )
    return _order(number)


@router.post("/orders/{number}/corrections", openapi_extra=page_for("approve"))
@or_page(_page)
async def correct(number: str, desk: DeskGiven, form: Annotated[Correction, Form()]) -> Response:
    """Set a receipt right. The same form again is the same correction."""
    at = await arrived_at(desk.runtime, form.right_day)
    await desk.runtime.book.life.correct(
        number,
        form.receipt,
        typed.number(form.right_quantity, "quantity"),
        instead_of=typed.number(form.instead_of, "quantity"),
        received_at=at or (datetime.now(UTC) if form.right_day.strip() else None),
        reason=clean_text(form.why, limit=1_000),
        by=desk.caller.actor,
        correction_id=desk.deed_id(form, number),
    )
    return _order(number)


@router.post("/orders/{number}/cancel", openapi_extra=page_for("approve"))
@or_page(_page)
async def cancel(number: str, desk: DeskGiven, form: Annotated[Cancellation, Form()]) -> Response:
    """Cancel what has not arrived."""
    await desk.runtime.book.life.cancel(number, clean_text(form.reason, limit=1_000), by=desk.caller.actor)
    return _order(number)


@router.post("/orders/{number}/sent", openapi_extra=page_for("approve"))
@or_page(_page)
async def sent(number: str, desk: DeskGiven, form: Annotated[DeskForm, Form()]) -> Response:
    """Say that an order has gone to its supplier by itself."""
    await desk.runtime.book.life.mark_sent(number, by=desk.caller.actor)
    return _order(number)


def _order(number: str) -> Response:
    return see_other(f"/desk/orders/{quote(number)}")


async def lines_file(desk: Desk, kind: FileKind, orders: Sequence[Order], name: str) -> Response:
    """Orders as a table, each with its unit."""
    units = await desk.runtime.today.units()
    return await table_file(kind, (order_row(order, units) for order in orders), COLUMNS, name)


async def arrived_at(runtime: Runtime, text: str) -> datetime | None:
    """The end of the day that was typed, in the catalogue's time zone. None is now, also for today."""
    day = typed.day(text)
    if day is None:
        return None
    begin, until = await runtime.purchasing.documents.span(day)
    now = datetime.now(UTC)
    if begin > now:
        raise InvalidInput(f"{day} is in the future; report what has arrived.")
    return None if now < until else until - timedelta(seconds=1)


async def _documents(runtime: Runtime, listed: Listed) -> tuple[list[Document], int]:
    """Drafts and sent ones, late ones first, by supplier; and how many there are in all."""
    store, found, total = runtime.purchasing.documents, list[Document](), 0
    for status in ("draft", "sent"):
        wanted = Wanted(supplier=listed.supplier or None, location=listed.location or None, status=status)
        found += await store.page(PAGE, None, wanted)
        total += await store.count(wanted)
    return sorted(found, key=_late_first), total


def _late_first(document: Document) -> tuple[bool, str, str, str, str]:
    supplier = document.supplier_name or document.supplier_id
    return not document.late, document.status, supplier.casefold(), document.location, document.number
