"""A sample of what strangers send; `make fuzz` sends all of it."""

from pathlib import Path
from typing import Any

import pytest

from benchmarks.fuzz import fuzz_document, healthy, is_bad, send_probes
from benchmarks.probes import probes
from benchmarks.server import KEY


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory, start_process: Any) -> Any:
    return start_process(tmp_path_factory.mktemp("fuzzed"), {"API_KEY": KEY, "RATE_LIMIT_FAILED_KEYS": "off"})


def test_broken_bytes_are_the_sender_s_fault(process: Any) -> None:
    answered, bad = send_probes(process.url, list(probes(KEY))[::5])

    assert answered.total() > 100
    assert answered["400"] > 30
    assert bad == []
    assert healthy(process.url)


def test_cases_made_from_the_document_find_no_fault_of_ours(process: Any, tmp_path: Path) -> None:
    cases, report = fuzz_document(process.url, tmp_path, examples=4, seed=7, phases="fuzzing")

    assert report == ""
    assert cases >= 30
    assert healthy(process.url)


@pytest.mark.parametrize(
    ("said", "bad"),
    [
        (b"HTTP/1.1 500 Internal Server Error\r\nx: y\r\n\r\n", True),
        (b"HTTP/1.1 200 OK\r\nx: y\r\n\r\n{}HTTP/1.1 503 Service Unavailable\r\nx: y\r\n\r\n", True),
        (b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 3\r\n\r\n", False),
        (b"HTTP/1.1 400 Bad Request\r\nx: y\r\n\r\nTraceback (most recent call last)", True),
        (b"HTTP/1.1 422 Unprocessable\r\nx: y\r\n\r\n500", False),
        (b"", False),
    ],
)
def test_a_fault_of_ours_is_told_from_the_sender_s(said: bytes, bad: bool) -> None:
    assert is_bad(said) is bad
