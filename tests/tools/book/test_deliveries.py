"""Deliveries: handed out once, claimed by one, settled by whoever holds them."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import datetime
from hashlib import sha256
from typing import Any, get_args

import pytest
import sqlalchemy as sa

from tests.order_book import ANNA, MOMENT, old_book, record
from tools.book.audit import Actor
from tools.book.book import OrderBook
from tools.book.deliveries import UNNAMED, Delivery, Ending
from tools.book.lateness import tell_of_late_orders
from tools.book.placing import send
from tools.records.errors import UnknownDeadLetter
from tools.records.events import EventName, Receiver
from tools.records.orders import NewRun, Proposal, Run
from tools.storage.caller_schema import idempotency
from tools.storage.database import Database
from tools.storage.migrations.upgrade import migrate
from tools.storage.schema import deliveries, orders, outbox, receivers
from tools.storage.types import Now, NowPlus

SECRET = "whsec_" + "A" * 32
Happen = Callable[..., Awaitable[str]]


@pytest.fixture
def happen(book: OrderBook, new_run: Callable[..., NewRun]) -> Happen:
    """Leaves an event in the outbox; its run's id comes back."""

    async def leave(event: str = "order.placed", run_id: str | None = None) -> str:
        if run_id is None:
            run_id = (await record(book, new_run(), owner="w", lease_seconds=60)).id
        with book.database.engine.begin() as connection:
            send(connection, event, run_id, {"number": "PO-2026-000001"})
        return run_id

    return leave


async def expect(book: OrderBook, *names: str, **more: Any) -> None:
    await book.deliveries.expect([receiver(name, **more) for name in names])


def receiver(name: str, url: str = "", **more: Any) -> Receiver:
    return Receiver(name=name, url=url or f"https://{name}.example/", secret=SECRET, **more)


async def claim(book: OrderBook, *names: str, owner: str = "w", room: int = 10) -> list[Delivery]:
    await book.deliveries.hand_out()
    return await book.deliveries.claim(dict.fromkeys(names or ("erp",), room), owner=owner, lease_seconds=30)


async def settle(book: OrderBook, delivery: Delivery, outcome: str, owner: str = "w", **more: Any) -> None:
    await book.deliveries.settle(delivery, Ending(outcome=outcome, **more), owner=owner)


async def forget(book: OrderBook, name: str) -> int:
    """As if no process had named the receiver for an hour."""
    with book.database.engine.begin() as connection:
        past = sa.update(receivers).where(receivers.c.name == name).values(named_until=NowPlus(-1))
        connection.execute(past)
    return await book.deliveries.give_up_unnamed()


async def rows(book: OrderBook) -> list[Any]:
    with book.database.engine.begin() as connection:
        query = sa.select(deliveries, Now().label("now")).order_by(deliveries.c.number)
        return list((connection.execute(query)).all())


async def end_leases(book: OrderBook) -> None:
    with book.database.engine.begin() as connection:
        connection.execute(sa.update(deliveries).values(due_at=NowPlus(-1)))


async def test_an_event_without_a_receiver_is_marked_and_costs_no_delivery(book: OrderBook, happen: Happen) -> None:
    await happen()
    assert (await book.deliveries.figures()).oldest_pending_seconds == 0

    assert (await book.deliveries.hand_out(), await book.deliveries.hand_out()) == (1, 0)

    assert await rows(book) == []
    with book.database.engine.begin() as connection:
        assert isinstance(connection.scalar(sa.select(outbox.c.handed_out_at)), datetime)


async def test_a_receiver_hears_of_what_it_wants_and_of_nothing_from_before_its_time(
    book: OrderBook, happen: Happen
) -> None:
    await happen()
    await asyncio.sleep(0.01)
    await expect(book, "all")
    await expect(book, "orders", events=("order.placed",))
    await asyncio.sleep(0.01)
    await happen("order.placed")
    await happen("review.opened")

    claimed = await claim(book, "all", "orders", "unknown")

    told = [("all", "order.placed"), ("all", "review.opened"), ("orders", "order.placed")]
    assert sorted((each.receiver, each.event) for each in claimed) == told
    assert len(await rows(book)) == 3
    assert "PO-2026" not in repr(claimed)


