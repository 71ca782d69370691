"""Sweeps: the whole catalogue decided at once."""

from typing import Annotated, Any

from fastapi import APIRouter, Body, Path, Request
from starlette.responses import Response

from api.bodies.examples import SWEEPS
from api.bodies.sweeps import SweepAnswer, SweepInput, SweepPage, SweepReportAnswer, SweepSummary
from api.door.doorkeeper import CallerGiven, RuntimeGiven, needs
from api.door.idempotency import Attempt
from api.routes.wiring import Before, Limit, problems

router = APIRouter(tags=["sweeps"])
_ACCEPTED: dict[int | str, dict[str, Any]] = {
    202: {
        "model": SweepSummary,
        "description": "The sweep is stored and begun; ask for its result at the address in Location.",
        "headers": {"Location": {"description": "Address of the sweep.", "schema": {"type": "string"}}},
    }
}


@router.post(
    "/sweeps",
    response_model=SweepReportAnswer,
    responses={**problems(400, 409, 413, 415), **_ACCEPTED},
    openapi_extra=needs("trigger", idempotent=True),
)
async def sweep(
    body: Annotated[SweepInput, Body(openapi_examples=SWEEPS)],
    request: Request,
    runtime: RuntimeGiven,
    caller: CallerGiven,
) -> Response:
    """Decide on everything in today's list that triggers. Safe orders are placed; doubtful ones wait for a person.

    The answer is 202 with the sweep's id. With `dry_run` it is 200 with what would come of it, and nothing is recorded.
    The same Idempotency-Key begins one sweep only."""
    if body.dry_run:
        report = await runtime.sweeps.preview(body.filters, by=caller.actor)
        return SweepReportAnswer.copy_of(report).response()
    sweep_id = Attempt(request, body, runtime.book).run_id
    begun = SweepSummary.of(await runtime.sweeps.begin(body.filters, by=caller.actor, sweep_id=sweep_id))
    return begun.response(202, {"Location": begun.status_url})


@router.get("/sweeps", response_model=SweepPage, responses=problems(404), openapi_extra=needs("read"))
async def sweeps(runtime: RuntimeGiven, limit: Limit = 50, before: Before = None) -> Response:
    """List sweeps, newest first."""
    found = await runtime.book.sweeps.page(limit, before)
    following = found[-1].id if len(found) == limit else None
    return SweepPage(sweeps=tuple(map(SweepSummary.of, found)), next=following).response()


@router.get("/sweeps/{sweep_id}", response_model=SweepAnswer, responses=problems(404), openapi_extra=needs("read"))
async def progress(
    sweep_id: Annotated[str, Path(max_length=100, description="Id of the sweep.")], runtime: RuntimeGiven
) -> Response:
    """Show a sweep: how far it has come, what was placed, what waits, and what was not ordered and why."""
    found = await runtime.book.sweeps.get(sweep_id)
    report = SweepReportAnswer.copy_of(await runtime.sweeps.report(found))
    return SweepAnswer.of(found, report=report).response()
