"""The chain of models behind one interface: each link guarded, bound by a deadline and fused; the rules model last.

`ModelChain` is an ordinary LangChain chat model. A call takes one keyword beyond the usual ones: `deadline`, the
wall-clock time (`time.time()`) after which no provider is asked any more and a call under way is given up. The rules
model, which needs no time, still answers.

Whatever mode it is called in, a whole answer is awaited and inspected before any of it is handed on, so a stream that
breaks half-way is never seen by the caller. Within a run (since the last human message) the chain stays with the link
that answered last: a run that fell back does not wait for the same dead provider again.
"""

import asyncio
import json
import logging
import threading
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import structlog
from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, HumanMessage
from langchain_core.messages.tool import tool_call_chunk
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.runnables import Runnable, RunnableConfig
from langchain_core.tools import BaseTool
from langchain_core.utils.function_calling import convert_to_openai_tool
from pydantic import PrivateAttr

from agent.failures import TRANSIENT, BudgetSpent, ModelFailure, NoModelLeft, Reason, classify
from agent.guard import inspect, portable_history, tokens
from agent.metrics import Metrics
from agent.providers import TALKATIVE_LOGGERS, Link, configured_links
from agent.settings import Settings

__all__ = ["BudgetSpent", "Link", "ModelChain", "NoModelLeft", "build_chain"]

log = structlog.get_logger(__name__)
T = TypeVar("T")
UNHEARD: RunnableConfig = {"callbacks": []}
"""Calls inside the chain are its own business: callers' handlers hear the chain, not each attempt."""
LEAST_SECONDS = 0.05
"""With less time than this a call is not begun."""


@dataclass(frozen=True)
class _Call:
    """One question to the chain."""

    messages: Sequence[BaseMessage]
    tools: Sequence[dict[str, Any]]
    tool_choice: str | None
    stop: list[str] | None
    deadline: float | None
    streamed: bool

    @property
    def tool_names(self) -> tuple[str, ...]:
        return tuple(tool["function"]["name"] for tool in self.tools)


