"""Decides on a product: looks it up, records a run or joins one that covers the need, and waits for the result."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext, suppress
from datetime import datetime
from math import ceil, floor, inf
from secrets import token_hex
from typing import Any

from agent.case import Decision
from agent.metrics import Metrics
from agent.running.background import Background
from agent.running.queue import Queue
from agent.running.work import Work
from agent.settings import WAIT_BEYOND_DEADLINE_SECONDS, Settings
from agent.state import DecisionRequest
from tools.book.book import OrderBook
from tools.book.runs import Admission
from tools.catalog.products import Catalogs
from tools.planning.gate import ONLY_PROPOSES
from tools.planning.replenishment import require_plannable
from tools.records.errors import InFlight, Overloaded, Unavailable
from tools.records.orders import Lane, NewRun, Run, RunView
from tools.records.plan import Plan

UNFINISHED = ("queued", "running")
IN_TIME = 0.7
"""The share of its time that a caller may expect to need: the machine may slow down meanwhile."""
FEW = 4
"""A run is among few if at most one of so many places is taken at both its ends: its time is then its own."""
AMONG_MANY = 1.25
"""So much longer than among few may a run take, before fewer are begun at once."""


class Decisions:
    """Decisions on products, and reviewers' decisions."""

    def __init__(
        self,
        *,
        settings: Settings,
        book: OrderBook,
        catalogs: Catalogs,
        metrics: Metrics,
        work: Work,
        queue: Queue,
        background: Background,
    ) -> None:
        self._settings, self._wait_seconds = settings, settings.wait_seconds
        self._book, self._catalogs, self._metrics = book, catalogs, metrics
        self._work, self._queue, self._background = work, queue, background
        self.callers = Callers(
            work.places["interactive"],
            places=work.room["interactive"],
            place_seconds=WAIT_BEYOND_DEADLINE_SECONDS,
            run_seconds=settings.run_deadline_seconds,
        )
        self.closing = False

    async def calculate(self, request: DecisionRequest) -> Plan:
        """The plan for one product. Starts no run and records nothing."""
        return (await self._catalogs.look_up(request)).present_plan

    async def decide(self, request: DecisionRequest) -> RunView:
        """Decide on one product: an order placed, one waiting for a person, or nothing to order.

        If a run about the same facts is being carried out or waits for a person, that one is returned, as `standing`.
        A run that takes longer than the caller waits is returned as it is, queued or running. Raises `UnknownProduct`,
        `InvalidInput`, `Overloaded` and the like before anything is recorded, and `Unavailable` while shutting down.
        """
        begun: asyncio.Future[Run] = asyncio.get_running_loop().create_future()
        deciding = self._background.spawn(self._decide(request, begun))
        await asyncio.wait({deciding}, timeout=self._wait_seconds)
        if not deciding.done():
            either: set[asyncio.Future[Any]] = {deciding, begun}
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        return deciding.result() if deciding.done() else _unfinished(begun.result())

    async def submit(self, request: DecisionRequest, *, checked: bool = False) -> RunView:
        """As `decide`, but return as soon as the run is recorded. `checked`: its location is given, and it is known to
        be plannable."""
        request = await self._taken_in(request, checked=checked)
        after: datetime | None = None
        while True:
            run, fresh = await self._admit(request, "bulk", after=after)
            self._queue.announce("bulk")
            if fresh:
                return _unfinished(run)
            view = await self._book.runs.get(run.id)
            if await self._covers(view, request):
                return await self._kept(view, request)
            after = run.created_at

    async def try_out(self, request: DecisionRequest) -> RunView:
        """Decide as a run would, and record nothing but what the models cost."""
        request = await self._taken_in(request)
        decision = Decision(request=request, product=await self._catalogs.look_up(request), dry_run=True)
        return await self._background.spawn(self._try_out(_new_run(request), decision))

    async def review(self, review_id: str, **decision: Any) -> RunView:
        """Approve, edit or reject a waiting order. Takes and raises what `book.reviews.decide` does."""
        view = await self._book.reviews.decide(review_id, **decision)
        if view.proposal is not None and not view.standing:
            self._metrics.orders.labels(view.proposal.action, view.run.status).inc()
            self._background.spawn(self._work.wake(view.run.id))
        return view

    async def _try_out(self, run: NewRun, decision: Decision) -> RunView:
        with self.callers:
            return await self._work.try_out(run, decision)

    async def _decide(self, request: DecisionRequest, begun: asyncio.Future[Run]) -> RunView:
        """The result. This is a task of its own, so that a recorded run goes on if its caller goes away. `begun` is set
        to the run that is carried out here, once it is recorded."""
        began = time.monotonic()
        give_up, at_once = began + self._wait_seconds, self._settings.work_runs
        after: datetime | None = None
        with self.callers:
            while True:
                place = self.callers.place(until=began + WAIT_BEYOND_DEADLINE_SECONDS) if at_once else nullcontext()
                async with place:
                    request = await self._taken_in(request)
                    run, fresh = await self._admit(request, "interactive", at_once=at_once, after=after)
                    if at_once and fresh:
                        begun.set_result(run)
                        with suppress(Unavailable):  # whoever holds it next ends it
                            return await self._work.carry_out(run, request)
                        return _unfinished(run)
                view = await self._ended(run, give_up)
                if fresh or await self._covers(view, request):
                    return view if fresh else await self._kept(view, request)
                if view.run.status in UNFINISHED:
                    raise InFlight(f"Run {run.id}, about other facts, is not finished. Send the request again later.")
                after = run.created_at

    async def _kept(self, view: RunView, request: DecisionRequest) -> RunView:
        """Another request's run as the answer. It is stored, so that it answers again."""
        if view.run.id == request.run_id:
            return view
        if request.run_id is not None:
            await self._book.runs.keep_answer(_new_run(request), view.run.id)
        return view.model_copy(update={"standing": True})

    async def _taken_in(self, request: DecisionRequest, *, checked: bool = False) -> DecisionRequest:
        """The request with its location. Its product is known to be plannable."""
        if self.closing:
            raise Unavailable("The service is shutting down. Try again in a few seconds.")
        if checked:
            return request
        facts = request.facts or (await self._catalogs.family(request))[0]
        require_plannable(facts)
        place = facts.stock.location
        return request if request.location == place else request.model_copy(update={"location": place})

    async def _admit(
        self, request: DecisionRequest, lane: Lane, *, at_once: bool = False, after: datetime | None = None
    ) -> Admission:
        """Record a run for this request, or find one for the same need that has begun or waits for a person."""
        return await self._book.runs.admit(
            _new_run(request),
            lane=lane,
            owner=self._work.owner.name if at_once else None,
            lease_seconds=self._work.lease_seconds,
            most_waiting=self._work.most_waiting[lane],
            deliver=self._queue.hand_over,
            after=after,
        )

    async def _ended(self, run: Run, give_up: float) -> RunView:
        """The result of a run that another task carries out, or the run as it is when the time is up."""
        if run.status in UNFINISHED:
            self._queue.announce("interactive")
            await self._work.ends.wait(run.id, seconds=max(0.0, give_up - time.monotonic()))
        return await self._book.runs.get(run.id)

    async def _covers(self, view: RunView, request: DecisionRequest) -> bool:
        """Whether the result of an earlier run answers this request too: it is the same request, or it is about the
        same facts and has placed an order, waits, or found nothing to order. Of a review today's plan is calculated,
        because its facts may have changed in the catalogue or by an order. One that waits only for automatic ordering
        to be switched on is decided anew once it is."""
        if view.run.id == request.run_id:
            return True
        if not same_question(view.run, request):
            return False
        if view.run.status != "pending_review" or view.proposal is None:
            return view.run.status in (*UNFINISHED, "executed", "no_action")
        product = await self._catalogs.look_up(request)
        only_switch = view.proposal.review_reasons == (ONLY_PROPOSES,)
        if only_switch and (await self._book.automatic.get()).allows(product.facts.supplier.id):
            return False
        return _figures(product.present_plan) == _figures(view.proposal.plan)


