"""Short forms of the trials; `make soak` and `make soak-faults` run them at length."""

from tests.soak.trial import Plan, run


async def test_nothing_is_lost_or_doubled_while_the_server_is_killed_and_frozen() -> None:
    outcome = await run(Plan(triggers=40, kills=2, freezes=1))

    assert outcome.findings == []
    assert (outcome.blows.kills, outcome.blows.freezes) == (2, 1)
    assert outcome.triggers >= 40
    assert outcome.decisions > 0
    assert len(outcome.received.messages) > outcome.orders > outcome.decisions


async def test_decisions_that_do_not_compare_before_they_set_are_found_out() -> None:
    outcome = await run(Plan(triggers=15, kills=0, freezes=0, fault="no-compare-and-set", patience_seconds=10))

    found = {finding.check for finding in outcome.findings}
    assert {"two winners", "doubled orders of a run", "wrong audit", "wrong outbox"} <= found
