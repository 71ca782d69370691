"""Orders as lines of a file."""

from typing import Any

from tools.purchasing.table import order_row


async def test_a_line_has_its_unit_and_is_a_draft_until_its_document_is_sent(placed: Any, documents: Any) -> None:
    order = await placed(product_id="FLOUR")
    row = order_row(order, {"FLOUR": "kg"})
    assert (row["unit"], row["status"]) == ("kg", "draft")
    assert order_row(order.model_copy(update={"status": "sent"}), {})["status"] == "sent"
