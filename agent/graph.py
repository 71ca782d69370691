"""The picture: which step follows which. Wiring only; the steps and the routers are in `nodes.py`.

A decision always ends in `assess`: after a submission, and also when no model is left or the budget is spent. So code
checks everything that is placed or shown to a reviewer.
"""

from typing import Any

from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.graph import START, StateGraph
from langgraph.graph.state import CompiledStateGraph

from agent.case import Case
from agent.nodes import Nodes, after_agent, after_assess, wait_for_a_person
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
