"""EVE_CLIENT_SECRET changes in EVE's developer portal before it changes here; no pilot loses a permission by it."""

from __future__ import annotations

from dataclasses import replace

import asyncpg
from pydantic import SecretStr
from temporalio.client import Client

from contracts.sync import SyncState
from sandbox.eve.server import SandboxEve
from settings import Settings
from temporal.user_sync import signal_user_sync, start_or_wake
from tests.fixtures.workers import Worker
from tests.logins import log_in
from tests.stored import stored
from tests.workflows.waiting import ok, until

GRANT = "SELECT access_token, refresh_token, token_state, token_version FROM users WHERE character_id = $1"


def accept_only(eve: SandboxEve, secret: SecretStr) -> None:
    """From now on EVE's SSO takes no other."""
    eve.world.options = replace(eve.world.options, client_secret=secret.get_secret_value())


async def test_a_new_client_secret_costs_no_pilot_the_login(
    settings: Settings, pool: asyncpg.Pool, client: Client, eve: SandboxEve
) -> None:
    pilot, new_secret = eve.pilots[1].character_id, SecretStr("the-next-client-secret")
    accept_only(eve, settings.eve_client_secret)
    await log_in(settings, pool, pilot)
    accept_only(eve, new_secret)
    await pool.execute("UPDATE users SET expires_at = now()")
    before = await pool.fetchrow(GRANT, pilot)

    old = Worker(settings, client)
    old.start()
    await start_or_wake(client, pilot, 900)
    await until(client, lambda status: status.state == SyncState.MISCONFIGURED, pilot)
    await signal_user_sync(client, pilot, "sync_now")  # the pilot tries again, and again nothing ends
    refused = await until(client, lambda status: status.state == SyncState.MISCONFIGURED and status.cycles > 1, pilot)
    assert "operator" in refused.message
    await old.stop()
    assert await pool.fetchrow(GRANT, pilot) == before

    new = Worker(settings.model_copy(update={"eve_client_secret": new_secret}), client)
    new.start()
    try:
        await signal_user_sync(client, pilot, "sync_now")
        await until(client, ok, pilot)
    finally:
        await new.stop()
    assert await stored(pool) == set(eve.listed_killmail_ids(pilot))
    after = await pool.fetchrow(GRANT, pilot)
    assert after is not None
    assert before is not None
    assert (after["token_state"], after["token_version"]) == ("valid", before["token_version"] + 1)
