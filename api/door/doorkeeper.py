"""Checks a request before FastAPI sees it: load, size, key, rate limits, scope, parameters, shutdown, media type, JSON.
A page of the desk is opened by a session instead of a key, and takes forms instead of JSON.

An ASGI step of its own, because FastAPI reads the body before its dependencies can ask for a key.
"""

import asyncio
import re
from asyncio import Semaphore
from collections.abc import Sequence
from contextlib import nullcontext, suppress
from typing import Annotated, Any

import structlog
from fastapi import Depends
from fastapi.dependencies.models import Dependant
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Match
from starlette.types import ASGIApp, Message, Receive, Send
from starlette.types import Scope as ASGIScope

from agent.runtime import Runtime
from agent.settings import Settings
from api.door import strict_json
from api.door.auth import Caller
from api.door.errors import BodyTooLarge, Forbidden, Overloaded, Refusal, UnsupportedMedia, answer_to
from api.door.session_streams import SessionStreams
from api.door.sessions import require_same_origin
from tools.book.keys import Scope
from tools.records.errors import RestockError, Unavailable

_NEVER_OVERLOADED = frozenset({"/", "/health/live", "/health/ready", "/metrics"})
_SCOPE_KEY, _FILES_KEY, _PAGE_KEY, _STREAM_KEY = "x-required-scope", "x-takes-files", "x-page", "x-stream"
_WAITS_KEY = "x-waits"
_FORMS = ("application/x-www-form-urlencoded", "multipart/form-data;")
_ASYNC = re.compile(r"(?:^|,)\s*respond-async\s*(?:[;,]|$)", re.IGNORECASE)
MAX_BODY_BYTES = 1_000_000
MAX_UPLOAD_BYTES = 100_000_000
"""Files are kept on disk while they are read."""
MAX_STREAMS = 256
"""Streams of events that a process keeps open. They last long and cost little, so they are no requests at once."""
READ_ON_BYTES = 100_000_000
READ_ON_SECONDS = 5.0
_IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "Any text. The same request with the same key is done once and gets the same answer.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 200},
}


def needs(
    scope: Scope, *, idempotent: bool = False, files: bool = False, stream: bool = False, waits: bool = False
) -> dict[str, Any]:
    """`openapi_extra` of a guarded route: the scope that a key needs, whether it takes an Idempotency-Key, whether its
    body is files instead of JSON, whether its answer is a stream of events, and whether a caller waits for a decision
    unless it prefers not to."""
    extra: dict[str, Any] = {_SCOPE_KEY: scope, "security": [{"ApiKey": []}, {"Bearer": []}]}
    extra |= {key: True for key, wanted in ((_FILES_KEY, files), (_STREAM_KEY, stream), (_WAITS_KEY, waits)) if wanted}
    return {**extra, "parameters": [_IDEMPOTENCY_KEY]} if idempotent else extra


def page_for(scope: Scope, *, files: bool = False) -> dict[str, Any]:
    """`openapi_extra` of a page: the scope that the session's key needs, and whether its form may hold files."""
    return {_SCOPE_KEY: scope, _PAGE_KEY: True} | ({_FILES_KEY: True} if files else {})


def stream_for(scope: Scope) -> dict[str, Any]:
    """`openapi_extra` of a stream of events for a page."""
    return page_for(scope) | {_STREAM_KEY: True}


class RequestBody:
    """The body of one request."""

    def __init__(self, scope: ASGIScope, receive: Receive, limit: int) -> None:
        self._scope, self._receive, self._limit = scope, receive, limit
        headers = Headers(scope=scope)
        declared = headers.get("content-length", "0")
        self.is_too_long = declared.isdecimal() and int(declared[:20]) > limit
        self._ends_soon = not self.is_too_long and "transfer-encoding" not in headers
        self._whole: bytes | None = None
        self._more, self._received = True, 0

    async def read(self) -> bytes:
        """The whole body. Raises BodyTooLarge as soon as more has come than the limit, whatever was declared."""
        chunks, received = [], 0
        while self._more:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise ClientDisconnect
            chunks.append(message.get("body", b""))
            received += len(chunks[-1])
            self._more = message.get("more_body", False)
            if received > self._limit:
                raise self.too_large()
        self._whole = b"".join(chunks)
        return self._whole

    async def receive(self) -> Message:
        """What the application receives: the body in one piece if it has been read."""
        if self._whole is None:
            message = await self._receive()
            self._received += len(message.get("body", b""))
            if self._received > self._limit:
                raise self.too_large()
            return message
        message = {"type": "http.request", "body": self._whole, "more_body": False}
        self._whole = None
        return message

    async def answer_unread(self, response: Response, send: Send) -> None:
        """Answer a request whose body may be unread. A long one is read for a while before the connection closes:
        otherwise a client that sends everything first would never see the answer."""
        if self._ends_soon:
            await response(self._scope, self._receive, send)
            return
        response.headers["Connection"] = "close"

        async def send_unended(message: Message) -> None:
            await send({**message, "more_body": True} if message["type"] == "http.response.body" else message)

        await response(self._scope, self._receive, send_unended)
        await self._read_on()
        await send({"type": "http.response.body"})

    async def _read_on(self) -> None:
        received = 0
        with suppress(TimeoutError):
            async with asyncio.timeout(READ_ON_SECONDS):
                while self._more and received < READ_ON_BYTES:
                    message = await self._receive()
                    received += len(message.get("body", b""))
                    self._more = message.get("more_body", False)

    def too_large(self) -> BodyTooLarge:
        """The refusal of a body above the limit, by its declared or its real length."""
        return BodyTooLarge(f"The body is larger than {self._limit} bytes; send less.")


