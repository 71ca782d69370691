"""The chain of models: each link with a guard, a time limit and a breaker; the rules come last.

`ModelChain` is a LangChain chat model, asynchronous only. Its calls take two more keywords. `deadline` is the time
(`time.time()`) after which no provider is asked and a running call is given up; the rules still answer. With `by_rules`
only the rules are asked, if there are any.

An answer is awaited and inspected whole, also when it is streamed, so a caller never sees part of a broken one. Within
a run (since the last human message) the chain stays with the link that answered last, so a run waits for a dead
provider only once.
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from typing import Any

import structlog
from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, HumanMessage
from langchain_core.messages.tool import tool_call_chunk
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.runnables import RunnableBinding
from langchain_core.tools import BaseTool
from langchain_core.utils.function_calling import convert_to_openai_tool
from pydantic import Field, PrivateAttr

from agent.metrics import Metrics
from agent.models.failures import TRANSIENT, BudgetSpent, ModelFailure, NoModelLeft
from agent.models.link import Link, Query
from agent.models.providers import configured_links, silence_clients
from agent.models.spending import CALL_BUDGET, COST, LOST_TOKENS, Ledger, Spend, SpendingLimits, run_replies, tokens
from agent.settings import Settings

__all__ = ["BudgetSpent", "Link", "ModelChain", "NoModelLeft", "build_chain"]

log = structlog.get_logger(__name__)
LOUD = ("bad_key", "retired", "redirected", "unexpected")
"""Failures that an operator must look at."""
NOT_ASKED = ("circuit_open", "deadline")
RULES_SECONDS = 0.8
"""Time of a run that is kept for the rules: they answer at once, but their tools take time."""
READY = {
    "name": "say_ready",
    "description": "Say that you are ready.",
    "parameters": {"type": "object", "properties": {"word": {"type": "string"}}},
}
CHECK = Query([HumanMessage("Reply with the word ready.")], [{"type": "function", "function": READY}])
"""With a tool, because some local models reject every question that has one."""


class ModelChain(BaseChatModel):
    """The links as one chat model. Its messages are portable and name their provider and model."""

    ledger: Ledger = Field(repr=False)
    """The money and tokens spent, and their limits."""
    _links: tuple[Link, ...] = PrivateAttr()
    _asked: list[Link] = PrivateAttr()
    _providers: list[Link] = PrivateAttr()
    _metrics: Metrics = PrivateAttr()

    def __init__(self, links: Sequence[Link], *, metrics: Metrics, ledger: Ledger) -> None:
        super().__init__(ledger=ledger)
        self._links, self._metrics = tuple(links), metrics
        self._asked = [link for link in links if not link.left_out]
        self._providers = [link for link in self._asked if not link.local]
        for link in self._providers:
            link.circuit.changed = metrics.llm_circuit_open.labels(link.provider).set

    @property
    def _llm_type(self) -> str:
        return "guarded-chain"

    @property
    def asks_providers(self) -> bool:
        """Whether any model is a provider's."""
        return bool(self._providers)

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
        """The state of each model in the order they are asked, for `/health/ready`."""
        return [link.health() for link in self._links]

    async def check(self) -> list[dict[str, object]]:
        """Ask each provider's model one short question, all at once. A bad key or a retired model then shows before an
        order depends on it. Returns `health`."""
        await asyncio.gather(*map(self._check, self._providers))
        return self.health()

    async def aclose(self) -> None:
        """Close every client. Call it on the event loop that used the chain."""
        for link in self._links:
            await link.aclose()

    async def _agenerate(
        self, messages: list[BaseMessage], stop: list[str] | None = None, *_: Any, **options: Any
    ) -> ChatResult:
        reply = await self._answer(_query(messages, stop, options))
        return ChatResult(generations=[ChatGeneration(message=reply)])

    async def _astream(
        self, messages: list[BaseMessage], stop: list[str] | None = None, *_: Any, **options: Any
    ) -> AsyncIterator[ChatGenerationChunk]:
        reply = await self._answer(replace(_query(messages, stop, options), streamed=True))
        yield ChatGenerationChunk(message=_as_chunk(reply))

    def _generate(self, *_: Any, **__: Any) -> ChatResult:
        raise NotImplementedError("The chain is asynchronous only. Use ainvoke or astream.")

    async def _answer(self, query: Query) -> AIMessage:
        order = self._order(query.messages, by_rules=query.by_rules)
        if order and order[-1].local:
            query = replace(query, reserve_seconds=RULES_SECONDS)
        spends: list[Spend] = []
        reasons: list[str] = []
        for position, link in enumerate(order):
            others = order[position + 1 :]
            try:
                reply = await self._ask(link, query, spends, alone=not others or others[0].local)
            except ModelFailure as failure:
                reasons.append(f"{link.provider} {failure.reason}")
                self._report_fallback(link, failure, others)
            else:
                return _signed(reply, link, spends)
        raise NoModelLeft(f"No model could answer ({', '.join(reasons) or 'none is configured'}); try again later.")

    def _order(self, messages: Sequence[BaseMessage], *, by_rules: bool) -> list[Link]:
        """The links in the order to ask them: the one that answered last in this run, then the others as configured.
        Once the rules have answered, only the rules. Raises BudgetSpent if a limit is reached."""
        if not self._providers:
            return self._asked
        if by_rules and self._asked[-1].local:
            return self._asked[-1:]
        replies = run_replies(messages)
        about = replies[0].response_metadata if replies else {}
        author = (about.get("provider"), about.get("model"))
        current = [link for link in self._asked if (link.provider, link.model) == author]
        order = [*current, *(link for link in self._asked if link not in current)]
        if not order or order[0].local:
            return current or order
        self.ledger.refuse_if_spent(messages)
        # A model that has used up the calls of its run does not get a second provider to spend more.
        return order[:1] if len(replies) >= CALL_BUDGET - 1 else order

    async def _ask(self, link: Link, query: Query, spends: list[Spend], *, alone: bool) -> AIMessage:
        """One link's answer. It is asked a second time after a broken connection, or if no other provider is left and
        the failure may pass."""
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
            status, used = "ok", (0, 0) if link.local else tokens(reply)
            return reply
        except ModelFailure as failure:
            status, used = failure.reason, failure.tokens
            raise
        finally:
            if status not in NOT_ASKED:
                spend = Spend(*used) if link.local else self.ledger.record(link.name, used)
                spends.append(spend)
                self._report_call(link, status, time.perf_counter() - began, spend)

    def _report_call(self, link: Link, status: str, seconds: float, spend: Spend) -> None:
        about = {"provider": link.provider, "model": link.model}
        metrics = self._metrics
        metrics.llm_calls.labels(link.provider, status).inc()
        metrics.llm_call_seconds.labels(link.provider).observe(seconds)
        metrics.llm_tokens.labels(**about, direction="input").inc(spend.input_tokens)
        metrics.llm_tokens.labels(**about, direction="output").inc(spend.output_tokens)
        if spend.cost is None:
            metrics.llm_cost_unknown.labels(**about).inc()
        else:
            metrics.llm_cost.labels(**about).inc(float(spend.cost))
        used = {"input_tokens": spend.input_tokens, "output_tokens": spend.output_tokens}
        cost = "unknown" if spend.cost is None else float(spend.cost)
        log.info("model_call", **about, status=status, seconds=round(seconds, 4), **used, cost=cost)

    def _report_fallback(self, link: Link, failure: ModelFailure, others: Sequence[Link]) -> None:
        self._metrics.llm_fallbacks.labels(link.provider, failure.reason).inc()
        _log_failure("model_fallback", link, failure, to=others[0].name if others else None)

    async def _check(self, link: Link) -> None:
        try:
            await self._measured(link, CHECK, [])
        except ModelFailure as failure:
            link.failed_check = failure.reason
            _log_failure("model_unusable", link, failure)


