"""Trials of the whole service: `python -m tests.soak --database sqlite --triggers 10000 --kills 200`."""

import argparse
import asyncio
import sys

from tests.soak.trial import Outcome, Plan, run


def main() -> None:
    outcome = asyncio.run(run(_plan()))
    show(outcome)
    sys.exit(1 if outcome.findings else 0)


def _plan() -> Plan:
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default=Plan.database)
    parser.add_argument("--triggers", type=int, default=Plan.triggers)
    parser.add_argument("--kills", type=int, default=Plan.kills)
    parser.add_argument("--freezes", type=int, default=Plan.freezes, help="each longer than a run's lease")
    parser.add_argument("--seed", type=int, default=Plan.seed)
    parser.add_argument("--seconds", type=float, default=Plan.seconds, help="fail after so long")
    parser.add_argument("--patience", type=float, dest="patience_seconds", default=Plan.patience_seconds)
    parser.add_argument("--fault", help="plant this fault; the trial must find it")
    return Plan(**vars(parser.parse_args()))


def show(outcome: Outcome) -> None:
    rows = {
        "database": outcome.plan.database,
        "triggers (keys)": outcome.triggers,
        "runs": outcome.runs,
        "orders": outcome.orders,
        "decisions": outcome.decisions,
        "sent again": outcome.resent,
        "messages": len(outcome.received.messages),
        "deliveries": f"{outcome.received.deliveries}, {outcome.received.refused} refused",
        "kill -9": outcome.blows.kills,
        "freezes": outcome.blows.freezes,
        "seconds": f"{outcome.seconds:.0f}",
        "triggers/s": f"{outcome.triggers / outcome.seconds:.1f}",
        "violations": sum(finding.count for finding in outcome.findings),
    }
    for name, value in rows.items():
        print(f"{name:<20} {value}")
    for finding in outcome.findings:
        print(f"\nVIOLATION {finding.check}: {finding.count}")
        for case in finding.cases:
            print(f"  {case}")


if __name__ == "__main__":
    main()
