"""The one place that builds everything and the front door to it: `async with open_runtime(settings) as runtime`.

A run is recorded in the order book before anything else happens, and every run ends in an order, a review or a reasoned
"nothing to order", whatever fails on the way. LangGraph's checkpoints are workflow memory only; when they and the order
book disagree, the order book is right.
"""

import asyncio
import contextvars
import time
import uuid
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, TypeVar

import structlog
from langchain_core.messages import AIMessage, AnyMessage, HumanMessage, ToolMessage
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.types import Command
from pydantic import SecretStr

from agent import postgres, prompts
from agent.checkpoints import FRESH, open_checkpointer, pooled_checkpointer
from agent.discretion import Discretion
from agent.graph import Graph, build_graph
from agent.metrics import Metrics
from agent.models import Link, ModelChain, build_chain
from agent.nodes import Nodes
from agent.retention import Pruned, Retention
from agent.rules import RulesModel
from agent.settings import Settings
from agent.state import ChatAnswer, DecisionRequest, DecisionState
from agent.stock import StockDesk
from agent.toolbox import Toolbox
from agent.turns import Turn, Turns
from tools.calibration_watch import CalibrationState, calibration_state
from tools.catalog import SampleCatalog
from tools.confidence import read_table, shipped_table
from tools.database import create_engine, migrate, require_tables
from tools.errors import Unavailable, UnknownConversation
from tools.live_catalog import LiveCatalog
from tools.models import DecisionKind, Mode, NewRun, OrderOutcome, OutcomeReport, Plan, Run, RunView
from tools.orders import OrderBook

log = structlog.get_logger(__name__)
T = TypeVar("T")

LEASE_MARGIN_SECONDS = 30.0
MAX_ATTEMPTS = 3
CHAT_MODE: Mode = "mock"
REFUSAL = "I cannot show that. Ask me about stock, reorder points, what-ifs or what is on order."


@asynccontextmanager
async def open_runtime(settings: Settings, *, models: Sequence[Link] | None = None) -> AsyncIterator["Runtime"]:
    """Build the service around these settings, take up what an earlier process left unfinished, and close it all after.

    `models` replaces the chain's providers, for tests and trials.
    """
    async with AsyncExitStack() as stack:
        if settings.migrate_at_start:
            await prepare_databases(settings)
        engine = create_engine(settings.database_url)
        stack.push_async_callback(engine.dispose)
        if not settings.migrate_at_start:
            await require_tables(engine)
        checkpointer = await stack.enter_async_context(_open_memory(settings))
        metrics = Metrics()
        rules = RulesModel() if settings.rules_model else None
        chain = build_chain(settings, rules=rules, metrics=metrics, models=models)
        stack.push_async_callback(chain.aclose)
        runtime = Runtime(settings, OrderBook(engine, day_limit=settings.day_limit), chain, metrics, checkpointer)
        await runtime.take_up_unfinished()
        sweeper = asyncio.create_task(runtime.sweep())
        stack.callback(sweeper.cancel)
        pruner = asyncio.create_task(runtime.prune_now_and_then())
        stack.callback(pruner.cancel)
        if settings.check_models:
            runtime.check_models()
        stack.push_async_callback(runtime.drain)
        yield runtime


async def prepare_databases(settings: Settings) -> None:
    """Bring the order book, the workflow memory and the job queue to the present schema; safe from many processes."""
    await migrate(settings.database_url)
    if settings.on_postgresql:
        await postgres.migrate(settings.database_url)


async def prune_once(settings: Settings) -> Pruned:
    """Forget what is old enough, beside whatever process serves."""
    async with AsyncExitStack() as stack:
        engine = create_engine(settings.database_url)
        stack.push_async_callback(engine.dispose)
        await require_tables(engine)
        checkpointer = await stack.enter_async_context(_open_memory(settings))
        return await Retention(OrderBook(engine), checkpointer, settings).prune()