class Callers:
    """The callers of this process who wait: how many more are let in, and how many are worked for at once. Whoever is
    let in may expect a place within `place_seconds` and the run's end within the `run_seconds` after it.

    Where the machine is busy, more runs at once only make each of them slower, until all pass their deadline. So fewer
    are begun, as long as that makes them quicker, and the line is as long as the callers' patience beyond the deadline
    allows.
    """

    def __init__(self, free: asyncio.Semaphore, *, places: int, place_seconds: float, run_seconds: float) -> None:
        self._free, self._places = free, places
        self._place_seconds, self._run_seconds = IN_TIME * place_seconds, IN_TIME * run_seconds
        self._waiting = self._at_work = self._kept_back = 0
        self._last_answer = self._pause_seconds = 0.0
        """From one answer to the next, lately, while as many were worked for as may be."""
        self._seconds_among_few = 0.0

    def require_time(self) -> None:
        """Raises Overloaded if another caller would wait too long. To be asked before anything of it is read."""
        line = self._place_seconds / self._pause_seconds if self._pause_seconds else inf
        if self._waiting + 1 > self._at_once + line:
            raise Overloaded(f"{self._waiting} callers wait already. Try again in a few seconds.")

    def __enter__(self) -> None:
        """Count a caller while work for it goes on, even if it goes away. Raises Overloaded as `require_time` does."""
        self.require_time()
        self._waiting += 1
        if self._waiting <= self._at_once:
            self._last_answer = time.monotonic()

    def __exit__(self, failed: type[BaseException] | None, *_: object) -> None:
        """Note when the work was over, unless it failed, as a refusal does: that is no answer."""
        if failed is None and self._waiting >= self._at_once:
            now = time.monotonic()
            pause = min(now - self._last_answer, self._run_seconds / IN_TIME)
            # Where all places were taken at once, the first answer takes a whole run, which is the pause of so many.
            self._pause_seconds += (pause - self._pause_seconds) / self._places
            self._last_answer = now
        self._waiting -= 1

    @asynccontextmanager
    async def place(self, *, until: float) -> AsyncIterator[None]:
        """Wait for a place, in turn, and hold it. Raises Overloaded if there is none until then, by the monotonic
        clock: a run that began later would not end before the caller gives up."""
        try:
            async with asyncio.timeout(until - time.monotonic()):
                await self._free.acquire()
        except TimeoutError:
            raise Overloaded("Too many callers came before this one. Try again in a few seconds.") from None
        self._at_work += 1
        among_few, began = self._is_quiet, time.monotonic()
        try:
            yield
        finally:
            if among_few and self._is_quiet:
                took, known = time.monotonic() - began, self._seconds_among_few
                self._seconds_among_few = (took + known) / 2 if known else took
            self._at_work -= 1
            self._kept_back += 1
            while self._kept_back > self._places - self._at_once:
                self._kept_back -= 1
                self._free.release()

    @property
    def _is_quiet(self) -> bool:
        return FEW * self._at_work <= max(FEW, self._places)

    @property
    def _at_once(self) -> int:
        """How many are worked for at once: so many that each ends in time, or all if it takes that long anyway."""
        if not self._pause_seconds:
            return self._places
        in_time = floor(self._run_seconds / self._pause_seconds)
        anyway = ceil(AMONG_MANY * self._seconds_among_few / self._pause_seconds)
        return max(1, min(self._places, max(in_time, anyway)))


def _unfinished(run: Run) -> RunView:
    return RunView(run=run, proposal=None, order=None)


def same_question(run: Run, request: DecisionRequest) -> bool:
    """Whether the run was asked about the same facts."""
    asked = DecisionRequest.model_validate(run.request)
    return (asked.facts, asked.service_level) == (request.facts, request.service_level)


def _new_run(request: DecisionRequest) -> NewRun:
    return NewRun(
        id=request.run_id or token_hex(16),
        product_id=request.product_id,
        location=request.location or "",
        mode=request.mode,
        origin=request.origin,
        requested_by=request.requested_by,
        requested_by_id=request.requested_by_id,
        sweep_id=request.sweep_id,
        # Without defaults, which are most of it; the same model reads it back.
        request=request.model_dump(mode="json", exclude_defaults=True),
    )


def _figures(plan: Plan) -> dict[str, Any]:
    """What follows from the facts, without words, which may tell how old these are."""
    return plan.model_dump(exclude={"reason", "derivation", "notices", "open_orders", "days_until_stockout"})