def _query(messages: Sequence[BaseMessage], stop: list[str] | None, options: dict[str, Any]) -> Query:
    tools, choice = options.get("tools") or (), options.get("tool_choice")
    deadline, by_rules = options.get("deadline"), bool(options.get("by_rules"))
    return Query(messages, tools, choice, stop, deadline=deadline, by_rules=by_rules)


def _signed(reply: AIMessage, link: Link, spends: Sequence[Spend]) -> AIMessage:
    """The reply with its provider and model, and its cost with that of failed attempts before it."""
    *failed, spent = spends
    reply.response_metadata |= {"provider": link.provider, "model": link.model, "model_name": link.model}
    if failed:
        lost = sum(failed, Spend())
        reply.response_metadata[LOST_TOKENS] = [lost.input_tokens, lost.output_tokens]
        spent += lost
    reply.response_metadata[COST] = None if spent.cost is None else float(spent.cost)
    return reply


def _log_failure(event: str, link: Link, failure: ModelFailure, **more: Any) -> None:
    reason = failure.reason
    write = log.info if reason in NOT_ASKED else log.error if reason in LOUD else log.warning
    hint = {} if failure.retry_after is None else {"retry_after": failure.retry_after}
    write(event, provider=link.provider, model=link.model, reason=reason, detail=failure.detail, **hint, **more)


def _as_chunk(message: AIMessage) -> AIMessageChunk:
    chunks = [
        tool_call_chunk(name=call["name"], args=json.dumps(call["args"]), id=call["id"], index=index)
        for index, call in enumerate(message.tool_calls)
    ]
    rest = message.model_dump(include={"content", "additional_kwargs", "response_metadata", "usage_metadata"})
    return AIMessageChunk(**rest, tool_call_chunks=chunks, chunk_position="last")


def build_chain(
    settings: Settings, *, rules: Link | None, metrics: Metrics, models: Sequence[Link] | None = None
) -> ModelChain:
    """The chain that the settings ask for. `models` replaces the providers; the rules still come last.

    A model of Gemini or Groq without a key is left out; so is a model without a price, unless the money limits are off.
    Raises ImportError with the package to install.
    """
    silence_clients()
    links = configured_links(settings) if models is None else list(models)
    limits = SpendingLimits(settings.run_cost_limit, settings.day_cost_limit)
    ledger = Ledger(prices=settings.model_prices, limits=limits)
    for link in links:
        link.left_out = "" if link.local else ledger.objection(link.name)
        if link.left_out:
            log.error("model_left_out", provider=link.provider, model=link.model, reason=link.left_out)
    if rules is not None:
        links.append(rules)
    return ModelChain(links, metrics=metrics, ledger=ledger)
