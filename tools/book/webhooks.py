"""Webhooks: the addresses of outside systems that are told of events, and who changed them when.

A secret is stored as the caller hands it over, sealed or not; while one is replaced, the old one signs as well.
"""

import secrets
from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeVar, get_args

import sqlalchemy as sa
from pydantic import AwareDatetime, Field
from sqlalchemy import Connection, RowMapping

from tools.book.audit import Actor, write_audit
from tools.records.errors import Conflict, UnknownWebhook
from tools.records.facts import Record
from tools.storage.database import Store, conflict_insert, reads, writes
from tools.storage.schema import Now, NowPlus, deliveries, webhooks

T = TypeVar("T")
EventName = Literal["order.placed", "review.opened", "review.decided", "review.expired", "run.no_action", "run.failed"]
EVENTS: tuple[EventName, ...] = get_args(EventName)
MAX_WEBHOOKS = 100


class Webhook(Record):
    """An address that is told of events; an empty `events` stands for all of them. Its secrets are not shown."""

    id: str = Field(description="Id of the webhook.")
    url: str = Field(description="Address that receives events.")
    events: tuple[EventName, ...] = Field(description="Events it receives; empty for all.")
    description: str = Field(description="What it is for.")
    enabled: bool = Field(description="Whether events are sent.")
    disabled_reason: str | None = Field(description="Why it was disabled.")
    paused_until: AwareDatetime | None
    """Until when the receiver asked to be left alone (Retry-After)."""
    old_secret_until: AwareDatetime | None
    """Until when the secret before the present one signs as well."""
    created_at: AwareDatetime = Field(description="When it was made.")


class WebhookStore(Store):
    """The webhooks. Every change is written to the audit trail, without the address: it may hold a token."""

    @writes
    def add(
        self, connection: Connection, *, url: str, events: Sequence[EventName], description: str, secret: str, by: Actor
    ) -> Webhook:
        """Tell `url` of what happens from now on. Raises Conflict for an address that is told already, and beyond 100
        of them."""
        identity = f"wh_{secrets.token_hex(8)}"
        if (connection.scalar(sa.select(sa.func.count()).select_from(webhooks)) or 0) >= MAX_WEBHOOKS:
            raise Conflict(f"There are {MAX_WEBHOOKS} webhooks already; remove one first.")
        insert = conflict_insert(connection, webhooks).values(
            id=identity,
            url=url,
            events=list(events),
            description=description,
            enabled=True,
            secret=secret,
            created_at=Now(),
        )
        added = connection.execute(insert.on_conflict_do_nothing().returning(*webhooks.c))
        row = added.mappings().first()
        if row is None:
            raise _told_already()
        _record(connection, "webhook.added", identity, by, events=list(events))
        return _webhook_from(row)

    @reads
    def all(self, connection: Connection) -> list[Webhook]:
        """All of them, oldest first."""
        rows = connection.execute(sa.select(webhooks).order_by(webhooks.c.created_at, webhooks.c.id))
        return [_webhook_from(row) for row in rows.mappings()]

    @reads
    def get(self, connection: Connection, webhook_id: str) -> Webhook:
        """Raises UnknownWebhook."""
        row = connection.execute(sa.select(webhooks).where(webhooks.c.id == webhook_id))
        return _webhook_from(_found(row.mappings().first(), webhook_id))

    @writes
    def change(self, connection: Connection, webhook_id: str, changes: Mapping[str, Any], *, by: Actor) -> Webhook:
        """Set any of `url`, `events`, `description`, `enabled`. A webhook that is disabled is told nothing more: what
        was still to be delivered to it becomes dead letters, to be replayed once it is enabled again.

        Raises UnknownWebhook; Conflict for the address of another webhook.
        """
        values = dict(changes)
        if values.get("enabled"):
            values |= {"disabled_reason": None, "paused_until": None}
        _refuse_double(connection, webhook_id, values.get("url"))
        if values.get("enabled") is False:
            disable(connection, webhook_id, f"Disabled by {by.name}.")
        row = _update(connection, webhook_id, values)
        shown = {name: value for name, value in changes.items() if name != "url"}
        _record(connection, "webhook.changed", webhook_id, by, changed=sorted(changes), **shown)
        return _webhook_from(row)

    @writes
    def rotate_secret(
        self, connection: Connection, webhook_id: str, secret: str, *, keep_old_seconds: float, by: Actor
    ) -> Webhook:
        """Sign with `secret` from now on, and with the one before it as well for so many seconds.

        Raises UnknownWebhook; Conflict while an earlier rotation still keeps its old secret, unless nothing is to be
        kept now: only then is it sure that no receiver is left with a secret that has ceased to sign.
        """
        mine = webhooks.c.id == webhook_id
        under_way = sa.select(webhooks.c.old_secret_until).where(mine, webhooks.c.old_secret_until > Now())
        values = {
            "old_secret": webhooks.c.secret if keep_old_seconds else None,
            "old_secret_until": NowPlus(keep_old_seconds) if keep_old_seconds else None,
            "secret": secret,
        }
        connection.execute(sa.select(webhooks.c.id).where(mine).with_for_update())
        until = connection.scalar(under_way)
        if keep_old_seconds and until is not None:
            raise Conflict(
                f"The secret before the last rotation signs until {until:%Y-%m-%d %H:%M:%S} UTC; rotate after "
                "that, or now without keeping any old secret."
            )
        row = _update(connection, webhook_id, values)
        _record(connection, "webhook.rotated", webhook_id, by, keep_old_seconds=keep_old_seconds)
        return _webhook_from(row)

    @writes
    def remove(self, connection: Connection, webhook_id: str, *, by: Actor) -> None:
        """Forget the webhook, its secrets and its deliveries, dead letters included. Raises UnknownWebhook."""
        own = webhooks.c.id == webhook_id
        _found(connection.scalar(sa.select(webhooks.c.id).where(own).with_for_update()), webhook_id)
        connection.execute(sa.delete(deliveries).where(deliveries.c.webhook_id == webhook_id))
        connection.execute(sa.delete(webhooks).where(own))
        _record(connection, "webhook.removed", webhook_id, by)


