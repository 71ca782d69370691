"""Chat completions in OpenAI's form."""

import json
import re
import time
from collections.abc import Sequence
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from agent.state import ChatAnswer
from tools.records.errors import InvalidInput
from tools.records.text import clean_text

MODEL = "restock"
JOBS = ("### Task:", "Provide a concise, 5-word-or-less title", "Analyze this conversation and provide:")
"""How clients begin what they ask beside a conversation: a title, tags, further questions."""
_QUERY = re.compile(r"<user_query>(.*?)</user_query>|</context>(.*)", re.DOTALL)
_ASKED = re.compile(r"^\W*user:\s*(\S.*)$", re.IGNORECASE | re.MULTILINE)
_TITLE_LENGTH = 40


class Lenient(BaseModel):
    """Clients send much that makes no difference here, such as a temperature."""

    model_config = ConfigDict(use_attribute_docstrings=True)


class ContentPart(Lenient):
    """A part of a message."""

    type: str = Field(description="`text`. A picture or a file cannot be read.")
    text: str = Field("", description="What it says.")


class CompletionMessage(Lenient):
    """A message of the conversation so far."""

    role: str = Field(description="`user` and `assistant` count; what others say is not read.")
    content: str | list[ContentPart] | None = Field(None, description="Text, or parts that are text.")

    @property
    def text(self) -> str:
        """Raises InvalidInput for anything but text. A client that adds documents asks at the end of them."""
        if isinstance(self.content, list):
            other = next((part.type for part in self.content if part.type != "text"), None)
            if other is not None:
                raise InvalidInput(f"messages: a part is {other!r}, and only text can be read here. Ask in words.")
            text = "\n".join(part.text for part in self.content)
        else:
            text = self.content or ""
        found = _QUERY.search(text) if text.startswith(JOBS) else None
        return (found[1] or found[2]).strip() if found else text


class StreamOptions(Lenient):
    """How an answer comes in parts."""

    include_usage: bool = Field(False, description="Whether the last part says how many tokens were used.")


class CompletionRequest(Lenient):
    """A question with the conversation before it."""

    model: str = Field(description="`restock`.")
    messages: list[CompletionMessage] = Field(min_length=1)
    """The last message of the user is answered. The first ones tell which conversation goes on."""
    stream: bool = Field(False, description="Whether the answer comes in parts.")
    stream_options: StreamOptions | None = Field(None, description="Read if `stream` is true.")
    n: Literal[1] | None = Field(None, description="There is one answer.")
    tool_choice: Any = Field(None, description="`none` or `auto`: no tool of a client is ever called.")
    response_format: dict[str, Any] | None = Field(None, description="Only text can be had.")

    def require_possible(self) -> None:
        """Raises InvalidInput for what would have to change the answer and cannot."""
        if self.tool_choice not in (None, "none", "auto"):
            raise InvalidInput("tool_choice: no tool of a client is ever called here; leave tool_choice out.")
        if self.response_format and self.response_format.get("type") != "text":
            raise InvalidInput("response_format: only text can be had here; leave response_format out.")

    @property
    def question(self) -> str:
        """Raises InvalidInput if the user says nothing."""
        said = self._said("user")
        question = said[-1].text if said else ""
        if not question.strip():
            raise InvalidInput("messages: the last message of the role user is empty; ask something.")
        return question

    @property
    def opening(self) -> tuple[str, str] | None:
        """The first question and answer; None if the conversation begins here."""
        asked, answered = self._said("user"), self._said("assistant")
        return (asked[0].text, answered[0].text) if len(asked) > 1 and answered else None

    @property
    def with_usage(self) -> bool:
        return self.stream_options is not None and self.stream_options.include_usage

    def _said(self, role: str) -> Sequence[CompletionMessage]:
        return [message for message in self.messages if message.role == role]


class CompletionError(Lenient):
    """What was wrong and what to do next."""

    message: str = Field(description="What was wrong and what to do.")
    type: str = Field(description="Kind of error, in OpenAI's words.")
    param: str | None = Field(description="The field at fault, where there is one.")
    code: str = Field(description="Kind of problem, as in a problem document; stable.")


class CompletionRefusal(Lenient):
    """An error in OpenAI's form."""

    error: CompletionError = Field(description="The error.")


def job_answer(question: str) -> str | None:
    """The answer to what a client asks beside a conversation, without asking anybody; None to a person's question."""
    if not question.startswith(JOBS):
        return None
    asked = _ASKED.search(question)
    title = clean_text(asked[1] if asked else "Restocking", limit=_TITLE_LENGTH)
    if not question.startswith(JOBS[0]):
        return title
    answers: dict[str, Any] = {"title": title, "tags": ["Inventory"], "follow_ups": [], "queries": []}
    wanted = next((name for name in answers if f'"{name}"' in question), None)
    return json.dumps({wanted: answers[wanted]} if wanted else {}, ensure_ascii=False)


def completion(identity: str, answer: ChatAnswer) -> dict[str, Any]:
    """The whole answer."""
    message = {"role": "assistant", "content": answer.answer, "refusal": None}
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}
    return _head(identity, "chat.completion") | {"choices": [choice], "usage": usage(answer)}


def chunk(identity: str, delta: dict[str, Any], finish_reason: str | None = None) -> dict[str, Any]:
    """A part of an answer."""
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
    return _head(identity, "chat.completion.chunk") | {"choices": [choice]}


def last_chunk(identity: str, answer: ChatAnswer) -> dict[str, Any]:
    """What was used."""
    return _head(identity, "chat.completion.chunk") | {"choices": [], "usage": usage(answer)}


def usage(answer: ChatAnswer) -> dict[str, int]:
    used, made = answer.input_tokens, answer.output_tokens
    return {"prompt_tokens": used, "completion_tokens": made, "total_tokens": used + made}


def model_card() -> dict[str, Any]:
    return {"id": MODEL, "object": "model", "created": 0, "owned_by": "restock"}


def _head(identity: str, kind: str) -> dict[str, Any]:
    return {"id": identity, "object": kind, "created": int(time.time()), "model": MODEL}
