"""The gate: what becomes of a submitted order. Code alone decides here; the submission is only a proposal.

    submission ─ unusable, correction left ───────────────→ retry    (the model learns what was wrong)
               ─ nothing to order, and the plan agrees ───→ none     (review if a person asks at the desk)
               ─ any reason for a person to look ─────────→ review
               ─ confidence ≥ threshold ──────────────────→ auto
               ─ anything else, NaN included ─────────────→ review

A review always shows a quantity that the plan allows: where the submission's is unusable or more than planned, the
plan's own.
"""

from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import partial
from itertools import count
from typing import Annotated, Literal

import numpy as np
from pydantic import ConfigDict, Field

from tools.planning.confidence import CalibrationTable, why_unsure
from tools.planning.confidence import assess as assess_confidence
from tools.planning.doubts import EarlierOrder, beside_earlier
from tools.planning.open_orders import why_not_another
from tools.planning.order_quantity import unit_price_at
from tools.records.facts import OpenOrder, Quantity, Record
from tools.records.orders import Origin
from tools.records.plan import Action, Confidence, Plan
from tools.records.quantities import cost, count_in, counts_down, quantity, reaches_down

Route = Literal["auto", "review", "none", "retry"]
CONCERN_FACTOR = 0.75
ONLY_PROPOSES = "Your catalogue only proposes. Switch automatic ordering on to let safe orders go out by themselves."
"""Where this is the only reason, the order would have gone out by itself."""
_BEGUN_BY_PEOPLE: Mapping[Origin, str] = {
    "chat": "It was asked for in a chat; a person must confirm it.",
    "desk": "It was asked for at the desk; a person decides on it.",
}


class Submission(Record):
    """What a model, or the calculator in its place, proposes. Strict: no text for a number, no true for 1."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    product_id: str
    action: Action
    quantity: Annotated[Quantity, Field(le=10**12)]
    rationale: Annotated[str, Field(max_length=4_000)] = ""
    concerns: Annotated[list[str], Field(max_length=20, default_factory=list)]
    confidence: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]


class Circumstances(Record):
    """What the run knows beyond the plan. None of it comes from a model's words."""

    calculated: bool
    """`calculate_reorder` ran in this run for this product without assumptions."""
    begun: Origin = "trigger"
    """Where the run was asked for. What people ask for in a chat or at the desk, a person decides."""
    escalation: str | None = None
    """Why no model's submission stands behind this proposal: no model left, or the budget spent."""
    open_orders: tuple[OpenOrder, ...] = ()
    """This service's own orders for the product that are neither received nor cancelled."""
    earlier_orders: tuple[EarlierOrder, ...] = ()
    """What this service bought of the product for the location before, newest first."""
    only_proposes: bool = False
    """Automatic ordering is off for the product's catalogue or supplier."""
    may_retry: bool = False


class Limits(Record):
    confidence_threshold: float
    auto_order_value_limit: Decimal | None
    currency: str = "USD"
    """Of the value limit."""
    exchange_rates: dict[str, Decimal] = Field(default_factory=dict)
    """What one unit of another currency is worth in that one."""
    calibration: CalibrationTable | None = None
    """Replaces the table that ships."""


class Verdict(Record):
    route: Route
    action: Action
    quantity: Quantity
    confidence: Confidence
    reasons: tuple[str, ...] = ()
    """Why a person must look."""
    correction: str | None = None
    """What the model must put right; set for `retry`."""


