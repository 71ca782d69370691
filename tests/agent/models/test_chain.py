"""The chain against both provider servers with the real clients: whatever a provider does, the next one answers."""

import asyncio
import json
import logging
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from langchain_core.language_models.fake_chat_models import FakeListChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage, ToolMessage
from langchain_core.runnables import RunnableLambda
from pydantic import SecretStr

from agent.metrics import Metrics
from agent.models import BudgetSpent, Link, ModelChain, NoModelLeft, build_chain, guard
from agent.models.chain import RULES_SECONDS
from agent.models.circuit import Circuit
from agent.models.providers import TALKATIVE_LOGGERS
from tests.providers.gemini import FINISHES as GEMINI_FINISHES
from tests.providers.groq import FINISHES as GROQ_FINISHES
from tests.providers.groq import GroqServer
from tests.providers.pair import GEMINI, GROQ, ProviderPair, falls
from tests.providers.planner import planner
from tests.providers.script import FAULTS, Answer, Call, Fault
from tests.providers.wire import Exchange, HttpServer, Request

pytestmark = pytest.mark.asyncio(loop_scope="module")
OTHER = {GEMINI: GROQ, GROQ: GEMINI}
PROMPT = [SystemMessage("You restock."), HumanMessage('<task>{"product_id": "STEEL_SHEETS"}</task>')]
SHORT = 0.3
SLOW = ("hang", "drip")


def get_product(product_id: str) -> str:
    """Look a product up."""
    return product_id


def calculate_reorder(product_id: str) -> str:
    """Calculate an order."""
    return product_id


def submit_order(product_id: str, action: str, quantity: int) -> str:
    """Submit an order."""
    return f"{product_id} {action} {quantity}"


TOOLS = [get_product, calculate_reorder, submit_order]

REASONS = {
    "401": "bad_key",
    "403": "bad_key",
    "404": "retired",
    "400": "rejected",
    "413": "too_large",
    "429": "rate_limited",
    "429-hint": "rate_limited",
    "500": "server_error",
    "502": "server_error",
    "redirect": "redirected",
    "503": "server_error",
    "refused": "unreachable",
    "reset": "disconnected",
    "reset-middle": "disconnected",
    "hang": "timeout",
    "drip": "timeout",
    "malformed": "malformed",
    "html": "malformed",
    "empty-object": "empty",
    "no-candidates": "empty",
    "blocked": "blocked",
    "truncated": "truncated",
    "stream-error": "server_error",
    "nothing": "empty",
    "cut-off": "cut_off",
    "safety": "blocked",
    "malformed-call": "malformed_call",
    "broken-call": "malformed_call",
    "recitation": "blocked",
    "blocklist": "blocked",
    "prohibited": "blocked",
    "personal-data": "blocked",
    "language": "blocked",
    "other": "malformed",
    "call-as-text": "text_for_call",
    "text-for-call": "text_for_call",
    "unknown-tool": "unknown_tool",
    "huge": "oversized",
}
GROQ_STUMBLES = {("html", True): "empty", ("empty-object", False): "malformed", ("no-candidates", False): "malformed",
                 ("empty-object", True): "malformed"}  # fmt: skip
"""Where Groq's client stumbles over the shape of the answer itself."""
USABLE = {"off-schema", "empty-id", "two-calls", "endless-lookups"}
"""Faults of the model that the graph deals with: the answer itself can be handed on."""


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def built() -> AsyncIterator[ProviderPair]:
    async with ProviderPair() as pair:
        yield pair


@pytest_asyncio.fixture(loop_scope="module")
async def pair(built: ProviderPair) -> ProviderPair:
    await built.reset()
    return built


async def ask(
    chain: ModelChain, *, streamed: bool = False, messages: list[Any] | None = None, **options: Any
) -> AIMessage:
    model = chain.bind_tools(TOOLS, **options)
    if not streamed:
        return await model.ainvoke(messages or PROMPT)
    whole = None
    async for chunk in model.astream(messages or PROMPT):
        whole = chunk if whole is None else whole + chunk  # type: ignore[operator]
    assert isinstance(whole, AIMessage)
    return whole


