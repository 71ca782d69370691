"""The graph for LangGraph Studio, which brings its own checkpointer.

Words begin a chat. A product begins a decision that is tried out: it goes through every step, and nothing is recorded
or ordered.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Annotated, Any, Literal

from langchain_core.messages import AnyMessage
from langchain_core.runnables import RunnableConfig
from langgraph.graph import START, StateGraph
from langgraph.graph.message import add_messages
from langgraph.graph.state import CompiledStateGraph
from typing_extensions import TypedDict

from agent.case import Case, Decision
from agent.environment import read_settings
from agent.graph import build_graph
from agent.prompts import task
from agent.runtime import Runtime, open_runtime
from agent.state import DecisionRequest, DecisionState
from tools.catalog.products import Catalogs
from tools.records.facts import Mode

OF_STUDIO = ("DATABASE_URI",)
"""Its own variable, one letter beside our DATABASE_URL."""


class Question(TypedDict, total=False):
    """A planner's message, or a product to decide on."""

    messages: Annotated[list[AnyMessage], add_messages]
    product_id: str
    mode: Mode
    note: str


class Answer(TypedDict, total=False):
    """What was said, and what would have been ordered."""

    messages: Annotated[list[AnyMessage], add_messages]
    proposal: dict[str, Any]


class Exchange(Question, Answer, total=False):
    """Both."""


Studio = CompiledStateGraph[Exchange, Case, Question, Answer]


@asynccontextmanager
async def make_graph(_: RunnableConfig) -> AsyncIterator[Studio]:
    settings = await asyncio.to_thread(read_settings, OF_STUDIO)
    # Queued runs and sweeps are for the service to carry out.
    async with open_runtime(settings.model_copy(update={"work_runs": False, "check_models": False})) as runtime:
        yield _graph(runtime)


def _graph(runtime: Runtime) -> Studio:
    graph = StateGraph(Exchange, context_schema=Case, input_schema=Question, output_schema=Answer)
    graph.add_node("chat", build_graph(runtime.nodes))
    graph.add_node("try_out", partial(_try_out, runtime))
    graph.add_conditional_edges(START, _chat_or_decision)
    return graph.compile()


def _chat_or_decision(state: Exchange) -> Literal["chat", "try_out"]:
    return "try_out" if state.get("product_id") else "chat"


async def _try_out(runtime: Runtime, state: Exchange) -> Answer:
    request = DecisionRequest(
        product_id=state["product_id"], mode=state.get("mode", "mock"), note=state.get("note", ""), origin="trigger"
    )
    catalogs = Catalogs(runtime.catalog.by_mode, runtime.calibration, book=runtime.book)
    decision = Decision(request=request, product=await catalogs.look_up(request), dry_run=True)
    asked = DecisionState(kind="decision", run_id="", messages=[task(request)], escalation=None)
    end = await build_graph(runtime.nodes).ainvoke(asked, context=decision)
    proposal = decision.proposal.model_dump(mode="json", exclude={"plan"}) if decision.proposal else {}
    return {"messages": end["messages"], "proposal": proposal}
