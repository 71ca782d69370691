"""The context of a run: who asks, for which product, until when.

It is built once for a run, and LangGraph's runtime context hands it to every step and tool. It is never stored, and no
model can change it.
"""

from dataclasses import dataclass, field

from agent.state import DecisionRequest
from tools.catalog.products import OneProduct
from tools.records.orders import NewProposal, RunView


@dataclass(kw_only=True, repr=False)
class Case:
    """A chat message, or a run in LangGraph Studio."""

    requested_by: str = ""
    requested_by_id: str = ""
    """Id of the key that asks."""
    deadline: float | None = None
    """When the run must have ended, in seconds since the epoch."""
    begun: list[str] = field(default_factory=list)
    """Decision runs that the chat asked for."""
    asked: int = 0
    """How many it has asked for, those included that were refused because there were too many."""


@dataclass(kw_only=True, repr=False)
class Decision(Case):
    """A decision on one product."""

    request: DecisionRequest
    product: OneProduct
    run_id: str = ""
    owner: str | None = None
    """The process that holds the run. No other may propose or place for it."""
    never_ordered: bool = False
    """No order of the product had ever been placed when the run was recorded, so none is looked for."""
    dry_run: bool = False
    """Record nothing: the proposal is left here."""
    proposal: NewProposal | None = None
    """What `assess` hands on to `auto` to be placed, or leaves as the result of a dry run."""
    view: RunView | None = None
    """What `auto` left behind: the run with its order, or with the review that holds it."""
