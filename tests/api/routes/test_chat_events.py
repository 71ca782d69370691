"""A chat as a stream of events, over HTTP."""

import asyncio
import io
import json
import signal
import socket
import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from api.bodies.chat import MAX_CHARACTERS
from tests.api.conftest import KEY
from tools.records.errors import Unavailable

STEEL = {"product_id": "STEEL_SHEETS", "location": "Chicago"}
STREAM = {"Accept": "text/event-stream"}
OPEN_STREAMS = 200


def events(text: str) -> list[tuple[str, Any]]:
    """The events of a stream that has ended: their names and data."""
    found = []
    for block in text.strip().split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if not line.startswith(":"))
        found.append((fields["event"], json.loads(fields["data"])))
    return found


async def ask(client: httpx.AsyncClient, message: str, **more: Any) -> httpx.Response:
    return await client.post("/chat", json={"message": message, **more}, headers=STREAM)


async def test_it_tells_steps_calls_and_text_and_ends_with_what_the_json_says(client: httpx.AsyncClient) -> None:
    question = "Should I reorder STEEL_SHEETS, and why?"

    answer = await ask(client, question)
    whole = (await client.post("/chat", json={"message": question})).json()

    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.headers["cache-control"] == "no-cache"
    told = events(answer.text)
    assert told[0] == ("step", {"text": "agent"})
    assert ("tool_call", {"tool": "calculate_reorder", "arguments": STEEL}) in told
    assert ("tool_result", {"tool": "calculate_reorder"}) in told
    assert "".join(data["text"] for kind, data in told if kind == "text") == told[-1][1]["answer"]
    kind, end = told[-1]
    assert (kind, end | {"conversation_id": ""}) == ("end", whole | {"conversation_id": ""})


async def test_a_conversation_goes_on_from_one_form_in_the_other(client: httpx.AsyncClient) -> None:
    first = events((await ask(client, "Should I reorder STEEL_SHEETS?")).text)[-1][1]
    again = {"message": "And how much of it do we have?", "conversation_id": first["conversation_id"]}

    assert "STEEL_SHEETS" in (await client.post("/chat", json=again)).json()["answer"]
    shown = (await client.get(f"/conversations/{first['conversation_id']}")).json()
    assert [turn["question"] for turn in shown["messages"]] == [
        "Should I reorder STEEL_SHEETS?",
        "And how much of it do we have?",
    ]


async def test_what_can_be_refused_is_refused_before_the_stream_begins(service: Any, problem: Any) -> None:
    client = service.client
    problem(await ask(client, "x" * (MAX_CHARACTERS + 1)), 422, "message_too_long")
    problem(await ask(client, ""), 422, "invalid_input")
    problem(await ask(client, "Hello", conversation_id="0" * 32), 404, "unknown_conversation")
    problem(
        await client.post("/chat", json={"message": "Hello"}, headers=STREAM | {"Idempotency-Key": "k"}),
        400,
        "invalid_idempotency_key",
    )
    problem(await client.post("/chat", json={"message": "Hi"}, headers=STREAM | {"X-API-Key": "x"}), 401, "invalid_key")
    service.runtime.begin_shutdown()
    problem(await ask(client, "Hello"), 503, "unavailable")
    assert await service.count("conversations") == 0


@pytest.mark.parametrize(
    ("error", "code"), [(Unavailable("The database is away."), "unavailable"), (ValueError("secret"), "internal_error")]
)
async def test_a_stream_that_fails_ends_with_a_problem(
    service: Any, monkeypatch: pytest.MonkeyPatch, log: io.StringIO, error: Exception, code: str
) -> None:
    async def fail(*_: Any) -> Any:
        raise error

    monkeypatch.setattr(service.runtime._chat, "_answered", fail)

    kind, problem = events((await ask(service.client, "Hello")).text)[-1]

    assert (kind, problem["code"]) == ("error", code)
    assert "secret" not in str(problem)


@pytest.fixture
def silent() -> Any:
    """The address of a provider that takes every connection and never answers."""
    with socket.create_server(("127.0.0.1", 0), backlog=500) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


@pytest.mark.slow
async def test_two_hundred_open_streams_hinder_neither_requests_nor_a_stop(
    serve: Callable[..., Any], silent: str
) -> None:
    process = serve(
        API_KEY=KEY,
        CHECK_MODELS="false",
        GROQ_API_KEY="k",
        PRIMARY_MODEL="groq:openai/gpt-oss-120b",
        FALLBACK_MODELS="",
        MODEL_BASE_URLS=json.dumps({"groq": silent}),
        MODEL_TIMEOUT_SECONDS="100",
        RUN_DEADLINE_SECONDS="100",
        MAX_CONCURRENT_REQUESTS="5",
    )
    limits = httpx.Limits(max_connections=None)
    client = httpx.AsyncClient(
        base_url=process.url, headers={"X-API-Key": KEY}, timeout=60, trust_env=False, limits=limits
    )
    opened = asyncio.Semaphore(0)

    async def one() -> str:
        async with client.stream("POST", "/chat", json={"message": "Hello"}, headers=STREAM) as stream:
            lines = stream.aiter_lines()
            first = await anext(lines)
            opened.release()
            return "\n".join([first, *[line async for line in lines]])

    async with client:
        streams = [asyncio.create_task(one()) for _ in range(OPEN_STREAMS)]
        for _ in streams:
            await asyncio.wait_for(opened.acquire(), 60)
        answered = await client.get("/debug/STEEL_SHEETS")
        began = time.monotonic()
        process.send(signal.SIGTERM)
        ended = await asyncio.gather(*streams)
        code = await asyncio.to_thread(process.wait)
        took = time.monotonic() - began

    assert answered.status_code == 200
    assert {events(text)[-1][0] for text in ended} == {"error"}
    assert {events(text)[-1][1]["code"] for text in ended} == {"unavailable"}
    assert code in (0, -signal.SIGTERM)
    assert took < 5
