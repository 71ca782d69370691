"""Placed orders."""

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from api.bodies.fields import Identifier
from api.bodies.orders import Orders
from api.bodies.runs import OrderAnswer
from api.door.doorkeeper import RuntimeGiven, needs
from api.routes.wiring import Before, Limit, OrderNumber, problems

router = APIRouter(tags=["orders"])


@router.get("/orders", response_model=Orders, responses=problems(404), openapi_extra=needs("read"))
async def orders(
    runtime: RuntimeGiven,
    limit: Limit = 50,
    before: Before = None,
    product_id: Annotated[Identifier | None, Query(description="Only orders of this product.")] = None,
) -> Response:
    """List placed orders, newest first."""
    found = await runtime.book.orders.page(limit, before, product_id)
    return Orders(
        orders=tuple(OrderAnswer.of(order) for order in found),
        next=found[-1].number if len(found) == limit else None,
    ).response()


@router.get("/orders/{number}", response_model=OrderAnswer, responses=problems(404), openapi_extra=needs("read"))
async def order(number: OrderNumber, runtime: RuntimeGiven) -> Response:
    """Show one order."""
    return OrderAnswer.of(await runtime.book.orders.get(number)).response()
