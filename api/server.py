"""The serving process, or several on one port: uvicorn and its workers.

The application is imported where it is made: the parent of several processes has none, and starts in half the time.
"""

import asyncio
import gc
import multiprocessing
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial
from tempfile import TemporaryDirectory
from threading import Thread
from types import FrameType
from typing import TYPE_CHECKING, Any

import structlog
import uvicorn
from prometheus_client.multiprocess import mark_process_dead
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors import Multiprocess

from agent.environment import read_settings
from agent.metrics import SHARED_FOLDER
from agent.secrets import secrets_in_force
from agent.settings import Settings
from api.door.logs import configure_logging
from api.door.start_faults import sentence
from api.welcome import greet

if TYPE_CHECKING:
    from fastapi import FastAPI

    from agent.runtime import Runtime

log = structlog.get_logger(__name__)

GRACE_MARGIN_SECONDS = 5
KEEP_ALIVE_SECONDS = 15
MAX_CONNECTIONS = 1_000
"""Open connections of a process; uvicorn answers 503 beyond. The system must allow as many open files."""
HUNG_SECONDS = 30
"""A worker that does not answer its parent for this long is killed and replaced."""


def serve(settings: Settings, listener: socket.socket, *, workers: int = 1, only_work: bool = False) -> None:
    """Serve on this socket until a signal, with as many processes; exit with 2 if one cannot start. `only_work` serves
    health and metrics."""
    log_as_set(settings)
    try:
        if workers > 1:
            _serve_with_workers(settings, listener, workers)
            return
        from api.app import create_app

        config = _config(settings, create_app(settings, open_runtime=opened, only_work=only_work))
        with suppress(KeyboardInterrupt):
            _Server(config, partial(greet, settings, only_work=only_work)).run(sockets=[listener])
    except SystemExit:  # uvicorn's, when its application could not start
        sys.exit(2)


def worker_app() -> "FastAPI":
    """The application of one of several processes. The parent left the settings in the environment."""
    from api.app import create_app

    settings = read_settings()
    log_as_set(settings)
    return create_app(settings, open_runtime=opened)


class _Server(uvicorn.Server):
    """One process. Prints the greeting once it listens."""

    def __init__(self, config: uvicorn.Config, greet: Callable[[], Awaitable[None]]) -> None:
        super().__init__(config)
        self._greet = greet

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        await self._greet()


class _Workers(Multiprocess):
    """Several processes. Prints their address once all listen, and drops the gauges of dead ones."""

    def __init__(
        self, config: uvicorn.Config, settings: Settings, listener: socket.socket, metrics_folder: str
    ) -> None:
        super().__init__(config, [listener])
        self._settings, self._metrics_folder = settings, metrics_folder
        self._announced = False

    @property
    def failed(self) -> bool:
        """Whether a process could not start."""
        return any(process.exitcode == STARTUP_FAILURE for process in self.processes)

    def keep_subprocess_alive(self) -> None:
        before = {process.pid for process in self.processes}
        super().keep_subprocess_alive()
        for pid in before - {process.pid for process in self.processes}:
            log.warning("server_process_replaced", process=pid)
            mark_process_dead(pid, self._metrics_folder)  # type: ignore[no-untyped-call]  # the library has no types
        if not self._announced and all(process.is_ready() for process in self.processes):
            self._announced = True
            asyncio.run(greet(self._settings))


def _serve_with_workers(settings: Settings, listener: socket.socket, count: int) -> None:
    """Start the workers. The parent serves nothing; it keeps the folder of shared metrics."""
    with TemporaryDirectory(prefix="restock-metrics-") as folder:
        os.environ |= {
            "HOST": settings.host,
            "PORT": str(settings.port),
            "PUBLIC_URL": str(settings.public_url),
            "MIGRATE_AT_START": "false",
            SHARED_FOLDER: folder,
        }
        workers = _Workers(_config(settings, "api.server:worker_app", count), settings, listener, folder)
        workers.run()
    if workers.failed:
        sys.exit(STARTUP_FAILURE)


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator["Runtime"]:
    """The runtime of a serving process. From the first stop signal on it refuses new work."""
    from agent.runtime import open_runtime

    try:
        async with open_runtime(settings) as runtime:
            for number in (signal.SIGTERM, signal.SIGINT):
                _begin_shutdown_at(number, runtime)
            if parent := multiprocessing.parent_process():
                Thread(target=_end_with, args=(parent,), daemon=True).start()
            # What is loaded by now is never garbage, so the collector need not search it.
            gc.collect()
            gc.freeze()
            yield runtime
    except Exception as error:
        _say_why(error, settings)
        raise


def log_as_set(settings: Settings) -> None:
    """Configure the log by these settings, without their secrets."""
    configure_logging(settings.log_level, log_format=settings.log_format, secrets=secrets_in_force(settings))


def _say_why(error: Exception, settings: Settings) -> None:
    """Say why the process cannot serve: in a sentence if the cause is known, otherwise by its frames in the log."""
    if reason := sentence(error, settings):
        sys.stderr.write(f"{reason}\n")
    else:
        log.error("start_failed", exc_info=error)


def _begin_shutdown_at(number: signal.Signals, runtime: "Runtime") -> None:
    """Refuse new work at this signal, then call uvicorn's own handler, which is already set."""
    stop: Any = signal.getsignal(number)

    def begin(number: int, frame: FrameType | None) -> None:
        runtime.begin_shutdown()
        stop(number, frame)

    signal.signal(number, begin)


def _end_with(parent: Any) -> None:
    """End when the parent ends: otherwise a worker whose parent was killed would hold the port."""
    parent.join()
    os.kill(os.getpid(), signal.SIGTERM)


def _config(settings: Settings, app: "FastAPI | str", workers: int = 1) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        factory=isinstance(app, str),
        workers=workers,
        host=settings.host,
        port=settings.port,
        log_config=None,
        access_log=False,
        server_header=False,
        ws="none",
        forwarded_allow_ips=list(settings.trusted_proxies),
        lifespan="on",
        limit_concurrency=MAX_CONNECTIONS,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=int(settings.run_deadline_seconds) + GRACE_MARGIN_SECONDS,
        timeout_worker_healthcheck=HUNG_SECONDS,
    )
