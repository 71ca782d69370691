"""What a model is told of the conversation before. It is bounded, so that no conversation dies of its own length."""

from collections.abc import Iterable, Sequence
from typing import Any, cast

from langchain_core.messages import AIMessage, AnyMessage, HumanMessage, messages_from_dict, messages_to_dict

from tools.book.conversations import Turn

RECALLED_TURNS = 8
RECALLED_CHARACTERS = 16_000
"""Of all messages before a question: about 4,000 tokens."""


def recall(turns: Iterable[Turn]) -> list[AnyMessage]:
    """The messages of these turns, oldest first: of the newest with their tool results, of others question and answer.
    From the first turn on that does not fit, older ones are left out."""
    room = RECALLED_CHARACTERS
    recalled: list[AnyMessage] = []
    for turn in reversed(list(turns)):
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
    return [HumanMessage(turn.question), AIMessage(turn.answer)]


def _length(messages: Sequence[AnyMessage]) -> int:
    calls = (str(message.tool_calls) for message in messages if isinstance(message, AIMessage) and message.tool_calls)
    return sum(len(str(message.text)) for message in messages) + sum(map(len, calls))
