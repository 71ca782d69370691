"""What goes out. Money is a JSON number; NaN never appears; a model's words are marked as such."""

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, PlainSerializer, WithJsonSchema

from agent.state import ChatAnswer
from tools.book.audit import AuditEntry
from tools.book.deliveries import DeadLetter
from tools.book.keys import Key, Secret
from tools.book.webhooks import Webhook
from tools.lookback.calibration_watch import CalibrationState
from tools.records.facts import Mode
from tools.records.orders import (
    Order,
    OrderLine,
    OrderOutcome,
    Proposal,
    ProposalStatus,
    RunStatus,
    RunView,
)
from tools.records.plan import Action, Confidence, Plan

ReviewUrl = Callable[[str], str]
Money = Annotated[Decimal, PlainSerializer(float, return_type=float), WithJsonSchema({"type": "number"})]
RecommendedAction = Literal["restock", "transfer", "none"]
ACTIONS: dict[Action, RecommendedAction] = {"purchase_order": "restock", "transfer": "transfer", "none": "none"}


class Answer(BaseModel):
    """A body that is written once and never changed."""

    def as_json(self) -> bytes:
        return self.model_dump_json().encode()


class Calculation(Plan):
    """The whole plan, with its derivation in plain arithmetic and the textbook's figures beside it."""

    unit_price: Money | None
    order_value: Money | None

    @classmethod
    def of(cls, plan: Plan) -> "Calculation":
        return cls.model_construct(**dict(plan))


class CalibrationAnswer(CalibrationState, Answer):
    """How far the confidence can be believed."""

    @classmethod
    def of(cls, state: CalibrationState) -> "CalibrationAnswer":
        return cls.model_construct(**dict(state))


class OutcomeAnswer(OrderOutcome, Answer):
    """An outcome as it is kept, beside what had been said of the order."""

    @classmethod
    def of(cls, outcome: OrderOutcome) -> "OutcomeAnswer":
        return cls.model_construct(**dict(outcome))


class OrderItem(OrderLine):
    unit_price: Money | None
    value: Money | None


class OrderAnswer(Order):
    """A placed order."""

    items: tuple[OrderItem, ...]
    total: Money | None

    @classmethod
    def of(cls, order: Order) -> "OrderAnswer":
        items = tuple(OrderItem.model_construct(**dict(item)) for item in order.items)
        return cls.model_construct(**{**dict(order), "items": items})


class TriggerAnswer(Answer):
    """What became of a trigger: an order, a review that waits for a person, or nothing to order."""

    status: RunStatus = Field(description="`executed`, `pending_review` or `no_action`; later what a person decided.")
    product_id: str
    mode: Mode
    location: str
    safety_stock: float
    reorder_point: float
    current_stock: float
    shortage: float = Field(description="How far the inventory position is below the reorder point; 0 when above.")
    recommended_action: RecommendedAction
    recommended_quantity: int
    confidence_score: float = Field(description="Probability, calculated from data, that the quantity turns out right.")
    confidence: Confidence
    order: OrderAnswer | None
    reasoning: str = Field(description="The calculation's reason, then the model's words where there are any.")
    llm_provider: str
    run_id: str
    review_id: str | None
    review_url: str | None
    review_reasons: tuple[str, ...] = Field(description="Why a person must look; empty when none must.")
    calculation: Calculation
    warnings: tuple[str, ...]

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
            location=plan.location,
            **_figures(plan),
            recommended_action=ACTIONS[proposal.action],
            recommended_quantity=proposal.quantity,
            confidence_score=proposal.confidence.value,
            confidence=proposal.confidence,
            order=_order(view),
            reasoning=" ".join(filter(None, [plan.reason, proposal.rationale])),
            llm_provider=proposal.provider,
            run_id=view.run.id,
            review_id=proposal.id if proposal.review_reasons else None,
            review_url=review_url(proposal.id) if waits else None,
            review_reasons=proposal.review_reasons,
            calculation=Calculation.of(plan),
            warnings=(*_warnings(plan), *_standing(view)),
        )


def _order(view: RunView) -> OrderAnswer | None:
    return OrderAnswer.of(view.order) if view.order else None


def _standing(view: RunView) -> tuple[str, ...]:
    """Why an earlier answer came instead of a new one, and the way on."""
    if not view.standing:
        return ()
    if view.order is not None:
        way_on = f"name {view.order.number} under open_orders if it is counted in what you send"
        stands = f"{view.order.number} was placed for this need and has not arrived"
    elif view.proposal is not None and view.run.status == "pending_review":
        way_on, stands = "decide it first", f"{view.proposal.id} waits for a person to decide on this need"
    else:
        way_on, stands = "send another Idempotency-Key", "This request was answered before"
    return (f"{stands}: its answer is shown, and the figures just sent were not used. For a new decision, {way_on}.",)


