"""What routes are given: the runtime, the caller, and the problems that the OpenAPI document names.

What gives them is async: FastAPI would send a plain function to a thread, at each request.
"""

from typing import Annotated, Any

from fastapi import Depends, Query, Request
from starlette.responses import Response

from agent.runtime import Runtime
from api.bodies.answers import Answer
from api.door.auth import Caller
from api.door.errors import PROBLEM, problem_title, problem_type

_PROBLEMS = {
    400: ("malformed_json", "The request is malformed: JSON that is not strict, or a header."),
    401: ("key_missing", "No key, or one that opens nothing."),
    403: ("scope_missing", "The key lacks the scope."),
    404: ("unknown_product", "There is no such thing."),
    409: ("in_flight", "The world has moved on, or the same Idempotency-Key is still being answered."),
    413: ("body_too_large", "The body is too large."),
    415: ("unsupported_media_type", "The body is not application/json in UTF-8."),
    422: ("invalid_input", "A field is wrong, or the Idempotency-Key came with another body before."),
    429: ("rate_limited", "Asked too often; Retry-After says when to come back."),
    503: ("unavailable", "Cannot be served now; Retry-After says when to come back."),
}


async def _runtime(request: Request) -> Runtime:
    runtime: Runtime = request.app.state.runtime
    return runtime


async def _caller(request: Request) -> Caller:
    caller: Caller = request.state.caller
    return caller


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """`responses` of a guarded route: the problems that every one of them can answer, and these."""
    return {status: _documented(status) for status in sorted({401, 403, 422, 429, 503, *statuses})}


def _documented(status: int) -> dict[str, Any]:
    code, meaning = _PROBLEMS[status]
    example = {
        "type": problem_type(code),
        "title": problem_title(code),
        "status": status,
        "detail": meaning,
        "code": code,
        "instance": "0f8fad5bd9cb469fa16570867728950e",
    }
    schema = {"$ref": "#/components/schemas/Problem"}
    return {"description": meaning, "content": {PROBLEM: {"schema": schema, "example": example}}}


def as_json(answer: Answer) -> Response:
    return Response(answer.as_json(), media_type="application/json")


RuntimeGiven = Annotated[Runtime, Depends(_runtime)]
CallerGiven = Annotated[Caller, Depends(_caller)]
Limit = Annotated[int, Query(ge=1, le=200, description="Entries on a page.")]
