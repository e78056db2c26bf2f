"""A grant is refreshed by one at a time, kept whole, and destroyed only when it is really dead."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from activities.errors import CharacterRemoved
from contracts.sync import AccessTokenReady, EnsureAccessToken
from eve.errors import ClientRejected, OwnerChanged, TokenRevoked, Unavailable
from eve.sso.client import Grant
from tests.activities.stand_in_eve import ENEMY, PILOT, World, grant


async def ensure(world: World, *, force: bool = False, character_id: int = PILOT) -> AccessTokenReady:
    answer = await world.run(world.tokens.ensure_access_token, EnsureAccessToken(character_id, force))
    assert isinstance(answer, AccessTokenReady)
    return answer


def dead(error: Exception) -> object:
    def answer(_: Grant) -> Grant:
        raise error

    return answer


async def test_a_good_token_is_left_alone(world: World) -> None:
    await world.login()
    ready = await ensure(world)
    assert ready.valid_until == (await world.user())["expires_at"]
    assert ready.corporation_id == 98_000_001
    assert world.sso.refreshed == []


@pytest.mark.parametrize("seconds", [-5, 30])
async def test_a_token_near_its_end_is_refreshed_and_both_new_tokens_are_kept(world: World, seconds: float) -> None:
    await world.login(seconds=seconds)
    ready = await ensure(world)
    assert ready.valid_until > datetime.now(UTC) + timedelta(minutes=19)
    user = await world.user()
    assert world.vault.decrypt(user["access_token"]) == "access 1"
    assert world.vault.decrypt(user["refresh_token"]) == "refresh 1", "EVE may have rotated it"
    await ensure(world, force=True)
    assert world.sso.refreshed == ["first refresh", "refresh 1"]


async def test_many_at_once_refresh_once(world: World) -> None:
    await world.login(seconds=-5)
    answers = await asyncio.gather(*(ensure(world) for _ in range(8)))
    assert world.sso.refreshed == ["first refresh"]
    assert len({answer.valid_until for answer in answers}) == 1


async def test_a_login_during_a_refresh_wins(world: World) -> None:
    await world.login(seconds=-5)
    world.sso.meanwhile = world.login
    ready = await ensure(world)
    user = await world.user()
    assert world.vault.decrypt(user["refresh_token"]) == "first refresh"
    assert world.vault.decrypt(user["access_token"]) == "first access", "not what the overtaken refresh brought"
    assert ready.valid_until == user["expires_at"]


async def test_a_revoked_grant_is_destroyed_and_shown(world: World) -> None:
    await world.login(seconds=-5)
    world.sso.answer = dead(TokenRevoked("gone"))  # type: ignore[assignment]
    with pytest.raises(TokenRevoked):
        await ensure(world)
    user = await world.user()
    assert (user["access_token"], user["refresh_token"], user["expires_at"]) == (None, None, None)
    assert (user["token_state"], user["sync_state"]) == ("revoked", "needs_login")
    assert world.live.changed == [PILOT]
    with pytest.raises(TokenRevoked):
        await ensure(world)
    assert len(world.sso.refreshed) == 1, "a dead grant is not asked for again"


async def test_a_login_while_the_old_grant_dies_is_not_harmed(world: World) -> None:
    await world.login(seconds=-5)
    world.sso.meanwhile = world.login
    world.sso.answer = dead(TokenRevoked("the old one"))  # type: ignore[assignment]
    await ensure(world)
    user = await world.user()
    assert user["token_state"] == "valid"
    assert user["refresh_token"] is not None


@pytest.mark.parametrize(
    "changed",
    [
        lambda given: replace(given, character=replace(given.character, owner_hash="somebody else")),
        lambda given: replace(given, character=replace(given.character, character_id=ENEMY)),
    ],
)
async def test_a_changed_owner_destroys_the_tokens(world: World, changed: object) -> None:
    await world.login(seconds=-5)
    world.sso.answer = changed  # type: ignore[assignment]
    with pytest.raises(OwnerChanged):
        await ensure(world)
    user = await world.user()
    assert (user["access_token"], user["refresh_token"]) == (None, None)
    assert (user["token_state"], user["sync_state"]) == ("owner_changed", "owner_changed")
    with pytest.raises(OwnerChanged):
        await ensure(world)


async def test_a_grant_without_the_killmail_scope_needs_a_login(world: World) -> None:
    await world.login(seconds=-5)
    world.sso.answer = lambda _: grant("a", "r", scopes=frozenset())
    with pytest.raises(TokenRevoked):
        await ensure(world)
    assert (await world.user())["sync_state"] == "needs_login"


@pytest.mark.parametrize("error", [ClientRejected("us"), Unavailable("them")])
async def test_other_failures_leave_the_grant_alone(world: World, error: Exception) -> None:
    await world.login(seconds=-5)
    before = await world.user()
    world.sso.answer = dead(error)  # type: ignore[assignment]
    with pytest.raises(type(error)):
        await ensure(world)
    assert await world.user() == before


async def test_an_unknown_character_is_removed(world: World) -> None:
    with pytest.raises(CharacterRemoved):
        await ensure(world, character_id=1)


async def test_a_crash_before_the_rotated_token_was_saved_is_made_good(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """EVE takes the old refresh token until its successor was used (`sandbox/eve`), so the next attempt may."""
    await world.login(seconds=-5)

    async def dies(*_: object, **__: object) -> bool:
        raise ConnectionResetError

    with monkeypatch.context() as before_the_save:
        before_the_save.setattr("activities.access_tokens.save_refreshed", dies)
        with pytest.raises(ConnectionResetError):
            await ensure(world)
    user = await world.user()
    assert world.vault.decrypt(user["refresh_token"]) == "first refresh"
    assert user["token_state"] == "valid"
    await ensure(world)
    assert world.sso.refreshed == ["first refresh", "first refresh"]
    assert world.vault.decrypt((await world.user())["refresh_token"]) == "refresh 2"


async def test_a_refresh_is_saved_even_if_the_activity_is_cancelled(world: World) -> None:
    await world.login(seconds=-5)
    asked = asyncio.Event()

    async def note() -> None:
        asked.set()

    world.sso.meanwhile = note
    task = asyncio.create_task(ensure(world))
    await asked.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    async with asyncio.timeout(5):
        while world.vault.decrypt((await world.user())["refresh_token"]) != "refresh 1":  # noqa: ASYNC110
            await asyncio.sleep(0.01)
