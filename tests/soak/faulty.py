"""Faults planted on purpose, to see that a trial finds them: `python -m tests.soak.faulty FAULT serve …`.

Each takes away, in a process of its own and nowhere else, one thing that keeps orders from being lost or doubled. Where
the database keeps watch as well, the trial takes that constraint away too (`LOOSENED`).
"""

import asyncio
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from threading import Timer
from typing import Any

import sqlalchemy as sa

from agent.running.work import Work, graph_config
from tests.soak.databases import plain_engine
from tools.book import expiry, life, placing, reviews
from tools.book.audit import AUTOMATIC, Actor
from tools.book.orders import OrderStore
from tools.book.reviews import ReviewStore
from tools.book.rows import VIEW_OF_RUN, first_view, proposal_from
from tools.book.runs import Admission, RunStore
from tools.records.errors import AlreadyDecided
from tools.records.orders import (
    Lane,
    NewProposal,
    NewRun,
    Run,
    RunStatus,
    RunView,
)
from tools.storage.schema import orders, proposals

LOOSENED = {
    "no-unique-key": {
        "orders": ("uq_orders_run_id", "uq_orders_proposal_number"),
        "outbox": ("uq_outbox_run_id_event_occasion",),
    },
    "no-compare-and-set": {
        "orders": ("uq_orders_run_id", "uq_orders_proposal_number"),
        "decisions": ("pk_decisions",),
        "outbox": ("uq_outbox_run_id_event_occasion",),
    },
}
LATER_SECONDS = 0.6
_later: set[asyncio.Task[None]] = set()
_leave_unfinished = ContextVar("_leave_unfinished", default=False)


def no_unique_key() -> None:
    """The order in one transaction, the mark that the run has it in the next, and no key that would tell."""
    _watch_no_orders()

    async def place(
        self: OrderStore, run_id: str, *, new: NewProposal | None, expires_in_hours: float, owner: str | None = None
    ) -> RunView | None:
        def finish_later(connection: sa.Connection) -> None:
            placed = sa.update(proposals).where(proposals.c.run_id == run_id)
            connection.execute(placed.values(status="placed", expires_at=None))
            placing.finish_run(connection, run_id, "executed")

        if new is not None:
            await self.propose(new, route="auto", expires_in_hours=expires_in_hours, owner=owner)
        if await self.database.write(lambda connection: _place_alone(connection, run_id)):
            await asyncio.sleep(LATER_SECONDS)
            await self.database.write(finish_later)
        return await self.database.read(lambda connection: first_view(connection, VIEW_OF_RUN, run_id=run_id))

    finish = placing.finish_run

    def finish_unless_later(connection: sa.Connection, run_id: str, status: RunStatus) -> None:
        if not _leave_unfinished.get():
            finish(connection, run_id, status)

    placing.finish_run = finish_unless_later
    OrderStore.place = place  # type: ignore[method-assign]


def _place_alone(connection: sa.Connection, run_id: str) -> bool:
    """Whether the order was placed; a proposal that waits for a person has none."""
    view = first_view(connection, VIEW_OF_RUN, run_id=run_id)
    assert view is not None and view.proposal is not None
    proposal = view.proposal
    if proposal.status == "pending":
        return False
    with _unfinished():
        placing.place_order(
            connection,
            proposal,
            quantity=proposal.quantity,
            placed_by=AUTOMATIC,
            answered_by=proposal.requested_by_id,
            version=placing.next_version(connection, proposal.product_id, proposal.mode),
        )
    return True


def no_compare_and_set() -> None:
    """A look whether the review still waits, and then, as if nobody else could have been quicker, the decision."""
    _watch_no_orders()
    decide = ReviewStore.decide

    async def look_then_decide(self: ReviewStore, review_id: str, **decision: Any) -> RunView:
        if (await self.get(review_id)).status != "pending":
            raise AlreadyDecided("It was decided before.")
        await asyncio.sleep(LATER_SECONDS)
        return await decide(self, review_id, **decision)

    def set_without_comparing(
        connection: sa.Connection, number: int, version: int | None, decision: str, reason: str, by: Actor
    ) -> Any:
        change = sa.update(proposals).where(proposals.c.number == number)
        change = change.values(
            status="rejected" if decision == "reject" else "approved",
            decided_at=placing.Now(),
            decided_by=by.name,
            decided_by_id=by.id,
            decision_reason=reason,
        )
        return proposal_from(connection.execute(change.returning(*proposals.c)).mappings().one())

    ReviewStore.decide = look_then_decide  # type: ignore[method-assign]
    reviews._claim = set_without_comparing


