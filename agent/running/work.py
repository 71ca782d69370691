"""Carries runs out: holds them by lease, takes them through the graph, and sees that each ends, whatever fails.

A run is safe to carry out twice, by whomever: its proposal, its order and its end are written once, and only by who
holds it. Runs that somebody waits for have places of their own, so that a thousand others never stand before them.
"""

import asyncio
import time
from typing import Any

import structlog
from langchain_core.messages import AnyMessage
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.types import Command
from pydantic import ValidationError

from agent import prompts
from agent.graph import Graph
from agent.metrics import Metrics
from agent.nodes import Nodes
from agent.running.background import Background
from agent.running.checkpoints import FRESH
from agent.running.ends import Ends
from agent.settings import Settings
from agent.state import DecisionRequest, DecisionState
from agent.turns import Turn, Turns
from tools.book.book import OrderBook
from tools.book.owners import Owner
from tools.records.errors import RestockError, RunLost, Unavailable
from tools.records.orders import Lane, Run, RunView

log = structlog.get_logger(__name__)

LEASE_MARGIN_SECONDS = 10.0
MAX_ATTEMPTS = 3
PAUSES_SECONDS = (0.1, 0.5)
RESUMED_AT_ONCE = 50


class TooManyAttempts(Exception):
    """Whoever carried this run out before has died of it, or with it."""