async def test_any_process_hands_out_and_none_claims_for_a_receiver_it_does_not_know(
    book: OrderBook, happen: Happen
) -> None:
    await expect(book, "erp")
    await happen()

    assert await claim(book, "another") == []
    assert [each.receiver for each in await claim(book, "erp")] == ["erp"]


async def test_a_receiver_named_again_hears_of_what_its_setting_says_by_then(book: OrderBook, happen: Happen) -> None:
    await expect(book, "erp")
    await expect(book, "erp", events=("order.placed",))
    await happen("review.opened")
    await happen("order.placed")

    assert [each.event for each in await claim(book)] == ["order.placed"]


async def test_what_waits_for_a_receiver_that_no_process_names_becomes_dead_letters(
    book: OrderBook, happen: Happen
) -> None:
    await expect(book, "erp", "shop")
    await happen()
    await claim(book)
    assert await book.deliveries.give_up_unnamed() == 0

    assert await forget(book, "erp") == 1

    (letter,) = await book.deliveries.dead_letters()
    assert (letter.receiver, letter.last_error) == ("erp", UNNAMED)
    await happen()
    await book.deliveries.hand_out()
    assert [row.receiver for row in await rows(book) if row.status == "pending"] == ["shop", "shop"]
    assert await book.deliveries.replay() == 0
    with pytest.raises(UnknownDeadLetter, match="WEBHOOKS"):
        await book.deliveries.replay(letter.number)
    await expect(book, "erp")
    assert await book.deliveries.replay(letter.number) == 1


async def test_a_receiver_known_by_its_address_keeps_its_deliveries_when_it_gets_a_name(
    book: OrderBook, happen: Happen
) -> None:
    nameless, named = (receiver(name, url="https://erp.example/hook?token=canary") for name in ("", "erp"))
    await book.deliveries.expect([nameless])
    await happen()
    assert [each.receiver for each in await claim(book, nameless.identity)] == [nameless.identity]
    assert nameless.identity.startswith("erp.example-")

    await book.deliveries.expect([named])
    await happen()
    await end_leases(book)

    assert sorted(each.attempt for each in await claim(book)) == [1, 2]
    await book.deliveries.expect([nameless])
    await book.deliveries.expect([named])
    await happen()
    await book.deliveries.hand_out()
    assert sorted(row.receiver for row in await rows(book)) == ["erp", "erp", "erp", nameless.identity]


async def test_what_is_claimed_is_nobody_elses_until_the_lease_ends(book: OrderBook, happen: Happen) -> None:
    await expect(book, "erp")
    await happen()
    (first,) = await claim(book, owner="a")
    assert await claim(book, owner="b") == []

    await end_leases(book)
    (second,) = await claim(book, owner="b")

    assert (first.attempt, second.attempt) == (1, 2)
    assert first.event_id == second.event_id


async def test_only_who_holds_a_delivery_may_settle_it(book: OrderBook, happen: Happen) -> None:
    await expect(book, "erp")
    await happen()
    (lost,) = await claim(book, owner="a")
    await end_leases(book)
    (held,) = await claim(book, owner="a")

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
    await expect(book, "erp")
    await expect(book, "shop")
    for _ in range(40):
        await happen()
    databases = [Database(database_url) for _ in range(6)]
    books = [OrderBook(database) for database in databases]

    claimed = [
        each
        for found in await asyncio.gather(
            *(claim(other, "erp", "shop", owner=f"w{n}") for n, other in enumerate(books * 4))
        )
        for each in found
    ]
    claimed += await claim(book, "erp", "shop", room=100)

    assert len(claimed) == len({each.number for each in claimed}) == 80
    assert len({(each.event_id, each.receiver) for each in claimed}) == 80
    for database in databases:
        database.close()


