"""The callers who wait for an answer: how many more are let in, and how many are worked for at once.

Where the machine is busy, more runs at once only make each of them slower, until all pass their deadline. So fewer are
begun, as long as that makes them quicker, and the line is as long as the callers' patience beyond the deadline allows.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from math import ceil, floor, inf

from tools.records.errors import Overloaded

IN_TIME = 0.7
"""The share of its time that a caller may expect to need: the machine may slow down meanwhile."""
FEW = 4
"""A run is among few if at most one of so many places is taken at both its ends: its time is then its own."""
AMONG_MANY = 1.25
"""So much longer than among few may a run take, before fewer are begun at once."""


class Callers:
    """Those of one process. Whoever is let in may expect a place within `place_seconds` and the run's end within the
    `run_seconds` after it."""

    def __init__(self, free: asyncio.Semaphore, *, places: int, place_seconds: float, run_seconds: float) -> None:
        self._free, self._places = free, places
        self._place_seconds, self._run_seconds = IN_TIME * place_seconds, IN_TIME * run_seconds
        self._waiting = self._at_work = self._kept_back = 0
        self._last_answer = self._pause_seconds = 0.0
        """From one answer to the next, lately, while as many were worked for as may be."""
        self._seconds_among_few = 0.0

    def require_time(self) -> None:
        """Raises Overloaded if another caller would wait too long. To be asked before anything of it is read."""
        line = self._place_seconds / self._pause_seconds if self._pause_seconds else inf
        if self._waiting + 1 > self._at_once + line:
            raise Overloaded(f"{self._waiting} callers wait already. Try again in a few seconds.")

    def __enter__(self) -> None:
        """Count a caller while work for it goes on, even if it goes away. Raises Overloaded as `require_time` does."""
        self.require_time()
        self._waiting += 1
        if self._waiting <= self._at_once:
            self._last_answer = time.monotonic()

    def __exit__(self, failed: type[BaseException] | None, *_: object) -> None:
        """Note when the work was over, unless it failed, as a refusal does: that is no answer."""
        if failed is None and self._waiting >= self._at_once:
            now = time.monotonic()
            pause = min(now - self._last_answer, self._run_seconds / IN_TIME)
            # Where all places were taken at once, the first answer takes a whole run, which is the pause of so many.
            self._pause_seconds += (pause - self._pause_seconds) / self._places
            self._last_answer = now
        self._waiting -= 1

    @asynccontextmanager
    async def place(self, *, until: float) -> AsyncIterator[None]:
        """Wait for a place, in turn, and hold it. Raises Overloaded if there is none until then, by the monotonic
        clock: a run that began later would not end before the caller gives up."""
        try:
            async with asyncio.timeout(until - time.monotonic()):
                await self._free.acquire()
        except TimeoutError:
            raise Overloaded("Too many callers came before this one. Try again in a few seconds.") from None
        self._at_work += 1
        among_few, began = self._is_quiet, time.monotonic()
        try:
            yield
        finally:
            if among_few and self._is_quiet:
                took, known = time.monotonic() - began, self._seconds_among_few
                self._seconds_among_few = (took + known) / 2 if known else took
            self._at_work -= 1
            self._kept_back += 1
            while self._kept_back > self._places - self._at_once:
                self._kept_back -= 1
                self._free.release()

    @property
    def _is_quiet(self) -> bool:
        return FEW * self._at_work <= max(FEW, self._places)

    @property
    def _at_once(self) -> int:
        """How many are worked for at once: so many that each ends in time, or all if it takes that long anyway."""
        if not self._pause_seconds:
            return self._places
        in_time = floor(self._run_seconds / self._pause_seconds)
        anyway = ceil(AMONG_MANY * self._seconds_among_few / self._pause_seconds)
        return max(1, min(self._places, max(in_time, anyway)))
