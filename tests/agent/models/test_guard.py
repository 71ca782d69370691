"""What passes the guard is portable, and what must not pass does not."""

from typing import Any

import pytest
from langchain_core.messages import AIMessage, AIMessageChunk, HumanMessage, InvalidToolCall, ToolCall, ToolMessage
from langchain_core.messages.tool import tool_call_chunk

from agent.models.failures import ModelFailure
from agent.models.guard import LONGEST, SIGNATURES, Expectation, inspect, portable_history

ENDED = {"finish_reason": "stop"}
WANTED = Expectation(tools=("look", "submit"))


def call(name: str = "look", id_: str | None = "a") -> ToolCall:
    return ToolCall(name=name, args={"x": 1}, id=id_, type="tool_call")


def reason(message: AIMessage, expected: Expectation = WANTED) -> str:
    with pytest.raises(ModelFailure) as caught:
        inspect(message, expected)
    return caught.value.reason


@pytest.mark.parametrize("word", ["stop", "STOP", "tool_calls", "end_turn", "tool_use"])
def test_an_answer_that_ended_well_passes(word: str) -> None:
    assert inspect(AIMessage("fine", response_metadata={"finish_reason": word}), WANTED).text == "fine"


@pytest.mark.parametrize(
    ("word", "expected"),
    [("length", "cut_off"), ("SAFETY", "blocked"), ("MALFORMED_FUNCTION_CALL", "malformed_call"), ("NEW", "malformed")],
)
def test_an_answer_that_ended_badly_fails_for_its_reason(word: str, expected: str) -> None:
    assert reason(AIMessage("half an ans", response_metadata={"finish_reason": word})) == expected


def test_an_answer_without_an_ending_was_cut_off_on_its_way() -> None:
    assert reason(AIMessage("half an ans")) == "truncated"


@pytest.mark.parametrize("text", ["", "  \n "])
def test_silence_is_no_answer(text: str) -> None:
    assert reason(AIMessage(text, response_metadata=ENDED)) == "empty"


def test_thoughts_alone_are_no_answer() -> None:
    thinking = AIMessage([{"type": "thinking", "thinking": "hm"}], response_metadata=ENDED)

    assert reason(thinking) == "empty"


def test_a_blocked_prompt_is_named_as_such() -> None:
    metadata = {"prompt_feedback": {"block_reason": "SAFETY"}}

    assert reason(AIMessage("", response_metadata=metadata)) == "blocked"


def test_unreadable_arguments_fail() -> None:
    broken = InvalidToolCall(name="look", args="{", id="a", error="no", type="invalid_tool_call")

    assert reason(AIMessage("", invalid_tool_calls=[broken], response_metadata=ENDED)) == "malformed_call"


@pytest.mark.parametrize("arguments", ['{"x": "ST', "[1]", "nonsense"])
def test_streamed_arguments_must_be_whole_though_the_library_completes_them(arguments: str) -> None:
    chunk = tool_call_chunk(name="look", args=arguments, id="a", index=0)

    assert reason(AIMessageChunk("", tool_call_chunks=[chunk], response_metadata=ENDED)) == "malformed_call"


def test_whole_streamed_arguments_pass() -> None:
    chunk = tool_call_chunk(name="look", args='{"x": 1}', id="a", index=0)

    reply = inspect(AIMessageChunk("", tool_call_chunks=[chunk], response_metadata=ENDED), WANTED)

    assert reply.tool_calls == [call()]
    assert type(reply) is AIMessage


def test_a_tool_that_is_not_on_offer_fails() -> None:
    assert reason(AIMessage("", tool_calls=[call("destroy")], response_metadata=ENDED)) == "unknown_tool"


@pytest.mark.parametrize("choice", ["any", "submit"])
def test_prose_where_a_call_was_due_fails(choice: str) -> None:
    expected = Expectation(WANTED.tools, choice)

    assert reason(AIMessage("I would say so.", response_metadata=ENDED), expected) == "text_for_call"


def test_another_tool_than_the_one_asked_for_fails() -> None:
    message = AIMessage("", tool_calls=[call("look")], response_metadata=ENDED)

    assert reason(message, Expectation(WANTED.tools, "submit")) == "text_for_call"


def test_a_call_where_none_was_allowed_fails() -> None:
    message = AIMessage("", tool_calls=[call()], response_metadata=ENDED)

    assert reason(message, Expectation(WANTED.tools, "none")) == "malformed_call"


@pytest.mark.parametrize("text", ["<function=look>{}</function>", "<tool_call>{}", "```tool_code\nlook()```"])
def test_a_call_written_out_as_text_fails(text: str) -> None:
    assert reason(AIMessage(text, response_metadata=ENDED)) == "text_for_call"


def test_the_same_text_passes_where_there_are_no_tools() -> None:
    text = "<function=look>{}</function>"

    assert inspect(AIMessage(text, response_metadata=ENDED), Expectation()).text == text


def test_an_endless_answer_fails() -> None:
    assert reason(AIMessage("x" * (LONGEST + 1), response_metadata=ENDED)) == "oversized"


def test_too_many_calls_fail() -> None:
    calls = [call(id_=str(number)) for number in range(33)]

    assert reason(AIMessage("", tool_calls=calls, response_metadata=ENDED)) == "oversized"


