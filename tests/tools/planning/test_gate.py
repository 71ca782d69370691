"""The gate's promises: code alone decides what a submission becomes."""

from decimal import Decimal
from math import nextafter
from typing import Any

import pytest
from pydantic import ValidationError

from tools.planning.confidence import CalibrationCurve, CalibrationTable, assess, stratum
from tools.planning.doubts import EarlierOrder
from tools.planning.gate import (
    ONLY_PROPOSES,
    Circumstances,
    Limits,
    Submission,
    check_quantity,
    in_currency,
    is_countable,
    is_ordered,
    judge,
)
from tools.planning.replenishment import plan
from tools.records.facts import (
    DemandHistory,
    OpenOrder,
    PriceBreak,
    Product,
    ProductFacts,
    Stock,
    Supplier,
)
from tools.records.orders import Origin
from tools.records.plan import Confidence, Notice, Plan

LIMITS = Limits(confidence_threshold=0.6, auto_order_value_limit=Decimal(100_000))
CALCULATED = Circumstances(calculated=True)
LATE = OpenOrder(reference="PO-2026-000007", quantity=40, due_in_days=-3, placed_here=True)
PATIENT = Circumstances(calculated=True, may_retry=True)


def _plan(on_hand: float = 20, open_orders: tuple[OpenOrder, ...] = (), **product: Any) -> Plan:
    """Thirty steady days of about 10 units; a week's lead time; a dozen to a case."""
    rules: dict[str, Any] = {"unit_price": Decimal("7.5"), "minimum_order_quantity": 24, "order_multiple": 12} | product
    facts = ProductFacts(
        product=Product(id="X9", name="Widget", **rules),
        supplier=Supplier(id="S1", name="Acme", promised_lead_time_days=7),
        stock=Stock(location="north", on_hand=on_hand, open_orders=open_orders),
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


def test_where_automatic_ordering_is_off_a_safe_order_waits_for_that_reason_alone() -> None:
    order, off = _plan(), CALCULATED.model_copy(update={"only_proposes": True})
    safe = judge(_submission(order), order, off, LIMITS)
    doubtful = judge(_submission(order, confidence=0.2), order, off, LIMITS)

    assert (safe.route, safe.quantity, safe.reasons) == ("review", order.order_quantity, (ONLY_PROPOSES,))
    assert (doubtful.route, doubtful.reasons) == ("review", ("The model is less sure: confidence 0.20 is below 0.60.",))


@pytest.mark.parametrize(
    ("on_hand", "ordered", "placed_here", "so"),
    [(20, 900, True, True), (20, 900, False, False), (20, 30, True, False), (900, 900, True, False)],
)
def test_what_is_on_its_way_is_why_nothing_is_ordered_only_if_it_was_ordered_here_and_is_needed(
    on_hand: float, ordered: float, placed_here: bool, so: bool
) -> None:
    order = OpenOrder(reference="PO-2026-000007", quantity=ordered, due_in_days=2, placed_here=placed_here)
    planned = _plan(on_hand, open_orders=(order,))

    assert (planned.recommended_action == "none") is (on_hand + ordered > 100)
    assert is_ordered(planned) is so


@pytest.mark.parametrize(
    ("unit_size", "units", "countable"),
    [(1, 3, True), (1, 4, True), (1, 2.5, False), (0.5, 2.5, True), (0.5, 0.3, False), (1, 12, True), (7, 12, True)],
)
def test_whole_units_and_whole_multiples_can_be_counted_whatever_the_plan_s_bounds(
    unit_size: float, units: float, countable: bool
) -> None:
    assert is_countable(_plan().model_copy(update={"unit_size": unit_size}), units) is countable


def test_a_model_that_is_less_sure_than_a_code_at_the_threshold_is_the_cause() -> None:
    order = _plan()
    code = assess(order, order.order_quantity).value
    limits = LIMITS.model_copy(update={"confidence_threshold": code})

    (reason,) = judge(_submission(order, confidence=code / 2), order, CALCULATED, limits).reasons

    assert reason.startswith("The model is less sure: confidence ")


def test_a_confidence_exactly_at_the_threshold_is_placed_and_one_just_below_waits() -> None:
    order = _plan()
    at = judge(_submission(order, confidence=0.6), order, CALCULATED, LIMITS)
    below = judge(_submission(order, confidence=0.5999), order, CALCULATED, LIMITS)

    assert (at.route, below.route) == ("auto", "review")
    assert "0.60" in below.reasons[0]


@pytest.mark.parametrize(
    ("stated", "words"),
    [
        (0.2, "0.20 is below 0.60"),
        (0.599999, "0.599999 is below 0.600000"),
        (nextafter(0.6, 0), "0.5999999999999999 is below 0.6000000000000000"),
    ],
)
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
        (Circumstances(calculated=True, begun="chat"), "chat"),
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


def test_part_of_a_unit_that_is_only_whole_is_not_ordered() -> None:
    order = _plan(order_multiple=1)

    verdict = judge(_submission(order, quantity=order.order_quantity + 0.5), order, CALCULATED, LIMITS)

    assert (verdict.route, verdict.quantity) == ("review", order.order_quantity)
    assert "is not a multiple of 1;" in verdict.reasons[0]


@pytest.mark.parametrize(
    ("quantity", "problem"), [(99_999, "bounds"), (97, "multiple of 12"), (96.5, "multiple of 12"), (12, "bounds")]
)
def test_an_edited_quantity_is_held_to_the_same_rules(quantity: float, problem: str) -> None:
    assert problem in str(check_quantity(_plan(), quantity))


def test_no_quantity_passes_an_infeasible_plan() -> None:
    plan = _plan().model_copy(update={"infeasible": "The MOQ is above the cap."})

    assert "MOQ" in str(check_quantity(plan, plan.order_quantity))


def test_the_whole_verdict_of_a_correction_is_the_plans_with_what_must_be_put_right() -> None:
    order = _plan()

    verdict = judge(_submission(order, quantity=97), order, PATIENT, LIMITS)

    assert verdict.correction == "97 is not a multiple of 12; 96 and 108 are."
    assert (verdict.route, verdict.action, verdict.quantity) == ("retry", "purchase_order", order.order_quantity)
    assert verdict.confidence == assess(order, order.order_quantity)
    assert verdict.reasons == ()


def test_after_an_escalation_nothing_is_sent_back() -> None:
    order = _plan()
    escalated = PATIENT.model_copy(update={"escalation": "No model."})

    verdict = judge(_submission(order, quantity=97), order, escalated, LIMITS)

    assert (verdict.route, verdict.reasons, verdict.correction) == ("review", ("No model.",), None)


@pytest.mark.parametrize(
    ("changes", "circumstances", "correction"),
    [
        (None, PATIENT, "could not be used"),
        ({"product_id": "OTHER"}, PATIENT, "decides on X9 only, not on OTHER"),
        ({}, Circumstances(calculated=False, may_retry=True), "Call calculate_reorder for X9"),
        ({"action": "transfer"}, PATIENT, "The plan is a purchase_order, not a transfer."),
        ({"quantity": 12}, PATIENT, "12 is outside"),
    ],
)
def test_what_is_wrong_with_a_submission_is_said_in_its_correction(
    changes: dict[str, Any] | None, circumstances: Circumstances, correction: str
) -> None:
    order = _plan()
    submission = None if changes is None else _submission(order, **changes)

    sent_back = judge(submission, order, circumstances, LIMITS)
    for_a_person = judge(submission, order, circumstances.model_copy(update={"may_retry": False}), LIMITS)

    assert sent_back.route == "retry"
    assert correction in str(sent_back.correction)
    assert (for_a_person.route, for_a_person.action, for_a_person.quantity) == (
        "review",
        "purchase_order",
        order.order_quantity,
    )
    assert for_a_person.reasons[0].startswith("The model's order was not usable, so the plan's stands here.")
    assert correction in for_a_person.reasons[0]


def test_where_nothing_is_to_be_ordered_an_order_is_sent_back_with_the_reason() -> None:
    enough = _plan(on_hand=400)

    verdict = judge(_submission(enough, action="purchase_order", quantity=24), enough, PATIENT, LIMITS)

    assert verdict.route == "retry"
    assert verdict.correction == f"Nothing is to be ordered: {enough.reason} Submit action none with quantity 0."


def test_the_confidence_in_ordering_nothing_is_that_of_no_units_at_all() -> None:
    enough = _plan(on_hand=400)

    verdict = judge(_submission(enough, action="none", quantity=0), enough, CALCULATED, LIMITS)

    assert verdict.confidence == assess(enough, 0) != assess(enough, 1)
    assert (verdict.reasons, verdict.correction) == ((), None)


def test_the_confidence_shown_is_that_of_the_quantity_shown_and_not_of_an_unusable_one() -> None:
    order = _plan()

    unusable = judge(_submission(order, quantity=97, confidence=0.1, concerns=["Rain."]), order, CALCULATED, LIMITS)
    against = judge(_submission(order, action="none", quantity=0, confidence=0.1), order, CALCULATED, LIMITS)
    unread = judge(None, order, CALCULATED, LIMITS)

    own = assess(order, order.order_quantity)
    assert unusable.confidence == against.confidence == unread.confidence == own
    assert not any("Rain." in reason for reason in unusable.reasons)


def test_two_concerns_lower_the_confidence_twice() -> None:
    order = _plan()
    worried = judge(_submission(order, concerns=["A strike.", "Rain."]), order, CALCULATED, LIMITS)

    own = assess(order, order.order_quantity).value
    assert worried.confidence.value == pytest.approx(own * 0.75**2)
    assert worried.reasons == ("The model raised a concern: A strike.; Rain.",)


def test_a_model_that_advises_against_an_order_is_quoted_so() -> None:
    order = _plan()

    verdict = judge(_submission(order, action="none", quantity=0), order, CALCULATED, LIMITS)

    assert verdict.reasons == ("The model advises against ordering; the calculation says order.",)
    assert verdict.action == "purchase_order"


def test_the_same_reason_is_given_once_and_in_the_order_of_its_weight() -> None:
    grave = Notice(code="b", message="Grave.", blocks_automatic=True)
    order = _plan().model_copy(update={"notices": (grave, grave), "infeasible": "Grave."})
    circumstances = Circumstances(calculated=True, begun="chat", escalation="No model.")

    verdict = judge(None, order, circumstances, LIMITS)

    assert verdict.reasons == ("No model.", "Grave.", "It was asked for in a chat; a person must confirm it.")


def test_what_sets_an_order_apart_from_the_last_one_is_a_reason_beside_the_others() -> None:
    order = _plan(unit_price=Decimal(2_000))
    last = EarlierOrder("PO-2026-000007", order.order_quantity, Decimal(20), order.currency, order.lead_time_days)
    circumstances = Circumstances(calculated=True, open_orders=(LATE,), earlier_orders=(last,))

    late, value, price = judge(_submission(order), order, circumstances, LIMITS).reasons

    assert late.startswith("PO-2026-000007 is 3 days late")
    assert value.startswith("Its value, ")
    assert price == "The price of 2000 is far from the 20 of PO-2026-000007, the last order: check it."


def test_an_order_like_the_last_one_is_placed_and_a_transfer_has_no_last_one() -> None:
    order = _plan()
    last = EarlierOrder("PO-2026-000007", order.order_quantity, order.unit_price, order.currency, order.lead_time_days)
    alike, dear = CALCULATED.model_copy(update={"earlier_orders": (last,)}), EarlierOrder("", 1, Decimal(1), "", 900)
    moved = _transfer()

    assert judge(_submission(order), order, alike, LIMITS).route == "auto"
    assert (
        judge(_submission(moved), moved, CALCULATED.model_copy(update={"earlier_orders": (dear,)}), LIMITS).reasons
        == ()
    )


@pytest.mark.parametrize(("review_days", "so"), [(0, True), (1, False), (3, False)])
def test_a_position_exactly_at_the_level_is_due_without_a_period_between_reviews_and_not_with_one(
    review_days: float, so: bool
) -> None:
    ordered = OpenOrder(reference="PO-2026-000007", quantity=900, due_in_days=2, placed_here=True)
    planned = _plan(open_orders=(ordered,), review_period_days=review_days)
    exactly = planned.model_copy(update={"inventory_position": planned.reorder_point + 900})

    assert is_ordered(exactly) is so


@pytest.mark.parametrize("begun", ["desk", "chat"])
def test_what_people_ask_for_says_too_why_it_is_unsure(begun: Origin) -> None:
    order = _plan(minimum_order_quantity=1_200)

    verdict = judge(_submission(order), order, Circumstances(calculated=True, begun=begun), LIMITS)

    cause, asked_for = verdict.reasons
    assert cause == "The minimum order of 1,200 is 4 months of demand: confidence 0.00 is below 0.60."
    assert asked_for.startswith("It was asked for ")


def test_an_infeasible_plan_is_for_a_person_although_it_recommends_nothing() -> None:
    impossible = _plan().model_copy(
        update={"recommended_action": "none", "order_quantity": 0, "infeasible": "The MOQ is above the cap."}
    )

    verdict = judge(_submission(impossible, action="none", quantity=0), impossible, CALCULATED, LIMITS)

    assert (verdict.route, verdict.action, verdict.quantity) == ("review", "none", 0)
    assert "The MOQ is above the cap." in verdict.reasons


def _transfer() -> Plan:
    changes = {"recommended_action": "transfer", "order_quantity": 97, "minimum_quantity": 97, "maximum_quantity": 97}
    return _plan(unit_price=None).model_copy(update=changes)


def test_a_transfer_needs_no_price_and_no_case_of_twelve() -> None:
    order = _transfer()

    verdict = judge(_submission(order, action="transfer"), order, CALCULATED, LIMITS)

    assert (verdict.route, verdict.action, verdict.quantity) == ("auto", "transfer", 97)


@pytest.mark.parametrize(("quantity", "fault"), [(24, "outside"), (36, None), (600, None), (612, "outside")])
def test_both_bounds_of_a_plan_may_be_ordered(quantity: int, fault: str | None) -> None:
    bounded = _plan().model_copy(update={"minimum_quantity": 36, "maximum_quantity": 600})

    assert (check_quantity(bounded, quantity) is None) is (fault is None)


@pytest.mark.parametrize(
    ("price", "reason"),
    [
        (None, "No unit price is known, so the order's value cannot be held against the limit."),
        (Decimal(0), "The unit price is 0, so the order's value cannot be held against the limit."),
    ],
)
def test_why_a_value_cannot_be_limited_is_said(price: Decimal | None, reason: str) -> None:
    order = _plan(unit_price=price)

    assert reason in judge(_submission(order), order, CALCULATED, LIMITS).reasons


def test_without_a_limit_an_order_of_any_value_and_currency_may_be_placed() -> None:
    order = _plan(unit_price=Decimal(5_000), currency="XAU")

    unlimited = LIMITS.model_copy(update={"auto_order_value_limit": None})

    assert judge(_submission(order), order, CALCULATED, unlimited).route == "auto"


def test_the_value_is_that_of_the_submitted_quantity_at_its_own_tier() -> None:
    breaks = (PriceBreak(minimum_quantity=120, unit_price=Decimal(4)),)
    order = _plan(order_cost=Decimal(40), holding_rate=0.25, price_breaks=breaks)
    assert order.minimum_quantity < 120 <= order.order_quantity
    few, all_of_it = order.minimum_quantity, order.order_quantity
    limits = LIMITS.model_copy(update={"auto_order_value_limit": Decimal("7.5") * few - 1})

    verdict = judge(_submission(order, quantity=few), order, CALCULATED, limits)

    assert f"Its value, {Decimal('7.5') * few:,.2f} USD, is above the automatic limit of" in verdict.reasons[0]
    assert judge(_submission(order, quantity=all_of_it), order, CALCULATED, LIMITS).route == "auto"


def test_a_table_of_ones_own_is_what_the_confidence_is_read_from() -> None:
    order = _plan()
    halved = CalibrationCurve(raw=(0.0, 1.0), acceptable=(0.5, 0.5))
    table = CalibrationTable(origin="ours", curves={stratum(order): halved})

    verdict = judge(_submission(order), order, CALCULATED, LIMITS.model_copy(update={"calibration": table}))

    assert (verdict.route, verdict.confidence.value) == ("review", 0.5)
    assert [reason.partition(": ")[2] for reason in verdict.reasons] == ["confidence 0.50 is below 0.60."]


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (0.59, "The model is less sure: confidence 0.59 is below 0.60."),
        (0.5999, "The model is less sure: confidence 0.5999 is below 0.6000."),
    ],
)
def test_a_model_that_is_less_sure_is_said_to_be_with_digits_that_show_it(said: float, words: str) -> None:
    order = _plan()

    assert judge(_submission(order, confidence=said), order, CALCULATED, LIMITS).reasons == (words,)


