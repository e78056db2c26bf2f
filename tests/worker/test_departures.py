"""A character that leaves: its sync ends, EVE has its grant back, whatever was down meanwhile."""

from __future__ import annotations

import asyncpg
import pytest
from cryptography.fernet import Fernet
from pydantic import SecretStr
from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.testing import ActivityEnvironment

from activities.departures import Departures
from contracts.sync import SyncState, user_sync_id
from contracts.upkeep import LeavingCharacter
from db.accounts.departures import delete_account, departures_of
from db.accounts.vault import TokenVault, VaultError
from eve.errors import TokenRevoked
from eve.session import open_session
from eve.sso.client import Sso
from sandbox.eve.server import SandboxEve
from settings import Settings
from temporal.departure import start_departure
from temporal.schedules import trigger_watchdog
from temporal.user_sync import signal_user_sync, start_or_wake
from tests.fixtures.workers import StartWorker
from tests.logins import log_in
from tests.workflows.waiting import eventually, ok, until

REVOKE = "/v2/oauth/revoke"


async def grant_is_dead(settings: Settings, refresh_token: str) -> bool:
    async with open_session(settings) as session:
        try:
            await Sso(session, settings).refresh(refresh_token)
        except TokenRevoked:
            return True
    return False


async def refresh_token_of(settings: Settings, pool: asyncpg.Pool, pilot: int) -> str:
    kept = await pool.fetchval("SELECT refresh_token FROM users WHERE character_id = $1", pilot)
    return TokenVault.from_settings(settings).decrypt(kept)


async def leave(pool: asyncpg.Pool, pilot: int) -> None:
    await delete_account(pool, await pool.fetchval("SELECT account_id FROM users WHERE character_id = $1", pilot))


async def test_a_paused_sync_ends_and_the_grant_goes_back_although_sso_is_down_at_first(
    settings: Settings, pool: asyncpg.Pool, client: Client, eve: SandboxEve, start_worker: StartWorker
) -> None:
    pilot = eve.pilots[0].character_id
    await start_worker()
    await log_in(settings, pool, pilot)
    await start_or_wake(client, pilot, 900)
    await until(client, ok, pilot)
    await signal_user_sync(client, pilot, "pause")
    await until(client, lambda status: status.state == SyncState.PAUSED, pilot)
    killmails = await pool.fetchval("SELECT count(*) FROM killmails")
    token = await refresh_token_of(settings, pool, pilot)
    eve.add_fault("status", route=REVOKE, count=1, status=503)
    await leave(pool, pilot)
    await start_departure(client, pilot)

    async def over() -> bool:
        return not await departures_of(pool, pilot)

    await eventually(over)
    described = await client.get_workflow_handle(user_sync_id(pilot)).describe()
    assert described.status == WorkflowExecutionStatus.TERMINATED
    assert [record.status for record in eve.requests_of(REVOKE)] == [503, 200]
    assert await grant_is_dead(settings, token)
    assert await pool.fetchval("SELECT count(*) FROM killmails") == killmails > 0


async def test_the_watchdog_finishes_what_was_never_started_and_leaves_who_came_back(
    settings: Settings, pool: asyncpg.Pool, client: Client, eve: SandboxEve, start_worker: StartWorker
) -> None:
    gone, back = (pilot.character_id for pilot in eve.pilots[:2])
    for pilot in (gone, back):
        await log_in(settings, pool, pilot)
    tokens = [await refresh_token_of(settings, pool, pilot) for pilot in (gone, back)]
    for pilot in (gone, back):
        await leave(pool, pilot)
    await log_in(settings, pool, back)
    await pool.execute("UPDATE departures SET requested_at = now() - interval '1 hour'")
    await start_worker()
    assert await trigger_watchdog(client)

    async def over() -> bool:
        return not await pool.fetchval("SELECT count(*) FROM departures")

    await eventually(over)
    await until(client, ok, back)
    assert await grant_is_dead(settings, tokens[0])
    assert await grant_is_dead(settings, tokens[1])
    assert not await grant_is_dead(settings, await refresh_token_of(settings, pool, back))


async def test_a_grant_waits_for_the_key_that_opens_it_and_holds_up_no_other(
    settings: Settings, pool: asyncpg.Pool, client: Client, eve: SandboxEve
) -> None:
    """While keys are changed, one host encrypts already with the new one, and another does not know it yet."""
    pilot = eve.pilots[0].character_id
    new = SecretStr(Fernet.generate_key().decode())
    ahead = settings.model_copy(update={"token_encryption_keys": (new, *settings.token_encryption_keys)})
    tokens = []
    for host in (ahead, settings):
        await log_in(host, pool, pilot)
        tokens.append(await refresh_token_of(host, pool, pilot))
        await leave(pool, pilot)

    async with open_session(settings) as session:

        async def finish(host: Settings) -> None:
            departures = Departures(pool, client, Sso(session, host), TokenVault.from_settings(host))
            await ActivityEnvironment().run(departures.finish_departure, LeavingCharacter(pilot))

        with pytest.raises(VaultError):
            await finish(settings)
        assert [await grant_is_dead(settings, token) for token in tokens] == [False, True]
        await finish(ahead)
        assert await grant_is_dead(settings, tokens[0])
        assert not await departures_of(pool, pilot)

        await log_in(ahead, pool, pilot)
        await leave(pool, pilot)
        await pool.execute("UPDATE departures SET requested_at = now() - interval '31 days'")
        await finish(settings)
        assert not await departures_of(pool, pilot), "no key opened it for a month: it is thrown away"
