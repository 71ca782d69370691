"""Open orders of other systems: what is to come of them, saying that it came, and that it will not."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Form, Query
from starlette.responses import Response

from api.door.doorkeeper import page_for
from api.pages import typed
from api.pages.desk import Desk, DeskForm, DeskGiven, desk_router, or_page, see_other
from api.pages.listing import ROWS, Asked, Word
from api.pages.orders import arrived_at
from tools.catalog.entries import EntryStore
from tools.catalog.importing.arrivals import LineKey, cancel_line, receive_line
from tools.catalog.importing.record import ReadFile
from tools.catalog.imports import ImportStore, Work
from tools.catalog.own import OwnCatalog
from tools.records.errors import RestockError, UnknownOrder
from tools.records.text import clean_text

router = desk_router()
ADDRESS = "/desk/orders-elsewhere"


@dataclass(frozen=True)
class Wanted(Asked):
    """Which of the lines."""

    supplier: Word = ""
    product: Word = ""
    skip: Annotated[int, Query(ge=0, le=10**6)] = 0
    recorded: Annotated[int, Query(ge=0, le=10**9)] = 0
    """The import that a form led to."""


class LineForm(DeskForm):
    """Which line, as it was seen."""

    reference: str
    product: str
    place: str
    seen: str

    @property
    def key(self) -> LineKey:
        return LineKey(self.reference, self.product, self.place)


class Arrival(LineForm):
    """What arrived of it."""

    quantity: str
    day: str = ""


class Cancellation(LineForm):
    """Why the rest will not come."""

    reason: str = ""


async def _page(
    desk: Desk,
    asked: Wanted = Wanted(),
    form: LineForm | None = None,
    refusal: RestockError | None = None,
) -> Response:
    store = EntryStore(desk.runtime.book.database)
    found, total = await store.open_lines(ROWS, asked.skip, supplier=asked.supplier, product=asked.product)
    return await desk.page(
        "other_orders.html",
        refusal=refusal,
        lines=found,
        total=total,
        asked=asked,
        today=(await OwnCatalog(desk.runtime.book.database).settings()).today,
        following=asked.address(ADDRESS, skip=asked.skip + ROWS, recorded=0) if total > asked.skip + ROWS else None,
    )


@router.get("/orders-elsewhere", openapi_extra=page_for("read"))
async def other_orders(desk: DeskGiven, asked: Annotated[Wanted, Depends()]) -> Response:
    """What other systems have ordered, late ones first."""
    return await _page(desk, asked)


@router.post("/orders-elsewhere/receipts", openapi_extra=page_for("approve"))
@or_page(_page, UnknownOrder)
async def receive(desk: DeskGiven, form: Annotated[Arrival, Form()]) -> Response:
    """Record what has arrived. The same form again is the same receipt."""
    arrived, seen = (typed.number(text, "quantity") for text in (form.quantity, form.seen))
    work = receive_line(form.key, arrived, seen=seen, received_at=await arrived_at(desk.runtime, form.day))
    return await _recorded(desk, form, f"Receipt of {form.reference}", work)


@router.post("/orders-elsewhere/cancel", openapi_extra=page_for("approve"))
@or_page(_page, UnknownOrder)
async def cancel(desk: DeskGiven, form: Annotated[Cancellation, Form()]) -> Response:
    """Cancel what has not arrived."""
    reason, seen = clean_text(form.reason, limit=1_000), typed.number(form.seen, "quantity")
    return await _recorded(desk, form, f"Cancellation of {form.reference}", cancel_line(form.key, reason, seen=seen))


async def _recorded(desk: Desk, form: LineForm, name: str, work: Work) -> Response:
    """Change the catalogue once, as an import that can be undone, and show the list again."""
    store, file = ImportStore(desk.runtime.book.database), ReadFile.without_file(name)

    async def change() -> str:
        return str((await store.change(file, work, desk.caller.actor)).number)

    return see_other(f"{ADDRESS}?recorded={await desk.once(form.once, change)}")
