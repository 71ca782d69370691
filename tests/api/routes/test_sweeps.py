"""/sweeps: begin one, ask how far it is, and read what it did."""

import asyncio
from collections.abc import Callable
from typing import Any

import httpx
import pytest

Problem = Callable[[httpx.Response, int, str], dict[str, Any]]
MIDWEST = {"supplier": "Midwest Metals Company"}


async def ended(service: Any, url: str) -> dict[str, Any]:
    async with asyncio.timeout(60):
        while True:
            answer = dict((await service.client.get(url)).json())
            if answer["status"] != "running":
                return answer
            await asyncio.sleep(0.05)


async def test_a_sweep_is_taken_in_at_once_and_its_address_shows_what_it_did(service: Any) -> None:
    begun = await service.client.post("/sweeps", json=MIDWEST)
    assert (begun.status_code, begun.headers["location"]) == (202, begun.json()["status_url"])
    sweep = await ended(service, begun.headers["location"])
    report = sweep["report"]
    assert (sweep["status"], sweep["mode"], sweep["filters"]) == ("done", "mock", MIDWEST)
    assert report["ended"] == report["total"] == sweep["total"] == len(report["lines"]) > 0
    orders = (await service.client.get("/orders")).json()["orders"]
    placed = [line for line in report["lines"] if line["outcome"] == "placed"]
    assert {line["order_number"] for line in placed} == {order["number"] for order in orders}
    assert report["outcomes"]["placed"]["money"]["USD"] == pytest.approx(sum(order["total"] for order in orders))


async def test_the_same_idempotency_key_begins_one_sweep(service: Any) -> None:
    key = {"Idempotency-Key": "today"}
    first = await service.client.post("/sweeps", json=MIDWEST, headers=key)
    again = await service.client.post("/sweeps", json=MIDWEST, headers=key)
    assert first.json()["id"] == again.json()["id"]
    await ended(service, first.headers["location"])
    listed = (await service.client.get("/sweeps")).json()["sweeps"]
    assert [sweep["id"] for sweep in listed] == [first.json()["id"]]


async def test_the_same_key_with_other_filters_is_refused(service: Any, problem: Problem) -> None:
    key = {"Idempotency-Key": "today"}
    first = await service.client.post("/sweeps", json=MIDWEST, headers=key)
    problem(await service.client.post("/sweeps", json={}, headers=key), 422, "idempotency_mismatch")
    await ended(service, first.headers["location"])


async def test_a_dry_run_says_what_would_come_of_it_and_records_nothing(service: Any) -> None:
    response = await service.client.post("/sweeps", json={**MIDWEST, "dry_run": True})
    assert response.status_code == 200
    assert response.json()["outcomes"]["placed"]["products"] > 0
    assert all(line["run_id"] is None for line in response.json()["lines"])
    assert (await service.client.get("/sweeps")).json()["sweeps"] == []
    assert (await service.client.get("/orders")).json()["orders"] == []


async def test_pages_of_sweeps_fit_together(service: Any) -> None:
    begun = [await service.client.post("/sweeps", json={"text": f"nothing {number}"}) for number in range(3)]
    first = (await service.client.get("/sweeps", params={"limit": 2})).json()
    second = (await service.client.get("/sweeps", params={"limit": 2, "before": first["next"]})).json()
    assert {sweep["id"] for sweep in first["sweeps"] + second["sweeps"]} == {answer.json()["id"] for answer in begun}
    assert second["next"] is None


async def test_an_unknown_sweep_is_not_found(service: Any, problem: Problem) -> None:
    problem(await service.client.get("/sweeps/none"), 404, "unknown_sweep")


async def test_what_is_no_filter_is_refused(service: Any, problem: Problem) -> None:
    problem(await service.client.post("/sweeps", json={"suplier": "x"}), 422, "invalid_input")
    problem(await service.client.post("/sweeps", json={"status": ["low"]}), 422, "invalid_input")
