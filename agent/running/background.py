"""Work that goes on beside requests: pieces that end by themselves, and duties that are done for as long as we live."""

import asyncio
import contextvars
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

import structlog

from tools.records.errors import RestockError, Unavailable

log = structlog.get_logger(__name__)
T = TypeVar("T")


class Background:
    """The tasks of one runtime."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()
        self._duties: set[asyncio.Task[None]] = set()
        self._ending = False

    def spawn(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Begin work that ends by itself and is waited for at the end, outside any graph that the caller runs in."""
        context = contextvars.Context()
        bound = structlog.contextvars.get_contextvars()
        context.run(structlog.contextvars.bind_contextvars, **bound)
        task = asyncio.get_running_loop().create_task(work, context=context)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    async def shielded(self, work: Coroutine[Any, Any, T]) -> T:
        """Await work that goes on when the caller goes away."""
        return await asyncio.shield(self.spawn(work))

    def keep(
        self, duty: str, work: Callable[[], Awaitable[Any]], *, pause_seconds: float, at_once: bool = True
    ) -> None:
        """Do this again and again until the end, with a pause in between, whatever goes wrong in it; the first time at
        once, or after a pause as well."""
        doing = self._again_and_again(duty, work, pause_seconds, 0.0 if at_once else pause_seconds)
        self._duties.add(asyncio.create_task(doing, name=duty))

    async def end(self, *, patience_seconds: float) -> None:
        """Give up the duties, then let what was begun end."""
        # A database driver may answer a cancellation with an error of its own, which the duty would outlive.
        self._ending = True
        for duty in self._duties:
            duty.cancel()
        if self._duties:
            await asyncio.wait(self._duties, timeout=patience_seconds)
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=patience_seconds)

    def _done(self, task: asyncio.Task[Any]) -> None:
        """A refusal is for whoever waits for the task; any other failure is for the log as well."""
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if isinstance(error, Unavailable) or not isinstance(error, RestockError | None):
            log.error("background_work_failed", error=type(error).__name__)

    async def _again_and_again(
        self, duty: str, work: Callable[[], Awaitable[Any]], pause_seconds: float, first_pause_seconds: float
    ) -> None:
        await asyncio.sleep(first_pause_seconds)
        while not self._ending:
            try:
                await work()
            except Unavailable as error:
                log.warning("duty_put_off", duty=duty, reason=error.message)
            except Exception:  # a duty outlives every fault of its work
                log.exception("duty_failed", duty=duty)
            if not self._ending:
                await asyncio.sleep(pause_seconds)
