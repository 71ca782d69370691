"""Placed orders, and what happens to them: sent, received in parts, cancelled."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Body, Path, Query, Request
from starlette.responses import Response

from agent.runtime import Runtime
from api.bodies.examples import CANCELLATIONS, CORRECTIONS, RECEIPTS
from api.bodies.orders import Cancellation, CorrectionInput, Nothing, OrderDetail, Orders, ReceiptInput
from api.door.doorkeeper import CallerGiven, RuntimeGiven, needs
from api.door.idempotency import Attempt
from api.routes.wiring import Before, FiltersGiven, Limit, OrderNumber, problems
from tools.records.orders import Order, OrderFilter

router = APIRouter(tags=["orders"])
STEP: dict[str, Any] = {
    "response_model": OrderDetail,
    "responses": problems(400, 404, 409, 413, 415),
    "openapi_extra": needs("approve", idempotent=True),
}
"""Whoever may approve orders may also say what became of them."""


@router.get("/orders", response_model=Orders, responses=problems(404), openapi_extra=needs("read"))
async def orders(
    runtime: RuntimeGiven,
    filters: FiltersGiven,
    limit: Limit = 50,
    before: Before = None,
    status: Annotated[
        OrderFilter | None,
        Query(
            description="Only orders in this state. `open`: neither received nor cancelled. `overdue`: open and late."
        ),
    ] = None,
) -> Response:
    """List placed orders, newest first."""
    book = runtime.book
    found = await book.orders.page(limit, before, status, filters)
    receipts = await book.life.receipts([order.number for order in found])
    return Orders(
        orders=tuple(OrderDetail.with_receipts(order, receipts) for order in found),
        total=await book.orders.count(status, filters),
        next=found[-1].number if len(found) == limit else None,
    ).response()


@router.get("/orders/{number}", response_model=OrderDetail, responses=problems(404), openapi_extra=needs("read"))
async def order(number: OrderNumber, runtime: RuntimeGiven) -> Response:
    """Show one order."""
    return (await _detail(runtime, await runtime.book.orders.get(number))).response()


@router.post("/orders/{number}/receipts", **STEP)
async def receive(
    number: OrderNumber,
    body: Annotated[ReceiptInput, Body(openapi_examples=RECEIPTS)],
    request: Request,
    runtime: RuntimeGiven,
    caller: CallerGiven,
) -> Response:
    """Report units of an order that have arrived, all at once or in parts.

    The last part closes the order; what came beyond the order is named as `over_delivered`. Send an Idempotency-Key:
    two reports without one are two receipts. A received or cancelled order takes no receipt (409)."""
    attempt = Attempt(request, body, runtime.book)
    step = partial(
        runtime.receive,
        number,
        body.quantity,
        by=caller.actor,
        stock_before=body.stock_before,
        received_at=body.received_at,
        receipt_id=attempt.run_id,
    )
    return await _answer(attempt, runtime, step)


@router.post("/orders/{number}/receipts/{receipt_id}/corrections", **STEP)
async def correct(
    number: OrderNumber,
    receipt_id: Annotated[str, Path(max_length=40, description="Id of the receipt, as the order shows it.")],
    body: Annotated[CorrectionInput, Body(openapi_examples=CORRECTIONS)],
    request: Request,
    runtime: RuntimeGiven,
    caller: CallerGiven,
) -> Response:
    """Set a receipt right: what was typed was wrong, or belongs to another order.

    The receipt and its corrections stay on record; the order and the stock are as if it had been right at once. An
    order of which too little has arrived then is open again. If the receipt says neither `quantity` nor `instead_of`,
    the answer is 409."""
    attempt = Attempt(request, body, runtime.book)
    step = partial(
        runtime.book.life.correct,
        number,
        receipt_id,
        body.quantity,
        instead_of=body.instead_of,
        received_at=body.received_at,
        reason=body.reason,
        by=caller.actor,
        correction_id=attempt.run_id,
    )
    return await _answer(attempt, runtime, step)


@router.post("/orders/{number}/cancel", **STEP)
async def cancel(
    number: OrderNumber,
    body: Annotated[Cancellation, Body(openapi_examples=CANCELLATIONS)],
    request: Request,
    runtime: RuntimeGiven,
    caller: CallerGiven,
) -> Response:
    """Cancel what has not arrived of an order. What has arrived stays received. The supplier is not told.

    The first cancellation wins. Sending it again returns the order; another reason gets 409, as does a received
    order."""
    step = partial(runtime.book.life.cancel, number, body.reason, by=caller.actor)
    return await _answer(Attempt(request, body, runtime.book), runtime, step)


@router.post("/orders/{number}/sent", **STEP)
async def sent(number: OrderNumber, request: Request, runtime: RuntimeGiven, caller: CallerGiven) -> Response:
    """Say that an order has gone to its supplier. Its lead time begins now, so that it is due later. Saying it again
    changes nothing."""
    step = partial(runtime.book.life.mark_sent, number, by=caller.actor)
    return await _answer(Attempt(request, Nothing(), runtime.book), runtime, step)


async def _answer(attempt: Attempt, runtime: Runtime, step: Callable[[], Awaitable[Order]]) -> Response:
    async def work() -> bytes:
        return (await _detail(runtime, await step())).as_json()

    return await attempt.answer(work)


async def _detail(runtime: Runtime, order: Order) -> OrderDetail:
    return OrderDetail.with_receipts(order, await runtime.book.life.receipts([order.number]))