def outbox_outside() -> None:
    """Messages in a transaction of their own, just after the one that they tell of."""
    send = placing.send

    def send_later(
        connection: sa.Connection, event: str, run_id: str, payload: dict[str, Any], *, occasion: str = ""
    ) -> None:
        engine = connection.engine

        def later() -> None:
            with engine.begin() as own:
                send(own, event, run_id, payload, occasion=occasion)

        timer = Timer(LATER_SECONDS, later)
        timer.daemon = True
        timer.start()

    placing.send = expiry.send = life.send = send_later


def next_taken_for_done() -> None:
    """A run whose thread has no next step is taken for done; a thread that was cut off before its first has none."""
    decide = Work._decide

    async def go_on(self: Work, run: Run, *how: Any) -> None:
        if run.attempts == 1 or (await self._graph.aget_state(graph_config(run.id))).next:
            await decide(self, run, *how)

    Work._decide = go_on  # type: ignore[method-assign]


def answered_before_recorded() -> None:
    """A run is kept in memory and stored a moment later, when whoever asked has been told that it is."""
    admit = RunStore.admit

    async def admit_later(self: RunStore, new: NewRun, **how: Any) -> Admission:
        if how["owner"] is not None:
            return await admit(self, new, **how)

        async def later() -> None:
            await asyncio.sleep(LATER_SECONDS)
            await admit(self, new, **how)

        _keep(asyncio.create_task(later()))
        return Admission(_as_if_stored(new, how["lane"]), fresh=True)

    RunStore.admit = admit_later  # type: ignore[method-assign]


def _as_if_stored(new: NewRun, lane: Lane) -> Run:
    told = {"status": "queued", "lane": lane, "attempts": 0, "owner": None, "created_at": datetime.now(UTC)}
    return Run(**{**new.model_dump(), **told}, product_version=0, finished_at=None, failure=None)


def _keep(task: asyncio.Task[None]) -> None:
    _later.add(task)
    task.add_done_callback(_later.discard)


def _watch_no_orders() -> None:
    """An order is stored whatever is there already."""
    placing._INSERT_ORDER = sa.insert(orders).returning(*placing.ORDER)


@contextmanager
def _unfinished() -> Iterator[None]:
    token = _leave_unfinished.set(True)
    yield
    _leave_unfinished.reset(token)


FAULTS: dict[str, tuple[Callable[[], None], str]] = {
    "no-unique-key": (no_unique_key, "doubled orders of a run"),
    "answered-before-recorded": (answered_before_recorded, "lost runs"),
    "no-compare-and-set": (no_compare_and_set, "two winners"),
    "outbox-outside": (outbox_outside, "wrong outbox"),
    "next-taken-for-done": (next_taken_for_done, "unfinished runs"),
}
"""Each with the check that must find it."""


def plant(fault: str) -> None:
    work, _ = FAULTS[fault]
    work()


def loosen(fault: str, database_url: str) -> None:
    """Take from an empty book the constraints that would keep this fault from doing harm."""
    engine = plain_engine(database_url)
    with engine.begin() as connection:
        for table, constraints in LOOSENED.get(fault, {}).items():
            if engine.dialect.name == "postgresql":
                for name in constraints:
                    connection.exec_driver_sql(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
            else:
                _make_again(connection, table, constraints)


def _make_again(connection: sa.Connection, table: str, without: tuple[str, ...]) -> None:
    """SQLite cannot drop a constraint: the table is dropped, and made again without."""
    found = "SELECT sql FROM sqlite_master WHERE tbl_name = ? AND sql IS NOT NULL ORDER BY type = 'index'"
    create, *indices = connection.exec_driver_sql(found, (table,)).scalars()
    lines = [line for line in create.splitlines() if not any(name in line for name in without)]
    statement = "\n".join(lines)
    connection.exec_driver_sql(f"DROP TABLE {table}")
    connection.exec_driver_sql(statement.replace(", \n)", "\n)"))
    for index in indices:
        connection.exec_driver_sql(index)


def main() -> None:
    plant(sys.argv.pop(1))
    from api.commands.cli import main as restock

    restock()


if __name__ == "__main__":
    main()
