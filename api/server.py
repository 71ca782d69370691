"""The process that serves, or several of them on one port: uvicorn and its workers."""

import asyncio
import gc
import multiprocessing
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from socket import socket
from tempfile import TemporaryDirectory
from threading import Thread
from types import FrameType
from typing import Any

import structlog
import uvicorn
from fastapi import FastAPI
from prometheus_client.multiprocess import mark_process_dead
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors import Multiprocess

from agent.environment import read_settings
from agent.metrics import SHARED_FOLDER
from agent.runtime import Runtime, open_runtime, prepare_databases
from agent.secrets import secrets_in_force
from agent.settings import Settings
from api.app import create_app
from api.door.observability import configure_logging
from tools.records.errors import RestockError

log = structlog.get_logger(__name__)

GRACE_MARGIN_SECONDS = 5
KEEP_ALIVE_SECONDS = 15
MAX_CONNECTIONS = 1_000
"""Open connections of a process; uvicorn answers more with 503. The system must allow as many open files."""
HUNG_SECONDS = 30
"""A worker that does not answer its parent for so long is killed and replaced."""


def serve(settings: Settings, *, only_work: bool = False) -> None:
    """Serve until a signal says stop. Port 0 takes a free one. `only_work` serves health and metrics alone."""
    configure_logging(settings.log_level, secrets=secrets_in_force(settings))
    listener, settings = bind(settings)
    if settings.server_processes > 1 and not only_work:
        _serve_with_workers(settings, listener)
        return
    config = _config(settings, create_app(settings, open_runtime=opened, only_work=only_work))
    with suppress(KeyboardInterrupt):
        _Server(config, settings).run(sockets=[listener])


def bind(settings: Settings) -> tuple[socket, Settings]:
    """A socket that is bound but does not listen yet, and the settings with the address that it got."""
    listener = _config(settings).bind_socket()
    settings = settings.model_copy(update={"port": listener.getsockname()[1]})
    return listener, settings.model_copy(update={"public_url": settings.public_url or address_of(settings)})


def worker_app() -> FastAPI:
    """What each of several processes serves. Its parent left the settings in the environment."""
    settings = read_settings()
    configure_logging(settings.log_level, secrets=secrets_in_force(settings))
    return create_app(settings, open_runtime=opened)


class _Server(uvicorn.Server):
    """One process: says its address once it listens."""

    def __init__(self, config: uvicorn.Config, settings: Settings) -> None:
        super().__init__(config)
        self._settings = settings

    async def startup(self, sockets: list[socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        _say_address(self._settings)


class _Workers(Multiprocess):
    """Several processes: says their address once all listen, and drops the gauges of those that died."""

    def __init__(self, config: uvicorn.Config, settings: Settings, listener: socket, metrics_folder: str) -> None:
        super().__init__(config, [listener])
        self._settings, self._metrics_folder = settings, metrics_folder
        self._announced = False

    @property
    def failed(self) -> bool:
        """Whether one of them could not start."""
        return any(process.exitcode == STARTUP_FAILURE for process in self.processes)

    def keep_subprocess_alive(self) -> None:
        before = {process.pid for process in self.processes}
        super().keep_subprocess_alive()
        for pid in before - {process.pid for process in self.processes}:
            log.warning("server_process_replaced", process=pid)
            mark_process_dead(pid, self._metrics_folder)  # type: ignore[no-untyped-call]  # the library has no types
        if not self._announced and all(process.is_ready() for process in self.processes):
            self._announced = True
            _say_address(self._settings)


def _serve_with_workers(settings: Settings, listener: socket) -> None:
    """The parent serves nothing itself. It prepares the database once, and the folder of everybody's metrics."""
    if settings.migrate_at_start:
        try:
            asyncio.run(prepare_databases(settings))
        except RestockError as error:
            log.error("database_not_prepared", reason=error.message)
            sys.exit(1)
    with TemporaryDirectory(prefix="restock-metrics-") as folder:
        os.environ |= {
            "HOST": settings.host,
            "PORT": str(settings.port),
            "PUBLIC_URL": str(settings.public_url),
            "MIGRATE_AT_START": "false",
            SHARED_FOLDER: folder,
        }
        workers = _Workers(_config(settings, "api.server:worker_app"), settings, listener, folder)
        workers.run()
    if workers.failed:
        sys.exit(STARTUP_FAILURE)


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Runtime]:
    """The runtime of a process that serves: it refuses new work from the first signal to stop on."""
    async with open_runtime(settings) as runtime:
        for number in (signal.SIGTERM, signal.SIGINT):
            _begin_shutdown_at(number, runtime)
        if parent := multiprocessing.parent_process():
            Thread(target=_end_with, args=(parent,), daemon=True).start()
        # What is loaded by now stays for ever; looking through it for garbage again and again finds nothing.
        gc.collect()
        gc.freeze()
        yield runtime


def _begin_shutdown_at(number: signal.Signals, runtime: Runtime) -> None:
    """Before uvicorn's own handler, which is there already when an application starts."""
    stop: Any = signal.getsignal(number)

    def begin(number: int, frame: FrameType | None) -> None:
        runtime.begin_shutdown()
        stop(number, frame)

    signal.signal(number, begin)


def _end_with(parent: Any) -> None:
    """A worker whose parent was killed would go on and hold the port."""
    parent.join()
    os.kill(os.getpid(), signal.SIGTERM)


def _config(settings: Settings, app: FastAPI | str = "") -> uvicorn.Config:
    return uvicorn.Config(
        app,
        factory=isinstance(app, str),
        workers=settings.server_processes,
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


def address_of(settings: Settings) -> str:
    """Where a person on this machine reaches the service."""
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(settings.host, settings.host)  # noqa: S104
    return f"http://{host}:{settings.port}"


def _say_address(settings: Settings) -> None:
    sys.stdout.write(f"Listening on {address_of(settings)} (stop with Ctrl+C)\n")
    sys.stdout.flush()
