"""Stored ciphertexts go to the newest key while API and workers write, whatever stops it."""

from __future__ import annotations

import asyncio
import hashlib
import json

import asyncpg
import pytest
from click.testing import CliRunner, Result
from cryptography.fernet import Fernet

import cli
from db.accounts.key_rotation import ALL, BATCH, Rotation, count_ciphertexts, rotate
from db.accounts.tokens import save_issued
from db.accounts.vault import TokenVault
from tests.workflows.waiting import eventually

OLD, NEW, LOST = (Fernet.generate_key().decode() for _ in range(3))
BEFORE, BOTH, AFTER = TokenVault([OLD]), TokenVault([NEW, OLD]), TokenVault([NEW])
PILOTS = BATCH + 30
STORED = 2 * PILOTS + 2


@pytest.fixture
async def account(pool: asyncpg.Pool) -> int:
    """Pilots with grants, a login under way and a departure, all under the old key."""
    account: int = await pool.fetchval("INSERT INTO accounts DEFAULT VALUES RETURNING account_id")
    await pool.executemany(
        "INSERT INTO users (character_id, account_id, name, owner_hash, scopes, access_token, refresh_token,"
        " token_state) VALUES ($1, $2, 'Pilot', 'owner', '{}', $3, $4, 'valid')",
        [
            (pilot, account, BEFORE.encrypt(f"access {pilot}"), BEFORE.encrypt(f"refresh {pilot}"))
            for pilot in range(1, PILOTS + 1)
        ],
    )
    await pool.execute(
        "INSERT INTO users (character_id, account_id, name, owner_hash, scopes, token_state)"
        " VALUES (999999, $1, 'Gone', 'owner', '{}', 'revoked')",
        account,
    )
    await pool.execute(
        "INSERT INTO departures (character_id, refresh_token, corporation_ids) VALUES (7, $1, '{}'), (8, NULL, '{}')",
        BEFORE.encrypt("refresh 7"),
    )
    await pool.execute(
        "INSERT INTO login_attempts (state_hash, browser_hash, code_verifier, expires_at) VALUES ($1, $1, $2, now())",
        hashlib.sha256(b"state").digest(),
        BEFORE.encrypt("verifier"),
    )
    return account


async def secrets_of(pool: asyncpg.Pool, vault: TokenVault) -> list[str]:
    """Every stored secret, decrypted with these keys alone."""
    found = []
    for held in ALL:
        found += [vault.decrypt(ciphertext) for _, ciphertext in await pool.fetch(held.first_page, STORED)]
    return sorted(found)


def nothing(_: int) -> None:
    pass


@pytest.mark.usefixtures("account")
async def test_what_is_stopped_goes_on_and_what_is_done_is_left_alone(pool: asyncpg.Pool) -> None:
    before, grants = await secrets_of(pool, BEFORE), "SELECT character_id, token_version, xmin FROM users ORDER BY 1"
    assert len(before) == await count_ciphertexts(pool) == STORED
    versions = [row["token_version"] for row in await pool.fetch(grants)]

    def killed(_: int) -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        await rotate(pool, BOTH, killed)
    read: list[int] = []
    rest = await rotate(pool, BOTH, read.append)
    assert rest == Rotation(ciphertexts=STORED, rotated=STORED - 1, older=0, unreadable=0)
    assert max(read) == STORED
    assert await secrets_of(pool, AFTER) == before
    rows = await pool.fetch(grants)
    assert [row["token_version"] for row in rows] == versions  # a refresh under way can still be saved
    assert await rotate(pool, BOTH, nothing) == Rotation(ciphertexts=STORED)
    assert await pool.fetch(grants) == rows


@pytest.mark.usefixtures("account")
async def test_a_token_that_is_refreshed_meanwhile_is_never_overwritten(pool: asyncpg.Pool) -> None:
    async with pool.acquire() as refresh, refresh.transaction():
        await refresh.execute("SELECT FROM users WHERE character_id = 1 FOR UPDATE")
        rotating = asyncio.create_task(rotate(pool, BOTH, nothing))

        async def waits_for_the_row() -> bool:
            waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
            return bool(await pool.fetchval(f"{waiting} AND wait_event_type = 'Lock'"))

        await eventually(waits_for_the_row)
        # Two processes renew grants: one that knows the new key, one that was not restarted yet.
        for pilot, vault in ((1, BOTH), (2, BEFORE)):
            new = (vault.encrypt(f"{what} {pilot} renewed") for what in ("access", "refresh"))
            saved = await save_issued(refresh, pilot, 1, access_token=next(new), refresh_token=next(new))
            assert saved == 2
    done = await rotating
    assert (done.older, done.unreadable) == (0, 0)
    kept = await secrets_of(pool, AFTER)
    assert {"access 1 renewed", "refresh 1 renewed", "access 2 renewed", "refresh 2 renewed"} <= set(kept)
    assert not {"access 1", "refresh 1", "access 2", "refresh 2"} & set(kept)


async def rotate_keys(database_url: str, *options: str, keys: str, given: str = "") -> Result:
    return await killreport(database_url, "rotate-keys", *options, keys=keys, given=given)


