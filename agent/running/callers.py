"""The callers who wait for an answer, and how many more of them can be answered in time."""

import asyncio
import time
from typing import Any

from tools.records.errors import Overloaded

IN_TIME = 0.7
"""The share of the time for which a caller may expect to wait for a place: the machine may slow down meanwhile."""


class Callers:
    """Those of one process. As many as there are `places` are always let in, more only if each of them is expected to
    have a place within the `seconds`."""

    def __init__(self, *, places: int, seconds: float) -> None:
        self._places, self._most_seconds = places, IN_TIME * seconds
        self._waiting: set[asyncio.Task[Any]] = set()
        self._last_answer = 0.0
        self._pause_seconds = 0.0
        """From one answer to the next, lately, while all places were taken."""

    def require_time(self) -> None:
        """Raises Overloaded if another caller would wait too long."""
        before = len(self._waiting) + 1 - self._places
        if before > 0 and before * self._pause_seconds > self._most_seconds:
            raise Overloaded(f"{before} callers wait for a place already. Try again in a few seconds.")

    def wait_for(self, work: asyncio.Task[Any]) -> None:
        """Count a caller until this work is over, even if the caller goes away."""
        self._waiting.add(work)
        work.add_done_callback(self._answered)
        if len(self._waiting) <= self._places:
            self._last_answer = time.monotonic()

    def _answered(self, work: asyncio.Task[Any]) -> None:
        all_taken = len(self._waiting) >= self._places
        self._waiting.discard(work)
        if all_taken and not work.cancelled() and work.exception() is None:
            now = time.monotonic()
            self._pause_seconds += (now - self._last_answer - self._pause_seconds) / self._places
            self._last_answer = now
