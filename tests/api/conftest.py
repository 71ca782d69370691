"""The whole service in this process, and as a process of its own."""

import io
import logging
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
import structlog
from fastapi import FastAPI
from sqlalchemy import func, select

from agent.settings import Settings
from api.app import create_app
from api.door.auth import digest, new_key
from api.door.logs import configure_logging
from tests.order_book import store_key
from tests.terminal import Run, Terminal
from tools.storage.schema import metadata

ROOT = Path(__file__).parents[2]
KEY = "test-key-of-the-settings-32-long"
X1 = {
    "product_id": "X1",
    "mode": "input",
    "current_stock": 150,
    "demand_history": [100, 120, 110, 130, 125, 115, 140],
    "lead_time_days": 7,
    "service_level": 0.95,
    "unit_price": 500,
}
REVIEWED = {**X1, "product_id": "X2", "unit_price": 5_000}
"""Worth more than the limit for automatic orders, so it waits for a person."""


class Service:
    """The application with its lifespan begun, and a client that has a key."""

    def __init__(self, app: FastAPI, client: httpx.AsyncClient) -> None:
        self.app, self.client = app, client
        self.runtime = app.state.runtime
        self.book = app.state.runtime.book

    async def trigger(self, body: dict[str, Any], **headers: str) -> httpx.Response:
        return await self.client.post("/inventory-trigger", json=body, headers=headers)

    async def decide(self, review_id: str, **body: Any) -> httpx.Response:
        return await self.client.post(f"/reviews/{review_id}/decision", json=body)

    async def waiting(self) -> dict[str, Any]:
        """A fresh order that waits for a person."""
        answer = (await self.trigger(REVIEWED)).json()
        assert answer["status"] == "pending_review"
        return dict(answer)

    async def count(self, table: str) -> int:
        query = select(func.count()).select_from(metadata.tables[table])
        with self.book.database.engine.begin() as connection:
            return int(connection.scalar(query))

    async def traces(self) -> dict[str, int]:
        """How many rows each table of the order book has, but for the keys."""
        return {
            table: await self.count(table)
            for table in metadata.tables
            if table not in ("api_keys", "key_secrets", "audit")
        }


Start = Callable[..., Awaitable[Service]]


@pytest.fixture(scope="session", autouse=True)
def _quiet_log() -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))


def settings_in(folder: Path) -> Settings:
    return Settings(
        _env_file=None,
        api_key=KEY,
        database_url=f"sqlite:///{folder}/restock.db",
        checkpoint_path=folder / "checkpoints.db",
        gemini_api_key=None,
        groq_api_key=None,
    )


@pytest.fixture
def settings(tmp_path: Path, migrated_sqlite: Path) -> Settings:
    shutil.copy(migrated_sqlite, tmp_path / "restock.db")
    return settings_in(tmp_path)


@asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[Service]:
    app = create_app(settings)
    transport = httpx.ASGITransport(app=app)
    client = httpx.AsyncClient(transport=transport, base_url="http://service", headers={"X-API-Key": KEY})
    async with app.router.lifespan_context(app), client:
        yield Service(app, client)


@pytest.fixture
async def start(settings: Settings) -> AsyncIterator[Start]:
    """Starts a service in this process, with settings changed as told."""
    async with AsyncExitStack() as stack:

        async def start_one(**changes: Any) -> Service:
            return await stack.enter_async_context(running(settings.model_copy(update=changes)))

        yield start_one


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Service]:
    """One service for all tests of a module that say `asyncio(loop_scope="module")`."""
    async with running(settings_in(tmp_path_factory.mktemp("shared"))) as service:
        yield service


@pytest.fixture
async def service(start: Start) -> Service:
    return await start()


@pytest.fixture(params=["sqlite", "postgresql"])
async def either(request: pytest.FixtureRequest, start: Any) -> Any:
    """A service on one of the databases."""
    if request.param == "sqlite":
        return await start()
    return await start(database_url=request.getfixturevalue("postgres_url"))


@pytest.fixture
def stored_key(service: Service) -> Callable[..., Awaitable[str]]:
    """Makes a key of the service with these scopes."""

    async def store(*scopes: str) -> str:
        key = new_key()
        await store_key(service.book, digest(key.encode()), key[:10], " ".join(scopes), *scopes)
        return key

    return store


