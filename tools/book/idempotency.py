"""Answers kept by idempotency key, so that a repeated request gets the first answer instead of a second effect."""

from functools import lru_cache

import sqlalchemy as sa
from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from tools.records.errors import IdempotencyMismatch, InFlight
from tools.records.facts import Record
from tools.storage.database import Store, first_row, insert_for
from tools.storage.schema import Now, NowPlus, Words, idempotency


class StoredAnswer(Record):
    """What the first request with this key was answered."""

    status_code: int
    body: str


class IdempotencyStore(Store):
    """A key belongs to its caller: two callers may use the same one."""

    async def begin(self, key: str, caller: str, body_hash: str, *, lease_seconds: float = 60) -> StoredAnswer | None:
        """None: this request is the one to answer; end it with `finish_idempotent` or `abandon_idempotent`. Otherwise
        the answer already given.

        Whoever crashes in between holds the key until the lease ends; then a repeated request is let through. What it
        does must find the first one's effect again: give a run an id that follows from caller and key.

        Raises IdempotencyMismatch if the key came with another body, InFlight while the first is being answered.
        """

        given = {"of_caller": caller, "of_key": key, "given_hash": body_hash, "lease_seconds": lease_seconds}

        async def work(connection: AsyncConnection) -> StoredAnswer | None:
            if await first_row(connection, _taking(connection.dialect.name), given) is not None:
                return None
            rows = await connection.execute(sa.select(idempotency).where(*_is(key, caller)))
            return _answer(rows.mappings().one(), body_hash)

        return await self._write(work, one_write=True)

    async def finish(self, key: str, caller: str, status_code: int, body: str) -> StoredAnswer | None:
        """Keep the answer for every later request with this key. The first answer stands: where a request that was let
        through after the lease has given it, it is returned, to be given here too."""
        given = {"of_caller": caller, "of_key": key, "given_code": status_code, "given_body": body}

        async def work(connection: AsyncConnection) -> StoredAnswer | None:
            if await first_row(connection, _KEEPING, given) is not None:
                return None
            rows = await connection.execute(sa.select(idempotency).where(*_is(key, caller)))
            first = rows.mappings().first()
            return None if first is None else StoredAnswer(status_code=first["status_code"], body=first["body"])

        return await self._write(work, one_write=True)

    async def abandon(self, key: str, caller: str) -> None:
        """Give an unanswered key back: nothing was done, and a repeated request may try again."""
        async with self._writing() as connection:
            await connection.execute(
                sa.delete(idempotency).where(*_is(key, caller), idempotency.c.status_code.is_(None))
            )


_OURS = (
    idempotency.c.caller == sa.bindparam("of_caller", type_=Words),
    idempotency.c.key == sa.bindparam("of_key", type_=Words),
)
_KEEPING = (
    sa.update(idempotency)
    .where(*_OURS, idempotency.c.status_code.is_(None))
    .values(status_code=sa.bindparam("given_code", type_=sa.Integer), body=sa.bindparam("given_body", type_=Words))
    .returning(idempotency.c.key)
)


@lru_cache
def _taking(dialect: str) -> sa.Insert:
    """Takes a key that is new, or whose holder has left a request with the same body unanswered for too long."""
    until = NowPlus(sa.bindparam("lease_seconds", type_=sa.Float))
    body_hash = sa.bindparam("given_hash", type_=Words)
    insert = insert_for(dialect, idempotency).values(
        caller=sa.bindparam("of_caller", type_=Words),
        key=sa.bindparam("of_key", type_=Words),
        body_hash=body_hash,
        lease_until=until,
        created_at=Now(),
    )
    left = sa.and_(
        idempotency.c.status_code.is_(None), idempotency.c.lease_until <= Now(), idempotency.c.body_hash == body_hash
    )
    retaken = insert.on_conflict_do_update(index_elements=["caller", "key"], set_={"lease_until": until}, where=left)
    taken: sa.Insert = retaken.returning(idempotency.c.key)
    return taken


def _is(key: str, caller: str) -> tuple[sa.ColumnElement[bool], sa.ColumnElement[bool]]:
    return idempotency.c.key == key, idempotency.c.caller == caller


def _answer(row: RowMapping, body_hash: str) -> StoredAnswer:
    if row["body_hash"] != body_hash:
        raise IdempotencyMismatch(
            "This Idempotency-Key came before with another body; use a new key for a new request."
        )
    if row["status_code"] is None:
        raise InFlight("The first request with this Idempotency-Key is still being answered; repeat it in a moment.")
    return StoredAnswer(status_code=row["status_code"], body=row["body"])
