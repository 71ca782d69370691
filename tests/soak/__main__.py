"""Trials of the whole service, each with real processes that are killed, frozen and raced:

python -m tests.soak trial --database sqlite --triggers 10000 --kills 200     clients, reviewers, a receiver
python -m tests.soak faults                                                   planted faults, each to be found
"""

import argparse
import asyncio
import signal
import sys
from collections.abc import Sequence
from dataclasses import fields

from tests.soak.faulty import FAULTS
from tests.soak.trial import Outcome, Plan, run


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m tests.soak", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True)
    trial = commands.add_parser("trial", help="everything at once; fails on any violation")
    faults = commands.add_parser("faults", help="every planted fault in turn; fails where one is not found")
    for each in (trial, faults):
        each.add_argument("--database", choices=("sqlite", "postgresql"), default=Plan.database)
        each.add_argument("--triggers", type=int, default=Plan.triggers)
        each.add_argument("--kills", type=int, default=Plan.kills)
        each.add_argument("--freezes", type=int, default=Plan.freezes, help="each longer than a run's lease")
        each.add_argument("--seed", type=int, default=Plan.seed)
        each.add_argument("--seconds", type=float, default=Plan.seconds, help="send nothing more after so long")
        each.add_argument("--patience", type=float, dest="patience_seconds", default=Plan.patience_seconds)
    trial.add_argument("--fault", choices=FAULTS, help="plant this fault; the trial must find it")
    trial.set_defaults(work=_trial)
    faults.set_defaults(work=_faults)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.exit(parser.parse_args().work(parser.parse_args()))


def _plan(options: argparse.Namespace, **more: str) -> Plan:
    names = {field.name for field in fields(Plan)}
    return Plan(**{name: value for name, value in vars(options).items() if name in names} | more)


def _trial(options: argparse.Namespace) -> int:
    outcome = asyncio.run(run(_plan(options)))
    show(outcome)
    return 1 if outcome.findings else 0


def _faults(options: argparse.Namespace) -> int:
    missed = 0
    for fault in FAULTS:
        outcome = asyncio.run(run(_plan(options, fault=fault)))
        found = {finding.check: finding.count for finding in outcome.findings}
        missed += not found
        shown = ", ".join(f"{check} {count}" for check, count in found.items())
        print(
            f"{fault:<26} {outcome.triggers} triggers, {outcome.blows.kills} kills: {shown or 'NOT FOUND'}", flush=True
        )
    return missed


def show(outcome: Outcome) -> None:
    received = outcome.received
    rows: Sequence[tuple[str, object]] = (
        ("database", outcome.plan.database),
        ("triggers (keys)", outcome.triggers),
        ("runs", outcome.runs),
        ("orders", outcome.orders),
        ("decisions", outcome.decisions),
        ("sent again", outcome.resent),
        ("messages", len(received.messages)),
        ("deliveries", f"{received.deliveries}, {received.refused} refused"),
        ("kill -9", outcome.blows.kills),
        ("freezes", outcome.blows.freezes),
        ("seconds", f"{outcome.seconds:.0f}"),
        ("triggers/s", f"{outcome.triggers / outcome.seconds:.1f}"),
        ("violations", sum(finding.count for finding in outcome.findings)),
    )
    for name, value in rows:
        print(f"{name:<20} {value}")
    for finding in outcome.findings:
        print(f"\nVIOLATION {finding.check}: {finding.count}")
        for case in finding.cases:
            print(f"  {case}")


if __name__ == "__main__":
    main()
