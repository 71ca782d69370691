"""Many calls at once, and few: which connections they use."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import pytest_asyncio

from agent.models import connections
from agent.models.connections import SpreadTransport


class Counting:
    """A server that answers at once, and counts connections."""

    def __init__(self) -> None:
        self.opened = self.open = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.opened += 1
        self.open += 1
        try:
            while await reader.readuntil(b"\r\n\r\n"):
                await asyncio.sleep(0.02)
                writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")
        except asyncio.IncompleteReadError:
            self.open -= 1
            writer.close()


@pytest_asyncio.fixture
async def server() -> AsyncIterator[tuple[Counting, str]]:
    counting = Counting()
    async with await asyncio.start_server(counting.serve, "127.0.0.1", 0) as listening:
        port = listening.sockets[0].getsockname()[1]
        yield counting, f"http://127.0.0.1:{port}/"


@pytest_asyncio.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=SpreadTransport(verify=ssl.create_default_context())) as opened:
        yield opened


async def test_calls_one_after_another_share_a_connection(
    server: tuple[Counting, str], client: httpx.AsyncClient
) -> None:
    for _ in range(3):
        assert (await client.get(server[1])).text == "ok"

    assert server[0].opened == 1


async def test_calls_at_once_have_one_each_and_leave_them_to_those_after_them(
    server: tuple[Counting, str], client: httpx.AsyncClient
) -> None:
    for _ in range(2):
        await asyncio.gather(*(client.get(server[1]) for _ in range(20)))

    assert server[0].opened == 20


async def test_what_a_crowd_has_left_is_closed_after_a_while(
    server: tuple[Counting, str], client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    await asyncio.gather(*(client.get(server[1]) for _ in range(20)))
    monkeypatch.setattr(connections, "IDLE_SECONDS", 0.1)
    await asyncio.sleep(0.15)

    await client.get(server[1])

    await asyncio.sleep(0.1)
    assert server[0].open == 1


class Body(httpx.AsyncByteStream):
    left_open = 0

    def __init__(self) -> None:
        Body.left_open += 1

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield b"ok"

    async def aclose(self) -> None:
        Body.left_open -= 1


class SlowToClose(httpx.AsyncBaseTransport):
    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(float(request.url.path[1:]))
        return httpx.Response(200, stream=Body())

    async def aclose(self) -> None:
        await asyncio.sleep(0.05)


async def test_a_call_may_take_the_last_idle_pool_while_another_closes_what_a_crowd_has_left(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pools: Any = SpreadTransport(verify=ssl.create_default_context())
    pools._new_pool = SlowToClose
    async with httpx.AsyncClient(transport=pools, base_url="http://model") as client:
        await asyncio.gather(*(client.get("/0.01") for _ in range(2)))
        monkeypatch.setattr(connections, "IDLE_SECONDS", 0.1)
        await asyncio.sleep(0.15)

        closing = asyncio.create_task(client.get("/0"))
        await asyncio.sleep(0.02)
        await asyncio.gather(client.get("/0.1"), closing)


async def test_a_call_given_up_while_it_closes_what_a_crowd_has_left_leaves_no_answer_unread(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pools: Any = SpreadTransport(verify=ssl.create_default_context())
    pools._new_pool = SlowToClose
    async with httpx.AsyncClient(transport=pools, base_url="http://model") as client:
        await asyncio.gather(*(client.get("/0.01") for _ in range(3)))
        monkeypatch.setattr(connections, "IDLE_SECONDS", 0.1)
        await asyncio.sleep(0.15)

        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.03):
                await client.get("/0.01")

        assert Body.left_open == 0
