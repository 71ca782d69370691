"""The order in which a request is let in: key, rate limits, scope, shutdown, media type, strict JSON; then FastAPI.

FastAPI reads and parses a body before its dependencies run, so a dependency would let strangers send us bodies.
"""

from collections.abc import Callable, Coroutine
from typing import Any

import structlog
from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response

from api import strict_json
from api.errors import UnsupportedMedia
from tools.errors import Unavailable
from tools.keys import Scope

_SCOPE_KEY = "x-required-scope"


def needs(scope: Scope, *, idempotent: bool = False) -> dict[str, Any]:
    """`openapi_extra` of a guarded route: the scope its caller's key must have, and whether it may be sent twice."""
    extra: dict[str, Any] = {_SCOPE_KEY: scope, "security": [{"ApiKey": []}]}
    return {**extra, "parameters": [_IDEMPOTENCY_KEY]} if idempotent else extra


_IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "Any text of yours. The same request with the same key is done once and answered alike.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 200},
}


class StrictRequest(Request):
    """A request whose JSON has been parsed strictly before."""

    strict_value: Any = None

    async def json(self) -> Any:
        return self.strict_value


class GuardedRoute(APIRoute):
    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        answer = super().get_route_handler()
        scope: Scope = (self.openapi_extra or {})[_SCOPE_KEY]
        takes_body = self.body_field is not None

        async def guarded(request: Request) -> Response:
            state = request.app.state
            caller = await state.rate_limits.caller(request, state.keys.caller)
            structlog.contextvars.bind_contextvars(caller=caller.name)
            caller.require(scope)
            request.state.caller = caller
            if takes_body:
                request = await _with_json(request)
            return await answer(request)

        return guarded


async def _with_json(request: Request) -> StrictRequest:
    if request.app.state.draining:
        raise Unavailable("The service is shutting down; try again in a few seconds.")
    _require_json(request)
    strict = StrictRequest(request.scope, request.receive)
    strict.strict_value = strict_json.parse(await strict.body())
    return strict


def _require_json(request: Request) -> None:
    kind, _, parameters = request.headers.get("content-type", "").lower().partition(";")
    charset = parameters.strip().removeprefix("charset=").strip('"')
    if kind.strip() != "application/json" or charset not in ("", "utf-8"):
        raise UnsupportedMedia("Send the body as application/json in UTF-8.")
    if request.headers.get("content-encoding", "identity") != "identity":
        raise UnsupportedMedia("Send the body uncompressed, without Content-Encoding.")
