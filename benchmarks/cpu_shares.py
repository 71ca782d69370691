"""Whose code CPU time is spent in, by sampling: every 2 ms of CPU the kernel interrupts, and the stack is looked at."""

import signal
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

INTERVAL_SECONDS = 0.002
OWNERS = {
    "/langgraph/checkpoint/": "checkpointer",
    "/agent/checkpoints": "checkpointer",
    "/langgraph/": "LangGraph",
    "/langchain": "LangChain",
    "/langsmith": "LangChain",
    "/sqlalchemy/": "SQL",
    "/aiosqlite/": "SQL",
    "/psycopg": "SQL",
    "/tools/sqlite_driver": "SQL",
    "/tools/group_commit": "SQL",
    "/pydantic": "pydantic",
    "/numpy/": "our code",
    "/scipy/": "our code",
    "/httpx": "model client",
    "/httpcore": "model client",
    "/groq/": "model client",
}
OURS = ("/agent/", "/tools/", "/api/")
IDLE = ("select", "_connection_worker_thread", "_worker", "wait", "get")


@contextmanager
def sampled(shares: Counter[str]) -> Iterator[None]:
    """Count samples by owner. Call it on the main thread, which alone hears signals; other threads are looked at."""

    def look(_: int, frame: FrameType | None) -> None:
        shares[_owner(_busy(frame))] += 1

    before = signal.signal(signal.SIGPROF, look)
    signal.setitimer(signal.ITIMER_PROF, INTERVAL_SECONDS, INTERVAL_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def _busy(frame: FrameType | None) -> FrameType | None:
    """The interrupted frame; while the main thread only waits, that of another thread at work."""
    if frame is None or frame.f_code.co_name not in IDLE:
        return frame
    others = (each for each in sys._current_frames().values() if each.f_code.co_name not in IDLE)
    return next((each for each in others if each is not frame), frame)


def _owner(frame: FrameType | None) -> str:
    """The innermost owner; the checkpointer also owns what it calls."""
    found = None
    while frame is not None:
        path = frame.f_code.co_filename.replace("\\", "/")
        owner = _of_file(path)
        if owner == "checkpointer":
            return owner
        found = found or owner
        frame = frame.f_back
    return found or "Python and the rest"


def _of_file(path: str) -> str | None:
    named = next((owner for part, owner in OWNERS.items() if part in path), None)
    if named is None and "/site-packages/" not in path and any(part in path for part in OURS):
        return "our code"
    return named
