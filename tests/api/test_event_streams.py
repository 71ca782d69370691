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
ONE_SESSION = "import api.door.session_streams as streams; streams.MOST_OF_A_SESSION = 2; streams.LOOK_SECONDS = 0.2"


@contextmanager
def signed_in(url: str, key: str = KEY) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=url, timeout=20, trust_env=False, headers={"Origin": url}) as client:
        assert client.post("/desk/sign-in", data={"key": key}).status_code == 303
        yield client


def lasting_sweep(client: httpx.Client, supplier: str = "Midwest Metals Company") -> str:
    """The address of a sweep that nobody carries out. A second one over the same products ends at once."""
    found = re.search(r'name="csrf" value="(\w+)"', client.get("/desk/sweeps").text)
    assert found
    begun = client.post("/desk/sweeps", data={"csrf": found[1], "once": "1", "supplier": supplier})
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


def opens_again(client: httpx.Client, address: str) -> bool:
    """Whether a stream is told of progress, once the places of those before are given back."""
    until = time.monotonic() + 10
    while time.monotonic() < until:
        with client.stream("GET", address) as stream:
            if stream.status_code == 200:
                return event(stream.iter_lines())[0] == "progress"
        time.sleep(0.05)
    return False


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, start_process: Callable[..., Any]) -> Any:
    """It carries out no runs, so that a sweep lasts, and gives them up soon when it stops."""
    settings = {"API_KEY": KEY, "CHECK_MODELS": "false", "WORK_RUNS": "false", "RUN_DEADLINE_SECONDS": "0.5"}
    return start_process(tmp_path_factory.mktemp("streams"), settings | {"MAX_CONCURRENT_REQUESTS": "2"}, first=LIMIT)


@pytest.fixture(scope="module")
def watchful(tmp_path_factory: pytest.TempPathFactory, start_process: Callable[..., Any]) -> Any:
    """It lets a session open two streams, and looks five times a second whether the session lasts."""
    settings = {"API_KEY": KEY, "CHECK_MODELS": "false", "WORK_RUNS": "false", "RUN_DEADLINE_SECONDS": "0.5"}
    return start_process(tmp_path_factory.mktemp("sessions"), settings, first=ONE_SESSION)


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
        assert opens_again(client, address)


@pytest.mark.slow
def test_one_session_cannot_take_the_streams_of_all(watchful: Any) -> None:
    with signed_in(watchful.url) as client, signed_in(watchful.url) as other:
        address = f"{lasting_sweep(client)}/events"
        with client.stream("GET", address), client.stream("GET", address):
            refused = client.get(address)
            assert refused.status_code == 503
            assert "2 pages of yours show progress at once" in refused.text
            with other.stream("GET", address) as stream:
                assert event(stream.iter_lines())[0] == "progress"
        assert opens_again(client, address)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("end", "supplier"), [("revoked", "Guardian Safety Wear"), ("signed out", "Keystone Fasteners")]
)
def test_a_stream_ends_with_its_key_and_with_its_session(watchful: Any, end: str, supplier: str) -> None:
    with httpx.Client(base_url=watchful.url, trust_env=False, headers={"X-API-Key": KEY}) as program:
        made = program.post("/keys", json={"name": "Anna", "scopes": ["read", "trigger"]}).json()
        with signed_in(watchful.url, made["key"]) as client:
            address = f"{lasting_sweep(client, supplier)}/events"
            page = client.get("/desk").text
            with client.stream("GET", address) as stream:
                lines = stream.iter_lines()
                assert event(lines)[0] == "progress"
                if end == "revoked":
                    assert program.delete(f"/keys/{made['id']}").is_success
                else:
                    token = re.search(r'name="csrf" value="(\w+)"', page)
                    assert token
                    client.post("/desk/sign-out", data={"csrf": token[1]})
                began = time.monotonic()
                assert "event: end" not in list(lines)
                assert time.monotonic() - began < 5
            assert client.get(address).headers["location"].startswith("/desk/sign-in")


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
