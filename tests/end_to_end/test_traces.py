"""One trace from a login to its stored killmails, as a collector receives it, and no secret in it."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import asyncpg
import pytest
from aiohttp import web
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, use_span
from temporalio import workflow
from temporalio.client import Client
from temporalio.worker import Worker

import tracing
from sandbox.eve.options import SandboxOptions
from sandbox.eve.server import SandboxEve
from sandbox.installation import Installation, Pilot, eventually
from sandbox.process import free_port

SECRETS = re.compile(r"\b[0-9a-f]{40}\b|\beyJ[\w-]+\.|[?&]code=(?!\[)|refresh_token=")
"""Killmail hashes, JSON web tokens, SSO's code, refresh tokens."""


@dataclass
class Collector:
    """What was sent to it: (service, span name) by trace, and every text of every span."""

    port: int = field(default_factory=free_port)
    traces: dict[bytes, set[tuple[str, str]]] = field(default_factory=dict)
    texts: list[str] = field(default_factory=list)

    async def receive(self, request: web.Request) -> web.Response:
        sent = ExportTraceServiceRequest.FromString(await request.read())
        for resource in sent.resource_spans:
            service = next(a.value.string_value for a in resource.resource.attributes if a.key == "service.name")
            for span in (span for scope in resource.scope_spans for span in scope.spans):
                self.traces.setdefault(span.trace_id, set()).add((service, span.name))
                self.texts.append(str(span))
        return web.Response(content_type="application/x-protobuf")


@pytest.fixture
async def collector() -> AsyncIterator[Collector]:
    made = Collector()
    application = web.Application()
    application.router.add_post("/v1/traces", made.receive)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", made.port).start()
    yield made
    await runner.cleanup()


@pytest.fixture
def eve_options() -> SandboxOptions:
    return SandboxOptions(strangers=60, first_killmails=5)


@pytest.fixture
def environment(environment: dict[str, str], collector: Collector) -> dict[str, str]:
    return environment | {
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{collector.port}",
        "OTEL_BSP_SCHEDULE_DELAY": "200",
        "LOG_FORMAT": "json",
    }


async def test_one_trace_leads_from_the_login_to_the_stored_killmails(
    installation: Installation,
    pilot: Pilot,
    eve: SandboxEve,
    collector: Collector,
    database: asyncpg.Connection[asyncpg.Record],
) -> None:
    await installation.start_api()
    await installation.start_worker()
    await pilot.log_in(eve.pilots[0].character_id)
    wanted = {
        ("killreport-api", "GET /auth/callback"),
        ("killreport-api", "SignalWithStartWorkflow:UserSync"),
        ("killreport-worker", "RunWorkflow:UserSync"),
        ("killreport-worker", "RunActivity:discover_killmails"),
        ("killreport-worker", "RunActivity:fetch_killmails"),
        ("killreport-worker", "GET"),  # ESI
    }

    async def one_holds_them_all() -> set[tuple[str, str]] | None:
        return next((spans for spans in collector.traces.values() if wanted <= spans), None)

    spans = await eventually(one_holds_them_all, "one trace with all of it", seconds=40)
    assert {("killreport-worker", "INSERT"), ("killreport-worker", "SELECT")} & spans, "the statements are there"
    assert [found[0] for text in collector.texts if (found := SECRETS.search(text))] == []
    assert await database.fetchval("SELECT count(*) FROM killmails") == 5
    assert any('"trace_id"' in line for line in installation.logs().splitlines()), "lines of the log name their trace"


@workflow.defn(sandboxed=False)
class TwoRuns:
    @workflow.run
    async def run(self, first: bool) -> None:
        if first:
            workflow.continue_as_new(False)


async def test_a_trace_ends_with_the_run_that_the_login_began(
    temporal_address: str, temporal_namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(tracing.ENDPOINT, "http://127.0.0.1:9")
    interceptors = tracing.temporal_interceptors()
    client = await Client.connect(temporal_address, namespace=temporal_namespace, interceptors=interceptors)
    login = SpanContext(1, 1, is_remote=True, trace_flags=TraceFlags(TraceFlags.SAMPLED))
    async with Worker(client, task_queue="traced", workflows=[TwoRuns]):
        with use_span(NonRecordingSpan(login)):
            handle = await client.start_workflow(TwoRuns.run, True, id="traced-1", task_queue="traced")
        await handle.result()
    headers = [
        (await client.get_workflow_handle("traced-1", run_id=run.run_id).fetch_history())
        .events[0]
        .workflow_execution_started_event_attributes.header.fields
        async for run in client.list_workflows('WorkflowId="traced-1"')
    ]
    assert sorted(tracing.HEADER in fields for fields in headers) == [False, True]
