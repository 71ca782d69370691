"""First come, first decided.

Python works on one thing at a time. Let every run go on as soon as it can, and a crowd of them advances in step: all
are late, the first as much as the last. So only a few compute at once, the oldest first; a run that waits for a model
gives its turn away meanwhile.
"""

import asyncio
import heapq
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from contextvars import ContextVar
from itertools import count

AT_ONCE = 8
"""More than one, so that there is something to compute while another waits for the disk."""

_turn: ContextVar["Turn | None"] = ContextVar("turn", default=None)


class Turns:
    """Hands out turns of one event loop."""

    def __init__(self, at_once: int = AT_ONCE) -> None:
        self._free = at_once
        self._numbers = count()
        self._waiting: list[tuple[int, asyncio.Future[None]]] = []

    def draw(self) -> "Turn":
        """A place in the order, to be kept for as long as a run lasts."""
        return Turn(self, next(self._numbers))

    async def take(self, number: int) -> None:
        if self._free > 0 and not self._waiting:
            self._free -= 1
            return
        called = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (number, called))
        try:
            await called
        except asyncio.CancelledError:
            if called.done() and not called.cancelled():
                self.give_back()
            raise

    def give_back(self) -> None:
        while self._waiting:
            _, called = heapq.heappop(self._waiting)
            if not called.done():
                called.set_result(None)
                return
        self._free += 1


class Turn:
    """One run's. `async with turn:` computes when it is its turn."""

    def __init__(self, turns: Turns, number: int) -> None:
        self._turns, self._number = turns, number
        self._held = False

    async def __aenter__(self) -> None:
        await self.take()
        _turn.set(self)

    async def __aexit__(self, *_: object) -> None:
        _turn.set(None)
        self.give_back()

    async def take(self) -> None:
        await self._turns.take(self._number)
        self._held = True

    def give_back(self) -> bool:
        """False when it is with another already."""
        held, self._held = self._held, False
        if held:
            self._turns.give_back()
        return held


@asynccontextmanager
async def aside() -> AsyncIterator[None]:
    """While the run that is computing here waits for somebody else, its turn is another's."""
    turn = _turn.get()
    if turn is None or not turn.give_back():
        yield
        return
    try:
        yield
    finally:
        await turn.take()
