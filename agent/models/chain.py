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
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from typing import Any

import structlog
from langchain_core.callbacks import AsyncCallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, HumanMessage
from langchain_core.messages.tool import tool_call_chunk
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.runnables import RunnableBinding
from langchain_core.tools import BaseTool
from langchain_core.utils.function_calling import convert_to_openai_tool
from pydantic import PrivateAttr

from agent.metrics import Metrics
from agent.models.failures import TRANSIENT, BudgetSpent, ModelFailure, NoModelLeft
from agent.models.guard import tokens
from agent.models.link import Link, Query
from agent.models.providers import configured_links, silence_clients
from agent.models.spending import COST, LOST_TOKENS, Ledger, Spend, SpendingLimits, run_replies
from agent.settings import Settings

__all__ = ["BudgetSpent", "Link", "ModelChain", "NoModelLeft", "build_chain"]

log = structlog.get_logger(__name__)
LOUD = ("bad_key", "retired", "unexpected")
"""Failures that somebody has to look at."""
RULES_SECONDS = 0.8
"""Kept of a run's time for the rules model: its own answers take none, but the look-ups that it asks for do."""
NOT_ASKED = ("circuit_open", "deadline")
GREETING = HumanMessage("Reply with the word ready.")


class ModelChain(BaseChatModel):
    """The links as one chat model. Every message it returns is portable and names its provider and model."""

    _links: tuple[Link, ...] = PrivateAttr()
    _metrics: Metrics = PrivateAttr()
    _ledger: Ledger = PrivateAttr()
    _most_calls: int = PrivateAttr()

    def __init__(self, links: Sequence[Link], *, metrics: Metrics, ledger: Ledger, most_calls: int) -> None:
        super().__init__()
        self._most_calls = most_calls
        self._links, self._metrics, self._ledger = tuple(links), metrics, ledger
        for link in self._networked:
            link.circuit.changed = metrics.llm_circuit_open.labels(link.provider).set

    @property
    def _llm_type(self) -> str:
        return "guarded-chain"

    @property
    def ledger(self) -> Ledger:
        return self._ledger

    def bind_tools(
        self,
        tools: Sequence[dict[str, Any] | type | Callable[..., Any] | BaseTool],
        *,
        tool_choice: str | None = None,
        **kwargs: Any,
    ) -> RunnableBinding[LanguageModelInput, AIMessage]:
        """`tool_choice` is "auto", "any", "none" or a tool's name: what every provider understands."""
        schemas = [convert_to_openai_tool(tool) for tool in tools]
        return RunnableBinding(bound=self, kwargs={"tools": schemas, "tool_choice": tool_choice, **kwargs})

    def health(self) -> list[dict[str, object]]:
        """How each model stands, in the order they are asked; for readiness."""
        return [link.health() for link in self._links]

    async def check(self) -> list[dict[str, object]]:
        """Ask each provider's model one short question, all at once: opens connections, and tells a bad key or a
        retired model before an order depends on it. Returns `health`."""
        await asyncio.gather(*(self._greet(link) for link in self._networked))
        return self.health()

    async def aclose(self) -> None:
        """Close every client. Call it on the loop that used the chain, before it ends."""
        for link in self._links:
            await link.aclose()

    @property
    def asks_providers(self) -> bool:
        return bool(self._networked)

    @property
    def _networked(self) -> list[Link]:
        return [link for link in self._links if not link.local]

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        reply = await self._answer(_query(messages, stop, streamed=False, **kwargs))
        return ChatResult(generations=[ChatGeneration(message=reply)])

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        reply = await self._answer(_query(messages, stop, streamed=True, **kwargs))
        yield ChatGenerationChunk(message=_as_chunk(reply))

    def _generate(self, *_: Any, **__: Any) -> ChatResult:
        raise NotImplementedError("The chain works asynchronously only; use ainvoke or astream.")

    async def _answer(self, query: Query) -> AIMessage:
        order = _order(self._links, query.messages)
        if order and order[-1].local:
            query = replace(query, reserve_seconds=RULES_SECONDS)
        if order and not order[0].local:
            self._ledger.refuse_if_spent(query.messages)
            if 0 < self._most_calls - 1 <= len(run_replies(query.messages)):
                # A model that has talked the budget away does not get another one to spend more of it.
                order = order[:1]
        spends: list[Spend] = []
        reasons: list[str] = []
        for position, link in enumerate(order):
            others = order[position + 1 :]
            try:
                reply = await self._ask(link, query, spends, alone=all(other.local for other in others))
            except ModelFailure as failure:
                reasons.append(f"{link.provider} {failure.reason}")
                self._report_fall(link, failure, others)
            else:
                return _signed(reply, link, spends)
        raise NoModelLeft(f"No model could answer ({', '.join(reasons) or 'none is configured'}); try again later.")

    async def _ask(self, link: Link, query: Query, spends: list[Spend], *, alone: bool) -> AIMessage:
        """One link's answer, asked for a second time at once where that may help: after a broken connection, or when
        no other provider is left."""
        try:
            return await self._measured(link, query, spends)
        except ModelFailure as failure:
            helps = failure.reason == "disconnected" or (alone and failure.reason in TRANSIENT)
            hindered = link.local or link.circuit.state != "closed" or query.time_left < link.timeout_seconds / 2
            if hindered or not helps:
                raise
            log.info("model_retried", provider=link.provider, model=link.model, reason=failure.reason)
        return await self._measured(link, query, spends)

    async def _measured(self, link: Link, query: Query, spends: list[Spend]) -> AIMessage:
        began = time.perf_counter()
        status, used = "cancelled", (0, 0)
        try:
            reply = await link.ask(query)
            status, used = "ok", tokens(reply)
            return reply
        except ModelFailure as failure:
            status, used = failure.reason, failure.tokens
            raise
        finally:
            if status not in NOT_ASKED:
                spends.append(self._count(link, status, time.perf_counter() - began, used))

    def _count(self, link: Link, status: str, seconds: float, used: tuple[int, int]) -> Spend:
        spend = self._ledger.record(link.name, used)
        metrics = self._metrics
        metrics.llm_calls.labels(link.provider, status).inc()
        metrics.llm_call_seconds.labels(link.provider).observe(seconds)
        metrics.llm_tokens.labels(link.provider, link.model, "input").inc(used[0])
        metrics.llm_tokens.labels(link.provider, link.model, "output").inc(used[1])
        metrics.llm_cost.labels(link.provider, link.model).inc(float(spend.cost))
        log.info(
            "model_call",
            provider=link.provider,
            model=link.model,
            status=status,
            seconds=round(seconds, 4),
            input_tokens=used[0],
            output_tokens=used[1],
            cost=float(spend.cost),
        )
        return spend

    def _report_fall(self, link: Link, failure: ModelFailure, others: Sequence[Link]) -> None:
        self._metrics.llm_fallbacks.labels(link.provider, failure.reason).inc()
        report = log.error if failure.reason in LOUD else log.info if failure.reason in NOT_ASKED else log.warning
        to = others[0].name if others else None
        report("model_fallback", provider=link.provider, model=link.model, to=to, **_facts(failure))

    async def _greet(self, link: Link) -> None:
        try:
            await self._measured(link, Query([GREETING]), [])
        except ModelFailure as failure:
            report = log.error if failure.reason in LOUD else log.warning
            report("model_unusable", provider=link.provider, model=link.model, **_facts(failure))


