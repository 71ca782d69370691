"""The process that serves: a socket, logging, signals."""

import asyncio
import sys
from contextlib import suppress
from types import FrameType
from urllib.parse import parse_qs, quote, unquote, urlsplit

import uvicorn
from fastapi import FastAPI
from pydantic import SecretStr

from agent import garbage
from agent.settings import Settings
from api import connections
from api.app import begin_shutdown, create_app
from api.observability import configure_logging

_GRACE_MARGIN_SECONDS = 5
_KEEP_ALIVE_SECONDS = 15


class Server(uvicorn.Server):
    """Refuses new work as soon as it is told to stop, and says where it listens once it does."""

    def __init__(self, config: uvicorn.Config, *, app: FastAPI, address: str, settings: Settings) -> None:
        super().__init__(config)
        self._app, self._address, self._settings = app, address, settings
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
        garbage.settle()
        _say(f"Listening on {self._address} (stop with Ctrl+C)")


def serve(settings: Settings, *, only_work: bool = False) -> None:
    """Serve until a signal says stop. Port 0 takes a free one. A worker serves its health and its metrics alone."""
    configure_logging(settings.log_level, secrets=secrets_of(settings))
    config = uvicorn.Config(
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
    listener = config.bind_socket()
    settings = settings.model_copy(update={"port": listener.getsockname()[1]})
    address = address_of(settings)
    settings = settings.model_copy(update={"public_url": settings.public_url or address})
    config.app = app = create_app(settings, only_work=only_work)
    with suppress(KeyboardInterrupt):
        Server(config, app=app, address=address, settings=settings).run(sockets=[listener])


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


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
