"""What `killreport …` says and answers when all is well, and the one sentence it says when not."""

from __future__ import annotations

import asyncio
import json
import secrets
import socket
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from pathlib import Path

import asyncpg
import pytest
import redis.asyncio
import uvloop
from click.testing import CliRunner, Result
from cryptography.fernet import Fernet
from multidict import CIMultiDict, CIMultiDictProxy
from temporalio.client import Client

import cli
from contracts.call_classes import CallClass
from contracts.sync import UserSyncState, user_sync_id
from contracts.upkeep import WATCHDOG_ID
from contracts.values import PRICE_SNAPSHOT_ID
from eve.answer import Answer
from eve.esi.budget import Budget
from eve.esi.routes import KILLMAIL
from sandbox.process import free_port
from settings import Settings
from temporal import handles
from temporal.user_sync import start_user_sync
from tests.fixtures.pooler import needs_pgbouncer

KEY = Fernet.generate_key().decode()
CHARACTER_ID = 90000001
Killreport = Callable[..., Awaitable[Result]]


@pytest.fixture
def away() -> str:
    """An address nobody listens on."""
    return f"127.0.0.1:{free_port()}"


@pytest.fixture
def variables(away: str) -> dict[str, str]:
    """A complete configuration of which nothing answers."""
    return {
        "DATABASE_URL": f"postgresql://pilot:a-secret@{away}/killreport",
        "REDIS_URL": f"redis://:a-secret@{away}/0",
        "TEMPORAL_ADDRESS": away,
        "EVE_CLIENT_ID": "an-application",
        "ESI_BASE_URL": f"http://{away}",
        "EVE_SSO_URL": f"http://{away}",
        "TOKEN_ENCRYPTION_KEYS": KEY,
    }


