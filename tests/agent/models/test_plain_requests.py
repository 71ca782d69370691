"""What is sent past the clients' own ways is what they would have sent."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from google.genai.models import AsyncModels, _GenerateContentResponse_from_mldev
from google.genai.types import GenerateContentConfig, GenerateContentResponse
from groq.resources.chat.completions import AsyncCompletions
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage, ToolMessage
from langchain_core.utils.function_calling import convert_to_openai_tool
from pydantic.alias_generators import to_camel

from agent.models.gemini_models import PlainModels, answer, is_plain
from agent.models.groq_completions import PlainCompletions
from agent.models.guard import SIGNATURES
from agent.models.link import Query
from tests.providers.pair import GEMINI, GROQ, ProviderPair
from tests.providers.script import Answer, Call

pytestmark = pytest.mark.asyncio(loop_scope="module")
OWN_WAYS = {
    GEMINI: (PlainModels, "generate_content", AsyncModels.generate_content),
    GROQ: (PlainCompletions, "create", AsyncCompletions.create),
}
FREE = {"properties", "args", "response"}
"""What stands in these has names of our own."""
BESIDE_THE_POINT = ("content-length", "x-stainless-read-timeout", "x-stainless-retry-count")


def calculate_reorder(product_id: str, demand_uplift: float | None = None, places: list[str] | None = None) -> str:
    """Calculate an order."""
    return product_id


TOOLS = [convert_to_openai_tool(calculate_reorder)]
CALL = {"name": "calculate_reorder", "args": {"product_id": "X", "places": ["Zürich"]}, "id": "call-1"}
ASKED: list[BaseMessage] = [SystemMessage("You restock."), HumanMessage("Wie viel „Öl“?")]
ANSWERED: list[BaseMessage] = [
    *ASKED,
    AIMessage("", tool_calls=[CALL]),
    ToolMessage('{"order_quantity":7}', tool_call_id="call-1", name="calculate_reorder"),
]
QUERIES = {
    "a question": Query(ASKED),
    "tools offered": Query(ASKED, TOOLS),
    "a tool demanded": Query(ASKED, TOOLS, "calculate_reorder"),
    "no tool allowed": Query(ANSWERED, TOOLS, "none"),
    "a tool answered": Query(ANSWERED, TOOLS),
    "a word to stop at": Query(ASKED, stop=["END"]),
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def pair() -> AsyncIterator[ProviderPair]:
    async with ProviderPair() as built:
        yield built


def camel(value: Any) -> Any:
    """Google's services take names in either spelling."""
    if isinstance(value, dict):
        return {to_camel(name): each if name in FREE else camel(each) for name, each in value.items()}
    return [camel(each) for each in value] if isinstance(value, list) else value


def said(headers: dict[str, str]) -> dict[str, str]:
    """What the clients tell of their own retries left out."""
    return {name: value for name, value in headers.items() if name not in BESIDE_THE_POINT}


@pytest.mark.parametrize("query", QUERIES.values(), ids=QUERIES)
@pytest.mark.parametrize("provider", [GEMINI, GROQ])
async def test_a_request_is_what_the_client_would_have_sent(
    pair: ProviderPair, provider: str, query: Query, monkeypatch: pytest.MonkeyPatch
) -> None:
    server, link = pair[provider], pair.link(provider)
    demanded = query.tool_choice == "calculate_reorder"
    server.always = Answer(calls=(Call("calculate_reorder", CALL["args"], "id-1"),)) if demanded else Answer("Done.")
    ours = await link.ask(query)
    plainly = server.received[-1]

    owner, method, own_way = OWN_WAYS[provider]
    monkeypatch.setattr(owner, method, own_way)
    theirs = await pair.link(provider).ask(query)
    anyhow = server.received[-1]

    assert plainly is not anyhow
    assert camel(plainly.body) == camel(anyhow.body)
    assert said(plainly.headers) == said(anyhow.headers)
    assert (ours.content, ours.tool_calls) == (theirs.content, theirs.tool_calls)
    assert server.complaints == []


async def test_a_signature_goes_back_as_it_came(pair: ProviderPair) -> None:
    server, link = pair[GEMINI], pair.link(GEMINI)
    server.always = Answer(calls=(Call("calculate_reorder", CALL["args"], "id-1"),))
    reply = await link.ask(Query(ASKED, TOOLS))
    server.always = Answer("Done.")

    result = ToolMessage("7", tool_call_id="id-1", name="calculate_reorder")
    await link.ask(Query([*ASKED, reply, result], TOOLS))

    (given,) = reply.additional_kwargs[SIGNATURES].values()
    assert given in str(server.received[-1].body["contents"])
    assert server.complaints == []


@pytest.mark.parametrize("provider", [GEMINI, GROQ])
async def test_other_tools_of_the_same_names_are_told_anew(pair: ProviderPair, provider: str) -> None:
    server, link = pair[provider], pair.link(provider)
    server.always = Answer("Done.")

    await link.ask(Query(ASKED, TOOLS))
    changed = [{**TOOLS[0], "function": {**TOOLS[0]["function"], "description": "Quite another one."}}]
    await link.ask(Query(ASKED, changed))

    assert "Quite another one." in str(server.received[-1].body)


async def test_what_has_no_known_place_goes_the_clients_own_way() -> None:
    assert is_plain([], GenerateContentConfig(temperature=0.5, tools=[]))
    assert not is_plain([], GenerateContentConfig(response_mime_type="application/json"))
    assert not is_plain("a question", GenerateContentConfig())
    assert not is_plain([], {"temperature": 0.5})


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"aFieldOfNextYear": {"a": 1}},
        {"candidates": [{"content": {"parts": [{"text": "Hi", "novelty": 1}]}, "finishReason": "STOP", "rank": 3}]},
        {"candidates": [], "promptFeedback": {"blockReason": "SAFETY"}},
        {"candidates": [{"finishReason": "MAX_TOKENS", "citationMetadata": {"citationSources": [{"uri": "u"}]}}]},
    ],
)
async def test_an_answer_is_read_as_the_client_reads_it(changes: dict[str, Any]) -> None:
    parts = [{"functionCall": {"name": "look", "args": {"a": [1.5, None]}, "id": "i"}, "thoughtSignature": "c2ln"}]
    came = {
        "candidates": [{"content": {"parts": parts, "role": "model"}, "finishReason": "STOP", "index": 0}],
        "usageMetadata": {"promptTokenCount": 5, "candidatesTokenCount": 2, "totalTokenCount": 7},
        "modelVersion": "gemini-x",
        "responseId": "r",
    } | changes

    theirs = _GenerateContentResponse_from_mldev(json.loads(json.dumps(came)))

    assert answer(json.dumps(came)) == GenerateContentResponse._from_response(response=theirs, kwargs={})


async def test_an_empty_answer_and_one_that_is_no_json_are_what_they_are_to_the_client() -> None:
    assert answer("") == answer("{}") == GenerateContentResponse()
    with pytest.raises(json.JSONDecodeError):
        answer("<html>")
