"""Chats in OpenAI's form: with OpenAI's own client, and with what Open WebUI and LibreChat send."""

import io
import json
from collections.abc import Callable, Iterator
from typing import Any

import openai
import pytest

from api.bodies.chat import MAX_CHARACTERS
from tests.api.conftest import KEY

QUESTION = "How much STEEL_SHEETS do we have?"
TITLE_JOB = """### Task:
Name the chat in a few words.
### Output:
JSON format: { "title": "a few words" }
### Chat History:
<chat_history>
USER: How much STEEL_SHEETS do we have?
ASSISTANT: 150 sheets.
</chat_history>"""


def user(text: Any) -> dict[str, Any]:
    return {"role": "user", "content": text}


def assistant(text: str) -> dict[str, Any]:
    return {"role": "assistant", "content": text}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, start_process: Callable[..., Any]) -> Any:
    return start_process(tmp_path_factory.mktemp("completions"), {"API_KEY": KEY, "CHECK_MODELS": "false"})


@pytest.fixture(scope="module")
def client(server: Any) -> Iterator[openai.OpenAI]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NO_PROXY", "127.0.0.1")
        with openai.OpenAI(base_url=f"{server.url}/v1", api_key=KEY, max_retries=0, timeout=60) as client:
            yield client


def ask(client: openai.OpenAI, *messages: dict[str, Any], **more: Any) -> Any:
    return client.chat.completions.create(model="restock", messages=list(messages), **more)


def text(answer: Any) -> str:
    return str(answer.choices[0].message.content)


def test_a_question_is_answered(client: openai.OpenAI) -> None:
    answer = ask(client, {"role": "system", "content": "You are a pirate."}, user(QUESTION), temperature=0.5, user="u")

    assert text(answer).startswith("STEEL_SHEETS at Chicago: order 1,200 sheets")
    assert (answer.object, answer.model, answer.choices[0].finish_reason) == ("chat.completion", "restock", "stop")
    assert (answer.usage.prompt_tokens, answer.usage.total_tokens) == (0, 0)  # no model was asked


@pytest.mark.parametrize("usage", [True, False])
def test_an_answer_comes_in_parts_and_with_its_usage_where_asked_for(client: openai.OpenAI, usage: bool) -> None:
    parts = list(ask(client, user(QUESTION), stream=True, stream_options={"include_usage": usage}))

    said = "".join(part.choices[0].delta.content or "" for part in parts if part.choices)
    assert said == text(ask(client, user(QUESTION)))
    assert parts[0].choices[0].delta.role == "assistant"
    assert [part.choices[0].finish_reason for part in parts if part.choices][-1] == "stop"
    assert [part.usage is not None for part in parts if not part.choices] == [True] * usage
    assert len({part.id for part in parts}) == 1


def test_content_may_come_in_parts_of_text(client: openai.OpenAI) -> None:
    parts = [{"type": "text", "text": "How much STEEL_SHEETS"}, {"type": "text", "text": "do we have?"}]

    assert "150 sheets" in text(ask(client, user(parts)))


def test_thirty_turns_are_one_conversation_that_the_first_question_and_answer_tell(client: openai.OpenAI) -> None:
    history = [user("How much of COPPER_WIRE do we have?")]
    for _ in range(30):
        history += [assistant(text(ask(client, *history))), user("And is it on order?")]
    # Some clients leave out what is in the middle, and keep spaces otherwise.
    answer = ask(client, history[0], assistant(f" {history[1]['content']}\n"), user("How much of it do we have?"))

    assert "COPPER_WIRE" in text(answer)
    listed = client.get("/../conversations?limit=200", cast_to=object)["conversations"]  # type: ignore[index]
    assert [each["turns"] for each in listed if "COPPER_WIRE" in each["title"]] == [31]


def test_the_same_first_question_again_is_another_conversation(client: openai.OpenAI) -> None:
    for _ in range(2):
        ask(client, user("What is on order at Denver?"))

    listed = client.get("/../conversations?limit=200", cast_to=object)["conversations"]  # type: ignore[index]
    assert [each["turns"] for each in listed if "Denver" in each["title"]] == [1, 1]


def test_a_history_from_elsewhere_begins_a_conversation(client: openai.OpenAI) -> None:
    answer = ask(client, user("Who are you?"), assistant("Somebody else."), user(QUESTION))

    assert "150 sheets" in text(answer)


def test_there_is_one_model(client: openai.OpenAI) -> None:
    assert [model.id for model in client.models.list()] == ["restock"]
    assert client.models.retrieve("restock").owned_by == "restock"
    with pytest.raises(openai.NotFoundError, match="ask for 'restock'") as caught:
        client.models.retrieve("gpt-5")
    assert caught.value.code == "model_not_found"


@pytest.mark.parametrize(
    ("job", "answer"),
    [
        (TITLE_JOB, {"title": QUESTION}),
        (TITLE_JOB.replace("title", "tags"), {"tags": ["Inventory"]}),
        (TITLE_JOB.replace("title", "follow_ups"), {"follow_ups": []}),
        (TITLE_JOB.replace("title", "queries"), {"queries": []}),
        ("### Task:\nSomething else that a client wants.", {}),
    ],
)
def test_jobs_of_a_client_are_answered_without_a_conversation(
    client: openai.OpenAI, job: str, answer: dict[str, Any]
) -> None:
    before = client.get("/../conversations?limit=200", cast_to=object)

    assert json.loads(text(ask(client, user(job)))) == answer
    streamed = "".join(part.choices[0].delta.content or "" for part in ask(client, user(job), stream=True))
    assert json.loads(streamed) == answer
    assert client.get("/../conversations?limit=200", cast_to=object) == before


