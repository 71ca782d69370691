"""Deliveries: handed out once, claimed by one, settled by whoever holds them."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from tools.book.audit import Actor
from tools.book.book import OrderBook
from tools.book.deliveries import Delivery, Settlement
from tools.book.placing import send
from tools.book.webhooks import EVENTS, Webhook
from tools.records.errors import Conflict, UnknownDeadLetter
from tools.records.orders import NewRun, Proposal, Run
from tools.storage.database import Database
from tools.storage.migrations.upgrade import migrate
from tools.storage.schema import Now, NowPlus, deliveries, outbox, webhooks

Happen = Callable[..., Awaitable[str]]


@pytest.fixture
def happen(book: OrderBook, new_run: Callable[..., NewRun]) -> Happen:
    """Leaves an event in the outbox; its run's id comes back."""

    async def leave(event: str = "order.placed", run_id: str | None = None) -> str:
        if run_id is None:
            run_id = (await book.runs.record(new_run(), owner="w", lease_seconds=60)).id
        with book.database.engine.begin() as connection:
            send(connection, event, run_id, {"number": "PO-2026-000001"})
        return run_id

    return leave


async def add(book: OrderBook, url: str = "https://erp.example/", events: tuple[str, ...] = ()) -> Webhook:
    return await book.webhooks.add(
        url=url, events=events, description="", secret="plain:whsec_a", by=Actor(name="anna")
    )


async def claim(book: OrderBook, owner: str = "w", lanes: int = 10, **busy: int) -> list[Delivery]:
    await book.deliveries.hand_out()
    return await book.deliveries.claim(owner=owner, lease_seconds=30, lanes=lanes, busy=busy)


async def settle(book: OrderBook, delivery: Delivery, outcome: str, owner: str = "w", **more: Any) -> None:
    settlement = Settlement(delivery=delivery, outcome=outcome, **more)
    await book.deliveries.settle([settlement], owner=owner)


async def rows(book: OrderBook) -> list[Any]:
    with book.database.engine.begin() as connection:
        query = sa.select(deliveries, Now().label("now")).order_by(deliveries.c.number)
        return list(connection.execute(query).all())


async def end_leases(book: OrderBook) -> None:
    with book.database.engine.begin() as connection:
        connection.execute(sa.update(deliveries).values(due_at=NowPlus(-1)))


async def test_an_event_without_a_webhook_is_marked_and_costs_no_delivery(book: OrderBook, happen: Happen) -> None:
    await happen()
    assert (await book.deliveries.figures()).oldest_pending_seconds == 0

    assert (await book.deliveries.hand_out(), await book.deliveries.hand_out()) == (1, 0)

    assert await rows(book) == []
    with book.database.engine.begin() as connection:
        assert isinstance(connection.scalar(sa.select(outbox.c.handed_out_at)), datetime)


async def test_a_webhook_hears_of_what_it_wants_and_of_nothing_from_before_its_time(
    book: OrderBook, happen: Happen
) -> None:
    await happen()
    await add(book, "https://all.example/")
    await asyncio.sleep(0.01)
    await add(book, "https://orders.example/", ("order.placed",))
    off = await add(book, "https://off.example/")
    await book.webhooks.change(off.id, {"enabled": False}, by=Actor(name="anna"))
    await asyncio.sleep(0.01)
    await happen("order.placed")
    await happen("review.opened")

    claimed = await claim(book)

    assert sorted((each.url, each.event) for each in claimed) == [
        ("https://all.example/", "order.placed"),
        ("https://all.example/", "review.opened"),
        ("https://orders.example/", "order.placed"),
    ]
    assert len(await rows(book)) == 3
    assert {each.secrets for each in claimed} == {("plain:whsec_a",)}
    assert "whsec" not in repr(claimed)
    assert "PO-2026" not in repr(claimed)


