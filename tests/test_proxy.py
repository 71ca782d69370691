"""`deploy/nginx.conf` in a real nginx, before the real service: what is slow, large or too much does not get through.

The first lines of the file say what is changed here: ports, a folder, and shorter times.
"""

import re
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from benchmarks.probes import answer_to
from benchmarks.server import KEY, free_port, serving
from tests.api.test_event_streams import event, lasting_sweep
from tests.daemons import Daemon, program_or_skip

CONFIGURATION = Path(__file__).parents[1] / "deploy" / "nginx.conf"
FRONT = CONFIGURATION.parent / "front" / "behind.conf.example"
PLACES = 4
"""Requests that the service works on at once: a slow client that got through would hold one of them."""
PATIENCE_SECONDS = 20
KEYED = {"X-API-Key": KEY}
HEAD = f"POST /inventory-trigger HTTP/1.1\r\nhost: x\r\nx-api-key: {KEY}\r\ncontent-type: application/json\r\n"


@contextmanager
def proxy_before_a_service(folder: Path, front: str = "", **settings: str) -> Iterator[str]:
    """The proxy's address. `front` is what the operator says of a proxy before it."""
    program = program_or_skip("nginx")
    port = free_port()
    with serving(folder, MAX_CONCURRENT_REQUESTS=str(PLACES), RATE_LIMIT_FAILED_KEYS="2/hour", **settings) as url:
        changed = CONFIGURATION.read_text()
        for shipped, here in (
            (r"restock:8000", urlsplit(url).netloc),
            (r"listen 8080", f"listen 127.0.0.1:{port}"),
            (r"/tmp/", f"{folder}/"),  # noqa: S108  # what the file says
            (r"/etc/nginx/front/", f"{folder}/"),
            (r"(client_\w+_timeout|send_timeout) [12]0s", r"\1 1s"),
        ):
            changed, times = re.subn(shipped, here, changed)
            assert times, shipped
        (folder / "nginx.main").write_text(changed)
        (folder / "front.conf").write_text(front)
        with Daemon([program, "-c", str(folder / "nginx.main"), "-g", "daemon off; user root;"], port):
            yield f"http://127.0.0.1:{port}"


