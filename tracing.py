"""Traces by OpenTelemetry: from a request or a login over the workflow and its activities to ESI and Postgres.

Off unless OTEL_EXPORTER_OTLP_ENDPOINT is set. The other variables of OpenTelemetry's SDK are heeded too:
OTEL_SERVICE_NAME, OTEL_TRACES_SAMPLER, OTEL_EXPORTER_OTLP_HEADERS, ….

A trace of a pilot's workflow ends with the run that the login began: the run of the next day would make it endless.
After that each activity is a trace of its own.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any, NoReturn

import temporalio.client
import temporalio.worker

from observability import redact, say_in_lines

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan
    from starlette.types import ASGIApp

ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
QUIET = "healthz,readyz,metrics,static,/s/[A-Za-z0-9_-]{43}"
"""Paths that are asked without end and tell nothing; and those of share links, which are secret."""
HEADER = "_tracer-data"
"""Where `temporalio.contrib.opentelemetry` carries a trace's context."""


class TracingMissing(Exception):
    """Traces are asked for, and their libraries are not installed."""

    def __init__(self) -> None:
        super().__init__(f'{ENDPOINT} is set, but OpenTelemetry is not installed: pip install "killreport[tracing]".')


def is_on() -> bool:
    """Whether somebody wants traces."""
    return bool(os.environ.get(ENDPOINT))


def start_tracing(service: str) -> None:
    """Send traces of this process from now on, if they are wanted. Once a process, before anything connects.

    Args:
        service: what the process is called, unless OTEL_SERVICE_NAME says otherwise.

    Raises:
        TracingMissing
    """
    if not is_on():
        return
    try:
        from opentelemetry import trace
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.instrumentation.aiohttp_client import AioHttpClientInstrumentor
        from opentelemetry.instrumentation.asyncpg import AsyncPGInstrumentor
        from opentelemetry.sdk.resources import SERVICE_NAME, Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExportResult
    except ModuleNotFoundError as error:
        raise TracingMissing from error

    class WithoutSecrets(OTLPSpanExporter):
        """ESI's address of a killmail holds its hash, and EVE's answer to a login a code."""

        def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
            for span in spans:
                _redact(span)
            return super().export(spans)

    name = os.environ.get("OTEL_SERVICE_NAME") or service
    provider = TracerProvider(resource=Resource.create({SERVICE_NAME: name}))
    provider.add_span_processor(BatchSpanProcessor(WithoutSecrets()))
    trace.set_tracer_provider(provider)
    say_in_lines("trace_id", _trace_id)
    AioHttpClientInstrumentor().instrument()
    AsyncPGInstrumentor().instrument()  # type: ignore[no-untyped-call]


def traced(app: ASGIApp) -> ASGIApp:
    """The application with a span for each request, if traces are wanted."""
    if not is_on():
        return app
    from opentelemetry.instrumentation.asgi import OpenTelemetryMiddleware

    return OpenTelemetryMiddleware(app, excluded_urls=QUIET, exclude_spans=["receive", "send"])


def unseen() -> AbstractContextManager[None]:
    """No span for what is asked within: its address is somebody's secret."""
    if not is_on():
        return nullcontext()
    from opentelemetry.instrumentation.utils import suppress_instrumentation

    return suppress_instrumentation()


def temporal_interceptors() -> list[temporalio.client.Interceptor]:
    """What carries a trace through Temporal; for the client, whose workers take it over."""
    if not is_on():
        return []
    from temporalio.contrib.opentelemetry import TracingInterceptor

    return [_EndsWithTheRun(), TracingInterceptor()]


def _trace_id() -> str:
    """Of the span that is open here; empty without one."""
    from opentelemetry import trace

    context = trace.get_current_span().get_span_context()
    return f"{context.trace_id:032x}" if context.is_valid else ""


def _redact(span: ReadableSpan) -> None:
    # The SDK has no public way to change a span that has ended, and no other place sees every attribute.
    span._name = redact(span.name)
    span._attributes = _redacted(span.attributes)
    for event in span.events:
        event._attributes = _redacted(event.attributes)


def _redacted(attributes: Mapping[str, Any] | None) -> dict[str, Any]:
    return {name: redact(value) if isinstance(value, str) else value for name, value in (attributes or {}).items()}


class _EndsWithTheRun(temporalio.client.Interceptor, temporalio.worker.Interceptor):
    def workflow_interceptor_class(
        self,
        input: temporalio.worker.WorkflowInterceptorClassInput,  # noqa: A002, ARG002 - the library's name
    ) -> type[temporalio.worker.WorkflowInboundInterceptor]:
        return _Inbound


class _Inbound(temporalio.worker.WorkflowInboundInterceptor):
    def init(self, outbound: temporalio.worker.WorkflowOutboundInterceptor) -> None:
        super().init(_Outbound(outbound))


class _Outbound(temporalio.worker.WorkflowOutboundInterceptor):
    def continue_as_new(self, input: temporalio.worker.ContinueAsNewInput) -> NoReturn:  # noqa: A002
        input.headers = {name: value for name, value in input.headers.items() if name != HEADER}
        super().continue_as_new(input)
