"""The clients of a trial: they send triggers, often several at once, and send again until each has its answer."""

import asyncio
import random
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import httpx

from tests.soak.journal import Acknowledgement, Journal

SHORTEST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.15, 2.0
MISS = (409, 429, 503)
"""In flight, too much, not now: come back later."""


class Line:
    """A way to the service with a key: by any of its addresses, by another one after a failure."""

    def __init__(
        self,
        client: httpx.AsyncClient,
        urls: list[str],
        *,
        dice: random.Random,
        journal: Journal,
        give_up_seconds: float,
    ) -> None:
        self._client, self._urls, self._dice, self._journal = client, urls, dice, journal
        self._give_up_seconds = give_up_seconds

    async def ask(
        self, method: str, path: str, *, again: Callable[[httpx.Response], bool], **request: Any
    ) -> httpx.Response:
        """The first answer after which nothing has to be sent `again`. Raises TimeoutError where none comes."""
        until, pause = time.monotonic() + self._give_up_seconds, SHORTEST_PAUSE_SECONDS
        last = "no connection"
        while time.monotonic() < until:
            with suppress(httpx.TransportError):
                answer = await self._client.request(method, self._dice.choice(self._urls) + path, **request)
                if not again(answer):
                    return answer
                self._note(answer)
                last = f"{answer.status_code} {answer.text[:300]}"
            self._journal.resent += 1
            await asyncio.sleep(pause * self._dice.uniform(0.5, 1.5))
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS)
        self._journal.unanswered.append(f"{method} {path}: {last}")
        raise TimeoutError(f"no answer to {method} {path} within {self._give_up_seconds} s")

    def _note(self, answer: httpx.Response) -> None:
        if not answer.is_success and answer.status_code not in MISS:
            self._journal.unexpected.append(f"{answer.request.url.path}: {answer.status_code} {answer.text[:300]}")


class Shop:
    """Sends one trigger after the other: alone, doubled, or beside another for the same product."""

    def __init__(self, line: Line, journal: Journal, dice: random.Random, *, asynchronous: bool) -> None:
        self._line, self._journal, self._dice, self._asynchronous = line, journal, dice, asynchronous

    async def send(self, number: int) -> list[Acknowledgement]:
        """Product `number` is asked for by one to four triggers at once, and each of them sent up to three times."""
        body = trigger_body(number, self._dice)
        keys = [f"key-{number}-{which}" for which in range(self._dice.choices((1, 2, 3, 4), (4, 3, 2, 1))[0])]
        copies = [key for key in keys for _ in range(self._dice.choices((1, 2, 3), (8, 1, 1))[0])]
        self._journal.sent.update(dict.fromkeys(keys, body["product_id"]))
        answers = await asyncio.gather(*(self._until_acknowledged(key, body) for key in copies), return_exceptions=True)
        return [answer for answer in answers if isinstance(answer, Acknowledgement)]

    async def _until_acknowledged(self, key: str, body: dict[str, Any]) -> Acknowledgement:
        headers = {"Idempotency-Key": key}
        if self._asynchronous and self._dice.random() < 0.5:
            headers["Prefer"] = "respond-async"
        answer = await self._line.ask(
            "POST", "/inventory-trigger", json=body, headers=headers, again=lambda answer: not answer.is_success
        )
        acknowledged = self._journal.acknowledge(key, answer.json())
        if answer.status_code == 202:
            return await self._until_ended(key, acknowledged.run_id)
        return acknowledged

    async def _until_ended(self, key: str, run_id: str) -> Acknowledgement:
        answer = await self._line.ask(
            "GET", f"/runs/{run_id}", again=lambda answer: answer.status_code in MISS or _is_under_way(answer)
        )
        if answer.is_success:
            return self._journal.acknowledge(key, answer.json())
        self._journal.unexpected.append(f"acknowledged run {run_id}: {answer.status_code} {answer.text[:200]}")
        return self._journal.acknowledged[key][-1]


def trigger_body(number: int, dice: random.Random) -> dict[str, Any]:
    """A product of its own. Most are sure, a quarter too dear to be ordered without a person, the rest in stock."""
    kind = dice.choices(("sure", "dear", "stocked"), (60, 25, 15))[0]
    return {
        "product_id": f"P-{number}",
        "mode": "input",
        "current_stock": 5_000 if kind == "stocked" else 100 + number % 60,
        "demand_history": [100, 120, 110, 130, 125, 115, 140],
        "lead_time_days": 7,
        "unit_price": 49.95 if kind == "dear" else 4.99,
    }


def _is_under_way(answer: httpx.Response) -> bool:
    return answer.is_success and answer.json()["result"] is None and answer.json()["status"] != "failed"
