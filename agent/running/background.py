"""Work beside requests: tasks that end by themselves, and duties that are repeated until the process ends."""

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
        """Begin a task that ends by itself; `end` waits for it. It runs outside the graph of the caller, if any."""
        context = contextvars.Context()
        bound = structlog.contextvars.get_contextvars()
        context.run(structlog.contextvars.bind_contextvars, **bound)
        task = asyncio.get_running_loop().create_task(work, context=context)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def keep(
        self, duty: str, work: Callable[[], Awaitable[Any]], *, pause_seconds: float, at_once: bool = True
    ) -> None:
        """Repeat the work until the process ends, with a pause in between, even if it fails. The first time is at once,
        or after a pause."""
        doing = self._again_and_again(duty, work, pause_seconds, 0.0 if at_once else pause_seconds)
        self._duties.add(asyncio.create_task(doing, name=duty))

    async def end(self, *, patience_seconds: float) -> None:
        """Stop the duties, then wait for the tasks."""
        # A database driver may turn the cancellation into an error of its own, which a duty survives.
        self._ending = True
        for duty in self._duties:
            duty.cancel()
        if self._duties:
            await asyncio.wait(self._duties, timeout=patience_seconds)
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=patience_seconds)

    def _done(self, task: asyncio.Task[Any]) -> None:
        """Log a failure, unless it is a refusal, which the waiting caller gets."""
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if type(error) is Unavailable or not isinstance(error, RestockError | None):
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
