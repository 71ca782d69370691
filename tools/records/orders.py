"""Runs, their proposals, the orders that come of them, and how these turned out."""

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import AwareDatetime, Field

from tools.records.facts import CurrencyCode, Location, Mode, Money, NonNegative, ProductId, Quantity, Record
from tools.records.plan import Action, Confidence, Plan, Stratum
from tools.records.quantities import quantity

Lane = Literal["interactive", "bulk"]
"""Whether a caller waits for the result, or will ask for it later."""
Origin = Literal["trigger", "chat", "desk"]
"""Where a run was asked for."""
RunId = Annotated[str, Field(description="Id of the decision run; ask for it at `/runs/{run_id}`.")]
RunStatus = Annotated[
    Literal[
        "queued", "running", "pending_review", "executed", "no_action", "rejected", "expired", "superseded", "failed"
    ],
    Field(
        description="Where the run stands. `executed`: an order was placed. `pending_review`: a person must decide. "
        "`no_action`: nothing to order. `superseded`: a plan with newer facts took its place. `failed`: no result; "
        "send it again."
    ),
]
ProposalStatus = Annotated[
    Literal["proposed", "placed", "pending", "approved", "rejected", "expired", "superseded", "no_action"],
    Field(
        description="Where the proposal stands. `pending`: it waits for a person. `superseded`: a plan with newer "
        "facts took its place."
    ),
]
RequestedBy = Annotated[str, Field(description="Name of the key that asked for the run.")]
Provider = Annotated[str, Field(description="Who wrote the proposal: `gemini`, `groq`, or `rules` without a model.")]
DecisionKind = Literal["approve", "edit", "reject"]
OrderStatus = Annotated[
    Literal["placed", "sent", "partly_received", "received", "cancelled"],
    Field(
        description="Where the order stands. It is open until it is `received` or `cancelled`; no date closes it. "
        "`sent`: the supplier has it."
    ),
]
OPEN_STATUSES: tuple[OrderStatus, ...] = ("placed", "sent", "partly_received")
OrderFilter = Literal["open", "overdue", "placed", "sent", "partly_received", "received", "cancelled"]
"""`overdue` are those of the open ones whose due date has passed."""


class NewRun(Record):
    """A decision run, recorded before anything else happens. `request` is all that it takes to run again, as JSON."""

    id: str
    product_id: str
    location: str
    mode: Mode
    origin: Origin
    requested_by: str
    requested_by_id: str = ""
    """Id of the key that asked; names may repeat."""
    sweep_id: str | None = None
    """The sweep that it is part of, if it is of one."""
    request: dict[str, object]


class Run(NewRun):
    product_version: int
    """How many orders the product had seen when the run was recorded or, where its facts are read later, begun. Orders
    beyond that are ones that it could not know of."""
    status: RunStatus
    lane: Lane
    attempts: int
    owner: str | None = None
    created_at: AwareDatetime
    finished_at: AwareDatetime | None = None
    failure: str | None = None
    """Why the run failed, if it did."""


class NewProposal(Record):
    """The proposal of a run, with everything a reviewer needs. It is written once; the first one stands."""

    run_id: str
    action: Action
    product_id: str
    product_name: str
    location: str
    mode: Mode
    source_location: str | None = None
    supplier_id: str | None = None
    supplier_name: str | None = None
    quantity: Quantity
    unit_price: Money | None
    currency: str
    lead_time_days: NonNegative
    plan: Plan
    confidence: Confidence
    review_reasons: tuple[str, ...] = ()
    """Why a person must decide; empty when the order may be placed automatically."""
    rationale: str = ""
    """The model's words: unverified text."""
    concerns: tuple[str, ...] = ()
    provider: str
    model: str
    origin: Origin
    requested_by: str
    requested_by_id: str = ""


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
    supersedes: str | None = None
    """Id of the review with older facts whose place it took."""


class OrderLine(Record):
    """One product of an order."""

    product_id: ProductId
    name: str
    """The product's name."""
    quantity: Quantity
    """Units ordered."""
    unit_price: Decimal | None
    value: Decimal | None


