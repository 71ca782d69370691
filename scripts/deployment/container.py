"""Runs a service of compose.yaml in namespaces of its own, and keeps it running as its restart policy says."""

import os
import signal
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Thread

import psutil

from scripts.deployment.compose import Service
from scripts.deployment.dockerfile import Configuration
from scripts.deployment.jail import Jail, Mount, account

PATIENCE_SECONDS = 600
"""How long a state is waited for. A busy machine is slow, not broken."""

MOST_STARTS = 5
"""What ends so often by itself will not become healthy."""


@dataclass(frozen=True)
class Image:
    """A root, and how it is run."""

    root: Path
    configuration: Configuration


class Container:
    """A service: its processes, its log and its health."""

    def __init__(self, service: Service, image: Image, mounts: Sequence[Mount], folder: Path) -> None:
        self.service, self.image = service, image
        self.log = folder / f"{service.name}.log"
        self.starts = 0
        self.ended_with: int | None = None
        self._wanted = False
        configuration = image.configuration
        user = service.said.get("user", configuration.user)
        self._jail = Jail(
            image.root,
            {"HOME": account(image.root, user)[2], **configuration.environment, **service.environment},
            configuration.workdir,
            user,
            mounts,
            read_only=service.said["read_only"],
            namespace=("ip", "netns", "exec", service.name),
        )

    def start(self) -> None:
        self._wanted = True
        self._begin()
        Thread(target=self._watch, daemon=True).start()

    def stop(self) -> float:
        """Ask process 1 to end, as `docker stop` does; returns how long it took. `ended_with` has its exit code. An
        engine would kill it after `grace_seconds`; here it may be slow, which the caller sees."""
        self._wanted, began = False, time.monotonic()
        os.kill(self.first_process.pid, signal.Signals[self.image.configuration.stop_signal])
        try:
            self._outer.wait(PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
        self.ended_with = self._outer.wait()
        return time.monotonic() - began

    def kill(self) -> None:
        """Kill process 1, and with it all others."""
        self.send(signal.SIGKILL)

    def send(self, number: signal.Signals) -> None:
        os.kill(self.first_process.pid, number)

    def run_to_its_end(self) -> int:
        """For a service that passes: its exit code."""
        self._begin()
        return self._outer.wait(PATIENCE_SECONDS)

    def execute(self, *command: str) -> subprocess.CompletedProcess[str]:
        """A command beside process 1."""
        joined = self._jail.joining(self.first_process.pid, command)
        return subprocess.run(joined, capture_output=True, text=True, check=False, timeout=PATIENCE_SECONDS)

    def becomes_healthy(self, beyond: int = 0) -> bool:
        """Whether the health check of compose.yaml, or of the image, passes in time. `beyond`: after so many starts."""
        test = self.service.health or self.image.configuration.health
        until = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < until and self.starts <= beyond + MOST_STARTS:
            if self.starts > beyond and self._passes(test):
                return True
            time.sleep(0.25)
        return False

    def _passes(self, test: Sequence[str]) -> bool:
        try:
            return self.is_alive and self.execute(*test).returncode == 0
        except (IndexError, psutil.Error):  # it ended meanwhile
            return False

    @property
    def is_alive(self) -> bool:
        return self._outer.poll() is None and bool(psutil.Process(self._outer.pid).children())

    @property
    def first_process(self) -> psutil.Process:
        """Process 1 of the container, as this machine sees it."""
        return psutil.Process(self._outer.pid).children()[0]

    @property
    def peak_memory_bytes(self) -> int:
        """The most that its present processes have held, added up."""
        return sum(_kilobytes(each, "VmHWM") for each in self._processes()) * 1024

    def last_lines(self, number: int) -> str:
        """The end of its log."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-number:])

    def status(self, name: str) -> str:
        """A line of process 1's status in /proc."""
        return _status(self.first_process, name)

    def _processes(self) -> list[psutil.Process]:
        return [self.first_process, *self.first_process.children(recursive=True)]

    def _begin(self) -> None:
        configuration = self.image.configuration
        command = [*configuration.entrypoint, *(self.service.command or configuration.command)]
        with self.log.open("ab") as log, self.log.with_suffix(".engine").open("ab") as engine_log:
            self.log.chmod(0o666)  # as engines do: process 1 may open its own standard error
            self._outer = subprocess.Popen(self._jail.starting(command), stdout=log, stderr=engine_log)
        self.starts += 1

    def _watch(self) -> None:
        """Start it again whenever it ends by itself, if its restart policy says so."""
        while self._wanted:
            self._outer.wait()
            if self._wanted and self.service.restarts:
                time.sleep(0.1)
                self._begin()
            else:
                return


def _status(process: psutil.Process, name: str) -> str:
    lines = Path(f"/proc/{process.pid}/status").read_text().splitlines()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith(f"{name}:")), "0")


def _kilobytes(process: psutil.Process, name: str) -> int:
    return int(_status(process, name).split()[0])
