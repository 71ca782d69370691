"""Several server processes on one listening socket: `restock serve --workers N`.

They share a database and otherwise know nothing of each other. The process here serves nothing itself: it prepares the
database, begins the others, replaces one that dies, ends one that hangs, and in the end all of them. What connects
while one is missing is answered by the rest. A child says once a second that its event loop goes round.
"""

import asyncio
import os
import signal
import sys
import threading
import time
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager, suppress
from functools import partial
from multiprocessing import get_context
from multiprocessing.connection import Connection
from socket import socket
from tempfile import TemporaryDirectory

import structlog
from prometheus_client.multiprocess import mark_process_dead

from agent.metrics import SHARED_FOLDER
from agent.runtime import Runtime, open_runtime, prepare_databases
from agent.settings import Settings
from api.app import create_app
from api.door.observability import configure_logging
from api.server import bind, run, say_address, secrets_of, stop_seconds
from tools.records.errors import RestockError

log = structlog.get_logger(__name__)

LOOK_SECONDS = 0.2
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.5, 30.0
SETTLED_SECONDS = 30.0
"""A process that has lived for so long did not die of its start."""
READY, LISTENING, BEAT = "ready", "listening", "beat"
BEAT_SECONDS = 1.0
_SPAWN = get_context("spawn")


def supervise(settings: Settings) -> None:
    """Serve with as many processes as the settings say until a signal says stop; then exit, with 1 if one failed."""
    configure_logging(settings.log_level, secrets=secrets_of(settings))
    listener, settings = bind(settings)
    try:
        if settings.migrate_at_start:
            asyncio.run(prepare_databases(settings))
    except RestockError as error:
        log.error("database_not_prepared", reason=error.message)
        sys.exit(1)
    settings = settings.model_copy(update={"migrate_at_start": False})
    with _shared_metrics() as folder:
        sys.exit(Supervisor(settings, listener, folder).run())


