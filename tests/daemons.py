"""Servers of other people, nginx and Redis, where they are installed."""

import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Sequence
from typing import Self

import pytest

PACKAGES = {"nginx": "nginx-light", "redis-server": "redis-server", "promtool": "prometheus"}
START_SECONDS = 20


def program_or_skip(name: str) -> str:
    """Where the program is; skips the test where it is not. Debian keeps servers in a folder that not all look in."""
    program = shutil.which(name) or shutil.which(name, path="/usr/sbin")
    if program is None:
        pytest.skip(f"{name} is not installed (Debian: apt-get install {PACKAGES[name]})")
    return program


class Daemon:
    """A server that listens on a port of this machine while the block lasts."""

    def __init__(self, command: Sequence[str], port: int) -> None:
        self.port = port
        self._command = command

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        self._process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until = time.monotonic() + START_SECONDS
        while time.monotonic() < until and self._process.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            except OSError:
                time.sleep(0.05)
            else:
                return
        self.stop()
        raise AssertionError(f"{self._command[0]} does not listen")

    def stop(self) -> None:
        self._process.terminate()
        self._process.send_signal(signal.SIGCONT)  # one that is stopped does not hear the first
        self._process.wait(START_SECONDS)

    def send(self, number: signal.Signals) -> None:
        self._process.send_signal(number)
