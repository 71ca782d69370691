"""People who say what became of orders: some arrive in two parts, some are cancelled, some both at the same time."""

import asyncio
import random
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import httpx

from tests.soak.clients import MISS, Line
from tests.soak.journal import Journal, Ordered

CLEARED_AT_ONCE = 16
"""Thousands at once would keep the client busy with its own connections."""


@dataclass(frozen=True)
class Step:
    """One thing that somebody wants to say of an order. It is sent until it has an answer, and counts once."""

    what: str
    body: dict[str, Any]
    key: str


class GoodsIn:
    """Orders come in from the answers of triggers and decisions. What a trial cuts off is sent again in the end."""

    def __init__(self, line: Line, journal: Journal, dice: random.Random, keys: dict[str, str]) -> None:
        self._line, self._journal, self._dice, self._keys = line, journal, dice, list(keys.values())
        self._waiting: asyncio.Queue[str] = asyncio.Queue()
        self._wanted: dict[str, list[Step]] = {}
        self._heard: set[str] = set()

    def hear(self, order: Ordered | None) -> None:
        if order is not None and order.number not in self._heard:
            self._heard.add(order.number)
            self._wanted[order.number] = self._fate(order)
            self._waiting.put_nowait(order.number)

    async def work(self) -> None:
        while True:
            await self._carry_out(await self._waiting.get())

    async def clear(self) -> int:
        """Say whatever has not been answered. How many orders that concerned."""
        numbers = list(self._wanted)
        for first in range(0, len(numbers), CLEARED_AT_ONCE):
            await asyncio.gather(*map(self._carry_out, numbers[first : first + CLEARED_AT_ONCE]))
        return len(numbers)

    def _fate(self, order: Ordered) -> list[Step]:
        first = order.quantity // 3
        parts = [Step("receipts", {"quantity": part}, f"in-{part}") for part in (first, order.quantity - first)]
        ends = [Step("cancel", {"reason": f"No use for it, says {who}."}, f"off-{who}") for who in ("dora", "emil")]
        return {
            "parts": parts,
            "part": parts[:1],
            "race": [*parts, *ends],
            "cancel": ends,
            "left": [],
        }[self._dice.choices(("parts", "part", "race", "cancel", "left"), (30, 10, 30, 10, 20))[0]]

    async def _carry_out(self, number: str) -> None:
        copies = [step for step in self._wanted[number] for _ in range(self._dice.choice((1, 2)))]
        self._dice.shuffle(copies)
        with suppress(TimeoutError):
            await asyncio.gather(*(self._say(number, step) for step in copies))
            self._wanted.pop(number, None)

    async def _say(self, number: str, step: Step) -> None:
        headers = {"X-API-Key": self._keys[0], "Idempotency-Key": f"{number}-{step.key}"}
        address = f"/orders/{number}/{step.what}"
        answer = await self._line.ask("POST", address, json=step.body, headers=headers, again=_is_unanswered)
        if answer.is_success and step.what == "receipts":
            self._journal.receipts[number][step.key] = step.body["quantity"]
        elif answer.is_success:
            self._journal.cancelled[number].add(step.body["reason"])
        elif answer.status_code != 409:
            self._journal.unexpected.append(f"{address}: {answer.status_code} {answer.text[:300]}")


def _is_unanswered(answer: httpx.Response) -> bool:
    if answer.status_code == 409:
        return bool(answer.json()["code"] != "order_closed")
    return answer.status_code in MISS or answer.status_code >= 500
