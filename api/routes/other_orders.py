"""Open orders of other systems: listed, received, cancelled. Each change is an import that can be undone."""

from typing import Annotated, Any

from fastapi import APIRouter, Body, Query, Request
from starlette.responses import Response

from api.bodies.examples import ARRIVALS, LINE_CANCELLATIONS
from api.bodies.imports import ImportAnswer
from api.bodies.other_orders import ArrivalInput, LineCancellation, OpenLineAnswer, OpenLines
from api.door.doorkeeper import CallerGiven, RuntimeGiven, needs
from api.routes.catalogue import recorded
from api.routes.wiring import Limit, Supplier, problems
from tools.catalog.entries import EntryStore
from tools.catalog.importing.arrivals import cancel_line, receive_line

router = APIRouter(tags=["orders"])
_STEP: dict[str, Any] = {
    "response_model": ImportAnswer,
    "responses": problems(400, 404, 409, 413, 415),
    "openapi_extra": needs("approve", idempotent=True),
}


@router.get("/orders-elsewhere", response_model=OpenLines, responses=problems(), openapi_extra=needs("read"))
async def other_orders(
    runtime: RuntimeGiven,
    limit: Limit = 50,
    skip: Annotated[int, Query(ge=0, le=10**6, description="Orders of the pages before.")] = 0,
    supplier: Supplier = None,
    product_id: Annotated[str | None, Query(max_length=100, description="Only of this product.")] = None,
) -> Response:
    """List what other systems have ordered and is still to come, what is due first before the others."""
    found, total = await EntryStore(runtime.book.database).open_lines(
        limit, skip, supplier=supplier or "", product=product_id or ""
    )
    return OpenLines(orders=tuple(map(OpenLineAnswer.copy_of, found)), total=total).response()


@router.post("/orders-elsewhere/receipts", **_STEP)
async def receive(
    body: Annotated[ArrivalInput, Body(openapi_examples=ARRIVALS)],
    request: Request,
    runtime: RuntimeGiven,
    caller: CallerGiven,
) -> Response:
    """Report what has arrived. The stock is raised, unless it was counted since, and the lead time follows.

    Send an Idempotency-Key: two reports without one are two arrivals."""
    work = receive_line(body.key, body.quantity, received_at=body.received_at)
    return await recorded(request, body, runtime, caller, f"Receipt of {body.reference}", 1, work)


@router.post("/orders-elsewhere/cancel", **_STEP)
async def cancel(
    body: Annotated[LineCancellation, Body(openapi_examples=LINE_CANCELLATIONS)],
    request: Request,
    runtime: RuntimeGiven,
    caller: CallerGiven,
) -> Response:
    """Say that what has not arrived will not come."""
    work = cancel_line(body.key, body.reason)
    return await recorded(request, body, runtime, caller, f"Cancellation of {body.reference}", 1, work)