def judge(submission: Submission | None, plan: Plan, circumstances: Circumstances, limits: Limits) -> Verdict:
    """Route one submission (None: unreadable, or there was none). Never raises for anything a model can say."""
    sure = partial(assess_confidence, plan, table=limits.calibration)
    fault = _fault(submission, plan, circumstances)
    action, quantity = plan.recommended_action, plan.order_quantity
    if fault and circumstances.may_retry and circumstances.escalation is None:
        return Verdict(route="retry", action=action, quantity=quantity, confidence=sure(quantity), correction=fault)
    if not is_triggered(plan):
        return _not_due(plan, circumstances, sure)
    if submission is not None and not fault and submission.action != "none":
        action, quantity = submission.action, min(submission.quantity, plan.order_quantity)
    confidence = _lowered(sure(quantity), submission if not fault else None)
    reasons = _reasons(submission, fault, plan, quantity, circumstances, limits)
    threshold = limits.confidence_threshold
    is_sure = confidence.value >= threshold
    if not is_sure and not reasons:
        code = sure(quantity)
        cause = "The model is less sure" if code.value >= threshold else why_unsure(plan, quantity, code)
        reasons = (f"{cause}: confidence {_below(confidence.value, threshold)}.",)
    if circumstances.begun != "trigger":
        reasons += (_BEGUN_BY_PEOPLE[circumstances.begun],)
    auto = is_sure and not reasons
    if auto and circumstances.only_proposes:
        auto, reasons = False, (ONLY_PROPOSES,)
    route: Route = "auto" if auto else "review"
    return Verdict(route=route, action=action, quantity=quantity, confidence=confidence, reasons=reasons)


def _not_due(plan: Plan, circumstances: Circumstances, sure: Callable[[float], Confidence]) -> Verdict:
    """Nothing is to be ordered; but who asks at the desk may have a reason to order before it is due."""
    if circumstances.begun != "desk":
        return Verdict(route="none", action="none", quantity=0, confidence=sure(0))
    least = quantity(plan.order_multiple)
    reasons = ("Nothing is due yet; more than the plan needs is ordered only as an override.", _BEGUN_BY_PEOPLE["desk"])
    return Verdict(route="review", action="purchase_order", quantity=least, confidence=sure(least), reasons=reasons)


def is_triggered(plan: Plan) -> bool:
    """Whether the inventory position is at the reorder point, or below the level that a review orders up to."""
    return plan.recommended_action != "none" or plan.infeasible is not None


def is_ordered(plan: Plan) -> bool:
    """Whether nothing is to be ordered because of what this service has ordered already."""
    ordered = sum(order.quantity for order in plan.open_orders if order.placed_here)
    without = plan.inventory_position - min(ordered, plan.on_order)
    due = reaches_down(without, plan.reorder_point)
    return not is_triggered(plan) and due and (plan.review_period_days == 0 or without < plan.reorder_point)


def check_quantity(plan: Plan, units: float) -> str | None:
    """What is wrong with an order of so many units under this plan, with the way out; None when nothing is."""
    if plan.infeasible:
        return f"No quantity can be ordered: {plan.infeasible} Change the product's data, or reject."
    if not plan.minimum_quantity <= units <= plan.maximum_quantity:
        if not plan.maximum_quantity:
            return f"Nothing is due now, so the plan has no place for {quantity(units)}."
        return f"{quantity(units)} is outside {plan.minimum_quantity} to {plan.maximum_quantity}, the plan's bounds."
    multiple = plan.order_multiple if plan.recommended_action == "purchase_order" else quantity(plan.unit_size)
    if count_in(units, multiple) % 1:
        below = counts_down(units, multiple)
        near, next_one = quantity(below * multiple), quantity((below + 1) * multiple)
        return f"{quantity(units)} is not a multiple of {multiple}; {near} and {next_one} are."
    return None


def is_countable(plan: Plan, units: float) -> bool:
    """Whether so many units can be ordered at all, whatever the plan's bounds: whole counts, or whole multiples."""
    return any(not count_in(units, unit) % 1 for unit in (plan.unit_size, plan.order_multiple))


def _fault(submission: Submission | None, plan: Plan, circumstances: Circumstances) -> str | None:
    if submission is None:
        return "submit_order's arguments could not be used; send every field as described, numbers as numbers."
    if submission.product_id != plan.product_id:
        return f"This run decides on {plan.product_id} only, not on {submission.product_id}."
    if not circumstances.calculated:
        return f"Call calculate_reorder for {plan.product_id} (without assumptions) before submit_order."
    if not is_triggered(plan) and submission.action != "none":
        return f"Nothing is to be ordered: {plan.reason} Submit action none with quantity 0."
    if not is_triggered(plan) or submission.action == "none":
        return None
    if submission.action != plan.recommended_action:
        return f"The plan is a {plan.recommended_action}, not a {submission.action}."
    return check_quantity(plan, submission.quantity)


