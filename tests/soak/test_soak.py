"""Short forms of the trials; `make soak` runs them at length."""

import asyncio
import random

import pytest

from tests.soak.clients import trigger_body
from tests.soak.contest import contend
from tests.soak.service import Database, place, serving
from tests.soak.staff import ADMIN
from tests.soak.sweeps import sweep_under_kills
from tests.soak.trial import Plan, run


@pytest.mark.parametrize(("database", "freezes"), [("sqlite", 1), ("postgresql", 0)])
async def test_nothing_is_lost_or_doubled_while_processes_are_killed_and_frozen(
    database: Database, freezes: int
) -> None:
    outcome = await run(Plan(database=database, triggers=50, kills=2, freezes=freezes))

    assert outcome.findings == []
    assert (outcome.blows.kills, outcome.blows.freezes) == (2, freezes)
    assert outcome.triggers >= 50
    assert outcome.decisions > 0
    assert len(outcome.received.messages) > outcome.orders > outcome.decisions


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
async def test_a_sweep_whose_processes_are_killed_loses_and_doubles_nothing(database: Database) -> None:
    trial = await sweep_under_kills(database, products=60, kills=2)

    assert trial.violations == []
    assert trial.kills >= 1
    assert trial.orders > 30


async def test_decisions_that_do_not_compare_before_they_set_are_found_out() -> None:
    outcome = await run(Plan(triggers=30, kills=0, freezes=0, fault="no-compare-and-set", patience_seconds=15))

    found = {finding.check for finding in outcome.findings}
    assert {"two winners", "doubled orders of a run", "wrong audit", "wrong outbox"} <= found


async def test_fifty_triggers_at_once_on_two_processes_never_find_sqlite_locked() -> None:
    dice = random.Random(1)
    with place("sqlite") as where:
        async with serving(where, ("serve", "serve")) as service:
            sent = (
                service.client.post(
                    f"{service.urls[number % 2]}/inventory-trigger",
                    json=trigger_body(number, dice),
                    headers={"X-API-Key": ADMIN},
                    timeout=60,
                )
                for number in range(50)
            )
            answers = await asyncio.gather(*sent)
        logs = [process.log.read_text() for process in service.processes]

    assert {answer.status_code for answer in answers} <= {200, 202}
    assert not any("locked" in log or "cannot serve" in log for log in logs)


async def test_of_fifty_decisions_at_once_from_two_processes_one_counts() -> None:
    contest = await contend("sqlite", rounds=5)

    assert (contest.won, contest.refused, contest.lost) == (5, 245, [])
