"""One product in, a decision out; and the calculation alone."""

from contextlib import suppress
from typing import Annotated, Literal

import structlog
from fastapi import APIRouter, Body, Path, Query, Request
from pydantic import AfterValidator
from starlette.responses import Response

from agent.runtime import Runtime
from agent.state import DecisionRequest
from api.answers import DebugAnswer, TriggerAnswer
from api.examples import TRIGGERS
from api.guarded_route import GuardedRoute, needs
from api.idempotency import Attempt
from api.routes.wiring import CallerGiven, RuntimeGiven, as_json, problems
from api.schemas import Identifier, Trigger, identifier
from tools.errors import InFlight, RestockError, Unavailable, UnknownRun
from tools.models import RunView

router = APIRouter(tags=["decisions"], route_class=GuardedRoute)


@router.post(
    "/inventory-trigger",
    response_model=TriggerAnswer,
    responses=problems(400, 404, 409, 413, 415),
    openapi_extra=needs("trigger", idempotent=True),
)
async def trigger(
    body: Annotated[Trigger, Body(openapi_examples=TRIGGERS)],
    request: Request,
    runtime: RuntimeGiven,
    caller: CallerGiven,
) -> Response:
    """Decide whether to reorder one product and how much; place the order when it is safe, queue it when it is not."""
    attempt = Attempt(request, body, runtime.book)
    decision = body.to_request(requested_by=caller.name, requested_by_id=caller.id, run_id=attempt.run_id)

    async def work() -> bytes:
        return (await _decided(runtime, decision)).as_json()

    async def ended() -> bytes | None:
        with suppress(InFlight):
            view = await _begun_before(runtime, decision.run_id)
            return TriggerAnswer.of(view, runtime.review_url).as_json() if view and view.proposal else None
        return None

    return await attempt.answer(work, ended)


@router.get(
    "/debug/{product_id:path}",
    response_model=DebugAnswer,
    responses=problems(404),
    openapi_extra=needs("read"),
)
async def debug(
    product_id: Annotated[str, Path(min_length=1, max_length=100), AfterValidator(identifier)],
    runtime: RuntimeGiven,
    caller: CallerGiven,
    mode: Literal["mock", "database"] = "mock",
    location: Annotated[Identifier | None, Query()] = None,
) -> Response:
    """Calculate only: would this product be reordered, and why. No model is asked and nothing is recorded."""
    asked = DecisionRequest(product_id=product_id, mode=mode, location=location, requested_by=caller.name)
    return as_json(DebugAnswer.of(await runtime.calculate(asked), mode))


async def _decided(runtime: Runtime, decision: DecisionRequest) -> TriggerAnswer:
    triggers = runtime.metrics.triggers
    try:
        view = await _begun_before(runtime, decision.run_id) or await runtime.decide(decision)
    except RestockError:
        triggers.labels(decision.mode, "refused").inc()
        raise
    structlog.contextvars.bind_contextvars(run_id=view.run.id)
    triggers.labels(decision.mode, view.run.status).inc()
    if view.proposal is None:
        raise Unavailable(f"Run {view.run.id} has no result yet; ask for it at /runs/{view.run.id}.")
    return TriggerAnswer.of(view, runtime.review_url)


async def _begun_before(runtime: Runtime, run_id: str | None) -> RunView | None:
    """The run that an earlier sending of this request began, where the answer to that sending was lost."""
    if run_id is None:
        return None
    try:
        view = await runtime.book.run(run_id)
    except UnknownRun:
        return None
    if view.run.status == "running":
        raise InFlight(f"Run {run_id} is still being worked on; send the same request again in a few seconds.")
    return view