def test_a_submission_cannot_be_changed_once_it_was_read() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        _submission(_plan()).quantity = 9


def test_currencies_are_converted_at_the_rate_into_the_wanted_one() -> None:
    rates = {"EUR": Decimal("1.08"), "USD": Decimal(9)}

    assert in_currency(Decimal(100), "EUR", "USD", rates) == 108
    assert in_currency(Decimal(100), "USD", "USD", rates) == 100
    assert in_currency(Decimal(100), "GBP", "USD", rates) is None


def test_nothing_is_assumed_of_a_run() -> None:
    bare = Circumstances(calculated=True)

    assert (bare.begun, bare.may_retry, bare.escalation, bare.open_orders) == ("trigger", False, None, ())


def test_the_confidence_in_less_than_the_plan_is_that_of_less() -> None:
    order = _plan(order_cost=Decimal(40), holding_rate=0.25)

    less = judge(_submission(order, quantity=order.minimum_quantity), order, CALCULATED, LIMITS)

    assert less.confidence == assess(order, order.minimum_quantity) != assess(order, order.order_quantity)


def test_what_is_not_due_and_asked_for_at_the_desk_waits_for_a_person_and_nothing_else_does() -> None:
    enough = _plan(on_hand=10_000)
    nothing = _submission(enough, action="none", quantity=0)
    origins: tuple[Origin, ...] = ("trigger", "chat", "desk")
    verdicts = {begun: judge(nothing, enough, Circumstances(calculated=True, begun=begun), LIMITS) for begun in origins}

    assert {begun: verdict.route for begun, verdict in verdicts.items()} == {
        "trigger": "none",
        "chat": "none",
        "desk": "review",
    }
    assert verdicts["desk"].quantity == 12
    assert "Nothing is due yet" in verdicts["desk"].reasons[0]