@asynccontextmanager
async def _open_memory(settings: Settings) -> AsyncIterator[BaseCheckpointSaver[Any]]:
    keep = settings.keep_finished_threads
    if settings.on_postgresql:
        async with postgres.open_pool(settings.database_url) as pool:
            yield pooled_checkpointer(pool, keep_finished=keep)
    else:
        async with open_checkpointer(settings.checkpoint_path, keep_finished=keep) as saver:
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
    ) -> None:
        self.settings, self.book, self.metrics = settings, book, metrics
        self._chain, self.checkpointer = chain, checkpointer
        self._desk = StockDesk({"mock": LiveCatalog(SampleCatalog(), book, "mock")})
        self._calibration = read_table(settings.calibration_table) if settings.calibration_table else None
        self.toolbox = toolbox = Toolbox(
            self._desk, start_run=self.decide, review_url=self.review_url, calibration=self._calibration
        )
        secrets = [value.get_secret_value() for _, value in settings if isinstance(value, SecretStr)]
        self._discretion = Discretion(secrets)
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
        self._turns = Turns()
        self._owner = uuid.uuid4().hex
        self._tasks: set[asyncio.Task[Any]] = set()
        self._conversations: dict[str, asyncio.Lock] = {}
        self._closing = False

    def review_url(self, review_id: str) -> str:
        base = self.settings.public_url or f"http://{self.settings.host}:{self.settings.port}"
        return f"{base.rstrip('/')}/reviews/{review_id}"

    async def calculate(self, request: DecisionRequest) -> Plan:
        """The plan for one product; starts no run and leaves no trace but the gauges."""
        plan = await self._desk.plan(request)
        self.metrics.observe_plan(
            product_id=plan.product_id, safety_stock=plan.safety_stock, reorder_point=plan.reorder_point
        )
        return plan

    async def decide(self, request: DecisionRequest) -> RunView:
        """Decide on one product: an order placed, one waiting for a person, or nothing to order.

        An order or review that already stands for the same need is returned instead of a second one. Raises
        `UnknownProduct`, `InvalidInput` and the like before anything is recorded, `Unavailable` while shutting down.
        """
        if self._closing:
            raise Unavailable("The service is shutting down; try again in a few seconds.")
        turn = self._turns.draw()
        async with turn:
            plan = await self.calculate(request)
            request = request.model_copy(update={"location": plan.location})
            seen = await self._orders_seen(request)
            standing = await self._standing(request, plan)
            if standing is not None:
                return standing.model_copy(update={"standing": True})
            run = await self._book_run(request, seen)
            if run.status != "running":
                return (await self.book.run(run.id)).model_copy(update={"standing": True})
        return await self._in_background(self._in_turn(turn, run, request))

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
        """Approve, edit or reject a waiting order. Raises what `OrderBook.decide` raises."""
        view = await self.book.decide(
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
            self._spawn(self._wake(view.run.id))
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
            return await self._in_background(self._answer(message, conversation_id, asker))

    async def record_outcome(self, report: OutcomeReport, *, recorded_by: str) -> OrderOutcome:
        """Keep how an order turned out. Raises `UnknownOrder`, `AlreadyRecorded`."""
        return await self.book.record_outcome(report, recorded_by=recorded_by, table=self._calibration)

    async def calibration_state(self) -> CalibrationState:
        """The calibration in use, and what has been observed of it in operation."""
        return calibration_state(
            self._calibration or shipped_table(),
            await self.book.recorded_outcomes(),
            decided=await self.book.decisions_made(),
            today=datetime.now(UTC).date(),
        )

    async def readiness(self) -> dict[str, Any]:
        """Whether the service can take work, and what it would use for it."""
        try:
            await self.book.queue_figures()
            database = "ok"
        except Exception as error:  # a probe reports every failure and never raises one
            log.warning("database_unreachable", error=type(error).__name__)
            database = "unreachable"
        ready = database == "ok" and not self._closing
        return {"ready": ready, "database": database, "models": self._chain.health()}

    async def take_up_unfinished(self) -> None:
        """Resume what a process that died had begun, and wake the threads of reviews that were decided since.

        A book in a file belongs to one process, so all it finds running there is cut off; in a shared database another
        process may be at it, and only its lease tells.
        """
        alone = () if self.settings.database_url.startswith("sqlite") else None
        for run_id in await self.book.runs_to_close():
            self._spawn(self._wake(run_id))
        for run in await self.book.runs_to_resume(owner=self._owner, lease_seconds=self._lease, living=alone):
            log.info("run_resumed", run_id=run.id, attempts=run.attempts)
            self._spawn(self._in_turn(self._turns.draw(), run, DecisionRequest.model_validate(run.request)))

    def check_models(self) -> None:
        """Let each provider's model say a word, while the service already serves; what is wrong is logged and shown."""
        self._spawn(self._chain.check())

    def begin_shutdown(self) -> None:
        self._closing = True

    async def drain(self) -> None:
        """Let running decisions end. What does not end within a run's deadline is resumed by the next start."""
        self.begin_shutdown()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=self.settings.run_deadline_seconds + 1)

    @property
    def _lease(self) -> float:
        return self.settings.run_deadline_seconds + LEASE_MARGIN_SECONDS

    async def _standing(self, request: DecisionRequest, plan: Plan) -> RunView | None:
        """A waiting review for the same need; in mode `input`, whose stock is the caller's word, an open order too."""
        view = await self.book.open_commitment(plan.product_id, plan.location, request.mode)
        if view is None or view.order is None or request.facts is None:
            return view if view and view.order is None else None
        known = {order.reference for order in request.facts.stock.open_orders}
        return None if view.order.number in known else view

    async def _orders_seen(self, request: DecisionRequest) -> int | None:
        """The product's orders before one is looked for that stands. A catalogue's facts are read later, and anew."""
        if request.facts is None:
            return None
        return await self.book.product_version(request.product_id, request.mode)

    async def _book_run(self, request: DecisionRequest, seen: int | None = None) -> Run:
        new = NewRun(
            id=request.run_id or uuid.uuid4().hex,
            product_id=request.product_id,
            location=request.location or "",
            mode=request.mode,
            origin=request.origin,
            requested_by=request.requested_by,
            requested_by_id=request.requested_by_id,
            request=request.model_dump(mode="json"),
            product_version=seen,
        )
        return await self.book.record_run(new, owner=self._owner, lease_seconds=self._lease)

    async def _in_turn(self, turn: Turn, run: Run, request: DecisionRequest) -> RunView:
        async with turn:
            return await self._carry_out(run, request)

    async def _carry_out(self, run: Run, request: DecisionRequest) -> RunView:
        structlog.contextvars.bind_contextvars(run_id=run.id)
        state = self._opening(run, request)
        started = time.perf_counter()
        try:
            if run.attempts > MAX_ATTEMPTS:
                raise RuntimeError("too many attempts")
            async with asyncio.timeout(self.settings.run_deadline_seconds + 1):
                await self.graph.ainvoke(state, self._config(run.id, fresh=run.attempts == 1), durability="exit")
        except Exception:  # whatever failed, the run still ends in a review
            log.exception("run_failed")
            await self._escalate(state)
        self.metrics.decision_seconds.labels(run.mode).observe(time.perf_counter() - started)
        view = await self.book.run(run.id)
        log.info("run_ended", status=view.run.status, product_id=run.product_id)
        return view

    async def _escalate(self, state: DecisionState) -> None:
        """Put the calculator's plan before a person. Where the run already has its proposal, that one stands."""
        why = "The run was cut short by a fault. The calculator's plan stands here."
        stopped: DecisionState = {**state, "messages": [], "escalation": why, "deadline": 0.0}
        assessed = await self.nodes.assess(stopped)
        if assessed["route"] == "auto":  # cut off between the decision to place it and the placing
            await self.nodes.auto(stopped)

    def _opening(self, run: Run, request: DecisionRequest) -> DecisionState:
        messages: list[AnyMessage] = [prompts.task(request)]
        if self.settings.prefetch:
            messages.append(prompts.obvious_calls(request))
        return DecisionState(
            kind="decision",
            run_id=run.id,
            request=request.model_dump(mode="json"),
            messages=messages,
            deadline=time.time() + self.settings.run_deadline_seconds,
            escalation=None,
        )

    def _config(self, thread_id: str, *, fresh: bool = False) -> RunnableConfig:
        return {
            "configurable": {"thread_id": thread_id, FRESH: fresh},
            "recursion_limit": 4 * self.settings.model_call_budget + 10,
        }

    async def _wake(self, run_id: str) -> None:
        """Let a decided run's thread end, then forget it: its order book entries are what counts."""
        config = self._config(run_id)
        snapshot = await self.graph.aget_state(config)
        resume = {waiting.id: True for waiting in snapshot.interrupts}
        if resume:
            await self.graph.ainvoke(Command(resume=resume), config, durability="exit")
        if self.checkpointer is not None:
            await self.checkpointer.adelete_thread(run_id)
        await self.book.mark_closed(run_id)

    async def sweep(self) -> None:
        """Take up, now and then, what lost its holder while the service runs: a run whose store failed at the end."""
        while not self._closing:
            await asyncio.sleep(self._lease)
            with suppress(Unavailable):
                for run in await self.book.runs_to_resume(owner=self._owner, lease_seconds=self._lease):
                    log.warning("run_taken_up", run_id=run.id, attempts=run.attempts)
                    self._spawn(self._in_turn(self._turns.draw(), run, DecisionRequest.model_validate(run.request)))

    async def prune_now_and_then(self) -> None:
        retention = Retention(self.book, self.checkpointer, self.settings)
        while not self._closing:
            await asyncio.sleep(self.settings.prune_hours * 3_600)
            with suppress(Unavailable):
                await retention.prune()

    async def _conversation(self, conversation_id: str | None, caller: str) -> str:
        if conversation_id is None:
            conversation_id = uuid.uuid4().hex
            await self.book.own_conversation(conversation_id, caller)
        elif await self.book.conversation_owner(conversation_id) != caller:
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
                end = await self.graph.ainvoke(state, self._config(f"chat-{conversation_id}"), durability="exit")
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
            runs=tuple([await self.book.run(run_id) for run_id in run_ids]),
            tools_used=tuple(str(message.name) for message in results),
        )

    def _discreet(self, answer: str) -> str:
        """The answer made safe to show; a refusal where it gives away a key or our instructions to the model."""
        if self._discretion.leaks(answer):
            log.warning("answer_withheld")
            return REFUSAL
        return self._discretion.paragraph(answer)

    async def _in_background(self, work: Coroutine[Any, Any, T]) -> T:
        """Await work that goes on when the caller goes away, outside any graph that the caller may be running in."""
        return await asyncio.shield(self._spawn(work))

    def _spawn(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        context = contextvars.Context()
        bound = structlog.contextvars.get_contextvars()
        context.run(structlog.contextvars.bind_contextvars, **bound)
        task = asyncio.get_running_loop().create_task(work, context=context)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            log.error("background_work_failed", error=type(task.exception()).__name__)