async def test_what_is_claimed_is_nobody_elses_until_the_lease_ends(book: OrderBook, happen: Happen) -> None:
    await add(book)
    await happen()
    (first,) = await claim(book, "a")
    assert await claim(book, "b") == []

    await end_leases(book)
    (second,) = await claim(book, "b")

    assert (first.attempt, second.attempt) == (1, 2)
    assert first.event_id == second.event_id


async def test_only_who_holds_a_delivery_may_settle_it(book: OrderBook, happen: Happen) -> None:
    await add(book)
    await happen()
    (lost,) = await claim(book, "a")
    await end_leases(book)
    (held,) = await claim(book, "a")

    await settle(book, lost, "dead", "a", error="late")
    await settle(book, held, "dead", "b", error="another's")
    (row,) = await rows(book)
    assert (row.status, row.last_error) == ("pending", None)

    await settle(book, held, "delivered", "a")
    await settle(book, held, "failed", "a")
    (row,) = await rows(book)
    assert (row.status, row.finished_at <= row.now) == ("delivered", True)


async def test_many_processes_hand_out_and_claim_each_delivery_once(
    book: OrderBook, happen: Happen, database_url: str
) -> None:
    await add(book)
    await add(book, "https://second.example/")
    for _ in range(40):
        await happen()
    books = [OrderBook(Database(database_url)) for _ in range(6)]

    claimed = [
        each
        for found in await asyncio.gather(*(claim(other, f"w{n}") for n, other in enumerate(books * 4)))
        for each in found
    ]
    claimed += await claim(book, lanes=100)

    assert len(claimed) == len({each.number for each in claimed}) == 80
    assert len({(each.event_id, each.webhook_id) for each in claimed}) == 80
    for book in books:
        book.database.close()


async def test_each_webhook_has_its_own_lanes(book: OrderBook, happen: Happen) -> None:
    busy, free = await add(book), await add(book, "https://free.example/")
    for _ in range(4):
        await happen()

    claimed = await claim(book, lanes=3, **{busy.id: 2})
    assert sorted(each.webhook_id for each in claimed) == sorted([busy.id, free.id, free.id, free.id])
    assert await claim(book, lanes=3, **{busy.id: 3, free.id: 3}) == []


async def test_the_oldest_due_go_first_and_what_waits_for_a_retry_is_passed_over(
    book: OrderBook, happen: Happen
) -> None:
    await add(book)
    runs = [await happen() for _ in range(4)]
    (first,) = await claim(book, lanes=1)
    await settle(book, first, "failed", error="x", retry_in_seconds=3600)

    claimed = await claim(book, lanes=2)

    assert [each.run_id for each in claimed] == runs[1:3]


async def test_a_run_s_later_event_waits_for_an_earlier_one_that_is_untried_or_under_way(
    book: OrderBook, happen: Happen
) -> None:
    await add(book)
    run_id = await happen("review.opened")
    await happen("order.placed", run_id)

    (opened,) = await claim(book)
    assert (opened.event, await claim(book)) == ("review.opened", [])
    await settle(book, opened, "failed", error="x", retry_in_seconds=3600)
    (placed,) = await claim(book)
    assert placed.event == "order.placed"


async def test_a_webhook_that_asked_for_a_pause_is_left_alone(book: OrderBook, happen: Happen) -> None:
    paused = await add(book)
    await add(book, "https://other.example/")
    await happen()
    first = next(each for each in await claim(book) if each.webhook_id == paused.id)
    await settle(book, first, "failed", error="x", pause_seconds=3600)
    await happen()
    await end_leases(book)

    assert paused.id not in {each.webhook_id for each in await claim(book)}
    await book.webhooks.change(paused.id, {"enabled": True}, by=Actor(name="anna"))
    assert paused.id in {each.webhook_id for each in await claim(book)}


