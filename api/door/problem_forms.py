"""Turns a problem document into another form, at the addresses whose callers read nothing of one."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from api.door.errors import PROBLEM

Problem = dict[str, Any]
Form = Callable[[Scope, int, Mapping[str, str], Problem], Response | None]
"""Makes the answer of a problem, its status and its headers; None where this caller wants the document."""


def in_form(form: Form, scope: Scope, receive: Receive, send: Send) -> Send:
    """A `send` that turns a problem document into this form, and passes any other answer on."""
    started: Message | None = None
    body = b""

    async def send_in_form(message: Message) -> None:
        nonlocal started, body
        if message["type"] == "http.response.start" and _headers(message).get("content-type") == PROBLEM:
            started = message
        elif started is None:
            await send(message)
        else:
            body += message.get("body", b"")
            if not message.get("more_body", False):
                await _answer(form, scope, started, body)(scope, receive, send)

    return send_in_form


def _answer(form: Form, scope: Scope, started: Message, body: bytes) -> Response:
    headers, status = dict(_headers(started)), int(started["status"])
    return form(scope, status, headers, json.loads(body)) or Response(body, status, headers)


def _headers(started: Message) -> Headers:
    return Headers(raw=list(started["headers"]))
