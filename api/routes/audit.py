"""The audit trail: who did what."""

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from api.bodies.service import AuditTrail
from api.door.doorkeeper import RuntimeGiven, needs
from api.routes.wiring import Limit, problems

router = APIRouter(tags=["audit"])


@router.get("/audit", response_model=AuditTrail, responses=problems(404), openapi_extra=needs("admin"))
async def audit(
    runtime: RuntimeGiven,
    limit: Limit = 50,
    before: Annotated[int | None, Query(ge=1, le=2**53, description="The `next` of the page before.")] = None,
    run_id: Annotated[str | None, Query(max_length=100, description="A run's id.")] = None,
    order: Annotated[str | None, Query(max_length=40, description="An order's number.")] = None,
    review: Annotated[str | None, Query(max_length=40, description="A review's id.")] = None,
    actor: Annotated[str | None, Query(max_length=200, description="A key's id or name.")] = None,
) -> Response:
    """List who did what, newest first. Entries cannot be changed or removed."""
    found = await runtime.book.audit.page(limit, before, run_id=run_id, order_number=order, review=review, actor=actor)
    return AuditTrail(entries=tuple(found), next=found[-1].sequence if len(found) == limit else None).response()
