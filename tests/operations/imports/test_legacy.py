"""`killreport import-legacy`: the old system's users sync on, its killmails are here, however often it is run."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest
from click.testing import CliRunner, Result
from temporalio.client import Client

import cli
from contracts.sync import SyncState
from db.accounts.departures import delete_account
from db.accounts.vault import TokenVault
from operations.imports.commands import AN_ARGUMENT_IS_SEEN
from sandbox.eve.server import SandboxEve
from settings import Settings
from temporal.departure import start_departure
from temporal.schedules import trigger_watchdog
from tests.logins import log_in
from tests.operations.imports.old_system import OLDER, PASSWORD, add_killmail, add_users, old_system
from tests.paths import ROOT
from tests.stored import count, stored
from tests.workflows.waiting import eventually, ok, until

BODY: dict[str, Any] = {
    "killmail_time": "2025-06-01T18:30:00Z",
    "solar_system_id": 30000142,
    "victim": {
        "character_id": 1001, "corporation_id": 2001, "faction_id": 500001, "ship_type_id": 587, "damage_taken": 300,
        "position": {"x": 1.5, "y": -2.0, "z": 3.0},
        "items": [
            {"item_type_id": 3465, "flag": 5, "singleton": 0, "quantity_destroyed": 1, "items": [
                {"item_type_id": 34, "flag": 5, "singleton": 0, "quantity_dropped": 7}]},
        ],
    },
    "attackers": [
        {"security_status": -1.5, "final_blow": False, "damage_done": 100, "character_id": 1002, "ship_type_id": 603},
        {"security_status": 0.0, "final_blow": True, "damage_done": 200, "faction_id": 500010, "weapon_type_id": 2488},
    ],
}  # fmt: skip
NO_HASH, NOTHING, GIVEN_UP, NO_PLAYER = 71, 72, 73, -5


@pytest.fixture
async def old(postgres_url: str) -> AsyncIterator[tuple[asyncpg.Connection, str]]:
    async with old_system(postgres_url) as made:
        yield made


def variables(settings: Settings, url: str) -> dict[str, str]:
    names = ("database_url", "redis_url", "temporal_address", "eve_client_id", "esi_base_url", "eve_sso_url")
    keys = ",".join(key.get_secret_value() for key in settings.token_encryption_keys)
    ours = {name.upper(): str(getattr(settings, name)) for name in names}
    return ours | {"TOKEN_ENCRYPTION_KEYS": keys, "LEGACY_DATABASE_URL": url}


async def import_legacy(settings: Settings, url: str, *arguments: str, given: str | None = None) -> Result:
    command = ["import-legacy", *arguments]
    environment = variables(settings, url)
    result = await asyncio.to_thread(CliRunner().invoke, cli.main, command, env=environment, input=given)
    for secret in (PASSWORD, "a token", "refresh-", "0" * 38):
        assert secret not in result.output
    return result


async def all_of_it(settings: Settings, pool: asyncpg.Pool) -> dict[str, Any]:
    """What an import leaves, but for the times at which it did and the numbers that were given."""
    vault = TokenVault.from_settings(settings)
    users = await pool.fetch(
        "SELECT character_id, name, owner_hash, scopes, refresh_token, access_token, token_state, sync_state,"
        " created_at, count(*) OVER (PARTITION BY account_id) AS together FROM users ORDER BY character_id"
    )
    return {
        "users": [
            {**user, "refresh_token": user["refresh_token"] and vault.decrypt(user["refresh_token"])} for user in users
        ],
        "accounts": await count(pool, "accounts"),
        "references": [
            tuple(row)
            for row in await pool.fetch(
                "SELECT killmail_id, killmail_hash, hash_from, stored_at IS NULL, parked_at IS NULL, last_error"
                " FROM killmail_refs ORDER BY killmail_id"
            )
        ],
        "bodies": await pool.fetch("SELECT killmail_id, body FROM killmail_bodies ORDER BY killmail_id"),
        "people": await count(pool, "participants"),
        "arrived": await pool.fetch("SELECT killmail_id, silent FROM killmail_arrivals ORDER BY killmail_id"),
        "judged": await pool.fetch("SELECT killmail_id, solo, npc FROM killmails ORDER BY killmail_id"),
    }


@pytest.mark.usefixtures("worker")
async def test_pilots_go_on_where_the_old_system_stopped(
    settings: Settings, pool: asyncpg.Pool, client: Client, eve: SandboxEve, old: tuple[asyncpg.Connection, str]
) -> None:
    """EVE's own bodies come where EVE has them; a grant that is dead reads so; who left here stays away."""
    owner, url = old
    going_on, here, gone = (pilot.character_id for pilot in eve.pilots[:3])
    vault = TokenVault.from_settings(settings)
    grants = {}
    for pilot in (going_on, here, gone):
        await log_in(settings, pool, pilot)
        row = await pool.fetchrow(
            "SELECT account_id, owner_hash, refresh_token FROM users WHERE character_id = $1", pilot
        )
        assert row is not None
        grants[pilot] = (row["owner_hash"], vault.decrypt(row["refresh_token"]))
        if pilot == gone:
            await delete_account(pool, row["account_id"])
            await start_departure(client, pilot)
    await pool.execute("DELETE FROM users WHERE character_id = $1", going_on)
    await pool.execute(
        "DELETE FROM accounts WHERE NOT EXISTS (SELECT FROM users u WHERE u.account_id = accounts.account_id)"
    )
    kept = await pool.fetchval("SELECT refresh_token FROM users WHERE character_id = $1", here)
    await add_users(
        owner, (going_on, "Old Name", *grants[going_on]), (here, "x", "x", "a token"), (gone, "x", "x", "a token")
    )
    await add_users(
        owner, (1, "Dead", "owner", "a token that EVE refuses"), (2, "Empty", "owner", ""), (None, "x", "", "")
    )
    elsewhere = eve.references(eve.veteran.character_id)[-1]
    await add_killmail(owner, elsewhere.killmail_id, elsewhere.killmail_hash.upper())
    await add_killmail(owner, GIVEN_UP, f"{1:040}", BODY)

    async def departed() -> bool:
        return await count(pool, "departures") == 0

    await eventually(departed)
    result = await import_legacy(settings, url)
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines() == [
        "Users: 3 came, 1 here before, 1 not usable (1 without a character id).",
        "Killmails: 2 came, 0 here before, 0 put together from the old system's rows, all usable.",
        "Without a usable permission of EVE's, so they must log in: 1 of those who came.",
        "Left here since, so not taken again: 1.",
        "The watchdog starts the syncs of those who came.",
        "Fetched from EVE in the background: 2 killmails. When `killreport doctor --gaps` shows none as due, run this"
        " again: what EVE did not give is then put together from the old system's rows.",
    ]

    async def started() -> bool:
        await trigger_watchdog(client)  # one that runs by itself just then has not seen them
        return (await client.count_workflows('WorkflowType="UserSync"')).count >= 3

    await eventually(started)
    await until(client, ok, going_on)
    await until(client, lambda status: status.state == SyncState.NEEDS_LOGIN, 1)
    assert set(eve.listed_killmail_ids(going_on)) <= await stored(pool)
    assert await pool.fetchval("SELECT scopes <> '{}' FROM users WHERE character_id = $1", going_on)
    assert await pool.fetchval("SELECT refresh_token FROM users WHERE character_id = $1", here) == kept
    assert await count(pool, f"users WHERE character_id = {gone}") == 0

    # Half an hour later the watchdog looks after what nobody lists. EVE refuses a hash twice before it is given up.
    for _ in range(2):
        await pool.execute(
            "UPDATE killmail_refs SET first_seen_at = now() - interval '1 hour', next_attempt_at = NULL,"
            " claimed_until = NULL WHERE first_seen_by = 0 AND stored_at IS NULL"
        )
        attempts = await pool.fetchval("SELECT attempts FROM killmail_refs WHERE killmail_id = $1", GIVEN_UP)

        async def tried(before: int = attempts) -> bool:
            await trigger_watchdog(client)
            return await count(pool, f"killmail_refs WHERE killmail_id = {GIVEN_UP} AND attempts > {before}") == 1

        await eventually(tried)
    assert elsewhere.killmail_id in await stored(pool)
    result = await import_legacy(settings, url, "--json")
    report = json.loads(result.stdout)["killmails"]
    assert (report["came"], report["already_here"], report["waiting"], report["rebuilt"]) == (0, 2, 0, 1)
    assert GIVEN_UP in await stored(pool)


