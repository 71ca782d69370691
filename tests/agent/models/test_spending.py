"""Tokens and money: what is counted, and when it is enough."""

from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal

import pytest
from langchain_core.messages import AIMessage, HumanMessage

from agent.models import Link
from agent.models.failures import BudgetSpent, NoModelLeft
from agent.models.spending import RUN_TOKENS, Ledger, Spend, SpendingLimits, run_spend
from agent.runtime import open_runtime
from agent.settings import Settings

PRICES = {"p:m": (Decimal("0.5"), Decimal(2))}
NAME = "p:m"


def answer(into: int, out: int, cost: float | None, lost: list[int] | None = None) -> AIMessage:
    usage = {"input_tokens": into, "output_tokens": out, "total_tokens": into + out}
    metadata = {"cost": cost} | ({"lost_tokens": lost} if lost else {})
    return AIMessage("x", usage_metadata=usage, response_metadata=metadata)


def ledger(today: Callable[[], date] = lambda: date(2026, 11, 23), **limits: Decimal | None) -> Ledger:
    wide = {"run_cost": Decimal(10**6), "day_cost": Decimal(10**6)}
    return Ledger(prices=PRICES, limits=SpendingLimits(**(wide | limits)), today=today)


def test_a_call_costs_its_tokens_at_the_models_prices() -> None:
    assert ledger().record(NAME, (1_000_000, 500_000)) == Spend(1_000_000, 500_000, Decimal("1.5"))


def test_the_cost_of_a_model_without_a_price_is_unknown() -> None:
    assert ledger().record("p:other", (10, 5)) == Spend(10, 5, None)


def test_an_unknown_cost_stays_unknown_in_every_sum() -> None:
    assert sum([Spend(1, 1, Decimal(2)), Spend(1, 1, None), Spend(1, 1, Decimal(3))], Spend()) == Spend(3, 3, None)


def test_a_day_counts_the_costs_that_are_known() -> None:
    book = ledger()
    book.record(NAME, (1_000_000, 0))
    book.record("p:other", (10, 5))

    assert book.spent_today == Spend(1_000_010, 5, Decimal("0.5"))


@pytest.mark.parametrize("limits", [{"run_cost": None}, {"day_cost": None}, {}])
def test_a_model_without_a_price_may_not_be_asked_within_a_money_limit(limits: dict[str, None]) -> None:
    why = ledger(**limits).objection("p:other")

    assert why == "cost unknown: no price for p:other; set MODEL_PRICES or switch the money limits off"


def test_a_model_without_a_price_may_be_asked_with_the_money_limits_off() -> None:
    assert ledger(run_cost=None, day_cost=None).objection("p:other") == ""


def test_a_model_with_a_price_may_be_asked_within_money_limits() -> None:
    assert ledger().objection(NAME) == ""


def test_a_run_of_unknown_cost_has_reached_any_money_limit() -> None:
    unknown = answer(1, 1, None)

    ledger(run_cost=None).refuse_if_spent([unknown])
    with pytest.raises(BudgetSpent, match="an unknown amount"):
        ledger().refuse_if_spent([unknown])


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


@pytest.mark.parametrize(("into", "cost"), [(10, 0.1), (RUN_TOKENS - 2, 0.0)])
def test_a_run_at_its_limit_is_refused(into: int, cost: float) -> None:
    with pytest.raises(BudgetSpent, match="This run"):
        ledger(run_cost=Decimal("0.1")).refuse_if_spent([answer(into, 2, cost)])


@pytest.mark.parametrize(("into", "cost"), [(10, 0.09), (RUN_TOKENS - 3, 0.0)])
def test_a_run_below_its_limit_is_not(into: int, cost: float) -> None:
    ledger(run_cost=Decimal("0.1")).refuse_if_spent([answer(into, 2, cost)])


def test_a_day_at_its_limit_is_refused_until_the_next() -> None:
    day = date(2026, 11, 23)
    book = ledger(lambda: day, day_cost=Decimal("0.000005"))
    book.record(NAME, (2, 2))
    with pytest.raises(BudgetSpent, match="midnight UTC"):
        book.refuse_if_spent([])
    day = date(2026, 11, 24)

    book.refuse_if_spent([])

    assert book.spent_today == Spend()


class SharedSums:
    """The sums of a day, as every process finds them."""

    def __init__(self) -> None:
        self.sums: dict[str, int] = {}
        self.reachable = True

    async def add(self, day: date, used: Mapping[str, int]) -> Mapping[str, int]:
        if not self.reachable:
            raise ConnectionError
        for kind, amount in used.items():
            self.sums[f"{day} {kind}"] = self.sums.get(f"{day} {kind}", 0) + amount
        return {kind: self.sums[f"{day} {kind}"] for kind in used}


ALL = Decimal("0.0000095")
"""What both processes spend together."""


async def test_a_days_limit_holds_for_all_processes_together() -> None:
    shared, one, other = SharedSums(), ledger(day_cost=ALL), ledger(day_cost=ALL)
    one.record(NAME, (4, 2))
    other.record(NAME, (3, 1))
    other.refuse_if_spent([])
    await one.settle(shared.add)
    await other.settle(shared.add)

    assert other.spent_today == Spend(7, 3, ALL)
    with pytest.raises(BudgetSpent):
        other.refuse_if_spent([])


async def test_a_process_that_starts_again_goes_on_counting_where_the_day_stands() -> None:
    shared, before = SharedSums(), ledger()
    before.record(NAME, (4, 2))
    await before.settle(shared.add)
    after = ledger()
    await after.settle(shared.add)
    assert after.spent_today == before.spent_today


async def test_what_could_not_be_settled_is_handed_over_once_it_can() -> None:
    shared, book = SharedSums(), ledger()
    book.record(NAME, (4, 2))
    shared.reachable = False
    with pytest.raises(ConnectionError):
        await book.settle(shared.add)
    shared.reachable = True
    await book.settle(shared.add)
    await book.settle(shared.add)
    assert book.spent_today.tokens == sum(shared.sums[f"2026-11-23 {kind} tokens"] for kind in ("input", "output")) == 6


async def test_a_call_that_ends_while_settling_is_counted_once() -> None:
    shared, book = SharedSums(), ledger()
    book.record(NAME, (4, 2))

    async def slow(day: date, used: Mapping[str, int]) -> Mapping[str, int]:
        book.record(NAME, (1, 0))
        return await shared.add(day, used)

    await book.settle(slow)
    assert book.spent_today.tokens == 7
    await book.settle(shared.add)
    assert book.spent_today.tokens == 7


def test_a_spent_budget_is_dealt_with_like_no_model_left() -> None:
    assert issubclass(BudgetSpent, NoModelLeft)


async def test_the_day_goes_on_where_the_process_before_left_it(settings: Settings, scripted) -> None:
    reply = answer(40, 2, 0.0)
    reply.response_metadata = {"finish_reason": "stop"}
    limited = settings.model_copy(
        update={"day_cost_limit": Decimal("0.000024"), "check_models": False, "model_prices": PRICES}
    )
    said = []
    for _ in range(2):
        async with open_runtime(limited, models=[Link("p", "m", scripted(reply))]) as runtime:
            said.append((await runtime.chat("What runs out next?", conversation_id=None, caller="anna")).answer)
    assert said[0] == "x"
    assert "budget for model calls is used up" in said[1]
