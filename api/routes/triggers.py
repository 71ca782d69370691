"""Decisions on one product, and the calculation alone."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
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
from api.bodies.runs import AcceptedAnswer, DebugAnswer, TriggerAnswer, status_of
from api.bodies.triggers import Trigger
from api.door.auth import Caller
from api.door.doorkeeper import CallerGiven, RuntimeGiven, needs, prefers_async
from api.door.errors import restock_problem
from api.door.idempotency import HEADER, REPLAYED, Attempt
from api.routes.wiring import problems
from tools.book.idempotency import MISMATCH
from tools.records.errors import IdempotencyMismatch, InFlight, RestockError, Unavailable
from tools.records.orders import RunView

router = APIRouter(tags=["decisions"])
Decide = Callable[[DecisionRequest], Awaitable[RunView]]
_PREFER = {
    "name": "Prefer",
    "in": "header",
    "required": False,
    "description": "`respond-async` answers 202 as soon as the run is recorded (RFC 7240).",
    "schema": {"type": "string"},
}
_TRIGGERING = needs("trigger", idempotent=True, waits=True)
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
async def trigger(body: Annotated[Trigger, Body(openapi_examples=TRIGGERS)], request: Request) -> Response:
    """Decide whether to reorder one product, and how much. A safe order is placed; a doubtful one waits for a person.

    The run is recorded first. With `Prefer: respond-async`, or when it takes long, the answer is 202 with its id."""
    # Read here and not as dependencies, because each of those costs a trigger as much as its JSON.
    runtime: Runtime = request.app.state.runtime
    caller: Caller = request.state.caller
    decision = body.to_request(requested_by=caller.name, requested_by_id=caller.id)
    if body.dry_run:
        return await _answer(await _decided(runtime, decision, runtime.try_out), runtime, caller, at_once=False)
    at_once = prefers_async(request.headers)
    decide = runtime.submit if at_once else runtime.decide
    if HEADER in request.headers:
        attempt = Attempt(request, body, runtime.book)
        return await _answer_once(attempt, decision, runtime, caller, decide, at_once)
    return await _answer(await _decided(runtime, decision, decide), runtime, caller, at_once)


@router.post(
    "/debug",
    response_model=DebugAnswer,
    responses=problems(400, 404, 413, 415),
    openapi_extra=needs("read"),
)
async def debug_with_facts(
    body: Annotated[Trigger, Body(openapi_examples=TRIGGERS)], runtime: RuntimeGiven, caller: CallerGiven
) -> Response:
    """Calculate whether this product would be reordered, and why, from facts of your own. Open orders of this service
    count. No model is asked and nothing is recorded."""
    asked = body.to_request(requested_by=caller.name, requested_by_id=caller.id)
    return DebugAnswer.of(await runtime.calculate(asked), asked.mode).response()


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
    mode: Annotated[
        Literal["mock", "database"], Query(description="`mock` is the sample catalogue, `database` your own.")
    ] = "mock",
    location: Annotated[
        Identifier | None, Query(description="Location to plan for; without it, the product's home location.")
    ] = None,
) -> Response:
    """Calculate whether this product would be reordered, and why. No model is asked and nothing is recorded."""
    asked = DecisionRequest(product_id=product_id, mode=mode, location=location, requested_by=caller.name)
    return DebugAnswer.of(await runtime.calculate(asked), mode).response()


async def _answer_once(
    attempt: Attempt, decision: DecisionRequest, runtime: Runtime, caller: Caller, decide: Decide, at_once: bool
) -> Response:
    """The answer to a request with a key: that of the run which the key began, if there is one."""
    decision = decision.model_copy(update={"run_id": attempt.run_id, "body_hash": attempt.body_hash})
    earlier = attempt.run_id and await runtime.book.runs.answering(attempt.run_id, attempt.body_hash)
    if not earlier:
        return await _answer(await _decided(runtime, decision, decide), runtime, caller, at_once)
    _require_same(earlier, decision)
    if not at_once and _is_being_answered(earlier, runtime):
        busy = InFlight(f"Run {earlier.run.id} is still being worked on; send the same request again in a few seconds.")
        return restock_problem(busy, run_id=earlier.run.id)
    return await _answer(earlier, runtime, caller, at_once, REPLAYED)


async def _decided(runtime: Runtime, decision: DecisionRequest, decide: Decide) -> RunView:
    triggers = runtime.metrics.triggers
    try:
        view = await decide(decision)
    except RestockError:
        triggers.labels(decision.mode, "refused").inc()
        raise
    structlog.contextvars.bind_contextvars(run_id=view.run.id)
    triggers.labels(decision.mode, status_of(view)).inc()
    _require_same(view, decision)  # another sending may have begun it meanwhile
    return view


async def _answer(
    view: RunView, runtime: Runtime, caller: Caller, at_once: bool, headers: dict[str, str] | None = None
) -> Response:
    if at_once or view.run.status in UNFINISHED:
        accepted = AcceptedAnswer.of(view)
        preference = {"Preference-Applied": "respond-async"} if at_once else {}
        return accepted.response(202, {"Location": accepted.status_url, **preference, **(headers or {})})
    if view.proposal is None:
        why = (view.run.failure or "unknown").removesuffix(".")
        raise Unavailable(f"Run {view.run.id} has no result: {why}. Send the trigger again.")
    answer = TriggerAnswer.of(view, runtime.review_url)
    if "read" not in caller.scopes:
        answer = await _discreet(answer, view, runtime, caller)
    return answer.response(200, headers)


async def _discreet(answer: TriggerAnswer, view: RunView, runtime: Runtime, caller: Caller) -> TriggerAnswer:
    """The answer without what other keys asked for."""
    named = [order.reference for order in view.proposal.plan.open_orders] if view.proposal else []
    named += [view.order.number] if view.order else []
    others = await runtime.book.orders.of_others(named, caller.id)
    of_another = view.run.requested_by_id != caller.id
    return answer.without_others(others, of_another=of_another) if others or of_another else answer


def _is_being_answered(view: RunView, runtime: Runtime) -> bool:
    """Whether the request that began the run still waits for it."""
    patience = timedelta(seconds=runtime.settings.wait_seconds)
    waits = view.run.lane == "interactive" and datetime.now(UTC) < view.run.created_at + patience
    return view.run.status in UNFINISHED and waits and not view.standing


def _require_same(view: RunView, decision: DecisionRequest) -> None:
    """Raises IdempotencyMismatch if another request with the key began the run. An old run has only its product left; a
    run of an earlier version has no hash."""
    run = view.run
    if run.id != decision.run_id:
        return
    asked = run.request.get("body_hash")
    if asked is None:
        same = (run.product_id, run.mode) == (decision.product_id, decision.mode)
        same = same and decision.location in (None, run.location)
        same = same and (not run.request or same_question(run, decision))
    else:
        same = asked == decision.body_hash
    if not same:
        raise IdempotencyMismatch(MISMATCH)
