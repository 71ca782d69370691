"""The provider servers reject what the real services reject: else the tests that use them prove nothing."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from tests.providers.gemini import GeminiServer
from tests.providers.groq import GroqServer
from tests.providers.script import Answer, Call

GEMINI_PATH = "/v1beta/models/gemini-3.5-flash-lite:generateContent"
GROQ_PATH = "/openai/v1/chat/completions"
ASKED = {"role": "user", "parts": [{"text": "hi"}]}
DECLARED = {"functionDeclarations": [{"name": "look", "parameters": {"type": "OBJECT", "properties": {}}}]}
TOOL = {"type": "function", "function": {"name": "look", "parameters": {"type": "object", "properties": {}}}}
CALLED = {"role": "assistant", "content": None, "tool_calls": [
    {"id": "a", "type": "function", "function": {"name": "look", "arguments": "{}"}}]}  # fmt: skip
ANSWERED = {"role": "tool", "content": "{}", "tool_call_id": "a"}
USER = {"role": "user", "content": "hi"}


@pytest.fixture
async def gemini() -> AsyncIterator[GeminiServer]:
    async with GeminiServer(always=Answer("fine")) as server:
        yield server


@pytest.fixture
async def groq() -> AsyncIterator[GroqServer]:
    async with GroqServer(always=Answer("fine")) as server:
        yield server


async def to_gemini(server: GeminiServer, body: dict[str, Any], **options: Any) -> httpx.Response:
    headers = options.pop("headers", {"x-goog-api-key": server.key})
    async with httpx.AsyncClient(base_url=server.url, trust_env=False) as client:
        return await client.post(options.pop("path", GEMINI_PATH), json=body, headers=headers)


async def to_groq(server: GroqServer, *messages: dict[str, Any], **options: Any) -> httpx.Response:
    headers = options.pop("headers", {"authorization": f"Bearer {server.key}"})
    body = {"model": "openai/gpt-oss-120b", "messages": messages, **options}
    async with httpx.AsyncClient(base_url=server.url, trust_env=False) as client:
        return await client.post(GROQ_PATH, json=body, headers=headers)


def model_calls(*names: str, signature: str | None = None) -> dict[str, Any]:
    parts: list[dict[str, Any]] = [{"functionCall": {"name": name, "args": {}}} for name in names]
    if signature:
        parts[0]["thoughtSignature"] = signature
    return {"role": "model", "parts": parts}


def responds(*names: str) -> dict[str, Any]:
    return {"role": "user", "parts": [{"functionResponse": {"name": name, "response": {}}} for name in names]}


SKIP = "skip_thought_signature_validator"
REJECTED_BY_GEMINI = {
    "unknown field": ({"contents": [ASKED], "temperature": 1}, "Unknown name"),
    "unknown generation option": ({"contents": [ASKED], "generationConfig": {"maxTokens": 1}}, "Unknown name"),
    "unknown schema keyword": (
        {"contents": [ASKED], "tools": [{"functionDeclarations": [
            {"name": "f", "parameters": {"type": "OBJECT", "properties": {"a": {"exclusiveMinimum": 0}}}}]}]},
        "Unknown name",
    ),
    "no contents": ({"contents": []}, "not specified"),
    "no parts": ({"contents": [{"role": "user", "parts": []}]}, "must not be empty"),
    "empty text": ({"contents": [{"role": "user", "parts": [{"text": ""}]}]}, "empty text"),
    "two kinds of data": (
        {"contents": [{"role": "user", "parts": [{"text": "a", "functionCall": {}}]}]}, "exactly one"),
    "strange role": ({"contents": [{"role": "assistant", "parts": [{"text": "a"}]}]}, "valid role"),
    "a call before anybody asked": (
        {"contents": [model_calls("look", signature=SKIP), responds("look")]}, "immediately"),
    "a call nobody answered": ({"contents": [ASKED, model_calls("look", signature=SKIP)]}, "nobody answered"),
    "one answer for two calls": (
        {"contents": [ASKED, model_calls("look", "look", signature=SKIP), responds("look")]}, "equal to the number"),
    "an answer without a call": ({"contents": [ASKED, responds("look")]}, "equal to the number"),
    "text before the answer": (
        {"contents": [ASKED, model_calls("look", signature=SKIP), ASKED]}, "equal to the number"),
    "two answers in a row": (
        {"contents": [ASKED, {"role": "model", "parts": [{"text": "a"}]}, model_calls("look", signature=SKIP),
                      responds("look")]}, "immediately"),
    "no signature": ({"contents": [ASKED, model_calls("look"), responds("look")]}, "thought_signature"),
    "a made-up signature": (
        {"contents": [ASKED, model_calls("look", signature="bWFkZSB1cA=="), responds("look")]}, "not valid"),
    "a result that is no object": (
        {"contents": [ASKED, model_calls("look", signature=SKIP),
                      {"role": "user", "parts": [{"functionResponse": {"name": "look", "response": "x"}}]}]},
        "no object"),
    "names allowed where nothing is forced": (
        {"contents": [ASKED], "tools": [DECLARED],
         "toolConfig": {"functionCallingConfig": {"mode": "AUTO", "allowedFunctionNames": ["look"]}}},
        "only in mode ANY"),
    "an allowed name nobody declared": (
        {"contents": [ASKED], "tools": [DECLARED],
         "toolConfig": {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["other"]}}}, "not declared"),
    "the same tool twice": ({"contents": [ASKED], "tools": [DECLARED, DECLARED]}, "Duplicate"),
}  # fmt: skip


@pytest.mark.parametrize(("body", "complaint"), REJECTED_BY_GEMINI.values(), ids=REJECTED_BY_GEMINI)
async def test_gemini_rejects(gemini: GeminiServer, body: dict[str, Any], complaint: str) -> None:
    response = await to_gemini(gemini, body)

    assert (response.status_code, response.json()["error"]["status"]) == (400, "INVALID_ARGUMENT")
    assert complaint in response.json()["error"]["message"]
    assert len(gemini.complaints) == 1


async def test_gemini_takes_back_its_own_signature(gemini: GeminiServer) -> None:
    gemini.queue(Answer(calls=(Call("look"), Call("look"))))
    said = (await to_gemini(gemini, {"contents": [ASKED], "tools": [DECLARED]})).json()["candidates"][0]["content"]

    response = await to_gemini(gemini, {"contents": [ASKED, said, responds("look", "look")]})

    assert (response.status_code, gemini.complaints) == (200, [])


async def test_gemini_asks_no_signature_of_earlier_turns_or_of_older_models(gemini: GeminiServer) -> None:
    past = {
        "contents": [ASKED, model_calls("look"), responds("look"), {"role": "model", "parts": [{"text": "so"}]}, ASKED]
    }
    older = {"contents": [ASKED, model_calls("look"), responds("look")]}

    responses = [
        await to_gemini(gemini, past),
        await to_gemini(gemini, older, path=GEMINI_PATH.replace("3.5-flash-lite", "2.5-flash")),
    ]

    assert [response.status_code for response in responses] == [200, 200]


@pytest.mark.parametrize(
    ("headers", "path", "status"),
    [
        ({}, GEMINI_PATH, 403),
        ({"x-goog-api-key": "wrong"}, GEMINI_PATH, 400),
        (None, GEMINI_PATH.replace("3.5", "2.0"), 404),
        (None, "/v1beta/v1beta/models/x:generateContent", 404),
    ],
)
async def test_gemini_knows_its_keys_models_and_paths(
    gemini: GeminiServer, headers: dict[str, str] | None, path: str, status: int
) -> None:
    options = {"path": path} | ({"headers": headers} if headers is not None else {})

    assert (await to_gemini(gemini, {"contents": [ASKED]}, **options)).status_code == status


REJECTED_BY_GROQ: dict[str, tuple[list[dict[str, Any]], dict[str, Any], str]] = {
    "unknown property of a message": ([USER | {"function_call": {}}], {}, "'function_call' is unsupported"),
    "unknown property of the request": ([USER], {"top_k": 1}, "'top_k' is unsupported"),
    "an answer of another provider": (
        [USER, {"role": "assistant", "content": "a", "extras": {"signature": "s"}}], {}, "'extras' is unsupported"),
    "blocks of another provider": (
        [{"role": "user", "content": [{"type": "text", "text": "a", "index": 0}]}], {}, "unsupported block"),
    "no messages": ([], {}, "minimum number"),
    "strange role": ([{"role": "model", "content": "a"}], {}, "no such role"),
    "neither text nor call": ([{"role": "assistant", "content": None}], {}, "is missing"),
    "a call nobody answered": ([USER, CALLED], {}, "without an answer"),
    "text before the answer": ([USER, CALLED, USER, ANSWERED], {}, "without an answer"),
    "an answer without a call": ([USER, ANSWERED], {}, "answers no call"),
    "a call without an id": (
        [USER, {"role": "assistant", "tool_calls": [
            {"id": "", "type": "function", "function": {"name": "look", "arguments": "{}"}}]}], {}, "needs an id"),
    "two calls with one id": (
        [USER, {"role": "assistant", "tool_calls": CALLED["tool_calls"] * 2}], {}, "same id"),
    "arguments that are no JSON": (
        [USER, {"role": "assistant", "tool_calls": [
            {"id": "a", "type": "function", "function": {"name": "look", "arguments": "{"}}]}], {}, "not JSON"),
    "a choice without tools": ([USER], {"tool_choice": "required"}, "only allowed with tools"),
    "a choice nobody declared": (
        [USER], {"tools": [TOOL], "tool_choice": {"type": "function", "function": {"name": "x"}}}, "names no tool"),
    "more than one answer": ([USER], {"n": 2}, "'n'"),
    "an unknown effort": ([USER], {"reasoning_effort": "minimal"}, "reasoning_effort"),
}  # fmt: skip


@pytest.mark.parametrize(("messages", "options", "complaint"), REJECTED_BY_GROQ.values(), ids=REJECTED_BY_GROQ)
async def test_groq_rejects(
    groq: GroqServer, messages: list[dict[str, Any]], options: dict[str, Any], complaint: str
) -> None:
    response = await to_groq(groq, *messages, **options)

    assert (response.status_code, len(groq.complaints)) == (400, 1)
    assert complaint in response.json()["error"]["message"]


async def test_groq_takes_a_whole_conversation(groq: GroqServer) -> None:
    response = await to_groq(groq, {"role": "system", "content": "s"}, USER, CALLED, ANSWERED, tools=[TOOL])

    assert (response.json()["choices"][0]["message"]["content"], groq.complaints) == ("fine", [])


async def test_groq_knows_its_keys_and_models(groq: GroqServer) -> None:
    responses = [
        await to_groq(groq, USER, headers={"authorization": "Bearer wrong"}),
        await to_groq(groq, USER, model="llama-3.3-70b-versatile"),
    ]

    assert [response.status_code for response in responses] == [401, 404]


async def test_a_server_is_scripted_over_http_too(groq: GroqServer) -> None:
    async with httpx.AsyncClient(base_url=groq.url, trust_env=False) as client:
        await client.post("/control", json={"always": "503", "queue": ["429-hint"]})
        statuses = [(await to_groq(groq, USER)).status_code for _ in range(2)]
        told = (await client.get("/control")).json()

    assert (statuses, told) == ([429, 503], {"requests": 2, "complaints": []})


async def test_a_fault_nobody_knows_is_an_error_of_the_test(groq: GroqServer) -> None:
    with pytest.raises(ValueError, match="no such fault"):
        groq.queue("no-such-fault")
