"""Bodies that are too long, or that nobody wants: refused at once, and read on for a while."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import pytest
import pytest_asyncio
import uvicorn

from api.door import doorkeeper
from tests.api.conftest import KEY

pytestmark = pytest.mark.asyncio(loop_scope="module")
CHUNK = b"186a0\r\n" + b" " * 100_000 + b"\r\n"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def address(shared: Any) -> AsyncIterator[tuple[str, int]]:
    """The service on a real socket."""
    config = uvicorn.Config(shared.app, port=0, lifespan="off", log_config=None, ws="none")
    server, listener = uvicorn.Server(config), config.bind_socket()
    listener.listen()
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    yield listener.getsockname()
    server.should_exit = True
    await serving


def head(key: str, length: str) -> bytes:
    line = f"POST /inventory-trigger HTTP/1.1\r\nhost: x\r\nx-api-key: {key}\r\n"
    return f"{line}content-type: application/json\r\n{length}\r\n\r\n".encode()


async def answer_to(address: tuple[str, int], head: bytes, body: list[bytes]) -> dict[str, Any]:
    """The problem document that a client gets which sends all of the body before it reads a byte."""
    async with asyncio.timeout(30):
        reader, writer = await asyncio.open_connection(*address)
        writer.write(head)
        for part in body:
            writer.write(part)
            await writer.drain()
        said = await reader.read()
        writer.close()
    headers, _, document = said.partition(b"\r\n\r\n")
    assert b"connection: close" in headers.lower()
    return dict(json.loads(document))


IN_CHUNKS = "transfer-encoding: chunked"


@pytest.mark.parametrize(
    ("key", "length", "code"),
    [
        (KEY, "content-length: 5000000", "body_too_large"),
        (KEY, IN_CHUNKS, "body_too_large"),
        ("wrong", IN_CHUNKS, "invalid_key"),
    ],
)
async def test_a_client_that_writes_5_mb_before_it_reads_gets_its_refusal(
    address: tuple[str, int], key: str, length: str, code: str
) -> None:
    body = [CHUNK] * 50 + [b"0\r\n\r\n"] if length == IN_CHUNKS else [b" " * 100_000] * 50

    document = await answer_to(address, head(key, length), body)

    assert document["code"] == code


@pytest.mark.parametrize("length", ["content-length: 30000000", IN_CHUNKS])
async def test_so_does_one_that_writes_30_mb(address: tuple[str, int], length: str) -> None:
    body = [CHUNK] * 300 + [b"0\r\n\r\n"] if length == IN_CHUNKS else [b" " * 100_000] * 300

    assert (await answer_to(address, head(KEY, length), body))["code"] == "body_too_large"


@pytest.mark.parametrize("length", ["content-length: 5000000", IN_CHUNKS])
async def test_who_waits_to_be_told_to_continue_is_told_to_or_refused(address: tuple[str, int], length: str) -> None:
    async with asyncio.timeout(30):
        reader, writer = await asyncio.open_connection(*address)
        writer.write(head(KEY, f"{length}\r\nexpect: 100-continue"))
        first = await reader.readline()
        if first.startswith(b"HTTP/1.1 100"):
            writer.write(CHUNK * 50 + b"0\r\n\r\n")
            await reader.readline()
            first = await reader.readline()
        writer.close()

    assert first.startswith(b"HTTP/1.1 413")


async def test_a_refused_body_that_has_ended_is_not_waited_for(address: tuple[str, int]) -> None:
    async with asyncio.timeout(doorkeeper.READ_ON_SECONDS - 1):
        await answer_to(address, head(KEY, IN_CHUNKS), [CHUNK] * 10 + [CHUNK + b"0\r\n\r\n"])


async def test_a_body_without_end_is_not_read_for_ever(address: tuple[str, int]) -> None:
    reader, writer = await asyncio.open_connection(*address)
    writer.write(head(KEY, IN_CHUNKS))
    sent = 0

    with suppress(ConnectionError):
        async with asyncio.timeout(30):
            while not reader.at_eof():
                writer.write(CHUNK)
                await writer.drain()
                sent += 100_000
                with suppress(TimeoutError):
                    await asyncio.wait_for(reader.read(1), 0.001)

    assert doorkeeper.READ_ON_BYTES <= sent < 2 * doorkeeper.READ_ON_BYTES
    writer.close()


@pytest.mark.parametrize("length", [[(b"content-length", b"5000000")], [(b"transfer-encoding", b"chunked")]])
async def test_who_is_refused_is_answered_before_the_body_is_read_on(shared: Any, length: list[Any]) -> None:
    happened: list[str] = []

    async def receive() -> dict[str, Any]:
        happened.append("read")
        return {"type": "http.request", "body": b" " * 100_000, "more_body": True}

    async def send(message: dict[str, Any]) -> None:
        happened.append(str(message.get("status", "body")))

    headers = [(b"content-type", b"application/json"), *length]
    scope = {"type": "http", "method": "POST", "path": "/inventory-trigger", "query_string": b"", "headers": headers}
    await shared.app(scope, receive, send)

    assert happened[0] in ("401", "413")
    assert happened[1:3] == ["body", "read"]
    assert happened[-1] == "body"
    assert happened.count("read") == doorkeeper.READ_ON_BYTES / 100_000


async def test_who_stops_in_the_middle_of_a_refused_body_is_waited_for_only_so_long(
    shared: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doorkeeper, "READ_ON_SECONDS", 0.01)
    sent: list[str] = []

    async def receive() -> dict[str, Any]:
        await asyncio.Event().wait()
        raise AssertionError

    async def send(message: dict[str, Any]) -> None:
        sent.append(message["type"])

    headers = [(b"transfer-encoding", b"chunked")]
    scope = {"type": "http", "method": "POST", "path": "/chat", "query_string": b"", "headers": headers}
    await shared.app(scope, receive, send)

    assert sent == ["http.response.start", "http.response.body", "http.response.body"]
