"""PostgreSQL's disk is full, and then is not: clean errors, nothing acknowledged is lost, and work again without a
restart of the service."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from tests.postgres import PostgresServer
from tests.small_disk import SmallDisk, small_disk
from tests.soak.databases import postgres_server

KEY = "key-for-a-full-disk-3f7b-32-long"
MOST = 400
ENOUGH = 8
"""Refusals after which the disk is known to be full."""


class Clients:
    """Triggers that are sent until they are refused, and what they were told."""

    def __init__(self, client: httpx.Client, x1: dict[str, Any]) -> None:
        self._client, self._x1 = client, x1
        self.told: dict[str, str] = {}
        """The order's number by product, or the address of a run that was only recorded."""

    def send(self, name: str, **headers: str) -> httpx.Response:
        body = {**self._x1, "product_id": name, "note": "n" * 2_000}
        answer = self._client.post("/inventory-trigger", json=body, headers={"Idempotency-Key": name, **headers})
        if answer.status_code == 200:
            self.told[name] = answer.json()["order"]["number"]
        elif answer.status_code == 202:
            self.told.setdefault(name, answer.headers["location"])
        return answer

    def send_until_refused(
        self, meanwhile: Callable[[], None] = lambda: None
    ) -> tuple[list[str], list[httpx.Response]]:
        """All names, and what was refused."""
        refused: list[httpx.Response] = []
        names: list[str] = []
        while len(refused) < ENOUGH and len(names) < MOST:
            names.append(f"P{len(names)}")
            answer = self.send(names[-1], **({"Prefer": "respond-async"} if len(names) % 2 else {}))
            if answer.status_code not in (200, 202):
                refused.append(answer)
            meanwhile()
        return names, refused

    def send_until_accepted(self, names: list[str], meanwhile: Callable[[], None] = lambda: None) -> None:
        """As a client does that was told to come back."""
        give_up = time.monotonic() + 60
        for name in names:
            while self.send(name).status_code not in (200, 202):
                assert time.monotonic() < give_up, "still refused a minute after there was room again"
                time.sleep(0.2)
                meanwhile()

    def orders(self) -> dict[str, str]:
        """By product, once every run that was acknowledged has ended."""
        give_up = time.monotonic() + 60
        for address in [told for told in self.told.values() if told.startswith("/runs/")]:
            while self._client.get(address).json()["status"] in ("queued", "running"):
                assert time.monotonic() < give_up, f"{address} does not end"
                time.sleep(0.1)
        return dict(self._all_orders())

    def waiting(self) -> set[str]:
        """The products with a review."""
        return {each["product_id"] for each in self._client.get("/reviews?limit=200").json()["reviews"]}

    def _all_orders(self) -> Iterator[tuple[str, str]]:
        before = ""
        while True:
            page = self._client.get(f"/orders?limit=200{before}").json()
            yield from ((order["items"][0]["product_id"], order["number"]) for order in page["orders"])
            if page["next"] is None:
                return
            before = f"&before={page['next']}"


def hold(clients: Clients, names: list[str], refused: list[httpx.Response]) -> None:
    """Refusals are clean; each trigger has one order in the end, the one that it was told, or, if its run was cut off
    too often, waits for a person."""
    assert len(refused) == ENOUGH
    assert {(answer.status_code, answer.json()["code"]) for answer in refused} == {(503, "unavailable")}
    assert all(int(answer.headers["retry-after"]) > 0 for answer in refused)
    orders, waiting = clients.orders(), clients.waiting()
    assert orders.keys() | waiting == set(names)
    assert len(set(orders.values())) == len(orders) >= len(names) - ENOUGH
    for name, told in clients.told.items():
        assert told.startswith("/runs/") or orders[name] == told


@contextmanager
def database_on(disk: SmallDisk, postgres: PostgresServer) -> Iterator[str]:
    (folder := disk.folder / "tablespace").mkdir()
    disk.folder.chmod(0o755)
    name = postgres.use_disk(folder)
    url = postgres.create(tablespace=name)
    try:
        yield url
    finally:
        postgres.drop(url)
        postgres.leave_disk(name)


def test_while_the_tables_disk_is_full_triggers_are_refused_and_reads_answered(
    serve: Callable[..., Any], postgres: PostgresServer, x1: dict[str, Any]
) -> None:
    with small_disk(32) as disk, database_on(disk, postgres) as url:
        process = serve(API_KEY=KEY, DATABASE_URL=url)
        with process.client(KEY) as client:
            clients = Clients(client, x1)
            disk.fill()
            names, refused = clients.send_until_refused()
            alive = [client.get(address).status_code for address in ("/", "/health/live", "/orders", "/reviews")]
            disk.make_room()
            clients.send_until_accepted(names)
            hold(clients, names, refused)
        process.kill()

    assert alive[:3] == [200, 200, 200]


def test_where_the_logs_disk_is_full_postgresql_stops_and_the_service_finds_it_when_it_is_back(
    serve: Callable[..., Any], x1: dict[str, Any]
) -> None:
    """PostgreSQL panics, recovers, and gives up where the log still has no room. Whoever runs it makes room and starts
    it; the service is not touched."""
    with small_disk(96) as disk, postgres_server() as server:
        disk.folder.chmod(0o755)
        server.move_log(disk.folder)
        process = serve(API_KEY=KEY, DATABASE_URL=server.create("book"))
        with process.client(KEY) as client:
            clients = Clients(client, x1)
            disk.fill()
            names, refused = clients.send_until_refused(server.begin_log_file)
            alive = client.get("/health/live").status_code
            disk.make_room()
            # It may still try to recover, and stop only now.
            clients.send_until_accepted(names, meanwhile=server.start)
            hold(clients, names, refused)
        process.kill()
        said = server.said()

    assert alive == 200
    assert "PANIC" in said
