"""Runs: recorded before anything is answered, held for a time by whoever works on them, found again after a crash.

    queued ─ claim ─→ running ─→ an end
                        └ lease over, released, or its holder known to be dead ─ claim ─→ running

A run that begins at once is recorded as running, by the process that will carry it out.
"""

from collections.abc import Awaitable, Callable, Collection
from functools import lru_cache
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from tools.book.audit import Actor, write_audit
from tools.book.expiry import ExpiringStore
from tools.book.placing import pending_now, send
from tools.book.rows import VIEW_OF_RUN, of_need, run_from, view_from
from tools.records.errors import Overloaded, UnknownRun
from tools.records.facts import Mode
from tools.records.orders import Lane, NewRun, Run, RunView
from tools.storage import sqlite_driver
from tools.storage.database import driver_of, first_row, insert_for
from tools.storage.schema import Now, NowPlus, Words, as_indexed, orders, product_versions, proposals, runs

_FINISHED = ("executed", "no_action", "rejected", "expired", "failed")
_CLAIM_LIMIT = 200
_VERSION = sa.select(product_versions.c.version).where(
    product_versions.c.product_id == sa.bindparam("of_product"), product_versions.c.mode == sa.bindparam("of_mode")
)
_OF_ID = sa.select(runs.c.id).where(runs.c.id == sa.bindparam("run_id", type_=Words))
_QUEUED = as_indexed("runs.status = 'queued'")
_RUNNING = as_indexed("runs.status = 'running'")
_UNFINISHED = as_indexed("runs.status IN ('queued', 'running')")
_STANDING = as_indexed("runs.status IN ('queued', 'running', 'pending_review')")
_SEEN = sa.func.coalesce(
    sa.select(product_versions.c.version)
    .where(product_versions.c.product_id == runs.c.product_id, product_versions.c.mode == runs.c.mode)
    .correlate(runs)
    .scalar_subquery(),
    0,
)

_LOCK_OF_NEED = sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtextextended(sa.bindparam("need", type_=Words), 0)))

Deliver = Callable[[Any, Run], Awaitable[None]]
"""Hands a queued run to whatever delivers it, over the driver's connection and within its transaction."""


class Admission(NamedTuple):
    """The run that answers a trigger; not `fresh` where it was there already, for the same id or the same need."""

    run: Run
    fresh: bool


_GIVEN = (
    *("id", "product_id", "location", "mode", "origin", "requested_by", "requested_by_id", "request"),
    *("status", "lane", "attempts", "owner"),
)
_BY_WORD = sa.bindparam("by_word", type_=sa.Boolean)
_MOST_WAITING = sa.bindparam("most_waiting", type_=sa.BigInteger)
_IN_LANE = sa.select(1).where(_QUEUED, runs.c.lane == sa.bindparam("lane", type_=Words))
_LAST_PLACE = _IN_LANE.limit(1).offset(_MOST_WAITING - 1)
_PLACES_TAKEN = sa.select(sa.func.count()).select_from(_IN_LANE.limit(_MOST_WAITING).subquery())


@lru_cache
def _insertion(dialect: str, conditional: bool) -> sa.Insert:
    """Records a run; a `conditional` one where its need is provided for by nothing and there is room for it."""
    seen = sa.bindparam("seen", type_=sa.BigInteger)
    values = {
        **{name: sa.bindparam(name, type_=runs.c[name].type) for name in _GIVEN},
        "lease_until": NowPlus(sa.bindparam("lease_seconds", type_=sa.Float)),
        "product_version": sa.func.coalesce(seen, _VERSION.scalar_subquery(), 0),
        "thread_waits": sa.false(),
        "created_at": Now(),
    }
    # SQLite takes ON CONFLICT for a join where the SELECT before it has no WHERE.
    chosen = sa.select(*values.values()).where(*(_nothing_in_the_way() if conditional else [sa.true()]))
    insert = insert_for(dialect, runs).from_select(list(values), chosen, include_defaults=False)
    recorded: sa.Insert = insert.on_conflict_do_nothing().returning(runs.c.product_version, runs.c.created_at)
    return recorded


def _nothing_in_the_way() -> list[sa.ColumnElement[bool]]:
    """No run, review or, where the stock is the caller's word, order for the same need; and a place in the queue."""
    begun = sa.select(1).where(_STANDING, *of_need(runs))
    reviewed = sa.select(1).where(pending_now(), *of_need(proposals))
    ordered = sa.select(1).where(_BY_WORD, orders.c.due_at > Now(), *of_need(orders))
    full = sa.and_(_MOST_WAITING.is_not(None), _LAST_PLACE.exists())
    return [~begun.exists(), ~reviewed.exists(), ~ordered.exists(), ~full]


