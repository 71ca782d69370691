"""A slip is for a person, or at least named; an ordinary day is not."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from benchmarks.slips import decide
from tools.planning.doubts import EarlierOrder
from tools.planning.replenishment import plan
from tools.records.facts import OpenOrder, PriceBreak, ProductFacts
from tools.records.plan import Plan

Make = Callable[..., ProductFacts]
Demand = tuple[float, ...]

DAYS = 140


def steady(seed: int, mean: float = 80) -> np.ndarray[Any, Any]:
    return np.random.default_rng(seed).poisson(mean, DAYS).astype(float)


def _steady(seed: int) -> Demand:
    return tuple(steady(seed))


def _weekdays(seed: int) -> Demand:
    return tuple(np.random.default_rng(seed).poisson(np.resize([90, 80, 85, 90, 130, 150, 40], DAYS)).astype(float))


def _closed_on_sundays(seed: int) -> Demand:
    return tuple(steady(seed) * np.resize([1, 1, 1, 1, 1, 1, 0], DAYS))


def _erratic(seed: int) -> Demand:
    return tuple(np.random.default_rng(seed).gamma(1.5, 40, DAYS).round())


def _slow(seed: int) -> Demand:
    random = np.random.default_rng(seed)
    return tuple((random.binomial(1, 0.4, DAYS) * random.integers(1, 4, DAYS)).astype(float))


def _risen(seed: int) -> Demand:
    return tuple(steady(seed) * np.where(np.arange(DAYS) < DAYS - 30, 1, 1.7))


def _last_day_half_more(seed: int) -> Demand:
    return (*steady(seed)[:-1], 120.0)


ORDINARY = [_steady, _weekdays, _closed_on_sundays, _erratic, _slow, _risen, _last_day_half_more]
TERMS: list[dict[str, Any]] = [
    {},
    {"history": {"planned_uplift": 1.5}},
    {"stock": {"on_hand": 0, "backorders": 10}},
    {"supplier": {"promised_lead_time_days": 45}, "review_period_days": 7},
    {"supplier": {"promised_lead_time_days": 200, "observed_lead_times_days": (190.0, 204, 199)}},
    {"supplier": {"observed_lead_times_days": (7.0, 6, 9, 8, 7, 7, 13, 6, 8, 7)}},
    {"price_breaks": (PriceBreak(minimum_quantity=500, unit_price=Decimal(400)),)},
    {"minimum_order_quantity": 200},
]


def doubted(planned: Plan) -> list[str]:
    return [notice.message for notice in planned.notices if notice.code.startswith("doubt")]


@pytest.mark.parametrize("demand", ORDINARY)
@pytest.mark.parametrize("terms", TERMS)
def test_nothing_is_doubted_on_ordinary_days(make_facts: Make, demand: Callable[[int], Demand], terms: Any) -> None:
    plans = [plan(make_facts(**{"demand": demand(seed), "stock": {"on_hand": 2}} | terms)) for seed in range(12)]

    assert [doubted(each) for each in plans] == [[]] * len(plans)


@pytest.mark.parametrize("days", [1, 2, 7])
@pytest.mark.parametrize("on_hand", [20, 2_500])
@pytest.mark.parametrize("factor", [10, 24, 100])
@pytest.mark.parametrize("seed", range(3))
def test_a_level_that_hangs_on_the_newest_days_is_for_a_person(
    make_facts: Make, days: int, on_hand: int, factor: int, seed: int
) -> None:
    demand = steady(seed)
    demand[-days:] *= factor

    planned = plan(make_facts(demand=tuple(demand), stock={"on_hand": on_hand}))

    assert "of the newest" in doubted(planned)[0]
    assert decide(planned).route == ("review" if planned.order_quantity else "none")


def test_the_words_say_what_stands_without_the_newest_day(make_facts: Make) -> None:
    planned = plan(make_facts(demand=(*steady(1)[:-1], 8_000.0)))

    assert doubted(planned)[0].startswith("Without the 8,000 of the newest day you would order up to 6")


def test_a_slow_product_s_slip_is_for_a_person_and_its_large_customer_is_not(make_facts: Make) -> None:
    regular = (*_slow(3)[:-1],)
    assert doubted(plan(make_facts(demand=(*regular, 200.0))))
    assert not doubted(plan(make_facts(demand=(*regular, 10.0))))


def test_a_figure_beside_which_too_little_is_known_is_doubted(make_facts: Make) -> None:
    assert "nothing would be ordered" in doubted(plan(make_facts(demand=(100, 110, 9_400))))[0]


def test_an_interval_longer_than_half_of_the_history_is_compared_by_that_half(make_facts: Make) -> None:
    demand = (*steady(1)[:12], 900.0, 1_000, 950)

    assert "the newest 7 days" in doubted(plan(make_facts(demand=demand, supplier={"promised_lead_time_days": 10})))[0]


def test_the_newest_weeks_of_a_weekly_history_are_compared_by_the_interval(make_facts: Make) -> None:
    demand = steady(2)
    demand[-3:] *= 20
    facts = make_facts(demand=tuple(demand), history={"period_days": 7}, supplier={"promised_lead_time_days": 21})

    assert "the newest 3 periods" in doubted(plan(facts))[0]


SLIPS: dict[str, tuple[dict[str, Any], str]] = {
    "uplift 30 for 30 %": ({"history": {"planned_uplift": 30}}, "1.3 means 30 % more"),
    "uplift 0.3 for 30 %": ({"history": {"planned_uplift": 0.3}}, "1.3 means 30 % more"),
    "backorders": ({"stock": {"on_hand": 20, "backorders": 60_000}}, "Customers wait for 60,000"),
    "lead time": ({"supplier": {"promised_lead_time_days": 700}}, "lead time of 700 days"),
    "lead time beyond a quarter and the history": ({"supplier": {"promised_lead_time_days": 168}}, "168 days are"),
    "lead time beside receipts": (
        {"supplier": {"promised_lead_time_days": 70, "observed_lead_times_days": (7.0, 6, 8)}},
        "receipts took 6 to 8",
    ),
    "lead time too short": (
        {"supplier": {"promised_lead_time_days": 0.7, "observed_lead_times_days": (9.0, 10, 8)}},
        "receipts took 8 to 10",
    ),
    "one receipt": ({"supplier": {"observed_lead_times_days": (7.0,) * 9 + (700.0,)}}, "One receipt took 700 days"),
    "spread of the lead time": ({"supplier": {"lead_time_sd_days": 70}}, "vary by 70"),
    "review period": ({"review_period_days": 700}, "review period of 700 days"),
    "cost of an order": ({"order_cost": Decimal(10**9), "holding_rate": 0.2}, "years of demand"),
    "price break": ({"price_breaks": (PriceBreak(minimum_quantity=900, unit_price=Decimal(5)),)}, "costs 5 in place"),
}


@pytest.mark.parametrize("slip", SLIPS)
@pytest.mark.parametrize("demand", [_steady, _weekdays, _erratic])
def test_a_fact_far_outside_the_product_s_past_is_for_a_person(
    make_facts: Make, slip: str, demand: Callable[[int], Demand]
) -> None:
    terms, words = SLIPS[slip]
    for seed in range(4):
        planned = plan(make_facts(**{"demand": demand(seed), "stock": {"on_hand": 20}} | terms))

        assert words in " ".join(doubted(planned))
        assert decide(planned).route == "review"


@pytest.mark.parametrize(
    "stock",
    [{"on_hand": 30_000}, {"on_hand": 20, "open_orders": (OpenOrder(reference="A", quantity=30_000, due_in_days=3),)}],
)
def test_stock_far_beyond_what_an_order_brings_it_to_is_named(make_facts: Make, stock: dict[str, Any]) -> None:
    planned = plan(make_facts(demand=_steady(1), stock=stock))

    assert planned.recommended_action == "none"
    assert any("check the count" in notice.message for notice in planned.notices)
    usual = plan(make_facts(demand=_steady(1), stock={"on_hand": 2_000}))
    assert not any("check the count" in notice.message for notice in usual.notices)


@pytest.mark.parametrize("on_hand", [20, 5_000])
def test_a_feed_that_stopped_is_named_whether_or_not_something_is_to_be_ordered(make_facts: Make, on_hand: int) -> None:
    planned = plan(make_facts(demand=(*steady(1)[:-20], *[0.0] * 20), stock={"on_hand": on_hand}))

    assert "No demand in the last 20 days" in planned.notices[0].message
    assert decide(planned).route != "auto"


@pytest.mark.parametrize(("unknown", "named"), [(2, False), (8, True)])
def test_a_feed_that_sends_nothing_any_more_is_named_as_one_that_stopped(
    make_facts: Make, unknown: int, named: bool
) -> None:
    demand = (*steady(1)[:-unknown], *[None] * unknown)
    planned = plan(make_facts(demand=demand, stock={"on_hand": 20}))
    known_as_sold_out = frozenset(range(DAYS - unknown, DAYS))
    sold_out = plan(make_facts(demand=demand, history={"stockout_periods": known_as_sold_out}, stock={"on_hand": 0}))

    assert any("Demand data ends 8 days ago" in notice.message for notice in planned.notices) == named
    assert (decide(planned).route, decide(sold_out).route) == ("review" if named else "auto", "auto")


def earlier(quantity: int = 600, price: int = 500, lead_time: float = 7, currency: str = "USD") -> EarlierOrder:
    return EarlierOrder("PO-2026-000009", quantity, Decimal(price), currency, lead_time)


def test_a_purchase_like_the_earlier_ones_is_placed(make_facts: Make) -> None:
    planned = plan(make_facts(demand=_steady(1)))

    assert decide(planned, (earlier(), earlier(400), earlier(150))).route == "auto"
    assert decide(planned, (earlier(50), earlier(50))).route == "auto"
    assert decide(planned, (earlier(price=9, currency="EUR"),)).route == "auto"


@pytest.mark.parametrize(
    ("orders", "words"),
    [
        ((earlier(price=50),), "The price of 500 is far from the 50 of PO-2026-000009"),
        ((earlier(price=5_000),), "far from the 5000"),
        ((earlier(20), earlier(40), earlier(35)), "over 10 times the largest earlier order, 40"),
    ],
)
def test_a_purchase_unlike_the_earlier_ones_is_for_a_person(
    make_facts: Make, orders: tuple[EarlierOrder, ...], words: str
) -> None:
    verdict = decide(plan(make_facts(demand=_steady(1))), orders)

    assert [words in reason for reason in verdict.reasons] == [True]


def test_a_lead_time_unlike_the_last_order_s_is_for_a_person(make_facts: Make) -> None:
    planned = plan(make_facts(demand=_steady(1), supplier={"promised_lead_time_days": 70}))

    assert "far from the 7 of" in decide(planned, (earlier(),)).reasons[0]
    assert decide(planned, (earlier(lead_time=60),)).route == "auto"
