"""Groq's chat completions, as strict as the real service about what it is sent."""

import json
import re
import time
from typing import Any
from uuid import uuid4

from tests.providers.script import Answer, Call, Question
from tests.providers.server import ProviderServer, Rejected
from tests.providers.wire import Request

PATHS = ("/openai/v1/chat/completions", "/v1/chat/completions")
TOP = {
    "messages", "model", "max_tokens", "max_completion_tokens", "n", "reasoning_effort", "reasoning_format", "stream",
    "service_tier", "stop", "temperature", "tool_choice", "tools", "top_p", "seed", "user", "response_format",
    "parallel_tool_calls", "include_reasoning", "stream_options",
}  # fmt: skip
MESSAGE = {
    "system": {"role", "content", "name"},
    "user": {"role", "content", "name"},
    "assistant": {"role", "content", "name", "tool_calls", "reasoning"},
    "tool": {"role", "content", "name", "tool_call_id"},
}
TOOL_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}$")
ERROR_TYPES = {400: "invalid_request_error", 401: "invalid_request_error", 403: "permissions_error",
               404: "invalid_request_error", 413: "tokens", 429: "tokens"}  # fmt: skip
CODES = {401: "invalid_api_key", 404: "model_not_found", 413: "rate_limit_exceeded", 429: "rate_limit_exceeded"}
FINISHES = {
    "cut-off": "length",
    "safety": "content_filter",
    "recitation": "content_filter",
    "blocklist": "content_filter",
    "prohibited": "content_filter",
    "personal-data": "content_filter",
    "language": "content_filter",
    "blocked": "content_filter",
    "other": "unknown",
}
NOT_JSON = '{"product_id": "STEEL_'


