"""What a provider server is told to answer.

    Answer("All is well.")                              text
    Answer(calls=(Call("get_product", {...}),))         tool calls, in one message
    Answer("cut", finish="length")                      any finish reason of the provider's own
    Fault("429", retry_after=7)                         a name of `FAULTS`; plain "429" is short for Fault("429")
    planner                                             a function from the question to an answer: see planner.py

`Question` is what both providers' requests come down to.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Call:
    name: str
    arguments: dict[str, Any] = field(default_factory=dict)
    id: str | None = None
    """Left out, the server makes one up; an empty one is sent as it is."""


@dataclass(frozen=True)
class Answer:
    text: str = ""
    calls: tuple[Call, ...] = ()
    finish: str | None = None
    """The provider's own word; left out, the one for a good end."""


@dataclass(frozen=True)
class Fault:
    name: str
    retry_after: float | None = None


@dataclass(frozen=True)
class Question:
    """One request, in either provider's words."""

    model: str
    streamed: bool
    text: str
    """The last thing that the user said."""
    tools: tuple[str, ...]
    choice: str
    """auto, any, none, or the name of the only tool allowed."""
    results: tuple[tuple[str, Any], ...]
    """Tool results since then: (tool, parsed JSON or text)."""
    prompt_tokens: int
    most_tokens: int = 2_048
    """Nobody is billed for more than was asked for."""

    def output_tokens(self, answer: Answer) -> int:
        written = (len(answer.text) + sum(len(str(call.arguments)) for call in answer.calls)) // 4 + 1
        return min(written, self.most_tokens)


Brain = Callable[[Question], Answer]
Step = Answer | Fault | Brain | str

FAULTS: dict[str, str] = {
    "401": "the key is not accepted",
    "403": "the key may not do this",
    "404": "the model is retired",
    "400": "the request is rejected",
    "413": "the request is too large",
    "429": "too many requests, without a hint",
    "429-hint": "too many requests, with Retry-After or RetryInfo",
    "500": "internal error",
    "502": "a proxy's error page",
    "redirect": "sent on to another host",
    "503": "overloaded",
    "refused": "nobody listens",
    "reset": "connection reset before the answer",
    "reset-middle": "connection reset in the middle of the answer",
    "hang": "no answer at all",
    "drip": "an answer slower than any deadline, faster than any read timeout",
    "malformed": "200 with broken JSON",
    "html": "200 with a web page",
    "empty-object": "200 with {}",
    "no-candidates": "200 without a candidate or choice",
    "blocked": "the prompt is blocked",
    "truncated": "the answer ends half-way, properly closed",
    "stream-error": "an error event in the middle of a stream; a 500 elsewhere",
    "nothing": "a good end, but neither text nor tool call",
    "cut-off": "the token limit is reached",
    "safety": "stopped by a safety filter",
    "malformed-call": "the model's own tool call could not be read",
    "broken-call": "a tool call that cannot be used: unexpected (Gemini), arguments that are not JSON (Groq)",
    "recitation": "stopped as a recitation",
    "blocklist": "stopped by a block list",
    "prohibited": "stopped as prohibited",
    "personal-data": "stopped for personal data",
    "language": "stopped for its language",
    "other": "an ending that no list has",
    "call-as-text": "a tool call written out as text",
    "text-for-call": "prose where a tool call was due",
    "unknown-tool": "a tool that does not exist",
    "off-schema": "arguments that break the schema",
    "empty-id": "a tool call with an empty id",
    "two-calls": "two submissions or lookups at once",
    "endless-lookups": "lookups for ever, never a decision",
    "huge": "an answer of 5 MB",
}
"""Every fault either server knows, and what happens."""