async def test_each_receiver_gets_as_much_as_it_has_room_for(book: OrderBook, happen: Happen) -> None:
    await expect(book, "busy", "free")
    for _ in range(4):
        await happen()
    await book.deliveries.hand_out()

    claimed = await book.deliveries.claim({"busy": 1, "free": 3}, owner="w", lease_seconds=30)

    assert sorted(each.receiver for each in claimed) == ["busy", "free", "free", "free"]
    assert await book.deliveries.claim({}, owner="w", lease_seconds=30) == []


async def test_the_oldest_due_go_first_and_what_waits_for_a_retry_is_passed_over(
    book: OrderBook, happen: Happen
) -> None:
    await expect(book, "erp")
    runs = [await happen() for _ in range(4)]
    (first,) = await claim(book, room=1)
    await settle(book, first, "failed", error="x", retry_in_seconds=3600)

    claimed = await claim(book, room=2)

    assert [each.run_id for each in claimed] == runs[1:3]


async def test_a_run_s_later_event_waits_for_an_earlier_one_that_is_untried_or_under_way(
    book: OrderBook, happen: Happen
) -> None:
    await expect(book, "erp")
    run_id = await happen("review.opened")
    await happen("order.placed", run_id)

    (opened,) = await claim(book)
    assert (opened.event, await claim(book)) == ("review.opened", [])
    await settle(book, opened, "failed", error="x", retry_in_seconds=3600)
    (placed,) = await claim(book)
    assert placed.event == "order.placed"


async def test_a_receiver_that_asked_for_a_pause_is_left_alone(book: OrderBook, happen: Happen) -> None:
    await expect(book, "paused", "other")
    await happen()
    first = next(each for each in await claim(book, "paused", "other") if each.receiver == "paused")
    await settle(book, first, "failed", error="x", pause_seconds=3600)
    await happen()
    await end_leases(book)
    await expect(book, "paused")

    assert {each.receiver for each in await claim(book, "paused", "other")} == {"other"}
    with book.database.engine.begin() as connection:
        connection.execute(sa.update(receivers).values(paused_until=NowPlus(-1)))
    assert {each.receiver for each in await claim(book, "paused", "other")} == {"paused"}


async def test_dead_letters_are_listed_newest_first_and_replayed_from_the_first_attempt_on(
    book: OrderBook, happen: Happen
) -> None:
    await expect(book, "erp", "shop")
    for _ in range(2):
        await happen()
    for each in await claim(book, "erp", "shop"):
        await settle(book, each, "gone" if each.receiver == "shop" else "dead", error="The receiver answered.")

    letters = await book.deliveries.dead_letters()
    numbers = sorted((row.number for row in await rows(book)), reverse=True)
    assert [letter.number for letter in letters] == numbers
    assert [letter.number for letter in await book.deliveries.dead_letters(3)] == numbers[:3]
    assert await book.deliveries.replay(numbers[0]) == 1
    with pytest.raises(UnknownDeadLetter):
        await book.deliveries.replay(numbers[0])
    assert await book.deliveries.replay(by=Actor(name="anna", id="key_anna")) == 3
    assert await book.deliveries.replay() == 0
    trail = [each for each in await book.audit.page() if each.event == "webhook.replayed"]
    assert [(each.actor, each.figures["dead_letters"]) for each in trail] == [("anna", 3), ("service", 1)]
    assert [each.attempt for each in await claim(book, "erp", "shop")] == [1] * 4


async def test_the_figures_tell_how_old_the_oldest_undelivered_event_is(book: OrderBook, happen: Happen) -> None:
    await expect(book, "erp")
    await happen()
    with book.database.engine.begin() as connection:
        connection.execute(sa.update(receivers).values(since=NowPlus(-1000)))
        connection.execute(sa.update(outbox).values(created_at=NowPlus(-600)))

    waiting = await book.deliveries.figures()
    (claimed,) = await claim(book)
    pending = await book.deliveries.figures()
    await settle(book, claimed, "delivered")
    done = await book.deliveries.figures()

    assert (waiting.pending, pending.pending, done.pending) == (0, 1, 0)
    assert 600 <= waiting.oldest_pending_seconds <= pending.oldest_pending_seconds < 660
    assert (done.oldest_pending_seconds, done.dead) == (0, 0)


