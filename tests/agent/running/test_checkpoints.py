"""Which threads are kept."""

from typing import Any

import pytest
from langchain_core.messages import AIMessage
from langgraph.types import Command

from agent.running.work import graph_config
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


async def test_a_chat_leaves_no_thread(start: Any) -> None:
    runtime = await start()

    await runtime.chat("What is on order?", caller="ada")

    assert await _threads(runtime) == set()


async def test_a_thread_that_another_process_has_ended_meanwhile_asks_no_model(start: Any) -> None:
    runtime = await start(rules_model=False)
    waiting = await runtime.decide(REQUEST)
    late = await start(AIMessage("A call that costs money."))
    config = graph_config(waiting.run.id)
    resume = {each.id: True for each in (await late.graph.aget_state(config)).interrupts}

    await runtime.decide_review(waiting.proposal.id, decision="reject", reason="No.", decided_by="ada")
    await runtime.drain()
    await late.graph.ainvoke(Command(resume=resume), config, durability="exit")

    assert resume
    assert late.metrics.registry.get_sample_value("llm_calls_total", {"provider": "scripted", "status": "ok"}) is None
