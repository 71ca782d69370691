"""Tells whoever waits for a run that it has ended, whichever process carried it out."""

import asyncio
from collections import Counter

from tools.book.book import OrderBook


class Ends:
    """One look into the order book serves all who wait in this process."""

    def __init__(self, book: OrderBook) -> None:
        self._book = book
        self._ended: dict[str, asyncio.Event] = {}
        self._waiting: Counter[str] = Counter()
        self._awaited = asyncio.Event()
        self._closed = False

    async def wait(self, run_id: str, *, seconds: float) -> None:
        """Return when the run has ended, when so many seconds are over, or when nobody is to wait any more."""
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
        """This process has just carried the run out."""
        if run_id in self._ended:
            self._ended[run_id].set()

    async def look(self) -> None:
        """See which of the runs that are waited for have ended elsewhere. Where none is, wait until one is."""
        await self._awaited.wait()
        for run_id in await self._book.runs.ended(list(self._ended)):
            self.announce(run_id)

    def close(self) -> None:
        self._closed = True
        for ended in self._ended.values():
            ended.set()
