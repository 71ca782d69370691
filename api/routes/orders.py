"""Placed orders."""

from typing import Annotated

from fastapi import APIRouter, Path, Query
from starlette.responses import Response

from api.bodies.answers import OrderAnswer, Orders
from api.bodies.schemas import Identifier
from api.door.guarded_route import GuardedRoute, needs
from api.routes.wiring import Limit, RuntimeGiven, as_json, problems

router = APIRouter(tags=["orders"], route_class=GuardedRoute)


@router.get("/orders", response_model=Orders, responses=problems(404), openapi_extra=needs("read"))
async def orders(
    runtime: RuntimeGiven,
    limit: Limit = 50,
    before: Annotated[str | None, Query(max_length=40, description="The `next` of the page before.")] = None,
    product_id: Annotated[Identifier | None, Query()] = None,
) -> Response:
    """Placed orders, newest first."""
    found = await runtime.book.orders.page(limit, before, product_id)
    return as_json(
        Orders(
            orders=tuple(OrderAnswer.of(order) for order in found),
            next=found[-1].number if len(found) == limit else None,
        )
    )


@router.get("/orders/{number}", response_model=OrderAnswer, responses=problems(404), openapi_extra=needs("read"))
async def order(number: Annotated[str, Path(max_length=40)], runtime: RuntimeGiven) -> Response:
    """One order by its number."""
    found = OrderAnswer.of(await runtime.book.orders.get(number))
    return Response(found.model_dump_json(), media_type="application/json")