def _figures(plan: Plan) -> dict[str, Any]:
    return {
        "product_id": plan.product_id,
        "safety_stock": plan.safety_stock,
        "reorder_point": plan.reorder_point,
        "current_stock": plan.on_hand,
        "shortage": plan.shortage,
    }


def _warnings(plan: Plan) -> tuple[str, ...]:
    return tuple(notice.message for notice in plan.notices)


class DebugAnswer(Answer):
    """The calculation alone; no run was begun."""

    product_id: str
    mode: Mode
    location: str
    would_trigger: bool
    trigger_reason: str
    safety_stock: float
    reorder_point: float
    current_stock: float
    shortage: float
    recommended_action: RecommendedAction
    recommended_quantity: int
    calculation: Calculation
    warnings: tuple[str, ...]

    @classmethod
    def of(cls, plan: Plan, mode: Mode) -> "DebugAnswer":
        return cls.model_construct(
            mode=mode,
            location=plan.location,
            would_trigger=plan.triggered,
            trigger_reason=plan.reason,
            **_figures(plan),
            recommended_action=ACTIONS[plan.recommended_action],
            recommended_quantity=plan.order_quantity,
            calculation=Calculation.of(plan),
            warnings=_warnings(plan),
        )


class AcceptedAnswer(Answer):
    """A run that is recorded and will be carried out, whatever happens to whoever took it in."""

    run_id: str
    status: RunStatus = Field(description="`queued` or `running`; an earlier run for the same need may be further.")
    product_id: str
    mode: Mode
    location: str
    status_url: str = Field(description="Where to ask what became of it.")
    standing: bool = Field(description="An earlier run for the same need, returned instead of a second one.")

    @classmethod
    def of(cls, view: RunView) -> "AcceptedAnswer":
        run = view.run
        same = {name: getattr(run, name) for name in ("status", "product_id", "mode", "location")}
        return cls(run_id=run.id, status_url=f"/runs/{run.id}", standing=view.standing, **same)


class RunAnswer(Answer):
    """A run, whatever became of it. `result` is null while it is queued or running, or when it failed."""

    run_id: str
    status: RunStatus
    product_id: str
    mode: Mode
    location: str
    origin: Literal["trigger", "chat"]
    requested_by: str
    attempts: int
    created_at: datetime
    finished_at: datetime | None
    result: TriggerAnswer | None

    @classmethod
    def of(cls, view: RunView, review_url: ReviewUrl) -> "RunAnswer":
        run = view.run
        same = {name: getattr(run, name) for name in cls.model_fields if name not in ("run_id", "result")}
        result = TriggerAnswer.of(view, review_url) if view.proposal else None
        return cls.model_construct(run_id=run.id, result=result, **same)


class ModelText(BaseModel):
    """What a model wrote: plain text, not verified by anyone."""

    label: Literal["model text, not verified"] = "model text, not verified"
    rationale: str
    concerns: tuple[str, ...]


class ReviewAnswer(Answer):
    """An order that waits, or waited, for a person. What code calculated stands first; the model's words last."""

    review_id: str
    review_url: str
    status: ProposalStatus
    version: int
    created_at: datetime
    expires_at: datetime | None
    product_id: str
    product_name: str
    location: str
    mode: Mode
    action: Action
    source_location: str | None
    supplier_name: str | None
    calculated_quantity: int = Field(description="What the calculation recommends.")
    quantity: int = Field(description="What would be ordered on approval.")
    difference: int = Field(description="quantity − calculated_quantity.")
    minimum_quantity: int
    maximum_quantity: int
    unit_price: Money | None
    value: Money | None
    currency: str
    confidence: Confidence
    review_reasons: tuple[str, ...]
    decided_at: datetime | None
    decided_by: str | None
    decision_reason: str | None
    order: OrderAnswer | None = Field(
        default=None, description="What was ordered, as approved or edited; shown where one review is asked for."
    )
    run_id: str
    requested_by: str
    provider: str
    model: str
    calculation: Calculation
    model_text: ModelText

    @classmethod
    def of(cls, proposal: Proposal, review_url: ReviewUrl, order: Order | None = None) -> "ReviewAnswer":
        plan = proposal.plan
        named = {name: getattr(proposal, name) for name in cls.model_fields if hasattr(proposal, name)}
        return cls.model_construct(
            **named,
            order=OrderAnswer.of(order) if order else None,
            review_id=proposal.id,
            review_url=review_url(proposal.id),
            calculated_quantity=plan.order_quantity,
            difference=proposal.quantity - plan.order_quantity,
            minimum_quantity=plan.minimum_quantity,
            maximum_quantity=plan.maximum_quantity,
            calculation=Calculation.of(plan),
            model_text=ModelText(rationale=proposal.rationale, concerns=proposal.concerns),
        )


