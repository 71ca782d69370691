"""The process that serves: a socket, logging, signals."""

import asyncio
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from socket import socket
from types import FrameType
from urllib.parse import parse_qs, quote, unquote, urlsplit

import uvicorn
from fastapi import FastAPI
from pydantic import SecretStr

from agent import interpreter
from agent.settings import Settings
from api import connections
from api.app import begin_shutdown, create_app
from api.door.observability import configure_logging

_GRACE_MARGIN_SECONDS = 5
_KEEP_ALIVE_SECONDS = 15


class Server(uvicorn.Server):
    """Refuses new work as soon as it is told to stop, and tells when it listens."""

    def __init__(
        self, config: uvicorn.Config, *, app: FastAPI, settings: Settings, once_listening: Callable[[], None]
    ) -> None:
        super().__init__(config)
        self._app, self._settings, self._once_listening = app, settings, once_listening
        self._next_sweep = 0.0

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        begin_shutdown(self._app)
        super().handle_exit(sig, frame)

    async def on_tick(self, counter: int) -> bool:
        now = asyncio.get_running_loop().time()
        if now >= self._next_sweep:
            self._next_sweep = now + connections.SWEEP_SECONDS
            ours = [each for each in self.server_state.connections if isinstance(each, connections.GuardedConnection)]
            connections.sweep(ours, now, self._settings)
        return await super().on_tick(counter)

    async def startup(self, sockets: object = None) -> None:
        await super().startup(sockets=sockets)  # type: ignore[arg-type]
        interpreter.settle()
        self._once_listening()


def serve(settings: Settings, *, only_work: bool = False) -> None:
    """Serve until a signal says stop. Port 0 takes a free one. A worker serves its health and its metrics alone."""
    configure_logging(settings.log_level, secrets=secrets_of(settings))
    listener, settings = bind(settings)
    app = create_app(settings, only_work=only_work)
    run(settings, listener, app, once_listening=partial(say_address, settings))


def bind(settings: Settings) -> tuple[socket, Settings]:
    """A socket that is bound and does not listen yet, and the settings with what is known of its address by now."""
    listener = _config(settings).bind_socket()
    settings = settings.model_copy(update={"port": listener.getsockname()[1]})
    return listener, settings.model_copy(update={"public_url": settings.public_url or address_of(settings)})


def run(settings: Settings, listener: socket, app: FastAPI, *, once_listening: Callable[[], None]) -> None:
    """Serve in this process."""
    config = _config(settings)
    config.app = app
    with suppress(KeyboardInterrupt):
        Server(config, app=app, settings=settings, once_listening=once_listening).run(sockets=[listener])


def say_address(settings: Settings) -> None:
    sys.stdout.write(f"Listening on {address_of(settings)} (stop with Ctrl+C)\n")
    sys.stdout.flush()


def stop_seconds(settings: Settings) -> float:
    """As long as a process that is told to stop may take: its requests, then its runs and its webhooks."""
    return 2 * (settings.run_deadline_seconds + _GRACE_MARGIN_SECONDS) + 5


def _config(settings: Settings) -> uvicorn.Config:
    return uvicorn.Config(
        "unset",
        host=settings.host,
        port=settings.port,
        log_config=None,
        access_log=False,
        server_header=False,
        http=connections.guarded(settings),
        ws="none",
        forwarded_allow_ips=settings.trusted_proxies,
        lifespan="on",
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=int(settings.run_deadline_seconds) + _GRACE_MARGIN_SECONDS,
    )


def secrets_of(settings: Settings) -> list[str]:
    """What must never stand in a log: every secret setting, and the database's password."""
    secrets = [value.get_secret_value() for _, value in settings if isinstance(value, SecretStr)]
    storage = settings.rate_limit_storage
    urls = [settings.database_url, storage.get_secret_value() if storage else ""]
    return [*secrets, *(form for url in urls for form in _passwords(url))]


def _passwords(url: str) -> list[str]:
    """The password as the URL spells it and as it is, wherever in the URL it stands."""
    parts = urlsplit(url)
    given = [parts.password or "", *parse_qs(parts.query).get("password", ())]
    return [form for password in given for form in (password, unquote(password), quote(password, safe=""))]


def address_of(settings: Settings) -> str:
    """Where a person on this machine reaches the service."""
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(settings.host, settings.host)  # noqa: S104
    return f"http://{host}:{settings.port}"
