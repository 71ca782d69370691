"""A real server process for benchmarks, on a free port of the loopback address."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

KEY = "benchmark-key-" + "0" * 32
START_SECONDS = 180


@contextmanager
def serving(folder: Path, **environment: str) -> Iterator[str]:
    """`restock serve` on a database in `folder`; yields its base URL and ends the process after."""
    with server_process(folder, **environment) as (base, _):
        yield base


@contextmanager
def server_process(folder: Path, *, workers: int = 1, **environment: str) -> Iterator[tuple[str, int]]:
    """The same, with the process's id."""
    port = free_port()
    settings = {
        "PORT": str(port),
        "API_KEY": KEY,
        "DATABASE_URL": f"sqlite:///{folder}/server.db",
        "CHECKPOINT_PATH": f"{folder}/server-checkpoints.db",
        "LOG_LEVEL": "error",
    }
    command = [sys.executable, "-c", "from api.commands.cli import main; main()", "serve", "--workers", str(workers)]
    process = subprocess.Popen(command, env=os.environ | settings | environment, stdout=subprocess.DEVNULL)
    base = f"http://127.0.0.1:{port}"
    try:
        wait_until_ready(f"{base}/health/ready", process)
        yield base, process.pid
    finally:
        process.terminate()
        process.wait(timeout=30)


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


def wait_until_ready(url: str, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        assert process.poll() is None, "the server did not start"
        try:
            if httpx.get(url).status_code == 200:
                return
        except httpx.HTTPError:
            time.sleep(0.1)
    raise TimeoutError(f"no answer from {url} within {START_SECONDS} s")
