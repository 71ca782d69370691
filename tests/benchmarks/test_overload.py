"""A short open loop, and what counts as a broken promise."""

from pathlib import Path

from benchmarks.overload import Load, capacity, named, offer, problems
from benchmarks.server import serving


async def test_beyond_its_capacity_a_server_refuses_with_a_time_to_come_back(tmp_path: Path) -> None:
    with serving(tmp_path, MAX_CONCURRENT_REQUESTS="4") as url:
        peak = await capacity(url, 1)
        load = await offer(url, "10 ×", max(100.0, 10 * peak.good), 1)

    assert set(load.statuses) == {"good", "503 with Retry-After"}
    assert load.health


def test_each_broken_promise_is_found() -> None:
    fine = Load("fine", 4, 1)
    fine.statuses.update({"good": 80, "503 with Retry-After": 300})
    starved = Load("starved", 4, 1)
    starved.statuses.update({"good": 10, "500": 3, "TimeoutError": 1})
    starved.health += [0.01] * 50 + [0.9] * 50

    assert problems([fine], peak=100) == []
    assert len(problems([starved], peak=100)) == 4


def test_a_refusal_without_a_time_to_come_back_is_not_a_good_one() -> None:
    assert named(503, patient=False) == "503"
    assert named(429, patient=True) == "429 with Retry-After"
    assert named(500, patient=True) == "500"
