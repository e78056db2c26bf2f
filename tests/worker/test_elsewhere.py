"""A Temporal on other machines: encrypted on the way and at rest, prepared as far as it lets us, its queues limited."""

from __future__ import annotations

import asyncio
import base64
import ssl
from datetime import timedelta
from pathlib import Path

import asyncpg
import pytest
from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest, DescribeTaskQueueRequest
from temporalio.client import Client
from temporalio.service import OperatorService, RPCError, RPCStatusCode, WorkflowService

from contracts.sync import user_sync_id
from contracts.task_queues import KILLMAILS_QUEUE, SYNC_QUEUE
from contracts.upkeep import LeavingCharacter
from db.accounts.api_keys import create_api_key
from db.accounts.sessions import Scope
from operations.failure import OperationFailed
from operations.migrate import migrate_everything
from sandbox.eve.server import SandboxEve
from sandbox.process import free_port
from sandbox.programs import TEMPORAL
from settings import Settings
from temporal import namespace
from temporal.connection import connect_temporal
from temporal.payload_codec import ENCODING
from temporal.task_queues import describe_task_queues
from temporal.user_sync import start_or_wake
from tests.api.running_site import serve
from tests.fixtures.relay import authority, relay
from tests.logins import log_in
from tests.workflows.waiting import eventually, ok, until
from worker_main import run_worker

PROFILE = """
[profile.cloud]
address = "localhost:{port}"
namespace = "killreport.a1b2c"
[profile.cloud.tls]
server_ca_cert_path = "{authority}"
client_cert_path = "{directory}/certificate.pem"
client_key_path = "{directory}/key.pem"
"""


