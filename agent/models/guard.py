"""Checks a model's answers, and makes them portable between providers.

Clients return many failures as ordinary messages. `inspect` checks each answer against `RULES` and raises the first
breach as a ModelFailure. A good answer keeps its text, tool calls, usage and Gemini's thought signatures, and nothing
that another provider would reject. `portable_history` does the same for the messages that are sent.
"""

import json
import math
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, ToolCall, ToolMessage

from agent.models.failures import ModelFailure, Reason
from agent.models.spending import tokens

SIGNATURES = "__gemini_function_call_thought_signatures__"
"""Where langchain-google-genai keeps the signatures that Gemini 3 wants back with its tool calls, by call id."""
FINISHED = frozenset({"STOP", "stop", "tool_calls", "function_call", "end_turn", "tool_use", "stop_sequence"})
BAD_ENDINGS: dict[Reason, set[str]] = {
    "cut_off": {"MAX_TOKENS", "length", "max_tokens"},
    "malformed_call": {"MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL", "TOO_MANY_TOOL_CALLS"},
    "rejected": {"MISSING_THOUGHT_SIGNATURE"},
    "blocked": {
        "SAFETY",
        "RECITATION",
        "BLOCKLIST",
        "PROHIBITED_CONTENT",
        "SPII",
        "LANGUAGE",
        "content_filter",
        "refusal",
    },
}
CALL_IN_TEXT = ("<function=", "<tool_call>", "<|python_tag|>", "<|channel|>", "```tool_code")
LONGEST = 100_000
"""Longest answer, or arguments of one call, in characters."""
MOST_CALLS = 32
DEEPEST_ARGUMENTS = 20


@dataclass(frozen=True)
class Expectation:
    """What was asked for: the tools on offer, and those that the answer must call, if any."""

    tools: Sequence[str] = ()
    tool_choice: str | None = None


def inspect(message: AIMessage, expected: Expectation) -> AIMessage:
    """The portable form of a usable answer. Raises ModelFailure for any other."""
    for rule in RULES:
        failure = rule(message, expected)
        if failure is not None:
            failure.tokens = tokens(message)
            raise failure
    return _portable(message)


def finish_reason(message: AIMessage) -> str | None:
    metadata = message.response_metadata
    reason = metadata.get("finish_reason") or metadata.get("stop_reason") or metadata.get("done_reason")
    return str(reason) if reason else None


def prompt_not_blocked(message: AIMessage, expected: Expectation) -> ModelFailure | None:
    feedback = message.response_metadata.get("prompt_feedback")
    block = feedback.get("block_reason") if isinstance(feedback, dict) else None
    return ModelFailure("blocked", f"prompt: {getattr(block, 'value', block)}") if block else None


def ended_well(message: AIMessage, expected: Expectation) -> ModelFailure | None:
    ending = finish_reason(message)
    if ending is None or ending in FINISHED:
        return None
    reason: Reason = next((reason for reason, endings in BAD_ENDINGS.items() if ending in endings), "malformed")
    return ModelFailure(reason, f"finish reason {ending[:40]}")


def says_something(message: AIMessage, expected: Expectation) -> ModelFailure | None:
    something = message.text.strip() or message.tool_calls or message.invalid_tool_calls
    return None if something else ModelFailure("empty", "neither text nor tool call")


def ended_at_all(message: AIMessage, expected: Expectation) -> ModelFailure | None:
    """An answer without a finish reason was cut off."""
    return ModelFailure("truncated", "no finish reason") if finish_reason(message) is None else None


def of_sane_size(message: AIMessage, expected: Expectation) -> ModelFailure | None:
    lengths = [len(message.text), *(len(str(call["args"])) for call in message.tool_calls)]
    sane = max(lengths) <= LONGEST and len(message.tool_calls) <= MOST_CALLS
    return None if sane else ModelFailure("oversized", f"{sum(lengths)} characters, {len(message.tool_calls)} calls")


def calls_readable(message: AIMessage, expected: Expectation) -> ModelFailure | None:
    return ModelFailure("malformed_call", "arguments are not JSON") if message.invalid_tool_calls else None


def calls_whole(message: AIMessage, expected: Expectation) -> ModelFailure | None:
    """langchain-core completes a JSON object that a stream has cut off, and hands it on as valid arguments."""
    chunks = message.tool_call_chunks if isinstance(message, AIMessageChunk) else []
    whole = all(_is_object(chunk["args"]) for chunk in chunks)
    return None if whole else ModelFailure("malformed_call", "arguments end half-way")


def calls_known_tools(message: AIMessage, expected: Expectation) -> ModelFailure | None:
    unknown = sorted({call["name"] for call in message.tool_calls} - set(expected.tools))
    return ModelFailure("unknown_tool", f"asked for {unknown[0][:60]!r}") if unknown else None


