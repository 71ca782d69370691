"""Which threads are kept."""

from typing import Any

import pytest

from agent.state import DecisionRequest
from tests.agent.test_graph import REQUEST


async def _threads(runtime: Any) -> set[str]:
    return {each.config["configurable"]["thread_id"] async for each in runtime.checkpointer.alist(None)}


async def test_a_decision_that_is_over_leaves_no_thread(start: Any) -> None:
    runtime = await start()

    executed = await runtime.decide(REQUEST)
    nothing = await runtime.decide(DecisionRequest(product_id="COPPER_WIRE", mode="mock"))

    assert (executed.run.status, nothing.run.status) == ("executed", "no_action")
    assert await _threads(runtime) == set()


@pytest.mark.parametrize("decision", ["approve", "reject"])
async def test_a_waiting_review_keeps_its_thread_until_it_is_decided(start: Any, decision: str) -> None:
    runtime = await start(rules_model=False)
    waiting = await runtime.decide(REQUEST)
    before = await _threads(runtime)

    await runtime.decide_review(waiting.proposal.id, decision=decision, reason="Because.", decided_by="ada")
    await runtime.drain()

    assert before == {waiting.run.id}
    assert await _threads(runtime) == set()
    assert await runtime.book.runs.to_close() == []


async def test_a_chat_keeps_its_thread(start: Any) -> None:
    runtime = await start()

    answer = await runtime.chat("What is on order?", conversation_id=None, caller="ada")

    assert await _threads(runtime) == {f"chat-{answer.conversation_id}"}
