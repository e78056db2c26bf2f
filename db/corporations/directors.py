"""The directors who let us follow their corporations: who may be asked with, in what order, and who not and why."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeAlias

import asyncpg
from asyncpg.pool import PoolConnectionProxy

from contracts.corporations import NPC_CORPORATION_IDS, DirectorStanding
from eve.sso.scopes import CORPORATION_SCOPES

Connection: TypeAlias = "PoolConnectionProxy[asyncpg.Record]"

ROLE_HOLDS = timedelta(hours=1)
"""How long EVE's word on a role is believed; as long as ESI caches it."""


class CannotFollow(Exception):
    """The character cannot let us follow its corporation; the message says why, for the pilot."""


@dataclass(frozen=True, slots=True)
class Director:
    """A director whose turn it may be. `role_is_due`: its role was not looked at yet, or not for `ROLE_HOLDS`."""

    character_id: int
    scopes: frozenset[str]
    role_is_due: bool


async def follow(pool: asyncpg.Pool, character_id: int) -> int:
    """Switch on the sync of the character's corporation with the character's permission; the corporation.

    Raises:
        CannotFollow: it gave no permission for that, or its corporation is not known or the game's own.
    """
    async with pool.acquire() as connection, connection.transaction():
        row = await connection.fetchrow(
            "SELECT corporation_id, scopes, token_state FROM users WHERE character_id = $1 FOR UPDATE", character_id
        )
        usable = row is not None and row["token_state"] == "valid"  # noqa: S105 - a state, not a token
        if row is None or not usable or not CORPORATION_SCOPES.issubset(row["scopes"]):
            raise CannotFollow("Grant corporation access first.")
        corporation_id: int | None = row["corporation_id"]
        if corporation_id is None:
            raise CannotFollow("EVE has not told us yet which corporation this character is in; log in again.")
        if corporation_id in NPC_CORPORATION_IDS:
            raise CannotFollow("This is an NPC corporation; it has no directors.")
        await connection.execute(
            "INSERT INTO corporations_followed (corporation_id) VALUES ($1) ON CONFLICT DO NOTHING", corporation_id
        )
        # Nobody has it switched on: what an earlier director published is not for whoever comes next to open.
        await connection.execute(
            "UPDATE corporations_followed SET published = false, audience = 'members' WHERE corporation_id = $1"
            " AND NOT EXISTS (SELECT FROM corporation_directors WHERE corporation_id = $1)",
            corporation_id,
        )
        # A role that EVE has confirmed stays so: a part that has ended has none.
        await connection.execute(
            """
            INSERT INTO corporation_directors (corporation_id, character_id) VALUES ($1, $2)
            ON CONFLICT (corporation_id, character_id) DO UPDATE SET standing = 'good', marked_at = now()
            """,
            corporation_id,
            character_id,
        )
    return corporation_id


async def unfollow(pool: asyncpg.Pool, corporation_id: int, character_ids: Collection[int]) -> bool:
    """These characters' permission is not used for the corporation any more; False if none of them gave it."""
    async with pool.acquire() as connection, connection.transaction():
        gone = await connection.fetch(
            "DELETE FROM corporation_directors WHERE corporation_id = $1 AND character_id = ANY ($2) RETURNING 1",
            corporation_id,
            list(character_ids),
        )
        await _forget_lists(connection, corporation_id, character_ids)
    return bool(gone)


async def granted_again(connection: Connection, character_id: int, *, owner_changed: bool) -> None:
    """A new grant of this character is stored: a new owner has switched nothing on, an old one's marks are forgiven."""
    if owner_changed:
        await connection.execute("DELETE FROM corporation_directors WHERE character_id = $1", character_id)
        return
    await connection.execute(
        """
        UPDATE corporation_directors d
           SET standing = CASE WHEN u.corporation_id IS DISTINCT FROM d.corporation_id THEN 'left'
                               WHEN u.scopes @> $2 THEN 'good' ELSE 'scope_missing' END,
               marked_at = now(),
               role_seen_at = CASE WHEN u.corporation_id = d.corporation_id AND u.scopes @> $2
                                   THEN d.role_seen_at END
          FROM users u WHERE u.character_id = d.character_id AND d.character_id = $1
        """,
        character_id,
        sorted(CORPORATION_SCOPES),
    )


async def followed_by(pool: asyncpg.Pool, character_id: int) -> list[int]:
    """The corporations this character's permission may be used for."""
    rows = await pool.fetch(
        "SELECT corporation_id FROM corporation_directors WHERE character_id = $1 AND standing = 'good'", character_id
    )
    return [row["corporation_id"] for row in rows]


