"""A load generator that costs little: kept connections, requests written beforehand, answers read by their length."""

import asyncio
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Load:
    """What a burst of requests came to."""

    seconds: float
    latencies: tuple[float, ...]
    statuses: tuple[int, ...]
    bodies: tuple[bytes, ...]

    @property
    def rate(self) -> float:
        return len(self.statuses) / self.seconds


def post(base: str, path: str, body: bytes, **headers: str) -> bytes:
    return _request("POST", base, path, body, {"content-type": "application/json", **headers})


def get(base: str, path: str, **headers: str) -> bytes:
    return _request("GET", base, path, b"", headers)


async def send(bases: Sequence[str], requests: Sequence[bytes], *, at_once: int) -> Load:
    """Send all requests over `at_once` connections, spread over the servers; each sends when it has its answer."""
    waiting = iter(requests)
    told: list[tuple[float, int, bytes]] = []
    began = time.perf_counter()
    await asyncio.gather(*(_client(bases[number % len(bases)], waiting, told) for number in range(at_once)))
    seconds = time.perf_counter() - began
    latencies, statuses, bodies = zip(*told, strict=True)
    return Load(seconds, latencies, statuses, bodies)


async def _client(base: str, waiting: Iterator[bytes], told: list[tuple[float, int, bytes]]) -> None:
    url = urlsplit(base)
    reader, writer = await asyncio.open_connection(url.hostname, url.port)
    for request in waiting:
        began = time.perf_counter()
        writer.write(request)
        status, body = await _answer(reader)
        told.append((time.perf_counter() - began, status, body))
    writer.close()


async def _answer(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    length = int(head.split(b"content-length:", 1)[1].split(b"\r\n", 1)[0])
    return int(head.split(b" ", 2)[1]), await reader.readexactly(length)


def _request(method: str, base: str, path: str, body: bytes, headers: dict[str, str]) -> bytes:
    named = {"host": urlsplit(base).netloc, "content-length": str(len(body)), **headers}
    lines = [f"{method} {path} HTTP/1.1", *(f"{name.replace('_', '-')}: {value}" for name, value in named.items())]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body
