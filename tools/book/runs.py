"""Runs: recorded before anything is answered, held by a lease while a process works on them, found after a crash.

    queued ─ claim ─→ running ─→ an end
                        └ lease over, released, or its holder known to be dead ─ claim ─→ running

A run that begins at once is recorded as running by its process.
"""

from collections.abc import Callable, Collection
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy import Connection

from tools.book.audit import Actor
from tools.book.expiry import expire_reviews
from tools.book.idempotency import ANSWERED, MISMATCH
from tools.book.placing import send, write_audit
from tools.book.rows import VIEW_OF_RUN, first_row, newest_first, run_from, view_from
from tools.records.errors import IdempotencyMismatch, InFlight, Overloaded, UnknownRun
from tools.records.orders import Lane, NewRun, Run, RunStatus, RunView
from tools.storage.caller_schema import idempotency
from tools.storage.database import Store, conflict_insert, reads, writes
from tools.storage.schema import product_versions, proposals, runs
from tools.storage.types import Instant, Now, NowPlus, as_indexed

_FINISHED = ("executed", "no_action", "rejected", "expired", "superseded", "failed")
_CLAIM_LIMIT = 200
_NO_LIMIT = 2**31
_EVER = datetime(1970, 1, 1, tzinfo=UTC)
_NOBODY = ""
"""The caller under which the answers of runs are kept: a run's id says whose it is."""
_QUEUED = as_indexed("runs.status = 'queued'")
_RUNNING = as_indexed("runs.status = 'running'")
_UNFINISHED = as_indexed("runs.status IN ('queued', 'running')")
_STANDING = as_indexed("runs.status IN ('queued', 'running', 'pending_review')")
_ABANDONED = (runs.c.lease_until <= Now()) | runs.c.owner.is_(None)
_SAME_ID = runs.c.id == sa.bindparam("run_id")
_SAME_NEED = sa.and_(*(runs.c[name] == sa.bindparam(name) for name in ("product_id", "mode", "location")))
_IN_REVIEW = (runs.c.status == "pending_review") & (proposals.c.expires_at > Now())

# Every trigger asks these. They are built once, because building one costs more than running it.
_WITH_PROPOSALS = runs.outerjoin(proposals, proposals.c.run_id == runs.c.id)
_COVERS_NEED = sa.and_(
    _STANDING,
    _SAME_NEED,
    _IN_REVIEW | _UNFINISHED,
    runs.c.created_at > sa.bindparam("after", type_=Instant),
)
_TO_JOIN = (
    sa.select(runs)
    .select_from(_WITH_PROPOSALS)
    .where(_SAME_ID | _COVERS_NEED)
    .order_by(_SAME_ID.desc(), runs.c.created_at.desc())
    .limit(1)
)
_ANSWERED = sa.select(idempotency.c.body, idempotency.c.body_hash).where(
    idempotency.c.caller == _NOBODY, idempotency.c.key == sa.bindparam("run_id")
)
_LAST_PLACE = sa.select(1).where(_QUEUED, runs.c.lane == sa.bindparam("lane")).limit(1)
_LAST_PLACE = _LAST_PLACE.offset(sa.bindparam("last", type_=sa.Integer))

Deliver = Callable[[Connection, Run], None]
"""Stores the job that delivers a queued run, in the transaction that stores the run."""


class Admission(NamedTuple):
    """The new run, or one that was there before, with the same id or for the same need, and is not `fresh`."""

    run: Run
    fresh: bool


