"""Connections for many calls at once.

A pool of httpcore looks at every connection it has at the begin and the end of each request, which at 200 calls in
flight costs more than the calls themselves. So each call has a pool to itself while it waits for its answer, the one
that was used last, whose connection is the likeliest to be still open.
"""

import ssl
import time
from collections import deque

import httpx

UNLIMITED = httpx.Limits(max_connections=None, max_keepalive_connections=None, keepalive_expiry=5.0)
"""How many calls are in flight is for the runs to bound; a pool's own limit would let them wait unseen."""
IDLE_SECONDS = 60.0
"""Longer than any call may last: a pool that was last taken before then carries nothing."""


class SpreadTransport(httpx.AsyncBaseTransport, httpx.BaseTransport):
    """Works asynchronously only. Gemini's client hands it to its synchronous half too, which is never asked."""

    def __init__(self, *, verify: ssl.SSLContext) -> None:
        self._verify = verify
        self._pools: set[httpx.AsyncHTTPTransport] = set()
        self._idle: deque[tuple[float, httpx.AsyncHTTPTransport]] = deque()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        # Not after the request: an answer that nobody has read yet must not wait, or be given up meanwhile.
        await self._close_unused()
        pool = self._idle.pop()[1] if self._idle else self._new_pool()
        try:
            return await pool.handle_async_request(request)
        finally:
            self._idle.append((time.monotonic(), pool))

    async def aclose(self) -> None:
        for pool in tuple(self._pools):
            await pool.aclose()

    async def _close_unused(self) -> None:
        """After a crowd of calls most pools would keep connections that the other side has long closed."""
        while self._idle and self._idle[0][0] < time.monotonic() - IDLE_SECONDS:
            pool = self._idle.popleft()[1]
            self._pools.discard(pool)
            await pool.aclose()

    def _new_pool(self) -> httpx.AsyncHTTPTransport:
        pool = httpx.AsyncHTTPTransport(verify=self._verify, limits=UNLIMITED)
        self._pools.add(pool)
        return pool
