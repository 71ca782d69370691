"""Deliveries: what becomes of an event on its way to each webhook. No HTTP here; whoever sends, claims first.

    outbox ─ hand_out_events ─→ pending ─ claim, send, settle ─→ delivered
                                   ↑ └ failed, attempts left ┘ └→ dead ─ replay ┐
                                   └────────────────────────────────────────────┘

An event is left in the outbox by the transaction that it tells of, and handed out to the webhooks afterwards, so that
placing an order costs nothing more for them. A claim is a lease: until `due_at` nobody else may send the same delivery.
Whoever dies holding one leaves it to the next, who sends it again: at least once, with the same event id each time.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

import sqlalchemy as sa
from pydantic import AwareDatetime, Field
from sqlalchemy import Connection, RowMapping

from tools.book.audit import SERVICE, Actor, write_audit
from tools.book.rows import page_size
from tools.book.webhooks import WebhookStore, disable
from tools.records.errors import Conflict, UnknownDeadLetter
from tools.records.facts import Record
from tools.storage.database import Store, conflict_insert, reads, writes
from tools.storage.schema import Now, NowPlus, as_indexed, deliveries, outbox, webhooks

HAND_OUT_LIMIT = 500
_WAITING = as_indexed("outbox.handed_out_at IS NULL")
# Spelt out, so that both databases see that their index over pending deliveries covers it.
_PENDING = as_indexed("deliveries.status = 'pending'")
_DUE = sa.and_(_PENDING, deliveries.c.due_at <= Now())


class Delivery(Record):
    """One attempt to bring one event to one webhook, claimed by whoever holds this."""

    number: int
    attempt: int
    webhook_id: str
    url: str
    secrets: tuple[str, ...] = Field(repr=False)
    """As they were stored; the newest first."""
    event_id: str
    event: str
    run_id: str
    happened_at: AwareDatetime
    payload: dict[str, Any] = Field(repr=False)


class Settlement(Record):
    """How an attempt ended."""

    delivery: Delivery
    outcome: Literal["delivered", "failed", "dead", "gone"]
    """`failed` is tried again; `gone` disables the webhook."""
    error: str | None = None
    retry_in_seconds: float = 0
    pause_seconds: float = 0
    """For so long the webhook asked to be left alone altogether."""


class DeadLetter(Record):
    """An event that could not be delivered and is not tried any more until somebody replays it."""

    number: int = Field(description="Number of the dead letter.")
    webhook_id: str = Field(description="The webhook it was for.")
    event_id: str = Field(description="Id of the event.")
    event: str = Field(description="What happened.")
    run_id: str = Field(description="The run concerned.")
    attempts: int = Field(description="How often it was tried.")
    last_error: str | None = Field(description="Why the last attempt failed.")
    happened_at: AwareDatetime = Field(description="When it happened.")
    died_at: AwareDatetime = Field(description="When it was given up.")


class DeliveryFigures(Record):
    pending: int
    oldest_pending_seconds: float
    dead: int


class DeliveryStore(Store):
    """Deliveries. Any number of processes may hand out, claim and settle at once."""

    async def hand_out(self) -> int:
        """Make deliveries of events that wait in the outbox, for the enabled webhooks that want them and are older
        than the event; at most 500 events at a time. Returns how many were handed out."""
        look = sa.select(outbox.c.sequence).where(_WAITING).limit(1)
        if await self.database.read(lambda connection: connection.scalar(look)) is None:
            return 0
        return await self._hand_out()

    @writes
    def _hand_out(self, connection: Connection) -> int:
        waiting = sa.select(outbox.c.sequence, outbox.c.event, outbox.c.created_at).where(_WAITING)
        waiting = waiting.order_by(outbox.c.sequence).limit(HAND_OUT_LIMIT).with_for_update(skip_locked=True)
        # A webhook that is being removed or disabled is waited for: it must not get deliveries afterwards.
        listening = sa.select(webhooks.c.id, webhooks.c.events, webhooks.c.created_at)
        listening = listening.where(webhooks.c.enabled).with_for_update(read=True)
        # In this order: a webhook added in between gets the events, one added before them cannot miss them.
        events = connection.execute(waiting).all()
        listeners = connection.execute(listening).all()
        fresh = [
            {"event_sequence": event.sequence, "webhook_id": listener.id, "happened_at": event.created_at}
            for event in events
            for listener in listeners
            if _wants(listener, event)
        ]
        if fresh:
            connection.execute(_insert_deliveries(connection), fresh)
        handed_out = outbox.c.sequence.in_([event.sequence for event in events])
        connection.execute(sa.update(outbox).where(handed_out).values(handed_out_at=Now()))
        return len(events)

    async def claim(self, *, owner: str, lease_seconds: float, lanes: int, busy: Mapping[str, int]) -> list[Delivery]:
        """Take what is due, oldest first, for each webhook as many as it has `lanes` left beside those that are `busy`
        here. Nobody else gets them until the lease ends; end each with `settle_deliveries` before that.

        A run's later event waits while an earlier one to the same webhook is untried or under way, so that a receiver
        that answers well gets them in order.
        """
        ready = await self.database.read(lambda connection: connection.scalars(_READY).all())
        room = {webhook_id: lanes - busy.get(webhook_id, 0) for webhook_id in ready}
        free = {webhook_id: places for webhook_id, places in room.items() if places > 0}
        return await self._claim(free, owner, lease_seconds) if free else []

    @writes
    def _claim(self, connection: Connection, room: dict[str, int], owner: str, lease_seconds: float) -> list[Delivery]:
        claimed = [
            number
            for webhook_id, free in room.items()
            for number in connection.scalars(_NEXT_DUE, {"webhook": webhook_id, "room": free})
        ]
        claim = sa.update(deliveries).where(deliveries.c.number.in_(claimed))
        claim = claim.values(owner=owner, due_at=NowPlus(lease_seconds), attempts=deliveries.c.attempts + 1)
        connection.execute(claim)
        rows = connection.execute(_CLAIMED.where(deliveries.c.number.in_(claimed)))
        return [_delivery_from(row) for row in rows.mappings()]

    @writes
    def settle(self, connection: Connection, settlements: Sequence[Settlement], *, owner: str) -> None:
        """Write down how attempts ended. One whose lease ended, so that another took it up, is passed over."""
        for settlement in sorted(settlements, key=_webhooks_first):
            _settle(connection, settlement, owner)

    @reads
    def dead_letters(
        self, connection: Connection, limit: int = 50, before: int | None = None, webhook_id: str | None = None
    ) -> list[DeadLetter]:
        """Newest first, at most 200; `before` is the last number of the page before."""
        query = _DEAD_LETTERS.order_by(deliveries.c.number.desc()).limit(page_size(limit))
        if before is not None:
            query = query.where(deliveries.c.number < before)
        if webhook_id is not None:
            query = query.where(deliveries.c.webhook_id == webhook_id)
        return [DeadLetter.model_validate(dict(row)) for row in connection.execute(query).mappings()]

    @writes
    def replay(self, connection: Connection, number: int, *, by: Actor = SERVICE) -> None:
        """Try it again from the beginning. Raises UnknownDeadLetter; Conflict while its webhook is disabled."""
        disabled = sa.select(webhooks.c.id).join(deliveries).where(deliveries.c.number == number, ~webhooks.c.enabled)
        if connection.scalar(disabled) is not None:
            raise Conflict(f"The webhook of dead letter {number} is disabled; enable it first.")
        if not connection.execute(_REVIVE.where(deliveries.c.number == number)).rowcount:
            raise UnknownDeadLetter(f"No dead letter {number}; the list of dead letters shows their numbers.")
        write_audit(connection, "webhook.replayed", by, {"number": number, "dead_letters": 1})

    async def replay_all(self, webhook_id: str | None = None, *, by: Actor = SERVICE) -> int:
        """Try all of them again, or all of one webhook; those of disabled webhooks stay. Returns how many."""
        enabled = sa.select(webhooks.c.id).where(webhooks.c.enabled)
        if webhook_id is not None:
            await WebhookStore(self.database).get(webhook_id)
            enabled = enabled.where(webhooks.c.id == webhook_id)

        def revive(connection: Connection) -> int:
            count = connection.execute(_REVIVE.where(deliveries.c.webhook_id.in_(enabled))).rowcount
            if count:
                write_audit(connection, "webhook.replayed", by, {"webhook_id": webhook_id, "dead_letters": count})
            return count

        return await self.database.write(revive)

    @reads
    def figures(self, connection: Connection) -> DeliveryFigures:
        """How much is still to be delivered, for how long the oldest event has waited for it, and how much is dead."""
        count, oldest, now = connection.execute(_PENDING_FIGURES).one()
        dead = connection.scalar(sa.select(sa.func.count()).select_from(deliveries).where(_IS_DEAD)) or 0
        waiting = connection.scalar(_OLDEST_WAITING)
        known = [moment for moment in (oldest, waiting) if moment is not None]
        age = max(0.0, (now - min(known)).total_seconds()) if known else 0.0
        return DeliveryFigures(pending=count, oldest_pending_seconds=age, dead=dead)


_IS_DEAD = as_indexed("deliveries.status = 'dead'")
_READY = sa.select(webhooks.c.id).where(
    webhooks.c.enabled,
    webhooks.c.paused_until.is_(None) | (webhooks.c.paused_until <= Now()),
    sa.exists().where(deliveries.c.webhook_id == webhooks.c.id, _DUE),
)
_PENDING_FIGURES = sa.select(sa.func.count(), sa.func.min(deliveries.c.happened_at), Now()).where(_PENDING)
# Nobody waits for an event that no webhook is there to hear.
_OLDEST_WAITING = (
    sa.select(outbox.c.created_at)
    .where(_WAITING, sa.exists().where(webhooks.c.enabled))
    .order_by(outbox.c.sequence)
    .limit(1)
)
_REVIVE = sa.update(deliveries).where(_IS_DEAD).values(status="pending", attempts=0, due_at=Now(), finished_at=None)
_CLAIMED = (
    sa.select(
        deliveries.c.number,
        deliveries.c.attempts.label("attempt"),
        deliveries.c.webhook_id,
        webhooks.c.url,
        webhooks.c.secret,
        sa.case((webhooks.c.old_secret_until > Now(), webhooks.c.old_secret)).label("old_secret"),
        outbox.c.event_id,
        outbox.c.event,
        outbox.c.run_id,
        deliveries.c.happened_at,
        outbox.c.payload,
    )
    .select_from(deliveries.join(webhooks).join(outbox))
    .order_by(deliveries.c.number)
)
_DEAD_LETTERS = (
    sa.select(
        deliveries.c.number,
        deliveries.c.webhook_id,
        outbox.c.event_id,
        outbox.c.event,
        outbox.c.run_id,
        deliveries.c.attempts,
        deliveries.c.last_error,
        deliveries.c.happened_at,
        deliveries.c.finished_at.label("died_at"),
    )
    .select_from(deliveries.join(outbox))
    .where(_IS_DEAD)
)


def _wants(listener: Any, event: Any) -> bool:
    return event.created_at >= listener.created_at and (not listener.events or event.event in listener.events)


def _insert_deliveries(connection: Connection) -> Any:
    insert = conflict_insert(connection, deliveries).values(
        event_sequence=sa.bindparam("event_sequence"),
        webhook_id=sa.bindparam("webhook_id"),
        status="pending",
        attempts=0,
        due_at=Now(),
        happened_at=sa.bindparam("happened_at"),
    )
    return insert.on_conflict_do_nothing()


def _next_due() -> sa.Select[tuple[int]]:
    """What is due to one `webhook`, as much as there is `room` for."""
    earlier, earlier_event = deliveries.alias("earlier"), outbox.alias("earlier_event")
    before = sa.exists().where(
        earlier_event.c.run_id == outbox.c.run_id,
        earlier_event.c.sequence < outbox.c.sequence,
        earlier.c.event_sequence == earlier_event.c.sequence,
        earlier.c.webhook_id == deliveries.c.webhook_id,
        earlier.c.status == "pending",
        (earlier.c.attempts == 0) | earlier.c.owner.is_not(None),
    )
    query = sa.select(deliveries.c.number).join(outbox)
    query = query.where(deliveries.c.webhook_id == sa.bindparam("webhook"), _DUE, ~before)
    query = query.order_by(deliveries.c.due_at, deliveries.c.number).limit(sa.bindparam("room", type_=sa.Integer))
    return query.with_for_update(of=deliveries, skip_locked=True)


# Built once: building a statement costs more than running it.
_NEXT_DUE = _next_due()


def _settle(connection: Connection, settlement: Settlement, owner: str) -> None:
    delivery, outcome = settlement.delivery, settlement.outcome
    if outcome == "gone":
        disable(connection, delivery.webhook_id, settlement.error or "The receiver is gone.")
        return
    if settlement.pause_seconds:
        pause = sa.update(webhooks).where(webhooks.c.id == delivery.webhook_id)
        connection.execute(pause.values(paused_until=NowPlus(settlement.pause_seconds)))
    values: dict[str, Any] = {"owner": None, "last_error": settlement.error}
    if outcome == "failed":
        values["due_at"] = NowPlus(settlement.retry_in_seconds)
    else:
        values |= {"status": outcome, "finished_at": Now()}
    # The attempt's number tells two claims of one owner apart.
    held = (deliveries.c.owner == owner, deliveries.c.attempts == delivery.attempt, deliveries.c.status == "pending")
    connection.execute(sa.update(deliveries).where(deliveries.c.number == delivery.number, *held).values(values))


def _webhooks_first(settlement: Settlement) -> tuple[bool, str, int]:
    """Those that lock a webhook come first, in one order, so that two processes that settle cannot deadlock."""
    locks = settlement.outcome == "gone" or settlement.pause_seconds > 0
    return not locks, settlement.delivery.webhook_id, settlement.delivery.number


def _delivery_from(row: RowMapping) -> Delivery:
    values = dict(row)
    keys: Iterable[str | None] = (values.pop("secret"), values.pop("old_secret"))
    return Delivery.model_validate(values | {"secrets": tuple(key for key in keys if key)})
