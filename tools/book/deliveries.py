"""Deliveries of events to their receivers. A sender claims a delivery first; HTTP is elsewhere.

    outbox ─ hand_out ─→ pending ─ claim, send, settle ─→ delivered
                            ↑ └ failed, attempts left ┘ └→ dead ─ replay ┐
                            └────────────────────────────────────────────┘

A transaction leaves its event in the outbox. It is handed out to the receivers afterwards, so that placing an order
costs nothing more for them. A claim is a lease: until `due_at` nobody else may send the delivery. If the sender dies,
the next one sends it again, with the same event id: at least once.

Processes store here which receivers their setting names. Any process hands out; each sends to the receivers it knows.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import sqlalchemy as sa
from pydantic import AwareDatetime, Field
from sqlalchemy import Connection

from tools.book.audit import SERVICE, Actor
from tools.book.placing import write_audit
from tools.book.rows import page_size
from tools.records.errors import UnknownDeadLetter
from tools.records.events import Listener
from tools.records.facts import Record
from tools.storage.database import Store, conflict_insert, reads, writes
from tools.storage.schema import deliveries, outbox, receivers
from tools.storage.types import Now, NowPlus, as_indexed

HAND_OUT_LIMIT = 500
NAMED_SECONDS = 3_600
"""How long events are kept for a receiver after a process last named it."""
UNNAMED = "Neither WEBHOOKS nor NOTIFY_URLS names this receiver any more."
_WAITING = as_indexed("outbox.handed_out_at IS NULL")
# Written as the partial index has it, so that both databases use that index.
_PENDING = as_indexed("deliveries.status = 'pending'")
_IS_DEAD = as_indexed("deliveries.status = 'dead'")
_DUE = sa.and_(_PENDING, deliveries.c.due_at <= Now())


class Delivery(Record):
    """One attempt to send one event to one receiver."""

    number: int
    attempt: int
    receiver: str
    event_id: str
    event: str
    run_id: str
    happened_at: AwareDatetime
    payload: dict[str, Any] = Field(repr=False)


class Ending(Record):
    """How an attempt ended."""

    outcome: Literal["delivered", "failed", "dead", "gone"]
    """`failed` is tried again; `gone` becomes a dead letter at once."""
    error: str | None = None
    retry_in_seconds: float = 0
    pause_seconds: float = 0
    """How long the receiver asked for a pause from all events."""


class DeadLetter(Record):
    """An event that could not be delivered. It is not tried again until somebody replays it."""

    number: int
    receiver: str
    event_id: str
    event: str
    run_id: str
    attempts: int
    last_error: str | None
    happened_at: AwareDatetime
    died_at: AwareDatetime


class DeliveryFigures(Record):
    pending: int
    oldest_pending_seconds: float
    dead: int


class DeliveryStore(Store):
    """Deliveries. Any number of processes may work on them at once."""

    @writes
    def expect(self, connection: Connection, listening: Sequence[Listener]) -> None:
        """Keep events for these receivers for another hour. A receiver that had no name yet takes its deliveries along
        when it gets one."""
        for receiver in sorted(listening, key=lambda each: each.identity):
            if receiver.name:
                _rename(connection, receiver.address, receiver.name)
            known = {"events": list(receiver.events), "named_until": NowPlus(NAMED_SECONDS)}
            insert = conflict_insert(receivers).values(name=receiver.identity, since=Now(), **known)
            connection.execute(insert.on_conflict_do_update(index_elements=["name"], set_=known))

    @writes
    def give_up_unnamed(self, connection: Connection) -> int:
        """Turn deliveries to receivers that no process has named for an hour into dead letters. Returns how many."""
        unnamed = deliveries.c.receiver.not_in(sa.select(receivers.c.name))
        dead = {"status": "dead", "owner": None, "finished_at": Now(), "last_error": UNNAMED}
        connection.execute(sa.delete(receivers).where(receivers.c.named_until <= Now()))
        return connection.execute(sa.update(deliveries).where(_PENDING, unnamed).values(dead)).rowcount

    async def hand_out(self) -> int:
        """Make deliveries of the events in the outbox, for receivers that want them and are older than the event. Takes
        at most 500 events; returns how many."""
        look = sa.select(outbox.c.sequence).where(_WAITING).limit(1)
        if await self.database.read(lambda connection: connection.scalar(look)) is None:
            return 0
        return await self._hand_out()

    @writes
    def _hand_out(self, connection: Connection) -> int:
        waiting = sa.select(outbox.c.sequence, outbox.c.event, outbox.c.created_at).where(_WAITING)
        waiting = waiting.order_by(outbox.c.sequence).limit(HAND_OUT_LIMIT).with_for_update(skip_locked=True)
        # Wait for a receiver that is being given up: it must not get deliveries afterwards.
        listening = sa.select(receivers.c.name, receivers.c.events, receivers.c.since).with_for_update(read=True)
        # In this order, so that a receiver that was added before an event cannot miss it.
        events = connection.execute(waiting).all()
        listeners = connection.execute(listening).all()
        fresh = [
            {"event_sequence": event.sequence, "receiver": listener.name, "happened_at": event.created_at}
            for event in events
            for listener in listeners
            if _wants(listener, event)
        ]
        if fresh:
            connection.execute(_insert_deliveries(connection), fresh)
        handed_out = outbox.c.sequence.in_([event.sequence for event in events])
        connection.execute(sa.update(outbox).where(handed_out).values(handed_out_at=Now()))
        return len(events)

    async def claim(self, room: Mapping[str, int], *, owner: str, lease_seconds: float) -> list[Delivery]:
        """Claim due deliveries, oldest first, as many for each receiver as it has `room` for. Nobody else gets them
        until the lease ends; `settle` each before that.

        An event of a run waits while an earlier one to the same receiver is untried or being sent, so that a receiver
        that answers well gets them in order.
        """
        look = _READY.where(receivers.c.name.in_(room))
        ready = await self.database.read(lambda connection: connection.scalars(look).all())
        return await self._claim({name: room[name] for name in ready}, owner, lease_seconds) if ready else []

    @writes
    def _claim(self, connection: Connection, room: dict[str, int], owner: str, lease_seconds: float) -> list[Delivery]:
        claimed = [
            number
            for name, free in room.items()
            for number in connection.scalars(_NEXT_DUE, {"name": name, "room": free})
        ]
        claim = sa.update(deliveries).where(deliveries.c.number.in_(claimed))
        claim = claim.values(owner=owner, due_at=NowPlus(lease_seconds), attempts=deliveries.c.attempts + 1)
        connection.execute(claim)
        rows = connection.execute(_CLAIMED.where(deliveries.c.number.in_(claimed)))
        return [Delivery.model_validate(dict(row)) for row in rows.mappings()]

    @writes
    def settle(self, connection: Connection, delivery: Delivery, ending: Ending, *, owner: str) -> None:
        """Write down how an attempt ended. It is ignored if its lease ended and another process took over."""
        if ending.pause_seconds:
            pause = sa.update(receivers).where(receivers.c.name == delivery.receiver)
            connection.execute(pause.values(paused_until=NowPlus(ending.pause_seconds)))
        held = {"number": delivery.number, "attempts": delivery.attempt, "owner": owner, "status": "pending"}
        values: dict[str, Any] = {"owner": None, "last_error": ending.error}
        if ending.outcome == "failed":
            values["due_at"] = NowPlus(ending.retry_in_seconds)
        else:
            values |= {"status": "delivered" if ending.outcome == "delivered" else "dead", "finished_at": Now()}
        connection.execute(sa.update(deliveries).filter_by(**held).values(values))

    @reads
    def dead_letters(self, connection: Connection, limit: int = 50) -> list[DeadLetter]:
        """Dead letters, newest first, at most 200."""
        newest = _DEAD_LETTERS.order_by(deliveries.c.number.desc()).limit(page_size(limit))
        return [DeadLetter.model_validate(dict(row)) for row in connection.execute(newest).mappings()]

    @writes
    def replay(self, connection: Connection, number: int | None = None, *, by: Actor = SERVICE) -> int:
        """Try a dead letter again from the first attempt on, or all whose receivers are named. Returns how many. Raises
        UnknownDeadLetter."""
        dead = [_IS_DEAD, deliveries.c.receiver.in_(sa.select(receivers.c.name))]
        if number is not None:
            dead.append(deliveries.c.number == number)
        revive = sa.update(deliveries).where(*dead).values(status="pending", attempts=0, due_at=Now(), finished_at=None)
        count = connection.execute(revive).rowcount
        if count:
            write_audit(connection, "webhook.replayed", by, {"number": number, "dead_letters": count})
        elif number is not None:
            raise UnknownDeadLetter(
                f"WEBHOOKS and NOTIFY_URLS name no receiver with a dead letter {number}. List them with "
                "`restock events dead`."
            )
        return count

    @reads
    def figures(self, connection: Connection) -> DeliveryFigures:
        """The number of pending deliveries, the age of the oldest, and the number of dead letters."""
        count, oldest, now = connection.execute(_PENDING_FIGURES).one()
        dead = connection.scalar(sa.select(sa.func.count()).select_from(deliveries).where(_IS_DEAD)) or 0
        waiting = connection.scalar(_OLDEST_WAITING)
        known = [moment for moment in (oldest, waiting) if moment is not None]
        age = max(0.0, (now - min(known)).total_seconds()) if known else 0.0
        return DeliveryFigures(pending=count, oldest_pending_seconds=age, dead=dead)


_READY = sa.select(receivers.c.name).where(
    receivers.c.paused_until.is_(None) | (receivers.c.paused_until <= Now()),
    sa.exists().where(deliveries.c.receiver == receivers.c.name, _DUE),
)
_PENDING_FIGURES = sa.select(sa.func.count(), sa.func.min(deliveries.c.happened_at), Now()).where(_PENDING)
# An event without a receiver is waiting for nobody.
_OLDEST_WAITING = (
    sa.select(outbox.c.created_at)
    .where(_WAITING, sa.exists().select_from(receivers))
    .order_by(outbox.c.sequence)
    .limit(1)
)
_OF_EVENT = (deliveries.c.number, deliveries.c.receiver, outbox.c.event_id, outbox.c.event, outbox.c.run_id)
_CLAIMED = (
    sa.select(*_OF_EVENT, deliveries.c.attempts.label("attempt"), deliveries.c.happened_at, outbox.c.payload)
    .select_from(deliveries.join(outbox))
    .order_by(deliveries.c.number)
)
_DEAD_LETTERS = (
    sa.select(
        *_OF_EVENT,
        deliveries.c.attempts,
        deliveries.c.last_error,
        deliveries.c.happened_at,
        deliveries.c.finished_at.label("died_at"),
    )
    .select_from(deliveries.join(outbox))
    .where(_IS_DEAD)
)


def _rename(connection: Connection, old: str, new: str) -> None:
    """Give the deliveries the new name. What both names have stays as it is."""
    other = receivers.alias("other")
    renamed = sa.update(receivers).where(receivers.c.name == old, ~sa.exists().where(other.c.name == new))
    connection.execute(renamed.values(name=new))
    heard = sa.select(deliveries.c.event_sequence).where(deliveries.c.receiver == new)
    taken_along = sa.update(deliveries).where(deliveries.c.receiver == old, deliveries.c.event_sequence.not_in(heard))
    connection.execute(taken_along.values(receiver=new))


def _wants(listener: Any, event: Any) -> bool:
    return event.created_at >= listener.since and (not listener.events or event.event in listener.events)


def _insert_deliveries(connection: Connection) -> Any:
    insert = conflict_insert(deliveries).values(
        event_sequence=sa.bindparam("event_sequence"),
        receiver=sa.bindparam("receiver"),
        status="pending",
        attempts=0,
        due_at=Now(),
        happened_at=sa.bindparam("happened_at"),
    )
    return insert.on_conflict_do_nothing()


def _next_due() -> sa.Select[tuple[int]]:
    """Due deliveries to the receiver of this `name`, as many as there is `room` for."""
    earlier, earlier_event = deliveries.alias("earlier"), outbox.alias("earlier_event")
    before = sa.exists().where(
        earlier_event.c.run_id == outbox.c.run_id,
        earlier_event.c.sequence < outbox.c.sequence,
        earlier.c.event_sequence == earlier_event.c.sequence,
        earlier.c.receiver == deliveries.c.receiver,
        earlier.c.status == "pending",
        (earlier.c.attempts == 0) | earlier.c.owner.is_not(None),
    )
    query = sa.select(deliveries.c.number).join(outbox)
    query = query.where(deliveries.c.receiver == sa.bindparam("name"), _DUE, ~before)
    query = query.order_by(deliveries.c.due_at, deliveries.c.number).limit(sa.bindparam("room", type_=sa.Integer))
    return query.with_for_update(of=deliveries, skip_locked=True)


_NEXT_DUE = _next_due()
