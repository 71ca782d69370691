"""What reaches the log, and in which form."""

import io
import json
import logging
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
import structlog
from pydantic import BaseModel

from agent.secrets import secrets_in_force
from agent.settings import Settings
from api.door.logs import configure_logging
from tools.storage.database import create_engine


def lines(log: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log.getvalue().splitlines()]


def test_a_key_of_any_provider_is_struck_out_whatever_it_is_called(
    log: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("acme_cloud_access_token", "canary-acme-4c1b")

    configure_logging("info", secrets=secrets_in_force(Settings(_env_file=None)), stream=log)
    structlog.get_logger().info("slip", text="refused with canary-acme-4c1b")

    assert lines(log)[0]["text"] == "refused with [redacted]"


def test_the_log_outlives_the_stream_that_a_command_was_run_with(
    log: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    lent, own = io.StringIO(), io.StringIO()
    monkeypatch.setattr(sys, "stderr", lent)
    configure_logging("info")
    logger = structlog.get_logger()
    logger.info("in_the_command")
    monkeypatch.setattr(sys, "stderr", own)
    lent.close()

    logger.info("after_it")
    logging.getLogger("third.party").error("after it too")

    assert [line["event"] for line in lines(own)] == ["after_it", "after it too"]


def test_an_event_is_one_json_line_with_its_context(log: io.StringIO) -> None:
    with structlog.contextvars.bound_contextvars(request_id="r1", run_id="n1"):
        structlog.get_logger().info("order_placed", number="PO-1", text="two\nlines")

    (line,) = lines(log)
    assert (line["event"], line["number"], line["level"]) == ("order_placed", "PO-1", "info")
    assert (line["request_id"], line["run_id"]) == ("r1", "n1")
    assert line["timestamp"].endswith("Z")


def test_the_standard_library_s_records_look_the_same(log: io.StringIO) -> None:
    logging.getLogger("uvicorn.error").info("Started %s", "here", extra={"color_message": "Started"})
    logging.getLogger("py.warnings").warning("careful")

    started, warning = lines(log)
    assert (started["event"], started["logger"]) == ("Started here", "uvicorn.error")
    assert "color_message" not in started
    assert warning["level"] == "warning"


def test_talkative_clients_are_not_heard(log: io.StringIO) -> None:
    for name in ("httpx", "httpcore", "google_genai", "groq", "sqlalchemy.engine"):
        logging.getLogger(name).info("GET https://provider/?key=canary-1a2b")

    assert log.getvalue() == ""


@pytest.mark.parametrize("secret", ["canary-1a2b", 'quo"ted-secret', "rsk_aBcDeFgHiJkLmNoP", "whsec_aBc/DeF+gHiJkL="])
def test_a_secret_that_slips_in_is_struck_out(log: io.StringIO, secret: str) -> None:
    structlog.get_logger().info("slip", text=f"before {secret} after", deep={"list": [secret]})
    logging.getLogger("third.party").error("before %s after", secret)

    assert secret not in log.getvalue()
    assert json.dumps(secret)[1:-1] not in log.getvalue()
    assert lines(log)[0]["text"] == "before [redacted] after"


def test_a_fault_is_one_line_with_its_kind_and_frames_but_no_values(log: io.StringIO) -> None:
    def fail() -> None:
        local_secret = "canary-local-9z"
        raise ValueError(f"no use: {len(local_secret)}")

    try:
        fail()
    except ValueError:
        structlog.get_logger().exception("failed")
        logging.getLogger("third.party").exception("failed")

    for line in lines(log):
        assert (line["error"], line["error_message"]) == ("ValueError", "no use: 15")
        assert any("fail" in frame for frame in line["frames"])
    assert len(lines(log)) == 2
    assert "canary-local-9z" not in log.getvalue()


def test_a_validation_error_is_named_by_its_places_alone(log: io.StringIO) -> None:
    class Model(BaseModel):
        number: int

    try:
        Model.model_validate({"number": "canary-value-3k"})
    except ValueError:
        structlog.get_logger().exception("failed")

    assert lines(log)[0]["error_message"] == "1 invalid: number"
    assert "canary-value-3k" not in log.getvalue()


def test_a_database_error_is_named_without_statement_and_values(log: io.StringIO, tmp_path: Path) -> None:
    with create_engine(f"sqlite:///{tmp_path}/book.db").connect() as connection:
        try:
            connection.execute(sa.text("SELECT canary_column WHERE :value"), {"value": "canary-value"})
        except sa.exc.StatementError as error:
            structlog.get_logger().exception("fault")
            logging.getLogger("library").error("fault", exc_info=error)
            assert "canary-value" not in str(error)

    assert [line["error_message"] for line in lines(log)] == ["OperationalError"] * 2
    assert "canary" not in log.getvalue()


def test_a_level_is_a_floor(log: io.StringIO) -> None:
    configure_logging("warning", stream=log)

    structlog.get_logger().info("quiet")
    structlog.get_logger().warning("loud")

    assert [line["event"] for line in lines(log)] == ["loud"]


async def test_a_request_leaves_one_line_without_query_header_or_body(start: Any, log: io.StringIO) -> None:
    service = await start()
    marks = {"query": "canary-q", "header": "canary-h", "body": "canary-b"}
    log.truncate(0)
    log.seek(0)

    for query in ("", f"?{marks['query']}=1"):
        await service.client.post(f"/chat{query}", json={"message": marks["body"]}, headers={"X-Note": marks["header"]})
    await service.client.get(f"/orders?product_id={marks['query']}")
    await service.client.get("/debug/STEEL_SHEETS?api_key=canary-q")
    await service.client.get("/made/up/canary-q")

    requests = [line for line in lines(log) if line["event"] == "request"]
    assert [(line["route"], line["status"]) for line in requests] == [
        ("/chat", 200),
        ("/chat", 422),
        ("/orders", 200),
        ("/debug/{product_id}", 401),
        ("unmatched", 404),
    ]
    assert requests[0]["caller"] == "configured key"
    assert not [mark for mark in marks.values() if mark in log.getvalue()]


async def test_a_fault_of_ours_is_logged_under_the_request_s_id(
    start: Any, log: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = await start()

    async def broken(*_: object) -> None:
        raise RuntimeError("no such luck")

    monkeypatch.setattr(service.runtime, "calculate", broken)

    response: httpx.Response = await service.client.get("/debug/STEEL_SHEETS")

    (fault,) = [line for line in lines(log) if line["event"] == "unexpected_error"]
    assert fault["request_id"] == response.json()["instance"]
    assert (fault["error"], fault["error_message"]) == ("RuntimeError", "no such luck")
