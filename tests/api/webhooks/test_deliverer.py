"""Events reach real receivers, whatever the receivers do and whoever is killed."""

import asyncio
import base64
import hashlib
import hmac
import io
import json
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
import sqlalchemy as sa
from standardwebhooks import Webhook as Verifier
from standardwebhooks import WebhookVerificationError

from agent.metrics import Metrics
from api.webhooks.deliverer import PACE, Deliverer, asked_pause, delivering
from tests.order_book import record
from tests.receiver import Receiver, endless_body, hang_up, held, in_drops, never, receiving, status
from tools.book.book import OrderBook
from tools.book.deliveries import UNNAMED
from tools.book.placing import send
from tools.records import events
from tools.records.orders import NewRun
from tools.storage.database import Database
from tools.storage.schema import deliveries, outbox, receivers
from tools.storage.types import Now, NowPlus

Start = Callable[..., Awaitable[Deliverer]]
QUICK = PACE._replace(poll_seconds=0.02, first_retry_seconds=0.02, longest_retry_seconds=0.05)
SECRET, OTHER_SECRET = (f"whsec_{base64.b64encode(letter * 32).decode()}" for letter in (b"a", b"b"))
PAYLOAD = {"number": "PO-2026-000001", "total": "10.50", "note": "größer \u2028"}


@pytest.fixture
async def start(database_url: str) -> AsyncIterator[Start]:
    """Starts deliverers, each with a database of its own as in a process of its own."""
    async with AsyncExitStack() as stack:

        async def start_one(*told: events.Receiver, **changes: Any) -> Deliverer:
            database = await stack.enter_async_context(Database(database_url))
            pace = QUICK._replace(**changes)
            return await stack.enter_async_context(delivering(told, OrderBook(database), Metrics(), pace))

        yield start_one


@pytest.fixture
async def receiver(book: OrderBook) -> AsyncIterator[Receiver]:
    """One that events are kept for from now on."""
    async with receiving() as receiver:
        await book.deliveries.expect([hook(receiver)])
        yield receiver


@pytest.fixture
def happen(book: OrderBook, new_run: Callable[..., NewRun]) -> Callable[..., Awaitable[str]]:
    """Leaves an event in the outbox; its run's id comes back."""

    async def leave(event: str = "order.placed", run_id: str | None = None) -> str:
        if run_id is None:
            run_id = (await record(book, new_run(), owner="w", lease_seconds=60)).id
        with book.database.engine.begin() as connection:
            send(connection, event, run_id, PAYLOAD)
        return run_id

    return leave


def hook(receiver: Receiver, path: str = "/hooks", **more: Any) -> events.Receiver:
    """The receiver as the setting names it."""
    return events.Receiver(url=receiver.url(path), **({"secret": SECRET} | more))


async def until(ask: Callable[[], Awaitable[Any]], wanted: Any) -> None:
    async with asyncio.timeout(20):
        while await ask() != wanted:  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def settled(book: OrderBook, **wanted: int) -> None:
    """Until so many deliveries have ended in each way, and none is left."""
    counts = sa.select(deliveries.c.status, sa.func.count().label("count")).group_by(deliveries.c.status)

    async def by_status() -> dict[str, int]:
        with book.database.engine.begin() as connection:
            return {row.status: row.count for row in connection.execute(counts)}

    await until(by_status, wanted)


async def pending(book: OrderBook) -> int:
    return (await book.deliveries.figures()).pending


async def not_handed_out(book: OrderBook) -> int:
    with book.database.engine.begin() as connection:
        query = sa.select(sa.func.count()).select_from(outbox).where(outbox.c.handed_out_at.is_(None))
        return connection.scalar(query) or 0


async def pause(book: OrderBook) -> float:
    """For how many seconds the only receiver is left alone."""
    with book.database.engine.begin() as connection:
        until, now = (connection.execute(sa.select(receivers.c.paused_until, Now()))).one()
        return 0.0 if until is None else (until - now).total_seconds()


def only(rows: list[Any]) -> Any:
    assert len(rows) == 1, rows
    return rows[0]