async def test_a_profile_leads_to_a_server_that_wants_certificates(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate, tls = authority(tmp_path)
    tls.set_alpn_protocols(["h2"])
    tls.load_verify_locations(certificate)
    tls.verify_mode = ssl.CERT_REQUIRED
    async with relay(int(settings.temporal_address.rpartition(":")[2]), tls=tls) as server:
        for name, value in {
            "TEMPORAL_ADDRESS": f"localhost:{server.port}",
            "TEMPORAL_TLS_SERVER_CA_CERT_PATH": str(certificate),
            "TEMPORAL_TLS_CLIENT_CERT_PATH": str(tmp_path / "certificate.pem"),
            "TEMPORAL_TLS_CLIENT_KEY_PATH": str(tmp_path / "key.pem"),
            "TEMPORAL_API_KEY": "an-api-key",
        }.items():
            monkeypatch.setenv(name, value)
        given = settings.model_copy(update={"temporal_address": f"localhost:{server.port}"})
        client = await connect_temporal(given)
        assert (await client.count_workflows()).count == 0
        assert client.service_client.config.api_key == "an-api-key"
        for name in ("CLIENT_CERT_PATH", "CLIENT_KEY_PATH"):
            monkeypatch.delenv(f"TEMPORAL_TLS_{name}")
        with pytest.raises(RuntimeError):
            await connect_temporal(given)

        for name in ("ADDRESS", "NAMESPACE", "API_KEY", "TLS_SERVER_CA_CERT_PATH"):
            monkeypatch.delenv(f"TEMPORAL_{name}")
        file = tmp_path / "temporal.toml"
        file.write_text(PROFILE.format(port=server.port, authority=certificate, directory=tmp_path))
        monkeypatch.setenv("TEMPORAL_CONFIG_FILE", str(file))
        monkeypatch.setenv("TEMPORAL_PROFILE", "cloud")
        unset = {name: value for name, value in settings if not name.startswith("temporal_")}
        client = await connect_temporal(Settings.model_construct(**unset))
        assert client.namespace == "killreport.a1b2c"
        with pytest.raises(RPCError, match="not found"):
            await client.count_workflows()


async def test_migrate_makes_the_namespace_or_says_who_can(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    ours = settings.model_copy(update={"temporal_namespace": "killreport", "temporal_retention_days": 7})

    async def refused(*_: object, **__: object) -> None:
        raise RPCError("Request unauthorized.", RPCStatusCode.PERMISSION_DENIED, b"")

    with monkeypatch.context() as cloud:
        cloud.setattr(WorkflowService, "register_namespace", refused, raising=False)
        with pytest.raises(
            OperationFailed, match="temporal operator namespace create --namespace killreport --retention 7d"
        ):
            await migrate_everything(ours)

    with monkeypatch.context() as slow:
        slow.setattr(namespace, "KNOWN_WITHIN_SECONDS", 0)
        with pytest.raises(OperationFailed, match="killreport is made, but Temporal does not know it everywhere"):
            await migrate_everything(ours)

    with monkeypatch.context() as cloud:
        cloud.setattr(OperatorService, "add_search_attributes", refused, raising=False)
        with pytest.raises(
            OperationFailed, match="search-attribute create --namespace killreport --name SyncState --type"
        ):
            await migrate_everything(ours)

    assert any("search attributes" in change for change in await migrate_everything(ours))
    assert await migrate_everything(ours) == []
    client = await connect_temporal(ours)
    found = await client.workflow_service.describe_namespace(DescribeNamespaceRequest(namespace="killreport"))
    assert found.config.workflow_execution_retention_ttl.ToTimedelta() == timedelta(days=7)


async def test_migrate_lengthens_what_a_namespace_keeps_and_never_shortens_it(
    settings: Settings, temporal_namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for_days = {days: settings.model_copy(update={"temporal_retention_days": days}) for days in (1, 7, 30)}
    assert f"The namespace {temporal_namespace}" not in "".join(await migrate_everything(for_days[1]))

    async def refused(*_: object, **__: object) -> None:
        raise RPCError("Request unauthorized.", RPCStatusCode.PERMISSION_DENIED, b"")

    with monkeypatch.context() as cloud:
        cloud.setattr(WorkflowService, "update_namespace", refused, raising=False)
        (said,) = await migrate_everything(for_days[30])
    assert "for 24 hours, not 30 days, and we may not change that" in said
    assert f"`temporal operator namespace update --namespace {temporal_namespace} --retention 30d`" in said

    changed = (
        f"Temporal: The namespace {temporal_namespace} now keeps workflows that have ended for 30 days, not 24 hours."
    )
    assert await migrate_everything(for_days[30]) == [changed]
    assert await migrate_everything(for_days[7]) == []
    client = await connect_temporal(settings)
    found = await client.workflow_service.describe_namespace(DescribeNamespaceRequest(namespace=temporal_namespace))
    assert found.config.workflow_execution_retention_ttl.ToTimedelta() == timedelta(days=30)


async def test_a_worker_of_one_queue_keeps_its_limit(settings: Settings, client: Client) -> None:
    stop = asyncio.Event()
    limited = settings.model_copy(update={"killmails_activities_per_second": 2.5})
    worker = asyncio.create_task(run_worker(limited, stop, client, [KILLMAILS_QUEUE]))
    request = DescribeTaskQueueRequest(
        namespace=client.namespace,
        task_queue=TaskQueue(name=KILLMAILS_QUEUE),
        task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY,
        report_config=True,
        report_stats=True,
    )

    async def is_limited() -> bool:
        told = await client.workflow_service.describe_task_queue(request)
        return told.effective_rate_limit.requests_per_second == 2.5

    try:
        await eventually(is_limited)
        assert {queue.name for queue in await describe_task_queues(client) if queue.pollers} == {KILLMAILS_QUEUE}
    finally:
        stop.set()
        await worker


async def test_histories_tell_nothing_where_payloads_are_encrypted(
    settings: Settings, pool: asyncpg.Pool, client: Client, eve: SandboxEve
) -> None:
    pilot, stop = eve.pilots[0].character_id, asyncio.Event()
    encrypting = await connect_temporal(settings.model_copy(update={"temporal_payloads": "encrypted"}))
    worker = asyncio.create_task(run_worker(settings, stop, encrypting))
    try:
        await log_in(settings, pool, pilot)
        await start_or_wake(encrypting, pilot, 900)
        await until(encrypting, ok, pilot)
        history = await encrypting.get_workflow_handle(user_sync_id(pilot)).fetch_history()
    finally:
        stop.set()
        await worker
    payloads = [
        payload
        for event in history.events
        for payload in (
            *event.workflow_execution_started_event_attributes.input.payloads,
            *event.activity_task_scheduled_event_attributes.input.payloads,
            *event.activity_task_completed_event_attributes.result.payloads,
        )
    ]
    assert len(payloads) > 5
    assert {payload.metadata["encoding"] for payload in payloads} <= {ENCODING}
    # On the way back to plain, what was encrypted is still read.
    back = await connect_temporal(settings.model_copy(update={"temporal_payloads": "decrypting"}))
    assert (await back.data_converter.decode([payloads[0]]))[0]["character_id"] == pilot
    with pytest.raises(KeyError, match="binary/encrypted"):
        await client.data_converter.decode([payloads[0]])


async def test_temporals_own_cli_reads_them_with_an_operators_key(
    settings: Settings, pool: asyncpg.Pool, eve: SandboxEve
) -> None:
    operator = eve.pilots[0].character_id
    account = await log_in(settings, pool, operator)
    key = (await create_api_key(pool, account, "temporal", [Scope.READ])).secret
    wanted = {"temporal_payloads": "encrypted", "admin_character_ids": frozenset({operator}), "port": free_port()}
    ours = settings.model_copy(update=wanted)
    encrypting = await connect_temporal(ours)
    await encrypting.start_workflow("Departure", LeavingCharacter(operator), id="departure", task_queue=SYNC_QUEUE)

    async def shown(*options: str) -> str:
        process = await asyncio.create_subprocess_exec(
            *(str(TEMPORAL), "workflow", "show", "--workflow-id", "departure", "--output", "json"),
            *("--address", settings.temporal_address, "--namespace", settings.temporal_namespace, *options),
            stdout=asyncio.subprocess.PIPE,
            env={"HOME": "/nonexistent"},
        )
        assert process.stdout is not None
        said = (await process.stdout.read()).decode()
        assert await process.wait() == 0
        return said

    plain = base64.b64encode(f'{{"character_id":{operator}}}'.encode()).decode()
    assert plain not in await shown()
    async with serve(ours) as site:
        codec = ("--codec-endpoint", f"{site.address}/temporal/codec", "--codec-auth", f"Bearer {key}")
        assert plain in await shown(*codec)
