"""What a decision begins with: the facts of its catalogue, or those that came with the request."""

from typing import Any

import pytest

from agent.state import DecisionRequest
from tools.catalog.products import Catalogs, ModeUnavailable
from tools.catalog.sources import SampleCatalog
from tools.records.errors import InvalidInput
from tools.records.facts import DemandHistory, Product, ProductFacts, Stock, Supplier

CATALOGS = Catalogs({"mock": SampleCatalog()})


def facts(product_id: str = "X1", location: str = "Ghent", **product: Any) -> ProductFacts:
    return ProductFacts(
        product=Product(id=product_id, name=product.pop("name", "Widget"), **product),
        supplier=Supplier(id="S1", name="Acme", promised_lead_time_days=4),
        stock=Stock(location=location, on_hand=7),
        demand=DemandHistory(values=(3, 1, 4)),
        source="input",
    )


def sent(facts: ProductFacts, **changes: Any) -> DecisionRequest:
    return DecisionRequest(**{"product_id": facts.product.id, "mode": "input", "facts": facts} | changes)


async def test_facts_of_another_product_or_location_than_asked_for_are_refused() -> None:
    with pytest.raises(InvalidInput, match="X1 at Ghent"):
        await CATALOGS.look_up(sent(facts(), product_id="X2"))
    with pytest.raises(InvalidInput, match="X1 at Ghent"):
        await CATALOGS.look_up(sent(facts(), location="Namur"))


async def test_the_location_is_the_products_home_unless_another_is_named() -> None:
    home = await CATALOGS.look_up(DecisionRequest(product_id="COPPER_WIRE", mode="mock"))
    other = await CATALOGS.look_up(DecisionRequest(product_id="COPPER_WIRE", mode="mock", location="Newark"))

    assert {home.facts.stock.location, other.facts.stock.location} == {"Chicago", "Newark"}
    assert [each.stock.location for each in other.siblings] == ["Chicago"]


async def test_a_service_level_asked_for_replaces_the_products_own() -> None:
    product = await CATALOGS.look_up(DecisionRequest(product_id="STEEL_SHEETS", mode="mock", service_level=0.77))

    assert product.present_plan.service_level == 0.77


async def test_a_mode_without_a_catalogue_names_those_that_there_are() -> None:
    with pytest.raises(ModeUnavailable, match="use one of: input, mock"):
        await CATALOGS.look_up(DecisionRequest(product_id="STEEL_SHEETS", mode="database"))
