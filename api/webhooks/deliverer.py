"""Brings events from the outbox to the webhooks: one loop in each process, one task for each attempt.

Attempts to one webhook use lanes of its own, so that a slow or dead receiver delays nobody else. What is due, who is at
it and how it ended stand in the order book alone; this process may be killed at any point.
"""

import asyncio
import json
import random
import uuid
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import structlog

from agent.metrics import Metrics
from agent.settings import Settings
from api.webhooks.outbound import Outbound, Reply, Unreachable
from api.webhooks.secrets import SecretBox, SecretKeyMissing, signature_headers
from tools.book.book import OrderBook
from tools.book.deliveries import HAND_OUT_LIMIT, Delivery, Settlement
from tools.records.errors import InvalidWebhookUrl, Unavailable

log = structlog.get_logger(__name__)

LEASE_MARGIN_SECONDS = 20.0
"""Beyond an attempt's time limit: to be written down in, while the database is busy."""
STOP_SECONDS = 3.0
MAX_RETRY_AFTER_SECONDS = 86_400.0
GROWTH = 3.0
JITTER = 0.2
_ASKS_FOR_A_PAUSE = frozenset({429, 503})


@asynccontextmanager
async def delivering(
    settings: Settings, book: OrderBook, metrics: Metrics, *, lease_margin_seconds: float = LEASE_MARGIN_SECONDS
) -> AsyncIterator["Deliverer"]:
    """Deliver while the block lasts. Attempts under way at its end have a few seconds to get their answer."""
    outbound = Outbound.from_settings(settings)
    deliverer = Deliverer(settings, book, metrics, outbound, lease_margin_seconds)
    loop = asyncio.create_task(deliverer.run())
    try:
        yield deliverer
    finally:
        loop.cancel()
        await asyncio.wait([loop])
        await deliverer.stop()
        outbound.close()


