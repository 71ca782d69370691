"""Runs that are taken in now and carried out soon, here or by a worker, and by another when theirs is killed."""

import asyncio
import json
import signal
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from agent.settings import Settings
from tests.api.conftest import KEY, ROOT, X1, running
from tests.receiver import receiving
from tools.book.book import OrderBook
from tools.records.events import Receiver
from tools.storage.schema import runs
from tools.storage.types import NowPlus

ASYNC = {"Prefer": "respond-async"}


async def _until_ended(client: httpx.AsyncClient, address: str) -> dict[str, Any]:
    for _ in range(200):
        run = dict((await client.get(address)).json())
        if run["status"] not in ("queued", "running"):
            return run
        await asyncio.sleep(0.05)
    raise AssertionError(f"{address} has not ended in ten seconds")


async def test_a_trigger_that_prefers_so_is_answered_at_once_and_carried_out_soon(service: Any) -> None:
    response = await service.trigger(X1, **ASYNC)

    accepted = response.json()
    assert response.status_code == 202
    assert response.headers["location"] == accepted["status_url"] == f"/runs/{accepted['run_id']}"
    assert response.headers["preference-applied"] == "respond-async"
    assert (accepted["status"], accepted["standing"]) == ("queued", False)
    run = await _until_ended(service.client, response.headers["location"])
    assert (run["status"], run["result"]["order"]["number"][:3]) == ("executed", "PO-")


async def test_the_same_key_and_body_get_the_same_run(service: Any) -> None:
    first = await service.trigger(X1, **ASYNC, **{"Idempotency-Key": "a"})
    await _until_ended(service.client, first.headers["location"])
    second = await service.trigger(X1, **ASYNC, **{"Idempotency-Key": "a"})

    assert (second.status_code, second.json()["status"]) == (202, "executed")
    assert second.json() == {**first.json(), "status": "executed"}
    assert second.headers["location"] == first.headers["location"]
    assert second.headers["idempotency-replayed"] == "true"
    assert await service.count("runs") == 1


@pytest.mark.parametrize("other", ["wait=5", "respond-asynchronously", "handling=lenient; respond-async"])
async def test_other_preferences_change_nothing(service: Any, other: str) -> None:
    assert (await service.trigger(X1, Prefer=other)).status_code == 200


async def test_what_is_refused_is_refused_before_anything_is_recorded(service: Any, problem: Any) -> None:
    problem(await service.trigger({"product_id": "NO_SUCH", "mode": "mock"}, **ASYNC), 404, "unknown_product")
    problem(await service.trigger({**X1, "lead_time_days": -1}, **ASYNC), 422, "invalid_input")

    assert await service.count("runs") == 0


@pytest.mark.parametrize("preference", [{}, ASYNC])
async def test_fifty_triggers_at_once_for_one_need_are_one_run_and_one_order(service: Any, preference: Any) -> None:
    answers = await asyncio.gather(*[service.trigger(X1, **preference) for _ in range(50)])

    assert {answer.status_code for answer in answers} == {202 if preference else 200}
    assert len({answer.json()["run_id"] for answer in answers}) == 1
    await _until_ended(service.client, f"/runs/{answers[0].json()['run_id']}")
    assert (await service.count("runs"), await service.count("orders")) == (1, 1)


async def test_fifty_triggers_at_once_with_different_stock_place_one_order(start: Any) -> None:
    service = await start(run_deadline_seconds=40)  # They are decided one after the other, which a slow machine needs.
    bodies = [{**X1, "current_stock": 100 + number} for number in range(50)]

    answers = await asyncio.gather(*[service.trigger(body) for body in bodies])

    assert {answer.status_code for answer in answers} <= {200, 409}
    said = Counter(answer.json().get("status") for answer in answers)
    assert said["executed"] == await service.count("orders") == 1
    assert len((await service.client.get("/reviews")).json()["reviews"]) <= 1


async def test_beyond_the_queue_s_bound_nothing_is_recorded(start: Any, problem: Any) -> None:
    service = await start(max_runs_in_flight=2, work_runs=False)
    for number in range(32):
        assert (await service.trigger({**X1, "product_id": f"P{number}"}, **ASYNC)).status_code == 202

    refused = await service.trigger({**X1, "product_id": "P32"}, **ASYNC)

    problem(refused, 503, "overloaded")
    assert int(refused.headers["retry-after"]) > 0
    assert await service.count("runs") == 32


