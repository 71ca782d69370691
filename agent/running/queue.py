"""Brings queued runs to a process that carries them out.

On SQLite the runs table is the queue, and every process of the host reads it. On PostgreSQL procrastinate delivers jobs
to any number of hosts. A job holds the run's id only, is stored in the run's own transaction, and is delivered again if
its worker dies. The run's row decides what is still to do.
"""

import asyncio
from contextlib import suppress
from typing import Protocol

import structlog
from procrastinate import App, PsycopgConnector, RetryStrategy, SyncPsycopgConnector
from procrastinate.exceptions import ConnectorException
from sqlalchemy import Connection

from agent.running.postgresql import Pool
from agent.running.work import Work
from tools.book.book import OrderBook
from tools.records.errors import InFlight, Unavailable, UnknownRun
from tools.records.orders import Lane, Run

log = structlog.get_logger(__name__)

LOOK_SECONDS = 1.0
RETRY_SECONDS = 5
HEARTBEAT_SECONDS = 5.0
STALLED_SECONDS = 20.0
_TASK = "carry_out"
_HAND_OVER = App(connector=SyncPsycopgConnector())
"""Never opened: it stores jobs through connections that it is given."""


class Queue(Protocol):
    """Delivers runs."""

    async def open(self) -> None:
        """Prepare; nothing is delivered yet."""

    def hand_over(self, connection: Connection, run: Run) -> None:
        """Store a job for this run in the open transaction of the connection."""

    def announce(self, lane: Lane) -> None:
        """Say that a run has been stored."""

    async def deliver(self, lane: Lane) -> None:
        """Carry out the runs of a lane until cancelled."""

    async def redeliver(self) -> None:
        """Deliver again the jobs of dead workers."""


class TableQueue:
    """The runs table of a SQLite order book."""

    def __init__(self, book: OrderBook, work: Work) -> None:
        self._book, self._work = book, work
        self._news: dict[Lane, asyncio.Event] = {lane: asyncio.Event() for lane in work.places}

    async def open(self) -> None:
        """Nothing to prepare."""

    def hand_over(self, connection: Connection, run: Run) -> None:
        """Nothing to store: the run's row is the job."""

    def announce(self, lane: Lane) -> None:
        self._news[lane].set()

    async def deliver(self, lane: Lane) -> None:
        while True:
            if not await self._deliver_one(lane):
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._news[lane].wait(), LOOK_SECONDS)

    async def redeliver(self) -> None:
        """Nothing to do: such runs are resumed when their lease is over."""

    async def _deliver_one(self, lane: Lane) -> bool:
        place = self._work.places[lane]
        await place.acquire()
        begun = False
        try:
            self._news[lane].clear()
            begun = await self._work.begin_queued(lane)
        finally:
            if not begun:
                place.release()
        return begun


class JobQueue:
    """Procrastinate's jobs, in the database of the order book."""

    def __init__(self, pool: Pool, book: OrderBook, work: Work) -> None:
        self._pool, self._book, self._work = pool, book, work
        self._app = App(connector=PsycopgConnector())
        # Whatever goes wrong with a job, its run counts the attempts.
        self._app.task(name=_TASK, retry=RetryStrategy(wait=RETRY_SECONDS))(self._carry_out)

    async def open(self) -> None:
        await self._app.connector.open_async(self._pool)

    def hand_over(self, connection: Connection, run: Run) -> None:
        driver = connection.connection.driver_connection
        _HAND_OVER.configure_task(_TASK, queue=run.lane, connection=driver).defer(run_id=run.id, lane=run.lane)

    def announce(self, lane: Lane) -> None:
        """Nothing to do: PostgreSQL notifies the workers."""

    async def deliver(self, lane: Lane) -> None:
        try:
            await self._app.run_worker_async(
                queues=[lane],
                name=lane,
                concurrency=self._work.room[lane],
                fetch_job_polling_interval=LOOK_SECONDS,
                update_heartbeat_interval=HEARTBEAT_SECONDS,
                stalled_worker_timeout=STALLED_SECONDS,
                shutdown_graceful_timeout=self._work.lease_seconds,
                delete_jobs="always",
                install_signal_handlers=False,
            )
        except ConnectorException as error:
            raise Unavailable("PostgreSQL cannot be reached for jobs now.") from error

    async def redeliver(self) -> None:
        manager = self._app.job_manager
        try:
            for job in await manager.get_stalled_jobs(seconds_since_heartbeat=STALLED_SECONDS):
                log.warning("job_redelivered", job=job.id)
                # Another process may have been quicker.
                with suppress(ConnectorException):
                    await manager.retry_job(job)
        except ConnectorException as error:
            raise Unavailable("PostgreSQL cannot be reached for stalled jobs now.") from error

    async def _carry_out(self, run_id: str, lane: Lane) -> None:
        async with self._work.places[lane]:
            run = await self._work.claim(run_id)
            if run is not None:
                await self._work.carry_out(run)
                return
        with suppress(UnknownRun):
            if (await self._book.runs.get(run_id)).run.status == "running":
                raise InFlight(f"Run {run_id} is held by another process; it is tried again later.")
