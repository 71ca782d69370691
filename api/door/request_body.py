"""A request's body: read up to a limit, or left unread when the request is refused."""

import asyncio
from contextlib import suppress

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from api.door.errors import BodyTooLarge

READ_ON_BYTES = 20_000_000
READ_ON_SECONDS = 5.0


class RequestBody:
    """The body of one request."""

    def __init__(self, scope: Scope, receive: Receive, limit: int) -> None:
        self._scope, self._receive, self._limit = scope, receive, limit
        headers = Headers(scope=scope)
        declared = headers.get("content-length", "0")
        self._declared = int(declared[:20]) if declared.isdecimal() else 0
        self._ends_soon = self._declared <= limit and "transfer-encoding" not in headers
        self._whole: bytes | None = None

    def require_declared_length(self) -> None:
        """Raise BodyTooLarge if the declared length is above the limit."""
        if self._declared > self._limit:
            raise self._too_large()

    async def read(self) -> bytes:
        """The whole body. Raises BodyTooLarge as soon as more has come than the limit, whatever was declared."""
        chunks, received, more = [], 0, True
        while more:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise ClientDisconnect
            chunks.append(message.get("body", b""))
            received += len(chunks[-1])
            if received > self._limit:
                raise self._too_large()
            more = message.get("more_body", False)
        self._whole = b"".join(chunks)
        return self._whole

    async def receive(self) -> Message:
        """What the application receives: the body in one piece if it has been read."""
        if self._whole is None:
            return await self._receive()
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
        received, more = 0, True
        with suppress(TimeoutError):
            async with asyncio.timeout(READ_ON_SECONDS):
                while more and received < READ_ON_BYTES:
                    message = await self._receive()
                    received += len(message.get("body", b""))
                    more = message.get("more_body", False)

    def _too_large(self) -> BodyTooLarge:
        return BodyTooLarge(f"The body is larger than {self._limit} bytes; send less.")
