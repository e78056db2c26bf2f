"""Whose board a corporation's is: its directors', its members' once it is published, and nobody else's."""

from __future__ import annotations

import asyncpg
import pytest

from contracts.corporations import DirectorStanding
from db.accounts.sessions import Caller, caller_of, start_session
from db.corporations.directors import CannotFollow, follow, granted_again, mark, note_role, unfollow
from db.intake.references import users_on
from db.intake.store import store_killmails
from db.killmails.filter import KillmailFilter, Viewer
from eve.sso.scopes import CORPORATION_SCOPES, KILLMAIL_SCOPE
from tests.db.bodies import body, raw
from tests.db.killmails.listed import listed, seen_of
from tests.stored import publish

OURS, THEIRS, NPC = 98_000_001, 98_000_002, 1_000_166
DIRECTOR, MEMBER, STRANGER, VICTIM = 90_000_001, 90_000_002, 90_000_003, 90_000_009


async def add(pool: asyncpg.Pool, character_id: int, corporation_id: int, *, director: bool = False) -> int:
    account_id: int = await pool.fetchval("INSERT INTO accounts DEFAULT VALUES RETURNING account_id")
    await pool.execute(
        "INSERT INTO users (character_id, account_id, name, owner_hash, scopes, token_state, corporation_id)"
        " VALUES ($1, $2, 'Pilot', 'owner', $3, 'valid', $4)",
        character_id,
        account_id,
        [KILLMAIL_SCOPE, *(CORPORATION_SCOPES if director else ())],
        corporation_id,
    )
    return account_id


async def sees(pool: asyncpg.Pool, account_id: int) -> tuple[int, ...]:
    caller = await caller_of(pool, await start_session(pool, account_id))
    assert isinstance(caller, Caller)
    return caller.corporation_ids


async def test_directors_see_it_members_only_once_published_others_never(pool: asyncpg.Pool) -> None:
    director = await add(pool, DIRECTOR, OURS, director=True)
    member, stranger = await add(pool, MEMBER, OURS), await add(pool, STRANGER, THEIRS, director=True)
    await store_killmails(pool, [raw(body(1, victim=VICTIM, attackers=(VICTIM + 1,)))])
    await follow(pool, STRANGER)
    await note_role(pool, THEIRS, STRANGER)
    assert await sees(pool, director) == (), "nobody switched it on"
    assert await follow(pool, DIRECTOR) == OURS
    assert await sees(pool, director) == (), "anybody may say so: EVE has not confirmed the role"
    await note_role(pool, OURS, DIRECTOR)
    assert [await sees(pool, who) for who in (director, member, stranger)] == [(OURS,), (), (THEIRS,)]
    assert await users_on(pool, [1]) == [DIRECTOR, STRANGER]

    await publish(pool, OURS, published=True)
    assert [await sees(pool, who) for who in (director, member, stranger)] == [(OURS,), (OURS,), (THEIRS,)]
    assert await users_on(pool, [1]) == [DIRECTOR, MEMBER, STRANGER]
    await publish(pool, OURS, published=False)
    assert await sees(pool, member) == ()

    await publish(pool, OURS, published=True)
    await mark(pool, OURS, DIRECTOR, DirectorStanding.ROLE_LOST)
    assert [await sees(pool, who) for who in (director, member)] == [(OURS,), (OURS,)], "a member among members now"
    await mark(pool, OURS, DIRECTOR, DirectorStanding.LEFT)
    assert await sees(pool, director) == ()
    assert await unfollow(pool, OURS, [DIRECTOR])
    assert await sees(pool, member) == (), "nobody has it switched on any more"
    await pool.execute("UPDATE users SET scopes = $1 WHERE character_id = $2", sorted(CORPORATION_SCOPES), MEMBER)
    await follow(pool, MEMBER)
    assert await sees(pool, member) == (), "what a director published is closed once nobody follows"


async def test_a_grant_that_is_gone_sees_nothing_and_a_new_owner_switched_nothing_on(pool: asyncpg.Pool) -> None:
    director = await add(pool, DIRECTOR, OURS, director=True)
    await follow(pool, DIRECTOR)
    await note_role(pool, OURS, DIRECTOR)
    await pool.execute("UPDATE users SET token_state = 'owner_changed'")
    assert await sees(pool, director) == ()
    await pool.execute("UPDATE users SET token_state = 'valid'")
    async with pool.acquire() as connection:
        await granted_again(connection, DIRECTOR, owner_changed=False)
        assert await sees(pool, director) == (OURS,), "a new login does not take the role away"
        await granted_again(connection, DIRECTOR, owner_changed=True)
    assert await sees(pool, director) == ()


async def test_a_login_without_the_permission_ends_the_part_and_one_with_it_forgives(pool: asyncpg.Pool) -> None:
    await add(pool, DIRECTOR, OURS, director=True)
    await follow(pool, DIRECTOR)
    standing = "SELECT standing FROM corporation_directors"
    async with pool.acquire() as connection:
        for change, expected in (
            ("scopes = '{}'", "scope_missing"),
            (f"scopes = ARRAY{sorted(CORPORATION_SCOPES)}", "good"),
            (f"corporation_id = {THEIRS}", "left"),
        ):
            await connection.execute(f"UPDATE users SET {change}")  # noqa: S608 - the test's own words
            await granted_again(connection, DIRECTOR, owner_changed=False)
            assert await connection.fetchval(standing) == expected


@pytest.mark.parametrize(("corporation_id", "director"), [(NPC, True), (OURS, False)])
async def test_npc_corporations_and_pilots_without_the_permission_are_refused(
    pool: asyncpg.Pool, corporation_id: int, director: bool
) -> None:
    await add(pool, DIRECTOR, corporation_id, director=director)
    with pytest.raises(CannotFollow):
        await follow(pool, DIRECTOR)
    assert await pool.fetchval("SELECT count(*) FROM corporations_followed") == 0


async def test_the_board_is_what_the_corporation_is_on_and_the_own_feed_stays_the_own(pool: asyncpg.Pool) -> None:
    killmails = [body(number, victim=VICTIM, attackers=(VICTIM + 1, VICTIM + 2)) for number in range(1, 6)]
    killmails.append(body(6, victim=DIRECTOR))
    foreign = body(7, victim=VICTIM)
    foreign["victim"]["corporation_id"] = foreign["attackers"][0]["corporation_id"] = 98_000_009
    await store_killmails(pool, [raw(killmail) for killmail in [*killmails, foreign]])
    viewer = Viewer((DIRECTOR,), (OURS,))

    async def ids(chosen: KillmailFilter, viewer: Viewer = viewer) -> list[int]:
        return (await listed(pool, viewer, 50, None, chosen)).ids

    assert await ids(KillmailFilter()) == [6]
    assert await ids(KillmailFilter(corporation_id=OURS)) == [6, 5, 4, 3, 2, 1]
    assert await ids(KillmailFilter(corporation_id=OURS, side="ATTACKER")) == []
    assert await ids(KillmailFilter(corporation_id=THEIRS)) == [6, 5, 4, 3, 2, 1], "of what is open, not theirs"
    assert await ids(KillmailFilter(corporation_id=98_000_009)) == []
    assert await ids(KillmailFilter(corporation_id=OURS), Viewer((DIRECTOR,))) == [6], "no board of this viewer"
    assert await seen_of(pool, viewer, [1, 7]) == [1]
    assert await seen_of(pool, Viewer((DIRECTOR,)), [1, 7]) == []