@pytest.mark.usefixtures("client")
async def test_it_may_die_anywhere_and_be_run_as_often_as_one_likes(
    settings: Settings, pool: asyncpg.Pool, old: tuple[asyncpg.Connection, str]
) -> None:
    owner, url = old
    await add_users(
        owner, (11, "Eleven", "owner", " a token "), (12, None, "owner", None), (13, "Sold", None, "a token")
    )
    await add_users(owner, (-7, "Odd", "owner", "a token"))
    await add_killmail(owner, NO_HASH, None, BODY)
    await add_killmail(owner, NOTHING, " ")
    await add_killmail(owner, GIVEN_UP, f"{1:040}", BODY)
    await add_killmail(owner, NO_PLAYER, "x", BODY)
    await pool.execute(
        "INSERT INTO killmail_refs (killmail_id, killmail_hash, first_seen_by) VALUES ($1, 'esi', 9)", GIVEN_UP
    )
    # A killmail is stored by then, and announced to nobody.
    await die_waiting_for("SELECT pg_advisory_xact_lock(hashtext('killmail arrivals'))", settings, pool, url)
    assert await count(pool, "users") == 3
    assert (await stored(pool), await count(pool, "killmail_arrivals")) == ({NO_HASH}, 0)

    result = await import_legacy(settings, url, "--json")
    assert result.exit_code == 0, result.output
    after = await all_of_it(settings, pool)
    assert [
        (user["character_id"], user["name"], user["refresh_token"], user["token_state"]) for user in after["users"]
    ] == [
        (11, "Eleven", "a token", "valid"),
        (12, "Character 12", None, "revoked"),
        (13, "Sold", None, "revoked"),
    ]
    assert {(user["sync_state"], user["together"]) for user in after["users"]} == {("starting", 1), ("needs_login", 1)}
    assert after["accounts"] == 3
    assert after["references"] == [
        (NO_HASH, "", "legacy", False, True, "UnusableHash"),
        (NOTHING, "", "legacy", True, False, "UnusableHash"),
        (GIVEN_UP, "esi", "esi", True, True, None),
    ]
    [(_, rebuilt)] = after["bodies"]
    body = json.loads(rebuilt)
    assert body.pop("rebuilt_from") == "the old system's tables"
    container, inside = (dict(item) for item in (BODY["victim"]["items"][0], BODY["victim"]["items"][0]["items"][0]))
    del container["items"]
    assert body == {**BODY, "killmail_id": NO_HASH, "victim": {**BODY["victim"], "items": [container, inside]}}
    assert (after["people"], after["arrived"], after["judged"]) == (3, [(NO_HASH, True)], [(NO_HASH, True, False)])
    report = json.loads(result.stdout)
    users = {"came": 0, "needs_login": 0, "already_here": 3, "left_here": 0, "unusable": {"a character id": 1}}
    assert report["users"] == users
    assert report["killmails"]["unusable"] == {"an id": 1, "its victim": 1}
    assert report["killmails"]["examples"] == {"its victim": [NOTHING]}

    again = await import_legacy(settings, url, "--json")
    assert json.loads(again.stdout) == report
    assert await all_of_it(settings, pool) == after