async def test_a_run_that_outlives_the_wait_is_named_and_found_by_the_next_sending(
    start: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Settings, "wait_seconds", 0.0)
    service = await start()
    place, go_on = service.book.orders.place, asyncio.Event()

    async def slow(run_id: str, **held: Any) -> Any:
        await go_on.wait()
        return await place(run_id, **held)

    monkeypatch.setattr(service.book.orders, "place", slow)
    response = await service.trigger(X1, **{"Idempotency-Key": "a"})
    go_on.set()
    run = await _until_ended(service.client, response.headers["location"])
    again = await service.trigger(X1, **{"Idempotency-Key": "a"})

    assert (response.status_code, "preference-applied" in response.headers) == (202, False)
    assert run["status"] == "executed"
    assert (again.status_code, again.json()["run_id"]) == (200, run["run_id"])


async def test_a_key_that_was_answered_with_another_s_run_stays_with_it_when_it_ordered_nothing(
    start: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Settings, "wait_seconds", 0.0)
    service = await start()
    enough = {**X1, "current_stock": 5_000}
    propose, go_on = service.book.orders.propose, asyncio.Event()

    async def slow(new: Any, **how: Any) -> Any:
        await go_on.wait()
        return await propose(new, **how)

    monkeypatch.setattr(service.book.orders, "propose", slow)
    begun = await service.trigger(enough, **{"Idempotency-Key": "a"})
    joined = await service.trigger(enough, **{"Idempotency-Key": "b"})
    go_on.set()
    run = await _until_ended(service.client, joined.headers["location"])
    again = await service.trigger(enough, **{"Idempotency-Key": "b"})

    assert (begun.status_code, joined.status_code, run["status"]) == (202, 202, "no_action")
    assert joined.json()["run_id"] == begun.json()["run_id"]
    assert (again.status_code, again.json()["run_id"]) == (200, begun.json()["run_id"])
    assert await service.count("runs") == 1


async def test_whoever_waits_is_answered_while_many_others_still_wait(start: Any) -> None:
    service = await start(max_runs_in_flight=4)
    for number in range(100):
        await service.trigger({**X1, "product_id": f"P{number}"}, **ASYNC)

    answer = await service.trigger({**X1, "product_id": "URGENT"})

    with service.book.database.engine.connect() as connection:
        waiting = connection.scalar(sa.text("SELECT count(*) FROM runs WHERE status = 'queued' AND lane = 'bulk'"))
    assert answer.json()["status"] == "executed"
    assert waiting > 20


async def test_queued_runs_are_carried_out_by_the_next_start(settings: Any, start: Any) -> None:
    first = await start(work_runs=False)
    addresses = [
        (await first.trigger({**X1, "product_id": f"P{number}"}, **ASYNC)).headers["location"] for number in range(5)
    ]

    second = await start()

    assert {(await _until_ended(second.client, address))["status"] for address in addresses} == {"executed"}