class RunStore(Store):
    """Runs. All times are the database's."""

    async def get(self, run_id: str) -> RunView:
        """A run with its proposal and order. Raises UnknownRun."""
        row = await self.database.read(first_row, VIEW_OF_RUN, run_id=run_id)
        if row is not None and row["overdue"]:
            await expire_reviews(self.database)
            row = await self.database.read(first_row, VIEW_OF_RUN, run_id=run_id)
        if row is None:
            raise unknown_run(run_id)
        return view_from(row)

    @reads
    def page(
        self,
        connection: Connection,
        limit: int = 50,
        before: str | None = None,
        *,
        status: RunStatus | None = None,
        product_id: str | None = None,
    ) -> list[Run]:
        """A page of runs, newest first, at most 200. `before` is the last run of the page before. Raises UnknownRun."""
        query = newest_first(connection, runs, limit, before, unknown_run)
        if status is not None:
            query = query.where(runs.c.status == status)
        if product_id is not None:
            query = query.where(runs.c.product_id == product_id)
        return [run_from(row) for row in connection.execute(query).mappings()]

    @writes
    def admit(
        self,
        connection: Connection,
        new: NewRun,
        *,
        lane: Lane,
        owner: str | None,
        lease_seconds: float = 0,
        most_waiting: int = _NO_LIMIT,
        deliver: Deliver | None = None,
        after: datetime | None = None,
    ) -> Admission:
        """Store the run, or return another that may answer for it: one of the same id, else the newest for the same
        need that has not ended or whose review waits. Only runs recorded later than `after` may answer.

        With an `owner` the run begins at once. Without one it is queued and delivered in the same transaction. Raises
        Overloaded if `most_waiting` runs are queued in the lane already. That is exact on SQLite; on PostgreSQL
        transactions that run at this moment may add a few more. Raises InFlight if another run has answered this id.
        """
        _wait_for_others(connection, new)
        if "body_hash" in new.request and _answered(connection, new.id):
            raise _answered_meanwhile()
        begun = {"lane": lane, "owner": owner, "attempts": 0, "status": "queued"}
        if owner is not None:
            begun |= {"attempts": 1, "status": "running"}
        values, sought = dict(new) | begun, {"run_id": new.id, "after": after or _EVER}
        row = connection.execute(_ADMIT, values | sought | {"lease": lease_seconds, "last": most_waiting - 1}).first()
        if row is None:
            return Admission(_answering(connection, values | sought, most_waiting), fresh=False)
        run = Run.model_construct(**values, product_version=row.product_version, created_at=row.created_at)
        if owner is None and deliver is not None:
            deliver(connection, run)
        return Admission(run, fresh=True)

    @writes
    def keep_answer(self, connection: Connection, new: NewRun, run_id: str) -> None:
        """Store that run `run_id` answered for `new`, so that it answers again. Raises InFlight if the same request,
        sent a second time, has meanwhile begun the run or got another answer."""
        _wait_for_others(connection, new)
        if connection.scalar(sa.select(runs.c.id).where(runs.c.id == new.id)):
            raise _answered_meanwhile()
        kept = {"body_hash": new.request.get("body_hash", ""), "status_code": ANSWERED, "body": run_id}
        insert = conflict_insert(idempotency).values(
            caller=_NOBODY, key=new.id, lease_until=Now(), created_at=Now(), **kept
        )
        connection.execute(insert.on_conflict_do_nothing())
        answered = _answered(connection, new.id)
        if answered is None or answered.body != run_id:
            raise _answered_meanwhile()

    async def answering(self, run_id: str, body_hash: str) -> RunView | None:
        """The run of this id or, as `standing`, the one that answered for it. None if neither is known. Raises
        IdempotencyMismatch if it answered another body."""
        with suppress(UnknownRun):
            return await self.get(run_id)
        answered = await self.database.read(lambda connection: _answered(connection, run_id))
        if answered is None:
            return None
        if answered.body_hash not in ("", body_hash):
            raise IdempotencyMismatch(MISMATCH)
        return (await self.get(answered.body)).model_copy(update={"standing": True})

    @writes
    def claim(self, connection: Connection, run_id: str, *, owner: str, lease_seconds: float) -> Run | None:
        """Claim this run if it is queued or nobody works on it. None: it has ended, or a process works on it."""
        asked = {"run_id": run_id, "holder": owner, "lease": lease_seconds}
        row = connection.execute(_CLAIM_ONE, asked).mappings().first()
        return None if row is None else run_from(row)

    async def claim_queued(self, lane: Lane, *, owner: str, lease_seconds: float, limit: int) -> list[Run]:
        """Claim the oldest queued runs of the lane. Each is given to one caller only."""
        return await self._claim_oldest(_OLDEST_QUEUED, owner, lease_seconds, lane=lane, most=limit)

    async def claim_abandoned(
        self,
        *,
        owner: str,
        lease_seconds: float,
        dead: Collection[str] = (),
        limit: int = _CLAIM_LIMIT,
    ) -> list[Run]:
        """Claim abandoned runs, oldest first, at most 200. Each is given to one caller only.

        They are runs whose lease has ended, that were released, or whose owner is `dead`. `attempts` counts claims.
        """
        return await self._claim_oldest(
            _OLDEST_ABANDONED, owner, lease_seconds, dead=list(dead), most=min(limit, _CLAIM_LIMIT)
        )

    async def _claim_oldest(
        self, oldest: sa.Select[tuple[str]], owner: str, lease_seconds: float, **which: Any
    ) -> list[Run]:
        """Claim the oldest of these runs. It looks first, because mostly there is nothing to write."""

        def claim(connection: Connection) -> list[Run]:
            claimed = connection.scalars(oldest.with_for_update(skip_locked=True), which).all()
            asked = {"run_ids": claimed, "holder": owner, "lease": lease_seconds}
            rows = connection.execute(_CLAIM_SEVERAL, asked).mappings()
            return sorted((run_from(row) for row in rows), key=lambda run: run.created_at)

        if await self.database.read(lambda connection: connection.scalar(oldest, which)) is None:
            return []
        return await self.database.write(claim)

    @reads
    def owners(self, connection: Connection) -> set[str]:
        """The owners of running runs."""
        owners = connection.scalars(sa.select(runs.c.owner).where(_RUNNING).distinct())
        return {owner for owner in owners if owner is not None}

    @reads
    def ended(self, connection: Connection, run_ids: Collection[str]) -> set[str]:
        """Those of the runs that are no longer queued or running."""
        ended = sa.select(runs.c.id).where(runs.c.id.in_(run_ids), sa.not_(_UNFINISHED))
        return set(connection.scalars(ended))

    @writes
    def renew_leases(
        self, connection: Connection, run_ids: Collection[str], *, owner: str, lease_seconds: float
    ) -> None:
        """Renew the leases of those runs that the owner still holds."""
        held = sa.and_(_RUNNING, runs.c.owner == owner, runs.c.id.in_(run_ids))
        connection.execute(sa.update(runs).where(held).values(lease_until=NowPlus(lease_seconds)))

    @writes
    def release(self, connection: Connection, *, owner: str) -> None:
        """Give back the unfinished runs of this owner at a shutdown, so that others resume them at once."""
        mine = sa.update(runs).where(_RUNNING, runs.c.owner == owner)
        connection.execute(mine.values(owner=None))

    @writes
    def fail(self, connection: Connection, run_id: str, reason: str, *, owner: str | None = None) -> None:
        """End a running run without a result. A run that has ended, or that the given `owner` no longer holds, stays
        as it is. Raises UnknownRun."""
        fail = sa.update(runs).where(runs.c.id == run_id, runs.c.status == "running")
        if owner is not None:
            fail = fail.where(runs.c.owner == owner)
        result = connection.execute(fail.values(status="failed", finished_at=Now(), failure=reason))
        if result.rowcount:
            figures = {"reason": reason}
            send(connection, "run.failed", run_id, {"run_id": run_id, "status": "failed"} | figures)
            write_audit(connection, "run.failed", Actor(name=owner or "service"), figures, run_id=run_id)
        elif connection.scalar(sa.select(runs.c.id).where(runs.c.id == run_id)) is None:
            raise unknown_run(run_id)

    async def to_close(self) -> list[str]:
        """Finished runs whose graph thread may still wait, oldest first, at most 200. Resume the thread, which finds
        the decision here, and call `mark_closed`."""
        await expire_reviews(self.database)
        waiting = sa.select(runs.c.id).where(as_indexed("runs.thread_waits"), runs.c.status.in_(_FINISHED))
        waiting = waiting.order_by(runs.c.created_at).limit(_CLAIM_LIMIT)
        return await self.database.read(lambda connection: list(connection.scalars(waiting)))

    @writes
    def mark_closed(self, connection: Connection, run_id: str) -> None:
        """Record that the run's graph thread has ended. Ignored while the run waits for a decision."""
        closed = sa.update(runs).where(runs.c.id == run_id, runs.c.status.in_(_FINISHED))
        connection.execute(closed.values(thread_waits=False))


