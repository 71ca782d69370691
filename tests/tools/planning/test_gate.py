"""The gate's promises: code alone decides what a submission becomes."""

from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError

from tools.planning.confidence import assess
from tools.planning.gate import Circumstances, Limits, Submission, check_quantity, judge
from tools.planning.replenishment import plan
from tools.records.facts import (
    DemandHistory,
    OpenOrder,
    Product,
    ProductFacts,
    Stock,
    Supplier,
)
from tools.records.plan import Confidence, Notice, Plan

LIMITS = Limits(confidence_threshold=0.6, auto_order_value_limit=Decimal(100_000))
CALCULATED = Circumstances(calculated=True)
LATE = OpenOrder(reference="PO-2026-000007", quantity=40, due_in_days=-3, placed_here=True)
PATIENT = Circumstances(calculated=True, may_retry=True)


def _plan(on_hand: float = 20, **product: Any) -> Plan:
    """Thirty steady days of about 10 units; a week's lead time; a dozen to a case."""
    rules: dict[str, Any] = {"unit_price": Decimal("7.5"), "minimum_order_quantity": 24, "order_multiple": 12} | product
    facts = ProductFacts(
        product=Product(id="X9", name="Widget", **rules),
        supplier=Supplier(id="S1", name="Acme", promised_lead_time_days=7),
        stock=Stock(location="north", on_hand=on_hand),
        demand=DemandHistory(values=tuple(float(8 + (day * 7) % 5) for day in range(30))),
        source="mock",
    )
    return plan(facts)


def _submission(plan: Plan, **changes: Any) -> Submission:
    fields: dict[str, Any] = {
        "product_id": "X9",
        "action": plan.recommended_action,
        "quantity": plan.order_quantity,
        "confidence": 1.0,
    }
    return Submission(**(fields | changes))


def test_the_plans_own_quantity_with_enough_confidence_is_placed_automatically() -> None:
    order = _plan()

    verdict = judge(_submission(order), order, CALCULATED, LIMITS)

    assert (verdict.route, verdict.quantity, verdict.reasons) == ("auto", order.order_quantity, ())


def test_a_confidence_exactly_at_the_threshold_is_placed_and_one_just_below_waits() -> None:
    order = _plan()
    at = judge(_submission(order, confidence=0.6), order, CALCULATED, LIMITS)
    below = judge(_submission(order, confidence=0.5999), order, CALCULATED, LIMITS)

    assert (at.route, below.route) == ("auto", "review")
    assert "0.60" in below.reasons[0]


@pytest.mark.parametrize(("stated", "words"), [(0.2, "0.20 is below 0.60"), (0.599999, "0.599999 is below 0.600000")])
def test_a_person_is_told_that_the_model_is_less_sure_and_by_how_much(stated: float, words: str) -> None:
    order = _plan()

    assert judge(_submission(order, confidence=stated), order, CALCULATED, LIMITS).reasons == (
        f"The model is less sure: confidence {words}.",
    )


def test_a_person_is_told_what_lowers_the_code_s_confidence() -> None:
    order = _plan(minimum_order_quantity=2_400)

    reason = judge(_submission(order), order, CALCULATED, LIMITS).reasons[0]

    assert reason.startswith("The minimum order of 2,400 is 8 months of demand: confidence 0.0")


def test_a_models_confidence_never_raises_the_codes() -> None:
    order = _plan()

    verdict = judge(_submission(order, confidence=1.0), order, CALCULATED, LIMITS)

    assert verdict.confidence.value == assess(order, order.order_quantity).value < 1


def test_a_concern_lowers_the_confidence_and_asks_for_a_person() -> None:
    order = _plan()
    plain = judge(_submission(order), order, CALCULATED, LIMITS)
    worried = judge(_submission(order, concerns=["The supplier may be on strike."]), order, CALCULATED, LIMITS)

    assert worried.route == "review"
    assert worried.confidence.value == pytest.approx(plain.confidence.value * 0.75)
    assert "strike" in worried.reasons[0]


@pytest.mark.parametrize("quantity", [99_999, 0, 12, 97])
def test_a_quantity_outside_the_plan_or_off_the_pack_is_first_sent_back_and_then_replaced(quantity: int) -> None:
    order = _plan()
    first = judge(_submission(order, quantity=quantity), order, PATIENT, LIMITS)
    second = judge(_submission(order, quantity=quantity), order, CALCULATED, LIMITS)

    assert first.route == "retry"
    assert str(quantity) in str(first.correction)
    assert (second.route, second.quantity) == ("review", order.order_quantity)


def test_more_than_the_plan_goes_to_a_person_with_the_plan_s_quantity_and_confidence() -> None:
    order = _plan()
    own = judge(_submission(order), order, CALCULATED, LIMITS)
    more = judge(_submission(order, quantity=order.maximum_quantity), order, CALCULATED, LIMITS)

    assert order.maximum_quantity > order.order_quantity
    assert (more.route, more.quantity, more.confidence) == ("review", order.order_quantity, own.confidence)
    assert more.reasons == (f"The model proposes {order.maximum_quantity}, more than the {own.quantity} planned.",)


def test_less_than_an_economic_quantity_may_be_placed() -> None:
    order = _plan(order_cost=Decimal(40), holding_rate=0.25)
    less = judge(_submission(order, quantity=order.minimum_quantity), order, CALCULATED, LIMITS)

    assert order.minimum_quantity < order.order_quantity
    assert (less.route, less.quantity) == ("auto", order.minimum_quantity)


def test_a_submission_without_a_calculation_in_the_run_is_never_placed() -> None:
    order = _plan()

    verdict = judge(_submission(order), order, Circumstances(calculated=False), LIMITS)

    assert verdict.route == "review"