async def test_events_are_forgotten_once_nothing_of_them_is_to_be_delivered(book: OrderBook, happen: Happen) -> None:
    async def age(table: sa.Table, column: str) -> None:
        old = sa.update(table).where(table.c[column].is_not(None)).values({column: NowPlus(-31 * 86_400)})
        with book.database.engine.begin() as connection:
            connection.execute(old)

    await happen()
    await book.deliveries.hand_out()
    await expect(book, "erp")
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
        run = await record(book, new_run(product_id=f"P{len(seen)}"), owner="w", lease_seconds=60)
        await book.orders.propose(new_proposal(run.id, product_id=run.product_id), route="auto", expires_in_hours=1)
        before = len(seen)
        await book.orders.place(run.id)
        return len(seen) - before

    seen: list[str] = []
    sa.event.listen(engine, "before_cursor_execute", lambda *given: seen.append(given[2]))
    await statements()  # The first order of a supplier begins a draft.
    without = await statements()
    await expect(book, "erp", "shop", "bus")
    assert await statements() == without > 0


async def test_every_event_that_is_sent_can_be_asked_for(book: OrderBook, new_run: Any, new_proposal: Any) -> None:
    async def propose(route: str, **changes: Any) -> Proposal:
        run = await begin()
        new = new_proposal(run.id, product_id=run.product_id, **changes)
        return await book.orders.propose(new, route=route, expires_in_hours=1)

    async def begin() -> Run:
        begun.append(await record(book, new_run(product_id=f"P{len(begun)}"), owner="w", lease_seconds=60))
        return begun[-1]

    begun: list[Run] = []
    opened = await propose("review", review_reasons=("look",))
    approve = {"version": 1, "decision": "approve", "quantity": None, "reason": "", "decided_by": "anna"}
    view = await book.reviews.decide(opened.id, **approve)
    assert view.order is not None
    await book.life.mark_sent(view.order.number, by=ANNA)
    with book.database.engine.begin() as connection:
        connection.execute(sa.update(orders).values(due_at=NowPlus(-1)))
    await tell_of_late_orders(book.database)
    await book.life.receive(view.order.number, 2, by=ANNA, receipt_id="delivery")
    await book.life.correct(view.order.number, "delivery", 1, instead_of=2, reason="a slip", by=ANNA)
    await book.life.cancel(view.order.number, "no need", by=ANNA)
    older = await propose("review", review_reasons=("look",))
    newer = await record(book, new_run(product_id=older.product_id), owner="w", lease_seconds=60)
    nothing = new_proposal(newer.id, product_id=older.product_id, action="none", quantity=0)
    await book.orders.propose(nothing, route="none", expires_in_hours=1)
    late = await propose("review", review_reasons=("look",))
    with book.database.engine.begin() as connection:
        connection.execute(sa.text("UPDATE proposals SET expires_at = created_at WHERE status = 'pending'"))
    assert (await book.reviews.get(late.id)).status == "expired"
    await book.runs.fail((await begin()).id, "no model left")

    with book.database.engine.begin() as connection:
        sent = set(connection.scalars(sa.select(outbox.c.event)))
    assert sent == set(get_args(EventName))


async def test_events_from_before_webhooks_are_kept_and_handed_out(empty_database_url: str) -> None:
    await asyncio.to_thread(old_book, empty_database_url, "0002", _RUN, _OLD_EVENT)
    await migrate(empty_database_url)
    database = Database(empty_database_url)
    with database.engine.connect() as connection:
        assert (connection.execute(sa.select(outbox.c.event_id, outbox.c.handed_out_at))).all() == [("e1", None)]
    assert await OrderBook(database).deliveries.hand_out() == 1
    database.close()


