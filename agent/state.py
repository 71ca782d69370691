"""What flows through the graph, and what goes in and comes out of a run."""

from typing import Annotated, Literal

from langchain_core.messages import AnyMessage
from langgraph.graph.message import add_messages
from pydantic import Field
from typing_extensions import TypedDict

from tools.planning.gate import Route
from tools.records.facts import Mode, ProductFacts, Record, ServiceLevel
from tools.records.orders import RunView

Kind = Literal["decision", "chat"]
CHAT_MODE: Mode = "mock"
"""The catalogue that chats are about."""


class DecisionRequest(Record):
    """One product to decide on. `facts` carries everything in mode `input` and is empty otherwise."""

    product_id: str
    mode: Mode
    location: str | None = None
    facts: ProductFacts | None = None
    service_level: ServiceLevel | None = None
    """Replaces the product's own service level for this run."""
    note: Annotated[str, Field(max_length=2_000)] = ""
    """Free text from whoever asks: data for the model, without authority."""
    origin: Literal["trigger", "chat"] = "trigger"
    requested_by: str = ""
    requested_by_id: str = ""
    """The key that asks, by its id."""
    run_id: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")] | None = None
    """The run's id where it follows from the caller's idempotency key; otherwise a new one."""


class ChatAnswer(Record):
    conversation_id: str
    answer: str
    llm_provider: str
    runs: tuple[RunView, ...] = ()
    """Decision runs that the chat asked for."""
    tools_used: tuple[str, ...] = ()


class DecisionState(TypedDict, total=False):
    """LangGraph's state: plain values and messages. Orders are never read from here, nor is any authority."""

    kind: Kind
    run_id: str
    messages: Annotated[list[AnyMessage], add_messages]
    escalation: str | None
    """Why no model's submission can be waited for."""
    route: Route
    outcome: str
    """The run's status when the graph left it."""
