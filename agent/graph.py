"""The picture: which step follows which. Wiring and routers only; the steps are in `nodes.py`.

A decision always ends in `assess`, whether a model submitted an order, none was left, or the budget was spent:
nothing is placed or shown to a reviewer that code has not checked.
"""

from collections.abc import Callable
from typing import Any, Literal, get_args, get_type_hints

from langchain_core.messages import AIMessage
from langchain_core.runnables import Runnable, RunnableConfig
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.graph import START, StateGraph
from langgraph.graph.state import CompiledStateGraph

from agent.nodes import Nodes
from agent.state import DecisionState

Graph = CompiledStateGraph[DecisionState, None, DecisionState, DecisionState]


def build_graph(nodes: Nodes, checkpointer: BaseCheckpointSaver[Any] | None = None) -> Graph:
    graph = StateGraph(DecisionState)
    graph.add_node("agent", nodes.agent)
    graph.add_node("tools", nodes.tools)
    graph.add_node("assess", nodes.assess)
    graph.add_node("auto", nodes.auto)
    graph.add_node("human_review", nodes.human_review)

    for source, router in (
        (START, begin),
        ("agent", after_agent),
        ("assess", after_assess),
        ("auto", after_auto),
        ("human_review", after_review),
    ):
        graph.add_conditional_edges(source, Router(router), _ends(router))
    graph.add_edge("tools", "agent")
    return graph.compile(checkpointer=checkpointer)


class Router(Runnable[DecisionState, str]):
    """A router as LangGraph takes it best: a plain function it would trace as a step of its own, and send to a thread
    each time."""

    def __init__(self, route: Callable[[DecisionState], str]) -> None:
        self._route = route
        self.name = route.__name__

    def invoke(self, input: DecisionState, config: RunnableConfig | None = None, **kwargs: Any) -> str:  # noqa: A002
        return self._route(input)

    async def ainvoke(self, input: DecisionState, config: RunnableConfig | None = None, **kwargs: Any) -> str:  # noqa: A002
        return self._route(input)


def _ends(router: Callable[[DecisionState], str]) -> list[str]:
    """What the router's type says it may choose; the picture is drawn from it."""
    return list(get_args(get_type_hints(router)["return"]))


def begin(state: DecisionState) -> Literal["agent", "tools"]:
    """Calls that the graph made in the model's place (prefetch) are answered first."""
    return "tools" if _last_reply(state).tool_calls else "agent"


def after_agent(state: DecisionState) -> Literal["agent", "tools", "assess", "__end__"]:
    calls = [call["name"] for call in _last_reply(state).tool_calls]
    if state.get("kind") != "decision":
        return "tools" if calls else "__end__"
    if state.get("escalation") or calls == ["submit_order"]:
        return "assess"
    return "tools" if calls else "agent"


def after_assess(state: DecisionState) -> Literal["agent", "auto", "human_review", "__end__"]:
    route = state["route"]
    if route == "auto":
        return "auto"
    if route == "retry":
        return "agent"
    return "__end__" if route == "none" else "human_review"


def after_auto(state: DecisionState) -> Literal["human_review", "__end__"]:
    """An order that met a competing one is not placed; it waits for a person."""
    return "human_review" if state["outcome"] == "pending_review" else "__end__"


def after_review(state: DecisionState) -> Literal["human_review", "__end__"]:
    """A resume without a decision in the order book waits again."""
    return "human_review" if state["outcome"] == "pending_review" else "__end__"


def _last_reply(state: DecisionState) -> AIMessage:
    last = state["messages"][-1]
    return last if isinstance(last, AIMessage) else AIMessage("")
