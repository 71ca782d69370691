"""Connections that may not be held open for nothing: uvicorn's protocol with limits on time, header size and number.

uvicorn waits for ever for the rest of a header or body, and any byte puts off its keep-alive timeout. Here every
connection that owes us bytes, or does not take ours, has a deadline. The server looks at all of them twice a second,
which costs a request nothing but the setting of a number.
"""

import json
import math
from collections import Counter
from collections.abc import Iterable
from typing import Any, NamedTuple

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from agent.settings import Settings
from api.door.errors import RETRY_AFTER_SECONDS, problem_document

SWEEP_SECONDS = 0.5
MAX_PIPELINED = 20
"""Requests that may wait on a connection for the answer to the one before."""
LINGER_SECONDS = 2.0
"""How long a refused client may take to read its refusal."""
_HEADERS = (
    "content-type: application/problem+json\r\ncache-control: no-store\r\nx-content-type-options: nosniff\r\n"
    "x-frame-options: DENY\r\nreferrer-policy: no-referrer\r\n"
    "content-security-policy: default-src 'none'; frame-ancestors 'none'\r\nconnection: close\r\n"
)


class Refused(NamedTuple):
    """What is said before a connection is closed that no route will see."""

    status: str
    code: str
    detail: str
    headers: str = ""

    def as_bytes(self) -> bytes:
        document = problem_document(int(self.status[:3]), self.code, self.detail)
        body = json.dumps(document).encode()
        head = f"HTTP/1.1 {self.status}\r\n{_HEADERS}{self.headers}content-length: {len(body)}\r\n\r\n"
        return head.encode() + body


SLOW_HEADER = Refused("408 Request Timeout", "request_timeout", "The request's header took too long; send it at once.")
SLOW_BODY = Refused("408 Request Timeout", "request_timeout", "The request's body took too long; send it at once.")
NOT_HTTP = Refused("400 Bad Request", "malformed_request", "This is not an HTTP/1.1 request that can be read.")
TOO_EAGER = Refused(
    "400 Bad Request", "malformed_request", f"Send at most {MAX_PIPELINED} requests ahead of their answers."
)
LONG_HEADER = Refused(
    "431 Request Header Fields Too Large", "header_too_large", "The request's header is too large; send less."
)
LONG_BODY = Refused("413 Content Too Large", "body_too_large", "The request is larger than any body may be; send less.")
TOO_MANY = Refused(
    "503 Service Unavailable",
    "overloaded",
    "There are too many connections; try again in a few seconds.",
    f"retry-after: {RETRY_AFTER_SECONDS}\r\n",
)


class GuardedConnection(HttpToolsProtocol):
    """One connection, with a deadline for whatever is awaited from its client."""

    settings: Settings
    """Set on the subclass that a server uses; see `guarded`."""

    def __init__(self, *arguments: Any, **keywords: Any) -> None:
        super().__init__(*arguments, **keywords)
        self._awaited: Refused | None = None
        self._since = 0.0
        self._deadline = self._write_deadline = math.inf
        self._bytes = 0
        self._fault = NOT_HTTP

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._await_header()
        if len(self.connections) > self.settings.max_connections:
            self.refuse(TOO_MANY)

    def data_received(self, data: bytes) -> None:
        if self.transport.is_closing():
            return
        if self._awaited is None:
            self._await_header()
        self._bytes += len(data)
        super().data_received(data)
        if self._awaited is not None and self._bytes > self._most_bytes():
            self.refuse(LONG_HEADER if self._awaited is SLOW_HEADER else LONG_BODY)

    def on_message_begin(self) -> None:
        if self._awaited is None:
            self._await_header()
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        if (
            self._awaited is not SLOW_BODY
        ):  # A trailer is no header: no key, and nothing that a proxy would have replaced.
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        if sum(len(name) + len(value) for name, value in self.headers) + len(self.url) > self.settings.max_header_bytes:
            self._fault = LONG_HEADER
            raise ValueError("the header is too large")
        if len(self.pipeline) >= MAX_PIPELINED:
            self._fault = TOO_EAGER
            raise ValueError("too many requests wait on this connection")
        self._expect(SLOW_BODY, self.settings.request_body_seconds)
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._expect(None, math.inf)
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        self.refuse(self._fault)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._write_deadline = self.loop.time() + self.settings.response_write_seconds

    def resume_writing(self) -> None:
        super().resume_writing()
        self._write_deadline = math.inf

    def refuse(self, why: Refused) -> None:
        """Say why and close. Who does not even read that is cut off soon after."""
        if not self.transport.is_closing() and self._may_speak():
            self.transport.write(why.as_bytes())
        if self.cycle is not None:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        self.transport.close()
        self._expect(None, LINGER_SECONDS)

    def check(self, now: float) -> None:
        """Close the connection when its client has been waited for long enough."""
        if now >= self._write_deadline:
            self.transport.abort()
        if now < self._deadline:
            return
        if self._awaited is None:
            self.transport.abort()
        elif self._is_our_turn():
            self._deadline = now + self.settings.request_body_seconds
        else:
            self.refuse(self._awaited)

    def held_since(self) -> float:
        """When this connection began to owe us a header; never, when it does not."""
        return self._since if self._awaited is SLOW_HEADER else math.inf

    def _await_header(self) -> None:
        self._bytes = 0
        self._expect(SLOW_HEADER, self.settings.request_header_seconds)

    def _expect(self, what: Refused | None, seconds: float) -> None:
        self._awaited = what
        self._since = self.loop.time()
        self._deadline = self._since + seconds

    def _most_bytes(self) -> int:
        """A body may come in chunks, each with a line of its own; the body's own limit is held by the application."""
        most = self.settings.max_header_bytes
        return most if self._awaited is SLOW_HEADER else most + 2 * self.settings.max_body_bytes

    def _may_speak(self) -> bool:
        """Whether no answer is on its way on this connection."""
        return self.cycle is None or self.cycle.response_complete or not self.cycle.response_started

    def _is_our_turn(self) -> bool:
        """Whether we stopped reading, or have not answered an earlier request: then the client is not to blame."""
        answering = self.cycle is not None and not self.cycle.response_complete
        return self.flow.read_paused or (self._awaited is SLOW_HEADER and answering)


def guarded(settings: Settings) -> type[GuardedConnection]:
    """The protocol for a server with these settings; uvicorn builds its protocols itself, from a class."""
    return type("GuardedConnection", (GuardedConnection,), {"settings": settings})


def sweep(connections: Iterable[GuardedConnection], now: float, settings: Settings) -> None:
    """Close what is overdue, and what one client holds open without a request beyond its share, newest first. A tenth
    of the time for a header is nobody's fault: a burst of clients comes in faster than it is read."""
    patience = settings.request_header_seconds / 10
    held: Counter[str] = Counter()
    for connection in sorted(connections, key=GuardedConnection.held_since):
        connection.check(now)
        if now - connection.held_since() < patience:
            continue
        client = connection.client[0] if connection.client else ""
        held[client] += 1
        if held[client] > settings.max_held_connections:
            connection.refuse(TOO_MANY)
