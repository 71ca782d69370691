"""A database file that breaks under a running service: every answer says so, and none is a fault of ours."""

import io
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from random import Random
from typing import Any

import pytest

from tests.api.door.test_auth import GUARDED

ELSEWHERE = {"reference": "4711", "product_id": "X1", "location": "SHOP"}
BODIES = {
    "/chat": {"message": "What is overdue?"},
    "/reviews/RV-000001/decision": {"decision": "reject", "reason": "canary-reason"},
    "/orders/PO-2026-000001/outcome": {"ran_out": False, "left_over": 3},
    "/orders/PO-2026-000001/receipts": {"quantity": 3},
    "/orders/PO-2026-000001/cancel": {"reason": "canary-reason"},
    "/orders/PO-2026-000001/sent": {},
    "/orders/PO-2026-000001/receipts/1/corrections": {"quantity": 3, "instead_of": 30, "reason": "canary-reason"},
    "/orders-elsewhere/receipts": ELSEWHERE,
    "/orders-elsewhere/cancel": ELSEWHERE | {"reason": "canary-reason"},
    "/keys": {"name": "canary-name", "scopes": ["read"]},
    "/keys/key_unknown/rotate": {},
    "/keys/key_unknown/limits": {"limits": []},
    "/sweeps": {},
    "/purchase-orders/PD-2026-999999/sent": {"version": "0acfaa25"},
    "/purchase-orders/PD-2026-999999/receipts": {},
    "/imports/1": {"files": {}},
    "/imports/1/confirm": {},
    "/imports/1/undo": {},
    "/products/unknown": {"name": "canary-name"},
    "/suppliers/unknown": {"name": "canary-name"},
    "/stock": {"levels": [{"product_id": "X1", "location": "SHOP", "on_hand": 3}]},
    "/demand": {"days": [{"product_id": "X1", "location": "SHOP", "day": "2026-11-20", "quantity": 3}]},
    "/catalogue": {"currency": "EUR"},
    "/automatic": {"on": False},
}
MCP_HEADERS = {"Host": "127.0.0.1", "Accept": "application/json, text/event-stream"}
MCP_CALL = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "tools/call",
    "params": {"name": "find_orders", "arguments": {}},
}


def text(file: bytes) -> bytes:
    return b"this is no database\n" * (len(file) // 20)


def cut(file: bytes) -> bytes:
    return file[:5_000]


def garbled(file: bytes) -> bytes:
    return file[:4_096] + Random(1).randbytes(len(file) - 4_096)


@pytest.mark.parametrize("damage", [text, cut, garbled])
async def test_a_database_that_breaks_is_503_everywhere_and_says_so(
    service: Any,
    problem: Any,
    log: io.StringIO,
    tmp_path: Path,
    reviewed: dict[str, Any],
    damage: Callable[[bytes], bytes],
) -> None:
    await service.trigger(reviewed)
    file = tmp_path / "restock.db"
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    with file.open("r+b") as stream:
        broken = damage(stream.read())
        stream.seek(0)
        stream.write(broken)
        stream.truncate()

    answers = {
        path: await service.client.request(method, path, json=BODIES.get(path, reviewed) if method != "GET" else None)
        for method, path, _ in GUARDED
        if path != "/mcp"
    }
    by_mcp = await service.client.post("/mcp", headers=MCP_HEADERS, json=MCP_CALL)
    ready = await service.client.get("/health/ready")

    for answer in answers.values():
        assert "restock.db is damaged" in problem(answer, 503, "database_damaged")["detail"]
    [said] = by_mcp.json()["result"]["content"]  # an answer in that protocol, to its own Host
    assert (by_mcp.json()["result"]["isError"], "restock.db is damaged" in said["text"]) == (True, True)
    assert (ready.status_code, ready.json()["ready"], ready.json()["database"]) == (503, False, "damaged")
    assert [words for words in ("SELECT", "INSERT", "canary-", "sqlite3") if words in log.getvalue()] == []