def _answering(connection: Connection, sought: dict[str, Any], most_waiting: int) -> Run:
    """The run of the same id; else the newest later one for the same need that is unfinished or waits for a person.
    Raises Overloaded where there is none, since only a full queue then kept the new run out."""
    row = connection.execute(_TO_JOIN, sought).mappings().first()
    if row is None:
        raise Overloaded(f"{most_waiting} runs wait already, which is the limit. Try again in a few seconds.")
    return run_from(row)


def _wait_for_others(connection: Connection, new: NewRun) -> None:
    """Let each of several callers wait until the one before has recorded its run. On SQLite they have waited already,
    because it has one writer."""
    if connection.dialect.name == "postgresql":
        need = sa.literal("\n".join((new.product_id, new.mode, new.location)), sa.Text)
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtextextended(need, 0))))


def _answered(connection: Connection, run_id: str) -> sa.Row[Any, Any] | None:
    """The run that answered for this id, and the hash of the request."""
    return connection.execute(_ANSWERED, {"run_id": run_id}).first()


def _answered_meanwhile() -> InFlight:
    return InFlight("Another request with this Idempotency-Key was just answered. Send it again in a few seconds.")


def _orders_seen(product_id: Any, mode: Any) -> sa.ColumnElement[int]:
    """How many orders the product has had so far."""
    version = sa.select(product_versions.c.version).where(
        product_versions.c.product_id == product_id, product_versions.c.mode == mode
    )
    return sa.func.coalesce(version.scalar_subquery(), 0)


