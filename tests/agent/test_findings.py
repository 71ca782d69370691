"""What a page shows of the results beside an answer."""

import json
from typing import Any

from langchain_core.messages import AIMessage, AnyMessage, ToolMessage

from agent.findings import MOST_COLUMNS, MOST_PRODUCTS, MOST_ROWS, MOST_TABLES, found


def result(value: Any, tool: str = "find_products", **more: Any) -> AnyMessage:
    text = value if isinstance(value, str) else json.dumps(value)
    return ToolMessage(text, tool_call_id="1", name=tool, **more)


def test_rows_of_a_result_are_a_table_with_what_fits_into_cells() -> None:
    rows = [
        {"product_id": "X1", "on_hand": 0, "late": True, "value": {"EUR": 29400.5}, "open_orders": [{"number": "1"}]},
        {"product_id": "X2", "supplier": "Acme\u202e", "reasons": ["Too late.", "Too much."], "note": ""},
    ]

    (table,) = found([result({"total": 2, "products": rows}), AIMessage("Two.")]).tables

    assert (table.tool, table.columns) == (
        "find_products",
        ("product_id", "on_hand", "late", "value", "supplier", "reasons"),
    )
    assert table.rows == (
        ("X1", 0, True, "29,400.50 EUR", None, None),
        ("X2", None, None, None, "Acme", "Too late. Too much."),
    )


def test_tables_are_bounded_and_the_newest_stay() -> None:
    rows = [{f"field{column}": row for column in range(30)} for row in range(100)]

    tables = found([result({"rows": rows}, f"tool{number}") for number in range(9)]).tables

    assert [table.tool for table in tables] == ["tool6", "tool7", "tool8"]
    assert len(tables) == MOST_TABLES
    assert {(len(table.columns), len(table.rows)) for table in tables} == {(MOST_COLUMNS, MOST_ROWS)}
    assert tables[0].columns[0] == "field0"


def test_products_are_known_by_id_and_name_and_by_location_if_there_is_one() -> None:
    row = {"product_id": "X1", "name": "Steel sheets", "location": "Chicago"}
    change = {"product_id": "X2", "product_name": "Wire", "location": "Newark"}
    results = [result(row, "get_product"), result({"orders": [change, change | {"location": "Dallas"}]}, "find_orders")]

    assert found(results).products == {
        "X1": ("X1", "Chicago"),
        "Steel sheets": ("X1", "Chicago"),
        "X2": ("X2", ""),
        "Wire": ("X2", ""),
    }
    many = {"rows": [{"product_id": f"P{number}"} for number in range(500)]}
    assert len(found([result(many)]).products) == MOST_PRODUCTS


def test_errors_and_results_that_cannot_be_read_show_nothing() -> None:
    rows = {"products": [{"product_id": "X1"}]}
    shown = found([result(rows, status="error"), result("no JSON"), result("[1, 2]"), result({"rows": [1]})])

    assert (shown.products, shown.tables) == ({}, ())
