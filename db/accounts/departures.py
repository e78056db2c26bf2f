"""Characters that leave, and accounts that are deleted: the data at once, the rest by an outbox.

One transaction deletes what we hold and writes down what is still to be done elsewhere (end the workflow, give the
grant back to EVE): either both are so or neither, whatever dies. Killmails stay: they are of everyone on them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

import asyncpg

GIVEN_UP_DAYS = 30
"""A grant that EVE's SSO did not take back, or no key opened, in so long is thrown away: nobody can use it any more."""

_LOCK_CHARACTERS = "SELECT character_id FROM users WHERE account_id = $1 ORDER BY character_id FOR UPDATE"


class LastCharacter(Exception):
    """An account without characters could not be entered again: it is deleted instead."""


@dataclass(frozen=True, slots=True)
class Departure:
    """What is still to be done for a character that left. `given_up`: it has been tried for long enough."""

    departure_id: int
    character_id: int
    refresh_token: bytes | None = field(repr=False)
    corporation_ids: list[int]
    given_up: bool


async def delete_account(pool: asyncpg.Pool, account_id: int) -> list[int]:
    """Delete the account with all its characters, sessions and keys; the characters. Empty if it is gone already."""
    async with pool.acquire() as connection, connection.transaction():
        leaving = await _lock(connection, account_id)
        await _remove(connection, leaving)
        await connection.execute("DELETE FROM login_attempts WHERE account_id = $1", account_id)
        await connection.execute("DELETE FROM accounts WHERE account_id = $1", account_id)
    return leaving


async def remove_character(pool: asyncpg.Pool, account_id: int, character_id: int) -> bool:
    """Remove a character from its account; False if it is not there (any more).

    Raises:
        LastCharacter: it is the only one.
    """
    async with pool.acquire() as connection, connection.transaction():
        characters = await _lock(connection, account_id)
        if character_id not in characters:
            return False
        if len(characters) == 1:
            raise LastCharacter
        await _remove(connection, [character_id])
    return True


async def departures_of(pool: asyncpg.Pool, character_id: int) -> list[Departure]:
    """What is still to be done for this character, the oldest first."""
    rows = await pool.fetch(
        """
        SELECT departure_id, character_id, refresh_token, corporation_ids,
               requested_at < now() - make_interval(days => $2) AS given_up
          FROM departures WHERE character_id = $1 ORDER BY departure_id
        """,
        character_id,
        GIVEN_UP_DAYS,
    )
    return [Departure(**row) for row in rows]


async def return_renewed(pool: asyncpg.Pool, character_id: int, refresh_token: bytes) -> None:
    """A refresh was under way when the character left, and brought a new token: that is given back, too."""
    await pool.execute(
        "INSERT INTO departures (character_id, refresh_token, corporation_ids)"
        " SELECT $1, $2, '{}' WHERE NOT EXISTS (SELECT FROM users WHERE character_id = $1)",
        character_id,
        refresh_token,
    )


async def finish_departure(pool: asyncpg.Pool, departure_id: int) -> None:
    """All of it is done."""
    await pool.execute("DELETE FROM departures WHERE departure_id = $1", departure_id)


async def is_here(pool: asyncpg.Pool, character_id: int) -> bool:
    """Whether the character is a user, perhaps again."""
    return bool(await pool.fetchval("SELECT EXISTS (SELECT FROM users WHERE character_id = $1)", character_id))


async def characters_leaving(pool: asyncpg.Pool) -> set[int]:
    """Everybody whose departure is not over."""
    return {row["character_id"] for row in await pool.fetch("SELECT DISTINCT character_id FROM departures")}


async def unfinished_departures(pool: asyncpg.Pool, before: datetime, limit: int) -> list[int]:
    """Characters whose departure was asked for before then (UTC) and is not over."""
    rows = await pool.fetch(
        "SELECT DISTINCT character_id FROM departures WHERE requested_at < $1 ORDER BY character_id LIMIT $2",
        before,
        limit,
    )
    return [row["character_id"] for row in rows]


async def _lock(connection: asyncpg.pool.PoolConnectionProxy, account_id: int) -> list[int]:
    """The account's characters. Until the transaction ends nobody joins them, and no grant of theirs is renewed: the
    one that we give back is the newest.
    """
    # Characters before their account, as a login locks them; the second time, who joined until the account was locked.
    await connection.execute(_LOCK_CHARACTERS, account_id)
    await connection.execute("SELECT FROM accounts WHERE account_id = $1 FOR UPDATE", account_id)
    return [row["character_id"] for row in await connection.fetch(_LOCK_CHARACTERS, account_id)]


async def _remove(connection: asyncpg.pool.PoolConnectionProxy, character_ids: list[int]) -> None:
    await connection.execute(
        """
        INSERT INTO departures (character_id, refresh_token, corporation_ids)
        SELECT character_id, refresh_token,
               ARRAY(SELECT corporation_id FROM corporation_directors d WHERE d.character_id = users.character_id)
          FROM users WHERE character_id = ANY ($1)
        """,
        character_ids,
    )
    await forget_person(connection, character_ids)
    await connection.execute(
        "DELETE FROM webhooks WHERE subject = 'character' AND subject_id = ANY ($1)", character_ids
    )
    await connection.execute(
        "DELETE FROM killmail_feeds WHERE subject = 'character' AND subject_id = ANY ($1)", character_ids
    )
    await connection.execute("DELETE FROM users WHERE character_id = ANY ($1)", character_ids)


async def forget_person(connection: asyncpg.pool.PoolConnectionProxy, character_ids: list[int]) -> None:
    """Of whoever had these characters nothing is left beside them: where they logged in, what they opened and wrote."""
    await connection.execute("DELETE FROM login_events WHERE character_id = ANY ($1)", character_ids)
    await connection.execute("DELETE FROM visibility_changes WHERE board_id = ANY ($1)", character_ids)
    # That a loss was paid for is the corporation's business, too; what its pilot wrote is not.
    await connection.execute(
        "UPDATE reimbursement_changes SET note = '' WHERE by_character_id = ANY ($1) AND role = 'pilot'", character_ids
    )