@pytest.fixture(scope="module")
def proxied(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with proxy_before_a_service(tmp_path_factory.mktemp("nginx")) as url:
        yield url


@pytest.fixture(scope="module")
def behind_another(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The same behind a proxy that ends TLS, which here is the client itself; no run is carried out."""
    front = FRONT.read_text().replace("172.16.0.0/12", "127.0.0.1")
    with proxy_before_a_service(tmp_path_factory.mktemp("behind"), front, WORK_RUNS="false") as url:
        yield url


@contextmanager
def connected(url: str, count: int) -> Iterator[list[socket.socket]]:
    """So many sockets of clients that read little at a time."""
    address = urlsplit(url)
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
            each.settimeout(PATIENCE_SECONDS)
            each.connect((address.hostname, address.port))
        yield sockets


def is_served(url: str) -> bool:
    """Whether others are: a request gets to the route, which says what is wrong with it."""
    body = {"product_id": "STEEL_SHEETS", "mode": "mock", "no_such_field": 1}
    answer = httpx.post(f"{url}/inventory-trigger", json=body, headers=KEYED, trust_env=False, timeout=PATIENCE_SECONDS)
    return answer.status_code == 422


def read_to_end(connection: socket.socket) -> bytes:
    """What is said until the other end closes the connection. Raises TimeoutError where it does not."""
    said = b""
    with suppress(ConnectionError):
        while more := connection.recv(65_536):
            said += more
    return said


def test_a_request_gets_through_the_proxy(proxied: str) -> None:
    body = {"product_id": "STEEL_SHEETS", "mode": "mock"}

    answer = httpx.post(f"{proxied}/inventory-trigger", json=body, headers=KEYED, trust_env=False, timeout=30)

    assert answer.json()["status"] == "executed"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "nginx/" not in answer.headers["server"]


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (b"POST /chat HTTP/1.1\r\nhost: x\r\ncontent-length: 2000000\r\n\r\n", b"413"),
        (b"GET / HTTP/1.1\r\nhost: x\r\nx-a: " + b"a" * 40_000 + b"\r\n\r\n", b"400"),
        (b"POST /chat HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{", b""),
        (b"GET / HTTP/1.1\r\nhost: ", b""),
    ],
    ids=["a large body", "a large header", "a body that stops", "a header that stops"],
)
def test_the_proxy_ends_what_is_too_large_or_stops(proxied: str, raw: bytes, status: bytes) -> None:
    began = time.monotonic()

    said = answer_to(proxied, raw)

    assert said[9:12] in (status, b"408")
    assert said or time.monotonic() - began < 2.9


def test_headers_that_drip_are_cut_off_all_the_same(proxied: str) -> None:
    with connected(proxied, 20) as sockets:
        for piece in [b"GET / HTTP/1.1\r\nx-a: ", *[b"a"] * 15]:
            for each in sockets:
                with suppress(ConnectionError):
                    each.sendall(piece)
            time.sleep(0.1)

        assert is_served(proxied)
        assert not any(read_to_end(each) for each in sockets)


def test_bodies_that_drip_never_reach_the_service(proxied: str) -> None:
    with connected(proxied, 10 * PLACES) as sockets:
        for each in sockets:
            each.sendall(f"{HEAD}content-length: 100000\r\n\r\n".encode())
        for _ in range(3):
            for each in sockets:
                each.sendall(b" " * 1_000)
            assert is_served(proxied)
            time.sleep(0.3)

        for each in sockets:
            read_to_end(each)


def test_who_does_not_read_is_cut_off_and_holds_nobody_up(proxied: str) -> None:
    whole = 200 * len(httpx.get(f"{proxied}/openapi.json", trust_env=False).content)
    with connected(proxied, 10) as sockets:
        for each in sockets:
            each.sendall(b"GET /openapi.json HTTP/1.1\r\nhost: x\r\n\r\n" * 200)
        assert is_served(proxied)
        time.sleep(3)

        assert max(len(read_to_end(each)) for each in sockets) < whole


def test_300_idle_sockets_keep_nobody_else_out(proxied: str) -> None:
    with connected(proxied, 300) as sockets:
        assert is_served(proxied)
        for each in sockets[::2]:
            with suppress(ConnectionError):
                each.sendall(b"GET / HTTP/1.1\r\n")
        assert is_served(proxied)

        for each in sockets:
            read_to_end(each)


def test_one_address_has_100_requests_at_once_and_no_more(proxied: str) -> None:
    with connected(proxied, 120) as sockets:
        for each in sockets:
            each.sendall(f"{HEAD}content-length: 1000\r\n\r\n".encode())
        said = [read_to_end(each) for each in sockets]

    assert sum(each.startswith(b"HTTP/1.1 503") for each in said) >= 20
    assert is_served(proxied)


def test_many_large_bodies_at_once_are_each_answered(proxied: str) -> None:
    def post(size: int) -> int:
        headers = {**KEYED, "Content-Type": "application/json"}
        return httpx.post(
            f"{proxied}/chat", content=b" " * size, headers=headers, trust_env=False, timeout=PATIENCE_SECONDS
        ).status_code

    with ThreadPoolExecutor(8) as pool:
        statuses = set(pool.map(post, [1_000_000, 1_040_000, 5_000_000] * 8))

    assert statuses <= {400, 413, 503}
    assert {400, 413} <= statuses
    assert is_served(proxied)


def test_files_of_a_catalogue_may_be_large(proxied: str) -> None:
    rows = b"".join(b"P%06d,MAIN,4\n" % number for number in range(150_000))
    files = [("files", ("stock.csv", b"SKU,Location,On hand\n" + rows, "text/csv"))]

    answer = httpx.post(f"{proxied}/imports", files=files, headers=KEYED, trust_env=False, timeout=60)

    assert len(rows) > 2_000_000
    assert (answer.status_code, answer.json()["files"][0]["rows"]) == (201, 150_000)


def test_events_of_a_sweep_come_through_as_they_happen(proxied: str) -> None:
    with httpx.Client(base_url=proxied, headers={"Origin": proxied}, trust_env=False, timeout=60) as client:
        assert client.post("/desk/sign-in", data={"key": KEY}).status_code == 303
        token = re.search(r'name="csrf" value="(\w+)"', client.get("/desk/sweeps").text)
        assert token
        sweep = client.post("/desk/sweeps", data={"csrf": token[1], "once": "1"}).headers["location"]
        with client.stream("GET", f"{sweep}/events") as stream:
            events = [line for line in stream.iter_lines() if line.startswith("event: ")]

    assert events[-1] == "event: end"


def test_a_client_cannot_choose_the_address_that_it_is_counted_by(proxied: str) -> None:
    with httpx.Client(base_url=proxied, headers={"X-API-Key": "wrong"}, trust_env=False) as client:
        forged = [client.get("/orders", headers={"X-Forwarded-For": f"203.0.113.{each}"}) for each in range(4)]

    assert [answer.status_code for answer in forged] == [401, 401, 429, 429]


def test_clients_of_another_proxy_are_counted_apart(behind_another: str) -> None:
    with httpx.Client(base_url=behind_another, headers={"X-API-Key": "wrong"}, trust_env=False) as client:
        addresses = [f"203.0.113.{each}" for each in (1, 1, 1, 2, 3)]
        answers = [client.get("/orders", headers={"X-Forwarded-For": f"forged, {each}"}) for each in addresses]

    assert [answer.status_code for answer in answers] == [401, 401, 429, 401, 401]


@pytest.mark.parametrize(("scheme", "secure"), [("https", True), ("http", False), ("", False)])
def test_a_session_is_for_tls_alone_where_tls_ends_before_the_proxy(
    behind_another: str, scheme: str, secure: bool
) -> None:
    headers = {"Origin": behind_another, "X-Forwarded-Proto": scheme, "X-Forwarded-For": "203.0.113.9"}

    answer = httpx.post(f"{behind_another}/desk/sign-in", data={"key": KEY}, headers=headers, trust_env=False)

    assert answer.status_code == 303
    assert ("Secure" in answer.headers["set-cookie"]) is secure


def test_events_come_through_as_they_are_said(behind_another: str) -> None:
    with httpx.Client(base_url=behind_another, timeout=5, trust_env=False) as client:
        client.headers.update({"Origin": behind_another, "X-Forwarded-For": "203.0.113.9"})
        client.post("/desk/sign-in", data={"key": KEY})

        with client.stream("GET", f"{lasting_sweep(client)}/events") as stream:
            assert event(stream.iter_lines())[0] == "progress"
