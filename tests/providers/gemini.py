"""Gemini's generateContent and streamGenerateContent, as strict as the real service about what it is sent."""

import base64
import re
from typing import Any
from uuid import uuid4

from tests.providers.script import Answer, Call, Question
from tests.providers.server import ProviderServer, Rejected
from tests.providers.wire import Request

PATH = re.compile(r"/v1beta/models/(?P<model>[^/:]+):(?P<method>generateContent|streamGenerateContent)$")
NO_SIGNATURE_NEEDED = "skip_thought_signature_validator"
TOP = {"contents", "tools", "toolConfig", "systemInstruction", "generationConfig", "safetySettings", "cachedContent"}
GENERATION = {
    "candidateCount", "temperature", "maxOutputTokens", "topP", "topK", "stopSequences", "thinkingConfig", "seed",
    "responseMimeType", "responseSchema", "responseJsonSchema", "presencePenalty", "frequencyPenalty",
}  # fmt: skip
SCHEMA = {
    "type", "description", "properties", "required", "enum", "items", "nullable", "format", "anyOf", "title", "default",
    "minimum", "maximum", "minItems", "maxItems", "minLength", "maxLength", "pattern", "propertyOrdering", "example",
}  # fmt: skip
DATA = {"text", "functionCall", "functionResponse", "inlineData", "fileData"}
PART = DATA | {"thought", "thoughtSignature"}
CAMEL = {"thinking_level": "thinkingLevel", "thinking_budget": "thinkingBudget", "include_thoughts": "includeThoughts"}
FUNCTION_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.:-]{0,127}$")
STATUS_NAMES = {400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED", 404: "NOT_FOUND",
                413: "INVALID_ARGUMENT", 429: "RESOURCE_EXHAUSTED", 500: "INTERNAL", 503: "UNAVAILABLE"}  # fmt: skip
FINISHES = {
    "cut-off": "MAX_TOKENS",
    "safety": "SAFETY",
    "malformed-call": "MALFORMED_FUNCTION_CALL",
    "broken-call": "UNEXPECTED_TOOL_CALL",
    "recitation": "RECITATION",
    "blocklist": "BLOCKLIST",
    "prohibited": "PROHIBITED_CONTENT",
    "personal-data": "SPII",
    "language": "LANGUAGE",
    "other": "OTHER",
}


