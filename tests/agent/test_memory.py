"""What of a conversation a model is told again."""

from datetime import UTC, datetime
from typing import Any

from langchain_core.messages import AIMessage, HumanMessage, ToolMessage

from agent.evidence import unverified
from agent.memory import RECALLED_CHARACTERS, kept, known, recall
from tools.book.conversations import Turn

CALL = {"name": "get_product", "args": {"product_id": "X"}, "id": "call-1"}


def turn(number: int, answer: str = "150.", messages: list[Any] | None = None) -> Turn:
    return Turn(
        number=number,
        asked_at=datetime.now(UTC),
        answered_at=datetime.now(UTC),
        question=f"Question {number}?",
        answer=answer,
        provider="rules",
        messages=None if messages is None else kept(messages),
    )


def whole(number: int, result: str = '{"on_hand":150}') -> Turn:
    asked = HumanMessage(f"Question {number}?", id="q")
    called = AIMessage("", tool_calls=[CALL])
    return turn(number, messages=[asked, called, ToolMessage(result, tool_call_id="call-1"), AIMessage("150.")])


def test_turns_come_back_as_they_were_said() -> None:
    recalled = recall([turn(1), whole(2)])

    assert [message.type for message in recalled] == ["human", "ai", "human", "ai", "tool", "ai"]
    assert [recalled[0].text, recalled[1].text, recalled[4].text] == ["Question 1?", "150.", '{"on_hand":150}']
    assert recalled[3].tool_calls[0]["args"] == {"product_id": "X"}


def test_older_turns_are_left_out_from_the_first_that_does_not_fit() -> None:
    half = "x" * (RECALLED_CHARACTERS // 2)

    recalled = recall([turn(1), turn(2, half), turn(3, half), turn(4)])

    assert [message.text for message in recalled if message.type == "human"] == ["Question 3?", "Question 4?"]


def test_of_a_turn_too_long_to_be_told_whole_question_and_answer_are_told() -> None:
    recalled = recall([whole(1, "x" * RECALLED_CHARACTERS)])

    assert [message.text for message in recalled] == ["Question 1?", "150."]


def test_there_may_be_nothing_to_recall() -> None:
    assert recall([]) == []
    assert recall([turn(1, "x" * RECALLED_CHARACTERS)]) == []


def test_a_question_without_an_answer_is_left_out() -> None:
    asked = [turn(1), turn(2, "").model_copy(update={"answered_at": None}), turn(3)]

    assert [message.text for message in recall(asked)] == ["Question 1?", "150.", "Question 3?", "150."]


def test_earlier_answers_are_known_as_far_as_they_were_verified() -> None:
    marked = turn(1, "Order 1,200 as PO-9.").model_copy(update={"unverified": ("PO-9",)})

    evidence = known(recall([marked]))

    assert unverified("1,200, PO-9", evidence) == ("PO-9",)