def patience(fault: str) -> float:
    return SHORT if fault in SLOW else 5.0


async def fall(pair: ProviderPair, provider: str, fault: str, *, streamed: bool) -> tuple[str, set[str]]:
    """Who answered in the end, and why the first one did not. A tool call is due, so prose counts as a failure."""
    await pair[provider].become(fault)
    links = [pair.link(provider, timeout_seconds=patience(fault)), pair.link(OTHER[provider])]
    chain, metrics = pair.chain(links)
    reply = await ask(chain, streamed=streamed, tool_choice="any")
    return reply.response_metadata["provider"], {reason for name, reason in falls(metrics) if name == provider}


def expected_reason(provider: str, fault: str, *, streamed: bool) -> str:
    stumble = GROQ_STUMBLES.get((fault, streamed)) if provider == GROQ else None
    return stumble or REASONS[fault]


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("fault", sorted(REASONS))
@pytest.mark.parametrize("provider", [GEMINI, GROQ])
async def test_the_next_model_answers_and_the_reason_is_counted(
    pair: ProviderPair, provider: str, fault: str, streamed: bool
) -> None:
    outcome = await fall(pair, provider, fault, streamed=streamed)

    assert outcome == (OTHER[provider], {expected_reason(provider, fault, streamed=streamed)})
    assert pair.gemini.complaints == pair.groq.complaints == []


SILENT = [
    ("blocked", GEMINI, False, "prompt_not_blocked"),
    ("nothing", GEMINI, False, "says_something"),
    ("nothing", GROQ, False, "says_something"),
    ("empty-object", GEMINI, False, "says_something"),
    ("no-candidates", GEMINI, False, "says_something"),
    ("truncated", GEMINI, True, "ended_at_all"),
    ("truncated", GROQ, True, "ended_at_all"),
    ("huge", GROQ, False, "of_sane_size"),
    ("broken-call", GROQ, False, "calls_readable"),
    ("broken-call", GROQ, True, "calls_whole"),
    ("unknown-tool", GROQ, False, "calls_known_tools"),
    ("unknown-tool", GEMINI, False, "calls_known_tools"),
    ("text-for-call", GROQ, False, "calls_when_asked"),
    ("text-for-call", GEMINI, False, "calls_when_asked"),
]


@pytest.mark.parametrize(("fault", "provider", "streamed", "rule"), SILENT)
async def test_without_its_rule_a_silent_failure_would_be_found_out(
    pair: ProviderPair, monkeypatch: pytest.MonkeyPatch, fault: str, provider: str, streamed: bool, rule: str
) -> None:
    kept = tuple(known for known in guard.RULES if known.__name__ != rule)
    assert len(kept) == len(guard.RULES) - 1
    monkeypatch.setattr(guard, "RULES", kept)

    outcome = await fall(pair, provider, fault, streamed=streamed)

    assert outcome != (OTHER[provider], {expected_reason(provider, fault, streamed=streamed)})


@pytest.mark.parametrize(
    ("provider", "fault", "word"),
    [(GEMINI, fault, word) for fault, word in GEMINI_FINISHES.items()]
    + [(GROQ, fault, word) for fault, word in GROQ_FINISHES.items()],
)
async def test_a_finish_reason_taken_for_good_would_be_found_out(
    pair: ProviderPair, monkeypatch: pytest.MonkeyPatch, provider: str, fault: str, word: str
) -> None:
    monkeypatch.setattr(guard, "FINISHED", guard.FINISHED | {word})
    await pair[provider].become(fault)
    chain, metrics = pair.chain([pair.link(provider), pair.link(OTHER[provider])])

    await ask(chain)

    assert falls(metrics) != [(provider, REASONS[fault])]


async def test_prose_that_spells_out_a_call_would_be_found_out(
    pair: ProviderPair, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guard, "RULES", tuple(rule for rule in guard.RULES if rule is not guard.calls_not_written_out))
    await pair.groq.become("call-as-text")
    chain, _ = pair.chain([pair.link(GROQ), pair.link(GEMINI)])

    reply = await ask(chain)

    assert reply.response_metadata["provider"] == GROQ