@pytest.mark.parametrize("begun", ["Provide a concise, 5-word-or-less title", "Analyze this conversation and provide:"])
def test_a_title_in_words_is_given_in_words(client: openai.OpenAI, begun: str) -> None:
    assert text(ask(client, user(f"{begun} …\n\nUser: What is late?\nAI: Nothing."))) == "What is late?"


@pytest.mark.parametrize("query", ["</context>\n\n%s", "</context>\n<user_query>\n%s\n</user_query>"])
def test_a_question_behind_documents_of_the_client_is_a_question(client: openai.OpenAI, query: str) -> None:
    documents = "### Task:\nRespond to the query.\n<context>" + "A long document. " * 1_000

    assert "150 sheets" in text(ask(client, user(documents + query % QUESTION)))


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"messages": [user("")]}, "ask something"),
    ({"messages": [assistant("Hello")]}, "ask something"),
    ({"messages": []}, "at least 1 item"),
    ({"messages": [user("x" * (MAX_CHARACTERS + 1))]}, "characters"),
    ({"messages": [user([{"type": "image_url", "image_url": {"url": "data:x"}}])]}, "only text can be read here"),
    ({"messages": [user(QUESTION)], "n": 2}, "1"),
    ({"messages": [user(QUESTION)], "tool_choice": "required"}, "leave tool_choice out"),
    ({"messages": [user(QUESTION)], "response_format": {"type": "json_object"}}, "leave response_format out"),
]


@pytest.mark.parametrize(("body", "words"), REFUSED)
@pytest.mark.parametrize("stream", [False, True])
def test_what_cannot_be_done_is_a_bad_request(
    client: openai.OpenAI, body: dict[str, Any], words: str, stream: bool
) -> None:
    with pytest.raises(openai.BadRequestError, match=words) as caught:
        client.chat.completions.create(model="restock", stream=stream, **body)

    assert caught.value.type == "invalid_request_error"
    assert caught.value.request_id


def test_errors_have_the_form_that_the_client_knows(client: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError, match="ask for 'restock'"):
        client.chat.completions.create(model="gpt-5", messages=[{"role": "user", "content": "Hello"}])
    with pytest.raises(openai.AuthenticationError, match="not valid") as caught:
        ask(client.with_options(api_key="wrong"), user(QUESTION))
    assert (caught.value.code, caught.value.type) == ("invalid_api_key", "authentication_error")
    with pytest.raises(openai.AuthenticationError):
        ask(client, user(QUESTION), extra_headers={"X-API-Key": "another"})
    with pytest.raises(openai.NotFoundError):
        client.embeddings.create(model="restock", input="Hello")
    with pytest.raises(openai.APIStatusError) as large:
        ask(client, user("x" * 1_100_000))
    assert (large.value.status_code, large.value.code) == (413, "body_too_large")


async def test_a_stream_that_fails_ends_with_an_error(
    service: Any, monkeypatch: pytest.MonkeyPatch, log: io.StringIO
) -> None:
    async def fail(*_: Any) -> Any:
        raise ValueError("secret")

    monkeypatch.setattr(service.runtime._chat, "_answered", fail)
    body = {"model": "restock", "messages": [user("Hello")], "stream": True}

    answer = await service.client.post("/v1/chat/completions", json=body)

    *_, error, done = [line for line in answer.text.splitlines() if line.startswith("data: ")]
    assert json.loads(error.removeprefix("data: "))["error"]["code"] == "internal_error"
    assert (done, "secret" in answer.text) == ("data: [DONE]", False)
    assert "unexpected_error" in log.getvalue()


async def test_a_fault_of_ours_has_the_form_too(
    service: Any, monkeypatch: pytest.MonkeyPatch, log: io.StringIO
) -> None:
    async def fail(*_: Any, **__: Any) -> Any:
        raise ValueError("secret")

    monkeypatch.setattr(service.runtime, "chat", fail)
    service.client._transport.raise_app_exceptions = False
    answer = await service.client.post("/v1/chat/completions", json={"model": "restock", "messages": [user("Hello")]})

    assert (answer.status_code, answer.json()["error"]["type"]) == (500, "server_error")
    assert "secret" not in answer.text


async def test_tokens_of_a_model_are_the_usage(service: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    chat = service.runtime.chat

    async def costly(*arguments: Any, **named: Any) -> Any:
        return (await chat(*arguments, **named)).model_copy(update={"input_tokens": 700, "output_tokens": 30})

    monkeypatch.setattr(service.runtime, "chat", costly)
    answer = await service.client.post("/v1/chat/completions", json={"model": "restock", "messages": [user("Hello")]})

    assert answer.json()["usage"] == {"prompt_tokens": 700, "completion_tokens": 30, "total_tokens": 730}
