"""Builds everything, in one place: `async with open_runtime(settings) as runtime`.

A run is recorded in the order book before anything else happens. It ends in an order, a review, or "nothing to order"
with the reason, whatever fails. LangGraph's checkpoints are working memory only: if they and the order book disagree,
the order book is right.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, suppress
from datetime import UTC, datetime
from functools import partial
from typing import Any

import structlog
from langgraph.checkpoint.base import BaseCheckpointSaver
from opentelemetry.trace import Tracer

from agent.chat import Chat
from agent.decisions import Decisions
from agent.graph import build_graph
from agent.metrics import Metrics
from agent.models import Link, ModelChain, build_chain
from agent.nodes import Nodes
from agent.prompts import Discretion
from agent.rules import Rules
from agent.running.background import Background
from agent.running.checkpoints import open_checkpointer, pooled_checkpointer
from agent.running.postgresql import Pool, open_pool
from agent.running.preparation import prepare_databases
from agent.running.queue import JobQueue, Queue, TableQueue
from agent.running.retention import PRUNE_SECONDS, Pruned, Retention
from agent.running.sweeping import Sweeping
from agent.running.work import Work
from agent.secrets import secrets_in_force
from agent.settings import Settings
from agent.state import DecisionRequest
from agent.sweeps import Sweeps
from agent.toolbox import Toolbox
from agent.tracing import open_tracer
from tools.asking.overview import Overview
from tools.book.audit import Actor
from tools.book.book import OrderBook
from tools.book.lateness import tell_of_late_orders
from tools.book.owners import Owner, become_owner
from tools.catalog.present import PresentCatalog
from tools.catalog.products import AllProducts, Catalogs
from tools.lookback.calibration_watch import CalibrationState, calibration_state
from tools.planning.confidence import read_table, shipped_table
from tools.purchasing.purchasing import Purchasing
from tools.records.errors import DamagedDatabase, Unavailable
from tools.records.orders import Order, OrderOutcome, OutcomeReport
from tools.storage.database import Database
from tools.sweep.lists import TodayLists

__all__ = ["DecisionRequest", "Runtime", "Settings", "open_runtime", "prune_once"]

log = structlog.get_logger(__name__)

RESUME_SECONDS = 2.0
REDELIVER_SECONDS = 10.0
SETTLE_SECONDS = 1.0
LATE_LOOK_SECONDS = 60.0
DAILY_LOOK_SECONDS = 20.0
"""Pause between two looks whether it is time for the daily sweep."""


@asynccontextmanager
async def open_runtime(
    settings: Settings, *, models: Sequence[Link] | None = None, keep_finished_threads: bool = False
) -> AsyncIterator["Runtime"]:
    """Build the service, take up what an earlier process left unfinished, and close everything at the end.

    `models` replaces the chain's providers, for tests and trials. Finished threads are kept on demand.
    """
    async with AsyncExitStack() as stack:
        await prepare_databases(settings)
        database = await stack.enter_async_context(await asyncio.to_thread(Database, settings.database_url))
        pool = await stack.enter_async_context(_open_pool(settings))
        checkpointer = await stack.enter_async_context(_open_memory(settings, pool, keep_finished_threads))
        owner = await stack.enter_async_context(_become_owner(settings.database_url))
        metrics = Metrics()
        rules = Rules() if settings.rules_model else None
        chain = await asyncio.to_thread(build_chain, settings, rules=rules, metrics=metrics, models=models)
        stack.push_async_callback(chain.aclose)
        book = OrderBook(database, day_limit=settings.day_limit)
        tracer = await stack.enter_async_context(open_tracer())
        runtime = Runtime(settings, book, chain, metrics, checkpointer, tracer=tracer, owner=owner, pool=pool)
        stack.push_async_callback(runtime.drain)
        await runtime.begin()
        yield runtime


async def prune_once(settings: Settings) -> Pruned:
    """Remove what is old enough; other processes may serve meanwhile."""
    async with AsyncExitStack() as stack:
        database = await stack.enter_async_context(await asyncio.to_thread(Database, settings.database_url))
        await database.require_schema()
        pool = await stack.enter_async_context(_open_pool(settings))
        checkpointer = await stack.enter_async_context(_open_memory(settings, pool))
        return await Retention(OrderBook(database), checkpointer, settings).prune()


@asynccontextmanager
async def _become_owner(database_url: str) -> AsyncIterator[Owner]:
    """Off the event loop: it waits for files."""
    with ExitStack() as stack:
        owner = await asyncio.to_thread(stack.enter_context, become_owner(database_url))
        try:
            yield owner
        finally:
            await asyncio.to_thread(stack.close)


@asynccontextmanager
async def _open_pool(settings: Settings) -> AsyncIterator[Pool | None]:
    if not settings.on_postgresql:
        yield None
        return
    async with open_pool(settings.database_url) as pool:
        yield pool


@asynccontextmanager
async def _open_memory(
    settings: Settings, pool: Pool | None, keep_finished: bool = False
) -> AsyncIterator[BaseCheckpointSaver[Any]]:
    if pool is not None:
        yield pooled_checkpointer(pool, keep_finished=keep_finished)
        return
    async with open_checkpointer(settings.checkpoint_path, keep_finished=keep_finished) as saver:
        yield saver


class Runtime:
    """What the service does, for every way in. Requests of one event loop may share it."""

    def __init__(
        self,
        settings: Settings,
        book: OrderBook,
        chain: ModelChain,
        metrics: Metrics,
        checkpointer: BaseCheckpointSaver[Any] | None,
        *,
        tracer: Tracer,
        owner: Owner,
        pool: Pool | None = None,
    ) -> None:
        self.settings, self.book, self.metrics = settings, book, metrics
        self._chain, self.checkpointer = chain, checkpointer
        self.purchasing = Purchasing(book)
        self.calibration = read_table(settings.calibration_table)
        self.catalog = PresentCatalog(book)
        opened = Catalogs(self.catalog.by_mode, self.calibration, book=book)
        self.today = TodayLists(book, self.calibration, settings.worth)
        """What is to be done about every product."""
        self.toolbox = Toolbox(
            AllProducts(self.catalog, self.calibration),
            overview=Overview(book, self.today),
            start_run=lambda request: self.decide(request),
            review_url=self.review_url,
        )
        discretion = Discretion(secrets_in_force(settings))
        self.nodes = Nodes(
            chain=chain,
            toolbox=self.toolbox,
            book=book,
            settings=settings,
            metrics=metrics,
            discretion=discretion,
            calibration=self.calibration,
        )
        self.graph = build_graph(self.nodes, checkpointer)
        self.background = Background()
        self.work = Work(
            settings=settings,
            book=book,
            catalogs=opened,
            graph=self.graph,
            nodes=self.nodes,
            metrics=metrics,
            tracer=tracer,
            checkpointer=checkpointer,
            owner=owner,
            background=self.background,
        )
        self.queue: Queue = TableQueue(book, self.work) if pool is None else JobQueue(pool, book, self.work)
        self._decisions = Decisions(
            settings=settings,
            book=book,
            catalogs=opened,
            metrics=metrics,
            work=self.work,
            queue=self.queue,
            background=self.background,
        )
        self.decide, self.submit, self.try_out = self._decisions.decide, self._decisions.submit, self._decisions.try_out
        self.require_time = self._decisions.callers.require_time
        self.calculate, self.decide_review = self._decisions.calculate, self._decisions.review
        self.sweeping = Sweeping(
            book, owner=owner, submit=partial(self._decisions.submit, checked=True), background=self.background
        )
        self.sweeps = Sweeps(
            settings=settings, book=book, lists=self.today, decisions=self._decisions, sweeping=self.sweeping
        )
        self.closing = False
        """Whether new work is refused because the process is ending."""
        self._chat = Chat(
            settings=settings,
            book=book,
            graph=build_graph(self.nodes),
            discretion=discretion,
            tracer=tracer,
            background=self.background,
            products=self._product_names,
        )
        self.chat, self.chat_stream = self._chat.answer, self._chat.stream
        self.ask, self.open_question = self._chat.ask, self._chat.open_question

    async def begin(self) -> None:
        """Take up what was cut off, and begin the duties of this process."""
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
        """What a server or a worker does beside answering; each duty is a transaction or two."""
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
        keep("resume_sweeps", self.sweeping.resume, pause_seconds=RESUME_SECONDS)
        keep("tell_of_late_orders", partial(tell_of_late_orders, self.book.database), pause_seconds=LATE_LOOK_SECONDS)
        keep("begin_daily_sweep", self.sweeps.begin_daily, pause_seconds=DAILY_LOOK_SECONDS)
        for lane in self.work.places:
            keep(f"deliver_{lane}", partial(self.queue.deliver, lane), pause_seconds=1)

    async def _product_names(self) -> list[tuple[str, str]]:
        return [(row.product_id, row.name) for row in (await self.today.present()).rows]

    @property
    def address(self) -> str:
        """Of the service, for links."""
        return (self.settings.public_url or f"http://{self.settings.host}:{self.settings.port}").rstrip("/")

    def review_url(self, review_id: str) -> str:
        return f"{self.address}/reviews/{review_id}"

    async def record_outcome(
        self, report: OutcomeReport, *, recorded_by: str, recorded_by_id: str = ""
    ) -> OrderOutcome:
        """Record how an order turned out. Raises `UnknownOrder`, `AlreadyRecorded`."""
        return await self.book.outcomes.record(
            report, recorded_by=recorded_by, recorded_by_id=recorded_by_id, table=self.calibration
        )

    async def receive(
        self, number: str, quantity: float, *, by: Actor, stock_before: float | None, **when: Any
    ) -> Order:
        """Record what arrived, and what the stock before it says of the order before. Takes and raises what
        `book.life.receive` does."""
        order = await self.book.life.receive(number, quantity, by=by, **when)
        if stock_before is not None:
            await self.book.outcomes.learn(order, stock_before, by=by, table=self.calibration)
        return order

    async def calibration_state(self) -> CalibrationState:
        """The calibration in use, and what has been observed of it in operation."""
        return calibration_state(
            self.calibration or shipped_table(),
            await self.book.outcomes.latest(),
            decided=await self.book.outcomes.decisions_made(),
            today=datetime.now(UTC).date(),
        )

    async def readiness(self) -> dict[str, Any]:
        """Whether the service can take work, and with which models."""
        try:
            await self.book.reviews.figures()
            database = "ok"
        except Exception as error:  # a probe reports every failure and never raises one
            database = "damaged" if isinstance(error, DamagedDatabase) else "unreachable"
            log.warning(f"database_{database}", error=type(error).__name__)
        ready = database == "ok" and not self.closing
        return {"ready": ready, "database": database, "models": self._chain.health()}

    def check_models(self) -> None:
        """Ask each provider's model one question while the service already serves; log and show what is wrong."""
        self.background.spawn(self._chain.check())

    async def _settle_spending(self) -> None:
        """Add what this process spent on models today to the shared sums, and read them."""
        await self._chain.ledger.settle(self.book.usage.add)

    def begin_shutdown(self) -> None:
        """Refuse new work from now on. Running work goes on."""
        self.closing = self._decisions.closing = True
        self.work.ends.close()
        self._chat.close()

    async def drain(self) -> None:
        """Let running decisions end; give back those that take longer than a run may."""
        self.begin_shutdown()
        await self.background.end(patience_seconds=self.settings.run_deadline_seconds + 1)
        with suppress(Unavailable):
            await self._settle_spending()
        with suppress(Unavailable):
            await self.book.runs.release(owner=self.work.owner.name)
            await self.book.sweeps.release(owner=self.work.owner.name)
