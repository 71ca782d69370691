"""One purchase order: its lines, what would fill it up, sending it, receiving it, and taking it along as a file."""

import asyncio
from importlib.util import find_spec
from typing import Annotated, Literal
from urllib.parse import quote

from fastapi import Form
from starlette.responses import HTMLResponse, Response

from api.bodies.print_page import STYLE, as_pdf, print_page
from api.bodies.today import Cursor
from api.door.doorkeeper import page_for
from api.door.security_headers import permitting_style
from api.pages import typed
from api.pages.desk import Desk, DeskForm, DeskGiven, desk_router, or_page, see_other
from api.pages.files import FileKind, file_answer
from api.pages.orders import arrived_at, lines_file
from tools.records.errors import InvalidInput, RestockError

router = desk_router()


class Sending(DeskForm):
    """It has gone to its supplier as it was seen."""

    version: str
    below_minimum: bool = False


class Delivery(DeskForm):
    """What arrived: all that was still to come, or so many of each line."""

    deed: Literal["all", "lines"]
    line: tuple[str, ...] = ()
    arrived: tuple[str, ...] = ()
    day: str = ""

    def quantities(self) -> dict[str, float] | None:
        """By order number; None for all that is to come. A line that was left empty has not arrived."""
        if self.deed == "all":
            if any(text.strip() for text in self.arrived):
                raise InvalidInput("Some quantities are filled in. Record only these, or empty them: all has arrived.")
            return None
        if len(self.line) != len(self.arrived):
            raise InvalidInput("Each line needs its quantity. Open the page again, and send it anew.")
        came = {
            line: typed.number(text, f"quantity for {line}")
            for line, text in zip(self.line, self.arrived, strict=True)
            if text.strip()
        }
        if not any(came.values()):
            raise InvalidInput("No quantity is given. Say how many of which line arrived, or that everything did.")
        return {line: units for line, units in came.items() if units}


async def _page(number: str, desk: Desk, form: DeskForm | None = None, refusal: RestockError | None = None) -> Response:
    document = await desk.runtime.purchasing.documents.get(number)
    typed_before = form if isinstance(form, Delivery) else None
    ways = await desk.runtime.purchasing.fill_up(document)
    return await desk.page(
        "purchase_order.html",
        refusal=refusal,
        document=document,
        units=await desk.runtime.today.units(),
        ways=ways,
        early={str(Cursor("", way.product_id, document.location)): way for way in ways if way.days_to_reorder_point},
        has_pdf=find_spec("weasyprint") is not None,
        typed=dict(zip(typed_before.line, typed_before.arrived, strict=False)) if typed_before else {},
        day=typed_before.day if typed_before else "",
    )


@router.get("/purchase-orders/{number}", openapi_extra=page_for("read"))
async def purchase_order(number: str, desk: DeskGiven) -> Response:
    """One purchase order with its lines."""
    return await _page(number, desk)


@router.get("/purchase-orders/{number}/print", openapi_extra=page_for("read"))
async def printed(number: str, desk: DeskGiven) -> Response:
    """The page to print."""
    document = await desk.runtime.purchasing.documents.get(number)
    return HTMLResponse(print_page(document, await desk.runtime.today.units()), headers=permitting_style(STYLE))


@router.get("/purchase-orders/{number}/pdf", openapi_extra=page_for("read"))
async def pdf(number: str, desk: DeskGiven) -> Response:
    """The same page as a PDF, where the extra for it is installed."""
    document = await desk.runtime.purchasing.documents.get(number)
    return file_answer(
        await asyncio.to_thread(as_pdf, document, await desk.runtime.today.units()),
        "application/pdf",
        f"{document.number}.pdf",
    )


@router.get("/purchase-orders/{number}/lines.{kind}", openapi_extra=page_for("read"))
async def lines(number: str, kind: FileKind, desk: DeskGiven) -> Response:
    """The lines as a table."""
    document = await desk.runtime.purchasing.documents.get(number)
    return await lines_file(desk, kind, document.lines, document.number)


@router.post("/purchase-orders/{number}/sent", openapi_extra=page_for("approve"))
@or_page(_page)
async def send(number: str, desk: DeskGiven, form: Annotated[Sending, Form()]) -> Response:
    """Say that it has gone to its supplier, as it was seen."""
    await desk.runtime.purchasing.send(number, form.version, by=desk.caller.actor, below_minimum=form.below_minimum)
    return see_other(f"/desk/purchase-orders/{quote(number)}")


@router.post("/purchase-orders/{number}/receipts", openapi_extra=page_for("approve"))
@or_page(_page)
async def receive(number: str, desk: DeskGiven, form: Annotated[Delivery, Form()]) -> Response:
    """Record a delivery, whole or by line. The same form again is the same delivery."""
    await desk.runtime.purchasing.documents.receive(
        number,
        form.quantities(),
        by=desk.caller.actor,
        received_at=await arrived_at(desk.runtime, form.day),
        receipt_id=desk.deed_id(form, number),
    )
    return see_other(f"/desk/purchase-orders/{quote(number)}")