async def rows_of(book: OrderBook) -> list[Any]:
    with book.database.engine.begin() as connection:
        query = sa.select(deliveries, Now().label("now")).order_by(deliveries.c.number)
        return list((connection.execute(query)).all())


async def test_an_event_arrives_signed_as_standard_webhooks_says(book, receiver, happen, start: Start) -> None:
    await happen()
    await start(hook(receiver))
    await settled(book, delivered=1)

    (received,) = receiver.received
    message = Verifier(SECRET).verify(received.body, dict(received.headers))
    assert (message["type"], message["data"]) == ("order.placed", PAYLOAD)
    assert received.headers["content-type"] == "application/json"
    signed = f"{received.event_id}.{received.headers['webhook-timestamp']}.".encode() + received.body
    by_hand = hmac.new(base64.b64decode(SECRET.removeprefix("whsec_")), signed, hashlib.sha256).digest()
    assert received.headers["webhook-signature"] == "v1," + base64.b64encode(by_hand).decode()


async def test_a_failing_receiver_gets_the_same_event_again_until_it_takes_it(book, receiver, happen, start) -> None:
    moved = status(302, Location=receiver.url("/elsewhere"))
    receiver.script = [status(500), hang_up, moved, status(404), status(200)]
    await happen()
    await start(hook(receiver))
    await settled(book, delivered=1)

    assert [each.target for each in receiver.received] == ["/hooks"] * 5
    assert len(set(receiver.event_ids)) == 1
    assert len({each.body for each in receiver.received}) == 1
    for each in receiver.received:
        Verifier(SECRET).verify(each.body, dict(each.headers))


@pytest.mark.parametrize("trap", [never, in_drops])
async def test_a_receiver_that_hangs_or_drips_cannot_hold_an_attempt(book, receiver, happen, start, trap) -> None:
    receiver.script = [trap]
    await happen()
    deliverer = await start(hook(receiver), timeout_seconds=0.3)
    await settled(book, delivered=1)

    assert len(receiver.received) == 2
    assert deliverer._metrics.webhook_deliveries.labels("failed")._value.get() == 1


async def test_an_endless_answer_is_not_read(book, receiver, happen, start) -> None:
    receiver.script = [endless_body]
    await happen()
    await start(hook(receiver))
    await settled(book, delivered=1)

    assert len(receiver.received) == 1


async def test_a_slow_receiver_delays_no_other_one(book, receiver, happen, start) -> None:
    release = asyncio.Event()
    async with receiving() as slow:
        slow.otherwise = held(release)
        await book.deliveries.expect([hook(slow)])
        for _ in range(15):
            await happen()
        await start(hook(receiver), hook(slow), lanes=3)
        await receiver.until(15)
        await slow.until(3)
        assert len(slow.received) == 3
        release.set()
        await settled(book, delivered=30)

        assert slow.most_open == 3
        assert sorted(slow.event_ids) == sorted(receiver.event_ids)


async def test_a_receiver_that_asks_for_a_pause_gets_it_for_all_its_events(book, receiver, happen, start) -> None:
    receiver.script = [status(429, Retry_After="3600")]
    await happen()
    deliverer = await start(hook(receiver))
    await receiver.until(1)
    async with asyncio.timeout(20):
        while await pause(book) == 0:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    await happen()
    await deliverer.round()
    await deliverer.round()

    first, second = await rows_of(book)
    assert 3500 < (first.due_at - first.now).total_seconds() <= 3600
    assert 3500 < await pause(book) <= 3600
    assert (second.attempts, len(receiver.received)) == (0, 1)
    assert first.last_error == "The receiver answered 429."


async def test_what_a_receiver_that_is_gone_was_sent_is_a_dead_letter_at_once(book, receiver, happen, start) -> None:
    receiver.script = [status(410)]
    await happen()
    deliverer = await start(hook(receiver))
    await settled(book, dead=1)

    letter = only(await book.deliveries.dead_letters())
    assert (letter.attempts, letter.last_error) == (1, "The receiver answered 410 Gone.")
    assert deliverer._metrics.webhook_deliveries.labels("gone")._value.get() == 1
    assert await book.deliveries.replay() == 1
    await settled(book, delivered=1)
    assert len(set(receiver.event_ids)) == 1


