"""Purchase orders: gathered by supplier, sent as they were seen, received whole."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from fastapi import APIRouter, Body, Path, Query, Request
from starlette.responses import HTMLResponse, Response

from agent.runtime import Runtime
from api.bodies.examples import DELIVERIES, SENDINGS
from api.bodies.print_page import STYLE, as_pdf, print_page
from api.bodies.purchase_orders import DeliveryInput, DocumentAnswer, DocumentDetail, Documents, Sending
from api.door.doorkeeper import CallerGiven, RuntimeGiven, needs
from api.door.idempotency import Attempt
from api.door.security_headers import permitting_style
from api.routes.wiring import Before, Limit, PlaceAsked, Supplier, problems
from tools.purchasing.documents import Document, DocumentStatus
from tools.purchasing.reading import Wanted
from tools.records.errors import InvalidInput

router = APIRouter(tags=["purchase orders"])
Number = Annotated[str, Path(max_length=40, description="Number of the purchase order, such as PD-2026-000001.")]
READ: dict[str, Any] = {"responses": problems(404), "openapi_extra": needs("read")}
STEP: dict[str, Any] = {
    "response_model": DocumentDetail,
    "responses": problems(400, 404, 409, 413, 415),
    "openapi_extra": needs("approve", idempotent=True),
}


@router.get("/purchase-orders", response_model=Documents, **READ)
async def purchase_orders(
    runtime: RuntimeGiven,
    limit: Limit = 50,
    before: Before = None,
    supplier: Supplier = None,
    location: PlaceAsked = None,
    status: Annotated[DocumentStatus | None, Query(description="Only those in this state.")] = None,
    late: Annotated[
        bool | None,
        Query(
            description="`true`: only drafts past their order day and sent ones with a line overdue; `false`: others."
        ),
    ] = None,
) -> Response:
    """List purchase orders, newest first, without their lines. Drafts without lines are left out."""
    wanted = Wanted(supplier=supplier, location=location, status=status, late=late)
    documents = runtime.purchasing.documents
    found = await documents.page(limit, before, wanted)
    return Documents(
        purchase_orders=tuple(map(DocumentAnswer.copy_of, found)),
        total=await documents.count(wanted),
        next=found[-1].number if len(found) == limit else None,
    ).response()


@router.get("/purchase-orders/{number}", response_model=DocumentDetail, **READ)
async def purchase_order(number: Number, runtime: RuntimeGiven) -> Response:
    """Show one purchase order with its lines, and what would fill a draft up."""
    document = await runtime.purchasing.documents.get(number)
    return DocumentDetail.copy_of(document, fill_up=await runtime.purchasing.fill_up(document)).response()


@router.get(
    "/purchase-orders/{number}/print",
    response_class=HTMLResponse,
    responses={**problems(404), 200: {"content": {"text/html": {"schema": {"type": "string"}}}}},
    openapi_extra=needs("read"),
)
async def printed(number: Number, runtime: RuntimeGiven) -> Response:
    """Show one purchase order as a page to print."""
    document = await runtime.purchasing.documents.get(number)
    return HTMLResponse(print_page(document, await runtime.today.units()), headers=permitting_style(STYLE))


@router.get(
    "/purchase-orders/{number}/pdf",
    response_class=Response,
    responses={**problems(404), 200: {"content": {"application/pdf": {"schema": {"type": "string"}}}}},
    openapi_extra=needs("read"),
)
async def pdf(number: Number, runtime: RuntimeGiven) -> Response:
    """Show one purchase order as a PDF. It needs the extra `pdf`; without it, print the page."""
    document = await runtime.purchasing.documents.get(number)
    return Response(
        await asyncio.to_thread(as_pdf, document, await runtime.today.units()), media_type="application/pdf"
    )


@router.post("/purchase-orders/{number}/sent", **STEP)
async def sent(
    number: Number,
    body: Annotated[Sending, Body(openapi_examples=SENDINGS)],
    request: Request,
    runtime: RuntimeGiven,
    caller: CallerGiven,
) -> Response:
    """Say that a purchase order has gone to its supplier. The lead times of all its lines begin now.

    Send the `version` that you saw: if a line has come or gone since, it gets 409 and nothing is sent. Below the
    supplier's minimum it gets 409, with what would fill it up, unless `below_minimum` is true. Saying it again changes
    nothing."""

    async def step() -> Document:
        return await runtime.purchasing.send(number, body.version, by=caller.actor, below_minimum=body.below_minimum)

    return await _answer(Attempt(request, body, runtime.book), runtime, step)


@router.post("/purchase-orders/{number}/receipts", **STEP)
async def receive(
    number: Number,
    body: Annotated[DeliveryInput, Body(openapi_examples=DELIVERIES)],
    request: Request,
    runtime: RuntimeGiven,
    caller: CallerGiven,
) -> Response:
    """Report a delivery: the rest of every open line, or what arrived of the `lines` that are named.

    It is recorded whole or not at all. Send an Idempotency-Key: two reports without one are two deliveries."""
    attempt = Attempt(request, body, runtime.book)

    async def step() -> Document:
        return await runtime.purchasing.documents.receive(
            number, _quantities(body), by=caller.actor, received_at=body.received_at, receipt_id=attempt.run_id
        )

    return await _answer(attempt, runtime, step)


def _quantities(body: DeliveryInput) -> dict[str, float] | None:
    if body.lines is None:
        return None
    found = {each.line: each.quantity for each in body.lines}
    if len(found) < len(body.lines):
        raise InvalidInput("A line is named twice; name each line once, with all that arrived of it.")
    return found


async def _answer(attempt: Attempt, runtime: Runtime, step: Callable[[], Awaitable[Document]]) -> Response:
    async def work() -> bytes:
        return DocumentDetail.copy_of(await step(), fill_up=()).as_json()

    return await attempt.answer(work)
