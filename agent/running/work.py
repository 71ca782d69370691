"""Carries out runs: holds them by a lease, takes them through the graph, and sees that each ends, whatever fails.

A run may safely be carried out twice: its proposal, order and end are written once, and only by its holder. Runs with a
waiting caller have places of their own, so that a long queue of others never delays them.
"""

import asyncio
import time
from collections import Counter
from datetime import UTC, datetime
from typing import Any

import structlog
from langchain_core.messages import AnyMessage
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import BaseCheckpointSaver, ChannelVersions, Checkpoint, CheckpointMetadata
from langgraph.runtime import Runtime
from langgraph.types import Command
from opentelemetry.trace import Tracer
from pydantic import ValidationError

from agent.case import Decision
from agent.graph import Graph
from agent.metrics import Metrics
from agent.models.spending import CALL_BUDGET
from agent.nodes import Nodes
from agent.prompts import task
from agent.running.background import Background
from agent.settings import Settings
from agent.state import DecisionRequest, DecisionState
from tools.book.book import OrderBook
from tools.book.owners import Owner
from tools.catalog.products import Catalogs
from tools.records.errors import InvalidInput, RestockError, RunLost, Unavailable
from tools.records.orders import Lane, NewRun, Proposal, ProposalStatus, Run, RunStatus, RunView

log = structlog.get_logger(__name__)

LEASE_MARGIN_SECONDS = 10.0
MAX_ATTEMPTS = 3
PAUSES_SECONDS = (0.1, 0.5)
RESUMED_AT_ONCE = 50
RULES_SECONDS = 60.0
OVER = ("executed", "no_action")
RECURSION_LIMIT = 4 * CALL_BUDGET + 10
"""Steps of a graph at the most."""
CUT_SHORT = "The run was cut short by a fault. The calculator's plan stands here."


class TooManyAttempts(Exception):
    """The processes that carried out this run before have died."""


