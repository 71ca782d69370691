"""The own catalogue by the API: products, suppliers, stock and demand, one by one and in bulk."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

YESTERDAY = (datetime.now(UTC) - timedelta(days=1)).date()


async def test_a_product_is_made_replaced_and_shown(client: Any, problem: Any) -> None:
    problem(await client.get("/products/A 1"), 404, "unknown_product")
    made = await client.put("/products/A 1", json={"name": "Bolt", "supplier": "Acme", "unit_price": 1.25})
    assert (made.status_code, made.json()["supplier"], made.json()["unit_price"]) == (200, "Acme", 1.25)

    replaced = (await client.put("/products/A 1", json={"lead_time_days": 7})).json()

    assert (replaced["name"], replaced["lead_time_days"], replaced.get("unit_price")) == ("A 1", 7, None)
    assert (await client.get("/products/A 1")).json() == replaced


async def test_a_supplier_is_made_replaced_and_shown(client: Any, problem: Any) -> None:
    problem(await client.get("/suppliers/S1"), 404, "unknown_supplier")
    terms = {"name": "Acme", "lead_time_days": 7, "order_days": ["thu", "mon"], "currency": "EUR"}
    made = (await client.put("/suppliers/S1", json=terms)).json()
    assert made["order_days"] == ["mon", "thu"]
    assert (await client.put("/suppliers/S1", json={"name": "Acme"})).json().get("lead_time_days") is None
    assert (await client.get("/suppliers")).json()["suppliers"][0]["id"] == "S1"


async def test_products_are_listed_in_pages_without_gaps_and_filtered(client: Any) -> None:
    for number in range(5):
        body = {"name": f"Bolt {number}", "supplier": "Acme" if number % 2 else "Best", "category": "bolts"}
        await client.put(f"/products/P{number}", json=body)

    first = (await client.get("/products", params={"limit": 3})).json()
    second = (await client.get("/products", params={"limit": 3, "after": first["next"]})).json()
    assert [each["id"] for each in first["products"] + second["products"]] == ["P0", "P1", "P2", "P3", "P4"]
    assert (first["total"], second["next"]) == (5, None)
    assert (await client.get("/products", params={"supplier": "Acme"})).json()["total"] == 2
    await client.put("/suppliers/Acme", json={"name": "Acme Fasteners"})
    assert (await client.get("/products", params={"supplier": "Acme Fasteners"})).json()["total"] == 2
    assert (await client.get("/products", params={"text": "bolt 3"})).json()["products"][0]["id"] == "P3"
    assert (await client.get("/products", params={"category": "nuts"})).json()["total"] == 0


async def test_stock_levels_in_bulk_may_be_sent_again(service: Any) -> None:
    levels = {"levels": [{"product_id": "A1", "on_hand": 4}, {"product_id": "B2", "location": "NORTH", "on_hand": -2}]}
    first = (await service.client.post("/stock", json=levels)).json()
    again = (await service.client.post("/stock", json=levels)).json()
    assert first["counts"]["stock"]["new"] == 2
    assert again["counts"]["stock"] == {"new": 0, "changed": 0, "unchanged": 2, "gone": 0}
    assert any("A1, B2" in note for note in first["notes"])


async def test_movements_are_added_once_and_need_a_key(service: Any, problem: Any) -> None:
    await service.client.post("/stock", json={"levels": [{"product_id": "A1", "on_hand": 4}]})
    moved = {"movements": [{"product_id": "A1", "quantity": 10}, {"product_id": "A1", "quantity": -3}]}
    problem(await service.client.post("/stock", json=moved), 422, "invalid_input")
    for _ in range(2):
        await service.client.post("/stock", json=moved, headers={"Idempotency-Key": "m1"})
    with service.book.database.engine.begin() as connection:
        assert connection.exec_driver_sql("SELECT on_hand FROM stock").scalar_one() == 11


async def test_a_movement_takes_nothing_from_what_has_arrived_since_the_count(service: Any) -> None:
    await service.client.put("/products/A1", json={"lead_time_days": 7, "unit_price": 2, "supplier": "Acme"})
    await service.client.post("/stock", json={"levels": [{"product_id": "A1", "on_hand": 3}]})
    days = [{"product_id": "A1", "day": str(YESTERDAY - timedelta(days=n)), "quantity": 10 + n % 3} for n in range(60)]
    await service.client.post("/demand", json={"days": days})
    waiting = (await service.client.post("/inventory-trigger", json={"product_id": "A1", "mode": "database"})).json()
    decision = {"decision": "approve", "reason": "needed"}
    order = (await service.client.post(f"/reviews/{waiting['review_id']}/decision", json=decision)).json()["order"]
    await service.client.post(f"/orders/{order['number']}/receipts", json={"quantity": 40})

    moved = {"movements": [{"product_id": "A1", "quantity": -2}]}
    await service.client.post("/stock", json=moved, headers={"Idempotency-Key": "m1"})

    debugged = (await service.client.get("/debug/A1", params={"mode": "database"})).json()
    assert debugged["current_stock"] == 3 + 40 - 2


async def test_what_was_brought_in_by_the_api_is_planned(service: Any) -> None:
    await service.client.put("/products/A1", json={"lead_time_days": 7, "unit_price": 2, "supplier": "Acme"})
    await service.client.post("/stock", json={"levels": [{"product_id": "A1", "on_hand": 3}]})
    days = [{"product_id": "A1", "day": str(YESTERDAY - timedelta(days=n)), "quantity": 10 + n % 3} for n in range(60)]
    assert (await service.client.post("/demand", json={"days": days})).status_code == 200

    answer = (await service.client.get("/debug/A1", params={"mode": "database"})).json()

    assert answer["would_trigger"]
    assert answer["calculation"]["mean_per_day"] == pytest.approx(11, abs=1)


async def test_a_day_of_demand_replaces_only_that_day(service: Any) -> None:
    def body(*quantities: float) -> dict[str, Any]:
        days = [str(YESTERDAY - timedelta(days=n)) for n in range(len(quantities))]
        return {"days": [{"product_id": "A1", "day": d, "quantity": q} for d, q in zip(days, quantities, strict=True)]}

    await service.client.post("/demand", json=body(1, 2, 3))
    changed = (await service.client.post("/demand", json=body(9))).json()
    assert changed["counts"]["demand"]["changed"] == 1
    undone = await service.client.post(f"/imports/{changed['number']}/undo")
    assert undone.json()["status"] == "undone"
    assert (await service.client.post("/demand", json=body(1, 2, 3))).json()["counts"]["demand"]["unchanged"] == 1


async def test_the_catalogues_settings_are_shown_and_changed(client: Any, problem: Any) -> None:
    assert (await client.get("/catalogue")).json()["currency"] == "USD"
    changed = await client.put("/catalogue", json={"currency": "EUR", "time_zone": "Europe/Berlin"})
    assert (changed.json()["currency"], changed.json()["time_zone"]) == ("EUR", "Europe/Berlin")
    problem(await client.put("/catalogue", json={"time_zone": "Mars/Base"}), 422, "invalid_input")


async def test_the_days_on_which_a_location_is_closed_can_be_given(client: Any, problem: Any) -> None:
    day = {"product_id": "A1", "day": str(YESTERDAY), "quantity": 3}
    await client.post("/demand", json={"days": [day]})
    body = {"closed": {"MAIN": ["sun", "sat", "2026-12-25"]}}
    shown = (await client.put("/catalogue", json=body)).json()["locations"]["MAIN"]
    assert (shown["closed_weekdays"], shown["closed_days"]) == ([5, 6], ["2026-12-25"])
    every = {"closed": {"MAIN": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]}}
    problem(await client.put("/catalogue", json=every), 422, "invalid_input")


async def test_facts_of_the_day_need_the_scope_trigger_and_terms_need_approve(service: Any, problem: Any) -> None:
    made = await service.client.post("/keys", json={"name": "erp", "scopes": ["trigger"]})
    headers = {"X-API-Key": made.json()["key"]}
    levels = {"levels": [{"product_id": "A1", "on_hand": 4}]}
    assert (await service.client.post("/stock", json=levels, headers=headers)).status_code == 200
    problem(await service.client.put("/products/A1", json={}, headers=headers), 403, "scope_missing")
    problem(await service.client.put("/catalogue", json={}, headers=headers), 403, "scope_missing")
