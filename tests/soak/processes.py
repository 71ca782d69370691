"""The service's processes: started, killed, frozen and started again, each at an address that stays the same."""

import asyncio
import atexit
import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import httpx
import psutil

ROOT = Path(__file__).parents[2]
PORTS = range(20_000, 32_000)
"""Below those that systems give to outgoing connections: a port is still free when its process starts again."""
START_SECONDS = 90


class Nursery:
    """The interpreter that has everything imported, from which all processes of a trial are forked."""

    def __init__(self) -> None:
        command = [sys.executable, "-m", "tests.soak.nursery"]
        self._process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def start(self, arguments: Sequence[str], environment: dict[str, str], log: Path, fault: str | None) -> int:
        order = {
            "arguments": list(arguments),
            "environment": environment,
            "folder": str(log.parent),
            "log": str(log),
            "fault": fault,
        }
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())

    def close(self) -> None:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(30)
        self._process.stdout.close()


@cache
def open_nursery() -> Nursery:
    """One for all trials of this process, and closed with it."""
    nursery = Nursery()
    atexit.register(nursery.close)
    return nursery


@dataclass
class Process:
    """One command of the service, alive or dead."""

    nursery: Nursery
    name: str
    arguments: list[str]
    environment: dict[str, str]
    log: Path
    fault: str | None = None
    url: str | None = None
    frozen: bool = False
    starts: int = 0
    started_at: float = 0.0
    pid: int = field(default=0)

    def start(self) -> None:
        self.pid = self.nursery.start(self.arguments, self.environment, self.log, self.fault)
        self.starts, self.started_at = self.starts + 1, time.monotonic()

    def signal(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            os.kill(self.pid, number)

    def kill(self) -> None:
        """kill -9, and wait until the process is gone and its port with it."""
        self.signal(signal.SIGKILL)
        self.wait(30)

    def freeze(self) -> None:
        self.frozen = True
        self.signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self.signal(signal.SIGCONT)
        self.frozen = False

    def wait(self, seconds: float) -> None:
        """Until the process has ended. Raises TimeoutError."""
        try:
            psutil.Process(self.pid).wait(seconds)
        except psutil.NoSuchProcess:
            return
        except psutil.TimeoutExpired as error:
            raise TimeoutError(f"{self.name} did not end within {seconds} s") from error

    @property
    def alive(self) -> bool:
        try:
            return psutil.Process(self.pid).status() != psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return False

    def last_words(self) -> str:
        return self.log.read_text(errors="replace")[-3_000:] if self.log.exists() else ""


async def wait_until_ready(process: Process, client: httpx.AsyncClient) -> None:
    """Until a serving process says that it is ready. Raises TimeoutError with the end of its log."""
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        with suppress(httpx.TransportError):
            if (await client.get(f"{process.url}/health/ready")).status_code == 200:
                return
        if not process.alive:
            raise RuntimeError(f"{process.name} ended: {process.last_words()}")
        await asyncio.sleep(0.1)
    raise TimeoutError(f"{process.name} is not ready: {process.last_words()}")


def free_port() -> int:
    while True:
        port = random.SystemRandom().choice(PORTS)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