class Work:
    """The runs that this process carries out."""

    def __init__(
        self,
        *,
        settings: Settings,
        book: OrderBook,
        catalogs: Catalogs,
        graph: Graph,
        nodes: Nodes,
        metrics: Metrics,
        tracer: Tracer,
        checkpointer: BaseCheckpointSaver[Any] | None,
        owner: Owner,
        background: Background,
    ) -> None:
        self._settings, self._book, self._catalogs = settings, book, catalogs
        self._graph, self._nodes = graph, nodes
        self._metrics, self._tracer = metrics, tracer
        self._checkpointer, self._background = checkpointer, background
        self.owner, self.ends = owner, Ends(book)
        self.lease_seconds = settings.run_deadline_seconds + LEASE_MARGIN_SECONDS
        """Longer than a run may take."""
        self.room = _room(settings.max_runs_in_flight)
        self.places = {lane: asyncio.Semaphore(number) for lane, number in self.room.items()}
        self.most_waiting = _most_waiting(settings.max_runs_in_flight)
        self._held: set[str] = set()

    async def claim(self, run_id: str) -> Run | None:
        return await self._book.runs.claim(run_id, owner=self.owner.name, lease_seconds=self.lease_seconds)

    async def carry_out(self, run: Run, request: DecisionRequest | None = None) -> RunView:
        """Take the run to its end. Without a `request` the stored one is read. Raises Unavailable if the order
        book fails; the run is then taken up again when its lease is over."""
        structlog.contextvars.bind_contextvars(run_id=run.id)
        started = time.perf_counter()
        self._held.add(run.id)
        try:
            view = await self._end(run, request)
        finally:
            self._held.discard(run.id)
            self.ends.announce(run.id)
        self._metrics.decision_seconds.labels(run.mode).observe(time.perf_counter() - started)
        view = view or await self._book.runs.get(run.id)
        log.info("run_ended", status=view.run.status, product_id=run.product_id)
        return view

    async def carry_out_in_place(self, run: Run) -> RunView:
        """As `carry_out`, in a place that is taken already and is freed afterwards."""
        try:
            return await self.carry_out(run)
        finally:
            self.places[run.lane].release()

    async def try_out(self, new: NewRun, decision: Decision) -> RunView:
        """What a run would come to. Nothing is recorded."""
        now = datetime.now(UTC)
        run = Run(**dict(new), product_version=0, status="running", lane="interactive", attempts=1, created_at=now)
        try:
            async with self.places["interactive"]:
                await self._decide_with_patience(run, decision)
        finally:
            if self._checkpointer is not None:
                await self._checkpointer.adelete_thread(run.id)
        return _tried_out(run, decision)

    async def begin_queued(self, lane: Lane) -> bool:
        """Begin the oldest queued run of the lane, if there is one, in a place that is taken already."""
        queued = await self._book.runs.claim_queued(
            lane, owner=self.owner.name, lease_seconds=self.lease_seconds, limit=1
        )
        for run in queued:
            self._held.add(run.id)
            self._background.spawn(self.carry_out_in_place(run))
        return bool(queued)

    async def resume(self) -> None:
        """Take up runs whose holder died or lost its lease."""
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
        """Renew the leases of the runs of this process."""
        if self._held:
            await self._book.runs.renew_leases(
                self._held.copy(), owner=self.owner.name, lease_seconds=self.lease_seconds
            )

    async def wake_decided(self) -> None:
        """End the threads of reviews that were decided or expired while no process ran."""
        for run_id in await self._book.runs.to_close():
            self._background.spawn(self.wake(run_id))

    async def wake(self, run_id: str) -> None:
        """Let the thread of a decided run end, and delete it. The order book has the result."""
        config = graph_config(run_id)
        snapshot = await self._graph.aget_state(config)
        resume = {waiting.id: True for waiting in snapshot.interrupts}
        if resume:
            await self._graph.ainvoke(Command(resume=resume), config, durability="exit")
        if self._checkpointer is not None:
            await self._checkpointer.adelete_thread(run_id)
        await self._book.runs.mark_closed(run_id)

    async def _carry_out_in_turn(self, run: Run) -> None:
        await self.places[run.lane].acquire()
        await self.carry_out_in_place(run)

    async def _end(self, run: Run, request: DecisionRequest | None) -> RunView | None:
        """Take the run to its end. Returns it if `auto` has shown how it ended."""
        try:
            request = request or _readable(run)
            # Looked up after the run is recorded, so that every order placed before it counts.
            # One that is taken up again may have waited for long.
            never_ordered = run.product_version == 0 and run.attempts == 1
            product = await self._catalogs.look_up(request, never_ordered=never_ordered)
            decision = Decision(request=request, product=product, never_ordered=never_ordered)
            with self._tracer.start_as_current_span("decision", attributes={"session.id": run.id}):
                await self._decide_with_patience(run, decision)
            return decision.view
        except RunLost as lost:
            log.warning("run_lost", reason=lost.message)
        except Unavailable:
            raise
        except Exception as error:  # not even a plan can be shown: its product is gone, or its data
            log.exception("run_without_plan")
            reason = error.message if isinstance(error, RestockError) else type(error).__name__
            await self._book.runs.fail(run.id, reason, owner=self.owner.name)
        return None

    async def _decide_with_patience(self, run: Run, decision: Decision) -> None:
        """Try again if the database is away for a moment, rather than send the run to a person."""
        decision.run_id, decision.owner = run.id, self.owner.name
        seconds = self._settings.run_deadline_seconds
        if decision.request.by_rules:
            # Nobody waits for a run of a sweep, and a busy machine is no reason for a review. Its lease is renewed.
            seconds = max(seconds, RULES_SECONDS)
        decision.deadline = time.time() + seconds
        for pause in PAUSES_SECONDS:
            try:
                return await self._decide(run, decision, seconds)
            except Unavailable:
                await asyncio.sleep(pause)
        return await self._decide(run, decision, seconds)

    async def _decide(self, run: Run, decision: Decision, seconds: float) -> None:
        try:
            if run.attempts > MAX_ATTEMPTS:
                raise TooManyAttempts(f"{run.attempts - 1} attempts to carry out run {run.id} failed")
            config = graph_config(run.id)
            messages: list[AnyMessage] = [task(decision.request)]
            going = self._graph.ainvoke(
                DecisionState(kind="decision", run_id=run.id, messages=messages, escalation=None),
                config,
                context=decision,
                durability="exit",
                output_keys=["outcome"],
            )
            await asyncio.wait_for(going, seconds + 1)
        except (RunLost, Unavailable):
            raise
        except Exception:  # whatever failed, the run still ends in a review
            log.exception("run_failed")
            await self._escalate(decision)

    async def _escalate(self, decision: Decision) -> None:
        """Send the calculator's plan to a person. If the run has a proposal already, that one stands."""
        decision.deadline = 0.0
        stopped = DecisionState(kind="decision", run_id=decision.run_id, messages=[], escalation=CUT_SHORT)
        assessed = await self._nodes.assess(stopped, Runtime(context=decision))
        if assessed["route"] == "auto":  # placed already, and cut off before that was known
            await self._nodes.auto(stopped, Runtime(context=decision))