class Order(Record):
    """A placed order. People and other systems know it by its `number`: PO-2026-000001, TR-2026-000001."""

    number: str
    """Number of the order. A system that receives orders should take each number once."""
    type: Literal["purchase_order", "transfer"]
    """Bought from a supplier, or moved from another location."""
    run_id: RunId
    proposal_id: str
    """Id of the proposal that was placed."""
    mode: Mode
    product_id: ProductId
    location: Location
    source_location: str | None
    """The location that gives the stock; null for a purchase order."""
    supplier_id: str | None
    """The supplier's id; null for a transfer."""
    supplier_name: str | None
    """The supplier's name; null for a transfer."""
    items: tuple[OrderLine, ...]
    currency: CurrencyCode
    total: Decimal | None
    placed_by: str
    """`automatic`, or the name of the key that approved it."""
    placed_by_id: str = ""
    """Id of the key that asked for an automatic order, or of the one that approved it."""
    provider: Provider
    created_at: AwareDatetime
    """When it was placed."""
    due_at: AwareDatetime
    """When it should arrive."""
    status: OrderStatus = "placed"
    received_quantity: Quantity = 0
    """Units that have arrived. More than were ordered is possible."""
    days_overdue: float = 0.0
    """Days since an open order was due; 0 before that, and once it is closed."""
    cover_days: float | None = None
    """Days that the quantity lasts at the mean demand it was planned on; null where no demand was expected."""
    sent_at: AwareDatetime | None = None
    """When it was marked as sent; null before."""
    closed_at: AwareDatetime | None = None
    """When it was complete, or cancelled; null while it is open."""
    cancel_reason: str | None = None
    """Why it was cancelled; null if it was not."""
    purchase_order: str | None = None
    """Number of the document that it is a line of. Null for a transfer, and once it has left a draft by itself."""

    @property
    def quantity(self) -> float:
        """Units ordered."""
        return quantity(sum(line.quantity for line in self.items))

    @property
    def remaining(self) -> float:
        """Units still to come; 0 once it is closed."""
        return quantity(max(0, self.quantity - self.received_quantity)) if self.status in OPEN_STATUSES else 0


class Correction(Record):
    """A receipt set right. It is a record of its own, beside the receipt."""

    quantity_before: Quantity
    """Units that the receipt said before."""
    quantity: Quantity
    """Units that arrived; 0 takes the receipt back."""
    received_at: AwareDatetime | None = None
    """When they arrived; null where that was right."""
    reason: str
    """Why it was set right."""
    recorded_by: str
    """Name of the key that corrected it."""
    recorded_at: AwareDatetime
    """When it was corrected."""


class Receipt(Record):
    """What arrived of an order, at one time."""

    id: str
    """Id of the receipt, by which it can be corrected."""
    quantity: Quantity
    """Units that arrived, as the last correction says."""
    received_at: AwareDatetime
    """When they arrived, as the last correction says."""
    recorded_by: str
    """Name of the key that reported it."""
    recorded_at: AwareDatetime
    """When it was reported."""
    corrections: tuple[Correction, ...] = ()
    """What was set right, oldest first."""


class OutcomeReport(Record):
    """How a placed order turned out, at the end of the lead time and review period that it had to cover."""

    order_number: str
    """Number of the order."""
    ran_out: bool
    """Whether demand went unserved, or had to wait, before the end."""
    left_over: NonNegative
    """Units in stock at the end."""
    received_quantity: Quantity | None = None
    """Units that arrived; null when not known."""


OutcomeRoute = Annotated[
    Literal["automatic", "approved", "edited"],
    Field(description="How the order came about: placed by itself, approved, or with another quantity."),
]


class OrderOutcome(OutcomeReport):
    """A report beside the confidence that was stated for the quantity ordered."""

    acceptable: bool
    """Whether it was right: it did not run out, and no more was left over than the plan permits."""
    confidence: float
    """Confidence stated for the quantity, 0 to 1; for an edited one, what would have been stated."""
    raw: float
    """The confidence before calibration, 0 to 1."""
    stratum: Stratum
    route: OutcomeRoute
    recorded_by: str
    """Name of the key that reported it."""
    recorded_at: AwareDatetime
    """When it was reported."""


class RunView(Record):
    """A run with its result. `standing` marks an earlier run that answers this request too, `dry_run` one that was
    never recorded."""

    run: Run
    proposal: Proposal | None
    order: Order | None
    standing: bool = False
    dry_run: bool = False
