"""Starts `restock` commands quickly: `python -m tests.soak.nursery`, told by lines of JSON what to start.

Importing everything takes an interpreter seconds, and a trial kills hundreds of processes. So this one imports once and
forks: each child is a process of its own, runs the command from its first line, and shares nothing with its siblings.
"""

import json
import os
import signal
import sys
from functools import partial
from typing import Any

import alembic.command  # noqa: F401

import agent.running.queue
import agent.running.sweeping
import agent.running.work
import agent.runtime
import api.app
import api.server
from api.commands.cli import main as restock
from api.webhooks.deliverer import Pace
from tests.soak.faulty import plant

PACE = Pace(
    timeout_seconds=3,
    attempts=100,
    first_retry_seconds=0.2,
    longest_retry_seconds=2,
    poll_seconds=0.5,
    lease_margin_seconds=2,
)
SHORT_SECONDS = 2.0
"""What a killed or frozen process holds stays with it for so long beyond a run's or an attempt's time limit; usually
it is longer."""


def main() -> None:
    shorten_leases()
    os.setpgrp()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel buries the children
    for line in sys.stdin:
        sys.stdout.write(f"{start(json.loads(line))}\n")
        sys.stdout.flush()
    os.killpg(0, signal.SIGKILL)  # whoever asked is gone, and nobody may be left


def shorten_leases() -> None:
    api.app.delivering = partial(api.app.delivering, pace=PACE)
    agent.running.work.LEASE_MARGIN_SECONDS = SHORT_SECONDS
    agent.running.sweeping.LEASE_SECONDS = 3 * SHORT_SECONDS
    agent.runtime.REDELIVER_SECONDS = SHORT_SECONDS
    agent.running.queue.HEARTBEAT_SECONDS, agent.running.queue.STALLED_SECONDS = SHORT_SECONDS / 2, 2 * SHORT_SECONDS


def start(order: dict[str, Any]) -> int:
    child = os.fork()
    if child == 0:
        become(order)
    return child


def become(order: dict[str, Any]) -> None:
    """Turn this process into the command that was asked for."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.chdir(order["folder"])
    os.environ.clear()
    os.environ.update(order["environment"])
    _redirect(order["log"])
    sys.argv = ["restock", *order["arguments"]]
    if order["fault"]:
        plant(order["fault"])
    try:
        restock()
    finally:
        os._exit(0)


def _redirect(log: str) -> None:
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.closerange(3, 256)


if __name__ == "__main__":
    main()
