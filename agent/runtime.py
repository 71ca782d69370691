"""The one place that builds everything and the front door to it: `async with open_runtime(settings) as runtime`.

A run is recorded in the order book before anything else happens, and every run ends in an order, a review or a reasoned
"nothing to order", whatever fails on the way. LangGraph's checkpoints are workflow memory only; when they and the order
book disagree, the order book is right.
"""

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from secrets import token_hex
from typing import Any
from weakref import WeakValueDictionary

import structlog
from langchain_core.messages import AIMessage, AnyMessage, HumanMessage, ToolMessage
from langgraph.checkpoint.base import BaseCheckpointSaver

from agent.discretion import Discretion
from agent.graph import Graph, build_graph
from agent.metrics import Metrics
from agent.models import Link, ModelChain, build_chain
from agent.nodes import Nodes
from agent.rules import RulesModel
from agent.running import postgres
from agent.running.background import Background
from agent.running.checkpoints import open_checkpointer, pooled_checkpointer
from agent.running.queue import JobQueue, Queue, TableQueue
from agent.running.retention import PRUNE_SECONDS, Pruned, Retention
from agent.running.work import Work
from agent.secrets import secrets_in_force
from agent.settings import Settings
from agent.state import ChatAnswer, DecisionRequest, DecisionState
from agent.stock import StockDesk
from agent.toolbox import Toolbox
from agent.turns import Turn
from tools.book.book import OrderBook
from tools.book.owners import Owner, become_owner
from tools.book.runs import Admission
from tools.catalog.live import LiveCatalog
from tools.catalog.sources import SampleCatalog
from tools.lookback.calibration_watch import CalibrationState, calibration_state
from tools.planning.confidence import read_table, shipped_table
from tools.records.errors import InFlight, Unavailable, UnknownConversation
from tools.records.facts import Mode
from tools.records.orders import (
    DecisionKind,
    Lane,
    NewRun,
    OrderOutcome,
    OutcomeReport,
    Run,
    RunView,
)
from tools.records.plan import Plan
from tools.storage.database import Database
from tools.storage.migrations.upgrade import migrate

log = structlog.get_logger(__name__)

RESUME_SECONDS = 2.0
REDELIVER_SECONDS = 10.0
SETTLE_SECONDS = 1.0
UNFINISHED = ("queued", "running")
CHAT_MODE: Mode = "mock"
REFUSAL = "I cannot show that. Ask me about stock, reorder points, what-ifs or what is on order."


@asynccontextmanager
async def open_runtime(
    settings: Settings, *, models: Sequence[Link] | None = None, keep_finished_threads: bool = False
) -> AsyncIterator["Runtime"]:
    """Build the service around these settings, take up what an earlier process left unfinished, and close it all after.

    `models` replaces the chain's providers, for tests and trials. Finished threads are kept on demand.
    """
    async with AsyncExitStack() as stack:
        if settings.migrate_at_start:
            await prepare_databases(settings)
        database = await stack.enter_async_context(Database(settings.database_url))
        if not settings.migrate_at_start:
            await database.require_tables()
        pool = await stack.enter_async_context(_open_pool(settings))
        checkpointer = await stack.enter_async_context(_open_memory(settings, pool, keep_finished_threads))
        owner = stack.enter_context(become_owner(settings.database_url))
        metrics = Metrics()
        rules = RulesModel() if settings.rules_model else None
        chain = build_chain(settings, rules=rules, metrics=metrics, models=models)
        stack.push_async_callback(chain.aclose)
        book = OrderBook(database, day_limit=settings.day_limit)
        runtime = Runtime(settings, book, chain, metrics, checkpointer, owner=owner, pool=pool)
        stack.push_async_callback(runtime.drain)
        await runtime.begin()
        yield runtime


async def prepare_databases(settings: Settings) -> None:
    """Bring the order book, the workflow memory and the job queue to the present schema; safe from many processes."""
    await migrate(settings.database_url)
    if settings.on_postgresql:
        await postgres.migrate(settings.database_url)


