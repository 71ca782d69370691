"""How often one may ask, and what happens to who asks more often."""

import asyncio
import io
import signal
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr
from starlette.requests import Request

from api.door import rate_limits
from api.door.auth import digest, new_key
from api.door.rate_limits import client_of
from benchmarks.server import free_port
from tests.daemons import Daemon, program_or_skip
from tests.order_book import store_key

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
    await store_key(service.book, digest(key.encode()), key[:10], "erp", "read")
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
def redis(tmp_path: Path) -> Iterator[Daemon]:
    program = program_or_skip("redis-server")
    port = free_port()
    command = [program, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(tmp_path)]
    daemon = Daemon(command, port)
    with daemon:
        yield daemon


def url_of(redis: Daemon) -> SecretStr:
    return SecretStr(f"redis://127.0.0.1:{redis.port}/0")


async def statuses(*services: Any) -> list[int]:
    """Of one request to each, in turn."""
    return [(await service.client.get("/orders")).status_code for service in services]


async def test_a_real_redis_counts_for_all_processes_and_may_go_and_come_back(
    start: Any, redis: Daemon, monkeypatch: pytest.MonkeyPatch, log: io.StringIO
) -> None:
    monkeypatch.setattr(rate_limits, "REDIS_PAUSE_SECONDS", 0.0)
    limits = {"rate_limit_storage": url_of(redis), "rate_limit_per_key": "4/hour"}
    one, two = await start(**limits), await start(**limits)

    assert await statuses(one, two, one, two, one, two) == [200] * 4 + [429] * 2
    redis.stop()
    assert await statuses(one, one, one, one, one) == [200] * 4 + [429]
    assert await statuses(two, two, two, two, two) == [200] * 4 + [429]
    redis.start()
    assert await statuses(one, two, one, two, one, two) == [200] * 4 + [429] * 2
    assert "rate_limit_storage_failed" in log.getvalue()


async def test_an_address_that_tries_many_keys_is_counted_by_all_processes(start: Any, redis: Daemon) -> None:
    limits = {"rate_limit_storage": url_of(redis), "rate_limit_failed_keys": "3/hour"}
    one, two = await start(**limits), await start(**limits)

    async with from_address(one, "203.0.113.7", **BAD) as here, from_address(two, "203.0.113.7", **BAD) as there:
        answers = [(await guesser.get("/orders")).status_code for guesser in (here, there, here, there, here)]

    assert answers == [401, 401, 401, 429, 429]


async def test_a_redis_that_hangs_holds_nobody_up(start: Any, redis: Daemon) -> None:
    service = await start(rate_limit_storage=url_of(redis), rate_limit_per_key="4/hour")
    assert await statuses(service) == [200]

    redis.send(signal.SIGSTOP)
    async with asyncio.timeout(10):
        waited = await statuses(service, service, service, service, service)
    redis.send(signal.SIGCONT)

    assert waited == [200] * 4 + [429]


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
