"""The derivation is arithmetic that a planner can follow with a calculator."""

import re
from collections.abc import Callable
from decimal import Decimal
from math import sqrt
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.planning.replenishment import plan
from tools.records.facts import OpenOrder, ProductFacts, WhatIf
from tools.records.text import shown, shown_result, shown_sum

Make = Callable[..., ProductFacts]

RANDOM = np.random.default_rng(5)
HISTORIES = {
    "seven days": (100.0, 120, 110, 130, 125, 115, 140),
    "steady": tuple(RANDOM.poisson(12, 120).astype(float)),
    "varying": tuple(np.rint(RANDOM.gamma(1.5, 33.3, 150))),
    "kilograms": tuple(np.round(RANDOM.gamma(4, 0.1, 60), 3)),
    "chance": tuple(np.round(RANDOM.permutation(40) / 4000 + 0.3, 3)),
    "slow": tuple(RANDOM.poisson(0.3, 200).astype(float)),
    "short": tuple(RANDOM.gamma(2.0, 7.77, 10)),
    "constant": (30.0,) * 40,
    "nothing": (0.0,) * 12,
}
CIRCUMSTANCES: dict[str, dict[str, Any]] = {
    "plain": {},
    "late supplier": {"supplier": {"observed_lead_times_days": (7.0,) * 8 + (11.5,) * 3}},
    "uncertain supplier": {"supplier": {"lead_time_sd_days": 1.7}},
    "fractional": {"supplier": {"promised_lead_time_days": 3.3}, "review_period_days": 0.6},
    "weekly": {"history": {"period_days": 7}, "supplier": {"promised_lead_time_days": 24}},
    "fill rate": {"service_type": "fill_rate", "minimum_order_quantity": 40},
    "certain": {"history": {"deterministic": True}, "supplier": {"lead_time_sd_days": 1}},
    "busy": {
        "stock": {
            "on_hand": 20.126,
            "backorders": 3.333,
            "open_orders": (
                OpenOrder(reference="PO-1", quantity=7.777, due_in_days=2),
                OpenOrder(reference="PO-2", quantity=9, due_in_days=-4),
                OpenOrder(reference="PO-3", quantity=5, due_in_days=400),
            ),
        },
        "minimum_order_quantity": 50,
        "order_multiple": 12,
        "maximum_order_quantity": 60,
    },
    "no lead time": {"supplier": {"promised_lead_time_days": 0}},
}
NUMBER = r"-?\d+(?:\.\d+)?"
SUM = re.compile(rf"(?:[^\d−+=:]*{NUMBER}[^\d−+=×÷√]*[+−])+[^\d−+=]*{NUMBER}[^\d−+=×÷√]*= {NUMBER}")


def evaluated(line: str) -> list[tuple[float, float]]:
    """Every `a × b = c` and `√a = c` of a line, as (worked out, printed)."""
    found = [(float(a) * float(b), float(c)) for a, b, c in re.findall(rf"({NUMBER}) × ({NUMBER}) = ({NUMBER})", line)]
    found += [
        (float(a) / float(b), float(c))
        for a, b, c in re.findall(rf"({NUMBER}) ÷ ({NUMBER}) periods = ({NUMBER})", line)
    ]
    found += [
        (float(a) * sqrt(float(b)), float(c))
        for a, b, c in re.findall(
            rf"({NUMBER})(?: a day| per period of {NUMBER} days)? × √({NUMBER}) = ({NUMBER})", line
        )
    ]
    found += [
        (sqrt(float(a) ** 2 + float(b) ** 2), float(c))
        for a, b, c in re.findall(rf"√\(({NUMBER})² \+ ({NUMBER})²\) = ({NUMBER})", line)
    ]
    return found


def added_up(line: str) -> tuple[Decimal, Decimal] | None:
    """The terms of a line that is a sum, and the total it prints."""
    body, _, total = line.partition(" = ")
    if "×" in line or "÷" in line or "√" in line or not total:
        return None
    body = body.partition(": ")[2]
    terms = re.findall(rf"([+−]?)[^\d+−]*?({NUMBER})(?: \([^)]*\))?", re.sub(r"\([^)]*\)", "", body))
    worked = sum((Decimal(number) * (-1 if sign == "−" else 1) for sign, number in terms), Decimal(0))
    printed = re.match(NUMBER, total)
    assert printed is not None, line
    return worked, Decimal(printed.group())


@pytest.mark.parametrize("circumstances", CIRCUMSTANCES)
@pytest.mark.parametrize("history", HISTORIES)
def test_every_line_comes_out_as_printed(make_facts: Make, history: str, circumstances: str) -> None:
    facts = make_facts(demand=HISTORIES[history], **CIRCUMSTANCES[circumstances])
    for line in plan(facts, what_if=WhatIf(demand_uplift=1.17)).derivation:
        for worked, printed in evaluated(line):
            assert worked == pytest.approx(printed, abs=0.005), line
        total = added_up(line)
        assert total is None or total[0] == total[1], line


def test_the_checks_of_this_file_can_fail() -> None:
    assert evaluated("Demand over 7 days: 120 × 7 = 841") == [(840, 841)]
    assert added_up("Reorder point: 840 + safety stock 57.57 = 897.56") == (Decimal("897.57"), Decimal("897.56"))


def test_the_seven_day_example_reads_from_the_history_to_the_quantity(make_facts: Make) -> None:
    lines = plan(make_facts()).derivation
    for part in (
        "840 ÷ 7 periods = 120 a day",
        "lead time 7 + review period 0 = 7 days",
        "120 × 7 = 840",
        "× √7 = 35",
        "1.6449 × 35 = 57.57",
        "840 + safety stock 57.57 = 897.57",
        "on hand 150 + on order 0 − backorders 0 = 150",
        "840 + safety stock 57.57 − on hand 150 − on order 0 + backorders 0 = 747.57",
        "in whole units: 748",
    ):
        assert any(part in line for line in lines), part


def test_the_lines_print_the_plans_own_numbers(make_facts: Make) -> None:
    result = plan(make_facts(demand=HISTORIES["varying"], **CIRCUMSTANCES["busy"]))
    text = "\n".join(result.derivation)
    assert f"= {result.reorder_point:g}" in text
    assert f"= {shown(result.inventory_position, 3)}" in text
    assert text.rstrip().endswith(f": {result.order_quantity}")


def test_a_transfer_names_who_gives(make_facts: Make) -> None:
    depot = make_facts(stock={"location": "DEPOT", "on_hand": 9000})
    assert plan(make_facts(), siblings=(depot,)).derivation[-1].startswith("DEPOT can give 748")


@given(st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=5))
def test_printed_terms_make_the_printed_total(terms: list[float]) -> None:
    *printed, total = shown_sum(*terms)
    assert sum(map(Decimal, printed)) == Decimal(total)
    assert float(total) == pytest.approx(sum(terms), abs=0.03)


@given(st.floats(0.001, 1e4), st.floats(0.001, 1e4))
def test_printed_factors_make_the_printed_product(first: float, second: float) -> None:
    one, two, product = shown_result(lambda a, b: a * b, first, second)
    assert float(one) * float(two) == pytest.approx(float(product), abs=0.0051)


def test_a_lead_time_of_next_to_nothing_is_put_into_words(make_facts: Make) -> None:
    lines = plan(make_facts(demand=HISTORIES["varying"], supplier={"promised_lead_time_days": 1e-310})).derivation
    assert not any("inf" in line or "nan" in line for line in lines)
