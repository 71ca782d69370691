"""What would fill a draft up: the products that are ordered next, in their supplier's quantities."""

from decimal import Decimal
from typing import Any

import pytest

from tools.purchasing.filling import fill_up


def facts_of(make_facts: Any, name: str, on_hand: float, **product: Any) -> Any:
    """Sells 120 a day with a lead time of 7 days, so its reorder point is about 900."""
    terms = {"id": name, "name": name.title(), "unit_price": Decimal(1), "currency": "EUR"} | product
    return make_facts(stock={"on_hand": on_hand}, **terms)


def filled(make_facts: Any, missing: int, *everything: Any, skip: tuple[str, ...] = ()) -> list[tuple[str, float]]:
    found = fill_up(everything, missing=Decimal(missing), currency="EUR", skip=skip)
    return [(line.product_id, line.quantity) for line in found]


def test_the_product_nearest_to_its_reorder_point_comes_first(make_facts: Any) -> None:
    far, near = facts_of(make_facts, "FAR", 3_000), facts_of(make_facts, "NEAR", 1_000)
    assert filled(make_facts, 100, far, near) == [("NEAR", 100)]


def test_each_brings_what_it_sells_in_an_interval_and_then_the_next_one_comes(make_facts: Any) -> None:
    far, near = facts_of(make_facts, "FAR", 3_000), facts_of(make_facts, "NEAR", 1_000)
    assert filled(make_facts, 1_000, far, near) == [("NEAR", 840), ("FAR", 160)]
    assert filled(make_facts, 9_999, far, near) == [("NEAR", 840), ("FAR", 840)]


def test_quantities_are_in_the_suppliers_minimum_and_multiple(make_facts: Any) -> None:
    boxed = facts_of(make_facts, "BOXED", 1_000, minimum_order_quantity=50, order_multiple=12)
    assert filled(make_facts, 10, boxed) == [("BOXED", 60)]
    assert filled(make_facts, 61, boxed) == [("BOXED", 72)]


def test_a_cap_is_kept(make_facts: Any) -> None:
    assert filled(make_facts, 500, facts_of(make_facts, "CAPPED", 1_000, maximum_order_quantity=30)) == [("CAPPED", 30)]


def test_the_price_is_that_of_the_quantity(make_facts: Any) -> None:
    breaks = ({"minimum_quantity": 100, "unit_price": Decimal("0.8")},)
    [line] = fill_up([facts_of(make_facts, "A", 1_000, price_breaks=breaks)], missing=Decimal(100), currency="EUR")
    assert (line.quantity, line.unit_price, line.value) == (100, Decimal("0.8"), 80)
    assert line.words == "100 × A (80.00 EUR)"


@pytest.mark.parametrize("change", [{"unit_price": None}, {"currency": "USD"}, {"unit_price": Decimal(0)}])
def test_what_has_no_price_in_the_currency_fills_nothing(make_facts: Any, change: dict[str, Any]) -> None:
    assert filled(make_facts, 100, facts_of(make_facts, "A", 1_000, **change)) == []


def test_what_does_not_sell_or_is_a_line_already_fills_nothing(make_facts: Any) -> None:
    still = make_facts(demand=(0.0,) * 30, id="STILL", unit_price=Decimal(1), currency="EUR")
    assert filled(make_facts, 100, still) == []
    assert filled(make_facts, 100, facts_of(make_facts, "A", 1_000), skip=("A",)) == []


def test_one_that_is_at_its_reorder_point_is_due_now(make_facts: Any) -> None:
    [line] = fill_up([facts_of(make_facts, "A", 100)], missing=Decimal(5), currency="EUR")
    assert line.days_to_reorder_point == 0
