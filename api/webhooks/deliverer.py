"""Sends events from the outbox to their receivers: one loop in each process, one task for each attempt.

Each receiver has lanes of its own, so that a slow or dead one delays no other. People get what has gathered for them in
one message at a time (`notices.py`). What is due, who sends it and how it ended is in the order book only, so this
process may be killed at any point.
"""

import asyncio
import json
import random
import time
import uuid
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, closing, suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import NamedTuple

import httpx
import structlog
from standardwebhooks import Webhook

from agent.metrics import Metrics
from api.webhooks.notices import MOST, PAUSE_SECONDS, Notifier, notice
from tools.book.book import OrderBook
from tools.book.deliveries import HAND_OUT_LIMIT, Delivery, Ending
from tools.records.errors import Unavailable
from tools.records.events import Listener, Receiver, Recipient

log = structlog.get_logger(__name__)

STOP_SECONDS = 3.0
MAX_RETRY_AFTER_SECONDS = 86_400.0
GROWTH = 3.0
JITTER = 0.2
_ASKS_FOR_A_PAUSE = frozenset({429, 503})


class Pace(NamedTuple):
    """How often a delivery is tried, and how long each step may take. Tests use shorter times."""

    timeout_seconds: float = 10.0
    attempts: int = 12
    """They take about a day."""
    first_retry_seconds: float = 5.0
    longest_retry_seconds: float = 21_600.0
    lanes: int = 10
    poll_seconds: float = 1.0
    lease_margin_seconds: float = 20.0
    """Time beyond an attempt's limit to write down how it ended, while the database is busy."""
    name_seconds: float = 600.0
    gather_seconds: float = PAUSE_SECONDS

    def pause(self, attempt: int) -> float:
        """Seconds until the next attempt: three times as long each time, spread so that not all return at once."""
        pause = min(self.first_retry_seconds * min(GROWTH ** (attempt - 1), 1e9), self.longest_retry_seconds)
        return pause * random.uniform(1 - JITTER, 1 + JITTER)


PACE = Pace()


@asynccontextmanager
async def delivering(
    listeners: Sequence[Listener], book: OrderBook, metrics: Metrics, pace: Pace = PACE, *, address: str = ""
) -> AsyncIterator["Deliverer"]:
    """Deliver while the block lasts. At its end running attempts have a few seconds to get their answer. `address` is
    that of this service, for links. Raises what `Notifier` does."""
    with closing(Notifier([each for each in listeners if isinstance(each, Recipient)])) as notifier:
        async with http_client() as client:
            deliverer = Deliverer(listeners, book, metrics, pace, client, notifier, address)
            await deliverer.name_receivers()
            loop = asyncio.create_task(deliverer.run())
            try:
                yield deliverer
            finally:
                loop.cancel()
                await asyncio.wait([loop])
                await deliverer.stop()


def http_client() -> httpx.AsyncClient:
    """A client that uses no proxy of the environment, follows no redirect and keeps no connection. It trusts the
    authorities of SSL_CERT_FILE if that is set."""
    return httpx.AsyncClient(
        verify=httpx.create_ssl_context(),
        trust_env=False,
        limits=httpx.Limits(max_connections=None, max_keepalive_connections=0),
        timeout=None,  # noqa: S113  an attempt has a time limit for all of it
        headers={"User-Agent": "restock"},
    )