class RunStore(ExpiringStore):
    """The runs of the order book. All times are the database's."""

    async def get(self, run_id: str) -> RunView:
        """The run with its proposal and its order. Raises UnknownRun."""
        row = await self._present(VIEW_OF_RUN, run_id=run_id)
        if row is None:
            raise unknown_run(run_id)
        return view_from(row)

    async def record(self, new: NewRun, *, owner: str, lease_seconds: float) -> Run:
        """Store the run before its caller is answered. `owner` holds it until the lease ends.

        A second run of the same id is not stored: the first is returned as it is by now. Look at its status and owner.
        """
        begun = _begun(owner, lease_seconds) | {"lane": "interactive"}

        async def work(connection: AsyncConnection) -> Run:
            return await _insert_run(connection, new, begun) or await _stored_run(connection, new.id)

        return await self._write(work)

    async def admit(
        self,
        new: NewRun,
        *,
        lane: Lane,
        owner: str | None,
        lease_seconds: float = 0,
        most_waiting: int | None = None,
        deliver: Deliver | None = None,
        join: bool = True,
    ) -> Admission | None:
        """Store the run, unless one of the same id is there, or, to `join`, one for the same need that has not ended or
        waits for a person.

        With an `owner` it begins at once; without, it is queued and delivered in the same transaction. Raises
        Overloaded when `most_waiting` runs are queued in the lane already: exact on SQLite; on PostgreSQL as many more
        may slip in as transactions run at that moment. None: the product has seen an order since its `product_version`
        was read, which may be the one that provides for this need; look again.
        """

        async def work(connection: AsyncConnection) -> Admission | None:
            standing = await _standing_run(connection, new, join)
            if standing is not None:
                return Admission(standing, fresh=False)
            if await _has_moved_on(connection, new):
                return None
            if owner is not None:
                begun = _begun(owner, lease_seconds)
            else:
                begun = _WAITING
                await _require_room(connection, lane, most_waiting)
            run = await _insert_run(connection, new, begun | {"lane": lane})
            if run is None:
                return Admission(await _stored_run(connection, new.id), fresh=False)
            if owner is None and deliver is not None:
                await deliver(driver_of(connection), run)
            return Admission(run, fresh=True)

        return await self._write(work)

    async def admit_first(
        self,
        new: NewRun,
        *,
        lane: Lane,
        owner: str | None,
        lease_seconds: float = 0,
        most_waiting: int | None = None,
        deliver: Deliver | None = None,
    ) -> Run | None:
        """Store the run if it is the first for its need: no other has begun, no review waits and, in mode `input`, no
        order is on its way. One statement looks and records. None where anything is in the way or there is no room:
        look for what stands, and call `admit_run`, which says what is."""
        begun = (_begun(owner, lease_seconds) if owner is not None else _WAITING) | {"lane": lane}
        most = None if owner is not None else most_waiting
        counts = self._engine.dialect.name == "sqlite"
        conditions = {"by_word": new.mode == "input", "most_waiting": None if counts else most}

        async def work(connection: AsyncConnection) -> Run | None:
            await _wait_for_others(connection, new)
            if counts and most is not None and await _places_taken(connection, lane, most) >= most:
                return None
            run = await _insert_run(connection, new, begun, conditions)
            if run is not None and owner is None and deliver is not None:
                await deliver(driver_of(connection), run)
            return run

        return await self._write(work, one_write=True)

    async def claim(self, run_id: str, *, owner: str, lease_seconds: float) -> Run | None:
        """Take this run, if it is queued or nobody works on it any more. None: it has ended, or somebody does."""
        abandoned = sa.and_(_RUNNING, (runs.c.lease_until <= Now()) | runs.c.owner.is_(None))
        claim = _claim(owner, lease_seconds).where(runs.c.id == run_id, _QUEUED | abandoned)
        async with self._writing() as connection:
            row = (await connection.execute(claim.returning(*runs.c))).mappings().first()
            return None if row is None else run_from(row)

    async def claim_queued(self, lane: Lane, *, owner: str, lease_seconds: float, limit: int) -> list[Run]:
        """Take the lane's oldest queued runs: each is given to one caller only."""
        async with self._reading() as connection:
            if await connection.scalar(sa.select(runs.c.id).where(_QUEUED, runs.c.lane == lane).limit(1)) is None:
                return []
        return await self._claim_all(_QUEUED & (runs.c.lane == lane), owner, lease_seconds, limit)

    async def exists(self, run_id: str) -> bool:
        """Whether there is a run of this id."""
        return await self._look_up(_OF_ID, {"run_id": run_id}) is not None

    async def product_version(self, product_id: str, mode: Mode) -> int:
        """How many orders the product has seen."""
        row = await self._look_up(_VERSION, {"of_product": product_id, "of_mode": mode})
        return row[0] if row else 0

    async def claim_abandoned(
        self,
        *,
        owner: str,
        lease_seconds: float,
        dead: Collection[str] = (),
        limit: int = _CLAIM_LIMIT,
    ) -> list[Run]:
        """Claim runs that nobody works on any more, oldest first, at most 200: each is given to one caller only.

        Those whose lease has ended, that were released, or whose owner is `dead`. `attempts` counts the claims.
        """
        abandoned = (runs.c.lease_until <= Now()) | runs.c.owner.is_(None)
        if dead:
            abandoned |= runs.c.owner.in_(dead)
        return await self._claim_all(_RUNNING & abandoned, owner, lease_seconds, min(limit, _CLAIM_LIMIT))

    async def _claim_all(self, due: sa.ColumnElement[bool], owner: str, lease_seconds: float, limit: int) -> list[Run]:
        oldest = sa.select(runs.c.id).where(due).order_by(runs.c.created_at).limit(limit)
        async with self._writing() as connection:
            claimed = (await connection.scalars(oldest.with_for_update(skip_locked=True))).all()
            if not claimed:
                return []
            claim = _claim(owner, lease_seconds).where(runs.c.id.in_(claimed))
            rows = await connection.execute(claim.returning(*runs.c))
            return sorted((run_from(row) for row in rows.mappings()), key=lambda run: run.created_at)

    async def owners(self) -> set[str]:
        """Who holds running runs."""
        async with self._reading() as connection:
            owners = await connection.scalars(sa.select(runs.c.owner).where(_RUNNING).distinct())
            return {owner for owner in owners if owner is not None}

    async def ended(self, run_ids: Collection[str]) -> set[str]:
        """Which of these have a result, wait for a person or have failed: whatever is not queued or running."""
        ended = sa.select(runs.c.id).where(runs.c.id.in_(run_ids), sa.not_(_UNFINISHED))
        async with self._reading() as connection:
            return set(await connection.scalars(ended))

    async def waiting(self) -> dict[str, int]:
        """How many runs are queued in each lane that has any."""
        count = sa.select(runs.c.lane, sa.func.count()).where(_QUEUED).group_by(runs.c.lane)
        async with self._reading() as connection:
            return {row[0]: row[1] for row in await connection.execute(count)}

    async def renew_lease(self, run_id: str, *, owner: str, lease_seconds: float) -> bool:
        """Hold the run for longer. False when it is finished or somebody else has claimed it: stop working on it."""
        renew = sa.update(runs).where(runs.c.id == run_id, runs.c.owner == owner, runs.c.status == "running")
        async with self._writing() as connection:
            result = await connection.execute(renew.values(lease_until=NowPlus(lease_seconds)))
            return result.rowcount == 1

    async def renew_leases(self, run_ids: Collection[str], *, owner: str, lease_seconds: float) -> None:
        """Hold those of these runs that the owner still holds for longer."""
        held = sa.and_(_RUNNING, runs.c.owner == owner, runs.c.id.in_(run_ids))
        async with self._writing() as connection:
            await connection.execute(sa.update(runs).where(held).values(lease_until=NowPlus(lease_seconds)))

    async def release(self, *, owner: str) -> None:
        """Give back every unfinished run of this owner, so that another may resume it at once (a graceful shutdown)."""
        mine = sa.update(runs).where(sa.literal_column("runs.status = 'running'"), runs.c.owner == owner)
        async with self._writing() as connection:
            await connection.execute(mine.values(owner=None))

    async def fail(self, run_id: str, reason: str, *, owner: str | None = None) -> None:
        """End a running run without a result. A run that has ended otherwise, or that is no longer held by the `owner`
        given, stays as it is. Raises UnknownRun."""
        fail = sa.update(runs).where(runs.c.id == run_id, runs.c.status == "running")
        if owner is not None:
            fail = fail.where(runs.c.owner == owner)
        async with self._writing() as connection:
            result = await connection.execute(fail.values(status="failed", finished_at=Now(), failure=reason))
            if result.rowcount:
                figures = {"reason": reason}
                await send(connection, "run.failed", run_id, {"run_id": run_id, "status": "failed"} | figures)
                await write_audit(connection, "run.failed", Actor(name=owner or "service"), figures, run_id=run_id)
            elif await connection.scalar(sa.select(runs.c.id).where(runs.c.id == run_id)) is None:
                raise unknown_run(run_id)

    async def to_close(self) -> list[str]:
        """Finished runs whose graph thread may still wait at the review, oldest first, at most 200. Resume the thread,
        which then finds the decision here, and call `mark_closed`."""
        await self._expire_reviews()
        waiting = sa.select(runs.c.id).where(sa.literal_column("runs.thread_waits"), runs.c.status.in_(_FINISHED))
        async with self._reading() as connection:
            return list((await connection.scalars(waiting.order_by(runs.c.created_at).limit(_CLAIM_LIMIT))).all())

    async def mark_closed(self, run_id: str) -> None:
        """The run's graph thread has ended. Ignored while the run still waits for a decision."""
        closed = sa.update(runs).where(runs.c.id == run_id, runs.c.status.in_(_FINISHED))
        async with self._writing() as connection:
            await connection.execute(closed.values(thread_waits=False))


