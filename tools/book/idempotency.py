"""Answers stored by idempotency key, so that a repeated request gets the first answer instead of a second effect."""

import sqlalchemy as sa
from sqlalchemy import Connection, RowMapping

from tools.records.errors import IdempotencyMismatch, InFlight
from tools.storage.caller_schema import idempotency
from tools.storage.database import Store, conflict_insert, writes
from tools.storage.types import Now, NowPlus

ANSWERED = 200
MISMATCH = "This Idempotency-Key came before with another body. Use a new key for a new request."


class IdempotencyStore(Store):
    """A key belongs to its caller: two callers may use the same one."""

    @writes
    def begin(
        self, connection: Connection, key: str, caller: str, body_hash: str, *, lease_seconds: float = 60
    ) -> str | None:
        """None if this request is to be answered; then call `finish` or `abandon`. Otherwise the stored answer.

        A process that crashes in between holds the key until the lease ends. Then a repeated request is let through,
        and must find the effect of the first.

        Raises IdempotencyMismatch if the key came with another body, InFlight while the first is being answered.
        """
        until = NowPlus(lease_seconds)
        taken = conflict_insert(idempotency).values(
            caller=caller, key=key, body_hash=body_hash, lease_until=until, created_at=Now()
        )
        # Also if the process that took the key has not answered for too long.
        left = (_UNANSWERED, idempotency.c.lease_until <= Now(), idempotency.c.body_hash == body_hash)
        taken = taken.on_conflict_do_update(
            index_elements=["caller", "key"], set_={"lease_until": until}, where=sa.and_(*left)
        )
        if connection.execute(taken.returning(idempotency.c.key)).first() is not None:
            return None
        first = sa.select(idempotency).where(*_is(key, caller))
        return _answer(connection.execute(first).mappings().one(), body_hash)

    @writes
    def finish(self, connection: Connection, key: str, caller: str, body: str) -> str | None:
        """Store the answer for later requests with this key. The first answer stands: if a request that was let
        through after the lease has stored one, that one is returned, to be given here too."""
        kept = sa.update(idempotency).where(*_is(key, caller), _UNANSWERED).values(status_code=ANSWERED, body=body)
        if connection.execute(kept).rowcount:
            return None
        return connection.scalar(sa.select(idempotency.c.body).where(*_is(key, caller)))

    @writes
    def abandon(self, connection: Connection, key: str, caller: str) -> None:
        """Give the key back: nothing was done, and the request may be sent again."""
        connection.execute(sa.delete(idempotency).where(*_is(key, caller), _UNANSWERED))


_UNANSWERED = idempotency.c.status_code.is_(None)


def _is(key: str, caller: str) -> tuple[sa.ColumnElement[bool], sa.ColumnElement[bool]]:
    return idempotency.c.key == key, idempotency.c.caller == caller


def _answer(row: RowMapping, body_hash: str) -> str:
    if row["body_hash"] not in ("", body_hash):  # "" in rows from before only the fields sent were hashed
        raise IdempotencyMismatch(MISMATCH)
    if row["status_code"] is None:
        raise InFlight(
            "The first request with this Idempotency-Key is still being answered. Send it again in a few seconds."
        )
    return str(row["body"])
