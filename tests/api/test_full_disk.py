"""A disk that is full, and then is not: clean errors, and work again without a restart."""

import resource
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

KEY = "key-for-a-full-disk-3f7b-32-long"


def placed(folder: Path) -> list[str]:
    connection = sqlite3.connect(folder / "data" / "restock.db")
    try:
        return [row[0] for row in connection.execute("SELECT number FROM orders")]
    finally:
        connection.close()


def trigger(client: httpx.Client, x1: dict[str, Any], name: str) -> httpx.Response:
    headers = {"Idempotency-Key": name}
    return client.post("/inventory-trigger", json={**x1, "product_id": name}, headers=headers)


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="needs Linux: a limit that is set on another process")
def test_a_full_disk_is_answered_503_and_work_goes_on_once_there_is_room(
    serve: Callable[..., Any], tmp_path: Path, x1: dict[str, Any]
) -> None:
    """The files may not grow any more, which SQLite is told by the system as it is told of a full disk."""
    process = serve(API_KEY=KEY)
    number = process._process.pid
    with process.client(KEY) as client:
        before = [trigger(client, x1, f"BEFORE-{each}") for each in range(3)]
        written = (tmp_path / "data" / "restock.db-wal").stat().st_size
        resource.prlimit(number, resource.RLIMIT_FSIZE, (written, resource.RLIM_INFINITY))
        during = [trigger(client, x1, f"DURING-{each}") for each in range(30)]
        alive = [client.get("/"), client.get("/health/live"), client.get("/orders")]
        resource.prlimit(number, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        repeated = [trigger(client, x1, f"DURING-{each}") for each in range(30)]
        listed = client.get("/orders?limit=200").json()["orders"]

    refused = [answer for answer in during if answer.status_code != 200]
    assert refused
    assert {(answer.status_code, answer.json()["code"]) for answer in refused} == {(503, "unavailable")}
    assert all(int(answer.headers["retry-after"]) > 0 for answer in refused)
    assert {answer.status_code for answer in alive} <= {200, 503}
    assert alive[1].status_code == 200
    assert {answer.json()["status"] for answer in (*before, *repeated)} == {"executed"}
    promised = {
        answer.json()["order"]["number"] for answer in (*before, *during, *repeated) if answer.status_code == 200
    }
    assert promised == {order["number"] for order in listed} == set(placed(tmp_path))
    assert len(promised) == 33
