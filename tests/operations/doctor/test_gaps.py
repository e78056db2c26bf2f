"""`killreport doctor --gaps` finds every killmail that is missing, and brings it back."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

import asyncpg
import pytest
from click.testing import CliRunner, Result
from temporalio.client import Client

import cli
from db.pool import open_pool
from db.syncs.gaps import gaps, redrive
from sandbox.eve.server import SandboxEve
from settings import Settings
from temporal.user_sync import start_or_wake
from tests.logins import log_in
from tests.stored import stored
from tests.workflows.waiting import eventually, ok, until


@pytest.fixture
async def empty(database_url: str) -> AsyncIterator[asyncpg.Pool]:
    async with await open_pool(database_url) as opened:
        yield opened


async def killreport(settings: Settings, *arguments: str) -> Result:
    variables = {
        name.upper(): str(getattr(settings, name))
        for name in ("database_url", "redis_url", "temporal_address", "eve_client_id", "esi_base_url", "eve_sso_url")
    }
    variables["TOKEN_ENCRYPTION_KEYS"] = ",".join(key.get_secret_value() for key in settings.token_encryption_keys)
    return await asyncio.to_thread(CliRunner().invoke, cli.main, arguments, env=variables)


async def test_gaps_are_told_apart_by_reason_and_by_what_becomes_of_them(empty: asyncpg.Pool) -> None:
    assert await gaps(empty) == []
    await empty.execute(
        """
        INSERT INTO killmail_refs (killmail_id, killmail_hash, first_seen_by, attempts, last_error, next_attempt_at,
                                   parked_at, claimed_until, stored_at)
        VALUES (1, '', 9, 2, 'InvalidHash', NULL, now(), NULL, NULL),
               (2, '', 9, 2, 'InvalidHash', NULL, now(), NULL, NULL),
               (3, '', 9, 5, 'Unavailable', now() + interval '1 hour', NULL, NULL, NULL),
               (4, '', 9, 0, NULL, NULL, NULL, now() + interval '1 minute', NULL),
               (5, '', 9, 0, NULL, NULL, NULL, NULL, NULL),
               (6, '', 9, 0, NULL, NULL, NULL, NULL, now())
        """
    )
    found = {(gap.reason, gap.waiting): gap for gap in await gaps(empty)}
    assert {key: gap.killmail_ids for key, gap in found.items()} == {
        ("InvalidHash", "given up"): [1, 2],
        ("Unavailable", "tried again later"): [3],
        ("not tried yet", "being fetched"): [4],
        ("not tried yet", "due"): [5],
    }
    assert found["Unavailable", "tried again later"].next_attempt_at is not None
    assert found["InvalidHash", "given up"].most_attempts == 2


async def test_each_redrive_takes_what_the_one_before_has_left(
    empty: asyncpg.Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("db.syncs.gaps.REDRIVE_AT_MOST", 10)
    await empty.execute(
        """
        INSERT INTO killmail_refs (killmail_id, killmail_hash, first_seen_by, attempts, last_error, next_attempt_at,
                                   parked_at)
        SELECT n, repeat('a', 40), 9, 12, 'Unavailable', CASE WHEN n > 20 THEN now() + interval '1 day' END,
               CASE WHEN n <= 20 THEN now() END FROM generate_series(1, 25) AS n
        """
    )
    await empty.execute(
        "INSERT INTO killmail_refs (killmail_id, killmail_hash, first_seen_by, last_error)"
        " VALUES (30, repeat('b', 40), 8, 'Unavailable')"
    )
    tried, waiting = [], []
    for _ in range(3):
        tried.append(await redrive(empty))
        waiting.append({gap.waiting: gap.killmails for gap in await gaps(empty)})
    assert [one.killmails for one in tried] == [11, 21, 26]
    assert [one.lists_of for one in tried] == [[8, 9]] * 3, "whoever shall fetch what was due is told, too"
    assert waiting == [
        {"due": 11, "given up": 10, "tried again later": 5},
        {"due": 21, "tried again later": 5},
        {"due": 26},
    ]


@pytest.mark.usefixtures("worker")
async def test_what_was_given_up_or_lost_comes_back(
    settings: Settings,
    pool: asyncpg.Pool,
    client: Client,
    eve: SandboxEve,
) -> None:
    pilot = eve.pilots[0].character_id
    await log_in(settings, pool, pilot)
    await start_or_wake(client, pilot, 900)
    await until(client, ok, pilot)
    listed = set(eve.listed_killmail_ids(pilot))
    result = await killreport(settings, "doctor", "--gaps")
    assert (result.exit_code, result.stdout) == (0, "No gaps: every killmail that EVE listed is stored.\n")

    parked, lost, *_ = sorted(listed)
    await pool.execute("DELETE FROM killmails WHERE killmail_id = ANY ($1)", [parked, lost])
    await pool.execute(
        "UPDATE killmail_refs SET stored_at = NULL, parked_at = now(), attempts = 12, last_error = 'Unavailable'"
        " WHERE killmail_id = $1",
        parked,
    )
    await pool.execute("DELETE FROM killmail_refs WHERE killmail_id = $1", lost)
    await pool.execute("UPDATE users SET killmail_list_fresh_until = now()")
    result = await killreport(settings, "doctor", "--gaps", "--json")
    assert result.exit_code == 1
    found = {gap["reason"]: gap["killmail_ids"] for gap in json.loads(result.stdout)["gaps"]}
    assert found == {"Unavailable": [parked], "NeverRecorded": [lost]}
    for reference in eve.references(pilot):
        assert reference.killmail_hash not in result.stdout

    result = await killreport(settings, "doctor", "--gaps", "--redrive")
    assert "Trying again now: 1. Syncs woken for it: 1." in result.stdout.replace("\n", " ")

    async def all_here() -> bool:
        return await stored(pool) == listed

    await eventually(all_here)
    assert await gaps(pool) == []


async def test_redrive_alone_is_a_usage_error() -> None:
    result = CliRunner().invoke(cli.main, ["doctor", "--redrive"])
    assert result.exit_code == 2