# A queued run has not read its facts yet, so it counts the orders so far.
_CLAIM = (
    sa.update(runs)
    .values(
        status="running",
        owner=sa.bindparam("holder", type_=sa.Text),
        lease_until=NowPlus(sa.bindparam("lease", type_=sa.Float)),
        attempts=runs.c.attempts + 1,
        product_version=sa.case((_QUEUED, _orders_seen(runs.c.product_id, runs.c.mode)), else_=runs.c.product_version),
    )
    .returning(*runs.c)
)
_CLAIM_ONE = _CLAIM.where(_SAME_ID, _QUEUED | (_RUNNING & _ABANDONED))
_CLAIM_SEVERAL = _CLAIM.where(runs.c.id.in_(sa.bindparam("run_ids", expanding=True)))
_OLDEST = sa.select(runs.c.id).order_by(runs.c.created_at).limit(sa.bindparam("most", type_=sa.Integer))
_OLDEST_QUEUED = _OLDEST.where(_QUEUED, runs.c.lane == sa.bindparam("lane"))
_OLDEST_ABANDONED = _OLDEST.where(_RUNNING, _ABANDONED | runs.c.owner.in_(sa.bindparam("dead", expanding=True)))
_GIVEN = {
    name: sa.bindparam(name, type_=runs.c[name].type)
    for name in (*NewRun.model_fields, "lane", "owner", "attempts", "status")
}
_NEW_RUN: dict[str, sa.ColumnElement[Any]] = _GIVEN | {
    "lease_until": NowPlus(sa.bindparam("lease", type_=sa.Float)),
    "product_version": _orders_seen(_GIVEN["product_id"], _GIVEN["mode"]),
    "thread_waits": sa.false(),
    "created_at": Now(),
}
_COVERED = sa.select(1).select_from(_WITH_PROPOSALS).where(_COVERS_NEED).exists()
_ROOM = _GIVEN["owner"].is_not(None) | ~_LAST_PLACE.exists()
# One statement looks for a run to join and for room, and inserts: every trigger runs it.
_ADMIT = (
    conflict_insert(runs)
    .from_select(list(_NEW_RUN), sa.select(*_NEW_RUN.values()).where(~_COVERED, _ROOM))
    .on_conflict_do_nothing()
    .returning(runs.c.product_version, runs.c.created_at)
)


def unknown_run(run_id: str) -> UnknownRun:
    return UnknownRun(f"No run {run_id[:80]!r}; use the run_id that the trigger was answered with.")
