"""What a decision costs beyond the model's own time, beside simpler agents: `python -m benchmarks.overhead`.

Three ways to the same end, an order in the same order book, with the real Groq client (Gemini behind it as fallback)
against a provider server in another process that answers at once:

    bare loop       the same two model calls and tools one after the other, no graph and no checkpoints
    create_agent    LangChain's agent with its fallback middleware and the same checkpointer
    restock         the service's own run

Then the tokens of one decision: ours, ours with prefetch, and a naive agent with the same tools in full that looks up,
calculates and answers in turn.
"""

import asyncio
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
from langchain.agents import create_agent
from langchain.agents.middleware import ModelFallbackMiddleware
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage
from langchain_core.runnables import RunnableConfig
from langchain_core.tools import BaseTool, StructuredTool
from langchain_google_genai import ChatGoogleGenerativeAI
from langchain_groq import ChatGroq
from langgraph.runtime import get_runtime
from pydantic import SecretStr

from agent.case import Case, Decision
from agent.prompts import DECISION, task
from agent.runtime import Runtime, open_runtime
from agent.settings import Settings
from agent.state import DecisionRequest
from api.door.logs import configure_logging
from benchmarks.decision import facts
from tests.providers.gemini import GeminiServer
from tests.providers.groq import GroqServer
from tests.providers.planner import lookups, planner, submission
from tests.providers.script import Answer, Question
from tools.calculate_reorder import calculate_reorder
from tools.catalog.products import Catalogs, OneProduct
from tools.get_product import get_product
from tools.planning.confidence import assess
from tools.records.orders import NewProposal, NewRun

DECISIONS, WARM_UP, ROUNDS = 40, 10, 5
BAR = 1.3
TOOLS: dict[str, Any] = {"get_product": get_product, "calculate_reorder": calculate_reorder}
GEMINI, GROQ = "gemini-3.5-flash-lite", "openai/gpt-oss-120b"


def settings(folder: Path, gemini: str, groq: str, **changes: Any) -> Settings:
    return Settings(
        _env_file=None,
        database_url=f"sqlite:///{folder}/book.db",
        checkpoint_path=folder / "checkpoints.db",
        primary_model=f"groq:{GROQ}",
        fallback_models=f"google_genai:{GEMINI}",
        gemini_api_key="a-good-key",
        groq_api_key="a-good-key",
        model_base_urls={"google_genai": gemini, "groq": groq},
        check_models=False,
        run_deadline_seconds=60,
        model_timeout_seconds=30,
        log_level="error",
        **changes,
    )


class Rivals:
    """The simpler agents, with the service's own tools, order book and checkpointer."""

    def __init__(self, runtime: Runtime, gemini: str, model: ChatGroq) -> None:
        self._runtime = runtime
        look_up, calculation, submission_tool = runtime.toolbox.decision
        submit = StructuredTool.from_function(
            coroutine=self._submitted,
            name="submit_order",
            description="Submit your decision.",
            args_schema=submission_tool.args_schema,
            return_direct=True,
        )
        fallback = ChatGoogleGenerativeAI(
            model=GEMINI, api_key="a-good-key", base_url=gemini, max_retries=1, timeout=30
        )
        self._model = model.bind_tools([look_up, calculation, submit])
        self._agent = create_agent(
            model,
            [look_up, calculation, submit],
            system_prompt=str(DECISION.text),
            middleware=[ModelFallbackMiddleware(fallback)],
            context_schema=Case,
            checkpointer=runtime.checkpointer,
        )

    async def restock(self, number: int) -> None:
        view = await self._runtime.decide(decision_request(number))
        assert view.order is not None

    async def create_agent(self, number: int) -> None:
        decision = await self._begin(number)
        config: RunnableConfig = {"configurable": {"thread_id": decision.run_id}}
        state: Any = {"messages": [task(decision.request)]}
        await self._agent.ainvoke(state, config, context=decision, durability="exit")
        assert (await self._runtime.book.runs.get(decision.run_id)).order is not None

    async def bare_loop(self, number: int) -> None:
        decision = await self._begin(number)
        messages: list[Any] = [SystemMessage(DECISION.text), task(decision.request)]
        for _ in range(4):
            reply = await self._model.ainvoke(messages)
            messages.append(reply)
            if not await self._answer(reply, messages, decision):
                break
        assert (await self._runtime.book.runs.get(decision.run_id)).order is not None

    async def _answer(self, reply: AIMessage, messages: list[Any], decision: Decision) -> bool:
        for call in reply.tool_calls:
            if call["name"] == "submit_order":
                await self._place(decision, **call["args"])
                return False
            result = await TOOLS[call["name"]](decision.product, **call["args"])
            messages.append(ToolMessage(json.dumps(result), tool_call_id=call["id"]))
        return True

    async def _begin(self, number: int) -> Decision:
        request = decision_request(number)
        product = await Catalogs({}).look_up(request)
        decision = Decision(request=request, product=product, run_id=f"{time.time_ns():032x}")
        new = NewRun(
            id=decision.run_id,
            product_id=request.product_id,
            location="default",
            mode="input",
            origin="trigger",
            requested_by="bench",
            request=request.model_dump(mode="json"),
        )
        await self._runtime.book.runs.admit(new, lane="interactive", owner="bench", lease_seconds=60)
        return decision

    async def _submitted(self, **arguments: Any) -> str:
        return await self._place(get_runtime(Decision).context, **arguments)

    async def _place(self, decision: Decision, product_id: str, quantity: int, rationale: str, **_: Any) -> str:
        plan = decision.product.present_plan
        proposal = NewProposal(
            run_id=decision.run_id,
            action="purchase_order",
            product_id=product_id,
            product_name=product_id,
            location="default",
            mode="input",
            quantity=quantity,
            unit_price=plan.unit_price,
            currency=plan.currency,
            lead_time_days=plan.lead_time_days,
            plan=plan,
            confidence=assess(plan, quantity),
            rationale=rationale,
            provider="groq",
            model=GROQ,
            origin="trigger",
            requested_by="bench",
        )
        await self._runtime.book.orders.propose(proposal, route="auto", expires_in_hours=1)
        order = (await self._runtime.book.orders.place(proposal.run_id)).order
        assert order is not None
        return order.number


