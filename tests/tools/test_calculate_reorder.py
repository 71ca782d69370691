"""The model's calculator: the plan as it is, or under what is assumed."""

from typing import Any

import pytest

from tools.calculate_reorder import calculate_reorder
from tools.catalog.products import OneProduct, plan_of
from tools.catalog.sources import SampleCatalog
from tools.planning.confidence import assess
from tools.planning.replenishment import plan

STEEL = "STEEL_SHEETS"


@pytest.fixture
async def steel() -> OneProduct:
    return OneProduct(await SampleCatalog().facts(STEEL))


async def test_each_assumption_gives_the_plan_of_facts_that_are_so(steel: OneProduct) -> None:
    facts = steel.facts
    lead = plan_of([facts]).lead_time_days
    stock = facts.model_copy(update={"stock": facts.stock.model_copy(update={"on_hand": 900.0})})
    review = facts.model_copy(update={"product": facts.product.model_copy(update={"review_period_days": 14.0})})
    assumed: dict[str, tuple[dict[str, Any], float]] = {
        "stock on hand": ({"on_hand": 900.0}, plan(stock).order_quantity),
        "review period": ({"review_period_days": 14.0}, plan(review).order_quantity),
    }
    for what, (arguments, quantity) in assumed.items():
        told = await calculate_reorder(steel, STEEL, **arguments)
        assert told["order_quantity"] == quantity, what
        assert told["assumptions"] == arguments
    late = await calculate_reorder(steel, STEEL, days_late=14.0)
    longer = await calculate_reorder(steel, STEEL, lead_time_days=lead + 14)
    assert late["lead_time_days"] == pytest.approx(lead + 14, abs=1e-3)
    assert (late["order_quantity"], late["reorder_point"]) == (longer["order_quantity"], longer["reorder_point"])
    assert late["order_quantity"] > plan(facts).order_quantity
    assert not any(notice.startswith("Receipts") for notice in late["warnings"])


async def test_another_quantity_is_told_what_becomes_of_it_and_changes_no_plan(steel: OneProduct) -> None:
    now = plan(steel.facts)
    told = await calculate_reorder(steel, STEEL, quantity=600.0)
    then = told["if_ordered"]
    assert told["order_quantity"] == now.order_quantity
    assert then["inventory_position_after"] == now.inventory_position + 600
    assert then["missing_to_reorder_point"] == pytest.approx(now.reorder_point - now.inventory_position - 600)
    assert then["confidence"] == pytest.approx(assess(now, 600).value, abs=1e-4)
    assert then["order_value"] == 600 * float(now.unit_price or 0)
    assert 0 < then["chance_to_last_until_the_next_delivery"] < 0.95
    assert f"{now.minimum_quantity} to {now.maximum_quantity}" in then["objection"]
    enough = (await calculate_reorder(steel, STEEL, quantity=float(now.order_quantity)))["if_ordered"]
    assert (enough["missing_to_reorder_point"], enough["objection"]) == (0, None)
    assert enough["chance_to_last_until_the_next_delivery"] > 0.95
