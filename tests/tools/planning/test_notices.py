"""Which notices stop an order from being placed without a person, and which only inform."""

from collections.abc import Callable
from decimal import Decimal

import numpy as np
import pytest

from tools.planning.replenishment import plan
from tools.records.facts import OpenOrder, PriceBreak, ProductFacts, WhatIf
from tools.records.plan import Notice

Make = Callable[..., ProductFacts]

STEADY = tuple(np.random.default_rng(1).poisson(12, 200).astype(float))
LATE = OpenOrder(reference="PO-9", quantity=50, due_in_days=-3)
LOST = OpenOrder(reference="PO-8", quantity=50, due_in_days=-30)


def notices(facts: ProductFacts, what_if: WhatIf | None = None) -> dict[str, Notice]:
    return {notice.code: notice for notice in plan(facts, what_if=what_if or WhatIf()).notices}


def test_an_ordinary_product_has_nothing_to_say(make_facts: Make) -> None:
    assert notices(make_facts(demand=STEADY)) == {}


def test_what_blocks_comes_first(make_facts: Make) -> None:
    found = plan(make_facts(data_age_days=50, demand=STEADY[:5])).notices
    assert [notice.blocks_automatic for notice in found] == [True, False]


@pytest.mark.parametrize(
    ("order", "words"),
    [(LATE, ("PO-9", "3 days overdue", "25 are counted")), (LOST, ("PO-8", "far later than", "not counted"))],
)
def test_an_overdue_order_is_named_with_what_counts_of_it(
    make_facts: Make, order: OpenOrder, words: tuple[str, ...]
) -> None:
    notice = notices(make_facts(stock={"on_hand": 0, "open_orders": (order,)}))["overdue_order"]
    assert all(word in notice.message for word in words)
    assert not notice.blocks_automatic


def test_an_order_that_is_late_as_usual_is_named_and_counts(make_facts: Make) -> None:
    facts = make_facts(supplier={"observed_lead_times_days": (7.0, 12.0)}, stock={"on_hand": 0, "open_orders": (LATE,)})
    assert "PO-9 of 50 is 3 days overdue, no more than" in notices(facts)["overdue_order"].message


def test_an_overdue_order_that_changes_nothing_does_not_block(make_facts: Make) -> None:
    assert "overdue_order_decides" not in notices(make_facts(stock={"on_hand": 0, "open_orders": (LATE,)}))
    assert "overdue_order_decides" not in notices(make_facts(stock={"on_hand": 5000, "open_orders": (LATE,)}))


@pytest.mark.parametrize(("sales", "blocked"), [(2, True), (3, False)])
def test_three_sales_are_enough_to_order_by(make_facts: Make, sales: int, blocked: bool) -> None:
    demand = tuple(5.0 if index in (4, 9, 13)[:sales] else 0.0 for index in range(15))
    assert ("few_sales" in notices(make_facts(demand=demand))) is blocked


def test_a_supplier_who_is_late_on_average_is_named(make_facts: Make) -> None:
    late = notices(make_facts(demand=STEADY, supplier={"observed_lead_times_days": (9.0,) * 10}))
    assert "promises 7 days and took 9.0" in late["lead_time_longer"].message
    on_time = notices(make_facts(demand=STEADY, supplier={"observed_lead_times_days": (7.0,) * 10}))
    assert on_time == {}


def test_a_constant_history_is_taken_to_vary_by_chance_unless_stated(make_facts: Make) -> None:
    assert "zero_variance" in notices(make_facts(demand=(30.0,) * 20))
    assert "zero_variance" not in notices(make_facts(demand=(30.0,) * 20, history={"deterministic": True}))


def test_a_cheaper_tier_is_pointed_out_only_where_its_total_is_no_more(make_facts: Make) -> None:
    def tier(price: int) -> tuple[PriceBreak, ...]:
        return (PriceBreak(minimum_quantity=800, unit_price=Decimal(price)),)

    assert "800 units at 460" in notices(make_facts(price_breaks=tier(460)))["price_break"].message
    assert "price_break" not in notices(make_facts(price_breaks=tier(470)))


def test_an_assumption_blocks(make_facts: Make) -> None:
    assert notices(make_facts(), WhatIf(demand_uplift=1.1))["what_if"].blocks_automatic


def test_an_order_due_just_after_the_interval_that_would_meet_the_need_asks_for_a_person(make_facts: Make) -> None:
    later = OpenOrder(reference="PO-7", quantity=5_000, due_in_days=8)
    found = notices(make_facts(demand=STEADY, stock={"on_hand": 5, "open_orders": (later,)}))

    assert "PO-7" in found["later_order"].message
    assert found["later_order_decides"].blocks_automatic


def test_an_order_due_later_that_would_not_meet_the_need_is_only_named(make_facts: Make) -> None:
    later = OpenOrder(reference="PO-7", quantity=1, due_in_days=8)
    found = notices(make_facts(demand=STEADY, stock={"on_hand": 5, "open_orders": (later,)}))

    assert "later_order" in found
    assert "later_order_decides" not in found
