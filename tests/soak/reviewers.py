"""Three reviewers who race for every review: each wants something else, and the winner says it twice."""

import asyncio
import random
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import httpx

from tests.soak.clients import MISS, Line
from tests.soak.journal import Decided, Journal, Ordered, Review

COMPETES = ("was placed while this run was deciding", "already waits for a person")
COMPETES += ("before ordering more", "Less than half of that has passed")


class ReviewDesk:
    """Reviews come in from the triggers' answers; what those answers did not reach is found in the list at the end."""

    def __init__(
        self,
        line: Line,
        journal: Journal,
        dice: random.Random,
        keys: dict[str, str],
        ordered: Callable[[Ordered | None], None],
    ) -> None:
        self._line, self._journal, self._dice, self._keys, self._ordered = line, journal, dice, keys, ordered
        self._waiting: asyncio.Queue[Review] = asyncio.Queue()
        self._heard: set[str] = set()
        self._races = 0

    def hear(self, review: Review) -> None:
        if review.id not in self._heard:
            self._heard.add(review.id)
            self._waiting.put_nowait(review)

    async def work(self) -> None:
        while True:
            with suppress(TimeoutError):
                await self._race(await self._waiting.get())

    async def clear(self) -> int:
        """Race for one page of whatever still waits. How many that were."""
        answer = await self._line.ask(
            "GET", "/reviews?limit=25&include=calculation", again=lambda answer: not answer.is_success
        )
        reviews = [review for review in map(Review.of, answer.json()["reviews"]) if review]
        await asyncio.gather(*(self._race(review) for review in reviews))
        return len(reviews)

    async def _race(self, review: Review) -> None:
        self._races += 1
        wishes = zip(self._keys, self._wishes(review), strict=True)
        await asyncio.gather(*(self._decide(review, name, wish, self._races) for name, wish in wishes))

    def _wishes(self, review: Review) -> list[dict[str, Any]]:
        """What the three want. Of orders for the same need all want one at the most."""
        if any(words in reason for reason in review.reasons for words in COMPETES):
            return [{"decision": "reject", "reason": f"a second order, says {name}"} for name in self._keys]
        wishes: list[dict[str, Any]] = [
            {"decision": "approve", "reason": "yes"},
            {"decision": "edit", "quantity": min(review.quantity + 1, review.most), "reason": "one more"},
            {"decision": "reject", "reason": "no"} if self._dice.random() < 0.3 else {"decision": "approve"},
        ]
        self._dice.shuffle(wishes)
        return wishes

    async def _decide(self, review: Review, reviewer: str, wish: dict[str, Any], race: int) -> None:
        review_id = review.id
        body = wish | ({"version": review.version} if review.version else {})
        key = f"{reviewer}-{review_id}-{race}" if self._dice.random() < 0.7 else None
        for _ in range(2 if self._dice.random() < 0.3 else 1):
            answer = await self._send(review_id, reviewer, body, key)
            self._note(review_id, reviewer, wish["decision"], answer)

    async def _send(self, review_id: str, reviewer: str, body: dict[str, Any], key: str | None) -> httpx.Response:
        headers = {"X-API-Key": self._keys[reviewer]} | ({"Idempotency-Key": key} if key else {})
        return await self._line.ask(
            "POST", f"/reviews/{review_id}/decision", json=body, headers=headers, again=_is_undecided
        )

    def _note(self, review_id: str, reviewer: str, decision: str, answer: httpx.Response) -> None:
        if not (answer.is_success or answer.status_code == 409):
            self._journal.unexpected.append(f"{decision} {review_id}: {answer.status_code} {answer.text[:300]}")
        order = Ordered.of(answer.json()) if answer.is_success else None
        self._ordered(order)
        self._journal.decided[review_id].append(
            Decided(review_id=review_id, reviewer=reviewer, decision=decision, counted=answer.is_success, order=order)
        )


def _is_undecided(answer: httpx.Response) -> bool:
    if answer.status_code == 409:
        return bool(answer.json()["code"] != "already_decided")
    return answer.status_code in MISS or answer.status_code >= 500
