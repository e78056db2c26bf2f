"""Who leaves while a grant is renewed gives back the newest, who moves meanwhile stays, who buys inherits no words."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from functools import partial
from typing import Any

import asyncpg

from db.accounts.departures import delete_account, departures_of, is_here, remove_character
from db.accounts.export import account_things
from db.accounts.grants import grant_character
from db.accounts.sessions import record_login_event
from db.accounts.tokens import save_issued
from db.accounts.vault import TokenVault
from db.visibility import Visibility, set_pilot_visibility
from settings import Settings
from tests.activities.stand_in_eve import grant
from tests.logins import add_user
from tests.workflows.waiting import eventually

PILOT, OTHER = 90_000_001, 90_000_002
WAITING = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"


async def account_of(pool: asyncpg.Pool, pilot: int) -> int:
    """A new pilot with a grant; the account."""
    await add_user(pool, pilot)
    query = (
        "UPDATE users SET token_state = 'valid', access_token = 'old', refresh_token = 'old'"
        " WHERE character_id = $1 RETURNING account_id"
    )
    return int(await pool.fetchval(query, pilot))


async def begun(pool: asyncpg.Pool, leaving: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
    """The departure, which waits for somebody."""
    task = asyncio.create_task(leaving)

    async def waits() -> bool:
        return bool(await pool.fetchval(WAITING))

    await eventually(waits)
    return task


async def test_a_grant_renewed_meanwhile_is_the_one_that_is_given_back(pool: asyncpg.Pool) -> None:
    account_id = await account_of(pool, PILOT)
    async with pool.acquire() as refresh, refresh.transaction():
        version = await save_issued(refresh, PILOT, 1, access_token=b"new", refresh_token=b"new")
        assert version is not None, "whoever renews has no reason to give it back"
        leaving = await begun(pool, delete_account(pool, account_id))
    assert await leaving == [PILOT]
    assert [departure.refresh_token for departure in await departures_of(pool, PILOT)] == [b"new"]


async def test_a_character_that_moves_to_another_account_meanwhile_stays(pool: asyncpg.Pool) -> None:
    home, away = await account_of(pool, PILOT), await account_of(pool, OTHER)
    for leave in (partial(remove_character, character_id=PILOT), delete_account):
        await pool.execute("UPDATE users SET account_id = $2 WHERE character_id = $1", PILOT, home)
        async with pool.acquire() as login, login.transaction():
            await login.execute("UPDATE users SET account_id = $2 WHERE character_id = $1", PILOT, away)
            leaving = await begun(pool, leave(pool, home))
        assert not await leaving
        assert await is_here(pool, PILOT)
        assert not await departures_of(pool, PILOT)


async def test_a_sold_character_tells_its_new_owner_nothing_of_the_old_one(
    pool: asyncpg.Pool, settings: Settings
) -> None:
    vault = TokenVault.from_settings(settings)

    async def log_in(owner: str) -> int:
        given = grant("access", "refresh", character_id=PILOT, owner=owner)
        account_id = (await grant_character(pool, vault, given, None, None)).account_id
        await record_login_event(pool, "logged_in", PILOT, f"network of {owner}")
        return account_id

    async def networks(account_id: int) -> list[Any]:
        return [one["network"] async for one in account_things(pool, account_id) if one["kind"] == "login"]

    seller = await log_in("seller")
    assert await set_pilot_visibility(pool, seller, PILOT, Visibility.PUBLIC)
    assert await log_in("seller") == seller
    assert await networks(seller) == ["network of seller"] * 2
    buyer = await log_in("buyer")
    assert buyer != seller
    assert await networks(buyer) == ["network of buyer"]
    assert "visibility_change" not in {one["kind"] async for one in account_things(pool, buyer)}