def calls_when_asked(message: AIMessage, expected: Expectation) -> ModelFailure | None:
    """Local servers take `tool_choice` and ignore it."""
    names, choice = {call["name"] for call in message.tool_calls}, expected.tool_choice
    if names and choice == "none":
        return ModelFailure("malformed_call", "a tool call where none was allowed")
    if not names and (choice == "any" or choice in expected.tools):
        return ModelFailure("text_for_call", "text where a tool call was asked for")
    wrong = choice in expected.tools and names != {choice}
    return ModelFailure("text_for_call", f"another tool than {choice}") if wrong else None


def calls_not_written_out(message: AIMessage, expected: Expectation) -> ModelFailure | None:
    written = expected.tools and not message.tool_calls and any(mark in message.text for mark in CALL_IN_TEXT)
    return ModelFailure("text_for_call", "a tool call written out as text") if written else None


Rule = Callable[[AIMessage, Expectation], ModelFailure | None]
ANSWER_RULES: tuple[Rule, ...] = (prompt_not_blocked, ended_well, says_something, ended_at_all, of_sane_size)
CALL_RULES: tuple[Rule, ...] = (calls_readable, calls_whole, calls_known_tools, calls_when_asked, calls_not_written_out)
RULES = ANSWER_RULES + CALL_RULES


def _is_object(text: str | None) -> bool:
    with suppress(ValueError):
        return not text or isinstance(json.loads(text), dict)
    return False


def _portable(message: AIMessage) -> AIMessage:
    calls, renamed = _with_unique_ids(message.tool_calls)
    signatures = message.additional_kwargs.get(SIGNATURES) or {}
    kept = {renamed.get(id_, id_): signature for id_, signature in signatures.items()}
    return AIMessage(
        content=_whole(str(message.text)),
        tool_calls=calls,
        additional_kwargs={SIGNATURES: kept} if kept else {},
        response_metadata={"finish_reason": finish_reason(message) or "stop"},
        usage_metadata=message.usage_metadata,
        id=message.id,
    )


def _with_unique_ids(calls: Sequence[ToolCall]) -> tuple[list[ToolCall], dict[str, str]]:
    """The calls with unique ids, so that every result belongs to one call."""
    unique: dict[str, ToolCall] = {}
    renamed: dict[str, str] = {}
    for call in calls:
        id_ = call["id"] or ""
        if not id_ or id_ in unique:
            fresh = f"call_{uuid4().hex}"
            renamed.setdefault(id_, fresh)
            id_ = fresh
        unique[id_] = ToolCall(name=call["name"], args=_storable(call["args"]), id=id_, type="tool_call")
    return list(unique.values()), renamed


def _storable(value: Any, *, depth: int = 0) -> Any:
    """The arguments, with a text that no tool accepts in place of a value that no store can hold."""
    match value:
        case dict() | list() if depth > DEEPEST_ARGUMENTS:
            return "(nested too deep)"
        case dict():
            return {_whole(str(key)): _storable(each, depth=depth + 1) for key, each in value.items()}
        case list():
            return [_storable(each, depth=depth + 1) for each in value]
        case str():
            return _whole(value)
        case int() if abs(value) >= 2**63:
            return "(a number too large)"
        case float() if not math.isfinite(value):
            return "(not a number)"
    return value


def _whole(text: str) -> str:
    return text.encode("utf-8", "ignore").decode()


def portable_history(messages: Sequence[BaseMessage], *, provider: str) -> list[BaseMessage]:
    """The messages as any provider accepts them. No two answers follow each other, because Gemini takes a tool call
    only after a question or a result."""
    sendable: list[BaseMessage] = []
    for message in messages:
        copy = _sendable(message, provider=provider)
        before = sendable[-1] if sendable else None
        if isinstance(copy, AIMessage) and isinstance(before, AIMessage) and not before.tool_calls:
            copy.content = f"{before.text}\n{copy.text}".strip()
            sendable.pop()
        sendable.append(copy)
    return sendable


def _sendable(message: BaseMessage, *, provider: str) -> BaseMessage:
    if isinstance(message, AIMessage):
        signatures = message.additional_kwargs.get(SIGNATURES)
        kept: dict[str, Any] = {SIGNATURES: signatures} if signatures and provider == "google_genai" else {}
        return AIMessage(content=str(message.text), tool_calls=message.tool_calls, additional_kwargs=kept)
    if isinstance(message, ToolMessage):
        text, call = str(message.text), message.tool_call_id
        return ToolMessage(content=text, tool_call_id=call, name=message.name, status=message.status)
    return message.model_copy(update={"additional_kwargs": {}})
