"""Forgetting in the whole service: order book and workflow memory together, on each database."""

from typing import Any

import pytest
import sqlalchemy as sa

from agent.running.retention import Retention
from agent.runtime import Runtime, prune_once
from agent.settings import Settings
from agent.state import DecisionRequest
from tools.storage.caller_schema import conversations
from tools.storage.schema import runs
from tools.storage.types import NowPlus

QUESTION = "What is on order?"


@pytest.fixture(params=["sqlite", "postgresql"])
def stores(request: pytest.FixtureRequest, settings: Settings) -> Settings:
    if request.param == "sqlite":
        return settings
    return settings.model_copy(update={"database_url": request.getfixturevalue("postgres_url")})


async def age(runtime: Runtime, days: float) -> None:
    with runtime.book.database.engine.begin() as connection:
        past = NowPlus(-days * 86_400)
        connection.execute(sa.update(runs).where(runs.c.finished_at.is_not(None)).values(finished_at=past))
        connection.execute(sa.update(conversations).values(used_at=past))


async def threads(runtime: Runtime) -> set[str]:
    assert runtime.checkpointer
    return {entry.config["configurable"]["thread_id"] async for entry in runtime.checkpointer.alist(None)}


async def busy(start: Any, stores: Settings) -> tuple[Runtime, str, str, str]:
    """A runtime that has placed an order, waits for a person on another, and has chatted."""
    runtime: Runtime = await start(**stores.model_dump(), keep_finished_threads=True)
    placed = await runtime.decide(DecisionRequest(product_id="STEEL_SHEETS", mode="mock"))
    waiting = await runtime.decide(DecisionRequest(product_id="RUBBER_SHEETS", mode="mock"))
    chat = await runtime.chat(QUESTION, conversation_id=None, caller="ann")
    assert (placed.run.status, waiting.run.status) == ("executed", "pending_review")
    return runtime, placed.run.id, waiting.run.id, chat.conversation_id


async def test_old_threads_and_chats_go_and_orders_and_waiting_runs_stay(start: Any, stores: Settings) -> None:
    runtime, placed, waiting, chat = await busy(start, stores)
    assert await threads(runtime) == {placed, waiting}
    await age(runtime, days=100)

    pruned = await Retention(runtime.book, runtime.checkpointer, runtime.settings).prune()

    assert (pruned["chats"], pruned["requests"]) == (1, 1)
    assert await threads(runtime) == {waiting}
    assert await runtime.book.conversations.turns(chat) == []
    assert (await runtime.book.runs.get(placed)).order is not None
    approved = await runtime.decide_review(
        (await runtime.book.reviews.page("pending", 1, None))[0].id, decision="approve", reason="ok", decided_by="ann"
    )
    assert approved.run.status == "executed"


async def test_nothing_young_goes_and_zero_keeps_for_ever(start: Any, stores: Settings) -> None:
    runtime, placed, waiting, chat = await busy(start, stores)
    for_ever = runtime.settings.model_copy(update={"keep_chats_days": 0, "keep_requests_days": 0})

    young = await Retention(runtime.book, runtime.checkpointer, runtime.settings).prune()
    await age(runtime, days=10_000)
    kept = await Retention(runtime.book, runtime.checkpointer, for_ever).prune()

    assert not any(young.values())
    assert not any(kept.values())
    assert await threads(runtime) == {placed, waiting}
    assert len(await runtime.book.conversations.turns(chat)) == 1


async def test_one_can_prune_beside_a_serving_process(start: Any, stores: Settings) -> None:
    runtime, *_ = await busy(start, stores)
    await age(runtime, days=100)

    pruned = await prune_once(runtime.settings)

    assert pruned["requests"] == 1
    assert not any((await prune_once(runtime.settings)).values())
