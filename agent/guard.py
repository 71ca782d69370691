"""The line between a client's message and one that may enter the conversation.

Clients return many failures as ordinary messages. `inspect` turns them into a ModelFailure, and what passes into a
portable message: text, tool calls, usage and, where there is one, Gemini's map of thought signatures; nothing that
another provider would reject. `portable_history` does the same for what is sent.
"""

import json
from collections.abc import Sequence
from typing import Any
from uuid import uuid4

from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, ToolCall, ToolMessage

from agent.failures import ModelFailure, Reason

SIGNATURES = "__gemini_function_call_thought_signatures__"
"""Where langchain-google-genai keeps what Gemini 3 wants back with its own tool calls, by tool call id."""
FINISHED = frozenset({"STOP", "stop", "tool_calls", "function_call", "end_turn", "tool_use", "stop_sequence"})
FINISH_REASONS: dict[str, Reason] = {
    "MAX_TOKENS": "cut_off",
    "length": "cut_off",
    "max_tokens": "cut_off",
    "MALFORMED_FUNCTION_CALL": "malformed_call",
    "UNEXPECTED_TOOL_CALL": "malformed_call",
    "TOO_MANY_TOOL_CALLS": "malformed_call",
    "MISSING_THOUGHT_SIGNATURE": "rejected",
    "SAFETY": "blocked",
    "RECITATION": "blocked",
    "BLOCKLIST": "blocked",
    "PROHIBITED_CONTENT": "blocked",
    "SPII": "blocked",
    "LANGUAGE": "blocked",
    "content_filter": "blocked",
    "refusal": "blocked",
    "MALFORMED_RESPONSE": "malformed",
}
CALL_IN_TEXT = ("<function=", "<tool_call>", "<|python_tag|>", "<|channel|>", "```tool_code")
LONGEST_TEXT = 100_000
LONGEST_ARGUMENTS = 100_000
MOST_CALLS = 32


def inspect(
    message: AIMessage, *, tools: Sequence[str] = (), tool_choice: str | None = None, must_finish: bool = True
) -> AIMessage:
    """The portable form of a usable answer; raises ModelFailure for every other.

    `tools` are the names on offer, `tool_choice` what was asked for. `must_finish`: the provider always states how an
    answer ended, so that one without it was cut off on its way.
    """
    try:
        _check_ending(message, must_finish=must_finish)
        _check_size(message)
        _check_calls(message, tools=tools, tool_choice=tool_choice)
    except ModelFailure as failure:
        failure.tokens = tokens(message)
        raise
    return _portable(message)


def tokens(message: AIMessage) -> tuple[int, int]:
    """Input and output tokens that an answer reports; (0, 0) when it reports none."""
    usage = message.usage_metadata
    return (usage["input_tokens"], usage["output_tokens"]) if usage else (0, 0)


def finish_reason(message: AIMessage) -> str | None:
    metadata = message.response_metadata
    reason = metadata.get("finish_reason") or metadata.get("stop_reason") or metadata.get("done_reason")
    return str(reason) if reason else None


def _check_ending(message: AIMessage, *, must_finish: bool) -> None:
    reason = finish_reason(message)
    if reason is None:
        _check_prompt_feedback(message)
        if must_finish:
            empty = not message.text and not message.tool_calls and not message.invalid_tool_calls
            raise ModelFailure("empty" if empty else "truncated", "no finish reason")
    elif reason not in FINISHED:
        raise ModelFailure(FINISH_REASONS.get(reason, "malformed"), f"finish reason {reason[:40]}")


def _check_prompt_feedback(message: AIMessage) -> None:
    feedback = message.response_metadata.get("prompt_feedback")
    block = feedback.get("block_reason") if isinstance(feedback, dict) else None
    if block:
        raise ModelFailure("blocked", f"prompt blocked: {getattr(block, 'value', block)}")


def _check_size(message: AIMessage) -> None:
    if len(message.text) > LONGEST_TEXT or len(message.tool_calls) > MOST_CALLS:
        raise ModelFailure("oversized", f"{len(message.text)} characters, {len(message.tool_calls)} calls")
    if any(len(str(call["args"])) > LONGEST_ARGUMENTS for call in message.tool_calls):
        raise ModelFailure("oversized", "arguments of a tool call")


