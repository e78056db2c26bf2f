"""`killreport import-zkillboard` as an operator types it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path

import asyncpg
import pytest
from click.testing import CliRunner, Result

import cli
from sandbox.eve.server import SandboxEve
from settings import Settings
from temporal.connection import connect_temporal
from temporal.schedules import prepare_temporal
from tests.logins import add_user
from tests.stored import on_zkillboard, stored

Killreport = Callable[..., Awaitable[Result]]


@pytest.fixture
def killreport(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Killreport:
    monkeypatch.chdir(tmp_path)
    environment = {
        "DATABASE_URL": settings.database_url,
        "REDIS_URL": settings.redis_url,
        "TEMPORAL_ADDRESS": settings.temporal_address,
        "EVE_CLIENT_ID": settings.eve_client_id,
        "ESI_BASE_URL": settings.esi_base_url,
        "EVE_SSO_URL": settings.eve_sso_url,
        "TOKEN_ENCRYPTION_KEYS": settings.token_encryption_keys[0].get_secret_value(),
    }

    async def run(*arguments: str) -> Result:
        # In a thread: each command runs an event loop of its own.
        command = ["import-zkillboard", *arguments]
        return await asyncio.to_thread(CliRunner().invoke, cli.main, command, env=environment)

    return run


@pytest.mark.usefixtures("worker")
async def test_estimate_cancel_and_import(killreport: Killreport, pool: asyncpg.Pool, eve: SandboxEve) -> None:
    pilot = eve.pilots[1].character_id
    expected = await on_zkillboard(eve, pilot)
    refused = await killreport(str(pilot))
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert f"Character {pilot} has never logged in here" in refused.stderr
    await add_user(pool, pilot, "Ada")
    refused = await killreport(str(pilot), "--cancel")
    assert (refused.exit_code, refused.stderr) == (1, "Error: No import of Ada is running.\n")

    estimated = await killreport(str(pilot), "--estimate")
    assert estimated.exit_code == 0, estimated.output
    assert estimated.stdout.startswith(f"Ada: zKillboard lists about {len(expected):,} killmails for this character")
    assert await stored(pool) == set()
    assert json.loads((await killreport(str(pilot), "--estimate", "--json")).stdout)["estimate"]["new"] == len(expected)
    assert (await killreport(str(pilot), "--cancel")).stdout == "Ada: the import is being cancelled.\n"

    imported = await killreport(str(pilot), "--json")
    assert imported.exit_code == 0, imported.output
    account = json.loads(imported.stdout)["account"]
    assert (account["listed"], account["new"], account["state"]) == (len(expected), len(expected), "done")
    assert await stored(pool) == expected
    again = await killreport(str(pilot))
    assert again.stdout.startswith(f"Ada: Imported 0 new killmails ({len(expected):,} already here).")


async def test_without_a_worker_it_says_that_it_goes_on(
    killreport: Killreport, pool: asyncpg.Pool, settings: Settings
) -> None:
    await add_user(pool, 90_000_001, "Ada")
    refused = await killreport("90000001")
    assert "search attribute" in refused.stderr, "Temporal was not prepared yet"
    assert not await pool.fetchval("SELECT count(*) FROM zkillboard_imports"), "what was not started is not shown"
    await prepare_temporal(await connect_temporal(settings))
    waited = await killreport("90000001", "--timeout", "0.5")
    assert waited.exit_code == 1
    assert "zkillboard-import-90000001" in waited.stderr
    assert "as long as a worker is running" in waited.stderr
    waited = await killreport("90000001", "--estimate", "--timeout", "0.5")
    assert "Is a worker running?" in waited.stderr
