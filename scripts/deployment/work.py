"""The work of the trial, as clients of the proxy see it: triggers, a review, queued runs and what is counted."""

import re
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import httpx

from scripts.deployment.container import PATIENCE_SECONDS
from scripts.deployment.report import Report

QUEUED = 40
SENDERS = 8
WAITS = ("queued", "running")
ACCEPTED = 202
"""The run takes longer than its caller waits."""
SAFE = {"product_id": "STEEL_SHEETS", "mode": "mock"}
DOUBTFUL = {"product_id": "RUBBER_SHEETS", "mode": "mock"}
STATED = {
    "mode": "input",
    "current_stock": 150,
    "demand_history": [100, 120, 110, 130, 125, 115, 140],
    "lead_time_days": 7,
    "service_level": 0.95,
    "unit_price": 5,
}


class Work:
    """What was asked for, and whether it came about."""

    def __init__(self, client: httpx.Client, report: Report) -> None:
        self.client, self._report = client, report
        self._review, self._orders, self._queued = "", list[str](), 0

    def is_done(self) -> None:
        """Two triggers, and a decision on the second."""
        self._report.title("Work through the proxy")
        safe, doubtful = self._trigger(SAFE), self._trigger(DOUBTFUL)
        self._report.check("a safe order is placed", safe["status"] == "executed", safe["order"]["number"])
        self._review = doubtful["review_id"]
        self._report.check("a doubtful one waits for a person", doubtful["status"] == "pending_review", self._review)
        decided = self.client.post(f"/reviews/{self._review}/decision", json={"decision": "approve"}).json()
        self._orders = [safe["order"]["number"], decided["order"]["number"]]
        self._report.check("a person's approval places it", decided["review_status"] == "approved", self._orders[1])

    def is_still_there(self) -> None:
        review = self.client.get(f"/reviews/{self._review}").json()
        self._report.check("the decided review is still there", review["status"] == "approved", review["status"])
        again = self._trigger(SAFE)
        self._report.check(
            "the same trigger orders nothing twice", again["status"] == "already_ordered", again["status"]
        )

    @contextmanager
    def queueing(self) -> Iterator[list[str]]:
        """Sends runs that nobody waits for while the block lasts; their ids are there after it."""
        runs: list[str] = []
        first = self._queued
        self._queued += QUEUED
        with ThreadPoolExecutor(SENDERS) as pool:
            sent = pool.map(self._queue, range(first, first + QUEUED))
            yield runs
            runs += sent

    def are_each_carried_out_once(self, runs: list[str]) -> None:
        statuses = Counter(self._ended(run)["status"] for run in runs)
        self._report.check(
            f"all {len(runs)} queued runs place their orders", set(statuses) == {"executed"}, dict(statuses)
        )
        orders = self.client.get("/orders", params={"limit": 200}).json()["orders"]
        ordered = Counter(item["product_id"] for order in orders for item in order["items"])
        self._report.check("no product was ordered twice", set(ordered.values()) == {1}, f"{len(ordered)} orders")

    def is_counted(self) -> None:
        """The metrics of the service, whose container was made anew after the first triggers."""
        text = self.client.get("/metrics").text
        open_orders = re.search(r"^orders_open (\S+)$", text, re.MULTILINE)
        expected = len(self._orders) + self._queued
        seen = float(open_orders[1]) if open_orders else "nothing"
        self._report.check("metrics count the open orders", seen == expected, f"{seen} of {expected}")
        without = self.client.get("/metrics", headers={"X-API-Key": ""}).status_code
        self._report.check("metrics need a key", without == 401, without)

    def _queue(self, number: int) -> str:
        body = {**STATED, "product_id": f"QUEUED-{number}"}
        answer = self.client.post("/inventory-trigger", json=body, headers={"Prefer": "respond-async"})
        answer.raise_for_status()
        return str(answer.headers["location"]).rpartition("/")[2]

    def _trigger(self, body: dict[str, Any]) -> dict[str, Any]:
        answer = self.client.post("/inventory-trigger", json=body)
        answer.raise_for_status()
        said: dict[str, Any] = answer.json()
        return said if answer.status_code != ACCEPTED else dict(self._ended(said["run_id"])["result"])

    def _ended(self, run: str) -> dict[str, Any]:
        """The run once it has ended."""
        until = time.monotonic() + PATIENCE_SECONDS
        while (said := self._run(run))["status"] in WAITS and time.monotonic() < until:
            time.sleep(0.5)
        return said

    def _run(self, run: str) -> dict[str, Any]:
        said: dict[str, Any] = self.client.get(f"/runs/{run}").json()
        return said