async def prune_once(settings: Settings) -> Pruned:
    """Forget what is old enough, beside whatever process serves."""
    async with AsyncExitStack() as stack:
        database = await stack.enter_async_context(Database(settings.database_url))
        await database.require_tables()
        pool = await stack.enter_async_context(_open_pool(settings))
        checkpointer = await stack.enter_async_context(_open_memory(settings, pool))
        return await Retention(OrderBook(database), checkpointer, settings).prune()


@asynccontextmanager
async def _open_pool(settings: Settings) -> AsyncIterator[postgres.Pool | None]:
    if not settings.on_postgresql:
        yield None
        return
    async with postgres.open_pool(settings.database_url) as pool:
        yield pool


@asynccontextmanager
async def _open_memory(
    settings: Settings, pool: postgres.Pool | None, keep_finished: bool = False
) -> AsyncIterator[BaseCheckpointSaver[Any]]:
    if pool is not None:
        yield pooled_checkpointer(pool, keep_finished=keep_finished)
        return
    async with open_checkpointer(settings.checkpoint_path, keep_finished=keep_finished) as saver:
        yield saver


class Runtime:
    """Decides, answers, calculates, takes reviewers' decisions. Safe to share between requests of one event loop."""

    def __init__(
        self,
        settings: Settings,
        book: OrderBook,
        chain: ModelChain,
        metrics: Metrics,
        checkpointer: BaseCheckpointSaver[Any] | None,
        *,
        owner: Owner,
        pool: postgres.Pool | None = None,
    ) -> None:
        self.settings, self.book, self.metrics = settings, book, metrics
        self._chain, self.checkpointer = chain, checkpointer
        self._desk = StockDesk({"mock": LiveCatalog(SampleCatalog(), book, "mock")})
        self._calibration = read_table(settings.calibration_table) if settings.calibration_table else None
        self.toolbox = toolbox = Toolbox(
            self._desk, start_run=self.decide, review_url=self.review_url, calibration=self._calibration
        )
        self._discretion = Discretion(secrets_in_force(settings))
        self.nodes = Nodes(
            chain=chain,
            toolbox=toolbox,
            desk=self._desk,
            book=book,
            settings=settings,
            metrics=metrics,
            discretion=self._discretion,
            calibration=self._calibration,
        )
        self.graph: Graph = build_graph(self.nodes, checkpointer)
        self.background = Background()
        self.work = Work(
            settings=settings,
            book=book,
            graph=self.graph,
            nodes=self.nodes,
            metrics=metrics,
            checkpointer=checkpointer,
            owner=owner,
            background=self.background,
        )
        self.queue: Queue = TableQueue(book, self.work) if pool is None else JobQueue(pool, book, self.work)
        self._conversations: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._closing = False

    async def begin(self) -> None:
        """Take up what was cut off, and begin what this process does for as long as it lives."""
        if self.settings.day_limit is None:
            log.warning(
                "automatic_spending_unbounded",
                reason="Nothing bounds what automatic orders may cost in a day; set AUTO_DAY_VALUE_LIMIT.",
            )
        await self._settle_spending()
        await self.queue.open()
        await self.work.wake_decided()
        if self.settings.work_runs:
            await self.work.resume()
        self._keep_duties()
        if self.settings.check_models:
            self.check_models()

    def _keep_duties(self) -> None:
        """Everything that a server and a worker do beside answering; each duty is a transaction or two."""
        keep = self.background.keep
        keep("see_ends", self.work.ends.look, pause_seconds=0.1)
        if self._chain.asks_providers:
            keep("settle_spending", self._settle_spending, pause_seconds=SETTLE_SECONDS, at_once=False)
        if not self.settings.work_runs:
            return
        retention = Retention(self.book, self.checkpointer, self.settings)
        keep("prune", retention.prune, pause_seconds=PRUNE_SECONDS, at_once=False)
        keep("renew_leases", self.work.renew, pause_seconds=self.work.lease_seconds / 3)
        keep("resume_runs", self.work.resume, pause_seconds=RESUME_SECONDS)
        keep("redeliver_jobs", self.queue.redeliver, pause_seconds=REDELIVER_SECONDS)
        for lane in self.work.places:
            keep(f"deliver_{lane}", partial(self.queue.deliver, lane), pause_seconds=1)

    def review_url(self, review_id: str) -> str:
        base = self.settings.public_url or f"http://{self.settings.host}:{self.settings.port}"
        return f"{base.rstrip('/')}/reviews/{review_id}"

    async def calculate(self, request: DecisionRequest) -> Plan:
        """The plan for one product; starts no run and leaves no trace but the gauges."""
        plan = await self._desk.plan(request)
        self.metrics.observe_plan(plan)
        return plan

    async def decide(self, request: DecisionRequest) -> RunView:
        """Decide on one product: an order placed, one waiting for a person, or nothing to order.

        An order or review that already stands for the same need is returned instead of a second one, and so is what
        comes of a run for it that has begun. A run that outlives the caller's patience is returned as it is, queued or
        running. Raises `UnknownProduct`, `InvalidInput`, `Overloaded` and the like before anything is recorded,
        `Unavailable` while shutting down.
        """
        give_up = time.monotonic() + self.settings.wait_seconds
        turn = self.work.turns.draw()
        async with turn:
            request = await self._understood(request)
        while True:
            async with turn:
                (run, fresh), begun = await self._begin(request, turn)
            if begun is not None:
                return await self._result_of(begun, run, give_up)
            answer = await self._joined(request, run, give_up)
            if fresh or answer.standing:
                return answer.model_copy(update={"standing": not fresh})

    async def submit(self, request: DecisionRequest) -> RunView:
        """Record a run to be carried out soon, and return at once; otherwise as `decide`."""
        request = await self._understood(request)
        admission = await self._admit(request, "bulk")
        if _is_about_other_facts(admission, request):
            admission = await self._admit(request, "bulk", join=False)
        run, fresh = admission
        self.queue.announce("bulk")
        view = RunView(run=run, proposal=None, order=None)
        return view if fresh else (await self.book.runs.get(run.id)).model_copy(update={"standing": True})

    async def decide_review(
        self,
        review_id: str,
        *,
        version: int | None = None,
        decision: DecisionKind,
        quantity: int | None = None,
        reason: str,
        decided_by: str,
        decided_by_id: str = "",
        unit_price: Decimal | None = None,
        supplier: str | None = None,
    ) -> RunView:
        """Approve, edit or reject a waiting order. Raises what `OrderBook.reviews.decide` raises."""
        view = await self.book.reviews.decide(
            review_id,
            version=version,
            decision=decision,
            quantity=quantity,
            reason=reason,
            decided_by=decided_by,
            decided_by_id=decided_by_id,
            unit_price=unit_price,
            supplier=supplier,
        )
        if view.proposal is not None and not view.standing:
            self.metrics.orders.labels(view.proposal.action, view.run.status).inc()
            self.background.spawn(self.work.wake(view.run.id))
        return view

    async def chat(
        self, message: str, *, conversation_id: str | None, caller: str, named: str | None = None
    ) -> ChatAnswer:
        """Answer one message of a planner, who owns the conversation by id and is shown to reviewers as `named`.
        Raises `UnknownConversation` for an id that is not this caller's."""
        conversation_id = await self._conversation(conversation_id, caller)
        lock = self._conversations.setdefault(conversation_id, asyncio.Lock())
        async with lock:
            asker = {"requested_by": named or caller, "requested_by_id": caller}
            return await self.background.shielded(self._answer(message, conversation_id, asker))

    async def record_outcome(
        self, report: OutcomeReport, *, recorded_by: str, recorded_by_id: str = ""
    ) -> OrderOutcome:
        """Keep how an order turned out. Raises `UnknownOrder`, `AlreadyRecorded`."""
        return await self.book.outcomes.record(
            report, recorded_by=recorded_by, recorded_by_id=recorded_by_id, table=self._calibration
        )

    async def calibration_state(self) -> CalibrationState:
        """The calibration in use, and what has been observed of it in operation."""
        return calibration_state(
            self._calibration or shipped_table(),
            await self.book.outcomes.latest(),
            decided=await self.book.outcomes.decisions_made(),
            today=datetime.now(UTC).date(),
        )

    async def readiness(self) -> dict[str, Any]:
        """Whether the service can take work, and what it would use for it."""
        try:
            await self.book.reviews.figures()
            database = "ok"
        except Exception as error:  # a probe reports every failure and never raises one
            log.warning("database_unreachable", error=type(error).__name__)
            database = "unreachable"
        ready = database == "ok" and not self._closing
        return {"ready": ready, "database": database, "models": self._chain.health()}

    def check_models(self) -> None:
        """Let each provider's model say a word, while the service already serves; what is wrong is logged and shown."""
        self.background.spawn(self._chain.check())

    async def _settle_spending(self) -> None:
        """Learn what all processes have spent on models today, and tell them what this one has."""
        await self._chain.ledger.settle(self.book.usage.add)

    @property
    def closing(self) -> bool:
        """Whether new work is refused, because the process is about to end."""
        return self._closing

    def begin_shutdown(self) -> None:
        """Refuse new work from now on; what is running goes on."""
        self._closing = True
        self.work.ends.close()

    async def drain(self) -> None:
        """Let running decisions end, and give back what does not end within a run's deadline."""
        self.begin_shutdown()
        await self.background.end(patience_seconds=self.settings.run_deadline_seconds + 1)
        with suppress(Unavailable):
            await self._settle_spending()
        with suppress(Unavailable):
            await self.book.runs.release(owner=self.work.owner.name)

    async def _understood(self, request: DecisionRequest) -> DecisionRequest:
        if self._closing:
            raise Unavailable("The service is shutting down; try again in a few seconds.")
        location = await self._desk.place(request)
        return request if request.location == location else request.model_copy(update={"location": location})

    async def _begin(self, request: DecisionRequest, turn: Turn) -> tuple[Admission, asyncio.Task[RunView] | None]:
        """What `_admit` returns, and the run begun if it is a new one and there is a place for it here."""
        at_once = self.settings.work_runs and await self.work.take_place("interactive")
        begun = None
        try:
            admission = await self._admit(request, "interactive", at_once=at_once)
            if at_once and admission.fresh:
                begun = self.background.spawn(self.work.carry_out_in_place(admission.run, turn))
        finally:
            if at_once and begun is None:
                self.work.places["interactive"].release()
        return admission, begun

    async def _joined(self, request: DecisionRequest, run: Run, give_up: float) -> RunView:
        """What becomes of a run that is queued, or another's; `standing` where it answers this request too."""
        if run.status in UNFINISHED:
            self.queue.announce("interactive")
            await self.work.ends.wait(run.id, seconds=max(0.0, give_up - time.monotonic()))
        view = await self.book.runs.get(run.id)
        return view.model_copy(update={"standing": _answers(view, request)})

    async def _result_of(self, task: asyncio.Task[RunView], run: Run, give_up: float) -> RunView:
        """What came of a run; itself where that cannot be waited for, or the order book has failed meanwhile. The run
        goes on when its caller goes away."""
        await asyncio.wait({task}, timeout=max(0.0, give_up - time.monotonic()))
        if not task.done():
            return RunView(run=run, proposal=None, order=None)
        try:
            return task.result()
        except Unavailable:
            return RunView(run=run, proposal=None, order=None)

    async def _admit(
        self, request: DecisionRequest, lane: Lane, *, at_once: bool = False, join: bool = True
    ) -> Admission:
        """The run recorded for this request, or the one that answers it. In mode `input`, whose stock is the caller's
        word, that may be one whose order is on its way; a catalogue's facts count such orders."""
        limits: dict[Lane, int] = {
            "bulk": self.settings.max_runs_waiting,
            "interactive": self.settings.max_callers_waiting,
        }
        return await self.book.runs.admit(
            self._new_run(request),
            lane=lane,
            owner=self.work.owner.name if at_once else None,
            lease_seconds=self.work.lease_seconds,
            most_waiting=limits[lane],
            deliver=self.queue.hand_over,
            join=join,
            known_orders=None if request.facts is None else _known_orders(request),
        )

    def _new_run(self, request: DecisionRequest) -> NewRun:
        return NewRun(
            id=request.run_id or token_hex(16),
            product_id=request.product_id,
            location=request.location or "",
            mode=request.mode,
            origin=request.origin,
            requested_by=request.requested_by,
            requested_by_id=request.requested_by_id,
            # What is as always is most of it; it is read back by the same model.
            request=request.model_dump(mode="json", exclude_defaults=True),
        )

    async def _conversation(self, conversation_id: str | None, caller: str) -> str:
        if conversation_id is None:
            conversation_id = uuid.uuid4().hex
            await self.book.usage.own_conversation(conversation_id, caller)
        elif await self.book.usage.conversation_owner(conversation_id) != caller:
            raise UnknownConversation("No such conversation; leave conversation_id out to begin one.")
        return conversation_id

    async def _answer(self, message: str, conversation_id: str, asker: dict[str, str]) -> ChatAnswer:
        question = HumanMessage(message, id=uuid.uuid4().hex)
        deadline = self.settings.run_deadline_seconds
        state = DecisionState(
            kind="chat",
            request={"product_id": "", "mode": CHAT_MODE, **asker},
            messages=[question],
            deadline=time.time() + deadline,
            escalation=None,
        )
        try:
            async with asyncio.timeout(deadline + 1):
                end = await self.graph.ainvoke(state, self.work.config(f"chat-{conversation_id}"), durability="exit")
        except Exception:  # a chat answers, whatever failed
            log.exception("chat_failed")
            text = "I could not answer that in time. Nothing was changed; please ask again."
            return ChatAnswer(conversation_id=conversation_id, answer=text, llm_provider="none")
        return await self._told(end["messages"], question, conversation_id)

    async def _told(self, messages: list[AnyMessage], question: HumanMessage, conversation_id: str) -> ChatAnswer:
        start = max(index for index, message in enumerate(messages) if message.id == question.id)
        said = messages[start:]
        results = [message for message in said if isinstance(message, ToolMessage)]
        run_ids = [m.artifact["run_id"] for m in results if m.name == "request_restock" and m.artifact]
        last = said[-1]
        provider = last.response_metadata.get("provider", "none") if isinstance(last, AIMessage) else "none"
        return ChatAnswer(
            conversation_id=conversation_id,
            answer=self._discreet(str(last.text)),
            llm_provider=str(provider),
            runs=tuple([await self.book.runs.get(run_id) for run_id in run_ids]),
            tools_used=tuple(str(message.name) for message in results),
        )

    def _discreet(self, answer: str) -> str:
        """The answer made safe to show; a refusal where it gives away a key or our instructions to the model."""
        if self._discretion.leaks(answer):
            log.warning("answer_withheld")
            return REFUSAL
        return self._discretion.paragraph(answer)


def _is_about_other_facts(admission: Admission, request: DecisionRequest) -> bool:
    run, fresh = admission
    return not fresh and run.status in UNFINISHED and not same_question(run, request)


def same_question(run: Run, request: DecisionRequest) -> bool:
    """Whether the run was asked about the very same facts."""
    asked = DecisionRequest.model_validate(run.request)
    return (asked.facts, asked.service_level) == (request.facts, request.service_level)


def _answers(view: RunView, request: DecisionRequest) -> bool:
    """Whether what came of a run for the same need answers this request too. An order known to whoever asks does not:
    it is in the facts sent, and was not enough."""
    if view.run.id == request.run_id:
        return True
    if view.order is not None:
        return view.order.number not in _known_orders(request)
    same = same_question(view.run, request)
    if view.run.status in UNFINISHED and not same:
        raise InFlight(f"Run {view.run.id} for the same need is still being worked on; send this again in a moment.")
    return view.run.status == "pending_review" or (same and view.run.status in (*UNFINISHED, "no_action"))


def _known_orders(request: DecisionRequest) -> set[str]:
    return set() if request.facts is None else {order.reference for order in request.facts.stock.open_orders}