def disable(connection: Connection, webhook_id: str, reason: str) -> None:
    """Tell the webhook nothing more; what was still to be delivered becomes dead letters."""
    # The webhook before its deliveries, here as everywhere: locks taken in one order cannot deadlock.
    connection.execute(
        sa.update(webhooks).where(webhooks.c.id == webhook_id).values(enabled=False, disabled_reason=reason)
    )
    pending = sa.update(deliveries).where(deliveries.c.webhook_id == webhook_id, deliveries.c.status == "pending")
    connection.execute(pending.values(status="dead", owner=None, finished_at=Now(), last_error=reason))


def _update(connection: Connection, webhook_id: str, values: Mapping[str, Any]) -> RowMapping:
    mine = sa.update(webhooks).where(webhooks.c.id == webhook_id)
    row = connection.execute(mine.values(**values).returning(*webhooks.c))
    return _found(row.mappings().first(), webhook_id)


def _refuse_double(connection: Connection, webhook_id: str, url: str | None) -> None:
    taken = sa.select(webhooks.c.id).where(webhooks.c.url == url, webhooks.c.id != webhook_id)
    if url is not None and connection.scalar(taken) is not None:
        raise _told_already()


def _record(connection: Connection, event: str, webhook_id: str, by: Actor, **figures: Any) -> None:
    write_audit(connection, event, by, {"webhook_id": webhook_id, **figures})


def _webhook_from(row: RowMapping) -> Webhook:
    return Webhook.model_validate({name: row[webhooks.c[name]] for name in Webhook.model_fields})


def _found(row: T | None, webhook_id: str) -> T:
    if row is None:
        raise UnknownWebhook(f"No webhook {webhook_id[:40]!r}; the list of webhooks shows their ids.")
    return row


def _told_already() -> Conflict:
    return Conflict("This address is told of events already; change that webhook, or rotate its secret if it is lost.")
