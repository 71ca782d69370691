"""Conversations as the runtime leads them: what a model is told, what is kept, and what happens meanwhile."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage, messages_from_dict
from langchain_core.outputs import ChatResult

from agent.chat import MOST_OPEN, NO_ANSWER, REFUSAL, STOPPED
from agent.evidence import unverified
from agent.memory import RECALLED_CHARACTERS, known
from agent.models import Link
from agent.rules import QUESTIONS, QUESTIONS_WITH_SLOTS
from agent.runtime import open_runtime
from agent.settings import Settings
from agent.state import ChatAnswer, ChatEvent
from tests.agent.conftest import ScriptedModel
from tools.records.errors import InFlight, Unavailable, UnknownConversation

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


ORDERS = ("find_orders", {})
REORDER = ("calculate_reorder", {"product_id": "STEEL_SHEETS"})


async def test_what_no_lookup_shows_is_marked_in_a_models_answer_and_kept_so(
    start: Any, says: Callable[..., Any]
) -> None:
    runtime = await start(says(REORDER), says("Order 1,200 sheets for €31,000, as PO-2026-000077 did."))

    answer = await runtime.chat("Should I reorder STEEL_SHEETS?", caller="ada")

    (turn,) = await runtime.book.conversations.turns(answer.conversation_id)
    assert answer.unverified == turn.unverified == ("€31,000", "PO-2026-000077")
    assert answer.answer == turn.answer
    assert answer.answer.endswith("\n\nUnverified: €31,000; PO-2026-000077. No lookup of this conversation shows them.")


async def test_an_answer_made_of_results_and_of_the_question_has_no_mark(start: Any, says: Callable[..., Any]) -> None:
    words = (
        "You have 150; order 1,200 (reorder point 1,127, about 980 until it comes). 600, as you said, is too little."
    )
    runtime = await start(says(REORDER), says(words))

    answer = await runtime.chat("Why not 600 STEEL_SHEETS?", caller="ada")

    assert (answer.answer, answer.unverified) == (words, ())


async def test_a_product_that_was_not_looked_up_is_marked(start: Any, says: Callable[..., Any]) -> None:
    runtime = await start(says(REORDER), says("STEEL_SHEETS are short, and so are RUBBER_SHEETS."))

    assert (await runtime.chat("What is short?", caller="ada")).unverified == ("RUBBER_SHEETS",)


async def test_what_was_verified_stays_so_in_later_turns_and_what_was_not_does_not(
    start: Any, says: Callable[..., Any]
) -> None:
    told = says("Order 1,200, worth 77,777.00 USD.")
    hello = says("Good.")
    again = says("As I said: order 1,200, worth 77,777.00 USD.")
    runtime = await start(says(REORDER), told, hello, hello, hello, again)
    first = await runtime.chat("Should I reorder STEEL_SHEETS?", caller="ada")
    for _ in range(3):
        await runtime.chat("Thanks.", conversation_id=first.conversation_id, caller="ada")

    last = await runtime.chat("How much was it?", conversation_id=first.conversation_id, caller="ada")

    assert first.unverified == last.unverified == ("77,777.00 USD",)


async def test_answers_of_the_rules_are_made_of_results(start: Any) -> None:
    runtime = await start()
    slots = {"product": "STEEL_SHEETS", "supplier": "Midwest Metals Company", "location": "Chicago"}
    slots |= {"order": "PO-2026-000001", "number": "PO-2026-000001"}
    asked = [*QUESTIONS, *(question.format_map(defaultdict(str, slots)) for question in QUESTIONS_WITH_SLOTS)]
    products, checked = await runtime._product_names(), 0
    for question in asked:
        answer = await runtime.chat(question, caller="ada")
        (turn,) = await runtime.book.conversations.turns(answer.conversation_id)
        if answer.tools_used and "I can't" not in answer.answer:
            checked += 1
            evidence = known(messages_from_dict(list(turn.messages or ())))
            assert unverified(answer.answer, evidence, products) == (), question

    assert checked >= 10


async def test_a_question_is_kept_before_it_is_answered_and_says_so_if_the_service_stops(
    start: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    runtime = await start()

    async def never(*_: Any) -> Any:
        await asyncio.Event().wait()

    monkeypatch.setattr(runtime._chat, "_said", never)
    question = await runtime.ask("What is late?", caller="ada")
    (asked,) = await runtime.book.conversations.turns(question.conversation_id)
    follower = asyncio.create_task(collected(question.follow()))
    await asyncio.sleep(0.05)
    runtime.begin_shutdown()
    with pytest.raises(Unavailable):
        await follower
    await runtime.background.end(patience_seconds=5)

    (ended,) = await runtime.book.conversations.turns(question.conversation_id)
    assert (asked.question, asked.answer, asked.answered_at) == ("What is late?", "", None)
    assert ended.answer == STOPPED
    assert ended.answered_at is not None


async def test_a_question_can_be_followed_by_many_from_anywhere(start: Any, says: Callable[..., Any]) -> None:
    runtime = await start(says(ORDERS), says("None.\nNot one."))
    question = await runtime.ask("What is on order?", caller="ada")

    assert runtime.open_question(question.conversation_id, question.number) is question
    whole, again = await asyncio.gather(collected(question.follow()), collected(question.follow()))
    rest = await collected(question.follow(len(whole) - 3))

    assert whole == again
    assert rest == whole[-3:]
    assert rest[-1].answer == "None.\nNot one."
    assert runtime.open_question(question.conversation_id, question.number) is None


async def test_a_caller_has_at_most_five_open_questions(start: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    runtime = await start()
    monkeypatch.setattr(runtime._chat, "_said", lambda *_: asyncio.Event().wait())
    for _ in range(MOST_OPEN):
        await runtime.ask("What is late?", caller="ada")

    with pytest.raises(InFlight, match="5 questions of yours"):
        await runtime.ask("What is late?", caller="ada")
    await runtime.ask("What is late?", caller="ben")
    runtime.begin_shutdown()
    with pytest.raises(Unavailable, match="shutting down"):
        await runtime.ask("What is late?", caller="ben")


class Chatting(ScriptedModel):
    """Leaves decisions to the rules, and takes no more characters than its window."""

    window: int = 10**9

    def bind_tools(self, tools: Sequence[Any], *, tool_choice: str | None = None, **kwargs: Any) -> Any:
        decides = any(tool["function"]["name"] == "submit_order" for tool in tools)
        return self.bind(tool_choice=tool_choice, decides=decides)

    def _generate(self, messages: list[BaseMessage], *args: Any, **kwargs: Any) -> ChatResult:
        sent = sum(len(str(message.text)) for message in messages)
        if kwargs["decides"] or sent > self.window:
            raise ValueError(f"{sent} characters are too many")
        return super()._generate(messages, *args, **kwargs)


async def test_of_forty_runs_that_a_message_asks_for_five_are_begun_and_the_answer_says_so(
    settings: Settings, says: Callable[..., Any]
) -> None:
    model = Chatting(replies=[], prompts=[], choices=[])
    async with open_runtime(settings, models=[Link("scripted", "scripted", model, local=True)]) as runtime:
        named = list(dict.fromkeys(product for product, _ in await runtime._product_names()))[:40]
        calls = [("request_restock", {"product_id": product}) for product in named]
        model.replies = [says(*calls[first : first + 8]) for first in range(0, 40, 8)] + [says("All are on their way.")]

        answer = await runtime.chat("Restock these 40.", caller="ada")

        runs = await runtime.book.runs.page(200)
    assert answer.answer == (
        "All are on their way.\n\nOf 40 restocking runs that this message asked for, 5 were begun; 5 are the most. "
        "Ask for the others in the next message."
    )
    assert (len(answer.runs), len(runs), answer.tools_used) == (5, 5, ("request_restock",) * 40)


async def test_sixty_questions_for_lists_in_one_conversation_are_all_answered_by_a_model_with_a_small_window(
    settings: Settings, says: Callable[..., Any]
) -> None:
    replies = [reply for _ in range(60) for reply in (says(("find_products", {"limit": 100})), says("Here they are."))]
    model = Chatting(replies=replies, prompts=[], choices=[], window=80_000)
    conversation = None
    async with open_runtime(settings, models=[Link("scripted", "scripted", model, local=True)]) as runtime:
        answers = []
        for _ in range(60):
            answers.append(await runtime.chat("List all products.", conversation_id=conversation, caller="ada"))
            conversation = answers[-1].conversation_id

    assert {(answer.llm_provider, answer.answer) for answer in answers} == {("scripted", "Here they are.")}