@pytest.mark.parametrize("fault", sorted(USABLE))
@pytest.mark.parametrize("provider", [GEMINI, GROQ])
async def test_what_only_the_graph_can_judge_is_handed_on(pair: ProviderPair, provider: str, fault: str) -> None:
    await pair[provider].become(fault)
    chain, metrics = pair.chain([pair.link(provider), pair.link(OTHER[provider])])

    reply = await ask(chain)

    assert (reply.response_metadata["provider"], falls(metrics)) == (provider, [])
    assert all(call["id"] for call in reply.tool_calls)


async def test_every_fault_of_the_servers_is_met_here() -> None:
    assert set(FAULTS) == set(REASONS) | USABLE


async def in_mode(mode: str, chain: ModelChain) -> tuple[str, list[str]]:
    """The provider that answered, and every piece of text that a caller saw."""
    model = chain.bind_tools(TOOLS)
    if mode == "ainvoke":
        chunks = [await model.ainvoke(PROMPT)]
    elif mode == "abatch":
        chunks = await model.abatch([PROMPT])
    elif mode == "abatch_as_completed":
        chunks = [reply async for _, reply in model.abatch_as_completed([PROMPT])]
    elif mode == "astream":
        chunks = [chunk async for chunk in model.astream(PROMPT)]
    else:
        events = [event async for event in model.astream_events(PROMPT, version="v2")]
        chunks = [event["data"]["chunk"] for event in events if event["event"] == "on_chat_model_stream"]
    whole = chunks[0]
    for chunk in chunks[1:]:
        whole += chunk
    return whole.response_metadata["provider"], [str(chunk.text) for chunk in chunks if chunk.text]


@pytest.mark.parametrize("fault", ["503", "cut-off", "truncated", "broken-call"])
@pytest.mark.parametrize("mode", ["ainvoke", "abatch", "abatch_as_completed", "astream", "astream_events"])
async def test_in_every_mode_only_the_good_answer_is_seen(pair: ProviderPair, mode: str, fault: str) -> None:
    await pair.groq.become(fault)
    await pair.gemini.become(Answer("All is in stock."))
    groq_first = {"primary_model": "groq:openai/gpt-oss-120b", "fallback_models": "google_genai:gemini-3.5-flash-lite"}
    chain = build_chain(pair.settings(**groq_first), rules=None, metrics=Metrics())

    seen = await in_mode(mode, chain)
    await chain.aclose()

    assert seen == (GEMINI, ["All is in stock."])


@pytest.mark.parametrize("mode", ["invoke", "stream"])
async def test_a_synchronous_call_is_told_to_use_an_asynchronous_one(pair: ProviderPair, mode: str) -> None:
    chain, _ = pair.chain([pair.link(GEMINI)])

    with pytest.raises(NotImplementedError, match="Use ainvoke or astream"):
        list(getattr(chain.bind_tools(TOOLS), mode)(PROMPT))


