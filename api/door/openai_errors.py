"""Turns problem documents into errors in OpenAI's form, at the addresses that clients of OpenAI ask."""

import json
from typing import Any

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.door.errors import PROBLEM

ADDRESSES = "/v1/"
_KINDS = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}
_CODES = {"invalid_key": "invalid_api_key", "key_missing": "invalid_api_key"}
_INVALID, _OF_OURS = "invalid_request_error", "server_error"


class OpenAIErrors:
    """Clients show the message of such an error, and nothing of a problem document."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith(ADDRESSES):
            await self._app(scope, receive, send)
            return
        started: Message | None = None
        body = b""

        async def send_in_form(message: Message) -> None:
            nonlocal started, body
            if message["type"] == "http.response.start" and _kind(message) == PROBLEM:
                started = message
            elif started is None:
                await send(message)
            else:
                body += message.get("body", b"")
                if not message.get("more_body", False):
                    await _response(started, json.loads(body))(scope, receive, send)

        await self._app(scope, receive, send_in_form)


def in_openai_form(problem: dict[str, Any]) -> dict[str, Any]:
    """The error that says the same as a problem document."""
    status, code = problem["status"], problem["code"]
    kind = _KINDS.get(status, _INVALID if status < 500 else _OF_OURS)
    field = next((each["field"] for each in problem.get("errors", ())), None)
    return {"error": {"message": problem["detail"], "type": kind, "param": field, "code": _CODES.get(code, code)}}


def _kind(message: Message) -> str:
    return Headers(raw=list(message["headers"])).get("content-type", "")


def _response(started: Message, problem: dict[str, Any]) -> JSONResponse:
    """OpenAI answers 400 where we say 422."""
    headers = {name.decode(): value.decode("latin-1") for name, value in started["headers"]}
    kept = {name: value for name, value in headers.items() if name not in ("content-type", "content-length")}
    status: int = started["status"]
    return JSONResponse(in_openai_form(problem), 400 if status == 422 else status, kept)