@pytest.fixture
def killreport(variables: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Killreport:
    """Run a command in an empty directory; keyword arguments change the configuration, None removes."""
    monkeypatch.chdir(tmp_path)

    async def run(*arguments: str, **changes: str | None) -> Result:
        environment: Mapping[str, str | None] = {**variables, **changes}
        # In a thread: each command runs an event loop of its own.
        return await asyncio.to_thread(CliRunner().invoke, cli.main, arguments, env=environment)

    return run


def sentence(result: Result) -> str:
    """The one line a failed command says on standard error."""
    assert result.exit_code == 1, result.output
    assert result.stdout == ""
    assert result.stderr.count("\n") == 1, result.stderr
    assert "Traceback" not in result.stderr
    assert "a-secret" not in result.stderr
    return result.stderr.strip()


@pytest.mark.parametrize(
    "command", ["api", "worker", "migrate", "status", "doctor", "pause 1", "sync --all", "revalue"]
)
async def test_a_missing_setting_is_named(killreport: Killreport, command: str) -> None:
    result = await killreport(*command.split(), DATABASE_URL=None)
    assert sentence(result).startswith("Error: DATABASE_URL is not set: it is Postgres, as postgresql://")


async def test_days_of_the_archive_that_end_before_they_begin_are_refused(killreport: Killreport) -> None:
    for arguments in (["--from", "2026-11-02", "--to", "2026-11-01"], ["--from", "2999-01-01"], ["--to", "2007-01-01"]):
        result = await killreport("import-archive", *arguments)
        assert result.exit_code == 2
        assert "Error: There is no day from " in result.stderr


@pytest.mark.parametrize("command", ["migrate", "status", "sync 1", "sync 1 --wait", "pause 1", "resume 1"])
async def test_a_database_that_is_away_is_named(killreport: Killreport, command: str, away: str) -> None:
    said = sentence(await killreport(*command.split()))
    assert said.startswith(f"Error: Postgres at {away} (DATABASE_URL) cannot be used: ")


async def test_temporal_and_redis_that_are_away_are_named(
    killreport: Killreport, database_url: str, away: str, temporal_address: str
) -> None:
    said = sentence(await killreport("status", DATABASE_URL=database_url))
    assert said.startswith(f"Error: Temporal at {away} (TEMPORAL_ADDRESS) cannot be reached")
    said = sentence(await killreport("status", DATABASE_URL=database_url, TEMPORAL_ADDRESS=temporal_address))
    assert said.startswith(f"Error: Redis at {away} (REDIS_URL) cannot be used: ")


async def test_a_database_without_tables_is_mended_by_migrate(
    killreport: Killreport, postgres_url: str, temporal_address: str, redis_url: str
) -> None:
    server = postgres_url.rpartition("/")[0]
    name = f"empty_{secrets.token_hex(6)}"
    connection = await asyncpg.connect(f"{server}/postgres")
    await connection.execute(f'CREATE DATABASE "{name}"')
    services = {"DATABASE_URL": f"{server}/{name}", "TEMPORAL_ADDRESS": temporal_address, "REDIS_URL": redis_url}
    try:
        said = sentence(await killreport("status", **services))
        assert said.endswith("run `killreport migrate`.")
        assert "applied revision" in (await killreport("migrate", **services)).stdout
        again = await killreport("migrate", **services)
        assert (again.exit_code, again.stdout) == (0, "Everything was up to date already.\n")
        assert json.loads((await killreport("migrate", "--json", **services)).stdout) == {"changes": []}
        assert "Nobody has logged in yet." in (await killreport("status", **services)).stdout
    finally:
        await connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
        await connection.close()


async def test_status_shows_each_bucket_and_who_spends_it(
    killreport: Killreport, database_url: str, temporal_address: str, redis_url: str
) -> None:
    services = {"DATABASE_URL": database_url, "TEMPORAL_ADDRESS": temporal_address, "REDIS_URL": redis_url}
    await killreport("migrate", **services)
    client = redis.asyncio.from_url(redis_url)
    budget = Budget(client)
    for call_class, remaining in ((CallClass.BACKFILL, 3598), (CallClass.LIVE, 3500)):
        spent = await budget.reserve(KILLMAIL, None, call_class)
        headers = {"X-Ratelimit-Group": "killmail", "X-Ratelimit-Limit": "3600/15m"}
        headers["X-Ratelimit-Remaining"] = str(remaining)
        await budget.settle(spent, Answer(200, CIMultiDictProxy(CIMultiDict(headers)), b"{}"))
    limited = await budget.reserve(KILLMAIL, None, CallClass.LIVE)
    await budget.settle(limited, Answer(429, CIMultiDictProxy(CIMultiDict({"Retry-After": "600"})), b""))
    await client.aclose()
    shown = (await killreport("status", COLUMNS="200", **services)).stdout
    row = next(line for line in shown.splitlines() if "killmail" in line and "3,500 of 3,600" in line)
    assert "900 s" in row
    assert "live 2, backfill 2, elsewhere 96" in row
    assert "ESI calls are paused (killmail:source-address) until" in shown
    [bucket] = json.loads((await killreport("status", "--json", **services)).stdout)["esi_buckets"]
    assert (bucket["limit"], bucket["remaining"]) == (3600, 3500)
    assert bucket["spent_by"] == {"live": 2, "backfill": 2, "elsewhere": 96}


async def test_a_pilot_who_never_logged_in_or_whose_workflow_is_gone(
    killreport: Killreport, database_url: str, temporal_address: str
) -> None:
    services = {"DATABASE_URL": database_url, "TEMPORAL_ADDRESS": temporal_address}
    for command in ("sync", "pause", "resume"):
        said = sentence(await killreport(command, str(CHARACTER_ID), **services))
        assert said == f"Error: Character {CHARACTER_ID} has never logged in here, so there is nothing to sync."
    await add_user(database_url)
    for command in ("sync", "sync --full --wait", "pause"):
        said = sentence(await killreport(*command.split(), str(CHARACTER_ID), **services))
        assert f"The workflow user-sync-{CHARACTER_ID} is not running" in said


async def test_an_order_is_accepted_while_no_worker_runs(
    killreport: Killreport, settings: Settings, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handles, "CALL_TIMEOUT", timedelta(seconds=3))  # no worker will ever answer
    services = {"DATABASE_URL": settings.database_url, "TEMPORAL_ADDRESS": settings.temporal_address}
    await add_user(settings.database_url)
    await start_user_sync(client, UserSyncState(CHARACTER_ID))
    result = await killreport("pause", str(CHARACTER_ID), **services)
    said = "A Pilot: the order was accepted. No worker answers at the moment: it takes effect when one runs.\n"
    assert (result.exit_code, result.stdout) == (0, said), result.output
    result = await killreport("sync", str(CHARACTER_ID), "--json", **services)
    assert json.loads(result.stdout) == {"character_id": CHARACTER_ID, "status": None}
    history = await client.get_workflow_handle(user_sync_id(CHARACTER_ID)).fetch_history()
    sent = [event.workflow_execution_signaled_event_attributes.signal_name for event in history.events]
    assert [name for name in sent if name] == ["pause", "sync_now"]


async def test_all_of_nobody_is_nobody(killreport: Killreport, temporal_address: str) -> None:
    result = await killreport("pause", "--all", TEMPORAL_ADDRESS=temporal_address)
    assert (result.exit_code, result.stdout) == (0, "Paused: 0 pilots; no workflow is running.\n")
    result = await killreport("sync", "--all", "--json", TEMPORAL_ADDRESS=temporal_address)
    assert json.loads(result.stdout) == {"signalled": 0, "failed": 0, "job_id": ""}


@pytest.mark.parametrize("command", ["sync", "sync 1 --all", "pause", "resume 1 --all", "sync --all --wait", "sync x"])
async def test_a_command_that_makes_no_sense_is_a_usage_error(killreport: Killreport, command: str) -> None:
    result = await killreport(*command.split())
    assert result.exit_code == 2
    assert "Usage:" in result.stderr


async def test_a_worker_runs_on_uvloop(killreport: Killreport, monkeypatch: pytest.MonkeyPatch) -> None:
    """A merge lost it once, unnoticed, and a look then cost the worker half as much again (decision 44)."""
    loops: list[asyncio.AbstractEventLoop] = []

    async def work(*_: object) -> None:
        loops.append(asyncio.get_running_loop())

    monkeypatch.setattr("operations.processes.work", work)
    assert (await killreport("worker")).exit_code == 0
    (loop,) = loops
    assert isinstance(loop, uvloop.Loop)


async def test_a_taken_port_is_named(killreport: Killreport) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        said = sentence(await killreport("api", PORT=port))
    assert said.startswith(f"Error: PORT {port} on 127.0.0.1 cannot be used: Address already in use.")


async def test_a_new_key_encrypts(killreport: Killreport) -> None:
    result = await killreport("doctor", "--new-key", DATABASE_URL=None)
    Fernet(result.stdout.strip())


async def test_doctor_says_how_to_mend_what_fails(
    killreport: Killreport, database_url: str, temporal_address: str, variables: dict[str, str]
) -> None:
    await add_user(database_url, refresh_token=Fernet(Fernet.generate_key()).encrypt(b"a refresh token"))
    variables |= {"DATABASE_URL": database_url, "TEMPORAL_ADDRESS": temporal_address}
    result = await killreport("doctor", "--json", EVE_CALLBACK_URL="https://elsewhere.example/auth/callback")
    assert result.exit_code == 1
    findings = {finding["subject"]: finding for finding in json.loads(result.stdout)}
    mend = {subject: finding["mend"] for subject, finding in findings.items() if finding["verdict"] == "fails"}
    assert mend["Search attributes"] == mend["Schedules"] == "Run `killreport migrate`."
    assert mend["Workers of queue killmails"] == "Start `killreport worker`."
    assert mend["Redis"] == "Start Redis or Valkey, or correct REDIS_URL."
    assert mend["TOKEN_ENCRYPTION_KEYS"].startswith("Add the key they were encrypted with")
    assert mend["EVE_CALLBACK_URL"].startswith("Give PUBLIC_URL and EVE_CALLBACK_URL the same")
    assert {"EVE SSO", "ESI"} <= set(mend)
    assert findings["Postgres"]["verdict"] == findings["Temporal"]["verdict"] == "ok"
    # For people: the same, and what to do below each.
    shown = (await killreport("doctor")).stdout
    assert "→ Run `killreport migrate`." in shown
    assert "a-secret" not in shown


async def test_doctor_says_which_schedules_are_missing_or_paused(
    killreport: Killreport, settings: Settings, client: Client
) -> None:
    services = {"DATABASE_URL": settings.database_url, "TEMPORAL_ADDRESS": settings.temporal_address}

    async def schedules() -> list[tuple[str, str, str]]:
        findings = json.loads((await killreport("doctor", "--json", **services)).stdout)
        return [(one["verdict"], one["detail"], one["mend"]) for one in findings if one["subject"] == "Schedules"]

    assert await schedules() == [("ok", "watchdog, price-snapshot", "")]
    for schedule_id in (WATCHDOG_ID, PRICE_SNAPSHOT_ID):
        await client.get_schedule_handle(schedule_id).pause()
    toggle = f"Run `temporal schedule toggle --namespace {client.namespace} --schedule-id"
    assert await schedules() == [
        ("fails", "watchdog is paused", f"{toggle} watchdog --unpause`."),
        ("warning", "price-snapshot is paused", f"{toggle} price-snapshot --unpause`."),
    ]
    await client.get_schedule_handle(WATCHDOG_ID).unpause()
    await client.get_schedule_handle(PRICE_SNAPSHOT_ID).delete()
    assert await schedules() == [("fails", "missing: price-snapshot", "Run `killreport migrate`.")]


async def test_a_url_that_cannot_be_used_stops_every_command_in_one_sentence(
    killreport: Killreport, database_url: str
) -> None:
    for command in ("api", "worker", "status", "migrate"):
        url = "postgresql://u:a-secret@h/d?requirepeer=postgres"
        result = await killreport(command, DATABASE_URL=url, PORT=str(free_port()))
        said = "DATABASE_URL has the parameter requirepeer: it cannot be enforced here."
        assert (result.exit_code, result.stderr.splitlines()[-1:]) == (1, [f"Error: {said}"]), result
    result = await killreport("worker", DATABASE_URL=database_url, REDIS_URL="redis://:a-secret/x@h/0")
    assert result.stderr.startswith("Error: REDIS_URL is not redis://")
    result = await killreport("doctor", "--json", DATABASE_URL=database_url, REDIS_URL="redis://:a-secret/x@h/0")
    (redis_finding,) = [one for one in json.loads(result.stdout) if one["subject"] == "Redis"]
    assert redis_finding["detail"].startswith("REDIS_URL is not redis://, rediss:// or unix:// with a host and a port")
    assert "a-secret" not in result.output


@needs_pgbouncer
async def test_doctor_knows_a_pooler_and_parameters_without_effect(killreport: Killreport, pooled_url: str) -> None:
    result = await killreport("doctor", "--json", DATABASE_URL=f"{pooled_url}?keepalives_idle=30&sslsni=1")
    findings = {finding["subject"]: finding for finding in json.loads(result.stdout)}
    assert findings["Postgres"]["verdict"] == findings["Migrations"]["verdict"] == "ok"
    assert findings["DATABASE_URL"]["detail"] == "has parameters without effect here: keepalives_idle, sslsni"
    assert findings["Connection pooler"]["verdict"] == "warning"
    assert "idle_in_transaction_session_timeout" in findings["Connection pooler"]["mend"]


async def test_doctor_looks_at_what_it_can_when_everything_is_away(killreport: Killreport) -> None:
    result = await killreport("doctor", "--json")
    assert result.exit_code == 1
    fails = {finding["subject"] for finding in json.loads(result.stdout) if finding["verdict"] == "fails"}
    assert fails == {"Postgres", "Redis", "Temporal", "EVE SSO", "ESI"}


async def add_user(database_url: str, refresh_token: bytes | None = None) -> None:
    connection = await asyncpg.connect(database_url)
    try:
        account_id = await connection.fetchval("INSERT INTO accounts DEFAULT VALUES RETURNING account_id")
        await connection.execute(
            "INSERT INTO users (character_id, account_id, name, owner_hash, scopes, token_state, refresh_token)"
            " VALUES ($1, $2, 'A Pilot', 'owner', '{}', 'valid', $3)",
            CHARACTER_ID,
            account_id,
            refresh_token,
        )
    finally:
        await connection.close()
