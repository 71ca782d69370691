"""Tokens and money: what is counted, and when it is enough."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal

import pytest
from langchain_core.messages import AIMessage, HumanMessage

from agent.models.failures import BudgetSpent, NoModelLeft
from agent.models.spending import Ledger, Spend, SpendingLimits, run_spend

PRICES = {"p:m": (Decimal("0.5"), Decimal(2))}
NAME = "p:m"


def answer(into: int, out: int, cost: float, lost: list[int] | None = None) -> AIMessage:
    usage = {"input_tokens": into, "output_tokens": out, "total_tokens": into + out}
    metadata = {"cost": cost} | ({"lost_tokens": lost} if lost else {})
    return AIMessage("x", usage_metadata=usage, response_metadata=metadata)


def ledger(today: Callable[[], date] = lambda: date(2026, 11, 23), **limits: int | Decimal) -> Ledger:
    wide = {"run_tokens": 10**9, "run_cost": Decimal(10**6), "day_tokens": 10**9, "day_cost": Decimal(10**6)}
    return Ledger(prices=PRICES, limits=SpendingLimits(**(wide | limits)), today=today)


def test_a_call_costs_its_tokens_at_the_models_prices() -> None:
    assert ledger().record(NAME, (1_000_000, 500_000)) == Spend(1_000_000, 500_000, Decimal("1.5"))


def test_a_model_without_a_price_costs_tokens_alone() -> None:
    assert ledger().record("p:other", (10, 5)) == Spend(10, 5, Decimal(0))


def test_a_run_has_spent_what_its_answers_since_the_last_question_cost() -> None:
    messages = [
        HumanMessage("a"),
        answer(500, 5, 9.0),
        HumanMessage("b"),
        answer(10, 2, 0.1),
        answer(20, 3, 0.2, [7, 1]),
    ]

    assert run_spend(messages) == Spend(37, 6, Decimal("0.3"))


def test_an_answer_of_the_rules_costs_nothing() -> None:
    assert run_spend([AIMessage("x")]) == Spend()


@pytest.mark.parametrize("limits", [{"run_tokens": 12}, {"run_cost": Decimal("0.1")}])
def test_a_run_at_its_limit_is_refused(limits: dict[str, int | Decimal]) -> None:
    with pytest.raises(BudgetSpent, match="This run"):
        ledger(**limits).refuse_if_spent([answer(10, 2, 0.1)])


@pytest.mark.parametrize("limits", [{"run_tokens": 13}, {"run_cost": Decimal("0.11")}])
def test_a_run_below_its_limit_is_not(limits: dict[str, int | Decimal]) -> None:
    ledger(**limits).refuse_if_spent([answer(10, 2, 0.1)])


@pytest.mark.parametrize("limits", [{"day_tokens": 3}, {"day_cost": Decimal("0.000005")}])
def test_a_day_at_its_limit_is_refused_until_the_next(limits: dict[str, int | Decimal]) -> None:
    day = date(2026, 11, 23)
    book = ledger(lambda: day, **limits)
    book.record(NAME, (2, 2))
    with pytest.raises(BudgetSpent, match="midnight UTC"):
        book.refuse_if_spent([])
    day = date(2026, 11, 24)

    book.refuse_if_spent([])

    assert book.spent_today == Spend()


def test_a_spent_budget_is_dealt_with_like_no_model_left() -> None:
    assert issubclass(BudgetSpent, NoModelLeft)
