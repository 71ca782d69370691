"""GET /today: every product in pages that fit together, and as CSV."""

import csv
from collections.abc import Callable
from io import StringIO
from typing import Any

import httpx
import pytest

Problem = Callable[[httpx.Response, int, str], dict[str, Any]]


async def test_pages_go_on_in_their_version_although_an_order_is_placed_between_them(service: Any) -> None:
    page = (await service.client.get("/today", params={"limit": 30})).json()
    rows, version = page["rows"], page["version"]
    await service.trigger({"product_id": "STEEL_SHEETS", "mode": "mock"})
    while page["next"]:
        page = (await service.client.get("/today", params={"limit": 30, "after": page["next"]})).json()
        rows += page["rows"]
        assert page["version"] == version
    places = [(row["product_id"], row["location"]) for row in rows]
    assert len(places) == len(set(places)) == page["total"] == 70
    assert (await service.client.get("/today")).json()["version"] != version


async def test_a_row_has_the_numbers_of_the_products_calculation(service: Any) -> None:
    [row] = (await service.client.get("/today", params={"text": "steel_sheets", "location": "Chicago"})).json()["rows"]
    plan = (await service.client.get("/debug/STEEL_SHEETS", params={"location": "Chicago"})).json()
    assert (row["reorder_point"], row["quantity"]) == (plan["reorder_point"], plan["recommended_quantity"])
    assert (row["value"], row["reason"]) == (
        plan["calculation"]["order_value"],
        plan["trigger_reason"].replace("\n", " "),
    )


async def test_filters_sort_and_counts_are_of_all_pages(service: Any) -> None:
    asked = {"status": ["order_now", "late_order"], "sort": "-value", "limit": 5}
    page = (await service.client.get("/today", params=asked)).json()
    assert page["total"] == sum(page["counts"].values()) > 5
    assert page["counts"].keys() == {"order_now", "late_order"}
    values = [row["value"] for row in page["rows"]]
    assert values == sorted(values, reverse=True)


@pytest.mark.parametrize("way", [{"params": {"format": "csv"}}, {"headers": {"Accept": "text/csv, */*;q=0.1"}}])
async def test_csv_has_every_row_whatever_the_pages_length(service: Any, way: dict[str, Any]) -> None:
    response = await service.client.get("/today", **way)
    assert response.headers["content-type"] == "text/csv; charset=utf-8"
    rows = list(csv.DictReader(StringIO(response.text)))
    assert len(rows) == 70
    assert list(rows[0])[:3] == ["product_id", "name", "location"]


@pytest.mark.parametrize("asked", [{"after": "x"}, {"after": "%%%"}, {"sort": "price"}, {"status": "low"}])
async def test_what_cannot_be_meant_is_refused(service: Any, asked: dict[str, str]) -> None:
    assert (await service.client.get("/today", params=asked)).status_code == 422


async def test_a_page_of_a_list_that_is_no_longer_kept_goes_on_after_the_same_row(service: Any) -> None:
    page = (await service.client.get("/today", params={"limit": 30, "sort": "product_id"})).json()
    service.runtime.today._kept.clear()
    await service.trigger({"product_id": "STEEL_SHEETS", "mode": "mock"})
    rest = {"limit": 200, "sort": "product_id", "after": page["next"]}
    following = (await service.client.get("/today", params=rest)).json()
    assert following["version"] != page["version"]
    places = [(row["product_id"], row["location"]) for row in page["rows"] + following["rows"]]
    assert len(places) == len(set(places)) == 70
