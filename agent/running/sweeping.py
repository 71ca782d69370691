"""Carries out sweeps: records a run for each product, and waits for the ends. A lease holds a sweep; another process
takes over that of a dead one.

A run's id follows from the sweep, the product and the location. So what was recorded before is found and not doubled.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import TypeVar

import structlog

from agent.running.background import Background
from agent.state import DecisionRequest
from tools.book.book import OrderBook
from tools.book.owners import Owner
from tools.records.errors import InFlight, InvalidInput, NotFound, Overloaded, RestockError, Unavailable
from tools.records.orders import RunView
from tools.records.sweeps import NewSweep, Sweep, SweepItem

log = structlog.get_logger(__name__)
T = TypeVar("T")
R = TypeVar("R")
Submit = Callable[[DecisionRequest], Awaitable[RunView]]

LEASE_SECONDS = 30.0
AT_ONCE = 16
"""Products of a sweep that are worked on at the same time."""
LOOK_SECONDS = 0.2
_BODY = "sweep"
"""Stands for the body of a request, so that the run that answers for it is remembered."""


class Sweeping:
    """The sweeps that this process carries out."""

    def __init__(self, book: OrderBook, *, owner: Owner, submit: Submit, background: Background) -> None:
        self._book, self._owner, self._submit, self._background = book, owner, submit, background
        self._held: set[str] = set()

    async def begin(self, new: NewSweep) -> Sweep:
        """Store a sweep and begin to carry it out. If there is one of this id, that one is returned."""
        sweep, fresh = await self._book.sweeps.begin(new, owner=self._owner.name, lease_seconds=LEASE_SECONDS)
        if fresh:
            log.info("sweep_begun", sweep_id=sweep.id, products=len(sweep.items))
            self._background.spawn(self._carry_out(sweep))
        return sweep

    async def resume(self) -> None:
        """Take over a sweep whose process is dead. One of this process whose lease is over is held again."""
        dead = await asyncio.to_thread(self._owner.dead, await self._book.sweeps.owners())
        sweep = await self._book.sweeps.claim(owner=self._owner.name, lease_seconds=LEASE_SECONDS, dead=dead)
        if sweep is not None and sweep.id not in self._held:
            log.warning("sweep_resumed", sweep_id=sweep.id)
            self._background.spawn(self._carry_out(sweep))

    async def _carry_out(self, sweep: Sweep) -> None:
        """Take the sweep to its end. If another process has taken it over, that one goes on."""
        self._held.add(sweep.id)
        keeping = asyncio.create_task(self._keep(sweep.id))
        doing = asyncio.create_task(self._record_and_wait(sweep))
        try:
            await asyncio.wait({keeping, doing}, return_when=asyncio.FIRST_COMPLETED)
            if doing.done():
                await self._book.sweeps.finish(sweep.id, doing.result(), owner=self._owner.name)
                log.info("sweep_done", sweep_id=sweep.id)
            else:
                log.warning("sweep_lost", sweep_id=sweep.id)
        finally:
            self._held.discard(sweep.id)
            keeping.cancel()
            doing.cancel()

    async def _keep(self, sweep_id: str) -> None:
        """Renew the lease until another process has the sweep."""
        held = True
        while held:
            await asyncio.sleep(LEASE_SECONDS / 3)
            with suppress(Unavailable):
                held = await self._book.sweeps.renew(sweep_id, owner=self._owner.name, lease_seconds=LEASE_SECONDS)

    async def _record_and_wait(self, sweep: Sweep) -> list[SweepItem]:
        known = await self._book.sweeps.recorded(sweep.items)

        async def record(item: SweepItem) -> SweepItem:
            return item if item.run_id in known else await self._recorded(sweep, item)

        items = await several_at_once(record, sweep.items)
        while True:
            if not await self._book.sweeps.unfinished(sweep.id):
                return items
            await asyncio.sleep(LOOK_SECONDS)

    async def _recorded(self, sweep: Sweep, item: SweepItem) -> SweepItem:
        """The item with the run that answers for it, once that is recorded."""
        asked = DecisionRequest(
            product_id=item.product_id,
            location=item.location,
            mode=sweep.mode,
            by_rules=not item.ask_models,
            requested_by=sweep.requested_by,
            requested_by_id=sweep.requested_by_id,
            sweep_id=sweep.id,
            run_id=item.run_id,
            body_hash=_BODY,
        )
        while True:
            try:
                return _answered(item, await self._submit(asked))
            except InFlight:
                view = await self._book.runs.answering(item.run_id, _BODY)
                if view is not None:
                    return _answered(item, view)
            except Overloaded:
                await asyncio.sleep(LOOK_SECONDS)
            except (NotFound, InvalidInput) as error:
                return item.model_copy(update={"failure": error.message})


def _answered(item: SweepItem, view: RunView) -> SweepItem:
    return item if view.run.id == item.run_id else item.model_copy(update={"run_id": view.run.id})


async def several_at_once(work: Callable[[T], Awaitable[R]], items: Sequence[T]) -> list[R]:
    """The results in the order of the items, some of which are worked on at the same time. The first error ends it."""
    places = asyncio.Semaphore(AT_ONCE)

    async def in_place(item: T) -> R:
        async with places:
            return await work(item)

    try:
        async with asyncio.TaskGroup() as tasks:
            working = [tasks.create_task(in_place(item)) for item in items]
    except* RestockError as errors:
        raise errors.exceptions[0] from None
    return [task.result() for task in working]
