"""What is told of a span, and to whom. It needs the extra `traces`.

Inputs and outputs are hidden unless the operator asks for them by OPENINFERENCE_HIDE_INPUTS=false. The words of
an error are always left out: they may quote a prompt, an address or a key.
"""

import os
from collections.abc import Sequence

from openinference.instrumentation import TraceConfig
from openinference.instrumentation.langchain import LangChainInstrumentor
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import Event, ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.trace import Status

KIND_OF_ERROR = "exception.type"
LAST_WORDS_MILLISECONDS = 3_000


class SpanExport:
    """Sends spans of LangChain, LangGraph and `tracer` to the collector until `end`."""

    def __init__(self) -> None:
        resource = Resource({"service.name": "restock"}).merge(OTELResourceDetector().detect())
        self._provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        self._provider.add_span_processor(BatchSpanProcessor(_WithoutWords(OTLPSpanExporter())))
        self._instrumentor = LangChainInstrumentor()
        self._instrumentor.instrument(tracer_provider=self._provider, config=_hiding())
        self.tracer = self._provider.get_tracer("restock")

    def end(self) -> None:
        """Send what is left, for a few seconds at most."""
        self._instrumentor.uninstrument()
        self._provider.force_flush(LAST_WORDS_MILLISECONDS)
        self._provider.shutdown()


class _WithoutWords(SpanExporter):
    """Hands spans on without what errors say."""

    def __init__(self, inner: SpanExporter) -> None:
        self._inner = inner

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        return self._inner.export([_without_words(span) for span in spans])

    def shutdown(self) -> None:
        self._inner.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        return self._inner.force_flush(timeout_millis)


def _without_words(span: ReadableSpan) -> ReadableSpan:
    return ReadableSpan(
        name=span.name,
        context=span.context,
        parent=span.parent,
        resource=span.resource,
        attributes=span.attributes,
        events=[_kind_alone(event) for event in span.events],
        links=span.links,
        kind=span.kind,
        status=Status(span.status.status_code),
        start_time=span.start_time,
        end_time=span.end_time,
        instrumentation_scope=span.instrumentation_scope,
    )


def _kind_alone(event: Event) -> Event:
    kind = (event.attributes or {}).get(KIND_OF_ERROR)
    return Event(event.name, {KIND_OF_ERROR: kind} if kind else None, event.timestamp)


def _hiding() -> TraceConfig:
    """A step's inputs are the outputs of those before, so all is shown or nothing."""
    hidden = os.environ.get("OPENINFERENCE_HIDE_INPUTS", "").strip().lower() != "false"
    return TraceConfig(
        hide_inputs=hidden,
        hide_outputs=hidden,
        hide_prompts=hidden,
        hide_choices=hidden,
        hide_llm_tools=hidden,
        hide_llm_invocation_parameters=hidden,
    )