async def test_a_run_asks_on_where_it_was_answered_last(pair: ProviderPair) -> None:
    chain, _ = pair.chain([pair.link(GEMINI), pair.link(GROQ)])
    pair.gemini.queue("503")
    first = await ask(chain)
    results = [ToolMessage("{}", tool_call_id=call["id"], name=call["name"]) for call in first.tool_calls]

    second = await ask(chain, messages=[*PROMPT, first, *results])
    afterwards = await ask(chain)

    providers = [reply.response_metadata["provider"] for reply in (first, second, afterwards)]
    assert providers == [GROQ, GROQ, GEMINI]


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
async def test_a_conversation_goes_from_gemini_to_groq_and_back(pair: ProviderPair, streamed: bool) -> None:
    """Parallel calls each time. Gemini gets its own signatures back; Groq never sees them; both are strict."""
    chain, _ = pair.chain([pair.link(GEMINI), pair.link(GROQ)])
    both = Answer(calls=(Call("get_product", {"product_id": "A"}), Call("calculate_reorder", {"product_id": "A"})))
    for server in (pair.gemini, pair.groq):
        await server.become(both)
    messages: list[BaseMessage] = list(PROMPT)
    providers = []
    for breaks in (None, GEMINI, GROQ, None):
        if breaks:
            pair[breaks].queue("503")
        reply = await ask(chain, streamed=streamed, messages=messages)
        providers.append(reply.response_metadata["provider"])
        messages += [reply, *(ToolMessage('{"a": 1}', tool_call_id=call["id"]) for call in reply.tool_calls)]

    assert providers == [GEMINI, GROQ, GEMINI, GEMINI]
    assert pair.gemini.complaints == pair.groq.complaints == []
    sent_back = [
        part for turn in pair.gemini.received[-1].body["contents"] for part in turn["parts"] if "functionCall" in part
    ]
    own, foreign, latest = sent_back[0::2]
    assert foreign["thoughtSignature"] == "skip_thought_signature_validator"
    assert len({part["thoughtSignature"] for part in (own, foreign, latest)}) == 3


async def test_after_the_deadline_no_provider_is_asked_and_the_rules_answer(pair: ProviderPair) -> None:
    chain, metrics = pair.chain([pair.link(GEMINI), pair.link(GROQ)], rules=FakeListChatModel(responses=["by rules"]))

    reply = await chain.ainvoke(PROMPT, deadline=time.time() - 1)

    assert reply.response_metadata["provider"] == "rules"
    assert falls(metrics) == [(GEMINI, "deadline"), (GROQ, "deadline")]
    assert pair.gemini.received == pair.groq.received == []


async def test_time_is_kept_for_the_rules_model(pair: ProviderPair) -> None:
    rules = FakeListChatModel(responses=["by rules"])
    chain, metrics = pair.chain([pair.link(GEMINI)], rules=rules)

    reply = await chain.ainvoke(PROMPT, deadline=time.time() + RULES_SECONDS / 2)

    assert (reply.response_metadata["provider"], falls(metrics)) == ("rules", [(GEMINI, "deadline")])


async def test_without_rules_a_provider_gets_all_the_time_there_is(pair: ProviderPair) -> None:
    chain, _ = pair.chain([pair.link(GEMINI)])

    reply = await chain.ainvoke(PROMPT, deadline=time.time() + RULES_SECONDS / 2)

    assert reply.response_metadata["provider"] == GEMINI


async def test_a_call_is_given_up_at_the_runs_deadline_without_blaming_the_provider(pair: ProviderPair) -> None:
    await pair.gemini.become("hang")
    circuit = Circuit(threshold=1)
    chain, _ = pair.chain([pair.link(GEMINI, timeout_seconds=60, circuit=circuit)])

    with pytest.raises(NoModelLeft, match="timeout"):
        await chain.ainvoke(PROMPT, deadline=time.time() + SHORT)

    assert circuit.state == "closed"


async def test_with_nobody_left_the_error_names_who_failed_and_why(pair: ProviderPair) -> None:
    for server in (pair.gemini, pair.groq):
        await server.become("400")
    chain, _ = pair.chain([pair.link(GEMINI), pair.link(GROQ)])

    with pytest.raises(NoModelLeft, match="google_genai rejected, groq rejected"):
        await chain.ainvoke(PROMPT)


async def test_a_chain_without_links_says_that_none_is_configured(pair: ProviderPair) -> None:
    chain, _ = pair.chain([])

    with pytest.raises(NoModelLeft, match="none is configured"):
        await chain.ainvoke(PROMPT)