class Deliverer:
    """Hands out events, claims what is due, sends it and writes down how it ended, round by round."""

    def __init__(
        self,
        listeners: Sequence[Listener],
        book: OrderBook,
        metrics: Metrics,
        pace: Pace,
        client: httpx.AsyncClient,
        notifier: Notifier,
        address: str,
    ) -> None:
        self._listeners = {listener.identity: listener for listener in listeners}
        self._store, self._metrics, self._pace = book.deliveries, metrics, pace
        self._client, self._notifier = client, notifier
        self._owner, self._address = uuid.uuid4().hex, address
        self._attempts: set[asyncio.Task[None]] = set()
        self._busy: Counter[str] = Counter()
        self._news = asyncio.Event()
        self._name_at = 0.0

    async def run(self) -> None:
        """Work round by round until cancelled, even if a round fails."""
        while True:
            try:
                await self.round()
            except Unavailable:
                log.warning("webhooks_wait_for_the_database")
                await asyncio.sleep(self._pace.poll_seconds)
            except Exception:  # whatever failed, the next round may do better
                log.exception("webhook_round_failed")
                await asyncio.sleep(self._pace.poll_seconds)
            with suppress(TimeoutError):
                async with asyncio.timeout(self._pace.poll_seconds):
                    await self._news.wait()

    async def round(self) -> None:
        """Hand out new events, and begin deliveries that are due and have a lane."""
        self._news.clear()
        await self.name_receivers()
        if await self._store.hand_out() == HAND_OUT_LIMIT:
            self._news.set()
        room = {name: free for name in self._listeners if (free := self._room(name)) > 0}
        lease = self._pace.timeout_seconds + self._pace.lease_margin_seconds
        claimed = await self._store.claim(room, owner=self._owner, lease_seconds=lease)
        for message in self._messages(claimed):
            self._busy[message[0].receiver] += 1
            attempt = asyncio.create_task(self._attempt(message))
            self._attempts.add(attempt)
            attempt.add_done_callback(self._attempts.discard)

    def _room(self, name: str) -> int:
        """Deliveries that may be begun for a listener."""
        if isinstance(self._listeners[name], Recipient):
            return 0 if self._busy[name] else MOST
        return self._pace.lanes - self._busy[name]

    def _messages(self, claimed: Sequence[Delivery]) -> list[list[Delivery]]:
        """What is sent together: each delivery to a system by itself, all to the same people in one."""
        gathered: dict[str, list[Delivery]] = defaultdict(list)
        for delivery in claimed:
            people = isinstance(self._listeners[delivery.receiver], Recipient)
            gathered[delivery.receiver if people else str(delivery.number)].append(delivery)
        return list(gathered.values())

    async def stop(self) -> None:
        """Give attempts a few seconds. What has not ended by then is sent again when its lease ends, because nobody
        knows whether it arrived."""
        if self._attempts:
            await asyncio.wait(self._attempts, timeout=STOP_SECONDS)
        for attempt in self._attempts:
            attempt.cancel()

    async def name_receivers(self) -> None:
        """Store every few minutes which receivers there are. After the first time, other processes have stored theirs
        too."""
        if time.monotonic() < self._name_at:
            return
        await self._store.expect(list(self._listeners.values()))
        if self._name_at and (count := await self._store.give_up_unnamed()):
            log.warning("webhook_receivers_gone", dead_letters=count)
        self._name_at = time.monotonic() + self._pace.name_seconds

    async def _attempt(self, message: Sequence[Delivery]) -> None:
        name = message[0].receiver
        try:
            endings = await self._sent(message)
        except Exception:  # a fault of ours; the delivery is tried again like any other
            log.exception("webhook_attempt_failed", receiver=name)
            endings = [self._failed(delivery, "An error of this service; its log has it.") for delivery in message]
        finally:
            self._busy[name] -= 1
        for delivery, ending in zip(message, endings, strict=True):
            self._note(delivery, ending)
            await self._settle(delivery, ending)
        self._news.set()

    async def _settle(self, delivery: Delivery, ending: Ending) -> None:
        """Write down the ending as soon as the database serves. It is ignored if another process has taken over."""
        while True:
            try:
                return await self._store.settle(delivery, ending, owner=self._owner)
            except Unavailable:
                await asyncio.sleep(self._pace.poll_seconds)

    async def _sent(self, message: Sequence[Delivery]) -> list[Ending]:
        listener = self._listeners[message[0].receiver]
        if isinstance(listener, Recipient):
            return await self._noticed(message)
        return [await self._posted(listener, message[0])]

    async def _noticed(self, message: Sequence[Delivery]) -> list[Ending]:
        """One message to people. The next one waits for a minute, so that more can gather."""
        title, text = notice(message, self._address)
        try:
            async with asyncio.timeout(self._pace.timeout_seconds):
                taken = await self._notifier.send(message[0].receiver, title, text)
        except TimeoutError:
            taken = False
        if taken:
            return [Ending(outcome="delivered", pause_seconds=self._pace.gather_seconds) for _ in message]
        error = "The notice was not taken; see whether its address is right."
        return [self._failed(delivery, error) for delivery in message]

    async def _posted(self, receiver: Receiver, delivery: Delivery) -> Ending:
        body = body_of(delivery, self._address)
        headers = {**signature_headers(receiver, delivery.event_id, body), "Content-Type": "application/json"}
        try:
            async with asyncio.timeout(self._pace.timeout_seconds):
                sending = self._client.stream("POST", str(receiver.url), content=body, headers=headers)
                async with sending as response:  # its body is not read
                    return self._judged(delivery, response)
        except TimeoutError:
            return self._failed(delivery, f"No answer within {self._pace.timeout_seconds:g} s.")
        except httpx.ConnectError as error:
            return self._failed(delivery, f"Could not connect: {str(error)[:200]}.")
        except httpx.HTTPError as error:
            return self._failed(delivery, f"The connection broke ({type(error).__name__}).")

    def _judged(self, delivery: Delivery, response: httpx.Response) -> Ending:
        status = response.status_code
        if response.is_success:
            return Ending(outcome="delivered")
        if status == httpx.codes.GONE:
            return Ending(outcome="gone", error="The receiver answered 410 Gone.")
        asked = asked_pause(response.headers.get("retry-after", "")) if status in _ASKS_FOR_A_PAUSE else 0.0
        redirect = ", a redirect, which is not followed" if response.is_redirect else ""
        return self._failed(delivery, f"The receiver answered {status}{redirect}.", asked)

    def _failed(self, delivery: Delivery, error: str, asked: float = 0.0) -> Ending:
        return Ending(
            outcome="dead" if delivery.attempt >= self._pace.attempts else "failed",
            error=error,
            retry_in_seconds=max(self._pace.pause(delivery.attempt), asked),
            pause_seconds=asked,
        )

    def _note(self, delivery: Delivery, ending: Ending) -> None:
        self._metrics.webhook_deliveries.labels(ending.outcome).inc()
        write = log.debug if ending.outcome == "delivered" else log.warning
        about = delivery.model_dump(include={"receiver", "event_id", "run_id", "attempt"})
        write(f"webhook_{ending.outcome}", error=ending.error, **about)


