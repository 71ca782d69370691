"""The graph for LangGraph Studio, which brings its own checkpointer. Only chats work there: a decision needs a run in
the order book, and so begins at the service."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from langchain_core.runnables import RunnableConfig

from agent.environment import read_settings
from agent.graph import Graph, build_graph
from agent.runtime import open_runtime


@asynccontextmanager
async def make_graph(_: RunnableConfig) -> AsyncIterator[Graph]:
    async with open_runtime(read_settings()) as runtime:
        yield build_graph(runtime.nodes)
