"""Trials of the whole service in real processes, each of which fails on any violation:

python -m tests.soak trial --database sqlite --triggers 10000 --kills 200   clients, reviewers, a receiver, kills
python -m tests.soak faults                            planted faults, of which each must be found
python -m tests.soak storm                             PostgreSQL's connections ended, the server crashed
python -m tests.soak decisions --rounds 1000           50 decisions at once from two processes, one of them counts
python -m tests.soak starts --rounds 20                8 processes at once on an empty database
python -m tests.soak sweeps --products 1000 --kills 10    a sweep whose processes are killed in the middle
"""

import argparse
import asyncio
import signal
import sys
from dataclasses import fields

from tests.soak.contest import CONTESTANTS, contend
from tests.soak.faulty import FAULTS
from tests.soak.starts import PROCESSES, start_together
from tests.soak.sweeps import sweep_under_kills
from tests.soak.trial import Outcome, Plan, run

Options = argparse.Namespace


def main() -> None:
    options = _parser().parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # nothing that was started may be left behind
    sys.exit(options.work(options))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.soak", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(required=True)
    trial, faults, storm = (commands.add_parser(name) for name in ("trial", "faults", "storm"))
    trial.set_defaults(work=_trial)
    trial.add_argument("--fault", choices=FAULTS, help="plant this one")
    faults.set_defaults(work=_faults)
    storm.set_defaults(work=_trial, database="postgresql")
    storm.add_argument("--storm", type=float, default=0.4, dest="storm_seconds", help="pause between the ends")
    storm.add_argument("--crashes", type=int, default=3)
    for each in (trial, faults, storm):
        _add_plan(each, struck=each is not storm)
    for name, work, rounds in (("decisions", _decisions, 1_000), ("starts", _starts, 20)):
        command = commands.add_parser(name)
        command.set_defaults(work=work)
        command.add_argument("--rounds", type=int, default=rounds)
        command.add_argument("--seconds", type=float, default=3_600, help="begin no round after so long")
        _add_database(command)
    swept = commands.add_parser("sweeps")
    swept.set_defaults(work=_sweeps)
    swept.add_argument("--products", type=int, default=1_000, help="that trigger")
    swept.add_argument("--kills", type=int, default=10, help="kill -9")
    _add_database(swept)
    return parser


def _add_plan(command: argparse.ArgumentParser, *, struck: bool) -> None:
    if struck:
        _add_database(command)
    command.add_argument("--triggers", type=int, default=Plan.triggers if struck else 100_000)
    command.add_argument("--kills", type=int, default=Plan.kills if struck else 0, help="kill -9")
    command.add_argument("--freezes", type=int, default=Plan.freezes if struck else 0, help="longer than a run's lease")
    command.add_argument("--seed", type=int, default=Plan.seed)
    seconds = Plan.seconds if struck else 180
    command.add_argument("--seconds", type=float, default=seconds, help="send nothing more after so long")
    # While a storm lasts, what is queued may have to wait.
    patience = Plan.patience_seconds if struck else 900
    command.add_argument("--patience", type=float, dest="patience_seconds", default=patience)


def _add_database(command: argparse.ArgumentParser) -> None:
    command.add_argument("--database", choices=("sqlite", "postgresql"), default=Plan.database)


def _plan(options: Options, **more: str) -> Plan:
    names = {field.name for field in fields(Plan)}
    return Plan(**{name: value for name, value in vars(options).items() if name in names} | more)


def _trial(options: Options) -> int:
    outcome = asyncio.run(run(_plan(options)))
    _show(outcome)
    return 1 if outcome.findings else 0


def _faults(options: Options) -> int:
    missed = 0
    for fault, (_, check) in FAULTS.items():
        outcome = asyncio.run(run(_plan(options, fault=fault)))
        found = {finding.check: finding.count for finding in outcome.findings}
        missed += check not in found
        shown = ", ".join(f"{name} {count}" for name, count in found.items())
        state = "found" if check in found else "MISSED"
        print(f"{state:<8}{fault:<26} {outcome.triggers} triggers, {outcome.blows.kills} kills: {shown}", flush=True)
    return missed


def _decisions(options: Options) -> int:
    contest = asyncio.run(contend(options.database, options.rounds, seconds=options.seconds))
    print(f"{options.database}: {contest.won} of {contest.rounds} rounds of {CONTESTANTS} decisions have one winner")
    print("\n".join(contest.lost))
    return len(contest.lost)


def _starts(options: Options) -> int:
    starts = asyncio.run(start_together(options.database, options.rounds, seconds=options.seconds))
    print(f"{options.database}: {starts.ready} of {starts.rounds} × {PROCESSES} processes ready")
    print("\n".join(starts.failures))
    return starts.rounds * PROCESSES - starts.ready


def _sweeps(options: Options) -> int:
    trial = asyncio.run(sweep_under_kills(options.database, products=options.products, kills=options.kills))
    print(
        f"{options.database}: {trial.products} products, {trial.kills} kills, {trial.orders} orders in "
        f"{trial.seconds:.0f} s, violations: {len(trial.violations)}"
    )
    print("\n".join(trial.violations))
    return len(trial.violations)


def _show(outcome: Outcome) -> None:
    received, blows = outcome.received, outcome.blows
    rows: tuple[tuple[str, object], ...] = (
        ("database", outcome.plan.database),
        ("triggers (keys)", outcome.triggers),
        ("runs", outcome.runs),
        ("orders", outcome.orders),
        ("decisions", outcome.decisions),
        ("sent again", outcome.resent),
        ("messages", len(received.messages)),
        ("deliveries", f"{received.deliveries}, {received.refused} refused"),
        ("kill -9", blows.kills),
        ("freezes", blows.freezes),
        ("connections ended", blows.connections),
        ("PostgreSQL crashes", blows.crashes),
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
