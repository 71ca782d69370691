"""Callers beyond the places of a process: in turn, in time, or refused with nothing begun."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from agent import decisions
from tests.api.conftest import X1
from tools.records.errors import Overloaded


@pytest.fixture
async def busy(start: Any, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[tuple[Any, asyncio.Event]]:
    """A service whose only place for callers is taken, by a run that goes on when told."""
    service, begun, go_on = await start(max_runs_in_flight=2), asyncio.Event(), asyncio.Event()
    place = service.book.orders.place

    async def slow(run_id: str, **held: Any) -> Any:
        begun.set()
        await go_on.wait()
        return await place(run_id, **held)

    monkeypatch.setattr(service.book.orders, "place", slow)
    first = asyncio.create_task(service.trigger({**X1, "product_id": "FIRST"}))
    await begun.wait()
    yield service, go_on
    go_on.set()
    assert (await first).status_code == 200


async def test_callers_wait_for_a_place_in_turn_before_anything_is_recorded(
    busy: tuple[Any, asyncio.Event],
) -> None:
    service, go_on = busy
    waiting = [asyncio.create_task(service.trigger({**X1, "product_id": f"P{number}"})) for number in range(3)]
    queued = await service.trigger({**X1, "product_id": "LATER"}, Prefer="respond-async")
    recorded = await service.count("runs")
    go_on.set()

    answers = await asyncio.gather(*waiting)

    assert (recorded, queued.status_code) == (2, 202)
    assert [answer.json()["status"] for answer in answers] == ["executed"] * 3
    numbers = [answer.json()["order"]["number"] for answer in answers]
    assert numbers == sorted(numbers)


async def test_a_caller_who_gets_no_place_in_time_is_refused_and_has_begun_nothing(
    busy: tuple[Any, asyncio.Event], problem: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decisions, "WAIT_BEYOND_DEADLINE_SECONDS", 0.05)
    service, _ = busy

    refused = await service.trigger({**X1, "product_id": "P1"})

    problem(refused, 503, "overloaded")
    assert int(refused.headers["retry-after"]) > 0
    assert await service.count("runs") == 1


async def test_callers_who_wait_for_a_place_when_the_service_closes_have_begun_nothing(
    busy: tuple[Any, asyncio.Event], problem: Any
) -> None:
    service, go_on = busy
    waiting = [asyncio.create_task(service.trigger({**X1, "product_id": f"P{number}"})) for number in range(2)]
    await asyncio.sleep(0.1)
    service.runtime.begin_shutdown()
    go_on.set()

    for answer in await asyncio.gather(*waiting):
        problem(answer, 503, "unavailable")
    assert await service.count("runs") == 1


async def test_who_would_wait_too_long_is_refused_before_anything_is_read(
    start: Any, problem: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = await start()

    def refuse() -> None:
        raise Overloaded("Many callers wait already. Try again in a few seconds.")

    monkeypatch.setattr(service.runtime, "require_time", refuse)
    broken = {"content": b"{", "headers": {"Content-Type": "application/json"}}

    refused = await service.client.post("/inventory-trigger", **broken)
    read = await service.client.post("/chat", **broken)
    queued = await service.trigger(X1, Prefer="respond-async")

    problem(refused, 503, "overloaded")
    assert int(refused.headers["retry-after"]) > 0
    problem(read, 400, "malformed_json")
    assert queued.status_code == 202
