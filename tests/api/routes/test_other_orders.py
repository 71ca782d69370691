"""Open orders of other systems over HTTP and at the command line: listed, received, cancelled, taken back."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from tests.own_catalogue import keep_bolts, put
from tools.storage import catalogue_schema as tables

TODAY = datetime.now(UTC).date()
LINE = {"reference": "4500017", "product_id": "BOLTS", "location": "SHOP", "supplier_id": "ACME", "quantity": 500.0}
LINE |= {"received": 20.0, "ordered_on": None, "due_on": (TODAY - timedelta(3)).isoformat()}
WHICH = {"reference": "4500017", "product_id": "BOLTS"}
ADDRESS = "/orders-elsewhere"


@pytest.fixture
def engine(service: Any) -> sa.Engine:
    """500 BOLTS on order elsewhere; 20 on hand."""
    engine: sa.Engine = service.book.database.engine
    keep_bolts(engine)
    put(engine, tables.purchase_lines, LINE)
    return engine


def stored(engine: sa.Engine, table: sa.Table) -> list[Any]:
    with engine.connect() as connection:
        return list(connection.execute(sa.select(table)).mappings())


async def test_they_are_listed_what_is_due_first_before_the_others(client: Any, engine: sa.Engine) -> None:
    put(engine, tables.purchase_lines, LINE | {"reference": "4500018", "due_on": None})
    page = (await client.get(ADDRESS, params={"supplier": "ACME", "limit": 1})).json()
    assert (page["orders"][0]["reference"], page["orders"][0]["quantity"], page["total"]) == ("4500017", 500, 2)
    assert (await client.get(ADDRESS, params={"skip": 1})).json()["orders"][0]["reference"] == "4500018"
    assert (await client.get(ADDRESS, params={"product_id": "NUTS"})).json() == {"orders": [], "total": 0}


async def test_a_part_and_the_rest_arrive_once_each_and_teach_how_late_they_are(client: Any, engine: sa.Engine) -> None:
    for _ in range(2):
        key = {"Idempotency-Key": "first"}
        part = await client.post(f"{ADDRESS}/receipts", json=WHICH | {"quantity": 300}, headers=key)
    assert part.status_code == 200
    assert [line["quantity"] for line in stored(engine, tables.purchase_lines)] == [200]
    rest = (await client.post(f"{ADDRESS}/receipts", json=WHICH)).json()
    assert stored(engine, tables.purchase_lines) == []
    assert [row["on_hand"] for row in stored(engine, tables.stock)] == [520]
    [receipt] = stored(engine, tables.supplier_receipts)
    assert (receipt["quantity"], receipt["due_on"], receipt["received_on"]) == (500, LINE["due_on"], TODAY.isoformat())
    await client.post(f"/imports/{rest['number']}/undo", json={})
    assert [row["on_hand"] for row in stored(engine, tables.stock)] == [320]


async def test_what_will_not_come_is_cancelled_with_its_reason(client: Any, engine: sa.Engine) -> None:
    cancelled = await client.post(f"{ADDRESS}/cancel", json=WHICH | {"reason": "given up"})
    assert "500 of BOLTS were cancelled: given up" in cancelled.json()["notes"]
    assert (stored(engine, tables.purchase_lines), stored(engine, tables.supplier_receipts)) == ([], [])


async def test_what_cannot_be_is_refused(client: Any, engine: sa.Engine, problem: Any) -> None:
    put(engine, tables.purchase_lines, LINE | {"location": "DEPOT"})
    soon = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    there = WHICH | {"location": "SHOP"}
    either = problem(await client.post(f"{ADDRESS}/receipts", json=WHICH), 422, "invalid_input")
    later = problem(await client.post(f"{ADDRESS}/receipts", json=there | {"received_at": soon}), 422, "invalid_input")
    assert ("DEPOT, SHOP" in either["detail"], "in the future" in later["detail"]) == (True, True)
    unknown = {"reference": "1", "product_id": "BOLTS"}
    problem(await client.post(f"{ADDRESS}/cancel", json=unknown | {"reason": "x"}), 404, "unknown_order")
    assert len(stored(engine, tables.purchase_lines)) == 2
