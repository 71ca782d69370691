"""Files and requests that an earlier version got wrong, as they were published: each has its right outcome.

They are in the folder that RESTOCK_DATA names. What is like them, and no copy, is beside the code that reads it.
"""

import json
import os
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
import pandas as pd
import pytest

FILE = Path(os.environ.get("RESTOCK_DATA", "")) / "cases" / "own_data.json"
CASES: dict[str, dict[str, Any]] = {}
if "RESTOCK_DATA" in os.environ and FILE.is_file():
    CASES = {case["id"]: case["input"] for case in json.loads(FILE.read_text("utf-8"))}
pytestmark = pytest.mark.skipif(not CASES, reason="set RESTOCK_DATA to the folder that holds cases/own_data.json")

TEN_A_DAY = {"A1": (86, 92)}
"""The level of what sells about ten a day, for seven days of lead time."""
LEVELS: dict[str, Mapping[str, tuple[float, float]]] = {
    "w-aggregates": {"P1": (10, 25)},
    "w-thousands": {"B2": (1_150, 1_400), "C3": (52, 68)},
    "w-newest-first": {"A1": (120, 180)},
    "w-shopify": {"Mug": (6, 30)},
    "w-totals-row": {"A1": (11, 20), "B2": (1_150, 1_400)},
    "r-monthly-as-daily": {"A1": (1_150, 1_400)},
    "n-dot-thousands": {"A1": (7 * 1_050, 8_500)},
    "d-year-month-columns": {"A1": (1_150, 1_400)},
    "e-cp1252": {"Müsli": (86, 92)},
    "c-units-sold": {"P1": (86, 92)},
    "p-locations": {"A1 at North": (86, 92), "A1 at South": (86, 92)},
}
"""What each product's level has to lie between; `TEN_A_DAY` for the others."""
SAID = {
    "w-aggregates": "not used: MIN, MAX, Normalized 0",
    "w-shopify": "product_id = 'Lineitem name'",
    "w-totals-row": "1 line with totals: left out",
    "r-status": "31 lines cancelled or refunded: no demand",
    "r-monthly-as-daily": "The quantities are of whole months",
    "d-year-month-columns": "The quantities are of whole months",
    "n-apostrophe-minus": "returns, which do not lower demand",
    "c-revenue": "not used: sales",
    "c-units-sold": "not used: Inventory Level",
}


def named(row: "pd.Series[Any]") -> str:
    return (
        f"{row['product_id']} at {row['location']}"
        if "location" in row and row["product_id"] == "A1"
        else row["product_id"]
    )


@pytest.mark.parametrize("case", [name for name, sent in CASES.items() if "command" in sent])
def test_a_published_file_has_its_right_plan(case: str, run: Any, tmp_path: Path) -> None:
    sent = CASES[case]
    for name, content in sent["files"].items():
        text, encoding = (content, "utf-8") if isinstance(content, str) else (content["text"], content["encoding"])
        (tmp_path / name).write_bytes(text.encode(encoding))

    done = run(*shlex.split(sent["command"])[1:], "--out", "plans.csv")

    assert done.exit_code == 0, done.output
    plans = pd.read_csv("plans.csv")
    found = {named(row): row["reorder_point"] for _, row in plans.iterrows() if pd.notna(row["reorder_point"])}
    expected = LEVELS.get(case, TEN_A_DAY)
    assert found.keys() == expected.keys()
    for product, (least, most) in expected.items():
        assert least <= found[product] <= most, (product, found[product])
    assert SAID.get(case, "sales") in done.stderr


async def answered(client: httpx.AsyncClient, case: str, **changes: Any) -> dict[str, Any]:
    path = CASES[case]["request"].split()[1]
    response = await client.post(path, json=CASES[case]["body"] | changes)
    assert response.status_code == 200, response.text
    return dict(response.json())


async def test_published_kilograms_are_planned_as_grams(client: httpx.AsyncClient) -> None:
    body = CASES["u-kilograms"]["body"]
    grams = {"current_stock": 500, "demand_history": [round(1000 * each) for each in body["demand_history"]]}
    kilograms, whole = [await answered(client, "u-kilograms", **more) for more in ({}, grams | {"product_id": "g"})]
    assert kilograms["calculation"]["reorder_point"] == pytest.approx(2.633)
    assert whole["calculation"]["reorder_point"] == pytest.approx(2633)
    assert (kilograms["recommended_quantity"], whole["recommended_quantity"]) == (3, 2134)


async def test_published_cases_are_planned_as_pieces(client: httpx.AsyncClient) -> None:
    pieces = [700 + place * 37 % 201 for place in range(60)]
    history = [each / 144 for each in pieces]
    as_cases = await answered(client, "u-cases", demand_history=history)
    as_pieces = await answered(
        client, "u-cases", product_id="pieces", demand_history=pieces, current_stock=2000, order_multiple=144
    )
    level = as_pieces["calculation"]["reorder_point"]
    assert as_cases["calculation"]["reorder_point"] == pytest.approx(level / 144, rel=0.01)
    assert as_cases["recommended_quantity"] == as_pieces["recommended_quantity"] / 144


async def test_published_whole_numbers_with_a_point_are_taken(client: httpx.AsyncClient) -> None:
    assert (await answered(client, "a-float-integers"))["recommended_quantity"] == 108


@pytest.mark.parametrize(
    ("case", "said"),
    [
        ("q-other-product", ("STEEL_SHEETS at Chicago: ", "I did not use: ")),
        ("q-partial-delivery", ("RUBBER_SHEETS at Chicago, with an order of only 60",)),
    ],
)
async def test_a_published_question_is_answered_about_its_product(
    client: httpx.AsyncClient, case: str, said: tuple[str, ...]
) -> None:
    answer = (await answered(client, case))["answer"]
    assert all(words in answer for words in said), answer
    assert "SAFETY_HELMETS at" not in answer