class DecisionAnswer(Answer):
    """What a decision led to."""

    review_id: str
    review_status: ProposalStatus
    status: RunStatus
    run_id: str
    order: OrderAnswer | None
    decided_by: str | None
    decided_at: datetime | None

    @classmethod
    def of(cls, review_id: str, view: RunView) -> "DecisionAnswer":
        proposal = view.proposal
        if proposal is None:
            raise ValueError(f"run {view.run.id} was decided without a proposal")
        return cls.model_construct(
            review_id=review_id,
            review_status=proposal.status,
            status=view.run.status,
            run_id=view.run.id,
            order=_order(view),
            decided_by=proposal.decided_by,
            decided_at=proposal.decided_at,
        )


class Reviews(Answer):
    reviews: tuple[ReviewAnswer, ...]
    next: str | None = Field(description="Pass as `before` for the next page; null at the end.")


class KeyLimit(BaseModel):
    currency: str
    per_order: Money | None
    per_day: Money | None
    in_total: Money | None


class KeyAnswer(Answer):
    """A key, without its secret."""

    id: str
    name: str
    scopes: tuple[str, ...]
    limits: tuple[KeyLimit, ...]
    may_approve_own: bool
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    secrets: tuple[Secret, ...] = Field(
        description="The beginning of each secret that opens, its end and its last use; two while the key is rotated."
    )

    @classmethod
    def of(cls, key: Key) -> "KeyAnswer":
        limits = tuple(KeyLimit.model_construct(**dict(limit)) for limit in key.limits)
        return cls.model_construct(**{**dict(key), "limits": limits})


class MadeKey(KeyAnswer):
    """A key with its new secret. It is shown in this one answer: of the secret only a hash is stored."""

    key: str | None = Field(
        default=None,
        description="What to send as X-API-Key; null when the request was answered before: rotate a key that is lost.",
    )

    @classmethod
    def with_secret(cls, key: Key, secret: str | None) -> "MadeKey":
        return cls.model_construct(**dict(KeyAnswer.of(key)), key=secret)


class Keys(Answer):
    keys: tuple[KeyAnswer, ...] = Field(description="Newest first, revoked ones too.")


class AuditTrail(Answer):
    entries: tuple[AuditEntry, ...]
    next: int | None = Field(description="Pass as `before` for the next page; null at the end.")


class Orders(Answer):
    orders: tuple[OrderAnswer, ...]
    next: str | None = Field(description="Pass as `before` for the next page; null at the end.")


class ChatRun(BaseModel):
    """A decision run that the chat asked for."""

    run_id: str
    status: RunStatus
    product_id: str
    quantity: int | None
    order_number: str | None
    review_id: str | None
    review_url: str | None

    @classmethod
    def of(cls, view: RunView, review_url: ReviewUrl) -> "ChatRun":
        proposal = view.proposal
        waiting = proposal if proposal and proposal.status == "pending" else None
        return cls(
            run_id=view.run.id,
            status=view.run.status,
            product_id=view.run.product_id,
            quantity=proposal.quantity if proposal else None,
            order_number=view.order.number if view.order else None,
            review_id=waiting.id if waiting else None,
            review_url=review_url(waiting.id) if waiting else None,
        )


class Reply(Answer):
    """The answer to a chat message. It may ask for decision runs; it never places or approves anything."""

    conversation_id: str
    answer: str
    llm_provider: str
    runs: tuple[ChatRun, ...]
    tools_used: tuple[str, ...]

    @classmethod
    def of(cls, answer: ChatAnswer, review_url: ReviewUrl) -> "Reply":
        runs = tuple(ChatRun.of(view, review_url) for view in answer.runs)
        return cls(**{**dict(answer), "runs": runs})


class WebhookAnswer(Webhook, Answer):
    """A webhook, without its secrets."""

    @classmethod
    def of(cls, webhook: Webhook) -> "WebhookAnswer":
        return cls.model_construct(**dict(webhook))


class SignedWebhook(WebhookAnswer):
    """A webhook with its new secret."""

    secret: str | None = Field(
        description="To verify deliveries with. Shown once: null where this answer is repeated for an Idempotency-Key."
    )


class Webhooks(Answer):
    webhooks: tuple[WebhookAnswer, ...]


class DeadLetters(Answer):
    dead_letters: tuple[DeadLetter, ...]
    next: int | None = Field(description="Pass as `before` for the next page; null at the end.")


class Replayed(Answer):
    replayed: int = Field(description="How many dead letters are tried again.")


class ServiceAnswer(Answer):
    service: str = "restock"
    status: Literal["running", "shutting down"]
    version: str


class Liveness(Answer):
    status: Literal["ok"] = "ok"


class Readiness(Answer):
    ready: bool
    database: str
    models: list[dict[str, Any]] = Field(description="The chain in order, each with its state.")
