"""Errors in OpenAI's form, for the addresses that clients of OpenAI ask."""

from collections.abc import Mapping
from typing import Any

from starlette.responses import JSONResponse
from starlette.types import Scope

from api.door.problem_forms import Problem

ADDRESSES = "/v1/"
_KINDS = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}
_CODES = {"invalid_key": "invalid_api_key", "key_missing": "invalid_api_key"}
_INVALID, _OF_OURS = "invalid_request_error", "server_error"


def answer(_: Scope, status: int, headers: Mapping[str, str], problem: Problem) -> JSONResponse:
    """Clients show the message of such an error, and nothing of a problem document. OpenAI answers 400 where we say
    422."""
    kept = {name: value for name, value in headers.items() if name not in ("content-type", "content-length")}
    return JSONResponse(in_openai_form(problem), 400 if status == 422 else status, kept)


def in_openai_form(problem: Problem) -> dict[str, Any]:
    """The error that says the same as a problem document."""
    status, code = problem["status"], problem["code"]
    kind = _KINDS.get(status, _INVALID if status < 500 else _OF_OURS)
    field = next((each["field"] for each in problem.get("errors", ())), None)
    return {"error": {"message": problem["detail"], "type": kind, "param": field, "code": _CODES.get(code, code)}}
