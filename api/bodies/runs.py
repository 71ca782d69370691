"""What a trigger answers: the run, its calculation, and the order or the review that came of it."""

from collections.abc import Callable, Iterable, Set
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Annotated, Any, Literal

from pydantic import Field

from api.bodies.fields import Answer, Money, NextPage, Number
from tools.planning.gate import is_ordered, is_triggered
from tools.records.facts import Location, Mode, ProductId
from tools.records.orders import (
    Order,
    OrderLine,
    Origin,
    Proposal,
    Provider,
    RequestedBy,
    Run,
    RunId,
    RunStatus,
    RunView,
)
from tools.records.plan import Action, Confidence, OnHand, Plan, ReorderPoint, SafetyStock, Shortage
from tools.records.text import amount

ReviewUrl = Callable[[str], str]
TriggerStatus = Annotated[
    RunStatus | Literal["already_ordered", "already_in_review", "dry_run"],
    Field(
        description="`executed`: this request placed an order. `pending_review`: a person must decide. `no_action`: "
        "nothing to order. `already_ordered`: what is on the way is enough. `already_in_review`: the same facts wait "
        "for a person. `dry_run`: nothing was recorded. Later, what a person decided."
    ),
]
_OF_ANOTHER = "What another key asked for stands; a key with the scope read is told more."
_STANDING: dict[RunStatus, TriggerStatus] = {"executed": "already_ordered", "pending_review": "already_in_review"}
RecommendedAction = Annotated[
    Literal["restock", "transfer", "none"],
    Field(description="`restock` from the supplier, `transfer` from another location, or `none`."),
]
ACTIONS: dict[Action, RecommendedAction] = {"purchase_order": "restock", "transfer": "transfer", "none": "none"}
RecommendedQuantity = Annotated[Number, Field(description="Units to order or to move; 0 for `none`.")]
ConfidenceGiven = Annotated[Confidence, Field(description="How sure the quantity is, and what that is based on.")]
ReviewReasons = Annotated[tuple[str, ...], Field(description="Why a person must decide; empty when none must.")]
Warnings = Annotated[tuple[str, ...], Field(description="What to know beside the figures, in sentences.")]


class Calculation(Plan, Answer):
    """The whole plan, with its derivation in plain arithmetic and the textbook's figures beside it."""

    unit_price: Money | None
    """Price of each unit at `order_quantity`, in `currency`; null when no price is known."""
    order_value: Money | None
    """order_quantity × unit_price, in `currency`; null when no price is known."""


CalculationGiven = Annotated[Calculation, Field(description="The whole plan.")]


class OrderItem(OrderLine, Answer):
    """One product of an order."""

    unit_price: Money | None = Field(description="Price of each unit; null when not known.")
    value: Money | None = Field(description="quantity × unit_price; null when the price is not known.")


class OrderAnswer(Order, Answer):
    """A placed order."""

    items: tuple[OrderItem, ...] = Field(description="What is ordered.")
    total: Money | None = Field(description="Value of the order; null when a price is not known.")


class Standing(Answer):
    """An order on the way or a review that waits, which is why nothing was ordered now. A key without the scope `read`
    is told of another key's order only that it stands, and when it is due: all else is null."""

    order_number: str | None = Field(description="Number of the order; null for a review.")
    review_id: str | None = Field(description="Id of the review; null for an order.")
    quantity: Number | None = Field(description="Units still to come, or that wait for a person.")
    due_at: datetime | None = Field(description="When the order should arrive; null for a review.")


