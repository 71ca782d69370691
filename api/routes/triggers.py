"""Decisions on one product, and the calculation alone."""

from contextlib import suppress
from typing import Annotated, Any, Literal

import structlog
from fastapi import APIRouter, Body, Path, Query, Request
from pydantic import AfterValidator
from starlette.responses import Response

from agent.decisions import UNFINISHED, same_question
from agent.runtime import Runtime
from agent.state import DecisionRequest
from api.bodies.examples import TRIGGERS
from api.bodies.fields import Identifier, identifier
from api.bodies.runs import AcceptedAnswer, DebugAnswer, TriggerAnswer
from api.bodies.triggers import Trigger
from api.door.doorkeeper import needs
from api.door.idempotency import Accepted, Attempt
from api.routes.wiring import CallerGiven, RuntimeGiven, as_json, problems
from tools.records.errors import IdempotencyMismatch, InFlight, RestockError, Unavailable
from tools.records.orders import Run, RunView

router = APIRouter(tags=["decisions"])
_PREFER = {
    "name": "Prefer",
    "in": "header",
    "required": False,
    "description": "`respond-async` answers 202 as soon as the run is recorded (RFC 7240).",
    "schema": {"type": "string"},
}
_TRIGGERING = needs("trigger", idempotent=True)
_TRIGGERING = {**_TRIGGERING, "parameters": [*_TRIGGERING["parameters"], _PREFER]}
_ACCEPTED: dict[int | str, dict[str, Any]] = {
    202: {
        "model": AcceptedAnswer,
        "description": "The run is recorded; ask for its result at the address in Location.",
        "headers": {
            "Location": {"description": "Address of the run.", "schema": {"type": "string"}},
            "Preference-Applied": {"description": "`respond-async`, if asked for.", "schema": {"type": "string"}},
        },
    }
}


@router.post(
    "/inventory-trigger",
    response_model=TriggerAnswer,
    responses={**problems(400, 404, 409, 413, 415), **_ACCEPTED},
    openapi_extra=_TRIGGERING,
)
async def trigger(
    body: Annotated[Trigger, Body(openapi_examples=TRIGGERS)],
    request: Request,
    runtime: RuntimeGiven,
    caller: CallerGiven,
) -> Response:
    """Decide whether to reorder one product, and how much. A safe order is placed; a doubtful one waits for a person.

    The run is recorded first. With `Prefer: respond-async`, or when it takes long, the answer is 202 with its id."""
    attempt = Attempt(request, body, runtime.book)
    decision = body.to_request(requested_by=caller.name, requested_by_id=caller.id, run_id=attempt.run_id)

    at_once = _prefers_async(request)

    async def work() -> bytes:
        return await _decided(runtime, decision, at_once)

    async def ended() -> bytes | None:
        with suppress(InFlight):
            view = await _begun_before(runtime, decision, at_once)
            return _answer(view, runtime, at_once) if view and (at_once or view.proposal) else None
        return None

    async def result(run_id: str) -> bytes | None:
        view = await runtime.book.runs.get(run_id)
        return None if view.run.status in UNFINISHED or view.proposal is None else _answer(view, runtime, at_once)

    return await attempt.answer(work, ended, result=None if at_once else result)


@router.get(
    "/debug/{product_id:path}",
    response_model=DebugAnswer,
    responses=problems(404),
    openapi_extra=needs("read"),
)
async def debug(
    product_id: Annotated[
        str, Path(min_length=1, max_length=100, description="The product's id."), AfterValidator(identifier)
    ],
    runtime: RuntimeGiven,
    caller: CallerGiven,
    mode: Annotated[Literal["mock", "database"], Query(description="`mock` is the sample catalogue.")] = "mock",
    location: Annotated[
        Identifier | None, Query(description="Location to plan for; without it, the product's home location.")
    ] = None,
) -> Response:
    """Calculate whether this product would be reordered, and why. No model is asked and nothing is recorded."""
    asked = DecisionRequest(product_id=product_id, mode=mode, location=location, requested_by=caller.name)
    return as_json(DebugAnswer.of(await runtime.calculate(asked), mode))


async def _decided(runtime: Runtime, decision: DecisionRequest, at_once: bool) -> bytes:
    triggers = runtime.metrics.triggers
    decide = runtime.submit if at_once else runtime.decide
    try:
        view = await _begun_before(runtime, decision, at_once) or await decide(decision)
    except RestockError:
        triggers.labels(decision.mode, "refused").inc()
        raise
    structlog.contextvars.bind_contextvars(run_id=view.run.id)
    triggers.labels(decision.mode, view.run.status).inc()
    return _answer(view, runtime, at_once)


def _answer(view: RunView, runtime: Runtime, at_once: bool) -> bytes:
    if at_once or view.run.status in UNFINISHED:
        answer = AcceptedAnswer.of(view)
        return Accepted.of(answer.as_json(), asked_for=at_once, status_url=answer.status_url)
    if view.proposal is None:
        why = (view.run.failure or "unknown").removesuffix(".")
        raise Unavailable(f"Run {view.run.id} has no result: {why}. Send the trigger again.")
    return TriggerAnswer.of(view, runtime.review_url).as_json()


async def _begun_before(runtime: Runtime, decision: DecisionRequest, at_once: bool) -> RunView | None:
    """The run that an earlier sending of this request began, where the answer to that sending was lost."""
    if decision.run_id is None or not await runtime.book.runs.exists(decision.run_id):
        return None
    view = await runtime.book.runs.get(decision.run_id)
    if not _was_asked(view.run, decision):
        raise IdempotencyMismatch(
            f"This Idempotency-Key came before with another body and began run {view.run.id}; use a new key for a new "
            "request."
        )
    if view.run.status in UNFINISHED and not at_once:
        raise InFlight(f"Run {view.run.id} is still being worked on; send the same request again in a few seconds.")
    return view


def _was_asked(run: Run, decision: DecisionRequest) -> bool:
    """Whether the run was begun by this request. Of one that is long over only the product is known."""
    if (run.product_id, run.mode) != (decision.product_id, decision.mode):
        return False
    return decision.location in (None, run.location) and (not run.request or same_question(run, decision))


def _prefers_async(request: Request) -> bool:
    """RFC 7240; preferences that are not known are ignored, as it says."""
    preferences = ",".join(request.headers.getlist("prefer")).lower().split(",")
    return any(preference.partition(";")[0].strip() == "respond-async" for preference in preferences)