class Doorkeeper:
    """Refuses requests, and reads no more of them than the refusal needs."""

    def __init__(self, app: ASGIApp, *, routes: Sequence[APIRoute], settings: Settings) -> None:
        self._app, self._routes = app, routes
        self._uploads = {route.path for route in routes if _FILES_KEY in (route.openapi_extra or {})}
        self._requests, self._open_streams = Semaphore(settings.max_concurrent_requests), Semaphore(MAX_STREAMS)
        self._of_sessions = SessionStreams()

    async def __call__(self, scope: ASGIScope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        limit = MAX_UPLOAD_BYTES if scope["path"] in self._uploads else MAX_BODY_BYTES
        body = RequestBody(scope, receive, limit)
        refused = await self._answer(scope, body, send)
        if refused is not None:
            await body.answer_unread(refused, send)

    async def _answer(self, scope: ASGIScope, body: RequestBody, send: Send) -> Response | None:
        """Let the application answer and return None, or return the refusal."""
        route = self._route_of(scope)
        extra = (route and route.openapi_extra) or {}
        is_stream, of_session = _STREAM_KEY in extra, {_STREAM_KEY, _PAGE_KEY} <= extra.keys()
        room = self._open_streams if is_stream else self._requests
        is_probe = scope["path"] in _NEVER_OVERLOADED
        if room.locked() and not is_probe:
            what = "Too many streams of events are open at once." if is_stream else "Too many requests at once."
            return answer_to(Overloaded(f"{what} Try again in a few seconds."))
        async with nullcontext() if is_probe else room:
            try:
                await self._let_in(scope, body, route)
                if of_session:
                    self._of_sessions.require_room(Request(scope))
            except (Refusal, RestockError, RequestValidationError) as error:
                return answer_to(error)
            if of_session:
                await self._of_sessions.answer(self._app, Request(scope), body.receive, send)
            else:
                await self._app(scope, body.receive, send)
            return None

    async def _let_in(self, scope: ASGIScope, body: RequestBody, route: APIRoute | None) -> None:
        extra = (route and route.openapi_extra) or {}
        if _WAITS_KEY in extra and not prefers_async(Headers(scope=scope)):
            scope["app"].state.runtime.require_time()
        if body.is_too_long:
            raise body.too_large()
        needed: Scope | None = extra.get(_SCOPE_KEY)
        if route is None or needed is None:
            return
        scope["route"] = route
        request = Request(scope)
        state = request.app.state
        is_page = _PAGE_KEY in extra
        identify = state.sessions.caller if is_page else state.keys.caller
        caller = await state.rate_limits.caller(request, identify)
        structlog.contextvars.bind_contextvars(caller=caller.name)
        if needed not in caller.scopes:
            scopes = ", ".join(sorted(caller.scopes))
            raise Forbidden(f"This needs a key with the scope {needed!r}; yours has {scopes}.")
        request.state.caller = caller
        if request.query_params:
            _refuse_unknown_parameters(request, route)
        if route.body_field is not None or (is_page and request.method == "POST"):
            if state.runtime.closing:
                raise Unavailable("The service is shutting down. Try again in a few seconds.")
            if is_page:
                _require_form(request)
                return
            _require_body(request, files=_FILES_KEY in extra)
            if _FILES_KEY not in extra:
                strict_json.check(await body.read())

    def _route_of(self, scope: ASGIScope) -> APIRoute | None:
        for route in self._routes:
            if route.matches(scope)[0] is Match.FULL:
                return route
        return None


def prefers_async(headers: Headers) -> bool:
    """Whether `respond-async` is asked for. Unknown preferences are ignored (RFC 7240)."""
    return _ASYNC.search(",".join(headers.getlist("prefer"))) is not None


def _refuse_unknown_parameters(request: Request, route: APIRoute) -> None:
    """Without this a misspelt parameter would be ignored, and the answer would be to another question."""
    known = _parameters(route.dependant)
    unknown = [name for name in dict.fromkeys(request.query_params) if name not in known]
    if unknown:
        shown = f"There is no such parameter here; it takes {', '.join(sorted(known)) or 'none'}"
        raise RequestValidationError(
            [{"type": "extra_forbidden", "loc": ("query", name), "msg": shown} for name in unknown]
        )


def _require_form(request: Request) -> None:
    if not request.headers.get("content-type", "").lower().startswith(_FORMS):
        raise UnsupportedMedia("Send the form as a browser does.")
    require_same_origin(request)


def _parameters(dependant: Dependant) -> set[str]:
    """What a route takes itself, and by what it depends on."""
    inside = (_parameters(each) for each in dependant.dependencies)
    return {parameter.alias for parameter in dependant.query_params}.union(*inside)


def _require_body(request: Request, *, files: bool) -> None:
    """Raises UnsupportedMedia unless the body is uncompressed, and JSON or files."""
    kind, parted, parameters = request.headers.get("content-type", "").lower().partition(";")
    charset = parameters.strip().removeprefix("charset=").strip('"')
    if files and (kind, parted) != ("multipart/form-data", ";"):
        raise UnsupportedMedia("Send the files as multipart/form-data, each in a part named `files`.")
    if not files and (kind.strip() != "application/json" or charset not in ("", "utf-8")):
        raise UnsupportedMedia("Send the body as application/json in UTF-8.")
    if request.headers.get("content-encoding", "identity") != "identity":
        raise UnsupportedMedia("Send the body uncompressed, without Content-Encoding.")


async def _runtime(request: Request) -> Runtime:
    runtime: Runtime = request.app.state.runtime
    return runtime


async def _caller(request: Request) -> Caller:
    caller: Caller = request.state.caller
    return caller


RuntimeGiven = Annotated[Runtime, Depends(_runtime)]
CallerGiven = Annotated[Caller, Depends(_caller)]
"""What a guarded route is given: the runtime, and the caller who was let in."""