class GroqServer(ProviderServer):
    """`ignores_tool_choice` makes it a local server that accepts the option and does as it likes."""

    name = "groq"
    key_setting = "groq_api_key"
    models: tuple[str, ...] = ("openai/gpt-oss-120b", "openai/gpt-oss-20b")
    end_mark = b"data: [DONE]\r\n\r\n"

    def __init__(self, *, ignores_tool_choice: bool = False, **options: Any) -> None:
        super().__init__(**options)
        self._ignores_tool_choice = ignores_tool_choice

    def read(self, request: Request) -> Question:
        if request.path not in PATHS:
            raise Rejected(404, f"Unknown request URL: {request.path}")
        if request.headers.get("authorization") != f"Bearer {self.key}":
            raise Rejected(401, "Invalid API Key", "invalid_api_key")
        body = request.json()
        _unknown(body, TOP, "")
        if body.get("model") not in self.models:
            raise Rejected(404, f"The model `{body.get('model')}` does not exist or you do not have access to it.")
        _check_options(body)
        tools = _check_tools(body)
        choice = _check_choice(body.get("tool_choice"), tools)
        _check_messages(body.get("messages"))
        chosen = "auto" if self._ignores_tool_choice else choice
        return _question(body, tools, chosen, tokens=len(request.body) // 4)

    def error(self, status: int, message: str, code: str = "", retry_after: float | None = None) -> dict[str, Any]:
        error = {"message": message, "type": ERROR_TYPES.get(status, "internal_server_error")}
        named = code or CODES.get(status, "")
        return {"error": error | ({"code": named} if named else {})}

    def whole(self, answer: Answer, question: Question) -> dict[str, Any]:
        message: dict[str, Any] = {"role": "assistant", "content": answer.text or None}
        if answer.calls:
            message["tool_calls"] = [_tool_call(call) for call in answer.calls]
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": _finish(answer)}
        return _envelope("chat.completion", question, [choice]) | {"usage": _usage(answer, question)}

    def events(self, answer: Answer, question: Question) -> list[dict[str, Any]]:
        half = max(len(answer.text) // 2, 1)
        texts = [piece for piece in (answer.text[:half], answer.text[half:]) if piece]
        deltas: list[dict[str, Any]] = [{"role": "assistant", "content": ""}]
        deltas += [{"content": piece} for piece in texts]
        deltas += [{"tool_calls": [{"index": i, **_tool_call(call)}]} for i, call in enumerate(answer.calls)]
        pieces = [_chunk(question, delta, None) for delta in deltas]
        last = _chunk(question, {}, _finish(answer)) | {"x_groq": {"usage": _usage(answer, question)}}
        return [*pieces, last]

    def odd(self, fault: str, question: Question) -> dict[str, Any] | Answer | Rejected | None:
        if fault == "malformed-call":
            return Rejected(400, "Failed to call a function. Please adjust your prompt.", "tool_use_failed")
        if fault == "broken-call":
            return self._broken_call(question)
        if fault in FINISHES:
            return Answer("" if fault == "blocked" else "The order should be", finish=FINISHES[fault])
        kind = "chat.completion.chunk" if question.streamed else "chat.completion"
        bodies: dict[str, dict[str, Any]] = {"empty-object": {}, "no-candidates": _envelope(kind, question, [])}
        return bodies.get(fault)

    def _broken_call(self, question: Question) -> dict[str, Any]:
        function = {"name": question.tools[0] if question.tools else "get_product", "arguments": NOT_JSON}
        call = {"index": 0, "id": f"call_{uuid4().hex[:8]}", "type": "function", "function": function}
        if question.streamed:
            return _chunk(question, {"role": "assistant", "tool_calls": [call]}, "tool_calls")
        message = {"role": "assistant", "content": None, "tool_calls": [call]}
        choice = {"index": 0, "message": message, "finish_reason": "tool_calls"}
        return _envelope("chat.completion", question, [choice]) | {"usage": _usage(Answer(NOT_JSON), question)}


def _finish(answer: Answer) -> str | None:
    if answer.finish is None:
        return "tool_calls" if answer.calls else "stop"
    return answer.finish or None


def _tool_call(call: Call) -> dict[str, Any]:
    id_ = f"call_{uuid4().hex[:8]}" if call.id is None else call.id
    return {"id": id_, "type": "function", "function": {"name": call.name, "arguments": json.dumps(call.arguments)}}


def _usage(answer: Answer, question: Question) -> dict[str, int]:
    output = question.output_tokens(answer)
    total = question.prompt_tokens + output
    return {"prompt_tokens": question.prompt_tokens, "completion_tokens": output, "total_tokens": total}


def _envelope(kind: str, question: Question, choices: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "id": f"chatcmpl-{uuid4().hex}",
        "object": kind,
        "created": int(time.time()),
        "model": question.model,
        "choices": choices,
        "system_fingerprint": "fp_local",
    }


def _chunk(question: Question, delta: dict[str, Any], finish: str | None) -> dict[str, Any]:
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
    return _envelope("chat.completion.chunk", question, [choice])


def _unknown(found: dict[str, Any], allowed: set[str], where: str) -> None:
    for name in found:
        if name not in allowed:
            raise Rejected(400, f"{where}property '{name}' is unsupported")


def _check_options(body: dict[str, Any]) -> None:
    if body.get("n", 1) != 1:
        raise Rejected(400, "'n' : number must be at most 1")
    if not 0 <= (body.get("temperature") or 0) <= 2:
        raise Rejected(400, "'temperature' : number must be at most 2")
    if body.get("reasoning_effort") not in (None, "none", "default", "low", "medium", "high"):
        raise Rejected(400, "'reasoning_effort' : value is not one of the allowed values")
    if body.get("reasoning_format") is not None and "gpt-oss" in body["model"]:
        raise Rejected(400, "`reasoning_format` is not supported with this model")


def _check_tools(body: dict[str, Any]) -> tuple[str, ...]:
    names = []
    for index, tool in enumerate(body.get("tools") or []):
        function = tool.get("function", {})
        _unknown(tool, {"type", "function"}, f"'tools.{index}' : ")
        _unknown(function, {"name", "description", "parameters", "strict"}, f"'tools.{index}.function' : ")
        if tool.get("type") != "function" or not TOOL_NAME.match(function.get("name", "")):
            raise Rejected(400, f"'tools.{index}' : not a function with a valid name")
        if function.get("parameters", {}).get("type", "object") != "object":
            raise Rejected(400, f"'tools.{index}' : parameters are no object")
        names.append(function["name"])
    return tuple(names)


def _check_choice(choice: Any, tools: tuple[str, ...]) -> str:
    if choice in (None, "auto"):
        return "auto"
    if choice == "none":
        return "none"
    if not tools:
        raise Rejected(400, "'tool_choice' is only allowed with tools")
    if choice == "required":
        return "any"
    name = choice.get("function", {}).get("name") if isinstance(choice, dict) else None
    if name not in tools:
        raise Rejected(400, f"tool choice names no tool of the request: {choice!r}")
    return str(name)


def _check_messages(messages: Any) -> None:
    if not isinstance(messages, list) or not messages:
        raise Rejected(400, "'messages' : minimum number of items is 1")
    open_calls: list[str] = []
    for index, message in enumerate(messages):
        where = f"'messages.{index}' : "
        _check_message(message, where)
        if message["role"] == "tool":
            if message["tool_call_id"] not in open_calls:
                raise Rejected(400, f"{where}tool_call_id {message['tool_call_id']!r} answers no call")
            open_calls.remove(message["tool_call_id"])
        elif open_calls:
            raise Rejected(400, f"{where}tool calls without an answer before it: {open_calls}")
        open_calls += [call["id"] for call in message.get("tool_calls") or ()]
    if open_calls:
        raise Rejected(400, f"'messages' : tool calls without an answer: {open_calls}")


def _check_message(message: dict[str, Any], where: str) -> None:
    role = message.get("role")
    if role not in MESSAGE:
        raise Rejected(400, f"{where}no such role: {role!r}")
    _unknown(message, MESSAGE[role], f"{where}for 'role:{role}' ")
    content = message.get("content")
    calls = message.get("tool_calls") or []
    if content is None and not calls:
        raise Rejected(400, f"{where}'content' : is missing")
    if content is not None and not isinstance(content, str):
        _check_blocks(content, where)
    for call in calls:
        _check_call(call, where)
    ids = [call["id"] for call in calls]
    if len(set(ids)) != len(ids):
        raise Rejected(400, f"{where}two tool calls with the same id")


def _check_blocks(content: Any, where: str) -> None:
    for block in content if isinstance(content, list) else [content]:
        if not isinstance(block, dict) or set(block) != {"type", "text"} or block["type"] != "text":
            raise Rejected(400, f"{where}'content' : unsupported block")


def _check_call(call: dict[str, Any], where: str) -> None:
    _unknown(call, {"id", "type", "function"}, f"{where}'tool_calls' : ")
    _unknown(call.get("function", {}), {"name", "arguments"}, f"{where}'tool_calls.function' : ")
    if not call.get("id") or call.get("type") != "function":
        raise Rejected(400, f"{where}a tool call needs an id and the type 'function'")
    try:
        json.loads(call["function"]["arguments"])
    except (KeyError, TypeError, ValueError):
        raise Rejected(400, f"{where}the arguments of a tool call are not JSON") from None


def _question(body: dict[str, Any], tools: tuple[str, ...], choice: str, *, tokens: int) -> Question:
    text = ""
    results: list[tuple[str, Any]] = []
    called: dict[str, str] = {}
    for message in body["messages"]:
        for call in message.get("tool_calls") or ():
            called[call["id"]] = call["function"]["name"]
        if message["role"] == "user":
            text, results = str(message["content"]), []
        elif message["role"] == "tool":
            results.append((called[message["tool_call_id"]], _parsed(message["content"])))
    most = body.get("max_tokens") or 2_048
    return Question(body["model"], bool(body.get("stream")), text, tools, choice, tuple(results), tokens, most)


def _parsed(content: str) -> Any:
    try:
        return json.loads(content)
    except ValueError:
        return content
