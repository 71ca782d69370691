"""The order in which a request is let in: key, rate limits, scope, shutdown, media type, strict JSON; then FastAPI.

FastAPI reads and parses a body before its dependencies run, so a dependency would let strangers send us bodies.
"""

from collections.abc import Callable, Coroutine
from typing import Any

import structlog
from fastapi.dependencies.models import Dependant
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Send
from starlette.types import Scope as ASGIScope

from api.door import strict_json
from api.door.errors import UnsupportedMedia
from tools.book.keys import Scope
from tools.records.errors import Unavailable

_SCOPE_KEY = "x-required-scope"


def needs(scope: Scope, *, idempotent: bool = False) -> dict[str, Any]:
    """`openapi_extra` of a guarded route: the scope its caller's key must have, and whether it may be sent twice."""
    extra: dict[str, Any] = {_SCOPE_KEY: scope, "security": [{"ApiKey": []}]}
    return {**extra, "parameters": [_IDEMPOTENCY_KEY]} if idempotent else extra


_IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "Any text. The same request with the same key is done once and gets the same answer.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 200},
}


class StrictRequest(Request):
    """A request whose JSON has been parsed strictly before."""

    strict_value: Any = None

    async def json(self) -> Any:
        return self.strict_value


class GuardedRoute(APIRoute):
    """Where an endpoint takes a body and the request and nothing else, they are given to it directly: FastAPI's way
    there, which solves dependencies and closes files, takes as long as all that a trigger is checked for."""

    def __init__(self, *arguments: Any, **keywords: Any) -> None:
        super().__init__(*arguments, **keywords)
        self._scope: Scope = (self.openapi_extra or {})[_SCOPE_KEY]
        if self.body_field is not None and _takes_nothing_else(self.dependant):
            self.app = self._answer_directly

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        answer = super().get_route_handler()
        takes_body = self.body_field is not None

        async def guarded(request: Request) -> Response:
            await self._let_in(request)
            if takes_body:
                strict = StrictRequest(request.scope, request.receive)
                strict.strict_value = await _json_of(strict)
                request = strict
            return await answer(request)

        return guarded

    async def _let_in(self, request: Request) -> None:
        state = request.app.state
        caller = await state.rate_limits.caller(request, state.keys.caller)
        structlog.contextvars.bind_contextvars(caller=caller.name)
        caller.require(self._scope)
        request.state.caller = caller
        if request.scope["query_string"]:
            self._refuse_unknown_parameters(request)

    def _refuse_unknown_parameters(self, request: Request) -> None:
        """What is misspelt would be taken for left out, and the answer for one to what was asked."""
        known = {parameter.alias for parameter in self.dependant.query_params}
        unknown = [name for name in dict.fromkeys(request.query_params) if name not in known]
        if unknown:
            shown = f"There is no such parameter here; it takes {', '.join(sorted(known)) or 'none'}"
            raise RequestValidationError(
                [{"type": "extra_forbidden", "loc": ("query", name), "msg": shown} for name in unknown]
            )

    async def _answer_directly(self, scope: ASGIScope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive, send)
        await self._let_in(request)
        value = await _json_of(request)
        assert self.body_field is not None  # noqa: S101
        body, errors = self.body_field.validate(value, loc=("body",))
        if errors:
            raise RequestValidationError(errors)
        response: Response = await self.endpoint(body, request)
        await response(scope, receive, send)


def _takes_nothing_else(dependant: Dependant) -> bool:
    """Whether the endpoint's parameters are a body, first, and the request."""
    others = (
        *(dependant.path_params, dependant.query_params, dependant.header_params, dependant.cookie_params),
        *(dependant.dependencies, dependant.body_params[1:]),
    )
    return dependant.request_param_name is not None and not any(others)


async def _json_of(request: Request) -> Any:
    if request.app.state.runtime.closing:
        raise Unavailable("The service is shutting down; try again in a few seconds.")
    _require_json(request)
    return strict_json.parse(await request.body())


def _require_json(request: Request) -> None:
    kind, _, parameters = request.headers.get("content-type", "").lower().partition(";")
    charset = parameters.strip().removeprefix("charset=").strip('"')
    if kind.strip() != "application/json" or charset not in ("", "utf-8"):
        raise UnsupportedMedia("Send the body as application/json in UTF-8.")
    if request.headers.get("content-encoding", "identity") != "identity":
        raise UnsupportedMedia("Send the body uncompressed, without Content-Encoding.")
