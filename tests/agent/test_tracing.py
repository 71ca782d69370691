"""Spans of decisions and chats, as a real collector on loopback receives them over HTTP."""

import sys
from collections.abc import Iterator
from contextlib import AsyncExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from agent.models import Link
from agent.runtime import open_runtime
from agent.settings import Settings
from agent.state import DecisionRequest
from tests.agent.conftest import script
from tests.providers.pair import ProviderPair
from tests.providers.script import Fault

CANARY = "canary-5d1e"
HEADER = "canary-token-77aa"
ASKED = DecisionRequest(product_id="STEEL_SHEETS", mode="mock", note=CANARY, requested_by=CANARY)


class Collector(ThreadingHTTPServer):
    """Takes what exporters send to /v1/traces."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.requests: list[tuple[str, str, bytes]] = []

    @property
    def spans(self) -> list[Span]:
        return [
            span
            for _, _, body in self.requests
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]

    @property
    def bodies(self) -> bytes:
        return b"".join(body for _, _, body in self.requests)


class _Handler(BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.requests.append((self.path, self.headers.get("authorization", ""), body))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Nothing."""


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    with Collector() as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{server.server_port}")
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", f"authorization={HEADER}")
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
async def traced(collector: Collector, settings: Settings) -> Collector:
    """What is received of a decision whose first provider fails, and of a chat; the runtime has ended."""
    async with AsyncExitStack() as stack:
        pair = await stack.enter_async_context(ProviderPair())
        pair["google_genai"].queue(Fault("503"))
        changes = {"database_url": settings.database_url, "checkpoint_path": settings.checkpoint_path}
        runtime = await stack.enter_async_context(open_runtime(pair.settings(**changes, check_models=False)))
        view = await runtime.decide(ASKED)
        await runtime.chat(f"How much STEEL_SHEETS do we have, {CANARY}?", caller="key_1")
        assert view.run.status == "executed"
    return collector


def text_of(span: Span, name: str) -> str:
    return next((each.value.string_value for each in span.attributes if each.key == name), "")


async def test_a_decision_is_one_trace_with_its_steps_tools_and_model_calls(traced: Collector) -> None:
    (decision,) = [span for span in traced.spans if span.name == "decision"]
    inside = [span for span in traced.spans if span.trace_id == decision.trace_id]

    assert {"LangGraph", "agent", "tools", "assess", "auto"} <= {span.name for span in inside}
    assert {text_of(span, "tool.name") for span in inside} >= {"get_product", "calculate_reorder"}
    assert {text_of(span, "llm.model_name") for span in inside} >= {"gemini-3.5-flash-lite", "openai/gpt-oss-120b"}
    assert any(span.status.code == Status.STATUS_CODE_ERROR for span in inside)
    assert text_of(decision, "session.id")
    assert {(path, header) for path, header, _ in traced.requests} == {("/v1/traces", HEADER)}


async def test_a_chat_is_a_trace_of_its_own(traced: Collector) -> None:
    traces = {span.name: span.trace_id for span in traced.spans if span.name in ("decision", "chat")}

    assert len(set(traces.values())) == 2


async def test_nothing_that_was_asked_answered_or_said_by_an_error_is_sent(traced: Collector) -> None:
    assert traced.spans
    for word in (CANARY, "a-good-key", "overloaded", "Reorder", "Traceback", HEADER, "recent_daily_demand"):
        assert word.encode() not in traced.bodies, word


async def test_the_operator_may_ask_for_what_was_said(
    collector: Collector, settings: Settings, says: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENINFERENCE_HIDE_INPUTS", "false")
    links = [Link("scripted", "scripted", script(says("Fine.")), local=True)]
    async with open_runtime(settings, models=links) as runtime:
        await runtime.chat(f"Hello {CANARY}", caller="key_1")

    assert CANARY.encode() in collector.bodies
    assert b"Fine." in collector.bodies


async def test_a_collector_that_is_away_stops_nothing(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    async with open_runtime(settings) as runtime:
        view = await runtime.decide(ASKED)

    assert view.run.status == "executed"


async def test_without_the_package_the_log_says_how_to_install_it(
    collector: Collector, settings: Settings, monkeypatch: pytest.MonkeyPatch, logs: list[Any]
) -> None:
    monkeypatch.setitem(sys.modules, "agent.span_export", None)
    async with open_runtime(settings) as runtime:
        view = await runtime.decide(ASKED)

    assert view.run.status == "executed"
    assert collector.requests == []
    assert [entry["reason"] for entry in logs if entry["event"] == "traces_off"] == [
        "The package for traces is missing; pip install 'restock[traces]'."
    ]
