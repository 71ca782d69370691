"""Streams of events over a real server: cut and opened again, at most so many, and no hindrance to a stop."""

import json
import re
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from tests.api.conftest import KEY

LIMIT = "import api.door.doorkeeper as door; door.MAX_STREAMS = 3"


@contextmanager
def signed_in(url: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=url, timeout=20, trust_env=False, headers={"Origin": url}) as client:
        assert client.post("/desk/sign-in", data={"key": KEY}).status_code == 303
        yield client


def lasting_sweep(client: httpx.Client) -> str:
    """The address of a sweep that nobody carries out."""
    found = re.search(r'name="csrf" value="(\w+)"', client.get("/desk/sweeps").text)
    assert found
    begun = client.post("/desk/sweeps", data={"csrf": found[1], "once": "1", "supplier": "Midwest Metals Company"})
    return str(begun.headers["location"])


def event(lines: Iterator[str]) -> tuple[str, Any]:
    """The next event of a stream. Its lines must be kept: without them the stream is closed."""
    name = ""
    for line in lines:
        if line.startswith("event: "):
            name = line.removeprefix("event: ")
        if line.startswith("data: "):
            return name, json.loads(line.removeprefix("data: "))
    raise AssertionError("The stream has ended.")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, start_process: Callable[..., Any]) -> Any:
    """It carries out no runs, so that a sweep lasts, and gives them up soon when it stops."""
    settings = {"API_KEY": KEY, "CHECK_MODELS": "false", "WORK_RUNS": "false", "RUN_DEADLINE_SECONDS": "0.5"}
    return start_process(tmp_path_factory.mktemp("streams"), settings | {"MAX_CONCURRENT_REQUESTS": "2"}, first=LIMIT)


@pytest.mark.slow
def test_a_stream_that_is_cut_is_opened_again_and_tells_the_present_state(server: Any) -> None:
    with signed_in(server.url) as client:
        address = lasting_sweep(client)
        for _ in range(5):  # more than may be open at once: each that is cut gives its place back
            with client.stream("GET", f"{address}/events") as stream:
                assert stream.headers["content-type"].startswith("text/event-stream")
                assert stream.headers["x-accel-buffering"] == "no"  # what deploy/nginx.conf goes by
                name, data = event(stream.iter_lines())
            assert (name, data) == ("progress", {"done": 0, "total": 5, "words": "0 of 5 decided"})


@pytest.mark.slow
def test_streams_have_a_limit_of_their_own_and_are_no_requests_at_once(server: Any) -> None:
    with signed_in(server.url) as client:
        address = f"{lasting_sweep(client)}/events"
        with client.stream("GET", address), client.stream("GET", address), client.stream("GET", address):
            refused = client.get(address)
            assert (refused.status_code, refused.headers["retry-after"]) == (503, "3")
            assert "Too many streams of events are open at once." in refused.text
            assert client.get("/desk/sweeps").status_code == 200
        assert client.get("/desk").status_code == 200
        with client.stream("GET", address) as again:
            assert event(again.iter_lines())[0] == "progress"


@pytest.mark.slow
def test_a_stream_needs_a_session(server: Any) -> None:
    with httpx.Client(base_url=server.url, trust_env=False) as stranger:
        answer = stranger.get("/desk/sweeps/1/events")
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/desk/sign-in")


@pytest.mark.slow
def test_a_server_with_open_streams_stops_soon_and_says_no_end_that_is_none(server: Any) -> None:
    with signed_in(server.url) as client:
        address = f"{lasting_sweep(client)}/events"
        with client.stream("GET", address) as one, client.stream("GET", address) as two:
            lines = one.iter_lines(), two.iter_lines()
            assert [event(each)[0] for each in lines] == ["progress", "progress"]
            began = time.monotonic()
            server.send(signal.SIGTERM)
            left = [line for each in lines for line in each]
        assert server.wait() in (0, -signal.SIGTERM)
        assert time.monotonic() - began < 5
    assert "event: end" not in left
