"""Retells problem documents in the form that a caller understands: a page for people, OpenAI's form for its clients."""

import json
from collections.abc import Callable
from typing import Any

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.door.errors import PROBLEM

Problem = dict[str, Any]
Retell = Callable[[Scope, int, dict[str, str], Problem], Response]
"""Makes the answer from the request, the status, the headers and the problem."""


class ProblemsRetold:
    """An ASGI step. Where `concerns` is true of a request, `retell` makes the answer from its problem document."""

    def __init__(self, app: ASGIApp, *, concerns: Callable[[Scope], bool], retell: Retell) -> None:
        self._app, self._concerns, self._retell = app, concerns, retell

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not self._concerns(scope):
            await self._app(scope, receive, send)
            return
        started: Message | None = None
        body = b""

        async def send_retold(message: Message) -> None:
            nonlocal started, body
            if message["type"] == "http.response.start" and _headers(message).get("content-type") == PROBLEM:
                started = message
            elif started is None:
                await send(message)
            else:
                body += message.get("body", b"")
                if not message.get("more_body", False):
                    headers = dict(_headers(started).items())
                    await self._retell(scope, started["status"], headers, json.loads(body))(scope, receive, send)

        await self._app(scope, receive, send_retold)


def _headers(message: Message) -> Headers:
    return Headers(raw=list(message["headers"]))
