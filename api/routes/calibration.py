"""How far the confidence can be believed, and how placed orders turned out."""

from typing import Annotated

from fastapi import APIRouter, Body, Request
from starlette.responses import Response

from api.bodies.examples import OUTCOMES
from api.bodies.orders import CalibrationAnswer, OutcomeAnswer, OutcomeInput
from api.door.doorkeeper import CallerGiven, RuntimeGiven, needs
from api.door.idempotency import Attempt
from api.routes.wiring import OrderNumber, problems

router = APIRouter(tags=["calibration"])


@router.get("/calibration", response_model=CalibrationAnswer, responses=problems(), openapi_extra=needs("read"))
async def calibration(runtime: RuntimeGiven) -> Response:
    """Compare the stated confidence with what happened: to past proposals when it was fitted, and to orders since."""
    return CalibrationAnswer.copy_of(await runtime.calibration_state()).response()


@router.post(
    "/orders/{number}/outcome",
    response_model=OutcomeAnswer,
    responses=problems(400, 404, 409, 413, 415),
    openapi_extra=needs("approve", idempotent=True),
)
async def record_outcome(
    number: OrderNumber,
    body: Annotated[OutcomeInput, Body(openapi_examples=OUTCOMES)],
    request: Request,
    runtime: RuntimeGiven,
    caller: CallerGiven,
) -> Response:
    """Report how an order turned out at the end of the time it had to cover. The first report counts; sending the same
    one again is harmless."""

    async def work() -> bytes:
        report = body.to_report(number)
        outcome = await runtime.record_outcome(report, recorded_by=caller.name, recorded_by_id=caller.id)
        return OutcomeAnswer.copy_of(outcome).as_json()

    return await Attempt(request, body, runtime.book).answer(work)