async def test_disabling_makes_dead_letters_of_what_is_pending_and_of_nothing_else(
    book: OrderBook, happen: Happen
) -> None:
    webhook = await add(book)
    await happen()
    (done,) = await claim(book)
    await settle(book, done, "delivered")
    await happen()
    await claim(book)
    await book.webhooks.change(webhook.id, {"enabled": False}, by=Actor(name="anna"))

    (letter,) = await book.deliveries.dead_letters()
    assert letter.last_error == "Disabled by anna."
    with pytest.raises(Conflict, match="enable it first"):
        await book.deliveries.replay(letter.number)
    assert await book.deliveries.replay_all() == 0


async def test_dead_letters_are_paged_and_replayed_from_the_first_attempt_on(book: OrderBook, happen: Happen) -> None:
    webhook, other = await add(book), await add(book, "https://other.example/")
    for _ in range(2):
        await happen()
    for each in await claim(book):
        await settle(book, each, "dead", error="The receiver answered 500.")

    page = await book.deliveries.dead_letters(3)
    rest = await book.deliveries.dead_letters(3, before=page[-1].number)
    assert [letter.number for letter in page + rest] == sorted((row.number for row in await rows(book)), reverse=True)
    mine = await book.deliveries.dead_letters(webhook_id=webhook.id)
    assert {letter.webhook_id for letter in mine} == {webhook.id}
    await book.deliveries.replay(mine[0].number)
    with pytest.raises(UnknownDeadLetter):
        await book.deliveries.replay(mine[0].number)
    assert await book.deliveries.replay_all(other.id, by=Actor(name="anna", id="key_anna")) == 2
    assert await book.deliveries.replay_all() == 1
    trail = [each for each in await book.audit.page() if each.event == "webhook.replayed"]
    assert [(each.actor, each.figures["dead_letters"]) for each in trail] == [
        ("service", 1),
        ("anna", 2),
        ("service", 1),
    ]
    assert [each.attempt for each in await claim(book)] == [1] * 4


async def test_the_figures_tell_how_old_the_oldest_undelivered_event_is(book: OrderBook, happen: Happen) -> None:
    await add(book)
    await happen()
    with book.database.engine.begin() as connection:
        connection.execute(sa.update(webhooks).values(created_at=NowPlus(-1000)))
        connection.execute(sa.update(outbox).values(created_at=NowPlus(-600)))

    waiting = await book.deliveries.figures()
    (claimed,) = await claim(book)
    pending = await book.deliveries.figures()
    await settle(book, claimed, "delivered")
    done = await book.deliveries.figures()

    assert (waiting.pending, pending.pending, done.pending) == (0, 1, 0)
    assert 600 <= waiting.oldest_pending_seconds <= pending.oldest_pending_seconds < 660
    assert (done.oldest_pending_seconds, done.dead) == (0, 0)


async def test_removing_a_webhook_removes_its_deliveries_alone(book: OrderBook, happen: Happen) -> None:
    webhook, other = await add(book), await add(book, "https://other.example/")
    await happen()
    held = await claim(book)
    await book.webhooks.remove(webhook.id, by=Actor(name="anna"))
    for each in held:
        await settle(book, each, "failed", error="x", pause_seconds=10)

    assert {row.webhook_id for row in await rows(book)} == {other.id}


async def test_events_are_forgotten_once_nothing_of_them_is_to_be_delivered(book: OrderBook, happen: Happen) -> None:
    async def age(table: sa.Table, column: str) -> None:
        old = sa.update(table).where(table.c[column].is_not(None)).values({column: NowPlus(-31 * 86_400)})
        with book.database.engine.begin() as connection:
            connection.execute(old)

    await happen()
    await book.deliveries.hand_out()
    await add(book)
    for _ in range(3):
        await happen()
    delivered, dead, _pending = await claim(book)
    await settle(book, delivered, "delivered")
    await settle(book, dead, "dead", error="x")
    await happen()

    assert await book.retention.forget_events(days=30) == 0
    await age(outbox, "handed_out_at")
    assert await book.retention.forget_events(days=30) == 1
    await age(deliveries, "finished_at")
    assert (await book.retention.forget_events(days=30), await book.retention.forget_events(days=30)) == (2, 0)
    assert [row.status for row in await rows(book)] == ["pending"]


