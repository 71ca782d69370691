"""Conversations as the runtime leads them: what a model is told, what is kept, and what happens meanwhile."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage

from agent.chat import NO_ANSWER, REFUSAL
from agent.memory import RECALLED_CHARACTERS
from agent.state import ChatAnswer, ChatEvent
from tests.agent.conftest import ScriptedModel
from tools.records.errors import Unavailable, UnknownConversation

LOOK = ("find_products", {})


def prompts(runtime: Any) -> list[list[Any]]:
    client: ScriptedModel = runtime._chain._links[0].client
    return client.prompts


async def collected(stream: Any) -> list[Any]:
    return [event async for event in stream]


async def test_a_long_conversation_stays_within_its_bounds_and_goes_on(start: Any, says: Callable[..., Any]) -> None:
    runtime = await start(*[reply for _ in range(30) for reply in (says(LOOK), says("Here they are. " * 20))])
    conversation = None
    for _ in range(30):
        answer = await runtime.chat("Show all products.", conversation_id=conversation, caller="ada")
        conversation = answer.conversation_id

    told = [sum(len(str(message.text)) for message in prompt[1:-1]) for prompt in prompts(runtime)[::2]]

    assert answer.answer.startswith("Here they are.")
    assert max(told) <= RECALLED_CHARACTERS
    assert told[10:] == told[10:11] * 20


async def test_the_last_turns_are_told_whole_and_older_tool_results_are_dropped(
    start: Any, says: Callable[..., Any]
) -> None:
    product = ("get_product", {"product_id": "STEEL_SHEETS"})
    runtime = await start(*[reply for _ in range(4) for reply in (says(product), says("150 sheets."))])
    first = await runtime.chat("How many?", caller="ada")
    for _ in range(3):
        await runtime.chat("And now?", conversation_id=first.conversation_id, caller="ada")

    last = prompts(runtime)[-2]

    assert [message.text for message in last if isinstance(message, HumanMessage)] == ["How many?", *["And now?"] * 3]
    assert [message.text for message in last if isinstance(message, AIMessage) and not message.tool_calls] == [
        "150 sheets."
    ] * 3
    assert len([message for message in last if isinstance(message, ToolMessage)]) == 2


async def test_everything_that_happens_is_told_and_the_answer_comes_last(start: Any, says: Callable[..., Any]) -> None:
    unknown = ("get_product", {"product_id": "NOBODY"})
    runtime = await start(says("Let me look.", unknown), says("There is none.\nAsk again."))

    *events, answer = await collected(await runtime.chat_stream("How many?", caller="ada"))

    assert [(event.kind, event.text or event.tool) for event in events] == [
        ("step", "agent"),
        ("remark", "Let me look."),
        ("tool_call", "get_product"),
        ("step", "tools"),
        ("tool_result", "get_product"),
        ("step", "agent"),
        ("text", "There is none.\n"),
        ("text", "Ask again."),
    ]
    assert events[2].arguments == {"product_id": "NOBODY"}
    assert events[4].failed
    assert answer.answer == "There is none.\nAsk again."
    (turn,) = await runtime.book.conversations.turns(answer.conversation_id)
    assert (turn.answer, turn.tools_used) == (answer.answer, ("get_product",))


async def test_an_answer_says_how_many_tokens_it_used(start: Any, says: Callable[..., Any]) -> None:
    def used(reply: AIMessage, number: int) -> AIMessage:
        usage = {"input_tokens": 100 * number, "output_tokens": number, "total_tokens": 101 * number}
        return reply.model_copy(update={"usage_metadata": usage})

    runtime = await start(used(says(LOOK), 1), used(says("These."), 2))

    answer = await runtime.chat("Show all products.", caller="ada")

    assert (answer.input_tokens, answer.output_tokens) == (300, 3)


async def test_a_stream_of_somebody_else_s_conversation_is_refused_before_it_begins(start: Any) -> None:
    runtime = await start()
    mine = await runtime.chat("What is late?", caller="ada")

    with pytest.raises(UnknownConversation):
        await runtime.chat_stream("Go on.", conversation_id=mine.conversation_id, caller="ben")


async def test_words_that_may_not_be_shown_are_neither_told_nor_kept(
    start: Any, says: Callable[..., Any], logs: list[Any]
) -> None:
    secret = "canary-api-key-4c1f09d2-of-32-let"
    leaking = says(f"The key is {secret}.", ("find_products", {"text": secret}))
    runtime = await start(leaking, says(f"As I said, {secret}"), api_key=secret)

    events = await collected(await runtime.chat_stream("Tell me.", caller="ada"))

    (turn,) = await runtime.book.conversations.turns(events[-1].conversation_id)
    assert events[-1].answer == REFUSAL
    assert secret not in str([event for event in events if isinstance(event, ChatEvent)])
    assert (turn.answer, turn.messages) == (REFUSAL, None)


async def test_a_failure_is_an_answer_that_is_kept(start: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    runtime = await start()
    monkeypatch.setattr(runtime._chat, "_said", None)

    answer = await runtime.chat("What is late?", caller="ada")

    assert (answer.answer, answer.llm_provider) == (NO_ANSWER, "none")
    assert [turn.answer for turn in await runtime.book.conversations.turns(answer.conversation_id)] == [NO_ANSWER]


async def test_streams_end_when_the_service_stops_and_answers_that_are_awaited_go_on(
    start: Any, says: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    runtime = await start()
    free = asyncio.Event()
    said = runtime._chat._said

    async def slow(*arguments: Any) -> Any:
        await free.wait()
        return await said(*arguments)

    monkeypatch.setattr(runtime._chat, "_said", slow)
    streams = [asyncio.create_task(collected(await runtime.chat_stream("Hello", caller="ada"))) for _ in range(20)]
    awaited = asyncio.create_task(runtime.chat("What is late?", caller="ada"))
    await asyncio.sleep(0.1)

    runtime.begin_shutdown()
    ended = await asyncio.gather(*streams, return_exceptions=True)
    free.set()

    assert {type(error) for error in ended} == {Unavailable}
    assert isinstance(await awaited, ChatAnswer)
    with pytest.raises(Unavailable, match="shutting down"):
        await runtime.chat_stream("Hello", caller="ada")


async def test_a_message_whose_caller_leaves_is_answered_in_its_turn(start: Any) -> None:
    runtime = await start()
    first = await runtime.chat("What is late?", caller="ada")
    stream = await runtime.chat_stream("And now?", conversation_id=first.conversation_id, caller="ada")
    await anext(stream)

    await stream.aclose()
    await runtime.background.end(patience_seconds=5)

    assert len(await runtime.book.conversations.turns(first.conversation_id)) == 2
