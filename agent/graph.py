"""The picture: which step follows which. Wiring and routers only; the steps are in `nodes.py`.

A decision always ends in `assess`: after a submission, and also when no model is left or the budget is spent. So code
checks everything that is placed or shown to a reviewer. Routers are async, because LangGraph runs plain functions in a
thread.
"""

from typing import Any, Literal

from langchain_core.messages import AIMessage
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.graph import START, StateGraph
from langgraph.graph.state import CompiledStateGraph

from agent.case import Case
from agent.nodes import Nodes
from agent.state import DecisionState

Graph = CompiledStateGraph[DecisionState, Case, DecisionState, DecisionState]


def build_graph(nodes: Nodes, checkpointer: BaseCheckpointSaver[Any] | None = None) -> Graph:
    graph = StateGraph(DecisionState, context_schema=Case)
    graph.add_node("agent", nodes.agent)
    graph.add_node("tools", nodes.tools)
    graph.add_node("assess", nodes.assess)
    graph.add_node("auto", nodes.auto)
    graph.add_node("human_review", nodes.human_review)

    graph.add_edge(START, "agent")
    graph.add_conditional_edges("agent", after_agent)
    graph.add_edge("tools", "agent")
    graph.add_conditional_edges("assess", after_assess)
    graph.add_conditional_edges("auto", wait_for_a_person)
    graph.add_conditional_edges("human_review", wait_for_a_person)
    return graph.compile(checkpointer=checkpointer)


async def after_agent(state: DecisionState) -> Literal["agent", "tools", "assess", "__end__"]:
    last = state["messages"][-1]
    calls = last.tool_calls if isinstance(last, AIMessage) else []
    if state.get("kind") != "decision":
        return "tools" if calls else "__end__"
    if state.get("escalation") or (len(calls) == 1 and calls[0]["name"] == "submit_order"):
        return "assess"
    return "tools" if calls else "agent"


async def after_assess(state: DecisionState) -> Literal["agent", "auto", "human_review", "__end__"]:
    route = state["route"]
    if route == "auto":
        return "auto"
    if route == "retry":
        return "agent"
    return "__end__" if route == "none" else "human_review"


async def wait_for_a_person(state: DecisionState) -> Literal["human_review", "__end__"]:
    """Wait if another order came first, or if a run is resumed although nobody has decided."""
    return "human_review" if state["outcome"] == "pending_review" else "__end__"
