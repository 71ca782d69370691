"""The chain with models that cost nothing to ask: whom it asks, how often, and what it counts."""

import asyncio
import time
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

import pytest
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, HumanMessage
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult

from agent.metrics import Metrics
from agent.models import BudgetSpent, Link, ModelChain, NoModelLeft, build_chain
from agent.models.chain import RULES_SECONDS
from agent.models.circuit import Circuit
from agent.models.failures import ModelFailure
from agent.models.spending import CALL_BUDGET, OWN_VOICE
from agent.settings import Settings

QUESTION = HumanMessage("What is low?")
USAGE = {"input_tokens": 30, "output_tokens": 7, "total_tokens": 37}
PRICES = {"a:m": ("1", "2"), "b:m": ("10", "20")}


class Scripted(BaseChatModel):
    """Says its replies or raises them, the last one for ever."""

    replies: list[Any]
    asked: list[dict[str, Any]]

    @property
    def _llm_type(self) -> str:
        return "scripted"

    def bind_tools(self, tools: Sequence[Any], **kwargs: Any) -> Any:
        return self.bind(tools=tools, **kwargs)

    def _generate(self, messages: list[BaseMessage], *args: Any, **kwargs: Any) -> ChatResult:
        self.asked.append({"messages": messages, "stop": args[0] if args else None} | kwargs)
        reply = self.replies[min(len(self.asked), len(self.replies)) - 1]
        if isinstance(reply, Exception):
            raise reply
        return ChatResult(generations=[ChatGeneration(message=reply.model_copy(deep=True))])


def said(text: str = "All is well.", **more: Any) -> AIMessage:
    ended = {"finish_reason": "stop"}
    return AIMessage(text, usage_metadata=USAGE, response_metadata=ended, **more)


def failure(reason: Any, tokens: tuple[int, int] = (0, 0), **more: Any) -> ModelFailure:
    return ModelFailure(reason, "as told", tokens=tokens, **more)


def link(provider: str, *replies: Any, **changes: Any) -> Link:
    values: dict[str, Any] = {"timeout_seconds": 5.0, "circuit": Circuit()} | changes
    return Link(provider, "m", Scripted(replies=list(replies) or [said()], asked=[]), **values)


def chained(*links: Link, rules: bool = False, **settings: Any) -> tuple[ModelChain, Metrics]:
    metrics = Metrics()
    model = Scripted(replies=[AIMessage("by rules", usage_metadata=USAGE)], asked=[])
    last = Link("rules", "rules", model, local=True) if rules else None
    given = Settings(_env_file=None, **({"model_prices": PRICES} | settings))
    return build_chain(given, rules=last, metrics=metrics, models=links), metrics


def times(asked: Link) -> int:
    return len(asked.client.asked)  # type: ignore[attr-defined]


def answered(by: Link | str, *more: Any) -> AIMessage:
    provider = by if isinstance(by, str) else by.provider
    model = "rules" if provider == "rules" else "m"
    return AIMessage("so far", response_metadata={"provider": provider, "model": model, "cost": 0.0})


