"""One trial: the service's processes, clients, reviewers and a receiver, blows from outside, a drain, a verdict."""

import asyncio
import os
import random
import signal
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

import httpx

from tests.soak.book import Book, Gauge
from tests.soak.chaos import Blows, Chaos, Progress
from tests.soak.clients import PATIENCE_SECONDS, Line, Shop
from tests.soak.databases import postgres_server
from tests.soak.faulty import loosen
from tests.soak.journal import Journal
from tests.soak.processes import Nursery, Process, free_port, wait_until_ready
from tests.soak.receiver import Received, Receiver, receiving
from tests.soak.reviewers import ReviewDesk
from tests.soak.staff import ADMIN, hire
from tests.soak.verdict import Evidence, Finding, findings

Database = Literal["sqlite", "postgresql"]
STOP_SECONDS = 60.0


@dataclass(frozen=True)
class Plan:
    """What a trial does. The seed settles what is sent and when something is struck, not how processes interleave."""

    database: Database = "sqlite"
    triggers: int = 500
    kills: int = 10
    freezes: int = 1
    seed: int = 1
    seconds: float = 1_500
    """The trial ends, and fails, after so long."""
    patience_seconds: float = 90
    """How long a client sends again what has no answer, and how long everything has to end when the load is over."""
    shops: int = 16
    fault: str | None = None
    settings: dict[str, str] = field(default_factory=dict)


@dataclass
class Outcome:
    plan: Plan
    triggers: int
    runs: int
    orders: int
    decisions: int
    resent: int
    received: Received
    blows: Blows
    seconds: float
    findings: list[Finding]


async def run(plan: Plan) -> Outcome:
    with database(plan.database) as url, TemporaryDirectory(prefix="restock-soak-") as folder:
        async with asyncio.timeout(plan.seconds):
            return await Trial(plan, url, Path(folder)).run()


@contextmanager
def database(kind: Database) -> Iterator[str]:
    if kind == "sqlite":
        with TemporaryDirectory(prefix="restock-soak-book-") as folder:
            yield f"sqlite+aiosqlite:///{folder}/book.db"
    else:
        with postgres_server() as server:
            yield server.create("soak")


class Trial:
    def __init__(self, plan: Plan, database_url: str, folder: Path) -> None:
        self._plan, self._url, self._folder = plan, database_url, folder
        self._dice = random.Random(plan.seed)
        self._journal = Journal()
        self._receiver = Receiver(random.Random(plan.seed))
        self._blows = Blows()
        self._progress = Progress()

    async def run(self) -> Outcome:
        started = time.monotonic()
        async with AsyncExitStack() as stack:
            hook = await stack.enter_async_context(receiving(self._receiver))
            client = await stack.enter_async_context(httpx.AsyncClient(timeout=PATIENCE_SECONDS, trust_env=False))
            processes = await stack.enter_async_context(self._serving(client))
            urls = [each.url for each in processes if each.url]
            if self._plan.fault:
                await asyncio.to_thread(loosen, self._plan.fault, self._url)
            staff = await hire(client, urls[0], hook)
            self._receiver.trust(staff.webhook_secret)
            client.headers["X-API-Key"] = staff.shop
            line = self._line(client, urls)
            desk = ReviewDesk(line, self._journal, self._dice, staff.reviewers)
            await self._load(line, desk, processes)
            await self._drain(desk)
        return self._outcome(time.monotonic() - started)

    def _line(self, client: httpx.AsyncClient, urls: list[str]) -> Line:
        patience = self._plan.patience_seconds
        return Line(client, urls, dice=self._dice, journal=self._journal, give_up_seconds=patience)

    @asynccontextmanager
    async def _serving(self, client: httpx.AsyncClient) -> AsyncIterator[list[Process]]:
        nursery = Nursery()
        processes = self._processes(nursery)
        try:
            for process in processes:
                await asyncio.to_thread(process.start)
            await asyncio.gather(*(wait_until_ready(each, client) for each in processes if each.url))
            yield processes
            for process in processes:
                process.signal(signal.SIGTERM)
                await asyncio.to_thread(process.wait, STOP_SECONDS)
        finally:
            for process in processes:
                process.kill()
            nursery.close()

    def _processes(self, nursery: Nursery) -> list[Process]:
        return [self._serve(nursery, name) for name in ("one", "two")[: 1 if self._plan.database == "sqlite" else 2]]

    def _serve(self, nursery: Nursery, name: str) -> Process:
        port = free_port()
        return Process(
            nursery,
            name,
            ["serve", "--port", str(port)],
            self._environment(),
            self._folder / f"{name}.log",
            self._plan.fault,
            f"http://127.0.0.1:{port}",
        )

    def _environment(self) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self._folder),
            "API_KEY": ADMIN,
            "DATABASE_URL": self._url,
            "CHECKPOINT_PATH": str(self._folder / "checkpoints.db"),
            "CHECK_MODELS": "false",
            "RUN_DEADLINE_SECONDS": "3",
            "AUTO_ORDER_VALUE_LIMIT": "10000",
            "AUTO_DAY_VALUE_LIMIT": "900000000",
            "WEBHOOK_ALLOW_PRIVATE": "true",
            "WEBHOOK_ATTEMPTS": "100",
            "WEBHOOK_TIMEOUT_SECONDS": "3",
            "WEBHOOK_FIRST_RETRY_SECONDS": "0.2",
            "WEBHOOK_LONGEST_RETRY_SECONDS": "2",
            "WEBHOOK_POLL_SECONDS": "0.2",
            "PREFETCH": "true",
            "LOG_LEVEL": "warning",
        } | self._plan.settings

    async def _load(self, line: Line, desk: ReviewDesk, processes: list[Process]) -> None:
        """Send every trigger and decide what comes of it, while processes are struck down."""
        chaos = Chaos(processes, self._dice, freeze_seconds=3)
        self._blows = chaos.blows
        numbers = iter(range(1, self._plan.triggers + 1))
        rage = chaos.rage(
            kills=self._plan.kills,
            freezes=self._plan.freezes,
            triggers=self._plan.triggers,
            progress=self._progress,
        )
        reviewing = [asyncio.create_task(desk.work()) for _ in range(3)]
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(rage)
                for _ in range(self._plan.shops):
                    group.create_task(self._shop(line, desk, numbers))
        finally:
            await chaos.calm()
            for task in reviewing:
                task.cancel()
            await asyncio.gather(*reviewing, return_exceptions=True)

    async def _shop(self, line: Line, desk: ReviewDesk, numbers: Iterator[int]) -> None:
        shop = Shop(line, self._journal, self._dice, asynchronous=False)
        for number in numbers:
            for answer in await shop.send(number):
                if answer.review:
                    desk.hear(answer.review)
            self._progress.step()

    async def _drain(self, desk: ReviewDesk) -> None:
        """Until nothing is left to do, or it has had time enough: the verdict says what is left then."""
        gauge = Gauge(self._url)
        until = time.monotonic() + self._plan.patience_seconds
        while time.monotonic() < until:
            with suppress(TimeoutError):
                if not await desk.clear() and not gauge.unfinished() and not gauge.undelivered():
                    return
            await asyncio.sleep(0.3)

    def _outcome(self, seconds: float) -> Outcome:
        book = Book.read(self._url)
        return Outcome(
            plan=self._plan,
            triggers=len(self._journal.sent),
            runs=len(book["runs"]),
            orders=len(book["orders"]),
            decisions=len(book["decisions"]),
            resent=self._journal.resent,
            received=self._receiver.received,
            blows=self._blows,
            seconds=seconds,
            findings=findings(Evidence(self._journal, book, self._receiver.received)),
        )