def signature_headers(receiver: Receiver, event_id: str, body: str) -> dict[str, str]:
    """The three headers of Standard Webhooks, with a signature for each secret. They are made anew for each attempt,
    because receivers refuse a timestamp that is five minutes old."""
    now = datetime.now(UTC)
    return {
        "webhook-id": event_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": " ".join(Webhook(secret).sign(event_id, now, body) for secret in receiver.signing),
    }


def body_of(delivery: Delivery, address: str) -> str:
    """The body, the same at each attempt."""
    message = {
        "type": delivery.event,
        "timestamp": delivery.happened_at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "link": address + path_of(delivery),
        "data": delivery.payload,
    }
    return json.dumps(message, separators=(",", ":"), allow_nan=False)


def path_of(delivery: Delivery) -> str:
    """Where the service shows what the event is about: the order, the review, else the run."""
    kind, about = delivery.event.partition(".")[0], delivery.payload
    if kind == "order" and "number" in about:
        return f"/orders/{about['number']}"
    return f"/reviews/{about['id']}" if kind == "review" and "id" in about else f"/runs/{delivery.run_id}"


def asked_pause(retry_after: str) -> float:
    """Seconds that a Retry-After header asks for, a day at most; 0 if it cannot be read.

    >>> asked_pause("120"), asked_pause("999999999"), asked_pause("soon")
    (120.0, 86400.0, 0.0)
    """
    try:
        if retry_after.isascii() and retry_after.isdecimal():
            seconds = float(retry_after)
        else:
            seconds = (parsedate_to_datetime(retry_after) - datetime.now(UTC)).total_seconds()
    except (TypeError, ValueError):
        return 0.0
    return min(max(0.0, seconds), MAX_RETRY_AFTER_SECONDS)
