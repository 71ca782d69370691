"""What tools look into: a catalogue, or the one product of a decision."""

from typing import Any

import pytest

from tools.catalog import products
from tools.catalog.products import AllProducts, OneProduct
from tools.catalog.sources import SampleCatalog
from tools.records.errors import InvalidInput
from tools.records.facts import WhatIf
from tools.records.plan import Plan

STEEL = "STEEL_SHEETS"


@pytest.fixture
def calculations(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """One entry for each calculation that is made."""
    made: list[Any] = []
    calculate = products.plan

    def counted(*facts: Any, **others: Any) -> Plan:
        made.append(others)
        return calculate(*facts, **others)

    monkeypatch.setattr(products, "plan", counted)
    return made


async def _one() -> OneProduct:
    facts, *siblings = await SampleCatalog().family(STEEL)
    return OneProduct(facts, siblings)


async def test_the_plan_of_a_decision_is_calculated_once(calculations: list[Any]) -> None:
    product = await _one()

    asked_for = await product.plan(STEEL, None, WhatIf())

    assert product.present_plan is asked_for
    assert len(calculations) == 1


async def test_only_a_calculation_as_things_are_counts_as_one_of_the_run() -> None:
    product = await _one()

    await product.plan(STEEL, None, WhatIf(demand_uplift=2))
    assert not product.calculated
    await product.plan(STEEL, None, WhatIf())
    assert product.calculated


async def test_assumptions_leave_the_plan_of_the_decision_as_it_is() -> None:
    product = await _one()

    assumed = await product.plan(STEEL, None, WhatIf(demand_uplift=2))

    assert assumed.reorder_point > product.present_plan.reorder_point


async def test_a_decision_looks_at_no_other_product_and_no_other_place() -> None:
    product = await _one()

    with pytest.raises(InvalidInput, match="decides on STEEL_SHEETS only"):
        await product.family("COPPER_WIRE", None)
    assert await product.family(STEEL, "elsewhere") == await SampleCatalog().family(STEEL)


async def test_a_plan_from_the_catalogue_counts_what_other_locations_can_give() -> None:
    everything = AllProducts(SampleCatalog())
    plans = [
        await everything.plan(facts.product.id, facts.stock.location, WhatIf())
        for facts in await SampleCatalog().all_facts()
    ]

    assert {plan.recommended_action for plan in plans} == {"purchase_order", "transfer", "none"}