class Work:
    """The runs that this process carries out."""

    def __init__(
        self,
        *,
        settings: Settings,
        book: OrderBook,
        graph: Graph,
        nodes: Nodes,
        metrics: Metrics,
        checkpointer: BaseCheckpointSaver[Any] | None,
        owner: Owner,
        background: Background,
    ) -> None:
        self._settings, self._book, self._graph, self._nodes = settings, book, graph, nodes
        self._metrics, self._checkpointer, self._background = metrics, checkpointer, background
        self.owner = owner
        self.ends, self.turns = Ends(book), Turns()
        self.room = _room(settings.max_runs_in_flight)
        self.places = {lane: asyncio.Semaphore(number) for lane, number in self.room.items()}
        self._held: set[str] = set()

    @property
    def lease_seconds(self) -> float:
        """Longer than a run may take."""
        return self._settings.run_deadline_seconds + LEASE_MARGIN_SECONDS

    async def take_place(self, lane: Lane) -> bool:
        """Take a place, if one is free and nobody has waited for it longer."""
        if self.places[lane].locked():
            return False
        return await self.places[lane].acquire()

    async def claim(self, run_id: str) -> Run | None:
        return await self._book.runs.claim(run_id, owner=self.owner.name, lease_seconds=self.lease_seconds)

    async def carry_out(self, run: Run, turn: Turn | None = None) -> RunView:
        """Take the run to its end, computing when it is its turn. Raises Unavailable where the order book fails; the
        run is then taken up again once its lease is over."""
        structlog.contextvars.bind_contextvars(run_id=run.id)
        started = time.perf_counter()
        self._held.add(run.id)
        try:
            async with turn or self.turns.draw():
                await self._decide_if_readable(run)
        finally:
            self._held.discard(run.id)
            self.ends.announce(run.id)
        self._metrics.decision_seconds.labels(run.mode).observe(time.perf_counter() - started)
        view = await self._book.runs.get(run.id)
        log.info("run_ended", status=view.run.status, product_id=run.product_id)
        return view

    async def carry_out_in_place(self, run: Run, turn: Turn | None = None) -> RunView:
        """In a place that is taken already; it is free afterwards."""
        try:
            return await self.carry_out(run, turn)
        finally:
            self.places[run.lane].release()

    async def begin_queued(self, lane: Lane) -> bool:
        """Begin the lane's oldest queued run, if there is one, in a place that is taken already."""
        queued = await self._book.runs.claim_queued(
            lane, owner=self.owner.name, lease_seconds=self.lease_seconds, limit=1
        )
        for run in queued:
            self._held.add(run.id)
            self._background.spawn(self.carry_out_in_place(run))
        return bool(queued)

    async def resume(self) -> None:
        """Take up runs whose holder is dead or has lost them."""
        owners = await self._book.runs.owners()
        dead = await asyncio.to_thread(self.owner.dead, owners)
        cut_off = await self._book.runs.claim_abandoned(
            owner=self.owner.name, lease_seconds=self.lease_seconds, dead=dead, limit=RESUMED_AT_ONCE
        )
        for run in cut_off:
            log.warning("run_resumed", run_id=run.id, attempts=run.attempts)
            self._held.add(run.id)
            self._background.spawn(self._carry_out_in_turn(run))

    async def renew(self) -> None:
        """Hold on to what is being carried out here."""
        if self._held:
            await self._book.runs.renew_leases(
                self._held.copy(), owner=self.owner.name, lease_seconds=self.lease_seconds
            )

    async def wake_decided(self) -> None:
        """End the threads of reviews that were decided, or lapsed, while nobody was there to do so."""
        for run_id in await self._book.runs.to_close():
            self._background.spawn(self.wake(run_id))

    async def wake(self, run_id: str) -> None:
        """Let a decided run's thread end, then forget it: its order book entries are what counts."""
        config = self.config(run_id)
        snapshot = await self._graph.aget_state(config)
        resume = {waiting.id: True for waiting in snapshot.interrupts}
        if resume:
            await self._graph.ainvoke(Command(resume=resume), config, durability="exit")
        if self._checkpointer is not None:
            await self._checkpointer.adelete_thread(run_id)
        await self._book.runs.mark_closed(run_id)

    def config(self, thread_id: str, *, fresh: bool = False) -> RunnableConfig:
        return {
            "configurable": {"thread_id": thread_id, FRESH: fresh},
            "recursion_limit": 4 * self._settings.model_call_budget + 10,
        }

    async def _carry_out_in_turn(self, run: Run) -> None:
        await self.places[run.lane].acquire()
        await self.carry_out_in_place(run)

    async def _decide_if_readable(self, run: Run) -> None:
        """Nobody could ever end a run whose request another version stored in another form."""
        try:
            state = self._opening(run)
        except ValidationError:
            log.exception("run_unreadable")
            await self._book.runs.fail(run.id, "Its request cannot be read by this version.", owner=self.owner.name)
        else:
            await self._decide_with_patience(run, state)

    async def _decide_with_patience(self, run: Run, state: DecisionState) -> None:
        """A database that is back in a moment costs a repetition, and not a person's time."""
        fresh = run.attempts == 1
        for pause in PAUSES_SECONDS:
            try:
                return await self._decide(run, state, fresh)
            except Unavailable:
                fresh = False
                await asyncio.sleep(pause)
        return await self._decide(run, state, fresh)

    async def _decide(self, run: Run, state: DecisionState, fresh: bool) -> None:
        try:
            await self._through_the_graph(run, state, fresh)
        except RunLost as lost:
            log.warning("run_lost", reason=lost.message)
        except Unavailable:
            raise
        except Exception:  # whatever failed, the run still ends in a review
            log.exception("run_failed")
            await self._end_without_graph(run, state)

    async def _through_the_graph(self, run: Run, state: DecisionState, fresh: bool) -> None:
        if run.attempts > MAX_ATTEMPTS:
            raise TooManyAttempts(f"{run.attempts - 1} attempts did not bring run {run.id} to its end")
        async with asyncio.timeout(self._settings.run_deadline_seconds + 1):
            await self._graph.ainvoke(
                state, self.config(run.id, fresh=fresh), durability="exit", output_keys=["outcome"]
            )

    async def _end_without_graph(self, run: Run, state: DecisionState) -> None:
        try:
            await self._escalate(state)
        except RunLost as lost:
            log.warning("run_lost", reason=lost.message)
        except Unavailable:
            raise
        except Exception as error:  # not even a plan can be shown: its product is gone, or its data
            log.exception("run_without_plan")
            reason = error.message if isinstance(error, RestockError) else type(error).__name__
            await self._book.runs.fail(run.id, reason, owner=self.owner.name)

    async def _escalate(self, state: DecisionState) -> None:
        """Put the calculator's plan before a person. Where the run already has its proposal, that one stands."""
        why = "The run was cut short by a fault. The calculator's plan stands here."
        stopped: DecisionState = {**state, "messages": [], "escalation": why, "deadline": 0.0}
        assessed = await self._nodes.assess(stopped)
        if assessed["route"] == "auto":  # placed already, and cut off before that was known
            await self._nodes.auto(stopped)

    def _opening(self, run: Run) -> DecisionState:
        request = DecisionRequest.model_validate(run.request)
        messages: list[AnyMessage] = [prompts.task(request)]
        if self._settings.prefetch:
            messages.append(prompts.obvious_calls(request))
        return DecisionState(
            kind="decision",
            run_id=run.id,
            owner=self.owner.name,
            request=run.request,
            messages=messages,
            deadline=time.time() + self._settings.run_deadline_seconds,
            escalation=None,
        )


def _room(in_flight: int) -> dict[Lane, int]:
    """A quarter of the places, and one at least, is for runs that nobody waits for."""
    bulk = max(1, in_flight // 4)
    return {"bulk": bulk, "interactive": max(1, in_flight - bulk)}
