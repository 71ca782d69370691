"""The reordering rules of other systems at their thresholds."""

import pytest

from tests.textbook.order_quantities import minimum_maximum_quantity, reorder_level_quantity


@pytest.mark.parametrize(("forecast", "quantity"), [(9.9, 41), (10, 0), (11, 0)])
def test_a_minimum_rule_triggers_strictly_below_it(forecast: float, quantity: int) -> None:
    assert minimum_maximum_quantity(forecast=forecast, minimum=10, maximum=50) == quantity


@pytest.mark.parametrize(("position", "quantity"), [(10.1, 0), (10, 30), (-30, 40)])
def test_a_reorder_level_triggers_at_the_level_too(position: float, quantity: int) -> None:
    """`<` where `≤` is meant lets the stock-out happen first."""
    assert reorder_level_quantity(position=position, reorder_level=10, reorder_quantity=30) == quantity