async def test_what_waits_for_a_receiver_that_no_process_names_any_more_is_given_up(
    book, receiver, happen, start
) -> None:
    await happen()
    with book.database.engine.begin() as connection:
        connection.execute(sa.update(receivers).values(named_until=NowPlus(-1)))
    await start(name_seconds=0.05)
    await settled(book, dead=1)

    assert only(await book.deliveries.dead_letters()).last_error == UNNAMED
    assert receiver.connections == 0


async def test_after_the_last_attempt_a_dead_letter_can_be_replayed(book, receiver, happen, start) -> None:
    receiver.script = [status(500), status(503), status(400)]
    run_id = await happen()
    deliverer = await start(hook(receiver), attempts=3)
    await settled(book, dead=1)

    letter = only(await book.deliveries.dead_letters())
    assert (letter.run_id, letter.attempts, letter.last_error) == (run_id, 3, "The receiver answered 400.")
    assert (await book.deliveries.figures()).dead == 1
    await book.deliveries.replay(letter.number)
    await settled(book, delivered=1)

    assert len(receiver.received) == 4
    assert set(receiver.event_ids) == {letter.event_id}
    outcomes = deliverer._metrics.webhook_deliveries
    assert [outcomes.labels(name)._value.get() for name in ("failed", "dead", "delivered")] == [2, 1, 1]


async def test_two_processes_that_race_deliver_each_event_once(book, receiver, happen, start) -> None:
    for _ in range(30):
        await happen()
    await asyncio.gather(*(start(hook(receiver)) for _ in range(3)))
    await settled(book, delivered=30)

    assert len(receiver.event_ids) == len(set(receiver.event_ids)) == 30


async def test_what_a_killed_process_was_delivering_is_delivered_by_another(
    book, receiver, happen, start, database_url: str
) -> None:
    receiver.script = [held(asyncio.Event())]
    await happen()
    told = json.dumps({"url": receiver.url(), "secret": SECRET})
    killed = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.api.webhooks.killed_deliverer", database_url, told
    )
    await receiver.until(1, seconds=60)
    killed.kill()
    assert await killed.wait() == -signal.SIGKILL
    assert only(await rows_of(book)).status == "pending"
    await start(hook(receiver))
    await settled(book, delivered=1)

    assert len(receiver.received) == 2
    assert len(set(receiver.event_ids)) == 1


async def test_a_run_s_events_arrive_in_order_and_hold_up_no_other_run(book, receiver, happen, start) -> None:
    release = asyncio.Event()
    receiver.script = [held(release)]
    first = await happen("review.opened")
    await happen("review.decided", first)
    await happen("order.placed", first)
    deliverer = await start(hook(receiver))
    await receiver.until(1)
    other = await happen()
    await receiver.until(2)
    await deliverer.round()
    assert other != first
    assert [json.loads(each.body)["type"] for each in receiver.received] == ["review.opened", "order.placed"]
    release.set()
    await settled(book, delivered=4)

    types = [json.loads(each.body)["type"] for each in receiver.received]
    assert types == ["review.opened", "order.placed", "review.decided", "order.placed"]


async def test_a_run_s_later_event_does_not_wait_for_one_that_is_refused(book, receiver, happen, start) -> None:
    receiver.script = [status(400)]
    run_id = await happen("review.opened")
    await happen("order.placed", run_id)
    await start(hook(receiver), first_retry_seconds=3600, longest_retry_seconds=3600)
    await receiver.until(2)

    assert [json.loads(each.body)["type"] for each in receiver.received] == ["review.opened", "order.placed"]


async def test_while_a_secret_is_replaced_both_sign(book, receiver, happen, start) -> None:
    await happen()
    await start(hook(receiver, secret=OTHER_SECRET, old_secret=SECRET))
    await receiver.until(1)

    message = (receiver.received[0].body, dict(receiver.received[0].headers))
    assert Verifier(SECRET).verify(*message) == Verifier(OTHER_SECRET).verify(*message)


