"""The log in words, as a terminal shows it."""

import io
import re

import pytest
import structlog

from api.door.logs import configure_logging


@pytest.fixture
def shown(log: io.StringIO) -> io.StringIO:
    configure_logging("info", log_format="plain", secrets=["canary-1a2b"], stream=log)
    return log


def words(shown: io.StringIO) -> list[str]:
    """Each line without its time."""
    assert all(re.match(r"\d\d:\d\d:\d\d  ", line) for line in shown.getvalue().splitlines())
    return [line[10:] for line in shown.getvalue().splitlines()]


def test_an_event_is_a_time_and_words(shown: io.StringIO) -> None:
    log = structlog.get_logger()
    with structlog.contextvars.bound_contextvars(request_id="r1", run_id="n1"):
        log.info("run_ended", status="executed", product_id="X_1")
        log.info("request", method="GET", route="/orders", status=200, milliseconds=1.5)
        log.info("client_left")

    assert words(shown) == ["Run ended: status executed, product id X_1", "GET /orders 200 (1.5 ms)", "Client left"]


def test_a_reason_that_is_a_sentence_stands_alone(shown: io.StringIO) -> None:
    structlog.get_logger().warning("order_waits", reason="The limit is reached.", number=1)
    structlog.get_logger().warning("model_failed", reason="timeout")

    assert words(shown) == ["Warning: The limit is reached.", "Warning: Model failed: reason timeout"]


def test_a_fault_names_its_last_place_alone(shown: io.StringIO) -> None:
    try:
        raise ValueError("no use")
    except ValueError:
        structlog.get_logger().exception("chat_failed")

    (line,) = words(shown)
    assert line.startswith(
        "Error: Chat failed: error ValueError, error message no use, at api/door/test_plain_lines.py:"
    )


def test_nothing_secret_and_nothing_that_moves_the_cursor_is_shown(shown: io.StringIO) -> None:
    structlog.get_logger().info("slip", text="a\x1b[2Jb\nc canary-1a2b")

    assert words(shown) == ["Slip: text a [2Jb c [redacted]"]