def decision_request(number: int) -> DecisionRequest:
    product = facts(number)
    return DecisionRequest(product_id=product.product.id, mode="input", location="default", facts=product)


@asynccontextmanager
async def provider_process(*options: str) -> AsyncIterator[tuple[str, str]]:
    """Both provider servers in a process of their own; yields their addresses."""
    command = [sys.executable, "-m", "tests.providers", "--gemini-port", "0", "--groq-port", "0", *options]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)  # noqa: ASYNC220 - before the clock runs
    try:
        assert process.stdout is not None
        told = next(line for line in process.stdout if "MODEL_BASE_URLS=" in line)
        urls = json.loads(told.split("=", 1)[1].strip().strip("'"))
        yield urls["google_genai"], urls["groq"]
    finally:
        process.terminate()
        process.wait(timeout=10)


@asynccontextmanager
async def groq_model(url: str) -> AsyncIterator[ChatGroq]:
    """A rival's client, closed at the end."""
    async with httpx.AsyncClient() as http:
        key = SecretStr("a-good-key")
        yield ChatGroq(model=GROQ, api_key=key, base_url=url, max_retries=0, timeout=30, http_async_client=http)


async def cpu(work: Callable[[int], Awaitable[None]], start: int, count: int) -> float:
    """CPU seconds of this process for one decision."""
    began = time.process_time()
    for number in range(start, start + count):
        await work(number)
    return (time.process_time() - began) / count


async def overhead(folder: Path) -> None:
    async with (
        provider_process() as (gemini, groq),
        groq_model(groq) as model,
        open_runtime(settings(folder, gemini, groq)) as runtime,
    ):
        rivals = Rivals(runtime, gemini, model)
        ways = {"bare loop": rivals.bare_loop, "create_agent": rivals.create_agent, "restock": rivals.restock}
        figures: dict[str, list[float]] = {name: [] for name in ways}
        start = 0
        for round_number in range(ROUNDS + 1):
            for name, work in ways.items():
                count = DECISIONS if round_number else WARM_UP
                seconds = await cpu(work, start, count)
                start += count
                if round_number:
                    figures[name].append(seconds)
    medians = {name: statistics.median(values) for name, values in figures.items()}
    print("| way | CPU a decision, ms | beside create_agent |\n|---|---:|---:|")
    for name, seconds in medians.items():
        print(f"| {name} | {seconds * 1000:.1f} | {seconds / medians['create_agent']:.2f} |")
    print(f"(bar for restock beside create_agent: {BAR})")


def one_at_a_time(question: Question) -> Answer:
    """A naive agent's model: one tool each turn, then a written answer."""
    done = {name for name, _ in question.results}
    for call in lookups(question):
        if call.name not in done:
            return Answer(calls=(call,))
    order = submission(question).arguments
    return Answer(f"Order {order['quantity']} units of {order['product_id']} now. {order['rationale']}")


async def tokens(folder: Path, *, naive: bool = False, prefetch: bool = False) -> tuple[int, int, int]:
    """Calls, input and output tokens of one decision, as the provider counts them."""
    async with GeminiServer() as gemini, GroqServer(always=one_at_a_time if naive else planner) as groq:
        chosen = settings(folder, gemini.url, groq.url, prefetch=prefetch)
        async with open_runtime(chosen) as runtime:
            if naive:
                await _naive_decision(runtime, groq.url)
            else:
                view = await runtime.decide(decision_request(1))
                assert view.order is not None
        said = [received.question for received in groq.received]
        answers = [(one_at_a_time if naive else planner)(question) for question in said]
        output = sum(question.output_tokens(answer) for question, answer in zip(said, answers, strict=True))
        return len(said), sum(question.prompt_tokens for question in said), output


async def _naive_decision(runtime: Runtime, groq: str) -> None:
    request = decision_request(1)
    product = await Catalogs({}).look_up(request)
    tools = [_in_full(tool, product) for tool in runtime.toolbox.decision[:2]]
    state: Any = {"messages": [HumanMessage(task(request).text)]}
    async with groq_model(groq) as model:
        await create_agent(model, tools, system_prompt=str(DECISION.text)).ainvoke(state)


def _in_full(tool: BaseTool, product: OneProduct) -> BaseTool:
    """The tool with all that it would tell a chat."""

    async def run(**arguments: Any) -> str:
        return json.dumps(await TOOLS[tool.name](product, **arguments))

    return StructuredTool.from_function(
        coroutine=run, name=tool.name, description=tool.description, args_schema=tool.args_schema
    )


async def token_table() -> None:
    rows = {"naive agent, three turns": {"naive": True}, "restock": {}, "restock, prefetch": {"prefetch": True}}
    base = 0
    print("\n| agent | calls | tokens in | tokens out | beside the naive one |\n|---|---:|---:|---:|---:|")
    for name, options in rows.items():
        with tempfile.TemporaryDirectory() as folder:
            calls, given, said = await tokens(Path(folder), **options)
        base = base or given + said
        print(f"| {name} | {calls} | {given:,} | {said:,} | {(given + said) / base:.2f} |")


def main() -> None:
    configure_logging("error")
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(overhead(Path(folder)))
    asyncio.run(token_table())


if __name__ == "__main__":
    main()
