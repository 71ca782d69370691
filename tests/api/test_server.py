"""What a serving process does at its start and at the first signal to stop."""

import gc
import signal
from collections.abc import Iterator

import pytest

from agent.settings import Settings
from api.server import opened


@pytest.fixture
def stopped() -> Iterator[list[int]]:
    """The signals that the server's own handlers have heard."""
    heard: list[int] = []
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    for number in before:
        signal.signal(number, lambda number, _: heard.append(number))
    yield heard
    for number, handler in before.items():
        signal.signal(number, handler)
    gc.unfreeze()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_from_the_first_signal_to_stop_on_no_new_work_is_taken(
    settings: Settings, stopped: list[int], number: signal.Signals
) -> None:
    async with opened(settings) as runtime:
        ready = (await runtime.readiness())["ready"]

        signal.raise_signal(number)

        assert (ready, runtime.closing, stopped) == (True, True, [number])
        assert (await runtime.readiness())["ready"] is False


async def test_what_is_loaded_at_the_start_is_not_looked_through_for_garbage(
    settings: Settings, stopped: list[int]
) -> None:
    async with opened(settings):
        assert gc.get_freeze_count() > 0
