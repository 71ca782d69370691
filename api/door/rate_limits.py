"""Limits on the requests of a key, and on the invalid keys that an address may send.

Requests are counted in this process, or in a Redis that all processes share. While Redis fails, each process counts for
itself.

A blocked address is refused before its key is checked, so that guessing gains nothing. A key that was valid before
still gets through, so that one user behind a shared address cannot lock out the others.
"""

import time
from collections.abc import Awaitable, Callable
from hashlib import sha256
from ipaddress import IPv6Address, ip_address
from math import ceil, inf
from typing import Any

import structlog
from limits import RateLimitItem, parse
from limits.aio.storage import MemoryStorage, RedisStorage
from limits.aio.strategies import SlidingWindowCounterRateLimiter
from limits.errors import StorageError
from starlette.requests import Request

from agent.settings import Settings
from api.door.auth import Caller, fingerprint
from api.door.errors import RateLimited, Unauthenticated

log = structlog.get_logger(__name__)

REDIS_SECONDS = 0.25
REDIS_PAUSE_SECONDS = 5.0
"""Pause before Redis is tried again after a failure."""
MOST_REMEMBERED = 10_000
_NOTHING_SHOWN = frozenset({"signed_out", "key_missing"})
"""Who shows no key guesses none. Any other site's page can make a browser ask so, and would block its address."""


class RateLimits:
    """The limits of one application."""

    def __init__(self, settings: Settings) -> None:
        storage = settings.rate_limit_storage
        redis_url = storage.get_secret_value() if storage else None
        self._per_key = Limit("key", settings.rate_limit_per_key, redis_url)
        self._failed_keys = Limit("failed_key", settings.rate_limit_failed_keys, redis_url)
        self._blocked: dict[str, float] = {}
        self._good: set[bytes] = set()

    async def caller(
        self, request: Request, identify: Callable[[Request], Awaitable[Caller]], *, shown: str | None = None
    ) -> Caller:
        """The caller of a request. Raises RateLimited if there are too many. `shown` is the key or link of a form, and
        counts instead of the headers."""
        seen = fingerprint(request) if shown is None else sha256(b"form\n" + shown.encode("utf-8", "replace")).digest()
        if self._blocked:
            self._require_known(client_of(request), seen)
        try:
            caller = await identify(request)
        except Unauthenticated as error:
            if error.code not in _NOTHING_SHOWN:
                await self._count_failure(client_of(request))
            raise
        if len(self._good) >= MOST_REMEMBERED:
            self._good.clear()
        self._good.add(seen)
        wait = await self._per_key.wait(caller.id)
        if wait:
            raise refusal("Too many requests with this key", self._per_key, wait)
        return caller

    async def aclose(self) -> None:
        await self._per_key.aclose()
        await self._failed_keys.aclose()

    def _require_known(self, address: str, seen: bytes) -> None:
        wait = self._blocked.get(address, -inf) - time.monotonic()
        if wait <= 0:
            self._blocked.pop(address, None)
        elif seen not in self._good:
            raise refusal("Too many keys from this address opened nothing", self._failed_keys, wait)

    async def _count_failure(self, address: str) -> None:
        wait = await self._failed_keys.wait(address)
        if wait:
            if len(self._blocked) >= MOST_REMEMBERED:
                self._blocked.clear()
            self._blocked[address] = time.monotonic() + wait
            raise refusal("Too many keys from this address opened nothing", self._failed_keys, wait)


class Limit:
    """A number of requests in a span of time, counted for each name."""

    def __init__(self, name: str, rate: str, redis_url: str | None) -> None:
        self.name = name
        self.item: RateLimitItem | None = None if rate == "off" else parse(rate)
        self._here = SlidingWindowCounterRateLimiter(MemoryStorage())
        self._redis = _redis(redis_url) if redis_url else None
        self._shared = SlidingWindowCounterRateLimiter(self._redis) if self._redis else None
        self._shared_again = 0.0

    async def wait(self, who: str) -> float:
        """Count one request. Returns 0, or the seconds that `who` must wait if it was one too many."""
        if self.item is None:
            return 0
        if self._shared is not None and time.monotonic() >= self._shared_again:
            try:
                return await self._count(self._shared, self.item, who)
            except StorageError as error:
                self._shared_again = time.monotonic() + REDIS_PAUSE_SECONDS
                log.warning("rate_limit_storage_failed", limit=self.name, error=type(error.storage_error).__name__)
        return await self._count(self._here, self.item, who)

    async def aclose(self) -> None:
        if self._redis is not None:
            bridge: Any = self._redis.bridge
            await bridge.get_connection().aclose()

    async def _count(self, limiter: SlidingWindowCounterRateLimiter, item: RateLimitItem, who: str) -> float:
        if await limiter.hit(item, self.name, who):
            return 0
        reset = (await limiter.get_window_stats(item, self.name, who)).reset_time
        return max(1.0, reset - time.time())


def refusal(why: str, limit: Limit, wait: float) -> RateLimited:
    """429, with the pause and the limit in the usual headers."""
    assert limit.item is not None  # noqa: S101
    amount, window = limit.item.amount, limit.item.get_expiry()
    seconds = str(ceil(wait))
    headers = {
        "Retry-After": seconds,
        "RateLimit-Limit": str(amount),
        "RateLimit-Remaining": "0",
        "RateLimit-Reset": seconds,
        "RateLimit-Policy": f'"{limit.name}";q={amount};w={window}',
    }
    return RateLimited(f"{why}: at most {amount} in {window} s. Try again in {seconds} s.", headers=headers)


def client_of(request: Request) -> str:
    """The client's address. For IPv6 its /64 network, because a client may use any address in it."""
    host = request.client.host if request.client else ""
    try:
        address = ip_address(host)
    except ValueError:
        return host
    if isinstance(address, IPv6Address) and address.ipv4_mapped is None:
        return str(IPv6Address(int(address) >> 64 << 64))
    return host


def _redis(url: str) -> RedisStorage:
    # Imported here, because few use Redis and its client loads slowly.
    from redis.asyncio.retry import Retry
    from redis.backoff import NoBackoff

    options: dict[str, Any] = {
        "socket_timeout": REDIS_SECONDS,
        "socket_connect_timeout": REDIS_SECONDS,
        "retry": Retry(NoBackoff(), 0),
    }
    return RedisStorage(f"async+{url}", implementation="redispy", wrap_exceptions=True, key_prefix="restock", **options)
