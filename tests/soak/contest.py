"""Fifty decisions at once on the same review, from two processes, round after round: in each round one counts.

A contestant is a process of its own (`python -m tests.soak.contest`), told by lines which review to decide.
"""

import asyncio
import itertools
import json
import logging
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections import Counter
from dataclasses import dataclass, field

import structlog

from agent.runtime import Runtime, open_runtime
from agent.settings import Settings
from api.bodies.triggers import InlineTrigger
from tests.soak.book import Book
from tests.soak.processes import ROOT
from tests.soak.service import Database, place
from tools.book.book import OrderBook
from tools.records.errors import AlreadyDecided, Unavailable
from tools.storage.database import Database as Storage

PROCESSES, CONTESTANTS = 2, 50
TRIGGER = {
    "mode": "input",
    "current_stock": 150,
    "demand_history": [100, 120, 110, 130, 125, 115, 140],
    "lead_time_days": 7,
    "unit_price": 5_000,
}


@dataclass
class Contest:
    """A round is won when one contestant alone is told that theirs counts, and the book agrees."""

    rounds: int = 0
    won: int = 0
    refused: int = 0
    lost: list[str] = field(default_factory=list)


async def contend(database: Database, rounds: int, *, seconds: float = 3_600) -> Contest:
    """As many rounds as there is time for."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    with place(database) as where:
        settings = Settings(
            _env_file=None,
            database_url=where.database_url,
            checkpoint_path=where.folder / "checkpoints.db",
            check_models=False,
            prefetch=True,
        )
        async with open_runtime(settings) as runtime:
            contest = await _rounds(runtime, where.database_url, rounds, time.monotonic() + seconds)
        _hold_against(Book.read(where.database_url), contest)
    return contest


async def _rounds(runtime: Runtime, database_url: str, rounds: int, until: float) -> Contest:
    contest, players = Contest(), [await _player(database_url) for _ in range(PROCESSES)]
    for number in itertools.takewhile(lambda _: time.monotonic() < until, range(rounds)):
        contest.rounds += 1
        trigger = InlineTrigger.model_validate({**TRIGGER, "product_id": f"C-{number}"})
        view = await runtime.decide(trigger.to_request(requested_by="contest"))
        assert view.proposal is not None and view.proposal.status == "pending"
        outcomes = await asyncio.gather(*(_ask(player, n, view.proposal.id) for n, player in enumerate(players)))
        _judge(contest, view.proposal.id, [outcome for each in outcomes for outcome in each])
    for player in players:
        assert player.stdin is not None
        player.stdin.close()
        await player.wait()
    return contest


async def _player(database_url: str) -> Process:
    command = [sys.executable, "-m", "tests.soak.contest", database_url]
    return await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdin=PIPE, stdout=PIPE)


async def _ask(player: Process, number: int, review_id: str) -> list[str]:
    assert player.stdin is not None and player.stdout is not None
    player.stdin.write(f"{number} {review_id}\n".encode())
    return list(json.loads(await player.stdout.readline()))


def _judge(contest: Contest, review_id: str, outcomes: list[str]) -> None:
    told = Counter(outcomes)
    contest.refused += told["refused"]
    if told == {"counted": 1, "refused": CONTESTANTS - 1}:
        contest.won += 1
    else:
        contest.lost.append(f"{review_id}: {dict(told)}")


def _hold_against(book: Book, contest: Contest) -> None:
    decided = Counter(row["proposal_number"] for row in book["decisions"])
    ordered = Counter(row["run_id"] for row in book["orders"])
    contest.lost += [f"{number} was decided {count} times" for number, count in decided.items() if count > 1]
    contest.lost += [f"{run_id} has {count} orders" for run_id, count in ordered.items() if count > 1]
    if len(decided) != contest.rounds:
        contest.lost.append(f"{len(decided)} of {contest.rounds} reviews are decided")


async def _play(database_url: str) -> None:
    """Decide as half of the contestants, for every line that comes in."""
    database = Storage(database_url)
    book = OrderBook(database)
    share = CONTESTANTS // PROCESSES
    while line := await asyncio.to_thread(sys.stdin.readline):
        process, review_id = line.split()
        first = int(process) * share
        outcomes = await asyncio.gather(*(_decide(book, review_id, first + n) for n in range(share)))
        sys.stdout.write(json.dumps(outcomes) + "\n")
        sys.stdout.flush()
    database.close()


async def _decide(book: OrderBook, review_id: str, number: int) -> str:
    decision = ("approve", "reject")[number % 2]
    name = f"reviewer-{number}"
    try:
        await book.reviews.decide(
            review_id, version=None, decision=decision, quantity=None, reason="mine", decided_by=name
        )
    except AlreadyDecided:
        return "refused"
    except Unavailable:  # as its message says
        return await _decide(book, review_id, number)
    return "counted"


if __name__ == "__main__":
    asyncio.run(_play(sys.argv[1]))
