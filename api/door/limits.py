"""What is held against every request before a route sees it: the size of its body, how many there are, and
headers on its answer."""

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.door.errors import BodyTooLarge, Overloaded, refusal_problem

_ALWAYS = frozenset({"/", "/health/live", "/health/ready"})
_POLICY = b"content-security-policy"
_HEADERS = [
    (b"cache-control", b"no-store"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
]
_STRICT = [*_HEADERS, (_POLICY, b"default-src 'none'; frame-ancestors 'none'")]
_DOCS = [
    *_HEADERS,
    (
        _POLICY,
        b"default-src 'none'; connect-src 'self'; script-src 'unsafe-inline' https://cdn.jsdelivr.net; "
        b"style-src 'unsafe-inline' https://cdn.jsdelivr.net; img-src data: https://fastapi.tiangolo.com; "
        b"frame-ancestors 'none'",
    ),
]


class BodyLimit:
    """Refuses a body that is declared or turns out larger than `limit` bytes, whatever its encoding."""

    def __init__(self, app: ASGIApp, *, limit: int) -> None:
        self._app, self._limit = app, limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        declared = Headers(scope=scope).get("content-length", "0")
        if declared.isdecimal() and int(declared[:20]) > self._limit:
            await refusal_problem(self._refusal())(scope, receive, send)
            return
        await self._app(scope, self._counted(receive), send)

    def _counted(self, receive: Receive) -> Receive:
        received = 0

        async def counted() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > self._limit:
                raise self._refusal()
            return message

        return counted

    def _refusal(self) -> BodyTooLarge:
        return BodyTooLarge(f"The body is larger than {self._limit} bytes; send less.")


class LoadLimit:
    """Refuses what would be one request too many at once, before anything of it is read; the probes always pass.

    Work that waits in line is late for its own deadline and for everybody else's."""

    def __init__(self, app: ASGIApp, *, most: int) -> None:
        self._app, self._most, self._now = app, most, 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in _ALWAYS:
            await self._app(scope, receive, send)
            return
        if self._now >= self._most:
            await refusal_problem(Overloaded("More is asked at once than can be served; try again in a few seconds."))(
                scope, receive, send
            )
            return
        self._now += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._now -= 1


class SecurityHeaders:
    """Headers that keep browsers from guessing, framing, caching or running anything; the docs page loads its own."""

    def __init__(self, app: ASGIApp, *, docs_path: str = "/docs") -> None:
        self._app, self._docs_path = app, docs_path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                added = _DOCS if scope["path"] == self._docs_path else _STRICT
                message["headers"] = [*message.get("headers", ()), *added]
            await send(message)

        await self._app(scope, receive, send_with_headers if scope["type"] == "http" else send)
