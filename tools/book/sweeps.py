"""Sweeps: their products are stored when they begin, and a lease says which process carries one out."""

from collections.abc import Collection, Iterator, Sequence
from itertools import islice
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, RowMapping

from tools.book.rows import newest_first, review_id
from tools.planning.gate import ONLY_PROPOSES
from tools.records.errors import UnknownSweep
from tools.records.quantities import cost
from tools.records.sweeps import NewSweep, Sweep, SweepHead, SweepItem, SweepLine, SweepStatus
from tools.storage.database import Store, conflict_insert, reads, writes
from tools.storage.schema import orders, proposals, runs, sweeps
from tools.storage.types import Now, NowPlus

AT_ONCE = 1_000
"""Runs that one query asks for."""
_HEAD: list[sa.ColumnElement[Any]] = [sweeps.c[name] for name in SweepHead.model_fields if name != "total"]
_HEAD += [sa.func.json_array_length(sweeps.c["items"], type_=sa.Integer).label("total")]
_UNFINISHED = ("queued", "running")
_FREE = (sweeps.c.status == "running") & (sweeps.c.owner.is_(None) | (sweeps.c.lease_until <= Now()))


class SweepStore(Store):
    @writes
    def begin(self, connection: Connection, new: NewSweep, *, owner: str, lease_seconds: float) -> tuple[Sweep, bool]:
        """Store a sweep, held by this owner. If there is one of this id, that one, and False."""
        insert = conflict_insert(sweeps).values(
            **new.model_dump(mode="json"),
            status="running",
            owner=owner,
            lease_until=NowPlus(lease_seconds),
            created_at=Now(),
        )
        stored = connection.execute(insert.on_conflict_do_nothing().returning(sweeps.c.id)).first()
        return _stored(connection, new.id), stored is not None

    @reads
    def get(self, connection: Connection, sweep_id: str) -> Sweep:
        """Raises UnknownSweep."""
        return _stored(connection, sweep_id)

    @reads
    def page(self, connection: Connection, limit: int = 50, before: str | None = None) -> list[SweepHead]:
        """A page of sweeps, newest first, at most 200. `before` is the last id of the page before."""
        query = newest_first(connection, sweeps, limit, before, _unknown).with_only_columns(*_HEAD)
        return [SweepHead(**row) for row in connection.execute(query).mappings()]

    async def claim(self, *, owner: str, lease_seconds: float, dead: Collection[str] = ()) -> Sweep | None:
        """The oldest sweep that nobody carries out any more, now held by this owner; None if there is none. It looks
        first, because mostly there is nothing to write."""
        free = _FREE | ((sweeps.c.status == "running") & sweeps.c.owner.in_(dead)) if dead else _FREE
        oldest = sa.select(sweeps.c.id).where(free).order_by(sweeps.c.created_at).limit(1)

        def claim(connection: Connection) -> Sweep | None:
            chosen = connection.scalar(oldest.with_for_update(skip_locked=True))
            held = sa.update(sweeps).where(sweeps.c.id == chosen)
            row = connection.execute(
                held.values(owner=owner, lease_until=NowPlus(lease_seconds)).returning(*sweeps.c)
            ).mappings()
            return next(map(_sweep, row), None)

        if await self.database.read(lambda connection: connection.scalar(oldest)) is None:
            return None
        return await self.database.write(claim)

    @reads
    def owners(self, connection: Connection) -> set[str]:
        """The owners of running sweeps."""
        found = connection.scalars(sa.select(sweeps.c.owner).where(sweeps.c.status == "running"))
        return {owner for owner in found if owner is not None}

    @writes
    def renew(self, connection: Connection, sweep_id: str, *, owner: str, lease_seconds: float) -> bool:
        """Hold the sweep for longer. False: another process has taken it over."""
        held = sa.update(sweeps).where(sweeps.c.id == sweep_id, sweeps.c.owner == owner, sweeps.c.status == "running")
        return connection.execute(held.values(lease_until=NowPlus(lease_seconds))).rowcount == 1

    @writes
    def release(self, connection: Connection, *, owner: str) -> None:
        """Give back the sweeps of this owner at a shutdown, so that others go on with them at once."""
        mine = sa.update(sweeps).where(sweeps.c.status == "running", sweeps.c.owner == owner)
        connection.execute(mine.values(owner=None))

    @writes
    def finish(self, connection: Connection, sweep_id: str, items: Sequence[SweepItem], *, owner: str) -> bool:
        """End a sweep, with the runs that answered for its items. False: another process has taken it over."""
        done = sa.update(sweeps).where(sweeps.c.id == sweep_id, sweeps.c.owner == owner, sweeps.c.status == "running")
        stored = [item.model_dump(mode="json") for item in items]
        return connection.execute(done.values(status="done", items=stored, finished_at=Now())).rowcount == 1

    @reads
    def recorded(self, connection: Connection, items: Sequence[SweepItem]) -> frozenset[str]:
        """Those of the items' run ids that are of recorded runs."""
        parts = _parts(item.run_id for item in items)
        found = (connection.scalars(sa.select(runs.c.id).where(runs.c.id.in_(ids))) for ids in parts)
        return frozenset(run_id for part in found for run_id in part)

    @reads
    def unfinished(self, connection: Connection, sweep_id: str) -> int:
        """How many of its runs have not ended."""
        count = sa.select(sa.func.count()).where(runs.c.sweep_id == sweep_id, runs.c.status.in_(_UNFINISHED))
        return connection.scalar(count) or 0

    @reads
    def progress(self, connection: Connection, sweep_id: str) -> tuple[SweepStatus, int]:
        """How it stands, and how many of its runs have ended. Raises UnknownSweep."""
        status = connection.scalar(sa.select(sweeps.c.status).where(sweeps.c.id == sweep_id))
        if status is None:
            raise _unknown(sweep_id)
        ended = sa.select(sa.func.count()).where(runs.c.sweep_id == sweep_id, runs.c.status.not_in(_UNFINISHED))
        return status, connection.scalar(ended) or 0

    @reads
    def lines(self, connection: Connection, items: Sequence[SweepItem]) -> list[SweepLine]:
        """What came of each item, in their order."""
        found: dict[str, RowMapping] = {}
        for ids in _parts(item.run_id for item in items):
            found |= {row["run_id"]: row for row in connection.execute(_CAME_OF.where(runs.c.id.in_(ids))).mappings()}
        return [_line(item, found.get(item.run_id)) for item in items]


