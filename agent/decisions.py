"""Decides on a product: looks it up, records a run or joins one that covers the need, and waits for the result."""

import asyncio
import time
from secrets import token_hex
from typing import Any, NamedTuple

from agent.case import Decision
from agent.metrics import Metrics
from agent.running.background import Background
from agent.running.queue import Queue
from agent.running.work import Work
from agent.settings import Settings
from agent.state import DecisionRequest
from tools.book.book import OrderBook
from tools.catalog.products import Catalogs
from tools.planning.replenishment import require_plannable
from tools.records.errors import InFlight, Unavailable
from tools.records.orders import Lane, NewRun, Run, RunView
from tools.records.plan import Plan

UNFINISHED = ("queued", "running")


class Admitted(NamedTuple):
    """The run that answers a request. Not `fresh` if it was there before, with the same id or for the same need."""

    run: Run
    fresh: bool
    request: DecisionRequest


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
        self.closing = False

    async def calculate(self, request: DecisionRequest) -> Plan:
        """The plan for one product. Starts no run and records nothing."""
        return (await self._catalogs.look_up(request)).present_plan

    async def decide(self, request: DecisionRequest) -> RunView:
        """Decide on one product: an order placed, one waiting for a person, or nothing to order.

        If an order, a review or a run already covers the need, that one is returned. A run that takes longer than
        the caller waits is returned as it is, queued or running. Raises `UnknownProduct`, `InvalidInput`, `Overloaded`
        and the like before anything is recorded, and `Unavailable` while shutting down.
        """
        carried_out: list[Run] = []
        deciding = self._background.spawn(self._decide(request, carried_out))
        await asyncio.wait({deciding}, timeout=self._wait_seconds)
        if deciding.done() or not carried_out:
            return await deciding
        return _unfinished(carried_out[0])

    async def submit(self, request: DecisionRequest) -> RunView:
        """As `decide`, but return as soon as the run is recorded."""
        decision = await self._taken_in(request)
        run, fresh, _ = admitted = await self._admit(decision, "bulk")
        if _is_about_other_facts(admitted):
            run, fresh, _ = admitted = await self._admit(decision, "bulk", join=False)
        self._queue.announce("bulk")
        if fresh:
            return _unfinished(run)
        return await self._kept(admitted, await self._book.runs.get(run.id))

    async def review(self, review_id: str, **decision: Any) -> RunView:
        """Approve, edit or reject a waiting order. Takes and raises what `book.reviews.decide` does."""
        view = await self._book.reviews.decide(review_id, **decision)
        if view.proposal is not None and not view.standing:
            self._metrics.orders.labels(view.proposal.action, view.run.status).inc()
            self._background.spawn(self._work.wake(view.run.id))
        return view

    async def _decide(self, request: DecisionRequest, carried_out: list[Run]) -> RunView:
        """The result. This is a task of its own, so that a recorded run goes on if its caller goes away. `carried_out`
        names a run that is carried out here."""
        give_up = time.monotonic() + self._wait_seconds
        while True:
            decision = await self._taken_in(request)
            at_once = self._settings.work_runs and await self._work.take_place("interactive")
            try:
                admitted = await self._admit(decision, "interactive", at_once=at_once)
                if at_once and admitted.fresh:
                    carried_out.append(admitted.run)
                    return await self._work.carry_out(admitted.run, decision)
            except Unavailable:
                if not carried_out:
                    raise
                return _unfinished(carried_out[0])
            finally:
                if at_once:
                    self._work.places["interactive"].release()
            answer = await self._joined(admitted, give_up)
            if admitted.fresh or answer.standing:
                return await self._kept(admitted, answer)

    async def _kept(self, admitted: Admitted, view: RunView) -> RunView:
        """The answer. If it is another request's run, it is `standing` and stored, so that it answers again."""
        run_id = admitted.request.run_id
        standing = not admitted.fresh and view.run.id != run_id
        if standing and run_id is not None:
            await self._book.runs.keep_answer(_new_run(admitted.request), view.run.id)
        return view.model_copy(update={"standing": standing})

    async def _taken_in(self, request: DecisionRequest) -> Decision:
        """The request with its product, which is known to be plannable."""
        if self.closing:
            raise Unavailable("The service is shutting down. Try again in a few seconds.")
        product = await self._catalogs.look_up(request)
        require_plannable(product.facts)
        located = request.model_copy(update={"location": product.facts.stock.location})
        return Decision(request=located, product=product)

    async def _admit(self, decision: Decision, lane: Lane, *, at_once: bool = False, join: bool = True) -> Admitted:
        """Record a run for this request, or find the one that covers its need. In mode `input` that may be a run
        whose order is on the way; in a catalogue such an order already counts as stock."""
        request = decision.request
        admission = await self._book.runs.admit(
            _new_run(request),
            lane=lane,
            owner=self._work.owner.name if at_once else None,
            lease_seconds=self._work.lease_seconds,
            most_waiting=self._work.most_waiting[lane],
            deliver=self._queue.hand_over,
            join=join,
            known_orders=None if request.facts is None else _known_orders(request),
        )
        return Admitted(*admission, request)

    async def _joined(self, admitted: Admitted, give_up: float) -> RunView:
        """The result of a run that another task carries out. It is `standing` if it answers this request too."""
        run, _, request = admitted
        if run.status in UNFINISHED:
            self._queue.announce("interactive")
            await self._work.ends.wait(run.id, seconds=max(0.0, give_up - time.monotonic()))
        view = await self._book.runs.get(run.id)
        return view.model_copy(update={"standing": _answers(view, request)})


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
        # Without defaults, which are most of it; the same model reads it back.
        request=request.model_dump(mode="json", exclude_defaults=True),
    )


def _is_about_other_facts(admitted: Admitted) -> bool:
    run, fresh, request = admitted
    return not fresh and run.status in UNFINISHED and not same_question(run, request)


def _answers(view: RunView, request: DecisionRequest) -> bool:
    """Whether the result of a run for the same need answers this request. An order that the caller names among its
    open orders does not: it is in the facts sent, and was not enough."""
    if view.run.id == request.run_id:
        return True
    if view.order is not None:
        return view.order.number not in _known_orders(request)
    same = same_question(view.run, request)
    if view.run.status in UNFINISHED and not same:
        raise InFlight(f"Run {view.run.id} for the same need is not finished. Send the request again in a few seconds.")
    return view.run.status == "pending_review" or (same and view.run.status in (*UNFINISHED, "no_action"))


def _known_orders(request: DecisionRequest) -> set[str]:
    return set() if request.facts is None else {order.reference for order in request.facts.stock.open_orders}