class Deliverer:
    """Hands out events, claims what is due, sends it and writes down how that ended, round by round."""

    def __init__(
        self, settings: Settings, book: OrderBook, metrics: Metrics, outbound: Outbound, lease_margin_seconds: float
    ) -> None:
        self._settings, self._book, self._metrics, self._outbound = settings, book, metrics, outbound
        self._box = SecretBox(settings.webhook_secret_key)
        self._owner = uuid.uuid4().hex
        self._lease = settings.webhook_timeout_seconds + lease_margin_seconds
        self._attempts: set[asyncio.Task[None]] = set()
        self._busy: Counter[str] = Counter()
        self._ended: list[Settlement] = []
        self._news = asyncio.Event()

    async def run(self) -> None:
        """Until cancelled. No failure of a round ends it."""
        while True:
            try:
                await self.round()
            except Unavailable:
                log.warning("webhooks_wait_for_the_database")
                await asyncio.sleep(self._settings.webhook_poll_seconds)
            except Exception:  # whatever failed, the next round may do better
                log.exception("webhook_round_failed")
                await asyncio.sleep(self._settings.webhook_poll_seconds)
            with suppress(TimeoutError):
                async with asyncio.timeout(self._settings.webhook_poll_seconds):
                    await self._news.wait()

    async def round(self) -> None:
        """Write down what has ended, hand out new events, begin what is due and has a lane."""
        self._news.clear()
        await self._settle()
        if await self._book.deliveries.hand_out() == HAND_OUT_LIMIT:
            self._news.set()
        claimed = await self._book.deliveries.claim(
            owner=self._owner, lease_seconds=self._lease, lanes=self._settings.webhook_lanes, busy=self._busy
        )
        for delivery in claimed:
            self._busy[delivery.webhook_id] += 1
            attempt = asyncio.create_task(self._attempt(delivery))
            self._attempts.add(attempt)
            attempt.add_done_callback(self._attempts.discard)

    async def stop(self) -> None:
        """Give attempts a few seconds, then write down what has ended. The others are sent again once their lease
        ends: whether they arrived, nobody knows."""
        if self._attempts:
            await asyncio.wait(self._attempts, timeout=STOP_SECONDS)
        for attempt in self._attempts:
            attempt.cancel()
        with suppress(Unavailable):
            await self._settle()

    async def _settle(self) -> None:
        ended, self._ended = self._ended, []
        if not ended:
            return
        try:
            await self._book.deliveries.settle(ended, owner=self._owner)
        except BaseException:
            self._ended = ended + self._ended
            raise

    async def _attempt(self, delivery: Delivery) -> None:
        try:
            settlement = await self._settlement(delivery)
        except Exception:  # a fault of ours; the delivery is tried again like any other
            log.exception("webhook_attempt_failed", webhook_id=delivery.webhook_id)
            settlement = self._failed(delivery, "An error of this service; its log has it.")
        finally:
            self._busy[delivery.webhook_id] -= 1
        self._ended.append(settlement)
        self._note(settlement)
        self._news.set()

    async def _settlement(self, delivery: Delivery) -> Settlement:
        body = body_of(delivery)
        try:
            signing = [self._box.open(stored) for stored in delivery.secrets]
            headers = signature_headers(delivery.event_id, body, signing)
            reply = await self._outbound.post(
                delivery.url, body.encode(), {**headers, "Content-Type": "application/json", "User-Agent": "restock"}
            )
        except (Unreachable, InvalidWebhookUrl, SecretKeyMissing) as error:
            return self._failed(delivery, str(error))
        return self._judged(delivery, reply)

    def _judged(self, delivery: Delivery, reply: Reply) -> Settlement:
        if 200 <= reply.status < 300:
            return Settlement(delivery=delivery, outcome="delivered")
        if reply.status == 410:
            return Settlement(delivery=delivery, outcome="gone", error="The receiver answered 410 Gone.")
        redirect = ", a redirect, which is not followed" if 300 <= reply.status < 400 else ""
        return self._failed(delivery, f"The receiver answered {reply.status}{redirect}.", reply)

    def _failed(self, delivery: Delivery, error: str, reply: Reply | None = None) -> Settlement:
        asked = asked_pause(reply.retry_after) if reply and reply.status in _ASKS_FOR_A_PAUSE else 0.0
        last = delivery.attempt >= self._settings.webhook_attempts
        return Settlement(
            delivery=delivery,
            outcome="dead" if last else "failed",
            error=error,
            retry_in_seconds=max(self._pause(delivery.attempt), asked),
            pause_seconds=asked,
        )

    def _pause(self, attempt: int) -> float:
        """Seconds until the next attempt: three times as long each time, spread so that not all come back at once."""
        growth = min(GROWTH ** (attempt - 1), 1e9)
        pause = min(self._settings.webhook_first_retry_seconds * growth, self._settings.webhook_longest_retry_seconds)
        return pause * random.uniform(1 - JITTER, 1 + JITTER)

    def _note(self, settlement: Settlement) -> None:
        delivery = settlement.delivery
        self._metrics.webhook_deliveries.labels(settlement.outcome).inc()
        write = log.debug if settlement.outcome == "delivered" else log.warning
        write(
            f"webhook_{settlement.outcome}",
            webhook_id=delivery.webhook_id,
            event_id=delivery.event_id,
            run_id=delivery.run_id,
            attempt=delivery.attempt,
            error=settlement.error,
        )


def body_of(delivery: Delivery) -> str:
    """What is sent, the same at each attempt."""
    message = {
        "type": delivery.event,
        "timestamp": delivery.happened_at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "data": delivery.payload,
    }
    return json.dumps(message, separators=(",", ":"), allow_nan=False)


def asked_pause(retry_after: str | None) -> float:
    """Seconds that a Retry-After header asks for, a day at most; 0 where it asks for nothing that can be understood.

    >>> asked_pause("120"), asked_pause("999999999"), asked_pause("soon")
    (120.0, 86400.0, 0.0)
    """
    if retry_after is None:
        return 0.0
    if retry_after.isascii() and retry_after.isdecimal():
        return min(float(retry_after[:9]), MAX_RETRY_AFTER_SECONDS)
    try:
        moment = parsedate_to_datetime(retry_after)
    except ValueError:
        return 0.0
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return min(max(0.0, (moment - datetime.now(UTC)).total_seconds()), MAX_RETRY_AFTER_SECONDS)