_BEGUN = ("status", "lane", "attempts", "owner")
_WAITING: dict[str, Any] = {"status": "queued", "attempts": 0, "owner": None, "lease_seconds": 0.0}


def _begun(owner: str, lease_seconds: float) -> dict[str, Any]:
    return {"status": "running", "attempts": 1, "owner": owner, "lease_seconds": lease_seconds}


async def _insert_run(
    connection: AsyncConnection, new: NewRun, begun: dict[str, Any], conditions: dict[str, Any] | None = None
) -> Run | None:
    given = dict(new)
    values = given | begun | _version_of(new) | {"seen": given.pop("product_version")} | (conditions or {})
    row = await first_row(connection, _insertion(connection.dialect.name, conditions is not None), values)
    if row is None:
        return None
    if begun["status"] == "queued" and begun["lane"] in (counted := _counted(connection)):
        counted[begun["lane"]] += 1
    stored = {"product_version": row[0], "created_at": row[1], "finished_at": None, "failure": None}
    return Run(**given, **{name: begun[name] for name in _BEGUN}, **stored)


def _version_of(new: NewRun) -> dict[str, str]:
    return {"of_product": new.product_id, "of_mode": new.mode}


async def _stored_run(connection: AsyncConnection, run_id: str) -> Run:
    return run_from((await connection.execute(sa.select(runs).where(runs.c.id == run_id))).mappings().one())