async def die_waiting_for(lock: str, settings: Settings, pool: asyncpg.Pool, url: str) -> None:
    """Run the command until it waits for this lock, and kill it."""
    async with pool.acquire() as holder, holder.transaction():
        await holder.execute(lock)
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "cli", "import-legacy"),
            cwd=ROOT,
            env={**os.environ, **variables(settings, url)},
            stdout=asyncio.subprocess.DEVNULL,
        )

        async def waits() -> bool:
            return bool(await pool.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted"))

        await eventually(waits)
        process.send_signal(signal.SIGKILL)
        await process.wait()


@pytest.mark.usefixtures("client")
async def test_an_older_schema_and_another_database(
    settings: Settings, pool: asyncpg.Pool, old: tuple[asyncpg.Connection, str], database_url: str
) -> None:
    owner, url = old
    await owner.execute(OLDER)
    await add_killmail(owner, NO_HASH, "", BODY)
    result = await import_legacy(settings, "nonsense", "-", given=f"{url}\n")
    assert result.exit_code == 0, result.output
    assert await pool.fetchval("SELECT array_agg(faction_id) FROM participants") == [None, None, None]
    noticed = await import_legacy(settings, "nonsense", url)
    assert (noticed.exit_code, noticed.stderr) == (0, f"{AN_ARGUMENT_IS_SEEN}\n")
    for wrong, said in (
        (database_url, "it has no killmails.killmail_hash"),
        (url.replace(PASSWORD, "another"), "password authentication failed"),
        ("mysql://x", "does not begin with postgresql://"),
    ):
        result = await import_legacy(settings, wrong)
        assert (result.exit_code, result.stdout) == (1, "")
        assert result.stderr.startswith("Error: The ")
        assert said in result.stderr
        assert result.stderr.count("\n") == 1