async def test_three_failures_pass_a_provider_over_until_a_trial_succeeds(pair: ProviderPair) -> None:
    now = 0.0
    circuit = Circuit(threshold=3, cooldown_seconds=10, clock=lambda: now)
    chain, metrics = pair.chain([pair.link(GEMINI, circuit=circuit), pair.link(GROQ)])
    await pair.gemini.become("503")
    for _ in range(5):
        await ask(chain)
    asked_while_broken = len(pair.gemini.received)
    open_gauge = metrics.llm_circuit_open.labels(GEMINI)._value.get()
    standing = chain.health()[0]
    await pair.gemini.become(planner)
    now = 11.0

    replies = [await ask(chain) for _ in range(2)]

    assert asked_while_broken == 3
    assert (open_gauge, metrics.llm_circuit_open.labels(GEMINI)._value.get()) == (1, 0)
    assert standing["state"] == "server_error"
    assert standing["retry_in_seconds"] == 10
    assert [reply.response_metadata["provider"] for reply in replies] == [GEMINI, GEMINI]


@pytest.mark.parametrize("provider", [GEMINI, GROQ])
async def test_a_rate_limit_pauses_the_provider_for_as_long_as_it_says(pair: ProviderPair, provider: str) -> None:
    circuit = Circuit(threshold=3, cooldown_seconds=1, clock=lambda: 0.0)
    chain, _ = pair.chain([pair.link(provider, circuit=circuit), pair.link(OTHER[provider])])
    pair[provider].queue(Fault("429-hint", retry_after=37))

    for _ in range(2):
        await ask(chain)

    assert (len(pair[provider].received), circuit.retry_in()) == (1, 37)


async def test_alone_a_provider_is_asked_a_second_time_at_once(pair: ProviderPair) -> None:
    chain, metrics = pair.chain([pair.link(GROQ)])
    pair.groq.queue("503")

    await ask(chain)

    assert (len(pair.groq.received), falls(metrics)) == (2, [])


async def test_what_a_second_try_cannot_mend_is_not_tried_again(pair: ProviderPair) -> None:
    chain, _ = pair.chain([pair.link(GROQ)], rules=FakeListChatModel(responses=["by rules"]))
    pair.groq.queue("400")

    await chain.ainvoke(PROMPT)

    assert len(pair.groq.received) == 1


async def test_a_failure_that_opens_the_breaker_is_not_tried_again(pair: ProviderPair) -> None:
    await pair.groq.become("503")
    links = [pair.link(GROQ, circuit=Circuit(threshold=1))]
    chain, metrics = pair.chain(links, rules=FakeListChatModel(responses=["by rules"]))

    await chain.ainvoke(PROMPT)

    assert (len(pair.groq.received), falls(metrics)) == (1, [(GROQ, "server_error")])


async def test_with_another_provider_at_hand_nobody_is_asked_twice(pair: ProviderPair) -> None:
    chain, _ = pair.chain([pair.link(GROQ), pair.link(GEMINI)])
    pair.groq.queue("503")

    await ask(chain)

    assert (len(pair.groq.received), len(pair.gemini.received)) == (1, 1)


async def test_a_connection_that_broke_is_opened_again_before_falling_back(pair: ProviderPair) -> None:
    chain, metrics = pair.chain([pair.link(GEMINI), pair.link(GROQ)])
    pair.gemini.queue("reset")

    reply = await ask(chain)

    assert (reply.response_metadata["provider"], falls(metrics)) == (GEMINI, [])


async def test_a_server_that_ignores_tool_choice_does_not_get_away_with_it(pair: ProviderPair) -> None:
    async with GroqServer(ignores_tool_choice=True, always=Answer("I would rather talk.")) as local:
        settings = pair.settings(
            model_base_urls={GROQ: local.url}, primary_model="groq:openai/gpt-oss-120b", fallback_models=""
        )
        chain = build_chain(
            settings, rules=Link("rules", "rules", RulesStandIn(responses=[""]), local=True), metrics=Metrics()
        )
        reply = await ask(chain, tool_choice="get_product")
        await chain.aclose()

    assert (reply.response_metadata["provider"], reply.tool_calls[0]["name"]) == ("rules", "get_product")


class RulesStandIn(FakeListChatModel):
    """Calls the tool it is told to."""

    def bind_tools(self, tools: Any, *, tool_choice: str | None = None, **kwargs: Any) -> Any:
        call = {"name": tool_choice, "args": {}, "id": "rules-1", "type": "tool_call"}
        return _Says(AIMessage("", tool_calls=[call]))