class Supervisor:
    """The processes that serve."""

    def __init__(self, settings: Settings, listener: socket, metrics_folder: str) -> None:
        self._settings, self._metrics_folder = settings, metrics_folder
        self._begin = partial(Child, settings, listener)
        self._children: list[Child] = []
        self._pauses = Pauses()
        self._stopping = self._opened = self._announced = False

    def run(self) -> int:
        """Until told to stop, or until a process fails before all are ready. The exit code."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        self._children = [self._begin() for _ in range(self._settings.server_processes)]
        failed = False
        while not (self._stopping or failed):
            failed = not self._look()
            time.sleep(LOOK_SECONDS)
        return self._end() or int(failed)

    def _stop(self, *_: object) -> None:
        self._stopping = True

    def _look(self) -> bool:
        """Whether to go on."""
        for child in self._children:
            if child.is_silent_for(self._settings.hung_process_seconds):
                log.error("server_process_hung", process=child.pid)
                child.kill()
        for child in [child for child in self._children if child.has_died()]:
            if not self._announced and not self._stopping:
                log.error("server_process_failed", exit_code=child.exit_code)
                return False
            self._bury(child)
        self._replace()
        self._open()
        return True

    def _bury(self, child: "Child") -> None:
        self._children.remove(child)
        mark_process_dead(child.pid, self._metrics_folder)  # type: ignore[no-untyped-call]
        pause = self._pauses.after_death(child.lived)
        log.warning("server_process_died", process=child.pid, exit_code=child.exit_code, replaced_in_seconds=pause)

    def _replace(self) -> None:
        missing = self._settings.server_processes - len(self._children)
        if missing and self._pauses.are_over():
            self._children += [self._begin() for _ in range(missing)]

    def _open(self) -> None:
        """The first ones begin to listen together, so that whoever is answered may rely on all of them."""
        self._opened = self._opened or all(child.state == READY for child in self._children)
        for child in self._children if self._opened else ():
            child.let_listen()
        if not self._announced and all(child.state == LISTENING for child in self._children):
            self._announced = True
            say_address(self._settings)

    def _end(self) -> int:
        give_up = time.monotonic() + stop_seconds(self._settings)
        for child in self._children:
            child.tell_to_end()
        return max([child.end(give_up) for child in self._children], default=0)


class Pauses:
    """How long to wait before a process that died is replaced: twice as long after each that died young."""

    def __init__(self) -> None:
        self._young_deaths, self._until = 0, 0.0

    def after_death(self, lived: float) -> float:
        self._young_deaths = self._young_deaths + 1 if lived < SETTLED_SECONDS else 0
        pause: float = min(FIRST_PAUSE_SECONDS * 2 ** min(self._young_deaths, 10), LONGEST_PAUSE_SECONDS)
        self._until = time.monotonic() + pause
        return pause

    def are_over(self) -> bool:
        return time.monotonic() >= self._until


class Child:
    """One process that serves, and the pipe to it. It ends when the pipe does, so none outlives its supervisor."""

    def __init__(self, settings: Settings, listener: socket) -> None:
        self._pipe, theirs = _SPAWN.Pipe()
        self._process = _SPAWN.Process(target=_serve_here, args=(settings, listener, theirs), daemon=True)
        self._process.start()
        theirs.close()
        self._begun, self._let = time.monotonic(), False
        self._looks_since_heard = 0
        self.state, self.pid = "starting", self._process.pid or 0

    @property
    def lived(self) -> float:
        return time.monotonic() - self._begun

    @property
    def exit_code(self) -> int | None:
        return self._process.exitcode

    def has_died(self) -> bool:
        """Whether it has ended; otherwise its latest state is known afterwards."""
        self._hear()
        return not self._process.is_alive()

    def is_silent_for(self, seconds: float) -> bool:
        """Whether it has said nothing for so long, since it listens. Counted in looks: when this process was stopped
        itself, it has not listened either."""
        self._looks_since_heard += 1
        self._hear()
        return self.state == LISTENING and self._looks_since_heard * LOOK_SECONDS > seconds

    def _hear(self) -> None:
        with suppress(EOFError, OSError):
            while self._pipe.poll():
                said = self._pipe.recv()
                self._looks_since_heard = 0
                if said != BEAT:
                    self.state = said

    def kill(self) -> None:
        self._process.kill()
        self._process.join()

    def let_listen(self) -> None:
        if self.state == READY and not self._let:
            self._let = True
            with suppress(OSError):
                self._pipe.send(None)

    def tell_to_end(self) -> None:
        self._pipe.close()

    def end(self, give_up: float) -> int:
        """Wait for its end, and bring it about where there is none in time. 1 where something went wrong."""
        self._process.join(max(0.0, give_up - time.monotonic()))
        if self._process.is_alive():
            log.error("server_process_killed", process=self.pid)
            self.kill()
        return int(self.exit_code not in (0, -signal.SIGTERM, -signal.SIGINT))


def _serve_here(settings: Settings, listener: socket, pipe: Connection) -> None:
    """The life of a child."""
    configure_logging(settings.log_level, secrets=secrets_of(settings))
    may_listen = threading.Event()
    threading.Thread(target=_heed, args=(pipe, may_listen), daemon=True).start()

    @asynccontextmanager
    async def open_with_the_others(settings: Settings) -> AsyncIterator[Runtime]:
        async with beating(pipe), open_runtime(settings) as runtime:
            _tell(pipe, READY)
            await asyncio.to_thread(may_listen.wait)
            yield runtime

    app = create_app(settings, open_runtime=open_with_the_others)
    run(settings, listener, app, once_listening=partial(_tell, pipe, LISTENING))


@asynccontextmanager
async def beating(pipe: Connection) -> AsyncIterator[None]:
    """Beats until the very end, also while runs are let end; and from a thread of its own: the pipe may be full, and
    those that everybody shares may all wait for a name server, which is no reason to end a process."""
    with ThreadPoolExecutor(1, thread_name_prefix="heart") as thread:
        beats = asyncio.create_task(_beat(pipe, thread))
        try:
            yield
        finally:
            beats.cancel()


async def _beat(pipe: Connection, thread: ThreadPoolExecutor) -> None:
    while True:
        await asyncio.get_running_loop().run_in_executor(thread, _tell, pipe, BEAT)
        await asyncio.sleep(BEAT_SECONDS)


def _heed(pipe: Connection, may_listen: threading.Event) -> None:
    try:
        while True:
            pipe.recv()
            may_listen.set()
    except (EOFError, OSError):
        os.kill(os.getpid(), signal.SIGTERM)
        may_listen.set()


def _tell(pipe: Connection, state: str) -> None:
    with suppress(OSError):
        pipe.send(state)


@contextmanager
def _shared_metrics() -> Iterator[str]:
    """A folder that all children keep their counts in, so that any of them answers for all."""
    with TemporaryDirectory(prefix="restock-metrics-") as folder:
        os.environ[SHARED_FOLDER] = folder
        yield folder