def counted(metrics: Metrics, name: str, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(name, labels)


async def test_the_answer_names_who_gave_it_and_what_it_cost() -> None:
    chain, metrics = chained(link("a"))

    reply = await chain.ainvoke([QUESTION])

    about = reply.response_metadata
    assert (about["provider"], about["model"], about["model_name"], about["cost"]) == ("a", "m", "m", 44e-6)
    assert "lost_tokens" not in about
    assert about["finish_reason"] == "stop"
    assert counted(metrics, "llm_calls_total", provider="a", status="ok") == 1
    assert counted(metrics, "llm_call_seconds_count", provider="a") == 1
    assert 0 < (counted(metrics, "llm_call_seconds_sum", provider="a") or 0) < 60
    assert counted(metrics, "llm_tokens_total", provider="a", model="m", direction="input") == 30
    assert counted(metrics, "llm_tokens_total", provider="a", model="m", direction="output") == 7
    assert counted(metrics, "llm_cost_dollars_total", provider="a", model="m") == pytest.approx(44e-6)
    assert chain.ledger.spent_today.tokens == 37


async def test_what_failed_attempts_cost_is_added_to_the_answer_that_came() -> None:
    chain, metrics = chained(link("a", failure("cut_off", (100, 10))), link("b"))

    about = (await chain.ainvoke([QUESTION])).response_metadata

    assert (about["provider"], about["lost_tokens"]) == ("b", [100, 10])
    assert about["cost"] == pytest.approx((100 * 1 + 10 * 2 + 30 * 10 + 7 * 20) / 1e6)
    assert counted(metrics, "llm_calls_total", provider="a", status="cut_off") == 1
    assert counted(metrics, "llm_fallbacks_total", provider="a", reason="cut_off") == 1
    assert chain.ledger.spent_today.tokens == 147


async def test_a_model_without_a_price_costs_an_unknown_amount() -> None:
    off = {"run_cost_limit": "off", "day_cost_limit": "off"}
    chain, metrics = chained(link("c"), link("a"), **off)

    assert (await chain.ainvoke([QUESTION])).response_metadata["cost"] is None
    assert counted(metrics, "llm_cost_unknown_total", provider="c", model="m") == 1
    assert counted(metrics, "llm_cost_dollars_total", provider="c", model="m") is None


@pytest.mark.parametrize("reason", ["deadline", "circuit_open"])
async def test_a_call_that_was_never_made_is_not_counted(reason: str) -> None:
    chain, metrics = chained(link("a", failure(reason)), link("b"))

    reply = await chain.ainvoke([QUESTION])

    assert counted(metrics, "llm_calls_total", provider="a", status=reason) is None
    assert counted(metrics, "llm_fallbacks_total", provider="a", reason=reason) == 1
    assert "lost_tokens" not in reply.response_metadata


@pytest.mark.parametrize("by_rules", [True, False])
@pytest.mark.parametrize("rules", [True, False])
async def test_what_is_left_to_the_rules_asks_no_provider_unless_there_are_none(rules: bool, by_rules: bool) -> None:
    asked, other = link("a"), link("b")
    chain, metrics = chained(asked, other, rules=rules)

    reply = await chain.ainvoke([QUESTION], by_rules=by_rules)

    assert times(other) == 0

    left_to_them = rules and by_rules
    assert (reply.response_metadata["provider"], times(asked)) == (("rules", 0) if left_to_them else ("a", 1))
    assert counted(metrics, "llm_calls_total", provider="a", status="ok") == (None if left_to_them else 1)


async def test_the_rules_cost_nothing_however_much_they_say() -> None:
    chain, metrics = chained(rules=True)

    reply = await chain.ainvoke([QUESTION])

    assert (reply.response_metadata["provider"], reply.response_metadata["cost"]) == ("rules", 0.0)
    assert counted(metrics, "llm_calls_total", provider="rules", status="ok") == 1
    for direction in ("input", "output"):
        assert counted(metrics, "llm_tokens_total", provider="rules", model="rules", direction=direction) == 0
    assert chain.ledger.spent_today.tokens == 0
    assert not chain.asks_providers


@pytest.mark.parametrize(
    ("first", "others", "asked"),
    [
        ("disconnected", True, 2),
        ("server_error", True, 1),
        ("server_error", False, 2),
        ("malformed_call", False, 2),
        ("rejected", False, 1),
        ("timeout", False, 1),
    ],
)
async def test_a_model_is_asked_twice_only_where_that_may_help_and_nobody_else_can(
    first: str, others: bool, asked: int
) -> None:
    one = link("a", failure(first), said())
    chain, metrics = chained(*([one, link("b")] if others else [one]), rules=True)

    reply = await chain.ainvoke([QUESTION])

    assert times(one) == asked
    assert reply.response_metadata["provider"] == ("a" if asked == 2 else "b" if others else "rules")
    assert counted(metrics, "llm_calls_total", provider="a", status=first) == 1


async def test_before_the_rules_a_provider_counts_as_alone_and_before_another_it_does_not() -> None:
    first, second = link("a", failure("server_error")), link("b", failure("server_error"), said())
    chain, _ = chained(first, second, rules=True)

    reply = await chain.ainvoke([QUESTION])

    assert (times(first), times(second), reply.response_metadata["provider"]) == (1, 2, "b")


@pytest.mark.parametrize(("left", "asked"), [(24.0, 1), (30.0, 2)])
async def test_with_less_than_half_its_time_left_a_model_is_not_asked_again(left: float, asked: int) -> None:
    one = link("a", failure("server_error"), said(), timeout_seconds=50)
    chain, _ = chained(one, rules=True)

    await chain.ainvoke([QUESTION], deadline=time.time() + RULES_SECONDS + left)

    assert times(one) == asked


async def test_a_model_whose_breaker_opened_is_not_asked_again() -> None:
    one = link("a", failure("disconnected"), circuit=Circuit(threshold=1))
    chain, metrics = chained(one, rules=True)

    await chain.ainvoke([QUESTION])

    assert times(one) == 1
    assert counted(metrics, "llm_circuit_open", provider="a") == 1


async def test_the_rules_are_never_asked_twice() -> None:
    rules = Link("rules", "rules", Scripted(replies=[failure("server_error")], asked=[]), local=True)
    chain, _ = chained(rules)

    with pytest.raises(NoModelLeft, match=r"\(rules server_error\)"):
        await chain.ainvoke([QUESTION])
    assert times(rules) == 1


@pytest.mark.parametrize(("replies", "asked"), [(CALL_BUDGET - 2, [1, 1]), (CALL_BUDGET - 1, [1, 0])])
async def test_on_the_last_call_of_a_run_no_second_model_is_asked(replies: int, asked: list[int]) -> None:
    first, second = link("a", failure("rejected")), link("b")
    chain, _ = chained(first, second)
    so_far = [answered(first) for _ in range(replies)]

    try:
        await chain.ainvoke([QUESTION, *so_far])
    except NoModelLeft as nobody:
        assert str(nobody) == "No model could answer (a rejected); try again later."

    assert [times(first), times(second)] == asked


async def test_only_the_answers_since_the_last_question_count_towards_the_last_call() -> None:
    first, second = link("a", failure("rejected")), link("b")
    chain, _ = chained(first, second)
    so_far = [answered(first) for _ in range(CALL_BUDGET)]

    await chain.ainvoke([QUESTION, *so_far, HumanMessage("And now?")])

    assert times(second) == 1


@pytest.mark.parametrize("by", ["a", "b", "c"])
async def test_who_answered_last_in_this_run_is_asked_first_and_the_others_as_configured(by: str) -> None:
    links = [link(name, failure("rejected")) for name in ("a", "b")]
    chain, _ = chained(*links)
    prompted = HumanMessage("Call submit_order now.", name=OWN_VOICE)

    with pytest.raises(NoModelLeft) as nobody:
        await chain.ainvoke([QUESTION, answered("a" if by == "b" else "b"), answered(by), prompted])

    order = "b rejected, a rejected" if by == "b" else "a rejected, b rejected"
    assert order in nobody.value.message


async def test_once_the_rules_have_answered_no_provider_is_asked_in_this_run() -> None:
    provider = link("a")
    chain, _ = chained(provider, rules=True)

    begun = await chain.ainvoke([QUESTION, answered("rules")])
    anew = await chain.ainvoke([QUESTION, answered("rules"), HumanMessage("And now?")])

    assert [reply.response_metadata["provider"] for reply in (begun, anew)] == ["rules", "a"]
    assert times(provider) == 1


async def test_a_spent_run_stops_providers_and_not_the_rules() -> None:
    provider = link("a")
    dear = answered(provider)
    dear.response_metadata["cost"] = 9.0
    chain, _ = chained(provider, rules=True, run_cost_limit=Decimal(9))
    alone, _ = chained(rules=True, run_cost_limit=Decimal(9))

    with pytest.raises(BudgetSpent):
        await chain.ainvoke([QUESTION, dear])
    assert (await alone.ainvoke([QUESTION, dear])).text == "by rules"
    assert (await chain.ainvoke([QUESTION, dear, answered("rules")])).text == "by rules"
    assert times(provider) == 0


async def test_a_spent_day_stops_the_next_run_too() -> None:
    provider = link("a")
    chain, _ = chained(provider, day_cost_limit=Decimal("0.00004"))

    await chain.ainvoke([QUESTION])

    with pytest.raises(BudgetSpent, match="Today's budget"):
        await chain.ainvoke([QUESTION])
    assert times(provider) == 1


async def test_without_any_limit_of_time_a_model_may_be_asked_again() -> None:
    one = link("a", failure("server_error"), said(), timeout_seconds=float("inf"))
    chain, _ = chained(one)

    await chain.ainvoke([QUESTION])

    assert times(one) == 2


async def test_with_rules_behind_it_a_provider_gets_the_time_that_they_leave() -> None:
    slow = link("a")
    with_rules, _ = chained(slow, rules=True)
    without, _ = chained(slow)
    deadline = time.time() + RULES_SECONDS

    assert (await with_rules.ainvoke([QUESTION], deadline=deadline)).text == "by rules"
    assert (await without.ainvoke([QUESTION], deadline=deadline)).text == "All is well."


async def test_tools_choice_and_stop_words_reach_the_model() -> None:
    asked = link("a", said(tool_calls=[{"name": "look", "args": {}, "id": "1"}]))
    chain, _ = chained(asked)

    def look() -> None:
        """Look it up."""

    await chain.bind_tools([look], tool_choice="look", stop=["END"]).ainvoke([QUESTION])

    (question,) = asked.client.asked  # type: ignore[attr-defined]
    assert question["tool_choice"] == "look"
    assert [tool["function"]["name"] for tool in question["tools"]] == ["look"]
    assert question["stop"] == ["END"]
    assert question["messages"][0].text == QUESTION.text


async def test_a_stream_is_one_whole_answer_with_its_calls() -> None:
    calls = [{"name": name, "args": {"product_id": name}, "id": name} for name in ("one", "two")]
    chain, _ = chained(rules=True)
    rules = chain._links[0].client
    rules.replies = [AIMessage("Both.", tool_calls=calls, usage_metadata=USAGE, additional_kwargs={"kept": 1})]  # type: ignore[attr-defined]

    (chunk,) = [chunk async for chunk in chain.astream([QUESTION])]

    assert isinstance(chunk, AIMessageChunk)
    assert [(call["name"], call["args"], call["id"]) for call in chunk.tool_calls] == [
        (call["name"], call["args"], call["id"]) for call in calls
    ]
    assert [part["index"] for part in chunk.tool_call_chunks] == [0, 1]
    assert (chunk.text, chunk.additional_kwargs["kept"]) == ("Both.", 1)
    assert chunk.response_metadata["provider"] == "rules"
    assert chunk.usage_metadata is not None
    assert chunk.usage_metadata["total_tokens"] == 37


async def test_the_check_asks_every_provider_once_and_remembers_and_logs_who_failed(logs: list[Any]) -> None:
    good, bad = (
        link("a", said(tool_calls=[{"name": "say_ready", "args": {}, "id": "1"}])),
        link("b", failure("rejected")),
    )
    chain, metrics = chained(good, bad, rules=True)

    health = await chain.check()

    assert [entry["state"] for entry in health] == ["ready", "rejected", "ready"]
    assert (times(good), times(bad), times(chain._links[2])) == (1, 1, 0)
    assert counted(metrics, "llm_calls_total", provider="b", status="rejected") == 1
    assert counted(metrics, "llm_fallbacks_total", provider="b", reason="rejected") is None
    (unusable,) = [entry for entry in logs if entry["event"] == "model_unusable"]
    assert unusable["provider"] == "b"
    assert "retry_after" not in unusable


@pytest.mark.parametrize(
    ("reason", "level"), [("circuit_open", "info"), ("bad_key", "error"), ("rejected", "warning"), ("deadline", "info")]
)
async def test_a_fall_is_logged_as_loudly_as_an_operator_must_hear_of_it(
    reason: str, level: str, logs: list[Any]
) -> None:
    chain, _ = chained(link("a", failure(reason, retry_after=37)), link("b"))

    await chain.ainvoke([QUESTION])

    (fall,) = [entry for entry in logs if entry["event"] == "model_fallback"]
    assert (fall["log_level"], fall["reason"], fall["to"], fall["retry_after"]) == (level, reason, "b:m", 37)
    assert (fall["provider"], fall["model"], fall["detail"]) == ("a", "m", "as told")


@pytest.mark.parametrize(("provider", "cost"), [("a", 44e-6), ("c", "unknown")])
async def test_every_call_is_logged_with_what_it_cost(provider: str, cost: object, logs: list[Any]) -> None:
    chain, _ = chained(link(provider), run_cost_limit="off", day_cost_limit="off")

    await chain.ainvoke([QUESTION])

    (call,) = [entry for entry in logs if entry["event"] == "model_call"]
    assert (call["input_tokens"], call["output_tokens"], call["cost"]) == (30, 7, cost)


async def test_models_without_a_price_are_left_out_and_shown_but_never_asked(logs: list[Any]) -> None:
    unpriced = link("c")
    chain, _ = chained(unpriced, link("a"))

    reply = await chain.ainvoke([QUESTION])
    health = await chain.check()

    assert (reply.response_metadata["provider"], times(unpriced)) == ("a", 0)
    assert str(health[0]["state"]).startswith("cost unknown")
    assert chain.asks_providers
    assert [entry["provider"] for entry in logs if entry["event"] == "model_left_out"] == ["c"]


async def test_every_client_is_closed() -> None:
    closed: list[str] = []

    class Closing(Scripted):
        async def aclose(self) -> None:
            closed.append("closed")

    links = [Link(name, "m", Closing(replies=[said()], asked=[])) for name in ("a", "b")]
    chain, _ = chained(*links)

    await chain.aclose()

    assert closed == ["closed"] * 2


async def test_a_call_that_its_caller_gave_up_is_counted_as_made_and_free() -> None:
    class Slow(Scripted):
        async def _agenerate(self, *_: Any, **__: Any) -> ChatResult:
            await asyncio.sleep(60)
            raise NotImplementedError

    one = Link("a", "m", Slow(replies=[], asked=[]))
    chain, metrics = chained(one)

    with pytest.raises(TimeoutError):
        await asyncio.wait_for(chain.ainvoke([QUESTION]), 0.05)

    assert counted(metrics, "llm_calls_total", provider="a", status="cancelled") == 1
    assert chain.ledger.spent_today.tokens == 0


async def test_once_the_rules_have_answered_and_fail_no_provider_is_asked_either() -> None:
    provider = link("a")
    rules = Link("rules", "rules", Scripted(replies=[failure("server_error")], asked=[]), local=True)
    chain, _ = chained(provider, rules)

    with pytest.raises(NoModelLeft, match=r"\(rules server_error\)"):
        await chain.ainvoke([QUESTION, answered("rules")])
    assert times(provider) == 0


async def test_a_model_of_our_own_that_comes_first_is_asked_first_and_then_the_next() -> None:
    own = Link("own", "m", Scripted(replies=[failure("server_error")], asked=[]), local=True)
    chain, _ = chained(own, link("a"))

    assert (await chain.ainvoke([QUESTION])).response_metadata["provider"] == "a"
    assert times(own) == 1


async def test_a_stream_is_asked_for_as_a_stream() -> None:
    stops: list[Any] = []

    class Streaming(Scripted):
        def _stream(self, _: Any, stop: Any = None, *__: Any, **___: Any) -> Iterator[ChatGenerationChunk]:
            stops.append(stop)
            for text in ("All ", "is well."):
                yield ChatGenerationChunk(message=AIMessageChunk(text))
            yield ChatGenerationChunk(message=AIMessageChunk("", response_metadata={"finish_reason": "stop"}))

    chain, _ = chained(Link("a", "m", Streaming(replies=[failure("server_error")], asked=[])))

    chunks = [chunk async for chunk in chain.astream([QUESTION], stop=["END"])]

    assert "".join(str(chunk.text) for chunk in chunks) == "All is well."
    assert stops == [["END"]]


async def test_the_rules_are_left_less_than_a_second() -> None:
    provider = link("a")
    chain, _ = chained(provider, rules=True)

    await chain.ainvoke([QUESTION], deadline=time.time() + 1.7)

    assert times(provider) == 1


def test_a_chain_shows_no_money_and_without_models_given_takes_those_of_the_settings() -> None:
    bare = build_chain(Settings(_env_file=None), rules=None, metrics=Metrics())

    assert bare.health() == []
    assert "Ledger" not in repr(bare)
    assert bare._llm_type == "guarded-chain"
