"""Every plan begins with at most three lines that a planner would say, and they come out as arithmetic."""

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from tools.planning.replenishment import plan
from tools.records.facts import OpenOrder, ProductFacts, WhatIf

Make = Callable[..., ProductFacts]
STEADY = tuple(np.random.default_rng(4).poisson(100, 200).astype(float))
ON_WAY = OpenOrder(reference="A", quantity=200, due_in_days=2)


def said(facts: ProductFacts, **more: Any) -> list[str]:
    return plan(facts, **more).reason.split("\n")


def test_the_seven_day_example_is_told_as_a_planner_would(make_facts: Make) -> None:
    assert said(make_facts()) == [
        "Until the next delivery, in 7 days, you will sell about 840; 58 more keep 95 % of such weeks in stock.",
        "You have 150 and nothing on the way, so 748 are missing.",
        "Order 748.",
    ]


CASES: dict[str, tuple[dict[str, Any], str]] = {
    "enough": (
        {"stock": {"on_hand": 2_000}},
        "You have 2,000 and nothing on the way, so there is enough: 1,102.43 more",
    ),
    "too late": (
        {"stock": {"open_orders": (ON_WAY.model_copy(update={"due_in_days": 20}),)}},
        "You have 150 and nothing on the way that counts, so 748 are missing.",
    ),
    "one unit": ({"stock": {"on_hand": 897}}, "You have 897 and nothing on the way, so 1 is missing."),
    "half units": ({"stock": {"on_hand": 10.5}}, "You have 10.5 and nothing on the way, so 887.5 are missing."),
    "on the way": ({"stock": {"on_hand": 50, "open_orders": (ON_WAY,)}}, "You have 50 and 200 on the way, so 648 are"),
    "backorders": ({"stock": {"on_hand": 0, "backorders": 30}}, "customers wait for 30, so 928 are missing."),
    "minimum": ({"minimum_order_quantity": 900}, "The smallest order that the supplier accepts is 900."),
    "multiple": ({"order_multiple": 50}, "In multiples of 50, order 750."),
    "economic": ({"order_cost": Decimal(9_000), "holding_rate": 0.1}, "Your economic order is 3,971."),
    "cap": ({"maximum_order_quantity": 300}, "Order 300, the most within the supplier's maximum order."),
    "infeasible": ({"maximum_order_quantity": 9, "minimum_order_quantity": 20}, "No order is possible. The supplier's"),
    "fill rate": ({"service_type": "fill_rate"}, "21 more serve 95 % of demand from stock."),
    "cost": (
        {"service_type": "cost", "stockout_cost": Decimal(50), "holding_rate": 0.2},
        "63 more cost least and keep 96.31 % of such weeks in stock.",
    ),
    "low service": ({"service_level": 0.3}, "18 fewer keep 30 % of such weeks in stock."),
    "half": ({"service_level": 0.5}, "as many keep 50 % of such weeks in stock."),
    "uplift": ({"history": {"planned_uplift": 1.5}}, "you will sell about 1,260 (1.5 times the usual)"),
    "certain": ({"history": {"deterministic": True}}, "demand is stated not to vary, so no more is kept."),
    "one day": (
        {"supplier": {"promised_lead_time_days": 1}},
        "in 1 day, you will sell about 120; 22 more keep 95 % of such days",
    ),
    "three weeks": (
        {"review_period_days": 14},
        "in 21 days, you will sell about 2,520; 100 more keep 95 % of such spans",
    ),
    "no wait": ({"supplier": {"promised_lead_time_days": 0}}, "A delivery comes at once, so nothing needs to be kept."),
    "no demand": ({"demand": (0.0,) * 30}, "Nothing sold in 30 known periods, so nothing needs to be kept."),
    "one more": (
        {"demand": STEADY, "stock": {"on_hand": 100}},
        ", one more, or the next order would be due at once.",
    ),
    "slow": (
        {"demand": (0.0, 0, 0, 0, 1) * 30, "stock": {"on_hand": 0}},
        "you will sell about 1.5; 3.5 more keep 95 %",
    ),
    "slip": ({"demand": (*STEADY[:-1], 9_000)}, "Without the 9,000 of the newest day"),
    "feed": ({"demand": STEADY + (0.0,) * 15, "stock": {"on_hand": 9_000}}, "No demand in the last 15 days"),
}


@pytest.mark.parametrize("case", CASES)
def test_every_kind_of_plan_has_its_words_in_three_lines(make_facts: Make, case: str) -> None:
    terms, words = CASES[case]
    lines = said(make_facts(**terms))

    assert len(lines) <= 3
    assert words in "\n".join(lines)


def test_a_transfer_names_who_gives(make_facts: Make) -> None:
    rich = make_facts(stock={"location": "DEPOT", "on_hand": 9_000})

    assert said(make_facts(), siblings=[rich])[-1] == "DEPOT can give 748 and keep enough for itself."


def test_an_assumed_service_is_the_one_that_is_told(make_facts: Make) -> None:
    assert "keep 99 % of such weeks" in said(make_facts(), what_if=WhatIf(service_level=0.99))[0]


@pytest.mark.parametrize("seed", range(30))
def test_the_numbers_of_the_lines_add_up(make_facts: Make, seed: int) -> None:
    random = np.random.default_rng(seed)
    demand = tuple(random.poisson(random.integers(20, 900), 90).astype(float))
    needed, held, order = said(make_facts(demand=demand, stock={"on_hand": 3}))
    _, sold, more, _ = numbers(needed)
    (missing,) = numbers(held)[1:]

    assert sold + more - 3 == missing == numbers(order)[0] - 1


def numbers(line: str) -> list[int]:
    return [int(found.replace(",", "")) for found in re.findall(r"\d[\d,]*", line.replace("so ", ""))]