def test_a_submission_for_another_product_is_never_placed() -> None:
    order = _plan()

    assert judge(_submission(order, product_id="OTHER"), order, CALCULATED, LIMITS).route == "review"


@pytest.mark.parametrize(
    ("circumstances", "word"),
    [
        (Circumstances(calculated=True, begun_in_chat=True), "chat"),
        (Circumstances(calculated=True, open_orders=(LATE,)), "PO-2026-000007"),
        (Circumstances(calculated=True, escalation="No model could be reached."), "No model"),
    ],
)
def test_what_may_never_be_placed_automatically_waits_whatever_the_confidence(
    circumstances: Circumstances, word: str
) -> None:
    order = _plan()

    verdict = judge(_submission(order), order, circumstances, LIMITS)

    assert verdict.route == "review"
    assert any(word in reason for reason in verdict.reasons)


def test_an_order_worth_more_than_the_limit_waits() -> None:
    order = _plan(unit_price=Decimal(5_000))

    verdict = judge(_submission(order), order, CALCULATED, LIMITS)

    assert verdict.route == "review"
    assert "100,000.00" in verdict.reasons[0]


def test_an_order_in_another_currency_is_held_against_the_limit_at_its_rate() -> None:
    order = _plan(currency="EUR")
    worth = order.order_value
    exactly = Limits(
        confidence_threshold=0, auto_order_value_limit=worth * 2, currency="USD", exchange_rates={"EUR": Decimal(2)}
    )
    above = exactly.model_copy(update={"exchange_rates": {"EUR": Decimal("2.01")}})

    assert judge(_submission(order), order, CALCULATED, exactly).route == "auto"
    verdict = judge(_submission(order), order, CALCULATED, above)
    assert verdict.route == "review"
    assert f"{worth:,.2f} EUR, or {worth * Decimal('2.01'):,.2f} USD, is above" in verdict.reasons[0]


def test_an_order_in_a_currency_without_a_rate_waits_however_small() -> None:
    order = _plan(currency="XAU")

    verdict = judge(_submission(order), order, CALCULATED, LIMITS)

    assert verdict.route == "review"
    assert "no exchange rate for XAU is set" in verdict.reasons[0]


@pytest.mark.parametrize("price", [None, Decimal(0)])
def test_an_order_without_a_known_price_waits_because_its_value_cannot_be_limited(price: Decimal | None) -> None:
    order = _plan(unit_price=price)

    assert judge(_submission(order), order, CALCULATED, LIMITS).route == "review"


def test_a_notice_that_blocks_automatic_orders_is_a_reason_and_one_that_does_not_is_none() -> None:
    order = _plan()
    mild = order.model_copy(update={"notices": (Notice(code="a", message="Mild."),)})
    grave = order.model_copy(update={"notices": (Notice(code="b", message="Grave.", blocks_automatic=True),)})

    assert judge(_submission(mild), mild, CALCULATED, LIMITS).route == "auto"
    assert judge(_submission(grave), grave, CALCULATED, LIMITS).reasons == ("Grave.",)


def test_nothing_to_order_ends_the_run_whatever_a_model_wants() -> None:
    enough = _plan(on_hand=400)

    for action, quantity in (("none", 0), ("purchase_order", 5_000)):
        verdict = judge(_submission(enough, action=action, quantity=quantity), enough, CALCULATED, LIMITS)
        assert (verdict.route, verdict.action, verdict.quantity) == ("none", "none", 0)


def test_a_model_that_advises_against_an_order_sends_the_plan_to_a_person() -> None:
    order = _plan()

    verdict = judge(_submission(order, action="none", quantity=0), order, PATIENT, LIMITS)

    assert (verdict.route, verdict.quantity) == ("review", order.order_quantity)


def test_a_models_confidence_that_is_not_a_number_waits() -> None:
    order = _plan()
    fields = _submission(order).model_dump() | {"confidence": float("nan")}

    assert judge(Submission.model_construct(**fields), order, CALCULATED, LIMITS).route == "review"


def test_a_confidence_of_ours_that_is_not_a_number_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    order = _plan()
    undefined = Confidence.model_construct(value=float("nan"), raw=float("nan"), calibrated=False, label="")
    monkeypatch.setattr("tools.planning.gate.assess_confidence", lambda *_, **__: undefined)

    assert judge(_submission(order), order, CALCULATED, LIMITS).route == "review"


def test_an_unreadable_submission_waits() -> None:
    assert judge(None, _plan(), CALCULATED, LIMITS).route == "review"


@pytest.mark.parametrize(
    "field",
    [
        {"quantity": 12.7},
        {"quantity": True},
        {"quantity": [10]},
        {"quantity": None},
        {"quantity": "1e3; DROP TABLE orders"},
        {"quantity": 1e308},
        {"quantity": -5},
        {"confidence": "0.6000000001"},
        {"confidence": 7},
        {"confidence": float("nan")},
        {"confidence": True},
        {"action": "approve"},
        {"tenant_id": "other"},
    ],
)
def test_a_submission_of_the_wrong_shape_is_refused(field: dict[str, Any]) -> None:
    order = _plan()

    with pytest.raises(ValidationError):
        _submission(order, **field)


@pytest.mark.parametrize(("quantity", "problem"), [(99_999, "bounds"), (97, "multiple of 12"), (12, "bounds")])
def test_an_edited_quantity_is_held_to_the_same_rules(quantity: int, problem: str) -> None:
    assert problem in str(check_quantity(_plan(), quantity))


def test_no_quantity_passes_an_infeasible_plan() -> None:
    plan = _plan().model_copy(update={"infeasible": "The MOQ is above the cap."})

    assert "MOQ" in str(check_quantity(plan, plan.order_quantity))
