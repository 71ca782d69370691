"""Streams of events of pages: so many of one session at once, and none for longer than the session lasts."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from api.door.errors import Overloaded, Unauthenticated
from api.door.sessions import form_token
from tools.records.errors import Unavailable

MOST_OF_A_SESSION = 8
"""A browser opens six to a host over HTTP/1.1."""
LOOK_SECONDS = 5.0
"""So much longer than its key a stream lasts at most."""


class SessionStreams:
    """The streams that are open, by session."""

    def __init__(self) -> None:
        self._open = Counter[str]()

    def require_room(self, request: Request) -> None:
        """Raises Overloaded if the session has its most open already."""
        if self._open[form_token(request)] >= MOST_OF_A_SESSION:
            raise Overloaded(f"{MOST_OF_A_SESSION} pages of yours show progress at once. Close one, then reload this.")

    @contextmanager
    def _counted(self, request: Request) -> Iterator[None]:
        session = form_token(request)
        self._open[session] += 1
        try:
            yield
        finally:
            self._open[session] -= 1
            self._open += Counter()  # forget those that have none

    async def answer(self, app: ASGIApp, request: Request, receive: Receive, send: Send) -> None:
        """Let the application answer, until the session has ended."""
        with self._counted(request):
            await _while_it_lasts(app, request.scope, receive, send, lambda: _lasts(request))


async def _while_it_lasts(
    app: ASGIApp, scope: Scope, receive: Receive, send: Send, lasts: Callable[[], Awaitable[bool]]
) -> None:
    answering = asyncio.ensure_future(app(scope, receive, send))
    try:
        while not (await asyncio.wait({answering}, timeout=LOOK_SECONDS))[0]:
            if not await lasts():
                answering.cancel()
                await asyncio.wait({answering})
                await send({"type": "http.response.body"})
                return
        await answering
    finally:
        answering.cancel()


async def _lasts(request: Request) -> bool:
    """Whether the session and its key are valid still. What the database cannot say now, it will say at the next
    look."""
    try:
        await request.app.state.sessions.caller(request)
    except Unauthenticated:
        return False
    except Unavailable:
        return True
    return True