class _Says:
    def __init__(self, message: AIMessage) -> None:
        self._message = message

    async def ainvoke(self, *_: Any, **__: Any) -> AIMessage:
        return self._message


async def test_the_rules_model_goes_on_with_what_it_began(pair: ProviderPair) -> None:
    chain, _ = pair.chain([pair.link(GEMINI)], rules=FakeListChatModel(responses=["by rules"]))
    begun = AIMessage("so far", response_metadata={"provider": "rules", "model": "rules"})

    reply = await chain.ainvoke([*PROMPT, begun])

    assert (reply.response_metadata["provider"], pair.gemini.received) == ("rules", [])


@pytest.mark.parametrize(("fault", "state"), [("401", "bad_key"), ("404", "retired")])
@pytest.mark.parametrize("provider", [GEMINI, GROQ])
async def test_a_bad_key_or_a_retired_model_is_said_loudly_at_the_start(
    pair: ProviderPair, provider: str, fault: str, state: str, logs: list[Any]
) -> None:
    await pair[provider].become(fault)
    chain, _ = pair.chain([pair.link(GEMINI), pair.link(GROQ)])

    health = await chain.check()

    assert {entry["provider"]: entry["state"] for entry in health} == {provider: state, OTHER[provider]: "ready"}
    loud = [entry for entry in logs if entry["log_level"] == "error"]
    assert [(entry["event"], entry["provider"], entry["reason"]) for entry in loud] == [
        ("model_unusable", provider, state)
    ]


@pytest.mark.parametrize("fault", ["400", "413", "call-as-text"])
async def test_a_model_that_fails_its_check_is_not_shown_as_ready_until_it_answers(
    pair: ProviderPair, fault: str
) -> None:
    pair.groq.queue(fault)
    chain, _ = pair.chain([pair.link(GROQ)])

    (failed,) = await chain.check()
    await ask(chain)
    (answered,) = chain.health()

    assert failed["state"] == REASONS[fault]
    assert answered["state"] == "ready"


async def test_the_check_offers_a_tool_as_a_decision_does(pair: ProviderPair) -> None:
    chain, _ = pair.chain([pair.link(GEMINI), pair.link(GROQ)])

    await chain.check()

    assert [server.received[-1].question.tools for server in (pair.gemini, pair.groq)] == [("say_ready",)] * 2
    assert pair.gemini.complaints == pair.groq.complaints == []


async def test_a_retired_model_is_not_asked_again_for_every_run(pair: ProviderPair) -> None:
    await pair.groq.become("404")
    chain, _ = pair.chain([pair.link(GROQ), pair.link(GEMINI)])

    for _ in range(3):
        await ask(chain)

    assert len(pair.groq.received) == 1


async def test_tokens_and_dollars_are_counted_by_provider_and_model(pair: ProviderPair) -> None:
    prices = {"groq:openai/gpt-oss-120b": ("1", "2"), "google_genai:gemini-3.5-flash-lite": ("10", "20")}
    chain, metrics = pair.chain([pair.link(GEMINI), pair.link(GROQ)], model_prices=prices)
    pair.gemini.queue("cut-off")

    reply = await ask(chain)

    usage, lost = reply.usage_metadata, reply.response_metadata["lost_tokens"]
    assert usage is not None
    cost = (usage["input_tokens"] * 1 + usage["output_tokens"] * 2 + lost[0] * 10 + lost[1] * 20) / 1e6
    assert lost[0] > 0
    assert reply.response_metadata["cost"] == pytest.approx(cost)
    assert float(chain.ledger.spent_today.cost) == pytest.approx(cost)
    counted = metrics.llm_tokens.labels(GROQ, "openai/gpt-oss-120b", "input")._value.get()
    assert counted == usage["input_tokens"]


UNPRICED = {"primary_model": "groq:openai/gpt-oss-20b", "fallback_models": "google_genai:gemini-3.5-flash-lite"}
OFF = {"run_cost_limit": "off", "day_cost_limit": "off"}


