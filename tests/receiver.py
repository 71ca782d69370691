"""A receiver of webhooks on loopback, which answers as it is told: also late, in drops, or not at all."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any, NamedTuple

Answer = Callable[[asyncio.StreamWriter, "Received"], Awaitable[None]]


class Received(NamedTuple):
    target: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def event_id(self) -> str:
        return self.headers["webhook-id"]


class Receiver:
    """`script` holds the answers to come, one for each request; when it is empty, `otherwise` answers."""

    def __init__(self, *, tls: bool) -> None:
        self.received: list[Received] = []
        self.script: list[Answer] = []
        self.otherwise: Answer = status(200)
        self.open_now = self.most_open = self.connections = 0
        self._scheme = "https" if tls else "http"
        self.port = 0

    def url(self, path: str = "/hooks", host: str = "127.0.0.1") -> str:
        return f"{self._scheme}://{host}:{self.port}{path}"

    @property
    def event_ids(self) -> list[str]:
        return [each.event_id for each in self.received]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.open_now += 1
        self.most_open = max(self.most_open, self.open_now)
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError):
                await self._answer(await _read(reader), writer)
        finally:
            self.open_now -= 1
            writer.close()
            with suppress(ConnectionError, ssl.SSLError):
                await writer.wait_closed()

    async def _answer(self, received: Received, writer: asyncio.StreamWriter) -> None:
        self.received.append(received)
        answer = self.script.pop(0) if self.script else self.otherwise
        await answer(writer, received)

    async def until(self, count: int, *, seconds: float = 20) -> None:
        """Until so many requests have come in all."""
        async with asyncio.timeout(seconds):
            while len(self.received) < count:  # noqa: ASYNC110
                await asyncio.sleep(0.005)


async def _read(reader: asyncio.StreamReader) -> Received:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    request, *lines = head.split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines if line)}
    return Received(request.split()[1], headers, await reader.readexactly(int(headers["content-length"])))


def status(code: int, **headers: str) -> Answer:
    lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())

    async def answer(writer: asyncio.StreamWriter, _: Received) -> None:
        writer.write(f"HTTP/1.1 {code} Status\r\n{lines}Content-Length: 0\r\n\r\n".encode())
        await writer.drain()

    return answer


async def never(writer: asyncio.StreamWriter, _: Received) -> None:
    """Takes the request and says nothing, until the other side hangs up."""
    while not writer.is_closing():
        await asyncio.sleep(0.02)
        with suppress(ConnectionError):
            await writer.drain()


async def in_drops(writer: asyncio.StreamWriter, _: Received) -> None:
    """A header without end, a letter at a time: no single read takes long."""
    writer.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    while not writer.is_closing():
        writer.write(b"x")
        await writer.drain()
        await asyncio.sleep(0.02)


async def endless_body(writer: asyncio.StreamWriter, _: Received) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n")
    while not writer.is_closing():
        writer.write(b"canary-of-the-answer " * 1_000)
        await writer.drain()


async def hang_up(writer: asyncio.StreamWriter, _: Received) -> None:
    writer.transport.abort()


def held(release: asyncio.Event, code: int = 200) -> Answer:
    """Answers once it is released."""

    async def answer(writer: asyncio.StreamWriter, received: Received) -> None:
        await release.wait()
        await status(code)(writer, received)

    return answer


@asynccontextmanager
async def receiving(tls: ssl.SSLContext | None = None, host: str = "127.0.0.1") -> AsyncIterator[Receiver]:
    receiver = Receiver(tls=tls is not None)
    tasks: set[asyncio.Task[Any]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        with suppress(asyncio.CancelledError):
            await receiver.serve(reader, writer)
        tasks.discard(task)

    server = await asyncio.start_server(serve, host, 0, ssl=tls)
    receiver.port = server.sockets[0].getsockname()[1]
    try:
        yield receiver
    finally:
        server.close()
        for task in list(tasks):
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=5)
