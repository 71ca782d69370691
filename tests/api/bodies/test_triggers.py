"""What a request becomes before anything decides on it."""

from typing import Any

from api.bodies.triggers import InlineTrigger


def sent(**fields: Any) -> InlineTrigger:
    needed = {"mode": "input", "product_id": "X1", "current_stock": 7, "demand_history": [3, 1, 4], "lead_time_days": 4}
    return InlineTrigger.model_validate(needed | fields)


def test_every_text_that_comes_with_a_request_is_cleaned() -> None:
    body = sent(
        product_name="Blue\u2066 mug",
        category="\u202emugs",
        notes="for\u200b sale",
        unit="p\x00cs",
        purchase_unit="ca\u3164ses",
        supplier="Acme\u202e Ltd",
    )

    facts = body.to_request(requested_by="erp").facts
    assert facts is not None
    assert (facts.product.name, facts.product.category, facts.product.notes) == ("Blue mug", "mugs", "for sale")
    assert (facts.product.unit, facts.product.purchase_unit, facts.supplier.name) == ("pcs", "cases", "Acme Ltd")
