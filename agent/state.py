"""The graph's state, and what goes into a run and comes out of it."""

from typing import Annotated, Any, Literal

from langchain_core.messages import AnyMessage
from langgraph.graph.message import add_messages
from pydantic import Field
from typing_extensions import TypedDict

from tools.book.conversations import Findings
from tools.planning.gate import Route
from tools.records.facts import Mode, ProductFacts, Record, ServiceLevel
from tools.records.orders import Origin, RunView

Kind = Literal["decision", "chat"]


class DecisionRequest(Record):
    """One product to decide on. `facts` carries everything in mode `input` and is empty otherwise."""

    product_id: str
    mode: Mode
    location: str | None = None
    facts: ProductFacts | None = None
    service_level: ServiceLevel | None = None
    """Replaces the product's own service level for this run."""
    note: Annotated[str, Field(max_length=2_000)] = ""
    """Free text of the caller: data for the model, without authority."""
    origin: Origin = "trigger"
    requested_by: str = ""
    requested_by_id: str = ""
    """Id of the key that asks."""
    by_rules: bool = False
    """Ask no provider's model: there is nothing to read."""
    sweep_id: str | None = None
    """The sweep that the run is part of."""
    run_id: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")] | None = None
    """The run's id if the caller's Idempotency-Key determines it; otherwise a new one is made."""
    body_hash: str | None = None
    """Hash of what was sent. It tells a repeated request from another one with the same Idempotency-Key."""


class ChatAnswer(Record):
    conversation_id: str
    answer: str
    llm_provider: str
    runs: tuple[RunView, ...] = ()
    """Decision runs that the chat asked for."""
    tools_used: tuple[str, ...] = ()
    unverified: tuple[str, ...] = ()
    """What of a model's answer no tool's result holds. The answer says so at its end."""
    findings: Findings = Findings()
    input_tokens: int = 0
    """Of all model calls for the answer."""
    output_tokens: int = 0


class ChatEvent(Record):
    """What happens while a message is answered."""

    kind: Literal["step", "tool_call", "tool_result", "remark", "text"]
    text: str = ""
    """The step that begins, a model's words beside a call, or a line of the answer."""
    tool: str = ""
    arguments: dict[str, Any] = Field(default_factory=dict)
    failed: bool = False
    """Whether the tool could not answer."""


class DecisionState(TypedDict, total=False):
    """LangGraph's state: plain values and messages. Orders and authority are never read from it."""

    kind: Kind
    run_id: str
    messages: Annotated[list[AnyMessage], add_messages]
    escalation: str | None
    """Why no submission of a model will come."""
    route: Route
    outcome: str
    """The run's status when the graph left it."""
