"""Turns problem documents into errors in OpenAI's form, at the addresses that clients of OpenAI ask."""

from starlette.responses import JSONResponse
from starlette.types import Scope

from api.door.retold import Problem

ADDRESSES = "/v1/"
_KINDS = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}
_CODES = {"invalid_key": "invalid_api_key", "key_missing": "invalid_api_key"}
_INVALID, _OF_OURS = "invalid_request_error", "server_error"


def is_of_openai(scope: Scope) -> bool:
    """Whether a client of OpenAI asks. It shows the message of such an error, and nothing of a problem document."""
    path: str = scope["path"]
    return path.startswith(ADDRESSES)


def in_openai_form(problem: Problem) -> Problem:
    """The error that says the same as a problem document."""
    status, code = problem["status"], problem["code"]
    kind = _KINDS.get(status, _INVALID if status < 500 else _OF_OURS)
    field = next((each["field"] for each in problem.get("errors", ())), None)
    return {"error": {"message": problem["detail"], "type": kind, "param": field, "code": _CODES.get(code, code)}}


def openai_error(_: Scope, status: int, headers: dict[str, str], problem: Problem) -> JSONResponse:
    """The problem in OpenAI's form, which answers 400 where we say 422."""
    kept = {name: value for name, value in headers.items() if name not in ("content-type", "content-length")}
    return JSONResponse(in_openai_form(problem), 400 if status == 422 else status, kept)