async def test_a_secret_that_was_replaced_does_not_sign(book, receiver, happen, start) -> None:
    await happen()
    await start(hook(receiver, secret=OTHER_SECRET))
    await receiver.until(1)

    with pytest.raises(WebhookVerificationError):
        Verifier(SECRET).verify(receiver.received[0].body, dict(receiver.received[0].headers))


async def test_forged_and_late_messages_are_refused_by_the_receivers_library(book, receiver, happen, start) -> None:
    await happen()
    await start(hook(receiver))
    await receiver.until(1)
    body, headers = receiver.received[0].body, dict(receiver.received[0].headers)
    late = datetime.now(UTC) - timedelta(minutes=10)
    signed_late = {
        "webhook-id": headers["webhook-id"],
        "webhook-timestamp": str(int(late.timestamp())),
        "webhook-signature": Verifier(SECRET).sign(headers["webhook-id"], late, body.decode()),
    }

    assert Verifier(SECRET).verify(body, headers)
    for forged in ((body.replace(b"10.50", b"10.51"), headers), (body, signed_late)):
        with pytest.raises(WebhookVerificationError):
            Verifier(SECRET).verify(*forged)


async def test_nothing_secret_is_logged(book, receiver, happen, start, log: io.StringIO) -> None:
    receiver.script = [endless_body, status(500, X_Canary="canary-of-a-header")]
    secret = hook(receiver, path="/hooks/canary-of-the-path?token=canary-of-the-query")
    await book.deliveries.expect([secret])
    await happen()
    await happen()
    await start(secret)
    await settled(book, delivered=2, pending=2)

    said = log.getvalue()
    assert {json.loads(line)["event"] for line in said.splitlines()} == {"webhook_delivered", "webhook_failed"}
    assert not any(word in said for word in ("canary", "größer", "/hooks", SECRET.removeprefix("whsec_")))


async def test_delivery_goes_on_after_the_database_dropped_every_connection(
    book, receiver, happen, start, engine: sa.Engine
) -> None:
    if engine.dialect.name != "postgresql":
        pytest.skip("SQLite has no server to lose")
    await start(hook(receiver))
    await happen()
    await receiver.until(1)
    with engine.begin() as connection:
        others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
        connection.exec_driver_sql(f"{others} AND pid <> pg_backend_pid()")
    await happen()
    await settled(book, delivered=2)

    assert len(set(receiver.event_ids)) == 2


async def test_attempts_under_way_at_the_end_get_their_answer(book, receiver, happen, database_url) -> None:
    release = asyncio.Event()
    receiver.script = [held(release)]
    await happen()
    async with Database(database_url) as database, delivering([hook(receiver)], OrderBook(database), Metrics(), QUICK):
        await receiver.until(1)
        asyncio.get_running_loop().call_later(0.1, release.set)

    assert only(await rows_of(book)).status == "delivered"


def test_pauses_grow_threefold_up_to_the_longest_and_take_about_a_day_in_all() -> None:
    attempts = range(1, PACE.attempts)

    spread = [[PACE.pause(attempt) for _ in range(200)] for attempt in attempts]

    middles = [min(5 * 3.0 ** (attempt - 1), 21_600) for attempt in attempts]
    for pauses, middle in zip(spread, middles, strict=True):
        assert 0.8 * middle <= min(pauses) < max(pauses) <= 1.2 * middle
    assert 20 < sum(middles) / 3600 < 28


@pytest.mark.parametrize("asked", ["-5", "soon", "", "1e3", "٣", "Wed, 99 Nov 2026 00:00:00 GMT", "2020-01-01"])
def test_a_pause_that_cannot_be_understood_is_none(asked: str) -> None:
    assert asked_pause(asked) == 0


def test_a_pause_may_be_asked_for_as_a_date() -> None:
    assert 50 < asked_pause(format_datetime(datetime.now(UTC) + timedelta(seconds=60), usegmt=True)) <= 60
    assert asked_pause(format_datetime(datetime.now(UTC) - timedelta(seconds=60), usegmt=True)) == 0
