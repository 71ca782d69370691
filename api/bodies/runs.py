"""What a trigger answers: the run, its calculation, and the order or the review that came of it."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field

from api.bodies.fields import Answer, Money
from tools.planning.gate import is_triggered
from tools.records.facts import Location, Mode, ProductId
from tools.records.orders import Order, OrderLine, Provider, RequestedBy, RunId, RunStatus, RunView
from tools.records.plan import Action, Confidence, OnHand, Plan, ReorderPoint, SafetyStock, Shortage

ReviewUrl = Callable[[str], str]
RecommendedAction = Annotated[
    Literal["restock", "transfer", "none"],
    Field(description="`restock` from the supplier, `transfer` from another location, or `none`."),
]
ACTIONS: dict[Action, RecommendedAction] = {"purchase_order": "restock", "transfer": "transfer", "none": "none"}
RecommendedQuantity = Annotated[int, Field(description="Units to order or to move; 0 for `none`.")]
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

    @classmethod
    def of(cls, order: Order) -> "OrderAnswer":
        return cls.copy_of(order, items=tuple(map(OrderItem.copy_of, order.items)))


class TriggerAnswer(Answer):
    """What became of a trigger: an order, a review that waits for a person, or nothing to order."""

    status: RunStatus = Field(description="`executed`, `pending_review` or `no_action`; later what a person decided.")
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
    reasoning: str = Field(description="The calculation's reason, then the model's words if there are any.")
    llm_provider: Provider
    run_id: RunId
    review_id: str | None = Field(description="Id of the review; null when no person must decide.")
    review_url: str | None = Field(description="Address of the review while it waits.")
    review_reasons: ReviewReasons
    calculation: CalculationGiven
    warnings: Warnings

    @classmethod
    def of(cls, view: RunView, review_url: ReviewUrl) -> "TriggerAnswer":
        """Of a run that has its proposal."""
        proposal = view.proposal
        if proposal is None:
            raise ValueError(f"run {view.run.id} has no proposal yet")
        plan = proposal.plan
        waits = proposal.status == "pending"
        return cls.model_construct(
            status=view.run.status,
            mode=view.run.mode,
            **_figures(plan, _standing(view) if view.standing else ()),
            recommended_action=ACTIONS[proposal.action],
            recommended_quantity=proposal.quantity,
            confidence_score=proposal.confidence.value,
            confidence=proposal.confidence,
            order=OrderAnswer.of(view.order) if view.order else None,
            reasoning=" ".join(filter(None, [plan.reason, proposal.rationale])),
            llm_provider=proposal.provider,
            run_id=view.run.id,
            review_id=proposal.id if proposal.review_reasons else None,
            review_url=review_url(proposal.id) if waits else None,
            review_reasons=proposal.review_reasons,
            calculation=Calculation.copy_of(plan),
        )


def _standing(view: RunView) -> tuple[str, ...]:
    """Why an earlier answer is shown, and how to get a new one."""
    if view.order is not None:
        way_on = f"name {view.order.number} under open_orders if it is counted in what you send"
        stands = f"{view.order.number} was placed for this need and has not arrived"
    elif view.proposal is not None and view.run.status == "pending_review":
        way_on, stands = "decide it first", f"{view.proposal.id} waits for a person to decide on this need"
    else:
        way_on, stands = "send another Idempotency-Key", "This request was answered before"
    return (f"{stands}: its answer is shown, and the figures just sent were not used. For a new decision, {way_on}.",)


def _figures(plan: Plan, more_warnings: tuple[str, ...] = ()) -> dict[str, Any]:
    return {
        "product_id": plan.product_id,
        "location": plan.location,
        "safety_stock": plan.safety_stock,
        "reorder_point": plan.reorder_point,
        "current_stock": plan.on_hand,
        "shortage": plan.shortage,
        "warnings": (*[notice.message for notice in plan.notices], *more_warnings),
    }


class DebugAnswer(Answer):
    """The calculation alone; no run was begun."""

    product_id: ProductId
    mode: Mode
    location: Location
    would_trigger: bool = Field(description="Whether a trigger would lead to an order.")
    trigger_reason: str = Field(description="Why, in one sentence.")
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
        return cls.model_construct(
            mode=mode,
            would_trigger=is_triggered(plan),
            trigger_reason=plan.reason,
            **_figures(plan),
            recommended_action=ACTIONS[plan.recommended_action],
            recommended_quantity=plan.order_quantity,
            calculation=Calculation.copy_of(plan),
        )


class AcceptedAnswer(Answer):
    """A run that is recorded and will be carried out, even if the process that recorded it dies."""

    run_id: RunId
    status: RunStatus = Field(description="`queued` or `running`; an earlier run for the same need may be further.")
    product_id: ProductId
    mode: Mode
    location: Location
    status_url: str = Field(description="Address at which to ask for the result.")
    standing: bool = Field(description="Whether this is an earlier run for the same need.")

    @classmethod
    def of(cls, view: RunView) -> "AcceptedAnswer":
        return cls.copy_of(view.run, run_id=view.run.id, status_url=f"/runs/{view.run.id}", standing=view.standing)


class RunAnswer(Answer):
    """A run and its result."""

    run_id: RunId
    status: RunStatus
    product_id: ProductId
    mode: Mode
    location: Location
    origin: Literal["trigger", "chat"] = Field(description="Where the run was asked for.")
    requested_by: RequestedBy
    attempts: int = Field(description="How often work on it began.")
    created_at: datetime = Field(description="When it was recorded.")
    finished_at: datetime | None = Field(description="When it ended; null while it is being worked on.")
    result: TriggerAnswer | None
    """The answer to the trigger; null while the run is queued or running, or when it failed."""

    @classmethod
    def of(cls, view: RunView, review_url: ReviewUrl) -> "RunAnswer":
        result = TriggerAnswer.of(view, review_url) if view.proposal else None
        return cls.copy_of(view.run, run_id=view.run.id, result=result)
