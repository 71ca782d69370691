"""One trial: the service's processes, clients, reviewers and a receiver, blows from outside, a drain, a verdict."""

import asyncio
import itertools
import json
import random
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

from tests.soak.book import Book, Gauge
from tests.soak.chaos import Blows, Chaos, Progress, Storm
from tests.soak.clients import Line, Shop
from tests.soak.faulty import loosen
from tests.soak.goods_in import GoodsIn
from tests.soak.journal import Journal
from tests.soak.processes import Process
from tests.soak.receiver import SECRET, Received, Receiver, receiving
from tests.soak.reviewers import ReviewDesk
from tests.soak.service import DATABASE_NAME, Database, Place, Service, place, serving
from tests.soak.staff import hire
from tests.soak.verdict import Evidence, Finding, findings

REVIEWS_AT_ONCE = 6
ORDERS_AT_ONCE = 8
COMMANDS = {"sqlite": ("serve",), "postgresql": ("serve", "worker", "worker")}
FREEZE_SECONDS = 7.0
"""Longer than a run's lease: its deadline and what the processes of a trial add to it."""


@dataclass(frozen=True)
class Plan:
    """What a trial does. The seed settles what is sent and when something is struck, not how processes interleave."""

    database: Database = "sqlite"
    triggers: int = 500
    kills: int = 10
    freezes: int = 1
    seed: int = 1
    seconds: float = 1_500
    """After so long nothing more is sent."""
    patience_seconds: float = 90
    """How long a client sends again what has no answer, and how long everything has to end when the load is over."""
    shops: int = 16
    storm_seconds: float = 0
    """On PostgreSQL: all connections are ended every so many seconds, 0 for never."""
    crashes: int = 0
    """On PostgreSQL, in a storm: how often the server stops at once and starts again."""
    fault: str | None = None


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
    with place(plan.database) as where:
        return await Trial(plan, where).run()


class Trial:
    def __init__(self, plan: Plan, where: Place) -> None:
        self._plan, self._where = plan, where
        self._dice = random.Random(plan.seed)
        self._journal = Journal()
        self._receiver = Receiver(random.Random(plan.seed))
        self._blows = Blows()
        self._progress = Progress()
        self._started = time.monotonic()
        self._until = self._started + plan.seconds

    async def run(self) -> Outcome:
        async with (
            receiving(self._receiver) as hook,
            serving(
                self._where, COMMANDS[self._plan.database], settings=self._settings(hook), fault=self._plan.fault
            ) as service,
        ):
            if self._plan.fault:
                await asyncio.to_thread(loosen, self._plan.fault, self._where.database_url)
            staff = await hire(service.client, service.urls[0])
            service.client.headers["X-API-Key"] = staff.shop
            line = self._line(service)
            goods = GoodsIn(line, self._journal, self._dice, staff.reviewers)
            desk = ReviewDesk(line, self._journal, self._dice, staff.reviewers, goods.hear)
            await self._load(line, desk, goods, service.processes)
            await self._drain(desk, goods)
        return self._outcome()

    def _settings(self, hook: str) -> dict[str, str]:
        told = {"WEBHOOKS": json.dumps([{"url": hook, "secret": SECRET}])}
        # Procrastinate's workers need a connection that lasts; in a storm the server carries out what callers wait for.
        return told | ({"WORK_RUNS": "true"} if self._plan.storm_seconds else {})

    def _line(self, service: Service) -> Line:
        patience = self._plan.patience_seconds
        return Line(service.client, service.urls, dice=self._dice, journal=self._journal, give_up_seconds=patience)

    async def _load(self, line: Line, desk: ReviewDesk, goods: GoodsIn, processes: list[Process]) -> None:
        """Send every trigger, and decide and receive what comes of it, while processes are struck down."""
        chaos = Chaos(processes, self._dice, freeze_seconds=FREEZE_SECONDS)
        self._blows = chaos.blows
        numbers = itertools.count(1)
        rage = chaos.rage(
            kills=self._plan.kills,
            freezes=self._plan.freezes,
            triggers=self._plan.triggers,
            progress=self._progress,
        )
        beside = [rage, *(desk.work() for _ in range(REVIEWS_AT_ONCE)), *(goods.work() for _ in range(ORDERS_AT_ONCE))]
        if self._plan.storm_seconds:
            beside.append(self._storm())
        tasks = [asyncio.create_task(each) for each in beside]
        try:
            await asyncio.gather(*(self._shop(line, desk, goods, numbers) for _ in range(self._plan.shops)))
        finally:
            await chaos.calm()
            await _end(tasks)

    async def _storm(self) -> None:
        server, plan = self._where.server, self._plan
        assert server is not None
        await Storm(server, DATABASE_NAME, self._blows).rage(
            every_seconds=plan.storm_seconds, crashes=plan.crashes, seconds=plan.seconds
        )

    async def _shop(self, line: Line, desk: ReviewDesk, goods: GoodsIn, numbers: Iterator[int]) -> None:
        """Orders are received once nobody asks for their product any more: after that the need would be a new one."""
        shop = Shop(line, self._journal, self._dice, asynchronous=True)
        while self._progress.done < self._plan.triggers and time.monotonic() < self._until:
            for answer in await shop.send(next(numbers)):
                goods.hear(answer.order)
                if answer.review:
                    desk.hear(answer.review)
            self._progress.advance(len(self._journal.sent))

    async def _drain(self, desk: ReviewDesk, goods: GoodsIn) -> None:
        """Until nothing is left to do, or it has had time enough: the verdict says what is left then."""
        gauge = Gauge(self._where.database_url)
        with suppress(TimeoutError):
            await goods.clear()
        until = time.monotonic() + self._plan.patience_seconds
        while time.monotonic() < until:
            with suppress(TimeoutError):
                left = await desk.clear() + await goods.clear()
                if not left and not gauge.unfinished() and not gauge.undelivered():
                    return
            await asyncio.sleep(0.3)

    def _outcome(self) -> Outcome:
        book = Book.read(self._where.database_url)
        return Outcome(
            plan=self._plan,
            triggers=len(self._journal.sent),
            runs=len(book["runs"]),
            orders=len(book["orders"]),
            decisions=len(book["decisions"]),
            resent=self._journal.resent,
            received=self._receiver.received,
            blows=self._blows,
            seconds=time.monotonic() - self._started,
            findings=findings(Evidence(self._journal, book, self._receiver.received)),
        )


async def _end(tasks: list[asyncio.Task[None]]) -> None:
    """Cancel, unless they have ended; a fault of theirs is one of the trial's."""
    for task in tasks:
        task.cancel()
    for outcome in await asyncio.gather(*tasks, return_exceptions=True):
        if isinstance(outcome, Exception):
            raise outcome
