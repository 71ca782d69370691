"""Connections for many calls at once.

A pool of httpcore looks at every connection it has at the begin and the end of each request, which at 200 calls in
flight costs more than the calls themselves. So calls beyond a few go to the next pool; while there are few, all of
them share the first one's kept connections.
"""

import ssl

import httpx

FEW = 1
POOLS = 256
UNLIMITED = httpx.Limits(max_connections=None, max_keepalive_connections=None, keepalive_expiry=5.0)
"""How many calls are in flight is for the runs to bound; a pool's own limit would let them wait unseen."""


class SpreadTransport(httpx.AsyncBaseTransport, httpx.BaseTransport):
    """Works asynchronously only. Gemini's client hands it to its synchronous half too, which is never asked."""

    def __init__(self, *, verify: ssl.SSLContext) -> None:
        self._verify = verify
        self._pools = [self._pool()]
        self._busy = [0]

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        chosen = self._chosen()
        self._busy[chosen] += 1
        try:
            return await self._pools[chosen].handle_async_request(request)
        finally:
            self._busy[chosen] -= 1

    async def aclose(self) -> None:
        for pool in self._pools:
            await pool.aclose()

    def _chosen(self) -> int:
        """The first pool with few calls in flight; a new one where there is none, as long as there are not too many."""
        for index, busy in enumerate(self._busy):
            if busy < FEW:
                return index
        if len(self._pools) == POOLS:
            return min(range(POOLS), key=self._busy.__getitem__)
        self._pools.append(self._pool())
        self._busy.append(0)
        return len(self._pools) - 1

    def _pool(self) -> httpx.AsyncHTTPTransport:
        return httpx.AsyncHTTPTransport(verify=self._verify, limits=UNLIMITED)
