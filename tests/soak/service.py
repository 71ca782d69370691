"""The service under trial: its processes on a database of their own, a client, and whoever takes part."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

import httpx

from tests.soak.databases import PostgresServer, postgres_server
from tests.soak.processes import Nursery, Process, free_port, open_nursery, wait_until_ready
from tests.soak.staff import ADMIN

Database = Literal["sqlite", "postgresql"]
DATABASE_NAME = "soak"
PATIENCE_SECONDS = 10.0
STOP_SECONDS = 60.0
SETTINGS = {
    "API_KEY": ADMIN,
    "CHECK_MODELS": "false",
    "RUN_DEADLINE_SECONDS": "3",
    "AUTO_ORDER_VALUE_LIMIT": "10000",
    "AUTO_DAY_VALUE_LIMIT": "900000000",
    "PREFETCH": "true",
    "LOG_LEVEL": "warning",
}
"""Short leases and pauses, so that a trial sees many of them end; nothing that changes what is promised."""


@dataclass
class Place:
    """Where a trial keeps what it makes: a database, and a folder for the processes' logs."""

    database_url: str
    folder: Path
    server: PostgresServer | None = None


@dataclass
class Service:
    processes: list[Process]
    client: httpx.AsyncClient

    @property
    def urls(self) -> list[str]:
        return [process.url for process in self.processes if process.url]


@contextmanager
def place(database: Database) -> Iterator[Place]:
    with TemporaryDirectory(prefix="restock-soak-") as name:
        folder = Path(name)
        if database == "sqlite":
            yield Place(f"sqlite:///{folder}/book.db", folder)
        else:
            with postgres_server() as server:
                yield Place(server.create(DATABASE_NAME), folder, server)


@asynccontextmanager
async def serving(
    where: Place, commands: Sequence[str], *, settings: Mapping[str, str] | None = None, fault: str | None = None
) -> AsyncIterator[Service]:
    """Run these commands of the service, `serve` or `worker`, until the block ends; then they are told to stop."""
    async with AsyncExitStack() as stack:
        nursery = await asyncio.to_thread(open_nursery)
        environment = _environment(where, commands) | dict(settings or {})
        processes = [_process(nursery, command, n, where, environment, fault) for n, command in enumerate(commands)]
        client = httpx.AsyncClient(timeout=PATIENCE_SECONDS, trust_env=False, limits=httpx.Limits(max_connections=200))
        await stack.enter_async_context(client)
        for process in processes:
            stack.callback(process.kill)
            await asyncio.to_thread(process.start)
        await asyncio.gather(*(wait_until_ready(each, client) for each in processes if each.url))
        yield Service(processes, client)
        for process in processes:
            process.signal(signal.SIGTERM)
        for process in processes:
            await asyncio.to_thread(process.wait, STOP_SECONDS)


def _process(
    nursery: Nursery, command: str, number: int, where: Place, environment: dict[str, str], fault: str | None
) -> Process:
    name = f"{command}-{number}"
    log = where.folder / f"{name}.log"
    if command != "serve":
        return Process(nursery, name, [command], environment, log, fault)
    port = free_port()
    return Process(nursery, name, [command, "--port", str(port)], environment, log, fault, f"http://127.0.0.1:{port}")


def _environment(where: Place, commands: Sequence[str]) -> dict[str, str]:
    return SETTINGS | {
        "WORK_RUNS": "false" if "worker" in commands else "true",
        "PATH": os.environ["PATH"],
        "HOME": str(where.folder),
        "DATABASE_URL": where.database_url,
        "CHECKPOINT_PATH": str(where.folder / "checkpoints.db"),
    }