class KeepsWaiting(BaseCheckpointSaver[Any]):
    """Keeps the threads that somebody may come back to. A decision that is over is in the order book. To store its
    thread as well, only to delete it, would cost more than its arithmetic."""

    async def aput(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> RunnableConfig:
        if checkpoint["channel_values"].get("outcome") not in OVER:
            return await super().aput(config, checkpoint, metadata, new_versions)
        return {"configurable": {**config["configurable"], "checkpoint_id": checkpoint["id"]}}


class Ends:
    """The waiting callers of this process. One query serves all of them."""

    def __init__(self, book: OrderBook) -> None:
        self._book = book
        self._ended: dict[str, asyncio.Event] = {}
        self._waiting: Counter[str] = Counter()
        self._awaited = asyncio.Event()
        self._closed = False

    async def wait(self, run_id: str, *, seconds: float) -> None:
        """Return when the run has ended, the seconds are over, or waiting is stopped."""
        if self._closed:
            return
        ended = self._ended.setdefault(run_id, asyncio.Event())
        self._waiting[run_id] += 1
        self._awaited.set()
        try:
            await asyncio.wait_for(ended.wait(), seconds)
        except TimeoutError:
            pass
        finally:
            self._waiting[run_id] -= 1
            if not self._waiting[run_id]:
                del self._waiting[run_id], self._ended[run_id]
            if not self._ended:
                self._awaited.clear()

    def announce(self, run_id: str) -> None:
        """Wake the callers of a run that ended in this process."""
        if run_id in self._ended:
            self._ended[run_id].set()

    async def look(self) -> None:
        """Wake the callers of runs that ended in other processes. Until a caller waits there is nothing to do."""
        await self._awaited.wait()
        for run_id in await self._book.runs.ended(list(self._ended)):
            self.announce(run_id)

    def close(self) -> None:
        self._closed = True
        for ended in self._ended.values():
            ended.set()


def graph_config(thread_id: str) -> RunnableConfig:
    return {"configurable": {"thread_id": thread_id}, "recursion_limit": RECURSION_LIMIT}


def _readable(run: Run) -> DecisionRequest:
    """The stored request. A request of another version that cannot be read ends the run as failed."""
    try:
        return DecisionRequest.model_validate(run.request)
    except ValidationError as error:
        raise InvalidInput("This version cannot read the stored request.") from error


def _tried_out(run: Run, decision: Decision) -> RunView:
    proposed = decision.proposal
    if proposed is None:
        raise Unavailable("No plan came of the dry run. Send it again.")
    run_status: RunStatus = "executed"
    status: ProposalStatus = "proposed"
    if proposed.review_reasons:
        run_status, status = "pending_review", "pending"
    elif proposed.action == "none":
        run_status, status = "no_action", "no_action"
    proposal = Proposal(**dict(proposed), id="", version=1, status=status, created_at=run.created_at, expires_at=None)
    ended = run.model_copy(update={"status": run_status})
    return RunView(run=ended, proposal=proposal, order=None, dry_run=True)


def _room(in_flight: int) -> dict[Lane, int]:
    """Places by lane. A quarter of them, at least one, is for runs that nobody waits for."""
    bulk = max(1, in_flight // 4)
    return {"bulk": bulk, "interactive": max(1, in_flight - bulk)}


def _most_waiting(in_flight: int) -> dict[Lane, int]:
    """Most waiting runs by lane. Callers give up in seconds; other runs may wait longer."""
    return {"bulk": 16 * in_flight, "interactive": 4 * in_flight}