_CAME_OF = (
    sa.select(
        runs.c.id.label("run_id"),
        runs.c.status,
        runs.c.failure,
        proposals.c.number.label("review"),
        *(proposals.c[name] for name in ("quantity", "unit_price", "currency", "review_reasons", "provider")),
        *(proposals.c[name] for name in ("decision_reason", "decided_by", "supplier_id", "supplier_name")),
        orders.c.number.label("order_number"),
        orders.c.quantity.label("ordered"),
        orders.c.total,
    )
    .outerjoin(proposals, proposals.c.run_id == runs.c.id)
    .outerjoin(orders, orders.c.run_id == runs.c.id)
)


def _parts(ids: Iterator[str]) -> Iterator[list[str]]:
    while part := list(islice(ids, AT_ONCE)):
        yield part


_ABOUT = {"product_id", "name", "location", "supplier_id", "supplier", "currency", "source_location"}


def _line(item: SweepItem, row: RowMapping | None) -> SweepLine:
    about = item.model_dump(include=_ABOUT)
    planned = {"quantity": item.quantity, "value": item.value, "run_id": item.run_id}
    if item.failure is not None:
        return SweepLine(**about, **planned | {"run_id": None}, outcome="not_ordered", reasons=(item.failure,))
    if row is None or row["status"] in _UNFINISHED:
        return SweepLine(**about, **planned, outcome="unfinished")
    return SweepLine(**about | {"currency": row["currency"] or item.currency}, run_id=item.run_id, **_ended(row))


def _ended(row: RowMapping) -> dict[str, Any]:
    by = {"decided_by": row["provider"] or ""}
    if row["order_number"] is not None:
        placed = {"quantity": row["ordered"], "value": row["total"], "order_number": row["order_number"]}
        return by | placed | {"outcome": "placed"}
    price, quantity = row["unit_price"], row["quantity"] or 0
    found = by | {"quantity": quantity, "value": None if price is None else cost(price, quantity)}
    if row["status"] == "pending_review":
        reasons = tuple(row["review_reasons"])
        waits = {
            "review_id": review_id(row["review"]),
            "reasons": reasons,
            "only_proposed": reasons == (ONLY_PROPOSES,),
        }
        return found | waits | {"outcome": "waiting"}
    return found | {"outcome": "not_ordered", "reasons": (_why_not(row),)}


def _why_not(row: RowMapping) -> str:
    if row["status"] == "failed":
        return f"Its run failed: {row['failure']}"
    if row["status"] == "no_action":
        return "Nothing is to be ordered any more."
    said = f": {row['decision_reason']}" if row["decision_reason"] else "."
    return f"The review was {row['status']}{said}"


def _stored(connection: Connection, sweep_id: str) -> Sweep:
    row = connection.execute(sa.select(sweeps).where(sweeps.c.id == sweep_id)).mappings().first()
    if row is None:
        raise _unknown(sweep_id)
    return _sweep(row)


def _unknown(sweep_id: str) -> UnknownSweep:
    return UnknownSweep(f"No sweep {sweep_id[:80]!r}; `GET /sweeps` lists them.")


def _sweep(row: RowMapping) -> Sweep:
    return Sweep.model_validate({name: row[name] for name in Sweep.model_fields})
