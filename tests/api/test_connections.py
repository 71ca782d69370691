"""Sockets held open for nothing: real ones, against the real server with short limits."""

import asyncio
import http.client
import json
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
import uvicorn
from fastapi import FastAPI

from agent.settings import Settings
from api import connections
from api.server import Server

KEY = "key-for-slow-sockets-6c1a"
HEAD = b"POST /inventory-trigger HTTP/1.1\r\nhost: x\r\nx-api-key: %s\r\ncontent-type: application/json\r\n"
LIVE = b"GET /health/live HTTP/1.1\r\nhost: x\r\n\r\n"
PATIENCE_SECONDS = 20


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory, start_process: Any) -> Any:
    return start_process(
        tmp_path_factory.mktemp("slow"),
        {
            "API_KEY": KEY,
            "REQUEST_HEADER_SECONDS": "1",
            "REQUEST_BODY_SECONDS": "1",
            "RESPONSE_WRITE_SECONDS": "1",
            "MAX_HELD_CONNECTIONS": "5",
            "MAX_CONNECTIONS": "40",
            "MAX_HEADER_BYTES": "4000",
            "MAX_BODY_BYTES": "20000",
        },
    )


@contextmanager
def connected(process: Any, *, receive_buffer: int = 65_536) -> Iterator[socket.socket]:
    address = urlsplit(process.url)
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        connection.settimeout(PATIENCE_SECONDS)
        connection.connect((address.hostname, address.port))
        yield connection


def everything(connection: socket.socket, *, dripping: bytes = b"") -> bytes:
    """All that the server says until it closes, while a byte follows every tenth of a second."""
    connection.settimeout(0.1)
    said, until = b"", time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < until:
        try:
            more = connection.recv(65_536)
            if not more:
                return said
            said += more
        except TimeoutError:
            if dripping:
                with suppress(ConnectionError):
                    connection.sendall(dripping)
        except ConnectionError:
            return said
    raise AssertionError("the connection is still open")


def problem_in(said: bytes) -> dict[str, Any]:
    """The problem document of the only answer."""
    head, _, body = said.partition(b"\r\n\r\n")
    assert b"content-type: application/problem+json" in head
    assert b"connection: close" in head
    document = dict(json.loads(body))
    assert head.startswith(b"HTTP/1.1 %d " % document["status"])
    return document


def alive(process: Any) -> bool:
    return httpx.get(f"{process.url}/health/live", timeout=10, trust_env=False).status_code == 200


@pytest.mark.parametrize(
    "begun",
    [b"", b"GET /", b"GET / HTTP/1.1\r\nhost: x\r\nx-slow: ", b"\r\n"],
    ids=["nothing", "half a line", "half a header", "an empty line"],
)
def test_a_header_that_never_ends_is_answered_408_and_closed(process: Any, begun: bytes) -> None:
    with connected(process) as connection:
        connection.sendall(begun)

        document = problem_in(everything(connection, dripping=b"a" if begun not in (b"", b"\r\n") else begun))

    assert (document["status"], document["code"]) == (408, "request_timeout")


@pytest.mark.parametrize("length", [b"content-length: 1000\r\n\r\n{", b"transfer-encoding: chunked\r\n\r\n1\r\n{\r\n"])
def test_a_body_that_never_ends_is_answered_408_and_closed(process: Any, length: bytes) -> None:
    with connected(process) as connection:
        connection.sendall(HEAD % KEY.encode() + length)

        document = problem_in(everything(connection, dripping=b"1\r\n \r\n" if b"chunked" in length else b" "))

    assert (document["status"], document["code"]) == (408, "request_timeout")


def test_a_body_that_goes_on_after_the_answer_is_cut_off(process: Any) -> None:
    with connected(process) as connection:
        connection.sendall(HEAD % b"wrong" + b"content-length: 1000\r\n\r\n{")

        said = everything(connection, dripping=b" ")

    assert said.startswith(b"HTTP/1.1 401 ")


def test_empty_lines_do_not_keep_an_idle_connection_open(process: Any) -> None:
    with connected(process) as connection:
        connection.sendall(LIVE)
        began = time.monotonic()

        said = everything(connection, dripping=b"\r\n")

    assert said.startswith(b"HTTP/1.1 200 ")
    assert time.monotonic() - began < 10