@pytest.mark.parametrize("limits", [{}, {"run_cost_limit": "off"}, {"day_cost_limit": "off"}])
async def test_within_a_money_limit_a_model_without_a_price_is_left_out_and_readiness_says_why(
    pair: ProviderPair, limits: dict[str, str], logs: list[Any]
) -> None:
    chain = build_chain(pair.settings(**UNPRICED, **limits), rules=None, metrics=Metrics())

    reply = await ask(chain)
    standing = await chain.check()
    await chain.aclose()

    why = "cost unknown: no price for groq:openai/gpt-oss-20b; set MODEL_PRICES or switch the money limits off"
    assert [entry["state"] for entry in standing] == [why, "ready"]
    assert (reply.response_metadata["provider"], pair.groq.received) == (GEMINI, [])
    assert [(entry["event"], entry["reason"]) for entry in logs if entry["log_level"] == "error"] == [
        ("model_left_out", why)
    ]


async def test_with_the_money_limits_off_a_model_without_a_price_answers_at_an_unknown_cost(
    pair: ProviderPair, logs: list[Any]
) -> None:
    metrics = Metrics()
    chain = build_chain(pair.settings(**UNPRICED, **OFF), rules=None, metrics=metrics)

    reply = await ask(chain)
    await chain.aclose()

    counted = metrics.as_text().decode()
    assert (reply.response_metadata["provider"], reply.response_metadata["cost"]) == (GROQ, None)
    assert [entry["cost"] for entry in logs if entry["event"] == "model_call"] == ["unknown"]
    assert 'llm_cost_unknown_total{model="openai/gpt-oss-20b",provider="groq"} 1.0' in counted
    assert "llm_cost_dollars_total{" not in counted


async def test_a_price_in_the_settings_brings_a_model_back_beside_those_that_are_known(pair: ProviderPair) -> None:
    prices = {"groq:openai/gpt-oss-20b": ("0", "0")}
    chain = build_chain(pair.settings(**UNPRICED, model_prices=prices), rules=None, metrics=Metrics())

    reply = await ask(chain)
    await chain.aclose()

    assert (reply.response_metadata["provider"], reply.response_metadata["cost"]) == (GROQ, 0.0)
    assert [entry["state"] for entry in chain.health()] == ["ready", "ready"]


async def test_a_run_that_has_spent_its_money_asks_no_model(pair: ProviderPair) -> None:
    chain, _ = pair.chain(
        [pair.link(GEMINI)], rules=FakeListChatModel(responses=["by rules"]), run_cost_limit="0.0000001"
    )
    first = await ask(chain)
    results = [ToolMessage("{}", tool_call_id=call["id"]) for call in first.tool_calls]

    with pytest.raises(BudgetSpent, match="This run has used"):
        await ask(chain, messages=[*PROMPT, first, *results])


async def test_a_day_that_has_spent_its_money_asks_no_model(pair: ProviderPair) -> None:
    chain, _ = pair.chain([pair.link(GEMINI)], day_cost_limit="0.0000001")
    await ask(chain)

    with pytest.raises(BudgetSpent, match="Today's budget"):
        await ask(chain)


async def test_callers_hear_the_chain_and_not_each_attempt(pair: ProviderPair) -> None:
    await pair.gemini.become("cut-off")
    chain, _ = pair.chain([pair.link(GEMINI), pair.link(GROQ)])

    async def step(messages: list[BaseMessage]) -> AIMessage:
        """As in a node of a graph, whose handlers reach everything that runs inside."""
        return await ask(chain, messages=messages)

    events = [event["event"] async for event in RunnableLambda(step).astream_events(PROMPT, version="v2")]

    assert events.count("on_chat_model_start") == events.count("on_chat_model_end") == 1


