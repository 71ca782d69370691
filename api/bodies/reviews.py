"""Orders that wait for a person, and the person's decision."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from api.bodies.fields import Answer, Body, Money, NextPage, Notes, Number, Price, Units, money
from api.bodies.runs import Calculation, CalculationGiven, ConfidenceGiven, OrderAnswer, ReviewReasons, ReviewUrl
from tools.book.placing import order_value
from tools.records.facts import CurrencyCode, Location, Mode, ProductId
from tools.records.orders import (
    DecisionKind,
    Order,
    Proposal,
    ProposalStatus,
    Provider,
    RequestedBy,
    RunId,
    RunStatus,
    RunView,
)
from tools.records.plan import Action
from tools.records.quantities import quantity

ReviewId = Annotated[str, Field(description="Id of the review.")]
DecidedAt = Annotated[datetime | None, Field(description="When it was decided; null while it waits.")]
DecidedBy = Annotated[str | None, Field(description="Name of the key that decided; null while it waits.")]


class Decision(Body):
    """A person's decision on a waiting order. What it names of the order must be what is stored."""

    decision: DecisionKind = Field(description="`approve` the order as it stands, `edit` its quantity, or `reject` it.")
    quantity: Units | None = None
    """With `edit`: the units to order instead. With `approve`: the units that were looked at."""
    reason: Notes = Field("", description="Kept with the order. Needed to edit, override or reject.")
    override: bool = False
    """With `edit`: order a quantity beyond the plan's bounds, within the key's own spending limits."""
    version: Annotated[int, Field(ge=1)] | None = None
    """The review's version that was looked at. The decision is refused if it has changed since."""
    unit_price: Price | None = None
    """The unit price that was looked at. The decision is refused if it is another."""
    supplier: Annotated[str, Field(max_length=200)] | None = None
    """Name or id of the supplier that was looked at. The decision is refused if it is another."""

    @model_validator(mode="after")
    def _says_enough(self) -> Self:
        if self.decision == "edit" and self.quantity is None:
            raise PydanticCustomError("quantity_and_edit", "quantity is needed to edit")
        if self.decision == "reject" and self.quantity is not None:
            raise PydanticCustomError("quantity_and_edit", "quantity does not go with a rejection")
        if self.override and self.decision != "edit":
            raise PydanticCustomError("override_and_edit", "override goes with edit, whose quantity may then be any")
        if self.decision != "approve" and not self.reason:
            raise PydanticCustomError("reason_missing", "reason is needed to edit, override or reject; say why")
        return self

    @property
    def seen_unit_price(self) -> Decimal | None:
        return money(self.unit_price)


class ModelText(Answer):
    """What a model wrote: plain text that nobody has verified."""

    label: Literal["model text, not verified"] = "model text, not verified"
    """Show it beside the text."""
    rationale: str = Field(description="Why the model proposes this.")
    concerns: tuple[str, ...] = Field(description="What the model wants a person to look at.")


class OlderPlan(Answer):
    """The plan of the review whose place this one took, because the facts have changed."""

    review_id: ReviewId
    quantity: Number = Field(description="Units that it proposed.")
    calculation: CalculationGiven


class ReviewAnswer(Answer):
    """An order that waits, or waited, for a person. Calculated figures come first, the model's words last."""

    review_id: ReviewId
    review_url: str = Field(description="Address of this review.")
    status: ProposalStatus
    version: int = Field(description="Goes up with every change; send it with the decision.")
    created_at: datetime = Field(description="When it was proposed.")
    expires_at: datetime | None = Field(description="When it ends if nobody decides.")
    product_id: ProductId
    product_name: str = Field(description="The product's name.")
    location: Location
    mode: Mode
    action: Action
    source_location: str | None = Field(description="The location that gives the stock; null for a purchase order.")
    supplier_name: str | None = Field(description="The supplier's name; null for a transfer.")
    calculated_quantity: Number = Field(description="Units that the calculation recommends.")
    quantity: Number = Field(description="Units that are ordered on approval.")
    difference: Number = Field(description="quantity − calculated_quantity.")
    minimum_quantity: Number = Field(description="Fewest units that an edit may order.")
    maximum_quantity: Number = Field(description="Most units that an edit may order.")
    unit_price: Money | None = Field(description="Price of each unit; null when not known.")
    value: Money | None = Field(description="quantity × unit_price; null when the price is not known.")
    currency: CurrencyCode
    confidence: ConfidenceGiven
    review_reasons: ReviewReasons
    decided_at: DecidedAt
    decided_by: DecidedBy
    decision_reason: str | None = Field(description="Reason given with the decision; null while it waits.")
    supersedes: str | None = Field(description="Id of the review whose place this one took; null for none.")
    older: OlderPlan | None = None
    """The plan of that review. Shown only where one review is asked for."""
    order: OrderAnswer | None = None
    """The order that was placed. Shown only where one review is asked for."""
    run_id: RunId
    requested_by: RequestedBy
    provider: Provider
    model: str = Field(description="Name of the model that proposed it.")
    calculation: Calculation | None
    """The whole plan. Null in a list, unless it is asked for with `include=calculation`."""
    model_text: ModelText = Field(description="The model's words.")

    @classmethod
    def of(
        cls, proposal: Proposal, review_url: ReviewUrl, order: Order | None = None, older: Proposal | None = None
    ) -> "ReviewAnswer":
        plan = proposal.plan
        return cls.copy_of(
            proposal,
            value=order_value(proposal, proposal.quantity),
            older=older and OlderPlan.copy_of(older, review_id=older.id, calculation=older.plan),
            order=order,
            review_id=proposal.id,
            review_url=review_url(proposal.id),
            calculated_quantity=plan.order_quantity,
            difference=quantity(proposal.quantity - plan.order_quantity),
            minimum_quantity=plan.minimum_quantity,
            maximum_quantity=plan.maximum_quantity,
            calculation=plan,
            model_text=proposal,
        )

    def without_calculation(self) -> "ReviewAnswer":
        return self.model_copy(update={"calculation": None})


class Reviews(Answer):
    """A page of reviews, newest first."""

    reviews: tuple[ReviewAnswer, ...] = Field(description="The reviews of this page.")
    total: int = Field(description="Reviews in all pages together.")
    next: str | None = NextPage


class DecisionAnswer(Answer):
    """What a decision led to."""

    review_id: ReviewId
    review_status: ProposalStatus
    status: RunStatus
    run_id: RunId
    order: OrderAnswer | None = Field(description="The order that was placed; null when none was.")
    decided_by: DecidedBy
    decided_at: DecidedAt

    @classmethod
    def of(cls, review_id: str, view: RunView) -> "DecisionAnswer":
        proposal = view.proposal
        if proposal is None:
            raise ValueError(f"run {view.run.id} was decided without a proposal")
        return cls.copy_of(
            proposal, review_id=review_id, review_status=proposal.status, status=view.run.status, order=view.order
        )
