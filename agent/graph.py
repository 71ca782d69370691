"""The picture: which step follows which. Wiring and routers only; the steps are in `nodes.py`.

A decision always ends in `assess`, whether a model submitted an order, none was left, or the budget was spent:
nothing is placed or shown to a reviewer that code has not checked.
"""

from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any, Literal, TypeVar

from langchain_core.messages import AIMessage
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.graph import START, StateGraph
from langgraph.graph.state import CompiledStateGraph

from agent.nodes import Nodes
from agent.state import DecisionState

To = TypeVar("To", bound=str)
Graph = CompiledStateGraph[DecisionState, None, DecisionState, DecisionState]


def build_graph(nodes: Nodes, checkpointer: BaseCheckpointSaver[Any] | None = None) -> Graph:
    graph = StateGraph(DecisionState)
    graph.add_node("agent", nodes.agent)
    graph.add_node("tools", nodes.tools)
    graph.add_node("assess", nodes.assess)
    graph.add_node("auto", nodes.auto)
    graph.add_node("human_review", nodes.human_review)

    graph.add_conditional_edges(START, _at_once(begin))
    graph.add_conditional_edges("agent", _at_once(after_agent))
    graph.add_edge("tools", "agent")
    graph.add_conditional_edges("assess", _at_once(after_assess))
    graph.add_conditional_edges("auto", _at_once(after_auto))
    graph.add_conditional_edges("human_review", _at_once(after_review))
    return graph.compile(checkpointer=checkpointer)


def _at_once(router: Callable[[DecisionState], To]) -> Callable[[DecisionState], Awaitable[To]]:
    """LangGraph sends a router that is no coroutine to a thread, at every step."""

    @wraps(router)
    async def route(state: DecisionState) -> To:
        return router(state)

    return route


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
