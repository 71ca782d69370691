"""Traces by OpenTelemetry: a span for each decision and each answer of a chat, with its steps, tools and model calls.

They are on where OTEL_EXPORTER_OTLP_ENDPOINT, or …_TRACES_ENDPOINT, names a collector, and need the extra `traces`.
The SDK reads its other OTEL_… variables itself.
"""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog
from opentelemetry.trace import NoOpTracer, Tracer

log = structlog.get_logger(__name__)
ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")


@asynccontextmanager
async def open_tracer() -> AsyncIterator[Tracer]:
    """The tracer of a runtime. What it has recorded is sent before the block ends, or given up."""
    if not any(map(os.environ.get, ENDPOINTS)):
        yield NoOpTracer()
        return
    try:
        from agent.span_export import SpanExport
    except ModuleNotFoundError:
        log.warning("traces_off", reason="The package for traces is missing; pip install 'restock[traces]'.")
        yield NoOpTracer()
        return
    export = SpanExport()
    try:
        yield export.tracer
    finally:
        await asyncio.to_thread(export.end)