def test_the_tokens_of_an_unusable_answer_are_remembered() -> None:
    usage = {"input_tokens": 5, "output_tokens": 3, "total_tokens": 8}

    with pytest.raises(ModelFailure) as caught:
        inspect(AIMessage("", response_metadata=ENDED, usage_metadata=usage), WANTED)

    assert caught.value.tokens == (5, 3)


@pytest.mark.parametrize("ids", [("", ""), (None, None), ("a", "a")])
def test_every_call_gets_an_id_of_its_own(ids: tuple[str | None, str | None]) -> None:
    calls = [call(id_=id_) for id_ in ids]

    found = [
        made["id"] for made in inspect(AIMessage("", tool_calls=calls, response_metadata=ENDED), WANTED).tool_calls
    ]

    assert len(set(found)) == 2
    assert all(found)


def test_nothing_of_the_providers_own_remains_but_the_signatures() -> None:
    message = AIMessage(
        [{"type": "text", "text": "so", "extras": {"signature": "s"}, "index": 0}],
        tool_calls=[call()],
        additional_kwargs={"function_call": {"name": "look"}, SIGNATURES: {"a": "sig"}, "reasoning_content": "hm"},
        response_metadata=ENDED | {"safety_ratings": [], "model_provider": "google_genai"},
    )

    reply = inspect(message, WANTED)

    assert (reply.content, reply.additional_kwargs) == ("so", {SIGNATURES: {"a": "sig"}})
    assert reply.response_metadata == ENDED


def test_a_signature_moves_with_its_call_to_a_new_id() -> None:
    message = AIMessage(
        "", tool_calls=[call(id_="")], additional_kwargs={SIGNATURES: {"": "s"}}, response_metadata=ENDED
    )

    reply = inspect(message, WANTED)

    assert reply.additional_kwargs[SIGNATURES] == {reply.tool_calls[0]["id"]: "s"}


def test_signatures_go_to_gemini_alone() -> None:
    said = AIMessage("", tool_calls=[call()], additional_kwargs={SIGNATURES: {"a": "s"}}, response_metadata=ENDED)

    to_gemini, to_groq = (portable_history([said], provider=name)[0] for name in ("google_genai", "groq"))

    assert (to_gemini.additional_kwargs, to_groq.additional_kwargs) == ({SIGNATURES: {"a": "s"}}, {})


def test_history_is_sent_as_plain_text_and_results_keep_their_call() -> None:
    history = [
        HumanMessage("hi", additional_kwargs={"odd": 1}),
        ToolMessage([{"type": "text", "text": "{}"}], tool_call_id="a", name="look", artifact={"secret": 1}),
    ]

    asked, result = portable_history(history, provider="groq")

    assert asked.additional_kwargs == {}
    assert isinstance(result, ToolMessage)
    assert (result.content, result.tool_call_id, result.name, result.artifact) == ("{}", "a", "look", None)


def test_two_answers_in_a_row_are_sent_as_one() -> None:
    history = [HumanMessage("hi"), AIMessage("Let me think."), AIMessage("So:", tool_calls=[call()])]

    sent = portable_history(history, provider="google_genai")

    assert [type(message) for message in sent] == [HumanMessage, AIMessage]
    assert (sent[1].text, sent[1].tool_calls) == ("Let me think.\nSo:", [call()])


def test_an_answer_whose_call_is_open_is_not_merged() -> None:
    history = [AIMessage("", tool_calls=[call()]), AIMessage("And?")]

    assert len(portable_history(history, provider="groq")) == 2


def test_what_another_provider_would_not_know_is_not_sent_and_the_history_stays_as_it_is() -> None:
    blocks = [{"type": "text", "text": "so", "extras": {"signature": "s"}, "index": 0}]
    said = AIMessage(blocks, additional_kwargs={"function_call": {}}, response_metadata={"a": 1}, name="graph")
    history = [said, AIMessage("then")]

    sent = portable_history(history, provider="groq")[0]

    assert (sent.content, sent.additional_kwargs, sent.response_metadata, sent.name) == ("so\nthen", {}, {}, None)
    assert (said.content, history[1].content) == (blocks, "then")


@pytest.mark.parametrize(
    ("argument", "kept"),
    [
        (10**308, "(a number too large)"),
        (-(2**63), "(a number too large)"),
        (2**63 - 1, 2**63 - 1),
        (float("nan"), "(not a number)"),
        (float("-inf"), "(not a number)"),
        ("half \ud83d", "half "),
        ("whole \U0001f600", "whole \U0001f600"),
        ([{"a": 10**30}], [{"a": "(a number too large)"}]),
        (True, True),
    ],
)
def test_arguments_that_no_store_could_take_become_words(argument: Any, kept: Any) -> None:
    call = {"name": "submit_order", "args": {"quantity": argument}, "id": "1"}
    message = AIMessage("half \ud83d", tool_calls=[call], response_metadata={"finish_reason": "stop"})

    passed = inspect(message, Expectation(tools=["submit_order"]))

    assert passed.tool_calls[0]["args"] == {"quantity": kept}
    assert passed.text == "half "


def test_a_nest_without_end_is_cut() -> None:
    nest: Any = "end"
    for _ in range(100):
        nest = [nest]
    call = {"name": "submit_order", "args": {"concerns": nest}, "id": "1"}
    message = AIMessage("", tool_calls=[call], response_metadata={"finish_reason": "stop"})

    passed = inspect(message, Expectation(tools=["submit_order"]))

    assert "(nested too deep)" in str(passed.tool_calls[0]["args"])
    assert "end" not in str(passed.tool_calls[0]["args"]).replace("nested", "")