class ModelChain(BaseChatModel):
    """The links as one chat model. Every message it returns is portable and names its provider and model."""

    _links: tuple[Link, ...] = PrivateAttr()
    _metrics: Metrics = PrivateAttr()
    _timeout: float = PrivateAttr()
    _background: "_BackgroundLoop" = PrivateAttr()

    def __init__(self, links: Sequence[Link], *, metrics: Metrics, timeout_seconds: float) -> None:
        super().__init__()
        self._links = tuple(links)
        self._metrics = metrics
        self._timeout = timeout_seconds
        self._background = _BackgroundLoop()
        for link in self._links:
            link.circuit.changed = metrics.llm_circuit_open.labels(link.provider).set

    @property
    def _llm_type(self) -> str:
        return "guarded-chain"

    def health(self) -> list[dict[str, object]]:
        """How each model stands, in the order they are asked; for readiness."""
        return [link.health() for link in self._links]

    def bind_tools(
        self,
        tools: Sequence[dict[str, Any] | type | Callable[..., Any] | BaseTool],
        *,
        tool_choice: str | None = None,
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, AIMessage]:
        """`tool_choice` is "auto", "any", "none" or a tool's name: what every provider understands."""
        return self.bind(tools=[convert_to_openai_tool(tool) for tool in tools], tool_choice=tool_choice, **kwargs)

    async def aclose(self) -> None:
        """Close every client. Call it on the loop that used the chain, before it ends."""
        for link in self._links:
            await link.aclose()
        await asyncio.to_thread(self._background.close, self._links)

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        reply = await self._answer(_call(messages, stop, streamed=False, **kwargs))
        return ChatResult(generations=[ChatGeneration(message=reply)])

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        reply = await self._answer(_call(messages, stop, streamed=True, **kwargs))
        yield ChatGenerationChunk(message=_as_chunk(reply))

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        reply = self._background.run(self._answer(_call(messages, stop, streamed=False, **kwargs)))
        return ChatResult(generations=[ChatGeneration(message=reply)])

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        reply = self._background.run(self._answer(_call(messages, stop, streamed=True, **kwargs)))
        yield ChatGenerationChunk(message=_as_chunk(reply))

    async def _answer(self, call: _Call) -> AIMessage:
        order = _order(self._links, call.messages)
        reasons: list[str] = []
        for position, link in enumerate(order):
            last_provider = all(other.local for other in order[position + 1 :])
            try:
                return await self._ask(link, call, may_retry=last_provider)
            except ModelFailure as failure:
                reasons.append(f"{link.provider} {failure.reason}")
                self._report_fall(link, failure, order[position + 1 :])
        raise NoModelLeft(f"No model could answer ({', '.join(reasons) or 'none is configured'}); try again later.")

    async def _ask(self, link: Link, call: _Call, *, may_retry: bool) -> AIMessage:
        """One link's answer. It is asked a second time at once if nobody else is left and that may help."""
        try:
            return await self._ask_once(link, call)
        except ModelFailure as failure:
            if not (may_retry and failure.reason in TRANSIENT and _time_left(call.deadline) > self._timeout / 2):
                raise
            log.info("model_retried", provider=link.provider, model=link.model, reason=failure.reason)
            return await self._ask_once(link, call)

    async def _ask_once(self, link: Link, call: _Call) -> AIMessage:
        if link.local:
            return await self._measured(link, call, seconds=None)
        seconds = min(self._timeout, _time_left(call.deadline))
        if seconds < LEAST_SECONDS:
            raise ModelFailure("deadline", "the run's time is up")
        if not link.circuit.admits():
            raise ModelFailure("circuit_open", link.circuit.cause or "")
        try:
            reply = await self._measured(link, call, seconds=seconds)
        except ModelFailure as failure:
            link.circuit.failed(_fair(failure, seconds, self._timeout))
            link.retired = link.retired or failure.reason == "retired"
            raise
        except BaseException:
            link.circuit.abandoned()
            raise
        link.circuit.succeeded()
        return reply

    async def _measured(self, link: Link, call: _Call, *, seconds: float | None) -> AIMessage:
        began = time.perf_counter()
        status: Reason | str = "cancelled"
        spent = (0, 0)
        try:
            reply = await _guarded(link, call, seconds=seconds)
            status, spent = "ok", tokens(reply)
            return reply
        except ModelFailure as failure:
            status, spent = failure.reason, failure.tokens
            raise
        finally:
            self._count(link, status, time.perf_counter() - began, spent)

    def _count(self, link: Link, status: str, seconds: float, spent: tuple[int, int]) -> None:
        self._metrics.llm_calls.labels(link.provider, status).inc()
        self._metrics.llm_call_seconds.labels(link.provider).observe(seconds)
        for direction, number in zip(("input", "output"), spent, strict=True):
            if number:
                self._metrics.llm_tokens.labels(link.provider, link.model, direction).inc(number)
        log.info(
            "model_call",
            provider=link.provider,
            model=link.model,
            status=status,
            seconds=round(seconds, 4),
            input_tokens=spent[0],
            output_tokens=spent[1],
        )

    def _report_fall(self, link: Link, failure: ModelFailure, others: Sequence[Link]) -> None:
        self._metrics.llm_fallbacks.labels(link.provider, failure.reason).inc()
        to = f"{others[0].provider}:{others[0].model}" if others else None
        loud = failure.reason in ("bad_key", "retired", "unexpected")
        report = log.error if loud else log.warning
        report(
            "model_fallback", provider=link.provider, model=link.model, reason=failure.reason, to=to, **_why(failure)
        )


async def _guarded(link: Link, call: _Call, *, seconds: float | None) -> AIMessage:
    """The link's inspected answer, marked with who gave it; anything else is a ModelFailure."""
    try:
        async with asyncio.timeout(seconds):
            reply = await _fetch(link.client(), link.provider, call)
        reply = inspect(reply, tools=call.tool_names, tool_choice=call.tool_choice, must_finish=not link.local)
    except Exception as error:
        failure = classify(error)
        if failure.reason == "unexpected":
            log.error("model_error", provider=link.provider, model=link.model, error=type(error).__name__)
        raise failure from error
    reply.response_metadata |= {"provider": link.provider, "model": link.model, "model_name": link.model}
    return reply