@pytest.mark.parametrize("fault", ["401", "429-hint", "502", "malformed", "hang", "unknown-tool", "stream-error"])
async def test_no_key_is_ever_logged(
    pair: ProviderPair, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str], fault: str
) -> None:
    canary = "sk-canary-7d1f"
    secret = {"gemini_api_key": SecretStr(canary), "groq_api_key": SecretStr(canary)}
    caplog.set_level(logging.DEBUG)
    for server in (pair.gemini, pair.groq):
        await server.become(fault)
    settings = pair.settings(**secret, model_timeout_seconds=SHORT)
    rules = Link("rules", "rules", FakeListChatModel(responses=["by rules"]), local=True)
    chain = build_chain(settings, rules=rules, metrics=Metrics())
    pair.gemini.key = pair.groq.key = canary

    async for _ in chain.astream(PROMPT):
        pass
    await chain.ainvoke(PROMPT)
    await chain.aclose()

    pair.gemini.key = pair.groq.key = "a-good-key"
    printed = capsys.readouterr()
    assert canary not in caplog.text + printed.out + printed.err + repr(chain) + json.dumps(chain.health())


async def test_the_clients_own_loggers_keep_quiet(pair: ProviderPair, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    pair.gemini.queue("empty-object")
    chain, _ = pair.chain([pair.link(GEMINI), pair.link(GROQ)])

    await ask(chain)

    assert [record.name for record in caplog.records if record.name.startswith(TALKATIVE_LOGGERS)] == []


class Elsewhere:
    """Two servers: one sends every request on to the other, which keeps what comes."""

    def __init__(self) -> None:
        self.received: list[Request] = []
        self._other = HttpServer(self._keep)
        self._first = HttpServer(self._send_on)

    async def __aenter__(self) -> "Elsewhere":
        await self._other.listen()
        await self._first.listen()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._first.close()
        await self._other.close()

    @property
    def url(self) -> str:
        return self._first.url

    async def _keep(self, exchange: Exchange) -> None:
        self.received.append(exchange.request)
        await exchange.send(200, {})

    async def _send_on(self, exchange: Exchange) -> None:
        target = self._other.url.replace("127.0.0.1", "localhost") + exchange.request.path
        await exchange.send(307, b"", headers={"location": target})


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("provider", [GEMINI, GROQ])
async def test_a_redirect_is_not_followed_so_that_the_key_stays_with_the_provider(
    pair: ProviderPair, provider: str, streamed: bool, logs: list[Any]
) -> None:
    names = ["google_genai:gemini-3.5-flash-lite", "groq:openai/gpt-oss-120b"]
    first, second = names if provider == GEMINI else reversed(names)
    async with Elsewhere() as elsewhere:
        urls = {GEMINI: pair.gemini.url, GROQ: pair.groq.url, provider: elsewhere.url}
        chosen: dict[str, Any] = {"model_base_urls": urls, "primary_model": first, "fallback_models": second}
        metrics = Metrics()
        chain = build_chain(pair.settings(**chosen), rules=None, metrics=metrics)
        reply = await ask(chain, streamed=streamed)
        standing = chain.health()
        await chain.aclose()

    assert elsewhere.received == []
    assert (reply.response_metadata["provider"], falls(metrics)) == (OTHER[provider], [(provider, "redirected")])
    assert standing[0]["state"] == "redirected"
    assert [entry["event"] for entry in logs if entry["log_level"] == "error"] == ["model_fallback"]


async def test_the_environments_proxy_is_not_used_for_our_own_machine(
    pair: ProviderPair, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)
    chain = build_chain(pair.settings(), rules=None, metrics=Metrics())

    gemini = await ask(chain)
    await pair.gemini.become("503")
    groq = await ask(chain)
    await chain.aclose()

    assert [reply.response_metadata["provider"] for reply in (gemini, groq)] == [GEMINI, GROQ]


async def test_two_hundred_calls_at_once_are_all_answered(pair: ProviderPair) -> None:
    pair.gemini.delay = 0.05
    chain, metrics = pair.chain([pair.link(GEMINI, timeout_seconds=30)])

    replies = await asyncio.gather(*(ask(chain) for _ in range(200)))

    assert {reply.response_metadata["provider"] for reply in replies} == {GEMINI}
    assert falls(metrics) == []
