"""The kind of a file by its columns, and the role of each column by its name."""

import pytest

from tools.catalog.reading import read_file
from tools.records.errors import UnclearColumns


@pytest.mark.parametrize(
    ("columns", "kind"),
    [
        ("Date,Order no,SKU,Qty,Customer,Location", "sales"),
        ("SKU,Location,On hand", "stock"),
        ("SKU,Description,Supplier,Unit cost,Currency,MOQ,Pack size,Lead time (days),UoM", "products"),
        ("supplier_id,supplier_name,currency,lead_time_days,min_order_value", "suppliers"),
        ("PO,Supplier,SKU,Qty open,Expected date", "open_orders"),
        ("PO,Supplier,SKU,Quantity,Received date", "receipts"),
        ("SKU,Start,End,Uplift", "promotions"),
    ],
)
def test_a_file_is_what_its_columns_say(columns: str, kind: str) -> None:
    empty = "," * columns.count(",")
    assert read_file(f"{columns}\n{empty}\n".encode(), name="file.csv").kind == kind


def test_columns_of_no_known_kind_are_refused_with_the_way_out() -> None:
    with pytest.raises(UnclearColumns, match=r"colour, size.*--kind"):
        read_file(b"colour,size\nred,2\n", name="file.csv")