async def test_who_does_not_read_an_answer_is_cut_off() -> None:
    """The real server around an answer that no buffer of the system can hold."""
    over = asyncio.Event()

    async def endless(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for _ in range(100):
            await send({"type": "http.response.body", "body": b"a" * 1_000_000, "more_body": True})
        over.set()

    settings = Settings(_env_file=None, response_write_seconds=0.5)
    config = uvicorn.Config(
        endless, port=0, log_config=None, lifespan="off", http=connections.guarded(settings), ws="none"
    )
    server = Server(config, app=FastAPI(), settings=settings, once_listening=lambda: None)
    listener = config.bind_socket()
    listener.listen()
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    reader, writer = await asyncio.open_connection(*listener.getsockname(), limit=1_000)
    writer.write(LIVE)

    async with asyncio.timeout(PATIENCE_SECONDS):
        assert await reader.read(15) == b"HTTP/1.1 200 OK"
        await over.wait()

    writer.close()
    server.should_exit = True
    await serving


def test_requests_sent_ahead_of_their_turn_do_not_pile_up(process: Any) -> None:
    with connected(process) as connection:
        connection.sendall(LIVE * 2_000)

        said = everything(connection)

    assert b"malformed_request" in said
    assert said.count(b"HTTP/1.1 200 ") <= 100


def test_one_client_cannot_hold_many_connections_without_a_request(process: Any) -> None:
    with ExitStack() as stack:
        held = [stack.enter_context(connected(process)) for _ in range(30)]
        for connection in held:
            connection.sendall(b"GET / HTTP/1.1\r\nx-")
        answers = [problem_in(everything(connection)) for connection in held]

    assert {"overloaded", "request_timeout"} == {answer["code"] for answer in answers}
    assert sum(answer["code"] == "request_timeout" for answer in answers) <= 10
    assert alive(process)


def test_connections_beyond_the_limit_are_refused_with_a_time_to_come_back(process: Any) -> None:
    with ExitStack() as stack:
        for _ in range(40):
            stack.enter_context(connected(process)).sendall(LIVE)
        refused = [everything(stack.enter_context(connected(process))) for _ in range(5)]

    assert all(problem_in(each)["code"] == "overloaded" and b"retry-after: " in each for each in refused)
    assert alive(process)


@pytest.mark.parametrize("way", ["many lines", "one line", "an address", "all at once"])
def test_a_header_larger_than_the_limit_is_answered_431_before_it_ends(process: Any, way: str) -> None:
    begun = {
        "many lines": b"GET / HTTP/1.1\r\n" + b"".join(b"x-%d: aaaaaaaaaa\r\n" % number for number in range(300)),
        "one line": b"GET / HTTP/1.1\r\nx: " + b"a" * 5_000,
        "an address": b"GET /" + b"a" * 5_000,
        "all at once": b"GET / HTTP/1.1\r\nx: " + b"a" * 4_100 + b"\r\n\r\n",
    }
    with connected(process) as connection:
        connection.sendall(begun[way])

        document = problem_in(everything(connection))

    assert (document["status"], document["code"]) == (431, "header_too_large")


def test_trailers_without_end_are_cut_off(process: Any) -> None:
    with connected(process) as connection:
        connection.sendall(HEAD % KEY.encode() + b"transfer-encoding: chunked\r\n\r\n0\r\nx: ")

        document = problem_in(everything(connection, dripping=b"a" * 20_000))

    assert document["status"] in (408, 413)


def test_a_trailer_is_no_header(process: Any) -> None:
    chunked = b"POST /chat HTTP/1.1\r\nhost: x\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n0\r\n"
    with connected(process) as connection:
        connection.sendall(chunked + b"x-api-key: %s\r\n\r\n" % KEY.encode())

        assert problem_in(everything(connection))["code"] == "key_missing"


@pytest.mark.parametrize("said", [b"\x16\x03\x01\x02\x00\x01", b"hello\r\n\r\n", b"GET  HTTP/9.9\r\n\r\n"])
def test_what_is_not_http_is_a_problem_document_too(process: Any, said: bytes) -> None:
    with connected(process) as connection:
        connection.sendall(said)

        document = problem_in(everything(connection))

    assert (document["status"], document["code"]) == (400, "malformed_request")


def test_a_client_in_time_is_left_alone(process: Any) -> None:
    """Header and body in pieces, and a pause between two requests that is longer than any of the limits."""
    body = json.dumps({"product_id": "STEEL_SHEETS", "mode": "mock"}).encode()
    whole = HEAD % KEY.encode() + b"content-length: %d\r\n\r\n" % len(body) + body
    with connected(process) as connection:
        for _ in range(2):
            for start in range(0, len(whole), 60):
                connection.sendall(whole[start : start + 60])
                time.sleep(0.02)
            response = http.client.HTTPResponse(connection)
            response.begin()
            assert (response.status, json.loads(response.read())["product_id"]) == (200, "STEEL_SHEETS")
            time.sleep(1.7)