class TriggerAnswer(Answer):
    """What became of a trigger: an order, a review that waits for a person, or nothing to order."""

    status: TriggerStatus
    product_id: ProductId
    mode: Mode
    location: Location
    safety_stock: SafetyStock
    reorder_point: ReorderPoint
    current_stock: OnHand
    shortage: Shortage
    recommended_action: RecommendedAction
    recommended_quantity: RecommendedQuantity
    confidence_score: float
    """Probability that the quantity turns out right, 0 to 1, calculated from data."""
    confidence: ConfidenceGiven
    order: OrderAnswer | None = Field(description="The order that was placed; null when none was.")
    reasoning: str = Field(description="The plan in at most three lines, then the model's words if there are any.")
    llm_provider: Provider
    would_be: RunStatus | None = Field(description="With `dry_run`: the status that a run would have had.")
    stands: tuple[Standing, ...] = Field(description="What is on the way or waits, where nothing was ordered for it.")
    run_id: str | None = Field(description="Id of the decision run; ask for it at `/runs/{run_id}`. Null if dry.")
    review_id: str | None = Field(description="Id of the review; null when no person must decide.")
    review_url: str | None = Field(description="Address of the review while it waits.")
    review_reasons: ReviewReasons
    calculation: CalculationGiven | None
    """The whole plan. Null for a key without the scope `read` where another key's order or review stands."""
    warnings: Warnings

    @classmethod
    def of(cls, view: RunView, review_url: ReviewUrl) -> "TriggerAnswer":
        """Of a run that has its proposal."""
        proposal = view.proposal
        if proposal is None:
            raise ValueError(f"run {view.run.id} has no proposal yet")
        plan, stands = proposal.plan, _stands(view, proposal)
        ordered = not view.standing and not stands
        waits = ordered and proposal.status == "pending" and not view.dry_run
        return cls.copy_of(
            plan,
            status=status_of(view),
            mode=view.run.mode,
            current_stock=plan.on_hand,
            recommended_action=ACTIONS[proposal.action] if ordered else "none",
            recommended_quantity=proposal.quantity if ordered else 0,
            confidence_score=proposal.confidence.value,
            confidence=proposal.confidence,
            order=view.order if ordered else None,
            reasoning="\n".join(filter(None, [plan.reason, proposal.rationale])),
            llm_provider=proposal.provider,
            would_be=view.run.status if view.dry_run else None,
            stands=stands,
            run_id=None if view.dry_run else view.run.id,
            review_id=proposal.id if proposal.review_reasons and not view.dry_run else None,
            review_url=review_url(proposal.id) if waits else None,
            review_reasons=proposal.review_reasons,
            calculation=plan,
            warnings=(*_warnings(plan), *map(_said, stands)),
        )

    def without_others(self, numbers: Set[str], *, of_another: bool) -> "TriggerAnswer":
        """The answer for a key that may not read: of another key's orders with these numbers it says only that they
        stand, and when they are due. `of_another`: the whole answer is another key's."""
        names = {*numbers, *(each.review_id for each in self.stands if of_another and each.review_id)}
        hidden: dict[str, Any] = {
            "stands": tuple(_unnamed(each, names) for each in self.stands),
            "reasoning": _OF_ANOTHER if self.stands or of_another else _unsaid((self.reasoning,), names)[0],
            "review_reasons": _unsaid(self.review_reasons, names),
            "warnings": _unsaid(self.warnings, names),
            "calculation": None,
        }
        if of_another:
            hidden |= dict.fromkeys(("order", "run_id", "review_id", "review_url")) | {"review_reasons": ()}
        return self.model_copy(update=hidden)


def _unnamed(standing: Standing, names: Set[str]) -> Standing:
    if names.isdisjoint({standing.order_number, standing.review_id}):
        return standing
    return standing.model_copy(update=dict.fromkeys(("order_number", "review_id", "quantity")))


def _unsaid(texts: Iterable[str], names: Set[str]) -> tuple[str, ...]:
    """The texts, but for those that name one of these."""
    said = (_OF_ANOTHER if any(name in text for name in names) else text for text in texts)
    return tuple(dict.fromkeys(said))


def status_of(view: RunView) -> TriggerStatus:
    """The status of an answer. It is `executed` only for the run that placed the order."""
    if view.dry_run:
        return "dry_run"
    if view.standing and view.run.status in _STANDING:
        return _STANDING[view.run.status]
    if view.run.status == "no_action" and view.proposal is not None and is_ordered(view.proposal.plan):
        return "already_ordered"
    return view.run.status


