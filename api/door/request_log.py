"""The outermost step of a request: its id, its log line, its metrics, and the headers of its answer."""

import re
from collections.abc import Mapping
from secrets import token_hex
from time import perf_counter

import structlog
from starlette.datastructures import MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from agent.metrics import Metrics
from api.door.errors import unexpected_problem
from api.door.problem_forms import Form, in_form
from api.door.security_headers import ON_DESK_PAGES, ON_EVERY_ANSWER, ON_THE_DOCS_PAGE

log = structlog.get_logger(__name__)
UNMATCHED = "unmatched"
_SANE_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"})
_QUIET_ROUTES = frozenset({"/health/live", "/health/ready", "/metrics"})


class RequestLog:
    """Turns an unexpected exception into a problem document, too."""

    def __init__(self, app: ASGIApp, *, forms: Mapping[str, Form]) -> None:
        """`forms` are those of problem documents, by the first part of the address."""
        self._app, self._forms = app, forms

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        first_part = scope["path"].split("/", 2)[1:2]
        form = self._forms.get(first_part[0]) if first_part else None
        if form is not None:
            send = in_form(form, scope, receive, send)
        request_id = _request_id(scope)
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id)
        # An application inside of ours puts itself in the scope.
        metrics: Metrics = scope["app"].state.runtime.metrics
        started = perf_counter()
        status = 0

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = int(message["status"])  # some give an HTTPStatus, which a log would show as one
                headers = MutableHeaders(scope=message)
                headers["x-request-id"] = request_id
                for name, value in _added(scope["path"]):
                    headers.setdefault(name, value)
            await send(message)

        try:
            await self._app(scope, receive, send_with_headers)
        except ClientDisconnect:
            log.info("client_left")
        except Exception:
            log.exception("unexpected_error")
            if status:
                raise
            await unexpected_problem()(scope, receive, send_with_headers)
        finally:
            _finish(scope, metrics, status, perf_counter() - started)


def _finish(scope: Scope, metrics: Metrics, status: int, seconds: float) -> None:
    method = scope["method"] if scope["method"] in _METHODS else "other"
    route = getattr(scope.get("route"), "path_format", UNMATCHED)
    metrics.http_requests.labels(method, route, str(status)).inc()
    metrics.http_seconds.labels(route).observe(seconds)
    write = log.debug if route in _QUIET_ROUTES and status < 400 else log.info
    write("request", method=method, route=route, status=status, milliseconds=round(seconds * 1000, 1))


def _added(path: str) -> list[tuple[str, str]]:
    """The headers of an answer at this address, where it has none of its own."""
    if path == "/docs":
        return ON_THE_DOCS_PAGE
    return ON_DESK_PAGES if path == "/desk" or path.startswith("/desk/") else ON_EVERY_ANSWER


def _request_id(scope: Scope) -> str:
    for name, value in scope["headers"]:
        if name == b"x-request-id":
            given = value.decode("latin-1")
            if _SANE_ID.fullmatch(given):
                return str(given)
    return token_hex(16)