async def doctor(database_url: str, keys: str) -> tuple[str, str]:
    """What it says of the keys: verdict and detail."""
    findings = json.loads((await killreport(database_url, "doctor", "--json", keys=keys)).stdout)
    (found,) = [one for one in findings if one["subject"] == "TOKEN_ENCRYPTION_KEYS"]
    return found["verdict"], found["detail"]


async def killreport(database_url: str, *arguments: str, keys: str, given: str = "") -> Result:
    """A command, with Postgres alone."""
    environment = {
        "DATABASE_URL": database_url,
        "REDIS_URL": "redis://127.0.0.1:1/0",
        "TEMPORAL_ADDRESS": "127.0.0.1:1",
        "ESI_BASE_URL": "http://127.0.0.1:1",
        "EVE_SSO_URL": "http://127.0.0.1:1",
        "EVE_CLIENT_ID": "killreport-tests",
        "TOKEN_ENCRYPTION_KEYS": keys,
    }
    return await asyncio.to_thread(CliRunner().invoke, cli.main, arguments, env=environment, input=given)


@pytest.mark.usefixtures("account")
async def test_doctor_tries_every_secret_and_not_only_the_newest_pilots(pool: asyncpg.Pool, database_url: str) -> None:
    """All pilots' refresh tokens are under the new key; a departure, a login and the access tokens are not."""
    await pool.execute("UPDATE users SET refresh_token = $1 WHERE refresh_token IS NOT NULL", AFTER.encrypt("refresh"))
    older = (
        f"tried {STORED:,} stored secrets: all readable, {PILOTS + 2} with an older key: run `killreport rotate-keys`"
    )
    assert await doctor(database_url, f"{NEW},{OLD}") == ("ok", older)
    too_soon = (
        f"{PILOTS + 2} of {STORED:,} stored secrets cannot be decrypted"
        f" (logins under way: 1, access tokens: {PILOTS}, permissions to give back: 1)"
    )
    assert await doctor(database_url, NEW) == ("fails", too_soon)
    assert (await rotate_keys(database_url, keys=f"{NEW},{OLD}")).exit_code == 0
    assert await doctor(database_url, NEW) == (
        "ok",
        f"tried {STORED:,} stored secrets: all readable with the newest key",
    )


@pytest.mark.usefixtures("account")
async def test_what_no_key_opens_is_let_go_when_the_operator_says_so(pool: asyncpg.Pool, database_url: str) -> None:
    readable = AFTER.encrypt("a token under the new key")
    await pool.execute("UPDATE users SET refresh_token = $1 WHERE character_id = 3", readable)
    refused = await rotate_keys(database_url, "--forget-unreadable", keys=NEW, given="n\n")
    assert (refused.exit_code, await count_ciphertexts(pool)) == (1, STORED)
    done = await rotate_keys(database_url, "--forget-unreadable", "--json", "--yes", keys=NEW)
    assert json.loads(done.stdout) == {"pilots": PILOTS - 1, "others": PILOTS + 2}
    assert await secrets_of(pool, AFTER) == ["a token under the new key"]
    states = await pool.fetch("SELECT token_state, sync_state, count(*) FROM users GROUP BY 1, 2 ORDER BY 1")
    assert [tuple(row) for row in states] == [
        ("revoked", "starting", 1),
        ("unreadable", "needs_login", PILOTS - 1),
        ("valid", "starting", 1),
    ]
    again = await rotate_keys(database_url, "--forget-unreadable", "--json", "--yes", keys=NEW)
    assert json.loads(again.stdout) == {"pilots": 0, "others": 0}


@pytest.mark.usefixtures("account")
async def test_the_command_says_what_is_left(pool: asyncpg.Pool, database_url: str) -> None:
    async def command(*options: str, keys: str) -> Result:
        return await rotate_keys(database_url, *options, keys=keys)

    foreign = TokenVault([LOST]).encrypt("a token under a lost key")
    await pool.execute("UPDATE users SET refresh_token = $1 WHERE character_id = 3", foreign)
    lost = await command("--json", keys=f"{NEW},{OLD}")
    assert lost.exit_code == 1
    found = {"ciphertexts": STORED, "rotated": STORED - 1, "older": 0, "unreadable": 1}
    assert json.loads(lost.stdout) == found
    assert await pool.fetchval("SELECT refresh_token FROM users WHERE character_id = 3") == foreign
    again = await command(keys=f"{NEW},{OLD}")
    assert again.exit_code == 1
    assert "1 cannot be decrypted with any of the keys: add the key they need" in again.stdout

    done = await command(keys=f"{NEW},{OLD},{LOST}")
    assert done.exit_code == 0
    assert done.stdout.strip() == (
        f"{STORED:,} stored secrets: 1 encrypted again with the newest key,"
        " none needs an older key any more. Older keys can be removed."
    )
    assert "a token under a lost key" in await secrets_of(pool, AFTER)
    for secret in (NEW, OLD, "refresh 7"):
        assert secret not in lost.output + again.output + done.output