@pytest.fixture
def client(service: Service) -> httpx.AsyncClient:
    return service.client


def problem(response: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """The problem document that the response must be."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    document = dict(response.json())
    assert document["status"] == status
    assert document["code"] == code
    assert document["type"] == f"urn:restock:problem:{code}"
    assert document["title"]
    assert document["detail"]
    assert document["instance"] == response.headers["x-request-id"]
    return document


@pytest.fixture(name="problem")
def _problem() -> Callable[[httpx.Response, int, str], dict[str, Any]]:
    return problem


@pytest.fixture
def x1() -> dict[str, Any]:
    return dict(X1)


@pytest.fixture
def reviewed() -> dict[str, Any]:
    return dict(REVIEWED)


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """The log as configured for the service, in memory."""
    before = structlog.get_config()
    handlers, level = logging.root.handlers[:], logging.root.level
    stream = io.StringIO()
    configure_logging("debug", secrets=["canary-1a2b", 'quo"ted-secret', "", "event"], stream=stream)
    yield stream
    logging.captureWarnings(False)
    logging.root.handlers[:] = handlers
    logging.root.setLevel(level)
    structlog.configure(**before)


class Process:
    """`restock serve` as a process of its own, in a folder of its own."""

    def __init__(self, folder: Path, environment: dict[str, str], *, workers: int = 1, first: str = "") -> None:
        self.stdout, self.stderr = folder / "stdout.txt", folder / "stderr.txt"
        command = ("serve", "--port", "0", "--workers", str(workers))
        keep = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG", "TMPDIR")}
        with self.stdout.open("ab") as out, self.stderr.open("ab") as err:
            self._process = subprocess.Popen(
                [sys.executable, "-c", f"{first}\nfrom api.commands.cli import main; main()", *command],
                cwd=folder,
                env={**keep, "PYTHONPATH": str(ROOT), **environment},
                stdout=out,
                stderr=err,
            )
        self._seen = self.stdout.read_text().count("Listening on")
        self.url = self._wait_for_address()

    def _wait_for_address(self) -> str:
        patience = time.monotonic() + 120
        while time.monotonic() < patience and self._process.poll() is None:
            found = re.findall(r"Listening on (http://[\w.:]+)", self.stdout.read_text())
            if len(found) > self._seen:
                return str(found[-1])
            time.sleep(0.05)
        raise AssertionError(f"restock serve did not start: {self.stderr.read_text()[-2000:]}")

    @property
    def pid(self) -> int:
        return self._process.pid

    def client(self, key: str = KEY) -> httpx.Client:
        return httpx.Client(base_url=self.url, headers={"X-API-Key": key}, timeout=60, trust_env=False)

    def send(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def wait(self) -> int:
        return self._process.wait(60)

    def kill(self) -> None:
        with suppress(ProcessLookupError):
            self.send(signal.SIGKILL)
        self._process.wait(60)


@contextmanager
def processes() -> Iterator[Callable[..., Process]]:
    """Starts `restock serve` in a folder, with an environment, `workers`, and what Python is to do `first`; ends all in
    the end."""
    started: list[Process] = []

    def start_one(folder: Path, environment: dict[str, str], **how: Any) -> Process:
        started.append(Process(folder, environment, **how))
        return started[-1]

    try:
        yield start_one
    finally:
        for process in started:
            process.kill()


@pytest.fixture(scope="session")
def start_process() -> Iterator[Callable[..., Process]]:
    with processes() as start:
        yield start


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., Process]]:
    """Starts `restock serve` in this test's folder; several one after the other share what is in it."""
    with processes() as start:
        yield lambda workers=1, first="", **environment: start(tmp_path, environment, workers=workers, first=first)


@pytest.fixture
def in_terminal(tmp_path: Path) -> Iterator[Run]:
    """Runs `restock …` in a folder of its own."""
    begun: list[Terminal] = []

    def run_one(*arguments: str, **settings: str) -> Terminal:
        begun.append(Terminal(tmp_path, *arguments, **settings))  # type: ignore[arg-type]  # a switch is among them
        return begun[-1]

    yield run_one
    for each in begun:
        each.process.kill()
        each.process.wait()