async def _fetch(client: BaseChatModel, provider: str, call: _Call) -> AIMessage:
    choice = {"tool_choice": call.tool_choice} if call.tool_choice else {}
    model: Runnable[LanguageModelInput, AIMessage] = client.bind_tools(call.tools, **choice) if call.tools else client
    messages = portable_history(call.messages, provider=provider)
    stop = {"stop": call.stop} if call.stop else {}
    if not call.streamed:
        return await model.ainvoke(messages, UNHEARD, **stop)
    whole: AIMessageChunk | None = None
    async for chunk in model.astream(messages, UNHEARD, **stop):
        if isinstance(chunk, AIMessageChunk):
            whole = chunk if whole is None else whole + chunk
        else:
            return chunk
    if whole is None:
        raise ModelFailure("empty", "a stream without a single part")
    return whole


def _call(
    messages: Sequence[BaseMessage],
    stop: list[str] | None,
    *,
    streamed: bool,
    tools: Sequence[dict[str, Any]] = (),
    tool_choice: str | None = None,
    deadline: float | None = None,
    **_: Any,
) -> _Call:
    return _Call(messages, tools, tool_choice, stop, deadline, streamed)


def _order(links: Sequence[Link], messages: Sequence[BaseMessage]) -> list[Link]:
    """The links in the order to ask them: first the one that answered last in this run, then the others as configured.
    After the rules model only the rules model: it continues what it began."""
    current = _current_link(links, messages)
    if current is None:
        return list(links)
    if current.local:
        return [current]
    return [current, *(link for link in links if link is not current)]


def _current_link(links: Sequence[Link], messages: Sequence[BaseMessage]) -> Link | None:
    for message in reversed(messages):
        if isinstance(message, HumanMessage):
            return None
        if isinstance(message, AIMessage):
            author = (message.response_metadata.get("provider"), message.response_metadata.get("model"))
            return next((link for link in links if (link.provider, link.model) == author), None)
    return None


def _time_left(deadline: float | None) -> float:
    return float("inf") if deadline is None else deadline - time.time()


def _fair(failure: ModelFailure, seconds: float, timeout: float) -> ModelFailure:
    """A provider that was given less than its due time is not to blame for not answering."""
    return ModelFailure("deadline") if failure.reason == "timeout" and seconds < timeout else failure


def _why(failure: ModelFailure) -> dict[str, Any]:
    hint = {"retry_after": failure.retry_after} if failure.retry_after is not None else {}
    return {"detail": failure.detail, **hint}


def _as_chunk(message: AIMessage) -> AIMessageChunk:
    return AIMessageChunk(
        content=message.content,
        tool_call_chunks=[
            tool_call_chunk(name=call["name"], args=json.dumps(call["args"]), id=call["id"], index=index)
            for index, call in enumerate(message.tool_calls)
        ],
        additional_kwargs=message.additional_kwargs,
        response_metadata=message.response_metadata,
        usage_metadata=message.usage_metadata,
        chunk_position="last",
    )


class _BackgroundLoop:
    """Serves the synchronous modes: a loop of its own in a thread, begun at the first such call."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._started()).result()

    def _started(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                self._thread = threading.Thread(target=self._loop.run_forever, name="model-chain", daemon=True)
                self._thread.start()
            return self._loop

    def close(self, links: Sequence[Link]) -> None:
        if self._loop is None or self._thread is None:
            return
        self.run(_close_all(links))
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        self._loop = self._thread = None


async def _close_all(links: Sequence[Link]) -> None:
    for link in links:
        await link.aclose()


def build_chain(
    settings: Settings,
    *,
    rules: BaseChatModel | None,
    metrics: Metrics,
    models: Sequence[Link | BaseChatModel] | None = None,
) -> ModelChain:
    """The chain that the settings ask for. `models` replaces the providers; the rules model still comes last.

    A model of Gemini or Groq without a key is left out. Raises ValueError for a name without a provider and ImportError
    with the package to install.
    """
    for name in TALKATIVE_LOGGERS:
        logging.getLogger(name).setLevel(logging.ERROR)
    links = configured_links(settings) if models is None else [_as_link(model) for model in models]
    if rules is not None:
        links.append(Link.to(rules, provider="rules"))
    return ModelChain(links, metrics=metrics, timeout_seconds=settings.model_timeout_seconds)


def _as_link(model: Link | BaseChatModel) -> Link:
    return model if isinstance(model, Link) else Link.to(model)
