"""The callers who wait for an answer, and how many more of them can be answered in time."""

import asyncio
import time
from math import floor, inf
from typing import Any

from tools.records.errors import Overloaded

IN_TIME = 0.7
"""The share of its time that a caller may expect to need: the machine may slow down meanwhile."""


class Callers:
    """Those of one process. Another is let in if it may expect a place within `place_seconds` and its answer within
    `answer_seconds`, in turn after all who wait already. Whoever is let in then gets a whole answer."""

    def __init__(self, *, places: int, place_seconds: float, answer_seconds: float) -> None:
        self._places = places
        self._place_seconds, self._answer_seconds = IN_TIME * place_seconds, IN_TIME * answer_seconds
        self._waiting: set[asyncio.Task[Any]] = set()
        self._last_answer = 0.0
        self._answers = 0
        self._pause_seconds = 0.0
        """From one answer to the next, lately, while as many waited as may."""

    def require_time(self) -> None:
        """Raises Overloaded if another caller would wait too long."""
        waiting = len(self._waiting)
        if waiting >= self._most:
            raise Overloaded(f"{waiting} callers wait already. Try again in a few seconds.")

    def wait_for(self, work: asyncio.Task[Any]) -> None:
        """Count a caller until this work is over, even if the caller goes away."""
        self._waiting.add(work)
        work.add_done_callback(self._answered)
        if len(self._waiting) <= self._at_work:
            self._last_answer = time.monotonic()

    @property
    def _most(self) -> float:
        """How many may wait. One at least: otherwise no answer would ever tell that the machine is well again."""
        if not self._pause_seconds:
            return inf
        in_line = self._place_seconds / self._pause_seconds
        return max(1, floor(min(self._places + in_line, self._answer_seconds / self._pause_seconds)))

    @property
    def _at_work(self) -> float:
        """How many of those who wait are being worked for."""
        return min(self._places, self._most)

    def _answered(self, work: asyncio.Task[Any]) -> None:
        all_taken = len(self._waiting) >= self._at_work
        self._waiting.discard(work)
        if all_taken and not work.cancelled() and work.exception() is None:
            now = time.monotonic()
            self._answers += 1
            pause = min(now - self._last_answer, self._answer_seconds)
            self._pause_seconds += (pause - self._pause_seconds) / min(self._answers, self._places)
            self._last_answer = now
