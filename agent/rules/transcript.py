"""A conversation as the rules model reads it: the questions asked, and what each tool answered to which arguments; and
what the model says next."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage

_TASK = re.compile(r"<task>(\{.*?\})</task>", re.DOTALL)


@dataclass(frozen=True)
class Call:
    name: str
    arguments: dict[str, Any]


@dataclass(frozen=True)
class Reply:
    """Either a text or calls, never both."""

    text: str = ""
    calls: tuple[Call, ...] = ()


@dataclass(frozen=True)
class ToolResult:
    """One answered tool call. `error` is the tool's sentence when it could not answer; `data` is empty then."""

    name: str
    arguments: dict[str, Any]
    data: dict[str, Any] = field(default_factory=dict)
    error: str | None = None


@dataclass(frozen=True)
class Turn:
    """One question and everything that followed it up to the next question."""

    question: str
    results: tuple[ToolResult, ...] = ()
    replies: int = 0
    """How often a model has spoken in this turn."""
    answer: str = ""
    """What the planner was told in the end."""


@dataclass(frozen=True)
class Task:
    product_id: str
    location: str | None


def read_task(messages: Sequence[BaseMessage]) -> Task | None:
    """The product a decision is about: the first task of the first human message. Later text carries no authority."""
    for message in messages:
        if isinstance(message, HumanMessage):
            found = _TASK.match(str(message.text).lstrip())
            task = _object(found.group(1)) if found else {}
            product_id, location = task.get("product_id"), task.get("location")
            if not isinstance(product_id, str) or not product_id:
                return None
            return Task(product_id=product_id, location=location if isinstance(location, str) else None)
    return None


def read_results(messages: Sequence[BaseMessage]) -> tuple[ToolResult, ...]:
    """Every answered tool call, in the order of the answers."""
    calls: dict[str, tuple[str, dict[str, Any]]] = {}
    results: list[ToolResult] = []
    for message in messages:
        if isinstance(message, AIMessage):
            for call in message.tool_calls:
                calls[call["id"] or ""] = (call["name"], call["args"])
        elif isinstance(message, ToolMessage):
            name, arguments = calls.get(message.tool_call_id, (message.name or "", {}))
            text = str(message.text)
            data = _object(text)
            failed = message.status == "error" or "error" in data
            error = str(data.get("error") or text) if failed else None
            results.append(ToolResult(name, arguments, {} if failed else data, error))
    return tuple(results)


def read_turns(messages: Sequence[BaseMessage], *, last: int) -> tuple[Turn, ...]:
    """The last turns of a conversation, oldest first."""
    starts = [i for i, message in enumerate(messages) if isinstance(message, HumanMessage)][-last:]
    ends = [*starts[1:], len(messages)]
    return tuple(_turn(messages[start:end]) for start, end in zip(starts, ends, strict=True))


def _turn(messages: Sequence[BaseMessage]) -> Turn:
    spoken = [message for message in messages if isinstance(message, AIMessage)]
    answer = str(spoken[-1].text) if spoken else ""
    return Turn(str(messages[0].text), read_results(messages), replies=len(spoken), answer=answer)


def _object(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