def _stands(view: RunView, proposal: Proposal) -> tuple[Standing, ...]:
    """What this answer rests on: another run's order or review, or this service's open orders."""
    order = view.order
    if view.standing and order is not None:
        return (
            Standing(order_number=order.number, review_id=None, quantity=order.items[0].quantity, due_at=order.due_at),
        )
    if view.standing and proposal.status == "pending":
        return (Standing(order_number=None, review_id=proposal.id, quantity=proposal.quantity, due_at=None),)
    if not is_ordered(proposal.plan):
        return ()
    return tuple(
        Standing(
            order_number=each.reference,
            review_id=None,
            quantity=each.quantity,
            due_at=proposal.created_at + timedelta(days=each.due_in_days),
        )
        for each in proposal.plan.open_orders
        if each.placed_here
    )


def _said(stands: Standing) -> str:
    if stands.order_number is None:
        return f"{stands.review_id} waits for a person with the same facts; decide it first."
    return f"{stands.order_number} is on the way: {amount(stands.quantity or 0)} units, due {stands.due_at:%Y-%m-%d}."


def _warnings(plan: Plan) -> tuple[str, ...]:
    return tuple(map(attrgetter("message"), plan.notices))


class DebugAnswer(Answer):
    """The calculation alone; no run was begun."""

    product_id: ProductId
    mode: Mode
    location: Location
    would_trigger: bool = Field(description="Whether a trigger would lead to an order.")
    trigger_reason: str = Field(description="The plan in at most three lines.")
    safety_stock: SafetyStock
    reorder_point: ReorderPoint
    current_stock: OnHand
    shortage: Shortage
    recommended_action: RecommendedAction
    recommended_quantity: RecommendedQuantity
    calculation: CalculationGiven
    warnings: Warnings

    @classmethod
    def of(cls, plan: Plan, mode: Mode) -> "DebugAnswer":
        return cls.copy_of(
            plan,
            mode=mode,
            would_trigger=is_triggered(plan),
            trigger_reason=plan.reason,
            current_stock=plan.on_hand,
            recommended_action=ACTIONS[plan.recommended_action],
            recommended_quantity=plan.order_quantity,
            calculation=plan,
            warnings=_warnings(plan),
        )


class RunHead(Answer):
    """Which run, and where it stands."""

    run_id: RunId
    status: RunStatus
    product_id: ProductId
    mode: Mode
    location: Location


class AcceptedAnswer(RunHead):
    """A run that is recorded and will be carried out, even if the process that recorded it dies."""

    status: RunStatus = Field(description="`queued` or `running`; an earlier run for the same need may be further.")
    status_url: str = Field(description="Address at which to ask for the result.")
    standing: bool = Field(description="Whether this is an earlier run for the same need.")

    @classmethod
    def of(cls, view: RunView) -> "AcceptedAnswer":
        return cls.copy_of(view.run, run_id=view.run.id, status_url=f"/runs/{view.run.id}", standing=view.standing)


class RunLine(RunHead):
    """A run in a list."""

    origin: Origin = Field(description="Where the run was asked for.")
    requested_by: RequestedBy
    attempts: int = Field(description="How often work on it began.")
    created_at: datetime = Field(description="When it was recorded.")
    finished_at: datetime | None = Field(description="When it ended; null while it is being worked on.")

    @classmethod
    def of_run(cls, run: Run) -> "RunLine":
        return cls.copy_of(run, run_id=run.id)


class Runs(Answer):
    """A page of runs, newest first."""

    runs: tuple[RunLine, ...] = Field(description="The runs of this page, without their results.")
    next: str | None = NextPage


class RunAnswer(RunLine):
    """A run and its result."""

    result: TriggerAnswer | None
    """The answer to the trigger; null while the run is queued or running, or when it failed."""

    @classmethod
    def of(cls, view: RunView, review_url: ReviewUrl) -> "RunAnswer":
        result = TriggerAnswer.of(view, review_url) if view.proposal else None
        return cls.copy_of(view.run, run_id=view.run.id, result=result)
