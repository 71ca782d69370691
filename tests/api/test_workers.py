"""`restock serve --workers 2`: several processes that serve as one."""

import json
import re
import signal
import sqlite3
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from tests.api.conftest import KEY, X1

SEVERAL: dict[str, Any] = {"workers": 2, "API_KEY": KEY}


def children(process: Any) -> list[psutil.Process]:
    """Those that serve; Python's tracker of shared resources is another."""
    return [child for child in psutil.Process(process.pid).children() if _serves(child)]


def _serves(child: psutil.Process) -> bool:
    with suppress(psutil.NoSuchProcess):
        return "spawn_main" in " ".join(child.cmdline())
    return False


def until(true: Callable[[], Any]) -> None:
    give_up = time.monotonic() + 60
    while not true():
        assert time.monotonic() < give_up
        time.sleep(0.05)


def rows(folder: Path, query: str) -> list[tuple[Any, ...]]:
    connection = sqlite3.connect(folder / "data" / "restock.db")
    try:
        return connection.execute(query).fetchall()
    finally:
        connection.close()


@pytest.fixture(scope="module")
def together(start_process: Any, tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Path]:
    folder = tmp_path_factory.mktemp("together")
    return start_process(folder, {}, workers=2), folder


@pytest.fixture
def key(together: tuple[Any, Path]) -> str:
    return re.findall(r"rsk_\S+", together[0].stdout.read_text())[0]


def test_they_say_their_address_and_their_first_key_once(together: tuple[Any, Path], key: str) -> None:
    process, folder = together

    with process.client(key) as client:
        assert client.get("/health/ready").json()["ready"] is True
    said = process.stdout.read_text()

    assert (said.count("rsk_"), said.count("Listening on")) == (1, 1)
    assert len(children(process)) == 2
    assert rows(folder, "SELECT count(*) FROM api_keys") == [(1,)]


def test_any_of_them_counts_for_all(together: tuple[Any, Path], key: str) -> None:
    process, _ = together
    first, second = children(process)

    def counted(asleep: psutil.Process, awake: psutil.Process) -> float:
        awake.resume()
        asleep.suspend()
        with process.client(key) as client:
            client.get("/debug/STEEL_SHEETS").raise_for_status()
            text = client.get("/metrics").raise_for_status().text
        return sum(float(value) for value in re.findall(r'http_requests_total{.*"/debug/{product_id}".*} (\S+)', text))

    try:
        counts = [counted(first, second), counted(second, first), counted(first, second)]
    finally:
        first.resume()
        second.resume()

    assert counts == [1, 2, 3]


def test_the_same_trigger_sent_to_any_of_them_at_once_is_one_order(together: tuple[Any, Path], key: str) -> None:
    process, folder = together

    def trigger(number: int) -> int:
        with process.client(key) as client:
            return client.post("/inventory-trigger", json={**X1, "product_id": f"D{number % 5}"}).status_code

    with ThreadPoolExecutor(20) as pool:
        statuses = set(pool.map(trigger, range(40)))

    assert statuses == {200}
    ordered = rows(folder, "SELECT count(*), count(DISTINCT product_id) FROM orders WHERE product_id LIKE 'D%'")
    assert ordered == [(5, 5)]
    assert rows(folder, "SELECT max(attempts) FROM runs") == [(1,)]


def test_one_that_hangs_is_replaced(serve: Any) -> None:
    process = serve(**SEVERAL, first="import api.server; api.server.HUNG_SECONDS = 4")
    hung, other = children(process)

    hung.suspend()

    until(lambda: hung.pid not in {child.pid for child in children(process)})
    until(lambda: len(children(process)) == 2)
    assert other.pid in {child.pid for child in children(process)}
    with process.client(KEY) as client:
        assert client.get("/orders").status_code == 200


def test_one_that_is_killed_is_replaced_and_its_runs_end(together: tuple[Any, Path], key: str) -> None:
    process, folder = together
    before = {child.pid for child in children(process)}

    def trigger(number: int) -> int:
        with process.client(key) as client:
            body = {**X1, "product_id": f"P{number}"}
            return client.post("/inventory-trigger", json=body, headers={"Prefer": "respond-async"}).status_code

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(trigger, range(40))) == {202}
    killed = children(process)[0]
    gauge = Path(killed.environ()["PROMETHEUS_MULTIPROC_DIR"]) / f"gauge_livemax_{killed.pid}.db"
    gauge.touch()
    killed.kill()

    with process.client(key) as client:
        assert client.get("/orders").status_code == 200
    ordered = "SELECT count(*), count(DISTINCT product_id) FROM orders WHERE product_id LIKE 'P%'"
    until(lambda: rows(folder, ordered) == [(40, 40)])
    until(lambda: len(children(process)) == 2)
    after = {child.pid for child in children(process)}
    assert (len(before & after), killed.pid in after) == (1, False)
    assert not gauge.exists()
    died = [line for line in process.stderr.read_text().splitlines() if "server_process_replaced" in line]
    assert [json.loads(line)["process"] for line in died] == [killed.pid]


def test_a_stop_lets_all_of_them_finish(serve: Any, tmp_path: Path) -> None:
    process = serve(**SEVERAL)
    served = children(process)
    with ThreadPoolExecutor(8) as pool, process.client() as client:
        bodies = [{**X1, "product_id": f"P{number}"} for number in range(16)]
        answers = [pool.submit(client.post, "/inventory-trigger", json=body) for body in bodies]
        until(lambda: rows(tmp_path, "SELECT count(*) >= 8 FROM runs") == [(1,)])
        process.send(signal.SIGTERM)
        ended = [answer.result() for answer in answers if answer.exception() is None]

    assert process.wait() == 0
    assert not [child for child in served if child.is_running()]
    executed = sum(answer.status_code == 200 for answer in ended)
    assert executed >= 8
    assert rows(tmp_path, "SELECT count(*) FROM orders")[0][0] >= executed
    assert rows(tmp_path, "SELECT count(*) FROM runs WHERE status = 'running' AND owner IS NOT NULL") == [(0,)]


def test_one_that_cannot_start_ends_them_all(serve: Any, tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="did not start"):
        serve(**SEVERAL, CALIBRATION_TABLE=str(tmp_path / "missing.json"))

    assert "failed to start, stopping the parent process" in (tmp_path / "stderr.txt").read_text()
    assert "Listening" not in (tmp_path / "stdout.txt").read_text()


def test_none_outlives_its_parent(together: tuple[Any, Path]) -> None:
    """The last of those that share a server, because it ends it."""
    process, _ = together
    served = children(process)

    process.kill()

    _, alive = psutil.wait_procs(served, timeout=30)
    assert alive == []
    with pytest.raises(httpx.ConnectError), process.client() as client:
        client.get("/")