class GeminiServer(ProviderServer):
    name = "google_genai"
    key_setting = "gemini_api_key"
    models: tuple[str, ...] = ("gemini-3.5-flash-lite", "gemini-3.8-flash", "gemini-2.5-flash")

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._signed: dict[str, str] = {}

    def read(self, request: Request) -> Question:
        path = PATH.match(request.path)
        if path is None:
            raise Rejected(404, f"no such path: {request.path}")
        key = request.headers.get("x-goog-api-key")
        if key != self.key:
            raise Rejected(400 if key else 403, "API key not valid. Please pass a valid API key.", "API_KEY_INVALID")
        if path["model"] not in self.models:
            raise Rejected(404, f"models/{path['model']} is not found for API version v1beta")
        streamed = path["method"] == "streamGenerateContent"
        if streamed and request.query.get("alt") != "sse":
            raise Rejected(400, "streams are asked for with alt=sse here")
        body = _canonical(request.json())
        tools = _check_tools(body)
        _check_top(body, tools)
        turns = _check_turns(body["contents"])
        if path["model"].startswith("gemini-3"):
            self._check_signatures(turns)
        return _question(body, path["model"], turns, tools, streamed=streamed, tokens=len(request.body) // 4)

    def error(self, status: int, message: str, code: str = "", retry_after: float | None = None) -> dict[str, Any]:
        error: dict[str, Any] = {"code": status, "message": message, "status": STATUS_NAMES.get(status, "UNKNOWN")}
        details: list[dict[str, Any]] = []
        if code:
            details.append({"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": code})
        if retry_after is not None:
            details.append({"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": f"{retry_after:g}s"})
        return {"error": error | ({"details": details} if details else {})}

    def hint_headers(self, retry_after: float | None) -> dict[str, str]:
        return {}

    def whole(self, answer: Answer, question: Question) -> dict[str, Any]:
        parts = self._parts(answer, question)
        return _response(parts, "STOP" if answer.finish is None else answer.finish, answer, question)

    def events(self, answer: Answer, question: Question) -> list[dict[str, Any]]:
        parts = self._parts(answer, question)
        if answer.text:
            half = max(len(answer.text) // 2, 1)
            parts = [{"text": answer.text[:half]}, {"text": answer.text[half:] or " "}, *parts[1:]]
        pieces = [_response([part], "", answer, question) for part in parts]
        return [
            *pieces,
            _response([{"text": ""}], "STOP" if answer.finish is None else answer.finish, answer, question),
        ]

    def odd(self, fault: str, question: Question) -> dict[str, Any] | Answer | Rejected | None:
        if fault in FINISHES:
            broken = fault in ("malformed-call", "broken-call", "safety")
            return Answer("" if broken else "The order should be", finish=FINISHES[fault])
        bodies: dict[str, dict[str, Any]] = {
            "empty-object": {},
            "no-candidates": {"candidates": [], "modelVersion": question.model},
            "blocked": {"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}, "modelVersion": question.model},
            "nothing": {"candidates": [{"content": {"role": "model"}, "finishReason": "STOP"}]},
        }
        return bodies.get(fault)

    def _parts(self, answer: Answer, question: Question) -> list[dict[str, Any]]:
        parts: list[dict[str, Any]] = [{"text": answer.text}] if answer.text else []
        for index, call in enumerate(answer.calls):
            part: dict[str, Any] = {"functionCall": _function_call(call)}
            if index == 0 and question.model.startswith("gemini-3"):
                part["thoughtSignature"] = self._sign(call)
            parts.append(part)
        return parts

    def _sign(self, call: Call) -> str:
        signature = base64.b64encode(f"signed {uuid4().hex}".encode()).decode()
        self._signed[signature] = call.name
        return signature

    def _check_signatures(self, turns: list[dict[str, Any]]) -> None:
        """Since the user last spoke, the first call of each of the model's turns carries the signature it came with."""
        spoken = [i for i, turn in enumerate(turns) if turn["role"] == "user" and _has(turn, "text")]
        for turn in turns[(spoken[-1] if spoken else 0) :]:
            calls = [part for part in turn["parts"] if "functionCall" in part]
            if turn["role"] == "model" and calls:
                self._check_signature(calls[0])

    def _check_signature(self, part: dict[str, Any]) -> None:
        signature = part.get("thoughtSignature")
        name = part["functionCall"]["name"]
        if not signature:
            raise Rejected(400, f"Function call is missing a thought_signature in functionCall parts: {name}")
        if signature != NO_SIGNATURE_NEEDED and self._signed.get(signature) != name:
            raise Rejected(400, f"Thought signature is not valid for function call {name}")


def _function_call(call: Call) -> dict[str, Any]:
    found = {"name": call.name, "args": call.arguments}
    return found | ({"id": call.id} if call.id is not None else {})


def _response(parts: list[dict[str, Any]], finish: str, answer: Answer, question: Question) -> dict[str, Any]:
    output = question.output_tokens(answer)
    candidate: dict[str, Any] = {"content": {"role": "model", "parts": parts}, "index": 0}
    usage = {
        "promptTokenCount": question.prompt_tokens,
        "candidatesTokenCount": output,
        "totalTokenCount": question.prompt_tokens + output,
    }
    return {
        "candidates": [candidate | ({"finishReason": finish} if finish else {})],
        "usageMetadata": usage,
        "modelVersion": question.model,
        "responseId": uuid4().hex,
    }


def _canonical(value: Any) -> Any:
    """Field names in camelCase: the real service takes a message's snake_case names as well."""
    if isinstance(value, list):
        return [_canonical(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        CAMEL.get(key, key): item if key in ("args", "response") else _canonical(item) for key, item in value.items()
    }


def _unknown(found: dict[str, Any], allowed: set[str], where: str) -> None:
    for name in found:
        if name not in allowed:
            raise Rejected(400, f'Invalid JSON payload received. Unknown name "{name}" at {where}: Cannot find field.')


def _check_top(body: dict[str, Any], tools: tuple[str, ...]) -> None:
    _unknown(body, TOP, "the request")
    _unknown(body.get("generationConfig", {}), GENERATION, "generation_config")
    config = body.get("toolConfig", {}).get("functionCallingConfig", {})
    mode, allowed = config.get("mode", "AUTO"), config.get("allowedFunctionNames") or []
    if mode not in ("AUTO", "ANY", "NONE", "VALIDATED"):
        raise Rejected(400, f"tool_config: no such mode: {mode}")
    if allowed and mode not in ("ANY", "VALIDATED"):
        raise Rejected(400, "allowed_function_names should be set only in mode ANY")
    if unknown := set(allowed) - set(tools):
        raise Rejected(400, f"allowed_function_names: not declared: {sorted(unknown)}")


def _check_tools(body: dict[str, Any]) -> tuple[str, ...]:
    names: list[str] = []
    for tool in body.get("tools") or []:
        for function in tool.get("functionDeclarations", ()):
            if not FUNCTION_NAME.match(function.get("name", "")):
                raise Rejected(400, f"Invalid function name: {function.get('name')!r}")
            _check_schema(function.get("parameters") or {}, function["name"])
            names.append(function["name"])
    if len(set(names)) != len(names):
        raise Rejected(400, f"Duplicate function declaration found: {sorted(names)}")
    return tuple(names)


def _check_schema(schema: dict[str, Any], where: str) -> None:
    _unknown(schema, SCHEMA, f"the parameters of {where}")
    for name, child in schema.get("properties", {}).items():
        _check_schema(child, f"{where}.{name}")
    if isinstance(schema.get("items"), dict):
        _check_schema(schema["items"], f"{where}[]")


def _check_turns(contents: Any) -> list[dict[str, Any]]:
    if not isinstance(contents, list) or not contents:
        raise Rejected(400, "contents is not specified")
    for index, turn in enumerate(contents):
        _check_turn(turn, index)
    for before, turn in zip([None, *contents], contents, strict=False):
        _check_sequence(before, turn)
    if _has(contents[-1], "functionCall"):
        raise Rejected(400, "the last turn is a function call that nobody answered")
    return list(contents)


def _check_turn(turn: dict[str, Any], index: int) -> None:
    _unknown(turn, {"role", "parts"}, f"contents[{index}]")
    if turn.get("role") not in ("user", "model"):
        raise Rejected(400, "Please use a valid role: user, model.")
    if not turn.get("parts"):
        raise Rejected(400, f"contents[{index}].parts: must not be empty")
    for part in turn["parts"]:
        _unknown(part, PART, f"contents[{index}].parts")
        if len(DATA & set(part)) != 1:
            raise Rejected(400, f"contents[{index}].parts: exactly one kind of data is required in a part")
        if part.get("text") == "":
            raise Rejected(400, f"contents[{index}].parts: an empty text parameter")
        if "functionResponse" in part and not isinstance(part["functionResponse"].get("response"), dict):
            raise Rejected(400, f"contents[{index}]: function_response.response is no object")


def _check_sequence(before: dict[str, Any] | None, turn: dict[str, Any]) -> None:
    asked = _names(before, "functionCall") if before else []
    answered = _names(turn, "functionResponse")
    if sorted(asked) != sorted(answered):
        raise Rejected(
            400,
            "Please ensure that the number of function response parts is equal to the number of function call parts of "
            f"the function call turn: {asked} asked, {answered} answered.",
        )
    if _names(turn, "functionCall") and (before is None or before["role"] != "user"):
        raise Rejected(400, "A function call turn comes immediately after a user turn or a function response turn.")


def _names(turn: dict[str, Any], kind: str) -> list[str]:
    return [part[kind]["name"] for part in turn["parts"] if kind in part]


def _has(turn: dict[str, Any], kind: str) -> bool:
    return any(kind in part for part in turn["parts"])


def _question(
    body: dict[str, Any],
    model: str,
    turns: list[dict[str, Any]],
    tools: tuple[str, ...],
    *,
    streamed: bool,
    tokens: int,
) -> Question:
    text, results = "", []
    for turn in turns:
        for part in turn["parts"]:
            if turn["role"] == "user" and "text" in part:
                text, results = part["text"], []
            elif "functionResponse" in part:
                results.append((part["functionResponse"]["name"], part["functionResponse"]["response"]))
    config = body.get("toolConfig", {}).get("functionCallingConfig", {})
    allowed = config.get("allowedFunctionNames") or []
    choice = {"ANY": "any", "NONE": "none"}.get(config.get("mode", "AUTO"), "auto")
    if choice == "any" and len(allowed) == 1:
        choice = allowed[0]
    most = body.get("generationConfig", {}).get("maxOutputTokens") or 2_048
    return Question(model, streamed, text, tools, choice, tuple(results), tokens, most)
