"""Runs that are taken in now and carried out soon, here or by a worker, and by another when theirs is killed."""

import asyncio
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.api.conftest import KEY, ROOT, X1

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

    assert (second.status_code, second.content) == (202, first.content)
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


async def test_fifty_triggers_at_once_with_different_stock_place_one_order_and_leave_no_review(service: Any) -> None:
    bodies = [{**X1, "current_stock": 100 + number} for number in range(50)]

    answers = await asyncio.gather(*[service.trigger(body) for body in bodies])

    assert {answer.status_code for answer in answers} <= {200, 409}
    assert len({answer.json()["run_id"] for answer in answers if answer.status_code == 200}) == 1
    assert (await service.count("orders"), await service.count("proposals")) == (1, 1)


async def test_beyond_the_queue_s_bound_nothing_is_recorded(start: Any, problem: Any) -> None:
    service = await start(max_runs_waiting=3, work_runs=False)
    for number in range(3):
        assert (await service.trigger({**X1, "product_id": f"P{number}"}, **ASYNC)).status_code == 202

    refused = await service.trigger({**X1, "product_id": "P3"}, **ASYNC)

    problem(refused, 503, "overloaded")
    assert int(refused.headers["retry-after"]) > 0
    assert await service.count("runs") == 3


async def test_a_run_that_outlives_the_wait_is_named_and_found_by_the_next_sending(
    start: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = await start(wait_seconds=0.05)
    place, go_on = service.book.place, asyncio.Event()

    async def slow(run_id: str, **held: Any) -> Any:
        await go_on.wait()
        return await place(run_id, **held)

    monkeypatch.setattr(service.book, "place", slow)
    response = await service.trigger(X1, **{"Idempotency-Key": "a"})
    go_on.set()
    run = await _until_ended(service.client, response.headers["location"])
    again = await service.trigger(X1, **{"Idempotency-Key": "a"})

    assert (response.status_code, "preference-applied" in response.headers) == (202, False)
    assert run["status"] == "executed"
    assert (again.status_code, again.json()["run_id"]) == (200, run["run_id"])


async def test_whoever_waits_is_answered_while_hundreds_of_others_still_wait(start: Any) -> None:
    service = await start(max_runs_in_flight=4)
    for number in range(300):
        await service.trigger({**X1, "product_id": f"P{number}"}, **ASYNC)

    answer = await service.trigger({**X1, "product_id": "URGENT"})

    waiting = await service.book.waiting_runs()
    assert answer.json()["status"] == "executed"
    assert waiting["bulk"] > 100


async def test_queued_runs_are_carried_out_by_the_next_start(settings: Any, start: Any) -> None:
    first = await start(work_runs=False)
    addresses = [
        (await first.trigger({**X1, "product_id": f"P{number}"}, **ASYNC)).headers["location"] for number in range(5)
    ]

    second = await start()

    assert {(await _until_ended(second.client, address))["status"] for address in addresses} == {"executed"}


class Worker:
    """`restock worker` as a process of its own."""

    def __init__(self, folder: Path, url: str) -> None:
        environment = {
            "PATH": "/usr/bin:/bin",
            "PYTHONPATH": str(ROOT),
            "DATABASE_URL": url,
            "API_KEY": KEY,
            "MIGRATE_AT_START": "false",
            "RUN_DEADLINE_SECONDS": "1",
        }
        with (folder / "worker.txt").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-c", "from api.cli import main; main()", "worker"],
                cwd=folder,
                env=environment,
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
def workers(tmp_path: Path, postgres_url: str) -> Iterator[Any]:
    started: list[Worker] = []

    def start_one() -> Worker:
        started.append(Worker(tmp_path, postgres_url))
        return started[-1]

    yield start_one
    for worker in started:
        worker.kill()


async def test_a_killed_worker_s_runs_are_finished_by_another(start: Any, workers: Any, postgres_url: str) -> None:
    server = await start(database_url=postgres_url, work_runs=False)
    killed = workers()
    accepted = [await server.trigger({**X1, "product_id": f"P{number}"}, **ASYNC) for number in range(40)]
    give_up = time.monotonic() + 60
    while (await server.count("orders")) < 5:
        assert time.monotonic() < give_up
        await asyncio.sleep(0.02)

    await asyncio.to_thread(killed.kill)
    left = (await server.book.waiting_runs())["bulk"]
    other = workers()
    while (await server.count("orders")) < 40:
        assert time.monotonic() < give_up
        await asyncio.sleep(0.1)
    ended = await asyncio.to_thread(other.stop)

    ends = [await _until_ended(server.client, answer.headers["location"]) for answer in accepted]
    assert left > 0
    assert {run["status"] for run in ends} == {"executed"}
    assert await server.count("orders") == 40
    assert ended == -signal.SIGTERM
