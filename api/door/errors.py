"""Every failure as a problem document (RFC 9457), and the only place where failures become HTTP codes.

    Refusal
    ├── MalformedRequest     400  the request itself is broken: JSON, headers
    ├── Unauthenticated      401  the key is missing or not valid
    ├── Forbidden            403  the key lacks the scope
    ├── BodyTooLarge         413
    ├── UnsupportedMedia     415
    ├── RateLimited          429  too many requests of a key or an address
    └── Overloaded           503  too many requests at once

`STATUS` maps the errors of `tools/records/errors.py` by class. `code` is stable: programs may rely on it.
"""

import json
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.responses import Response

from tools.records.errors import (
    BeyondAuthority,
    Conflict,
    IdempotencyMismatch,
    InFlight,
    InvalidInput,
    NotFound,
    RestockError,
    Unavailable,
)

PROBLEM = "application/problem+json"
RETRY_AFTER_SECONDS = 3


class Refusal(Exception):
    """Base of what is refused before any tool is called."""

    status = 400
    code = "bad_request"

    def __init__(self, detail: str, *, code: str | None = None, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.code = code or self.code
        self.headers = dict(headers or {})


class MalformedRequest(Refusal):
    status, code = 400, "malformed_request"


class Unauthenticated(Refusal):
    status, code = 401, "invalid_key"

    def __init__(self, detail: str, *, code: str | None = None) -> None:
        super().__init__(detail, code=code, headers={"WWW-Authenticate": 'ApiKey header="X-API-Key", Bearer'})


class Forbidden(Refusal):
    status, code = 403, "scope_missing"


class BodyTooLarge(Refusal):
    status, code = 413, "body_too_large"


class UnsupportedMedia(Refusal):
    status, code = 415, "unsupported_media_type"


class RateLimited(Refusal):
    status, code = 429, "rate_limited"


class Overloaded(Refusal):
    status, code = 503, "overloaded"

    def __init__(self, detail: str) -> None:
        super().__init__(detail, headers={"Retry-After": str(RETRY_AFTER_SECONDS)})


STATUS: tuple[tuple[type[RestockError], int], ...] = (
    (InvalidInput, 422),
    (NotFound, 404),
    (IdempotencyMismatch, 422),
    (Conflict, 409),
    (BeyondAuthority, 403),
    (Unavailable, 503),
)


class FieldProblem(BaseModel):
    """What is wrong with one field."""

    field: str = Field(description="Path of the field, such as `demand_history[2]`.", examples=["lead_time_days"])
    code: str = Field(description="Stable kind of the fault.", examples=["greater_than_equal"])
    message: str = Field(description="What is wrong.", examples=["Input should be greater than or equal to 0"])


class Problem(BaseModel):
    """What was wrong and what to do next."""

    type: str = Field(description="Kind of problem, as a URN.", examples=["urn:restock:problem:invalid_input"])
    title: str = Field(description="Kind of problem, in words.", examples=["Invalid input"])
    status: int = Field(description="The HTTP status.", examples=[422])
    detail: str = Field(
        description="What was wrong and what to do.",
        examples=["lead_time_days: Input should be greater than or equal to 0."],
    )
    code: str = Field(description="Kind of problem; stable, programs may rely on it.", examples=["invalid_input"])
    instance: str | None = Field(description="The request's id, as in X-Request-ID and in the log.")
    run_id: str | None = Field(default=None, description="The run concerned, where there is one.")
    errors: list[FieldProblem] | None = Field(default=None, description="One entry for each field at fault.")


def problem(
    status: int,
    code: str,
    detail: str,
    *,
    errors: Sequence[Mapping[str, str]] = (),
    headers: Mapping[str, str] | None = None,
    run_id: str | None = None,
) -> Response:
    """A problem document, about a run where one is concerned."""
    document = problem_document(status, code, detail, structlog.contextvars.get_contextvars().get("request_id"))
    if run_id:
        document["run_id"] = run_id
    if errors:
        document["errors"] = list(errors)
    body = json.dumps(document, ensure_ascii=False, allow_nan=False).encode("utf-8", "replace")
    return Response(body, status, dict(headers or {}), PROBLEM)


def problem_document(status: int, code: str, detail: str, instance: str | None) -> dict[str, object]:
    kind, title = f"urn:restock:problem:{code}", code.replace("_", " ").capitalize()
    return {"type": kind, "title": title, "status": status, "detail": detail, "code": code, "instance": instance}


def restock_problem(error: RestockError, *, run_id: str | None = None) -> Response:
    headers = {"Retry-After": str(RETRY_AFTER_SECONDS)} if isinstance(error, Unavailable | InFlight) else {}
    return problem(status_of(error), error.code, error.message, headers=headers, run_id=run_id)


def status_of(error: RestockError) -> int:
    return next((status for kind, status in STATUS if isinstance(error, kind)), 500)


def unexpected_problem() -> Response:
    """A fault of ours. Only the request's id is shown; the log has the rest under that id."""
    return problem(
        500,
        "internal_error",
        "Something failed in the service. Try again; if it fails again, report the `instance` id.",
    )


def install(app: FastAPI) -> None:
    for kind in (Refusal, RestockError, RequestValidationError):
        app.add_exception_handler(kind, _refused)
    app.add_exception_handler(HTTPException, _http)


def answer_to(error: Exception) -> Response:
    """The problem document of a refused request. Raises any other error again."""
    match error:
        case Refusal():
            return problem(error.status, error.code, error.detail, headers=error.headers)
        case RestockError():
            return restock_problem(error)
        case RequestValidationError():
            return _invalid(error)
    raise error


async def _refused(_: Request, error: Exception) -> Response:
    return answer_to(error)


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101
    if isinstance(error.__cause__, Refusal):  # raised while FastAPI read a form
        return answer_to(error.__cause__)
    detail = {
        404: "There is nothing at this address. GET /openapi.json lists all addresses.",
        405: f"{request.method} is not offered here; the Allow header says what is.",
    }.get(error.status_code, "The request could not be read.")
    code = HTTPStatus(error.status_code).name.lower()
    return problem(error.status_code, code, detail, headers=error.headers)


def _invalid(error: RequestValidationError) -> Response:
    errors = [_field_problem(each) for each in error.errors()[:MAX_FIELD_PROBLEMS]]
    first = errors[0]
    detail = f"{first['field']}: {first['message']}."
    if len(errors) > 1:
        detail += f" And {len(errors) - 1} more; see errors."
    return problem(422, "invalid_input", detail, errors=errors)


MAX_FIELD_PROBLEMS = 50
_WHERE = ("body", "query", "path", "header")


def _field_problem(error: Mapping[str, Any]) -> dict[str, str]:
    """One fault of one field. The value is never repeated, because it may be a secret."""
    path = list(error["loc"])
    if path and path[0] in _WHERE:
        path = path[1:]
    if error["loc"][:1] == ("body",) and path and path[0] in _MODES:
        mode, path = path[0], path[1:]
    else:
        mode = None
    return {"field": _dotted(path) or "body", "code": error["type"], "message": _message(error, mode)}


_MODES = ("mock", "input", "database")


def _dotted(path: Sequence[object]) -> str:
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text[:200]


def _message(error: Mapping[str, Any], mode: object) -> str:
    match error["type"]:
        case "extra_forbidden" if mode:
            return f"There is no such field in mode {mode}; leave it out or choose the mode it belongs to"
        case "extra_forbidden" if error["loc"][:1] == ("query",):
            return str(error["msg"])
        case "extra_forbidden":
            return "There is no such field here; leave it out"
        case "union_tag_invalid" | "union_tag_not_found":
            return "mode must be mock or input"
        case "missing":
            return "This field is required"
        case "float_type":
            return "Input should be a valid number: without quotation marks, with a point for decimals"
        case "less_than_equal" if error["loc"][-1:] == ("service_level",):
            return f"{error['msg']}; 0.95 is 95 %"
    return str(error["msg"]).removeprefix("Value error, ")[:300]