def _query(
    messages: Sequence[BaseMessage],
    stop: list[str] | None,
    *,
    streamed: bool,
    tools: Sequence[dict[str, Any]] = (),
    tool_choice: str | None = None,
    deadline: float | None = None,
    **_: Any,
) -> Query:
    return Query(messages, tools, tool_choice, stop, deadline, streamed)


def _order(links: Sequence[Link], messages: Sequence[BaseMessage]) -> list[Link]:
    """The links in the order to ask them: the one that answered last in this run, then the others as configured. After
    the rules model only the rules model: it continues what it began."""
    current = _current_link(links, messages)
    if current is None:
        return list(links)
    if current.local:
        return [current]
    return [current, *(link for link in links if link is not current)]


def _current_link(links: Sequence[Link], messages: Sequence[BaseMessage]) -> Link | None:
    replies = run_replies(messages)
    said = replies[0].response_metadata if replies else {}
    return next(
        (link for link in links if (link.provider, link.model) == (said.get("provider"), said.get("model"))), None
    )


def _signed(reply: AIMessage, link: Link, spends: Sequence[Spend]) -> AIMessage:
    """The reply with who gave it and what it cost, attempts that failed before it included."""
    lost = sum(spends[:-1], Spend())
    cost = sum(spends, Spend()).cost
    reply.response_metadata |= {"provider": link.provider, "model": link.model, "model_name": link.model}
    reply.response_metadata[COST] = float(cost)
    if lost.tokens:
        reply.response_metadata[LOST_TOKENS] = [lost.input_tokens, lost.output_tokens]
    return reply


def _facts(failure: ModelFailure) -> dict[str, Any]:
    hint = {"retry_after": failure.retry_after} if failure.retry_after is not None else {}
    return {"reason": failure.reason, "detail": failure.detail, **hint}


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


def build_chain(
    settings: Settings,
    *,
    rules: BaseChatModel | None,
    metrics: Metrics,
    models: Sequence[Link | BaseChatModel] | None = None,
) -> ModelChain:
    """The chain that the settings ask for. `models` replaces the providers; the rules model still comes last.

    A model of Gemini or Groq without a key is left out. Raises ValueError for a name without a provider, and
    ImportError with the package to install.
    """
    silence_clients()
    links = configured_links(settings) if models is None else [_as_link(model) for model in models]
    if rules is not None:
        links.append(Link.to(rules, provider="rules"))
    ledger = Ledger(prices=settings.model_prices, limits=SpendingLimits.of(settings))
    for link in links:
        if not link.local and not ledger.priced(link.name):
            log.warning("model_without_price", provider=link.provider, model=link.model)
    return ModelChain(links, metrics=metrics, ledger=ledger, most_calls=settings.model_call_budget)


def _as_link(model: Link | BaseChatModel) -> Link:
    return model if isinstance(model, Link) else Link.to(model)
