"""Wakes callers when a run ends, in any process."""

import asyncio
from collections import Counter

from tools.book.book import OrderBook


class Ends:
    """The waiting callers of this process. One query serves all of them."""

    def __init__(self, book: OrderBook) -> None:
        self._book = book
        self._ended: dict[str, asyncio.Event] = {}
        self._waiting: Counter[str] = Counter()
        self._awaited = asyncio.Event()
        self._closed = False

    async def wait(self, run_id: str, *, seconds: float) -> None:
        """Return when the run has ended, the seconds are over, or waiting is stopped."""
        if self._closed:
            return
        ended = self._ended.setdefault(run_id, asyncio.Event())
        self._waiting[run_id] += 1
        self._awaited.set()
        try:
            await asyncio.wait_for(ended.wait(), seconds)
        except TimeoutError:
            pass
        finally:
            self._waiting[run_id] -= 1
            if not self._waiting[run_id]:
                del self._waiting[run_id], self._ended[run_id]
            if not self._ended:
                self._awaited.clear()

    def announce(self, run_id: str) -> None:
        """Wake the callers of a run that ended in this process."""
        if run_id in self._ended:
            self._ended[run_id].set()

    async def look(self) -> None:
        """Wake the callers of runs that ended in other processes. Until a caller waits there is nothing to do."""
        await self._awaited.wait()
        for run_id in await self._book.runs.ended(list(self._ended)):
            self.announce(run_id)

    def close(self) -> None:
        self._closed = True
        for ended in self._ended.values():
            ended.set()
