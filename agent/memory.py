"""What a model is told of the conversation before, and what it may say after that. It is bounded, so that no
conversation dies of its own length."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, cast

from langchain_core.messages import (
    AIMessage,
    AnyMessage,
    HumanMessage,
    ToolMessage,
    messages_from_dict,
    messages_to_dict,
)

from agent.evidence import Evidence
from tools.book.conversations import Turn

RECALLED_TURNS = 8
RECALLED_CHARACTERS = 16_000
"""Of all messages before a question: about 4,000 tokens."""
VERIFIED = "verified"


def recall(turns: Iterable[Turn]) -> list[AnyMessage]:
    """The messages of these turns, oldest first: of the newest with their tool results, of others question and answer.
    From the first turn on that does not fit, older ones are left out."""
    room = RECALLED_CHARACTERS
    recalled: list[AnyMessage] = []
    for turn in reversed([turn for turn in turns if turn.answered_at is not None]):
        spoken = next((form for form in (_whole(turn), _short(turn)) if form and _length(form) <= room), None)
        if spoken is None:
            break
        room -= _length(spoken)
        recalled = [*spoken, *recalled]
    return recalled


def kept(messages: Sequence[AnyMessage]) -> tuple[dict[str, Any], ...]:
    """A turn's messages as JSON."""
    return tuple(messages_to_dict(messages))


def _whole(turn: Turn) -> list[AnyMessage]:
    return cast("list[AnyMessage]", messages_from_dict(list(turn.messages or ())))


def _short(turn: Turn) -> list[AnyMessage]:
    return [HumanMessage(turn.question), AIMessage(turn.answer, response_metadata={VERIFIED: _verified(turn)})]


def _verified(turn: Turn) -> str:
    """The answer without what was marked in it."""
    answer = turn.answer
    for mark in turn.unverified:
        answer = answer.replace(mark, " ")
    return answer


def known(messages: Iterable[AnyMessage]) -> Evidence:
    """What a model may say after these messages: what tools have answered, and what was asked. Earlier answers whose
    results are not told any more count as far as they were verified."""
    messages = list(messages)
    results = [message for message in messages if isinstance(message, ToolMessage)]
    asked = [str(message.text) for message in messages if isinstance(message, HumanMessage)]
    answers = [str(message.response_metadata.get(VERIFIED, "")) for message in messages]
    calls = Counter(message.name for message in results)
    return Evidence.of([str(message.text) for message in results], [*asked, *answers], calls.values())


def _length(messages: Sequence[AnyMessage]) -> int:
    calls = (str(message.tool_calls) for message in messages if isinstance(message, AIMessage) and message.tool_calls)
    return sum(len(str(message.text)) for message in messages) + sum(map(len, calls))