async def directors_in_turn(pool: asyncpg.Pool, corporation_id: int) -> list[Director] | None:
    """Those in good standing, the longest unused first; None if nobody has it switched on."""
    rows = await pool.fetch(
        """
        SELECT d.character_id, u.scopes, coalesce(d.role_seen_at < now() - $2::interval, true) AS role_is_due,
               d.standing = 'good' AS may_be_asked
          FROM corporation_directors d JOIN users u USING (character_id)
         WHERE d.corporation_id = $1 ORDER BY d.used_at NULLS FIRST, d.character_id
        """,
        corporation_id,
        ROLE_HOLDS,
    )
    if not rows:
        return None
    return [
        Director(row["character_id"], frozenset(row["scopes"]), row["role_is_due"])
        for row in rows
        if row["may_be_asked"]
    ]


async def mark(pool: asyncpg.Pool, corporation_id: int, character_id: int, standing: DirectorStanding) -> None:
    """The character's permission is of no use for the corporation until it changes."""
    async with pool.acquire() as connection, connection.transaction():
        if standing is DirectorStanding.LEFT:
            # Where it went is for the next affiliation lookup to say; it is no member of this one. The character comes
            # before the permission, as logins and deletions lock them.
            await connection.execute(
                "UPDATE users SET corporation_id = NULL, alliance_id = NULL"
                " WHERE character_id = $1 AND corporation_id = $2",
                character_id,
                corporation_id,
            )
        await connection.execute(
            "UPDATE corporation_directors SET standing = $3, marked_at = now(), role_seen_at = NULL"
            " WHERE corporation_id = $1 AND character_id = $2",
            corporation_id,
            character_id,
            str(standing),
        )
        await _forget_lists(connection, corporation_id, [character_id])


async def good_among(pool: asyncpg.Pool, corporation_id: int, character_ids: Collection[int]) -> list[int]:
    """Which of these are directors in good standing."""
    rows = await pool.fetch(
        "SELECT character_id FROM corporation_directors"
        " WHERE corporation_id = $1 AND character_id = ANY ($2) AND standing = 'good' ORDER BY character_id",
        corporation_id,
        list(character_ids),
    )
    return [row["character_id"] for row in rows]


async def note_turn(pool: asyncpg.Pool, corporation_id: int, character_id: int) -> None:
    """The list was read with this character's token, or could not be just now; the others' turn comes first."""
    await pool.execute(
        "UPDATE corporation_directors SET used_at = now() WHERE corporation_id = $1 AND character_id = $2",
        corporation_id,
        character_id,
    )


async def note_role(pool: asyncpg.Pool, corporation_id: int, character_id: int) -> bool:
    """EVE says that the character is a director of the corporation; whether that was not known before."""
    is_new = await pool.fetchval(
        """
        UPDATE corporation_directors d SET role_seen_at = now()
          FROM (SELECT corporation_id, character_id, role_seen_at FROM corporation_directors
                 WHERE corporation_id = $1 AND character_id = $2 FOR UPDATE) AS before
         WHERE d.corporation_id = before.corporation_id AND d.character_id = before.character_id
        RETURNING before.role_seen_at IS NULL
        """,
        corporation_id,
        character_id,
    )
    return bool(is_new)


async def members(pool: asyncpg.Pool, corporation_id: int) -> list[int]:
    """The users who are in the corporation, as far as we know, or have it followed."""
    rows = await pool.fetch(
        "SELECT character_id FROM users WHERE corporation_id = $1"
        " UNION SELECT character_id FROM corporation_directors WHERE corporation_id = $1 ORDER BY character_id",
        corporation_id,
    )
    return [row["character_id"] for row in rows]


async def note_affiliation(pool: asyncpg.Pool, character_id: int, corporation_id: int, alliance_id: int | None) -> bool:
    """ESI says that the character is in this corporation now, and in this alliance; whether that is news."""
    moved = await pool.fetchval(
        "UPDATE users SET corporation_id = $2, alliance_id = $3"
        " WHERE character_id = $1 AND (corporation_id, alliance_id) IS DISTINCT FROM ($2::bigint, $3::bigint)"
        " RETURNING true",
        character_id,
        corporation_id,
        alliance_id,
    )
    return moved is not None


async def _forget_lists(connection: Connection, corporation_id: int, character_ids: Collection[int]) -> None:
    # Who comes back reads the whole list: what was remembered of it is no account of what is there now.
    await connection.execute(
        "DELETE FROM killmail_lists WHERE list_of = $1 AND character_id = ANY ($2)",
        corporation_id,
        list(character_ids),
    )
