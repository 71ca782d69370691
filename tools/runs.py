"""Runs: recorded before anything is answered, held for a time by whoever works on them, found again after a crash."""

from collections.abc import Collection
from functools import lru_cache

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from tools.audit import Actor, write_audit
from tools.book_rows import run_from
from tools.database import Store, insert_for
from tools.errors import UnknownRun
from tools.models import Mode, NewRun, Run
from tools.placing import send
from tools.schema import Now, NowPlus, product_versions, runs

_FINISHED = ("executed", "no_action", "rejected", "expired", "failed")
_CLAIM_LIMIT = 200
_VERSION = sa.select(product_versions.c.version).where(
    product_versions.c.product_id == sa.bindparam("of_product"), product_versions.c.mode == sa.bindparam("of_mode")
)


@lru_cache
def _insert_run(dialect: str) -> sa.Insert:
    seen = sa.bindparam("seen", type_=sa.BigInteger)
    insert = insert_for(dialect, runs).values(
        status="running",
        attempts=1,
        lease_until=NowPlus(sa.bindparam("lease_seconds", type_=sa.Float)),
        product_version=sa.func.coalesce(seen, _VERSION.scalar_subquery(), 0),
        thread_waits=False,
        created_at=Now(),
    )
    recorded: sa.Insert = insert.on_conflict_do_nothing().returning(*runs.c)
    return recorded


class RunStore(Store):
    """The runs of the order book. All times are the database's."""

    async def record_run(self, new: NewRun, *, owner: str, lease_seconds: float) -> Run:
        """Store the run before its caller is answered. `owner` holds it until the lease ends.

        A second run of the same id is not stored: the first is returned as it is by now. Look at its status and owner.
        """
        values = new.model_dump(mode="json", exclude={"product_version"}) | {"owner": owner}
        values |= {"lease_seconds": lease_seconds, "seen": new.product_version}
        values |= {"of_product": new.product_id, "of_mode": new.mode}

        async def work(connection: AsyncConnection) -> Run:
            result = await connection.execute(_insert_run(connection.dialect.name), values)
            row = result.mappings().first()
            if row is None:
                row = (await connection.execute(sa.select(runs).where(runs.c.id == new.id))).mappings().one()
            return run_from(row)

        return await self._write(work)

    async def product_version(self, product_id: str, mode: Mode) -> int:
        """How many orders the product has seen."""
        async with self._reading() as connection:
            return await connection.scalar(_VERSION, {"of_product": product_id, "of_mode": mode}) or 0

    async def runs_to_resume(
        self, *, owner: str, lease_seconds: float, living: Collection[str] | None = None
    ) -> list[Run]:
        """Claim runs that nobody works on any more, oldest first, at most 200: each is given to one caller only.

        Those whose lease has ended or that were released; with `living` also those of any owner not among these, which
        a process that knows itself to be alone (`living=()`) may say. `attempts` counts the claims.
        """
        abandoned = (runs.c.lease_until <= Now()) | runs.c.owner.is_(None)
        if living is not None:
            abandoned |= runs.c.owner.not_in([*living, owner])
        due = sa.select(runs.c.id).where(sa.literal_column("runs.status = 'running'"), abandoned)
        due = due.order_by(runs.c.created_at).limit(_CLAIM_LIMIT).with_for_update(skip_locked=True)
        async with self._writing() as connection:
            claimed = (await connection.scalars(due)).all()
            if not claimed:
                return []
            claim = (
                sa.update(runs)
                .where(runs.c.id.in_(claimed))
                .values(owner=owner, lease_until=NowPlus(lease_seconds), attempts=runs.c.attempts + 1)
            )
            rows = await connection.execute(claim.returning(*runs.c))
            return sorted((run_from(row) for row in rows.mappings()), key=lambda run: run.created_at)

    async def renew_lease(self, run_id: str, *, owner: str, lease_seconds: float) -> bool:
        """Hold the run for longer. False when it is finished or somebody else has claimed it: stop working on it."""
        renew = sa.update(runs).where(runs.c.id == run_id, runs.c.owner == owner, runs.c.status == "running")
        async with self._writing() as connection:
            result = await connection.execute(renew.values(lease_until=NowPlus(lease_seconds)))
            return result.rowcount == 1

    async def release_runs(self, *, owner: str) -> None:
        """Give back every unfinished run of this owner, so that another may resume it at once (a graceful shutdown)."""
        mine = sa.update(runs).where(sa.literal_column("runs.status = 'running'"), runs.c.owner == owner)
        async with self._writing() as connection:
            await connection.execute(mine.values(owner=None))

    async def fail_run(self, run_id: str, reason: str, *, owner: str | None = None) -> None:
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

    async def runs_to_close(self) -> list[str]:
        """Finished runs whose graph thread may still wait at the review, oldest first, at most 200. Resume the thread,
        which then finds the decision here, and call `mark_closed`."""
        waiting = sa.select(runs.c.id).where(sa.literal_column("runs.thread_waits"), runs.c.status.in_(_FINISHED))
        async with self._reading() as connection:
            return list((await connection.scalars(waiting.order_by(runs.c.created_at).limit(_CLAIM_LIMIT))).all())

    async def mark_closed(self, run_id: str) -> None:
        """The run's graph thread has ended. Ignored while the run still waits for a decision."""
        closed = sa.update(runs).where(runs.c.id == run_id, runs.c.status.in_(_FINISHED))
        async with self._writing() as connection:
            await connection.execute(closed.values(thread_waits=False))


def unknown_run(run_id: str) -> UnknownRun:
    return UnknownRun(f"No run {run_id[:80]!r}; use the run_id that the trigger was answered with.")
