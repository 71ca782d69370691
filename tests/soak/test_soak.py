"""Short forms of the trials; `make soak` runs them at full length."""

import pytest

from tests.soak.trial import Plan, run

CAUGHT_BY = {
    "no-unique-key": "doubled orders of a run",
    "no-compare-and-set": "two winners",
    "outbox-outside": "wrong outbox",
    "next-taken-for-done": "unfinished runs",
}


async def test_nothing_is_lost_or_doubled_while_the_server_is_killed_and_frozen() -> None:
    outcome = await run(Plan(triggers=60, kills=3, freezes=1))

    assert outcome.findings == []
    assert (outcome.blows.kills, outcome.blows.freezes) == (3, 1)
    assert outcome.triggers >= 60
    assert outcome.orders > 0
    assert outcome.decisions > 0
    assert len(outcome.received.messages) > outcome.orders


@pytest.mark.parametrize("fault", CAUGHT_BY)
async def test_a_planted_fault_is_found(fault: str) -> None:
    outcome = await run(Plan(triggers=60, kills=3, freezes=0, fault=fault, patience_seconds=10))

    assert CAUGHT_BY[fault] in {finding.check for finding in outcome.findings}