async def _standing_run(connection: AsyncConnection, new: NewRun, join: bool) -> Run | None:
    """The run of the same id, or one for the same need that has not ended or waits for a person. Of several callers at
    once each waits here until the one before has recorded its run."""
    await _wait_for_others(connection, new)
    need = (new.product_id, new.mode, new.location)
    same_id = runs.c.id == new.id
    columns = (runs.c.product_id, runs.c.mode, runs.c.location)
    same_need = sa.and_(_STANDING, *(column == value for column, value in zip(columns, need, strict=True)))
    query = (
        sa.select(runs)
        .where(same_id | same_need if join else same_id)
        .order_by(same_id.desc(), runs.c.created_at)
        .limit(1)
    )
    row = (await connection.execute(query)).mappings().first()
    return None if row is None else run_from(row)


async def _wait_for_others(connection: AsyncConnection, new: NewRun) -> None:
    """On SQLite, which has one writer, whoever comes here has waited."""
    if connection.dialect.name == "postgresql":
        need = "\n".join((new.product_id, new.mode, new.location))
        await connection.execute(_LOCK_OF_NEED, {"need": need})


async def _has_moved_on(connection: AsyncConnection, new: NewRun) -> bool:
    if new.product_version is None:
        return False
    row = (await connection.execute(_VERSION, _version_of(new))).first()
    return row is not None and row[0] > new.product_version


async def _require_room(connection: AsyncConnection, lane: Lane, most_waiting: int | None) -> None:
    if most_waiting is None:
        return
    if (await connection.execute(_LAST_PLACE, {"lane": lane, "most_waiting": most_waiting})).first() is not None:
        raise Overloaded(f"{most_waiting} runs wait already, as many as may; come back in a few seconds.")


async def _places_taken(connection: AsyncConnection, lane: Lane, most: int) -> int:
    """How many runs wait in the lane, `most` at the most. SQLite's writer keeps all others from writing, so that
    counting them once is enough for all that its transaction records."""
    counted = _counted(connection)
    if lane not in counted:
        row = await first_row(connection, _PLACES_TAKEN, {"lane": lane, "most_waiting": most})
        counted[lane] = row[0] if row else 0
    return counted[lane]


def _counted(connection: AsyncConnection) -> dict[str, int]:
    driver = driver_of(connection)
    return driver.counted if isinstance(driver, sqlite_driver.Connection) else {}


def _claim(owner: str, lease_seconds: float) -> sa.Update:
    """A run that was queued has read no facts yet, unless they came with it: orders placed meanwhile are among them."""
    return sa.update(runs).values(
        status="running",
        owner=owner,
        lease_until=NowPlus(lease_seconds),
        attempts=runs.c.attempts + 1,
        product_version=sa.case((_QUEUED & (runs.c.mode != "input"), _SEEN), else_=runs.c.product_version),
    )


def unknown_run(run_id: str) -> UnknownRun:
    return UnknownRun(f"No run {run_id[:80]!r}; use the run_id that the trigger was answered with.")
