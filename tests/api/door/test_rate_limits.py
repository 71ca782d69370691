"""How often one may ask, and what happens to who asks more often."""

import asyncio
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr
from starlette.requests import Request

from api.door.auth import digest, new_key
from api.door.rate_limits import Limit, client_of

BAD = {"X-API-Key": "opens-nothing"}


def from_address(service: Any, address: str, **headers: str) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app=service.app, client=(address, 4711))
    return httpx.AsyncClient(transport=transport, base_url="http://service", headers=headers)


async def test_a_key_that_asks_too_often_is_told_when_to_come_back(start: Any, problem: Any) -> None:
    service = await start(rate_limit_per_key="3/hour")
    answers = [await service.client.get("/orders") for _ in range(5)]

    assert [answer.status_code for answer in answers] == [200, 200, 200, 429, 429]
    document = problem(answers[-1], 429, "rate_limited")
    headers = answers[-1].headers
    assert 0 < int(headers["retry-after"]) <= 3_600
    assert headers["ratelimit-limit"] == "3"
    assert headers["ratelimit-remaining"] == "0"
    assert headers["ratelimit-reset"] == headers["retry-after"]
    assert headers["retry-after"] in document["detail"]


async def test_each_key_has_its_own_allowance(start: Any) -> None:
    service = await start(rate_limit_per_key="2/hour")
    key = new_key()
    await service.book.keys.store(digest(key.encode()), key[:10], "erp", ["read"])
    for _ in range(3):
        await service.client.get("/orders")

    response = await service.client.get("/orders", headers={"X-API-Key": key})

    assert response.status_code == 200


async def test_probes_answer_whoever_asks_too_often(start: Any) -> None:
    service = await start(rate_limit_per_key="1/hour", rate_limit_failed_keys="1/hour")
    for headers in ({}, BAD) * 3:
        await service.client.get("/orders", headers=headers)

    for address in ("/", "/health/live", "/health/ready"):
        assert (await service.client.get(address, headers=BAD)).status_code == 200


async def test_an_address_that_tries_many_keys_is_blocked_and_others_are_not(start: Any, problem: Any) -> None:
    service = await start(rate_limit_failed_keys="3/hour")
    async with from_address(service, "203.0.113.7", **BAD) as guesser:
        answers = [await guesser.get("/orders") for _ in range(5)]
    async with from_address(service, "203.0.113.8", **BAD) as other:
        elsewhere = await other.get("/orders")

    assert [answer.status_code for answer in answers] == [401, 401, 401, 429, 429]
    problem(answers[-1], 429, "rate_limited")
    assert int(answers[-1].headers["retry-after"]) > 0
    assert elsewhere.status_code == 401


async def test_a_guess_that_is_right_gains_nothing_once_the_address_is_blocked(start: Any) -> None:
    service = await start(rate_limit_failed_keys="2/hour")
    async with from_address(service, "203.0.113.7") as guesser:
        for _ in range(3):
            await guesser.get("/orders", headers=BAD)

        right = await guesser.get("/orders", headers={"X-API-Key": service.client.headers["X-API-Key"]})

    assert right.status_code == 429


async def test_a_key_that_was_good_before_gets_through_from_a_blocked_address(start: Any) -> None:
    service = await start(rate_limit_failed_keys="2/hour")
    good = {"X-API-Key": service.client.headers["X-API-Key"]}
    async with from_address(service, "203.0.113.7") as shared_address:
        assert (await shared_address.get("/orders", headers=good)).status_code == 200
        for _ in range(3):
            await shared_address.get("/orders", headers=BAD)

        assert (await shared_address.get("/orders", headers=BAD)).status_code == 429
        assert (await shared_address.get("/orders", headers=good)).status_code == 200


async def test_a_block_ends(start: Any) -> None:
    service = await start(rate_limit_failed_keys="1/second")
    async with from_address(service, "203.0.113.7", **BAD) as guesser:
        answers = [await guesser.get("/orders") for _ in range(2)]
        await asyncio.sleep(float(answers[-1].headers["retry-after"]) + 1)

        assert [answer.status_code for answer in answers] == [401, 429]
        assert (await guesser.get("/orders")).status_code == 401


async def test_limits_can_be_switched_off(start: Any) -> None:
    service = await start(rate_limit_per_key="off", rate_limit_failed_keys="off")

    assert {(await service.client.get("/orders", headers=BAD)).status_code for _ in range(120)} == {401}


def test_addresses_of_one_ipv6_network_are_one_client() -> None:
    def seen(host: str) -> str:
        return client_of(Request({"type": "http", "client": (host, 1), "headers": []}))

    assert seen("2001:db8:1:2:3::4") == seen("2001:db8:1:2:ffff::1") != seen("2001:db8:1:3::1")
    assert seen("203.0.113.7") == "203.0.113.7"


@pytest.fixture
def redis_port(tmp_path: Path) -> Iterator[int]:
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("redis-server is not installed (Debian: apt-get install redis-server)")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    command = [program, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as server:
        try:
            _wait_for(port)
            yield port
        finally:
            server.terminate()


def _wait_for(port: int) -> None:
    until = time.monotonic() + 20
    while time.monotonic() < until:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError("redis-server does not answer")


async def test_processes_count_together_in_redis(redis_port: int) -> None:
    one, two = (Limit("key", "3/hour", f"redis://127.0.0.1:{redis_port}/0") for _ in range(2))

    waits = [await limit.wait("erp") for limit in (one, two, one, two)]

    assert waits[:3] == [0, 0, 0]
    assert 0 < waits[3] <= 3_600
    assert await one.wait("another") == 0
    await one.aclose()
    await two.aclose()


async def test_where_redis_is_away_each_process_counts_for_itself(start: Any) -> None:
    with socket.socket() as unheard:
        unheard.bind(("127.0.0.1", 0))
        nobody = SecretStr(f"redis://:secret@127.0.0.1:{unheard.getsockname()[1]}/0")
        service = await start(rate_limit_storage=nobody, rate_limit_per_key="3/hour", rate_limit_failed_keys="3/hour")

        answers = [(await service.client.get("/orders")).status_code for _ in range(5)]
        async with from_address(service, "203.0.113.7", **BAD) as guesser:
            guesses = [(await guesser.get("/orders")).status_code for _ in range(5)]

    assert answers == [200, 200, 200, 429, 429]
    assert guesses == [401, 401, 401, 429, 429]


async def test_more_requests_at_once_than_can_be_served_are_refused_and_the_probes_are_not(
    start: Any, problem: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = await start(max_concurrent_requests=2)
    busy, go_on = asyncio.Event(), asyncio.Event()
    look = service.book.orders.page

    async def slow(*arguments: Any) -> Any:
        busy.set()
        await go_on.wait()
        return await look(*arguments)

    monkeypatch.setattr(service.book.orders, "page", slow)
    running = [asyncio.create_task(service.client.get("/orders")) for _ in range(2)]
    await busy.wait()

    refused = await service.client.get("/reviews")
    probes = [await service.client.get(address) for address in ("/", "/health/live", "/health/ready", "/metrics")]
    go_on.set()

    problem(refused, 503, "overloaded")
    assert int(refused.headers["retry-after"]) > 0
    assert [probe.status_code for probe in probes] == [200, 200, 200, 200]
    assert [(await each).status_code for each in running] == [200, 200]
    assert (await service.client.get("/reviews")).status_code == 200
