"""Whether the confidence is what it says, and what became of placed orders."""

from typing import Annotated

from fastapi import APIRouter, Body, Path, Request
from starlette.responses import Response

from api.bodies.answers import CalibrationAnswer, OutcomeAnswer
from api.bodies.examples import OUTCOMES
from api.bodies.schemas import OutcomeInput
from api.door.guarded_route import GuardedRoute, needs
from api.door.idempotency import Attempt
from api.routes.wiring import CallerGiven, RuntimeGiven, as_json, problems

router = APIRouter(tags=["calibration"], route_class=GuardedRoute)


@router.get("/calibration", response_model=CalibrationAnswer, responses=problems(), openapi_extra=needs("read"))
async def calibration(runtime: RuntimeGiven) -> Response:
    """What was stated beside what came: of past proposals when the table was fitted, and of orders since."""
    return as_json(CalibrationAnswer.of(await runtime.calibration_state()))


@router.post(
    "/orders/{number}/outcome",
    response_model=OutcomeAnswer,
    responses=problems(400, 404, 409, 413, 415),
    openapi_extra=needs("approve", idempotent=True),
)
async def record_outcome(
    number: Annotated[str, Path(max_length=40)],
    body: Annotated[OutcomeInput, Body(openapi_examples=OUTCOMES)],
    request: Request,
    runtime: RuntimeGiven,
    caller: CallerGiven,
) -> Response:
    """Say how an order turned out at the end of the time it had to cover. Recorded once; the same report may be
    repeated."""

    async def work() -> bytes:
        report = body.to_report(number)
        outcome = await runtime.record_outcome(report, recorded_by=caller.name, recorded_by_id=caller.id)
        return OutcomeAnswer.of(outcome).as_json()

    return await Attempt(request, body, runtime.book).answer(work)
