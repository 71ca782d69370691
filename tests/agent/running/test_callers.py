"""How many callers are let in, by how quickly those before were answered."""

import asyncio
from types import SimpleNamespace

import pytest

from agent.running import callers
from agent.running.callers import IN_TIME, Callers
from tools.records.errors import Overloaded


class Crowd:
    """Callers of a process with a clock of its own, who wait ten seconds for one of its places."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, places: int = 2, answer_seconds: float = 1e9) -> None:
        self.now, self.waiting = 1_000.0, list[asyncio.Future[None]]()
        monkeypatch.setattr(callers, "time", SimpleNamespace(monotonic=lambda: self.now))
        self.callers = Callers(places=places, place_seconds=10 / IN_TIME, answer_seconds=answer_seconds / IN_TIME)

    def comes(self) -> bool:
        try:
            self.callers.require_time()
        except Overloaded:
            return False
        self.waiting.append(asyncio.get_running_loop().create_future())
        self.callers.wait_for(asyncio.ensure_future(self._answered(self.waiting[-1])))
        return True

    async def _answered(self, told: asyncio.Future[None]) -> None:
        await told

    async def answer(self, seconds: float, *, error: Exception | None = None) -> None:
        """Answer the one who came first, so many seconds after the last answer."""
        self.now += seconds
        first = self.waiting.pop(0)
        if error is None:
            first.set_result(None)
        else:
            first.set_exception(error)
        for _ in range(3):
            await asyncio.sleep(0)

    async def is_answered_every(self, seconds: float) -> None:
        """All places are taken for so long that only this pace counts."""
        assert self.comes()
        for _ in range(40):
            assert self.comes()
            await self.answer(seconds)
        await self.answer(seconds)


@pytest.fixture
def crowd(monkeypatch: pytest.MonkeyPatch) -> Crowd:
    return Crowd(monkeypatch)


async def test_before_anybody_has_waited_everybody_is_let_in(crowd: Crowd) -> None:
    assert [crowd.comes() for _ in range(100)] == [True] * 100


@pytest.mark.parametrize(("seconds", "behind"), [(0.95, 10), (1.9, 5), (3.9, 2), (10.5, 0), (100, 0)])
async def test_so_many_are_let_in_beyond_the_places_as_have_one_in_time(
    crowd: Crowd, seconds: float, behind: int
) -> None:
    await crowd.is_answered_every(seconds)

    assert [crowd.comes() for _ in range(20)] == [True] * (2 + behind) + [False] * (18 - behind)


async def test_fewer_than_there_are_places_are_let_in_where_so_many_would_not_be_answered_in_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    crowd = Crowd(monkeypatch, places=4, answer_seconds=12)
    assert [crowd.comes() for _ in range(4)] == [True] * 4
    for _ in range(4):
        await crowd.answer(3.9)

    assert [crowd.comes() for _ in range(5)] == [True] * 3 + [False] * 2


async def test_a_process_that_is_quick_again_fills_its_places_again(monkeypatch: pytest.MonkeyPatch) -> None:
    crowd = Crowd(monkeypatch, places=4, answer_seconds=12)
    assert [crowd.comes() for _ in range(4)] == [True] * 4
    for _ in range(4):
        await crowd.answer(100)

    for _ in range(40):
        assert crowd.comes()
        while crowd.comes():
            pass
        await crowd.answer(0.1)

    assert len(crowd.waiting) > 40


async def test_one_standstill_counts_no_more_than_the_time_in_which_an_answer_is_due(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    crowd = Crowd(monkeypatch, places=4, answer_seconds=12)
    assert [crowd.comes() for _ in range(4)] == [True] * 4
    for _ in range(40):
        assert crowd.comes()
        await crowd.answer(0.1)
    await crowd.answer(10_000)

    # 0.1 + (12 - 0.1) / 4 = 3.075 s an answer, so three in 12 s.
    assert len(crowd.waiting) == 3
    assert not crowd.comes()


async def test_where_answers_take_for_ever_one_caller_still_finds_out_whether_they_do(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    crowd = Crowd(monkeypatch, answer_seconds=12)
    assert [crowd.comes() for _ in range(2)] == [True] * 2
    for _ in range(2):
        await crowd.answer(10_000)

    assert [crowd.comes() for _ in range(2)] == [True, False]


async def test_the_first_answers_count_fully(crowd: Crowd) -> None:
    assert [crowd.comes() for _ in range(2)] == [True] * 2
    await crowd.answer(4.9)

    assert [crowd.comes() for _ in range(5)] == [True] * 3 + [False] * 2


async def test_the_time_without_a_crowd_says_nothing_about_its_pace(crowd: Crowd) -> None:
    await crowd.is_answered_every(0.95)
    crowd.now += 10_000
    assert [crowd.comes() for _ in range(2)] == [True] * 2
    await crowd.answer(0.95)

    assert [crowd.comes() for _ in range(12)] == [True] * 11 + [False]


async def test_a_standstill_is_forgotten_once_answers_come_again(crowd: Crowd) -> None:
    await crowd.is_answered_every(1_000)
    await crowd.is_answered_every(0.95)

    assert [crowd.comes() for _ in range(13)] == [True] * 12 + [False]


async def test_the_refused_and_the_failed_are_no_answers(crowd: Crowd) -> None:
    await crowd.is_answered_every(1.9)
    for _ in range(7):
        assert crowd.comes()
    assert not crowd.comes()
    for _ in range(4):
        await crowd.answer(0, error=ValueError("no such product"))

    assert [crowd.comes() for _ in range(5)] == [True] * 4 + [False]


async def test_one_answer_does_not_set_the_pace_alone(crowd: Crowd) -> None:
    await crowd.is_answered_every(0.95)
    for _ in range(6):
        assert crowd.comes()
    await crowd.answer(3.05)

    # (0.95 + 3.05) / 2 = 2 s an answer, so 5 behind the places.
    assert [crowd.comes() for _ in range(3)] == [True, True, False]