async def test_the_upgrade_prints_stored_webhooks_once_and_what_waits_for_them_is_found_by_their_address(
    empty_database_url: str, capsys: pytest.CaptureFixture[str], new_run: Callable[..., NewRun]
) -> None:
    stored = [_webhook("wh_1", "https://erp.example/hook"), _webhook("wh_2", "https://off.example/", enabled=False)]
    waiting = [_delivery(101, "wh_1", "pending"), _delivery(102, "wh_2", "dead", finished_at=MOMENT)]
    await asyncio.to_thread(old_book, empty_database_url, "0005", _RUN, _EVENT, *stored, *waiting)
    assert capsys.readouterr().err == ""

    for _ in range(2):
        await migrate(empty_database_url)

    told = capsys.readouterr().err
    listed = json.loads(told.partition("WEBHOOKS='")[2].partition("'")[0])
    assert listed == [{"url": "https://erp.example/hook", "events": ["order.placed"], "secret": "whsec_"}]
    assert "canary" not in told
    database = Database(empty_database_url)
    book = OrderBook(database)
    assert await book.deliveries.give_up_unnamed() == 0
    run_id = (await record(book, new_run(), owner="w", lease_seconds=60)).id
    with book.database.engine.begin() as connection:
        send(connection, "order.placed", run_id, {})
    await book.deliveries.hand_out()
    await book.deliveries.expect([receiver("erp", url="https://erp.example/hook"), receiver("off")])
    assert sorted(each.event_id == "e1" for each in await claim(book)) == [False, True]
    assert [each.number for each in await book.deliveries.dead_letters()] == [102]
    assert await book.deliveries.replay(102) == 1
    database.close()


async def test_the_upgrade_keeps_answers_for_any_body_and_triggers_by_the_run_that_answered_them(
    empty_database_url: str,
) -> None:
    moments = {"lease_until": MOMENT, "created_at": MOMENT}
    answer = {"key": "k", "body_hash": "of all fields", "status_code": 200, **moments}
    trigger = {**answer, "caller": "key_1 /inventory-trigger", "status_code": 202, "body": '{"run_id": "r1"}'}
    chat = {**answer, "caller": "key_1 /chat", "body": '{"answer": "42"}'}
    unanswered = {**answer, "caller": "key_2 /chat", "status_code": None}
    stored = [("idempotency", row) for row in (trigger, chat, unanswered)]
    await asyncio.to_thread(old_book, empty_database_url, "0005", *stored)
    await migrate(empty_database_url)

    begun = sha256(b"key_1 /inventory-trigger\nk").hexdigest()[:32]
    async with Database(empty_database_url) as database:
        with database.engine.begin() as connection:
            kept = connection.execute(sa.select(idempotency.c.caller, idempotency.c.key, idempotency.c.body)).all()
        assert set(kept) == {("", begun, "r1"), ("key_1 /chat", "k", '{"answer": "42"}')}
        assert await OrderBook(database).answers.begin("k", "key_1 /chat", "of what was sent") == '{"answer": "42"}'


_WORDS = dict.fromkeys(("product_id", "location", "mode", "origin", "requested_by", "status"), "x")
_NUMBERS = {"attempts": 1, "product_version": 0, "thread_waits": False}
_RUN = ("runs", {"id": "r", "request": {}, "lease_until": MOMENT, "created_at": MOMENT, **_WORDS, **_NUMBERS})
_EVENT = (
    "outbox",
    {"sequence": 101, "event_id": "e1", "event": "order.placed", "run_id": "r", "payload": {}, "created_at": MOMENT},
)
_OLD_EVENT = ("outbox", {**_EVENT[1], "attempts": 0, "next_attempt_at": MOMENT})


def _webhook(identity: str, url: str, *, enabled: bool = True) -> tuple[str, dict[str, Any]]:
    words = {"id": identity, "url": url, "description": "", "secret": "plain:whsec_canary"}
    return "webhooks", {**words, "events": ["order.placed"], "enabled": enabled, "created_at": MOMENT}


def _delivery(number: int, webhook: str, status: str, **more: Any) -> tuple[str, dict[str, Any]]:
    values = {"number": number, "event_sequence": 101, "webhook_id": webhook, "status": status, "attempts": 0}
    return "deliveries", {**values, "due_at": MOMENT, "happened_at": MOMENT, **more}
