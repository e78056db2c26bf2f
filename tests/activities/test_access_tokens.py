"""A grant is refreshed by one at a time, kept whole, and destroyed only when SSO says that it is dead.

On a real database and Redis, against an EVE whose refresh tokens die the moment they are used.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import orjson
import pytest
import redis.asyncio

from activities.errors import CharacterRemoved
from contracts.sync_sentences import LOST_GRANT
from db.accounts.departures import delete_account, departures_of
from db.syncs.status import characters
from eve.errors import (
    ClientRejected,
    EveError,
    GrantLost,
    NotAsked,
    OwnerChanged,
    SsoLimited,
    SsoRefused,
    TokenRevoked,
    Unavailable,
    UntrustedAccessToken,
)
from live import STREAM
from sandbox.eve.server import SandboxEve
from settings import Settings
from tests.activities.refreshing import TOKEN, Worker, worker
from tests.workflows.waiting import eventually

KEYS = "/oauth/jwks"


@pytest.fixture
async def hasty(settings: Settings, eve: SandboxEve) -> AsyncIterator[Worker]:
    """A worker whose activities give up waiting at once; its refreshes go on."""
    async with worker(settings, eve, patience_seconds=0.2) as opened:
        yield opened


async def test_a_good_token_is_left_alone(one: Worker) -> None:
    await one.log_in(expired=False)
    assert (await one.ensure()).valid_until == (await one.user())["expires_at"]
    assert one.refreshes() == 0


async def test_a_token_near_its_end_is_refreshed_and_both_new_tokens_are_kept(one: Worker) -> None:
    await one.log_in()
    before = await one.stored()
    ready = await one.ensure()
    assert ready.valid_until > datetime.now(UTC) + timedelta(minutes=19)
    after = await one.stored()
    assert not set(before) & set(after)
    await one.ensure(force=True)  # with the refresh token that came: the first is dead
    assert one.refreshes() == 2
    assert (await one.user())["token_state"] == "valid"


async def test_many_at_once_in_two_processes_refresh_once(one: Worker, settings: Settings, eve: SandboxEve) -> None:
    await one.log_in()
    eve.add_fault("latency", route=TOKEN, seconds=0.3)
    async with worker(settings, eve) as other:
        answers = await asyncio.gather(*(who.ensure() for who in (one, other) for _ in range(4)))
    assert one.refreshes() == 1
    assert len({answer.valid_until for answer in answers}) == 1


async def test_a_login_during_a_refresh_wins(one: Worker, eve: SandboxEve) -> None:
    await one.log_in()
    eve.add_fault("late", route=TOKEN, seconds=1, count=1)
    refresh = asyncio.create_task(one.ensure())
    await eventually(lambda: asked(eve, 2))
    await one.log_in(expired=False)
    newest = await one.stored()
    assert (await refresh).valid_until == (await one.user())["expires_at"]
    assert await one.stored() == newest, "not what the overtaken refresh brought"


async def asked(eve: SandboxEve, times: int) -> bool:
    return len(eve.requests_of(TOKEN)) >= times


async def test_a_login_while_the_old_grant_dies_is_not_harmed(one: Worker, eve: SandboxEve) -> None:
    await one.log_in()
    eve.revoke(one.pilot)
    eve.add_fault("late", route=TOKEN, seconds=1, count=1)
    refresh = asyncio.create_task(one.ensure())
    await eventually(lambda: asked(eve, 2))
    await one.log_in(expired=False)
    await refresh
    assert (await one.user())["token_state"] == "valid"


async def test_a_revoked_grant_is_destroyed_and_shown(one: Worker, eve: SandboxEve) -> None:
    await one.log_in()
    eve.revoke(one.pilot)
    for _ in range(2):
        with pytest.raises(TokenRevoked) as raised:
            await one.ensure()
        assert not isinstance(raised.value, GrantLost)
    assert one.refreshes() == 1, "a dead grant is not asked for again"
    user = await one.user()
    assert (user["access_token"], user["refresh_token"], user["expires_at"]) == (None, None, None)
    assert (user["token_state"], user["sync_state"]) == ("revoked", "needs_login")


async def test_a_changed_owner_destroys_the_tokens(one: Worker, eve: SandboxEve) -> None:
    await one.log_in()
    eve.transfer(one.pilot)
    for _ in range(2):
        with pytest.raises(OwnerChanged):
            await one.ensure()
    user = await one.user()
    assert (user["access_token"], user["refresh_token"]) == (None, None)
    assert (user["token_state"], user["sync_state"]) == ("owner_changed", "owner_changed")
    async with redis.asyncio.from_url(one.settings.redis_url) as connection:
        entries: Any = await connection.xrange(STREAM)
        told = [orjson.loads(fields[b"event"]) for _, fields in entries]
    access = [event["account_ids"] for event in told if event["kind"] == "access"]
    assert access[-1:] == [[user["account_id"]]], "its sockets are looked at again"


async def test_a_fresh_token_without_the_killmail_scope_needs_a_login(one: Worker, eve: SandboxEve) -> None:
    await one.log_in()
    eve.odd_tokens(one.pilot, drop=("scp",))
    with pytest.raises(TokenRevoked):
        await one.ensure()
    assert (await one.user())["sync_state"] == "needs_login"


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ({"kind": "status", "status": 401, "body": {"error": "invalid_client"}}, ClientRejected),
        ({"kind": "status", "status": 400, "body": {"error": "temporarily_unavailable"}}, SsoRefused),
        ({"kind": "status", "status": 400, "body": {"error": "invalid_token"}}, SsoRefused),
        ({"kind": "status", "status": 500, "body": {"error": "invalid_grant"}}, Unavailable),
        ({"kind": "html_502"}, Unavailable),
        ({"kind": "rate_limited", "seconds": 7}, SsoLimited),
    ],
)
async def test_other_failures_leave_the_grant_alone(
    one: Worker, eve: SandboxEve, fault: dict[str, Any], error: type[EveError]
) -> None:
    await one.log_in()
    before = await one.user()
    eve.add_fault(**fault, route=TOKEN, count=1)
    with pytest.raises(error) as raised:
        await one.ensure()
    assert type(raised.value) is error
    assert await one.user() == before
    await one.pool.execute("DELETE FROM refresh_leases WHERE unanswered_at IS NULL")
    if error is not SsoLimited:
        await one.ensure()


async def test_an_unknown_character_is_removed(one: Worker) -> None:
    with pytest.raises(CharacterRemoved):
        await one.ensure()


@pytest.mark.parametrize(
    ("odd", "error"),
    [
        ({"kid": "8878a23f-holdout"}, UntrustedAccessToken),
        ({"alg": "HS256"}, UntrustedAccessToken),
        ({"alg": "none"}, UntrustedAccessToken),
        ({"drop": ("exp",)}, UntrustedAccessToken),
        ({"drop": ("aud",)}, UntrustedAccessToken),
        ({"alg": "ES256"}, None),
        ({"drop": ("azp",)}, None),
    ],
)
async def test_a_renewed_refresh_token_is_kept_whatever_came_beside_it(
    one: Worker, eve: SandboxEve, odd: dict[str, Any], error: type[EveError] | None
) -> None:
    await one.log_in()
    _, first = await one.stored()
    eve.odd_tokens(one.pilot, **odd)
    if error is None:
        await one.ensure()
    else:
        for _ in range(2):  # each time with the refresh token that came the time before
            with pytest.raises(error):
                await one.ensure()
    user = await one.user()
    assert (user["token_state"], user["sync_state"]) == ("valid", "starting")
    assert (user["expires_at"] is None) == (error is not None), "what is not verified is not used"
    assert (await one.stored())[1] != first
    eve.odd_tokens(one.pilot)
    assert (await one.ensure(force=error is None)).valid_until > datetime.now(UTC)


async def test_a_new_key_of_eves_costs_no_second_refresh(one: Worker, eve: SandboxEve) -> None:
    clock = [0.0]
    one.sso._documents._keys._clock = lambda: clock[0]
    await one.log_in()
    await one.ensure()
    eve.rotate_keys()
    with pytest.raises(UntrustedAccessToken):  # the keys were read less than a minute ago
        await one.ensure(force=True)
    clock[0] += 61
    eve.add_fault("status", route=KEYS, count=1, status=503)
    with pytest.raises(Unavailable):
        await one.ensure()
    clock[0] += 61
    await one.ensure()
    assert one.refreshes() == 2, "the token that waited was verified"


async def test_without_keys_sso_is_not_asked_for_what_could_not_be_read(one: Worker, eve: SandboxEve) -> None:
    await one.log_in()
    eve.add_fault("status", route=KEYS, count=1, status=503)
    with pytest.raises(NotAsked):
        await one.ensure()
    assert one.refreshes() == 0


async def test_an_answer_that_takes_long_is_waited_for_with_nothing_in_hand(hasty: Worker, eve: SandboxEve) -> None:
    await hasty.log_in()
    eve.add_fault("late", route=TOKEN, seconds=2, count=1)
    for _ in range(3):
        with pytest.raises(Unavailable, match="is waited for"):
            await hasty.ensure()
    async with asyncio.timeout(1):
        assert await hasty.pool.fetchval("SELECT 1") == 1, "the only connection is free"
    await eventually(hasty.is_stored)
    await hasty.ensure()
    assert hasty.refreshes() == 1


async def test_a_refresh_is_saved_even_if_the_activity_is_cancelled(one: Worker, eve: SandboxEve) -> None:
    await one.log_in()
    eve.add_fault("late", route=TOKEN, seconds=0.5, count=1)
    task = asyncio.create_task(one.ensure())
    await eventually(lambda: asked(eve, 2))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await eventually(one.is_stored)


async def test_a_worker_that_stops_waits_for_what_sso_may_have_renewed(settings: Settings, eve: SandboxEve) -> None:
    async with worker(settings, eve, patience_seconds=0.1) as stopping:
        await stopping.log_in()
        eve.add_fault("late", route=TOKEN, seconds=1, count=1)
        with pytest.raises(Unavailable):
            await stopping.ensure()
    async with worker(settings, eve) as next_one:
        assert await next_one.is_stored()


@pytest.mark.new_database
async def test_a_database_that_goes_away_in_the_middle_costs_no_grant(
    hasty: Worker, eve: SandboxEve, database_url: str
) -> None:
    await hasty.log_in()
    eve.add_fault("late", route=TOKEN, seconds=1, count=1)
    with pytest.raises(Unavailable):
        await hasty.ensure()
    server, _, name = database_url.rpartition("/")
    connection = await asyncpg.connect(f"{server}/postgres")
    await connection.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
    await connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", name)

    async def answered() -> bool:
        return len(eve.issued_refresh_tokens()) == 2 and len(eve.requests_of(TOKEN)) == 2

    await eventually(answered)
    await connection.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')
    await connection.close()
    await eventually(hasty.is_stored)
    await hasty.ensure(force=True)
    assert (await hasty.user())["token_state"] == "valid"


async def test_an_answer_that_never_came_is_given_time_and_then_said_to_be_lost(one: Worker, eve: SandboxEve) -> None:
    await one.log_in()
    eve.add_fault("reset", route=TOKEN, count=1)
    with pytest.raises(Unavailable):
        await one.ensure()
    for _ in range(2):
        with pytest.raises(Unavailable, match="may yet come"):
            await one.ensure()
        assert (await one.user())["token_state"] == "valid"
    await one.pool.execute("UPDATE refresh_leases SET refused_at = refused_at - interval '151 seconds'")
    for _ in range(2):
        with pytest.raises(GrantLost):
            await one.ensure()
    assert (await one.user())["token_state"] == "lost"
    (shown,) = await characters(one.pool, [one.pilot], 900)
    assert (shown.status.message, shown.status.action) == (LOST_GRANT, "log_in")
    await one.log_in()
    await one.ensure()


async def test_a_worker_that_lost_its_power_locks_nobody_out(
    hasty: Worker, settings: Settings, eve: SandboxEve
) -> None:
    await hasty.log_in()
    await hasty.pool.execute(
        "INSERT INTO refresh_leases VALUES ($1, 'dead', now() + interval '2 seconds', now(), NULL)", hasty.pilot
    )
    with pytest.raises(Unavailable):
        await hasty.ensure()
    async with worker(settings, eve) as patient:
        await patient.ensure()
    assert hasty.refreshes() == 1


async def test_what_comes_for_a_character_that_has_left_is_given_back(one: Worker, eve: SandboxEve) -> None:
    await one.log_in()
    account_id = (await one.user())["account_id"]
    eve.add_fault("late", route=TOKEN, seconds=1, count=1)
    refresh = asyncio.create_task(one.ensure())
    await eventually(lambda: asked(eve, 2))
    assert await delete_account(one.pool, account_id) == [one.pilot]
    with pytest.raises(CharacterRemoved):
        await refresh
    returned = {one.vault.decrypt(d.refresh_token or b"") for d in await departures_of(one.pool, one.pilot)}
    assert returned == eve.issued_refresh_tokens(), "the one we had and the one that came"