def _check_calls(message: AIMessage, *, tools: Sequence[str], tool_choice: str | None) -> None:
    if message.invalid_tool_calls or not _complete(message):
        raise ModelFailure("malformed_call", "arguments of a tool call are not JSON")
    names = [call["name"] for call in message.tool_calls]
    unknown = sorted({name for name in names if name not in tools})
    if unknown:
        raise ModelFailure("unknown_tool", f"asked for {unknown[0][:60]!r}")
    if not names:
        _check_text(message, tools=tools, tool_choice=tool_choice)
    elif tool_choice == "none":
        raise ModelFailure("malformed_call", "a tool call where none was allowed")
    elif tool_choice in tools and set(names) != {tool_choice}:
        raise ModelFailure("text_for_call", f"another tool than the asked {tool_choice}")


def _complete(message: AIMessage) -> bool:
    """Whether streamed arguments are whole. langchain-core closes half a JSON object by itself and calls it valid."""
    chunks = message.tool_call_chunks if isinstance(message, AIMessageChunk) else []
    return all(_is_object(chunk["args"]) for chunk in chunks)


def _is_object(text: str | None) -> bool:
    try:
        return not text or isinstance(json.loads(text), dict)
    except ValueError:
        return False


def _check_text(message: AIMessage, *, tools: Sequence[str], tool_choice: str | None) -> None:
    text = message.text.strip()
    if not text:
        raise ModelFailure("empty", "neither text nor tool call")
    if tool_choice == "any" or tool_choice in tools:
        raise ModelFailure("text_for_call", "text where a tool call was asked for")
    if tools and any(mark in text for mark in CALL_IN_TEXT):
        raise ModelFailure("text_for_call", "a tool call written out as text")


def _portable(message: AIMessage) -> AIMessage:
    calls, renamed = _with_unique_ids(message.tool_calls)
    signatures = message.additional_kwargs.get(SIGNATURES) or {}
    kept = {renamed.get(id_, id_): signature for id_, signature in signatures.items()}
    return AIMessage(
        content=str(message.text),
        tool_calls=calls,
        additional_kwargs={SIGNATURES: kept} if kept else {},
        response_metadata={"finish_reason": finish_reason(message) or "stop"},
        usage_metadata=message.usage_metadata,
        id=message.id,
    )


def _with_unique_ids(calls: Sequence[ToolCall]) -> tuple[list[ToolCall], dict[str, str]]:
    """The calls, with a fresh id where one was missing or came twice: every result must find its own call."""
    unique: list[ToolCall] = []
    taken: set[str] = set()
    renamed: dict[str, str] = {}
    for call in calls:
        id_ = call["id"] or ""
        if not id_ or id_ in taken:
            fresh = f"call_{uuid4().hex}"
            renamed.setdefault(id_, fresh)
            id_ = fresh
        taken.add(id_)
        unique.append(ToolCall(name=call["name"], args=call["args"], id=id_, type="tool_call"))
    return unique, renamed


def portable_history(messages: Sequence[BaseMessage], *, provider: str) -> list[BaseMessage]:
    """What may be sent to a provider: nothing that only another one understands."""
    return [_sendable(message, provider=provider) for message in messages]


def _sendable(message: BaseMessage, *, provider: str) -> BaseMessage:
    if isinstance(message, AIMessage):
        signatures = message.additional_kwargs.get(SIGNATURES)
        kept: dict[str, Any] = {SIGNATURES: signatures} if signatures and provider == "google_genai" else {}
        return AIMessage(content=str(message.text), tool_calls=message.tool_calls, additional_kwargs=kept)
    if isinstance(message, ToolMessage):
        text = str(message.text)
        return ToolMessage(content=text, tool_call_id=message.tool_call_id, name=message.name, status=message.status)
    if message.additional_kwargs:
        return message.model_copy(update={"additional_kwargs": {}})
    return message
