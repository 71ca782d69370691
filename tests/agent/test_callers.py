"""How many callers are let in, and how many are worked for at once, by how quickly those before were answered."""

import asyncio
import math
from types import SimpleNamespace

import pytest

from agent import decisions
from agent.decisions import IN_TIME, Callers
from tools.records.errors import Overloaded


class Crowd:
    """Callers of a process with a clock of its own, who wait ten seconds for one of its places."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, places: int = 2, run_seconds: float = 1e9) -> None:
        self.now, self.coming, self.at_work = 1_000.0, list[asyncio.Task[None]](), list[asyncio.Future[None]]()
        monkeypatch.setattr(decisions, "time", SimpleNamespace(monotonic=lambda: self.now))
        free, seconds = asyncio.Semaphore(places), {"place_seconds": 10 / IN_TIME, "run_seconds": run_seconds / IN_TIME}
        self.callers = Callers(free, places=places, **seconds)

    async def comes(self) -> bool:
        try:
            self.callers.require_time()
        except Overloaded:
            return False
        self.coming.append(asyncio.ensure_future(self._decided()))
        await asyncio.sleep(0)
        return True

    async def come(self, number: int) -> list[bool]:
        return [await self.comes() for _ in range(number)]

    async def all_come(self) -> int:
        """As many as are let in. How many are worked for then."""
        while await self.comes():
            assert len(self.coming) < 1_000
        return await self.begun()

    async def begun(self) -> int:
        for _ in range(5):
            await asyncio.sleep(0)
        return len(self.at_work)

    async def _decided(self) -> None:
        with self.callers:
            async with self.callers.place(until=math.inf):
                self.at_work.append(asyncio.get_running_loop().create_future())
                await self.at_work[-1]

    async def answer(self, seconds: float, *, error: Exception | None = None) -> None:
        """Answer the one who came first, so many seconds after the last answer."""
        assert await self.begun()
        self.now += seconds
        first = self.at_work.pop(0)
        if error is None:
            first.set_result(None)
        else:
            first.set_exception(error)
        await self.begun()

    async def is_answered_every(self, seconds: float) -> None:
        """All places are taken for so long that only this pace counts."""
        assert await self.comes()
        for _ in range(40):
            assert await self.comes()
            await self.answer(seconds)
        await self.answer(seconds)


@pytest.fixture
def crowd(monkeypatch: pytest.MonkeyPatch) -> Crowd:
    return Crowd(monkeypatch)


async def test_before_anybody_has_waited_everybody_is_let_in(crowd: Crowd) -> None:
    assert await crowd.come(100) == [True] * 100


@pytest.mark.parametrize(("seconds", "behind"), [(0.95, 10), (1.9, 5), (3.9, 2), (10.5, 0), (100, 0)])
async def test_so_many_are_let_in_beyond_the_places_as_have_one_in_time(
    crowd: Crowd, seconds: float, behind: int
) -> None:
    await crowd.is_answered_every(seconds)

    assert await crowd.come(20) == [True] * (2 + behind) + [False] * (18 - behind)


async def test_where_so_many_runs_at_once_would_not_end_in_time_fewer_are_begun(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    crowd = Crowd(monkeypatch, places=4, run_seconds=4)
    assert await crowd.come(4) == [True] * 4
    for _ in range(40):
        assert await crowd.comes()
        await crowd.answer(1.3)

    assert await crowd.all_come() == 3
    assert len(crowd.coming) - 40 == 3 + 7


async def test_a_process_that_is_quick_again_fills_its_places_again(monkeypatch: pytest.MonkeyPatch) -> None:
    crowd = Crowd(monkeypatch, places=4, run_seconds=4)
    assert await crowd.come(4) == [True] * 4
    for _ in range(4):
        await crowd.answer(100)
    assert await crowd.all_come() == 1

    for _ in range(40):
        await crowd.all_come()
        await crowd.answer(0.1)

    assert await crowd.all_come() == 4


async def test_where_a_provider_is_slow_all_places_are_used_since_fewer_make_it_no_quicker(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    crowd = Crowd(monkeypatch, places=8, run_seconds=4)
    assert await crowd.come(8) == [True] * 8
    await crowd.answer(5)
    at_once = []
    for _ in range(300):
        at_once.append(await crowd.all_come())
        await crowd.answer(5 / at_once[-1])

    assert (min(at_once), set(at_once[-50:])) == (2, {8})


async def test_one_standstill_counts_no_more_than_the_time_in_which_a_run_is_due(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    crowd = Crowd(monkeypatch, places=4, run_seconds=4)
    assert await crowd.come(4) == [True] * 4
    for _ in range(40):
        assert await crowd.comes()
        await crowd.answer(0.1)
    await crowd.answer(10_000)

    # 0.1 + (4 / 0.7 - 0.1) / 4 = 1.5 s an answer: two runs in 4 s and six more places in 10 s, and three are there.
    assert await crowd.come(6) == [True] * 5 + [False]


async def test_who_gets_no_place_until_then_is_refused(crowd: Crowd) -> None:
    assert await crowd.come(2) == [True] * 2
    assert await crowd.begun() == 2

    with pytest.raises(Overloaded):
        async with crowd.callers.place(until=crowd.now):
            pass


async def test_where_a_crowd_comes_at_once_its_first_answer_tells_the_pace_of_all_places(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    crowd = Crowd(monkeypatch, places=4)
    assert await crowd.come(4) == [True] * 4
    await crowd.answer(8)

    # 8 s for four is 2 s an answer, so five behind the places.
    assert await crowd.come(7) == [True] * 6 + [False]


async def test_the_time_without_a_crowd_says_nothing_about_its_pace(crowd: Crowd) -> None:
    await crowd.is_answered_every(0.95)
    crowd.now += 10_000
    assert await crowd.come(2) == [True] * 2
    await crowd.answer(0.95)

    assert await crowd.come(12) == [True] * 11 + [False]


async def test_a_standstill_is_forgotten_once_answers_come_again(crowd: Crowd) -> None:
    await crowd.is_answered_every(1_000)
    await crowd.is_answered_every(0.95)

    assert await crowd.come(13) == [True] * 12 + [False]


async def test_the_refused_and_the_failed_are_no_answers(crowd: Crowd) -> None:
    await crowd.is_answered_every(1.9)
    for _ in range(7):
        assert await crowd.comes()
    assert not await crowd.comes()
    for _ in range(4):
        await crowd.answer(0, error=ValueError("no such product"))

    assert await crowd.come(5) == [True] * 4 + [False]


async def test_one_answer_does_not_set_the_pace_alone(crowd: Crowd) -> None:
    await crowd.is_answered_every(0.95)
    for _ in range(6):
        assert await crowd.comes()
    await crowd.answer(3.05)

    # (0.95 + 3.05) / 2 = 2 s an answer, so 5 behind the places.
    assert await crowd.come(3) == [True, True, False]
