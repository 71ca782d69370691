"""A small HTTP/1.1 server with its hands on the socket, so that it can fail in ways a proper one will not."""

import asyncio
import contextlib
import json
import socket
import struct
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

RESET_ON_CLOSE = struct.pack("ii", 1, 0)
DRIP_SECONDS = 0.02
DRIPS = 6_000


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Exchange:
    """One request and the means to answer it, well or badly."""

    request: Request
    reader: asyncio.StreamReader = field(repr=False)
    writer: asyncio.StreamWriter = field(repr=False)
    keep_alive: bool = True

    async def send(
        self,
        status: int,
        body: bytes | dict[str, Any],
        *,
        content_type: str = "application/json",
        headers: Mapping[str, str] | None = None,
    ) -> None:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        self._head(status, content_type, {"content-length": str(len(raw)), **(headers or {})})
        self.writer.write(raw)
        await self.writer.drain()

    async def send_cut(self, body: bytes, *, content_type: str = "application/json") -> None:
        """Announce the whole body, send half of it, and reset the connection."""
        self._head(200, content_type, {"content-length": str(len(body))})
        self.writer.write(body[: len(body) // 2])
        await self.writer.drain()
        await asyncio.sleep(0.01)
        self.reset()

    async def begin_events(self) -> None:
        self._head(200, "text/event-stream", {"transfer-encoding": "chunked"})
        await self.writer.drain()

    async def event(self, data: bytes) -> None:
        self.writer.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
        await self.writer.drain()

    async def end_events(self) -> None:
        self.writer.write(b"0\r\n\r\n")
        await self.writer.drain()

    async def drip(self, body: bytes, *, content_type: str = "application/json") -> None:
        """Blanks, one by one, each well within any read timeout; the body itself would come after two minutes."""
        self._head(200, content_type, {"content-length": str(DRIPS + len(body))})
        for _ in range(DRIPS):
            self.writer.write(b" ")
            await self.writer.drain()
            await asyncio.sleep(DRIP_SECONDS)
        self.writer.write(body)

    async def hang(self) -> None:
        """Say nothing until the client has gone."""
        await self.reader.read()
        self.keep_alive = False

    def reset(self) -> None:
        self.keep_alive = False
        sock = self.writer.get_extra_info("socket")
        with contextlib.suppress(OSError):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
        self.writer.transport.abort()

    def _head(self, status: int, content_type: str, headers: Mapping[str, str]) -> None:
        lines = [f"HTTP/1.1 {status} Status", f"content-type: {content_type}", "connection: keep-alive"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        self.writer.write(("\r\n".join(lines) + "\r\n\r\n").encode())


class HttpServer:
    """Serves `handle` on 127.0.0.1. It can stop listening and start again on the same port."""

    def __init__(self, handle: Callable[[Exchange], Awaitable[None]], *, port: int = 0) -> None:
        self._handle = handle
        self._port = port
        self._server: asyncio.Server | None = None
        self._unheard: socket.socket | None = None
        self._connections: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    async def listen(self) -> None:
        if self._unheard is not None:
            self._unheard.close()
            self._unheard = None
        if self._server is None:
            self._server = await asyncio.start_server(self._connected, "127.0.0.1", self._port, backlog=1024)
            self._port = self._server.sockets[0].getsockname()[1]

    async def refuse(self) -> None:
        """Drop every connection and refuse new ones; the port stays ours: bound, but nobody listens."""
        await self._stop()
        self._unheard = socket.socket()
        self._unheard.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._unheard.bind(("127.0.0.1", self._port))

    async def close(self) -> None:
        await self._stop()
        if self._unheard is not None:
            self._unheard.close()
            self._unheard = None

    async def _stop(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        connections = list(self._connections)
        for task in connections:
            task.cancel()
        await asyncio.gather(*connections, return_exceptions=True)

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(self._serve(reader, writer))
        self._connections.add(task)
        task.add_done_callback(self._connections.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            keep_alive = True
            while keep_alive and (request := await _read_request(reader)) is not None:
                exchange = Exchange(request, reader, writer)
                await self._handle(exchange)
                keep_alive = exchange.keep_alive
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


async def _read_request(reader: asyncio.StreamReader) -> Request | None:
    line = await reader.readline()
    if not line:
        return None
    method, target, _ = line.decode("latin-1").split(" ", 2)
    headers: dict[str, str] = {}
    while (raw := await reader.readline()) not in (b"\r\n", b""):
        name, _, value = raw.decode("latin-1").partition(":")
        headers[name.strip().lower()] = value.strip()
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    url = urlsplit(target)
    query = {name: values[0] for name, values in parse_qs(url.query).items()}
    return Request(method, url.path, query, headers, body)
