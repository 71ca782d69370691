"""Runs, what they propose, the orders that come of it, and how those turned out."""

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import AwareDatetime, Field

from tools.records.facts import Mode, Money, NonNegative, Record
from tools.records.plan import Action, Confidence, Plan

Lane = Literal["interactive", "bulk"]
"""Whether somebody waits for the run's answer, or will ask for it later."""
RunStatus = Literal["queued", "running", "pending_review", "executed", "no_action", "rejected", "expired", "failed"]
ProposalStatus = Literal["proposed", "placed", "pending", "approved", "rejected", "expired", "no_action"]
DecisionKind = Literal["approve", "edit", "reject"]


class NewRun(Record):
    """A decision run, recorded before anything else happens. `request` is all that a re-run needs, as JSON."""

    id: str
    product_id: str
    location: str
    mode: Mode
    origin: Literal["trigger", "chat"]
    requested_by: str
    requested_by_id: str = ""
    """The key that asked, by its id: names repeat."""
    request: dict[str, object]
    product_version: int | None = None
    """How many orders the product had seen before a standing one was looked for; None: as many as when it is recorded.
    Orders beyond that are ones that this run could not know of."""


class Run(NewRun):
    status: RunStatus
    lane: Lane
    attempts: int
    owner: str | None
    created_at: AwareDatetime
    finished_at: AwareDatetime | None
    failure: str | None = None
    """Why the run failed, when it did."""


class NewProposal(Record):
    """What a run proposes, with everything a reviewer needs. Written once per run; the first one stands."""

    run_id: str
    action: Action
    product_id: str
    product_name: str
    location: str
    mode: Mode
    source_location: str | None = None
    supplier_id: str | None = None
    supplier_name: str | None = None
    quantity: Annotated[int, Field(ge=0)]
    unit_price: Money | None
    currency: str
    lead_time_days: NonNegative
    plan: Plan
    confidence: Confidence
    review_reasons: tuple[str, ...] = ()
    """Why a person must look; empty when the order may be placed automatically."""
    rationale: str = ""
    """The model's words: unverified text."""
    concerns: tuple[str, ...] = ()
    provider: str
    model: str
    origin: Literal["trigger", "chat"]
    requested_by: str
    requested_by_id: str = ""

    @property
    def value(self) -> Decimal | None:
        return None if self.unit_price is None else self.unit_price * self.quantity


class Proposal(NewProposal):
    id: str
    version: int
    status: ProposalStatus
    created_at: AwareDatetime
    expires_at: AwareDatetime | None
    decided_at: AwareDatetime | None = None
    decided_by: str | None = None
    decided_by_id: str = ""
    decision_reason: str | None = None


class OrderLine(Record):
    product_id: str
    name: str
    quantity: int
    unit_price: Decimal | None
    value: Decimal | None


class Order(Record):
    """A placed order. `number` is what people and outside systems call it: PO-2026-000001, TR-2026-000001."""

    number: str
    type: Literal["purchase_order", "transfer"]
    run_id: str
    proposal_id: str
    mode: Mode
    product_id: str
    location: str
    source_location: str | None
    supplier_id: str | None
    supplier_name: str | None
    items: tuple[OrderLine, ...]
    currency: str
    total: Decimal | None
    placed_by: str
    """`automatic`, or the name of the key that approved it."""
    placed_by_id: str = ""
    """The key that answers for it: the one that asked for an automatic order, or the one that approved it."""
    provider: str
    created_at: AwareDatetime
    due_at: AwareDatetime


class OutcomeReport(Record):
    """What became of a placed order, as seen at the end of its protection interval: the lead time and review period
    that it had to cover."""

    order_number: str
    ran_out: bool
    """Demand went unserved, or waited, within the interval."""
    left_over: NonNegative
    """Units on hand when the interval ended."""
    received_quantity: Annotated[int, Field(ge=0)] | None = None
    """None: not known."""


OutcomeRoute = Literal["automatic", "approved", "edited"]


class OrderOutcome(OutcomeReport):
    """A report beside what had been said of the quantity that was ordered. Acceptable: it did not run out, and no more
    was left over than the plan permits."""

    acceptable: bool
    confidence: float
    """As it was stated for this quantity; of an edited one, as it would have been."""
    raw: float
    stratum: str
    route: OutcomeRoute
    recorded_by: str
    recorded_at: AwareDatetime


class RunView(Record):
    """A run with what came of it. `standing` marks an earlier run's answer, returned instead of a second one."""

    run: Run
    proposal: Proposal | None
    order: Order | None
    standing: bool = False