def _reasons(
    submission: Submission | None,
    fault: str | None,
    plan: Plan,
    quantity: float,
    circumstances: Circumstances,
    limits: Limits,
) -> tuple[str, ...]:
    reasons: list[str] = []
    if circumstances.escalation:
        reasons.append(circumstances.escalation)
    elif fault:
        reasons.append(f"The model's order was not usable, so the plan's stands here. {fault}")
    elif submission and submission.action != plan.recommended_action:
        reasons.append("The model advises against ordering; the calculation says order.")
    elif submission and submission.quantity > plan.order_quantity:
        reasons.append(f"The model proposes {submission.quantity:,}, more than the {plan.order_quantity:,} planned.")
    if submission and submission.concerns and not fault:
        reasons.append("The model raised a concern: " + "; ".join(submission.concerns))
    if plan.infeasible:
        reasons.append(plan.infeasible)
    reasons += [notice.message for notice in plan.notices if notice.blocks_automatic]
    reasons += _standing_reasons(plan, quantity, circumstances, limits)
    return tuple(dict.fromkeys(reasons))


def _standing_reasons(plan: Plan, quantity: float, circumstances: Circumstances, limits: Limits) -> list[str]:
    reasons: list[str] = []
    if circumstances.open_orders:
        reasons += why_not_another(circumstances.open_orders)
    if plan.recommended_action == "purchase_order":
        price = unit_price_at(quantity, unit_price=plan.unit_price, price_breaks=plan.price_tiers)
        reasons += _money_reasons(plan, quantity, price, limits)
        if circumstances.earlier_orders:
            reasons += beside_earlier(plan, quantity, price, circumstances.earlier_orders)
    return reasons


def _money_reasons(plan: Plan, quantity: float, price: Decimal | None, limits: Limits) -> list[str]:
    if not price:  # 0 is what many systems send for a price they do not know.
        unknown = "No unit price is known" if price is None else "The unit price is 0"
        return [f"{unknown}, so the order's value cannot be held against the limit."]
    if limits.auto_order_value_limit is None:
        return []
    value = cost(price, quantity)
    limit = f"the automatic limit of {limits.auto_order_value_limit:,.2f} {limits.currency}"
    stated = f"Its value, {value:,.2f} {plan.currency},"
    converted = in_currency(value, plan.currency, limits.currency, limits.exchange_rates)
    if converted is None:
        return [f"{stated} cannot be held against {limit}: no exchange rate for {plan.currency} is set."]
    if converted <= limits.auto_order_value_limit:
        return []
    known_as = "" if plan.currency == limits.currency else f" or {converted:,.2f} {limits.currency},"
    return [f"{stated}{known_as} is above {limit}."]


def in_currency(value: Decimal, currency: str, wanted: str, exchange_rates: Mapping[str, Decimal]) -> Decimal | None:
    """The value in the wanted currency, or None if no rate is known.

    >>> in_currency(Decimal(100), "EUR", "USD", {"EUR": Decimal("1.08")})
    Decimal('108.00')
    """
    if currency == wanted:
        return value
    rate = exchange_rates.get(currency)
    return None if rate is None else value * rate


def _below(value: float, threshold: float) -> str:
    """With as many digits, two or more, as show that one is below the other.

    >>> _below(0.59999, 0.6), _below(0.2, 0.6)
    ('0.59999 is below 0.60000', '0.20 is below 0.60')
    """
    digits = next(n for n in count(2) if f"{value:.{n}f}" != f"{threshold:.{n}f}")
    return f"{value:.{digits}f} is below {threshold:.{digits}f}"


def _lowered(confidence: Confidence, submission: Submission | None) -> Confidence:
    """A model's own confidence and its concerns can lower the code's figure, never raise it; NaN stays NaN."""
    if submission is None:
        return confidence
    value = confidence.value * CONCERN_FACTOR ** len(submission.concerns)
    if submission.action != "none":
        value = float(np.minimum(value, submission.confidence))
    return confidence.model_copy(update={"value": value})
