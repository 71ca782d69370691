"""One link of the chain: a provider's model with its breaker."""

import asyncio
import time
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any

from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.runnables import Runnable
from langchain_core.runnables.config import set_config_context

from agent.models.circuit import LONGEST_COOLDOWN_SECONDS, Circuit
from agent.models.failures import ModelFailure, classify
from agent.models.guard import Expectation, inspect, portable_history

LEAST_SECONDS = 0.05
"""Shortest time for which a call is begun."""


@dataclass(frozen=True)
class Query:
    """One question to the chain."""

    messages: Sequence[BaseMessage]
    tools: Sequence[dict[str, Any]] = ()
    tool_choice: str | None = None
    stop: Sequence[str] | None = None
    deadline: float | None = None
    streamed: bool = False
    reserve_seconds: float = 0.0
    """Time before the deadline that is kept for the rules and their tools."""
    by_rules: bool = False
    """Ask no provider's model, if there are rules."""

    @property
    def time_left(self) -> float:
        return float("inf") if self.deadline is None else self.deadline - self.reserve_seconds - time.time()


@dataclass(eq=False)
class Link:
    """A provider's model. Its client belongs to one event loop."""

    provider: str
    model: str
    client: BaseChatModel = field(repr=False)
    timeout_seconds: float = 2.0
    circuit: Circuit = field(default_factory=Circuit, repr=False)
    """Shared by the models of a provider."""
    local: bool = False
    """Our own code answers: it needs no deadline, no breaker, no price and no inspection."""
    left_out: str = ""
    """Why the model is never asked; empty if it is."""
    failed_check: str = ""
    """Why the model failed its check. An answer clears it."""
    _retired_until: float = field(default=0.0, repr=False)

    @property
    def name(self) -> str:
        return f"{self.provider}:{self.model}"

    @property
    def retired(self) -> bool:
        """Whether the provider lately said that it does not know this model."""
        return self.circuit.clock() < self._retired_until

    async def ask(self, query: Query) -> AIMessage:
        """The inspected answer in portable form. Raises ModelFailure if there is none."""
        if self.local:
            return await self._guarded(query, seconds=None)
        seconds = min(self.timeout_seconds, query.time_left)
        self._admit(seconds)
        try:
            reply = await self._guarded(query, seconds=seconds)
        except ModelFailure as failure:
            self._note(failure, seconds)
            raise
        except BaseException:
            self.circuit.abandoned()
            raise
        self.circuit.succeeded()
        self._retired_until, self.failed_check = 0.0, ""
        return reply

    def health(self) -> dict[str, object]:
        """`state` is `ready`, or why the model is not asked or may not answer."""
        state = self.left_out or ("retired" if self.retired else self.circuit.cause or self.failed_check or "ready")
        closed = self.circuit.state == "closed"
        wait = {} if closed else {"retry_in_seconds": round(self.circuit.retry_in(), 1)}
        return {"provider": self.provider, "model": self.model, "state": state, **wait}

    async def aclose(self) -> None:
        """Close the client, on the event loop that used it."""
        for client in (self.client, getattr(self.client, "http_async_client", None)):
            if close := getattr(client, "aclose", None):
                await close()

    def _admit(self, seconds: float) -> None:
        if seconds < LEAST_SECONDS:
            raise ModelFailure("deadline", "the time of the run is over")
        if self.retired:
            raise ModelFailure("circuit_open", "retired")
        if not self.circuit.admits():
            raise ModelFailure("circuit_open", self.circuit.cause or "")

    def _note(self, failure: ModelFailure, seconds: float) -> None:
        """Note the failure. A timeout does not count if the provider had less than its full time."""
        if failure.reason == "retired":
            self._retired_until = self.circuit.clock() + LONGEST_COOLDOWN_SECONDS
        if failure.reason == "timeout" and seconds < self.timeout_seconds:
            self.circuit.abandoned()
        else:
            self.circuit.failed(failure)

    async def _guarded(self, query: Query, *, seconds: float | None) -> AIMessage:
        try:
            async with asyncio.timeout(seconds):
                reply = await self._client_answer(query)
            if self.local:
                return reply
            tools = [tool["function"]["name"] for tool in query.tools]
            return inspect(reply, Expectation(tools, query.tool_choice))
        except Exception as error:  # clients raise their own errors, httpx's and json's alike
            raise classify(error) from error

    async def _client_answer(self, query: Query) -> AIMessage:
        """The client's answer. Callbacks of the caller see the chain's answer, not each attempt."""
        with set_config_context({"callbacks": []}) as context:
            return await asyncio.create_task(self._fetch(query), context=context)

    async def _fetch(self, query: Query) -> AIMessage:
        model: Runnable[LanguageModelInput, AIMessage] = self.client
        if query.tools:
            model = self.client.bind_tools(query.tools, tool_choice=query.tool_choice)
        messages = list(query.messages) if self.local else portable_history(query.messages, provider=self.provider)
        options: dict[str, Any] = {"stop": list(query.stop)} if query.stop else {}
        if not query.streamed:
            return await model.ainvoke(messages, **options)
        whole: AIMessageChunk | None = None
        async with aclosing(model.astream(messages, **options)) as stream:  # type: ignore[type-var] # is a generator
            async for chunk in stream:
                if not isinstance(chunk, AIMessageChunk):
                    return chunk
                whole = chunk if whole is None else whole + chunk
        if whole is None:
            raise ModelFailure("empty", "the stream had no parts")
        return whole