async def test_placing_an_order_takes_no_statement_more_for_webhooks(
    book: OrderBook, engine: sa.Engine, new_run: Any, new_proposal: Any
) -> None:
    async def statements() -> int:
        run = await book.runs.record(new_run(product_id=f"P{len(seen)}"), owner="w", lease_seconds=60)
        await book.orders.propose(new_proposal(run.id, product_id=run.product_id), route="auto", expires_in_hours=1)
        before = len(seen)
        await book.orders.place(run.id)
        return len(seen) - before

    seen: list[str] = []
    sa.event.listen(engine, "before_cursor_execute", lambda *given: seen.append(given[2]))
    without = await statements()
    for number in range(3):
        await add(book, f"https://erp.example/{number}")
    assert await statements() == without > 0


async def test_every_event_that_is_sent_can_be_asked_for(book: OrderBook, new_run: Any, new_proposal: Any) -> None:
    async def propose(route: str, **changes: Any) -> Proposal:
        run = await begin()
        new = new_proposal(run.id, product_id=run.product_id, **changes)
        return await book.orders.propose(new, route=route, expires_in_hours=1)

    async def begin() -> Run:
        begun.append(await book.runs.record(new_run(product_id=f"P{len(begun)}"), owner="w", lease_seconds=60))
        return begun[-1]

    begun: list[Run] = []
    opened = await propose("review", review_reasons=("look",))
    await book.reviews.decide(opened.id, version=1, decision="approve", quantity=None, reason="", decided_by="anna")
    late = await propose("review", review_reasons=("look",))
    with book.database.engine.begin() as connection:
        connection.execute(sa.text("UPDATE proposals SET expires_at = created_at WHERE status = 'pending'"))
    assert (await book.reviews.get(late.id)).status == "expired"
    await propose("none", action="none", quantity=0)
    await book.runs.fail((await begin()).id, "no model left")

    with book.database.engine.begin() as connection:
        sent = set(connection.scalars(sa.select(outbox.c.event)))
    assert sent == set(EVENTS)


async def test_events_from_before_webhooks_are_kept_and_handed_out(empty_database_url: str) -> None:
    await asyncio.to_thread(_upgrade_and_leave_an_event, empty_database_url)
    await migrate(empty_database_url)
    database = Database(empty_database_url)
    with database.engine.connect() as connection:
        assert connection.execute(sa.select(outbox.c.event_id, outbox.c.handed_out_at)).all() == [("e1", None)]
    assert await OrderBook(database).deliveries.hand_out() == 1
    database.close()


def _upgrade_and_leave_an_event(database_url: str) -> None:
    url = sa.make_url(database_url)
    if url.get_backend_name() == "sqlite":
        url = url.set(drivername="sqlite")
        Path(url.database or "").parent.mkdir(parents=True)
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    config = Config()
    config.set_main_option("script_location", "tools/storage/migrations")
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0002")
        moment = {"lease_until": "2026-01-01T00:00:00.000Z", "created_at": "2026-01-01T00:00:00.000Z"}
        words = ("product_id", "location", "mode", "origin", "requested_by", "status")
        numbers = {"attempts": 1, "product_version": 0, "thread_waits": False}
        run = {"id": "r", "request": {}, **dict.fromkeys(words, "x"), **moment, **numbers}
        event = {"event_id": "e1", "event": "order.placed", "run_id": "r", "payload": {}, "attempts": 0}
        times = dict.fromkeys(("created_at", "next_attempt_at"), moment["created_at"])
        for table, values in (("runs", run), ("outbox", event | times)):
            connection.execute(sa.insert(sa.Table(table, sa.MetaData(), autoload_with=connection)).values(values))
    engine.dispose()