@pytest.fixture
def silent_provider() -> Iterator[dict[str, str]]:
    """A model's host that takes every request and never answers, as settings."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        yield {"GROQ_API_KEY": "gsk_" + "0" * 20, "MODEL_BASE_URLS": json.dumps({"groq": url}), "CHECK_MODELS": "false"}


async def _until(true: Callable[[], Awaitable[Any]]) -> None:
    async with asyncio.timeout(60):
        while not await true():  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def _statuses(book: OrderBook) -> Counter[str]:
    with book.database.engine.begin() as connection:
        return Counter(connection.scalars(sa.select(runs.c.status)))


async def _let_time_pass(book: OrderBook) -> None:
    """Until the leases of those who were killed are over, and their heart has not beaten for long."""
    with book.database.engine.begin() as connection:
        connection.execute(sa.update(runs).values(lease_until=NowPlus(-1.0)))
        if connection.dialect.name == "postgresql":
            beat = "UPDATE procrastinate_workers SET last_heartbeat = now() - interval '1 minute'"
            connection.exec_driver_sql(beat)


async def test_queued_runs_of_a_killed_server_are_finished_by_the_next_start(
    serve: Any, start: Any, tmp_path: Path, silent_provider: dict[str, str]
) -> None:
    killed = await asyncio.to_thread(serve, API_KEY=KEY, MAX_RUNS_IN_FLIGHT="4", **silent_provider)
    with killed.client() as client:
        for number in range(6):
            body = {**X1, "product_id": f"P{number}"}
            assert client.post("/inventory-trigger", json=body, headers=ASYNC).status_code == 202
        killed.kill()

    data = tmp_path / "data"
    url, memory = f"sqlite:///{data}/restock.db", data / "checkpoints.db"
    left = await _statuses((await start(database_url=url, checkpoint_path=memory, work_runs=False)).book)
    book = (await start(database_url=url, checkpoint_path=memory)).book

    async def all_executed() -> bool:
        return await _statuses(book) == {"executed": 6}

    assert left["queued"] >= 4
    assert left["executed"] == 0
    await _until(all_executed)
    assert len(await book.orders.page()) == 6


async def test_a_killed_server_s_runs_are_taken_up_elsewhere_once_its_lease_is_over(
    postgres_url: str, serve: Any, start: Any, silent_provider: dict[str, str]
) -> None:
    other = await start(database_url=postgres_url)
    killed = await asyncio.to_thread(
        serve, API_KEY=KEY, DATABASE_URL=postgres_url, MIGRATE_AT_START="false", **silent_provider
    )
    with ThreadPoolExecutor() as pool, killed.client() as client:
        waiting = pool.submit(client.post, "/inventory-trigger", json=X1)

        async def begun() -> bool:
            return await _statuses(other.book) == {"running": 1}

        await _until(begun)
        killed.kill()
        with pytest.raises(httpx.HTTPError):
            waiting.result()

    await other.runtime.work.resume()
    early = await _statuses(other.book)
    await _let_time_pass(other.book)
    await other.runtime.work.resume()

    async def executed() -> bool:
        return await _statuses(other.book) == {"executed": 1}

    await _until(executed)
    assert early == {"running": 1}
    assert len(await other.book.orders.page()) == 1


class Worker:
    """`restock worker` as a process of its own."""

    def __init__(self, folder: Path, url: str, **environment: str) -> None:
        settings = {
            "PATH": "/usr/bin:/bin",
            "PYTHONPATH": str(ROOT),
            "DATABASE_URL": url,
            "API_KEY": KEY,
            "MIGRATE_AT_START": "false",
            "WEBHOOK_ALLOW_PRIVATE": "true",
        }
        with (folder / "worker.txt").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-c", "from api.commands.cli import main; main()", "worker"],
                cwd=folder,
                env=settings | environment,
                stdout=log,
                stderr=log,
            )

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def stop(self) -> int:
        self._process.terminate()
        return self._process.wait(60)


@pytest.fixture
def work(tmp_path: Path, postgres_url: str) -> Iterator[Callable[..., Worker]]:
    started: list[Worker] = []

    def start_one(**environment: str) -> Worker:
        started.append(Worker(tmp_path, postgres_url, **environment))
        return started[-1]

    yield start_one
    for worker in started:
        worker.kill()


async def test_a_killed_worker_s_runs_are_finished_by_another(
    postgres_url: str, start: Any, work: Any, silent_provider: dict[str, str]
) -> None:
    server = await start(database_url=postgres_url, work_runs=False)
    killed = work(MAX_RUNS_IN_FLIGHT="4", **silent_provider)
    for number in range(6):
        await server.trigger({**X1, "product_id": f"P{number}"}, **ASYNC)

    async def begun() -> bool:
        return (await _statuses(server.book))["running"] > 0

    await _until(begun)
    await asyncio.to_thread(killed.kill)
    left = await _statuses(server.book)
    await _let_time_pass(server.book)
    await start(database_url=postgres_url)

    async def all_executed() -> bool:
        return await _statuses(server.book) == {"executed": 6}

    await _until(all_executed)
    assert left["queued"] > 0
    assert await server.count("orders") == 6


async def test_a_worker_carries_runs_out_tells_webhooks_and_stops_when_told(
    postgres_url: str, settings: Any, work: Any
) -> None:
    async with receiving() as receiver:
        told = {"url": receiver.url(), "secret": f"whsec_{'A' * 32}"}
        at_hand = {"database_url": postgres_url, "work_runs": False, "webhooks": (Receiver.model_validate(told),)}
        async with running(settings.model_copy(update=at_hand)) as server:
            accepted = (await server.trigger(X1, **ASYNC)).json()
        worker = work(WEBHOOKS=json.dumps([told]))
        await receiver.until(1, seconds=60)
        ended = await asyncio.to_thread(worker.stop)

    told = json.loads(receiver.received[0].body)
    assert (told["type"], told["data"]["run_id"]) == ("order.placed", accepted["run_id"])
    assert ended == -signal.SIGTERM
