"""Who sees whose board: the one rule, for pilots and corporations.

A board is private until its owner says otherwise: a pilot for their own character, a confirmed director for a
corporation. Each level lets in everybody whom the narrower ones do:

* `private`: a pilot's own account; a corporation's directors.
* `members`: who is in the same corporation.
* `alliance`: who is in the same alliance.
* `link`: who has a share link of the board (`db.accounts.share_links`).
* `public`: everybody, logged in or not.

A killmail is seen by whoever sees the board of one of its participants. Who is in which corporation and alliance is
what ESI last said. A pilot who was sold is not their old account's own any more: it sees nothing of theirs, whether or
not the new owner comes here. A pilot's choice holds while their grant is valid. A corporation's holds while somebody
follows it, and beyond its members while a director in good standing does, whose role EVE has confirmed (SSO grants a
director's scopes to anybody who asks). Nothing of this is kept outside Postgres: what is taken back is gone with the
next statement.
"""

from __future__ import annotations

from enum import StrEnum

import asyncpg

from contracts.corporations import NPC_CORPORATION_IDS


class Visibility(StrEnum):
    """How far a board is open, from the narrowest to the widest."""

    PRIVATE = "private"
    MEMBERS = "members"
    ALLIANCE = "alliance"
    LINK = "link"
    PUBLIC = "public"

    def includes(self, other: Visibility) -> bool:
        """Whether it lets in everybody whom the other lets in."""
        levels = [*Visibility]
        return levels.index(self) >= levels.index(other)


def _from(level: Visibility) -> str:
    """SQL: the levels that let in whom this one does."""
    return ", ".join(f"'{one}'" for one in Visibility if one.includes(level))


OPEN_TO_LINKS = _from(Visibility.LINK)
"""SQL: the levels at which a share link opens a board."""
_NPC = f"BETWEEN {NPC_CORPORATION_IDS.start} AND {NPC_CORPORATION_IDS.stop - 1}"
NOT_SOLD = "users.token_state <> 'owner_changed'"
"""SQL: a row of `users` is still its account's own. One whose grant ended in another way keeps its history."""
DIRECTS = "d.standing = 'good' AND d.role_seen_at IS NOT NULL"
"""SQL: a row `d` of `corporation_directors` counts, if its character's grant is valid."""
_IS_VOUCHED_FOR = f"""EXISTS (
        SELECT FROM corporation_directors d JOIN users AS director USING (character_id)
        WHERE d.corporation_id = f.corporation_id AND {DIRECTS} AND director.token_state = 'valid'{{more}}
    )"""
_OF_ALLIANCE = " AND director.corporation_id = f.corporation_id AND director.alliance_id = users.alliance_id"
BOARDS_OF_USER = f"""
    SELECT d.corporation_id FROM corporation_directors d
     WHERE d.character_id = users.character_id AND {DIRECTS} AND users.token_state = 'valid'
    UNION
    SELECT f.corporation_id FROM corporations_followed f
     WHERE f.corporation_id = users.corporation_id AND f.published AND users.token_state = 'valid'
       AND EXISTS (SELECT FROM corporation_directors d WHERE d.corporation_id = f.corporation_id)
    UNION
    SELECT f.corporation_id FROM corporations_followed f
     WHERE f.published AND f.audience IN ({_from(Visibility.ALLIANCE)}) AND users.token_state = 'valid'
       AND {_IS_VOUCHED_FOR.format(more=_OF_ALLIANCE)}
"""  # noqa: S608 - levels of ours
"""SQL: the corporations whose board a row of `users` sees, apart from public ones."""
PILOTS_OF_USER = f"""
    SELECT other.character_id FROM users AS other
     WHERE other.corporation_id = users.corporation_id AND other.visibility <> 'private'
       AND other.token_state = 'valid' AND users.token_state = 'valid' AND other.account_id <> users.account_id
       AND other.corporation_id NOT {_NPC}
    UNION
    SELECT other.character_id FROM users AS other
     WHERE other.alliance_id = users.alliance_id AND other.visibility IN ({_from(Visibility.ALLIANCE)})
       AND other.token_state = 'valid' AND users.token_state = 'valid' AND other.account_id <> users.account_id
"""  # noqa: S608 - levels of ours
"""SQL: the characters of other accounts whose board a row of `users` sees, apart from public ones."""
PUBLIC_PILOTS = "SELECT character_id FROM users WHERE visibility = 'public' AND token_state = 'valid'"
"""SQL: the characters whose board everybody sees."""
PUBLIC_CORPORATIONS = f"""
    SELECT f.corporation_id FROM corporations_followed f
     WHERE f.published AND f.audience = 'public' AND {_IS_VOUCHED_FOR.format(more="")}
"""  # noqa: S608 - levels of ours
"""SQL: the corporations whose board everybody sees."""
ANYTHING_IS_PUBLIC = f"EXISTS ({PUBLIC_PILOTS}) OR EXISTS ({PUBLIC_CORPORATIONS})"
"""SQL: whether there is any of either."""


def is_public(row: str) -> str:
    """SQL: whether this row of `participants` is of a public board."""
    return f"({row}.character_id IN ({PUBLIC_PILOTS}) OR {row}.corporation_id IN ({PUBLIC_CORPORATIONS}))"


async def anything_is_public(pool: asyncpg.Pool) -> bool:
    """Whether somebody who is not logged in could see anything."""
    return bool(await pool.fetchval(f"SELECT {ANYTHING_IS_PUBLIC}"))


async def set_pilot_visibility(pool: asyncpg.Pool, account_id: int, character_id: int, level: Visibility) -> bool:
    """Open or close a pilot's board, and write down who did; False if the character is not the account's."""
    async with pool.acquire() as connection, connection.transaction():
        before = await connection.fetchval(
            "SELECT visibility FROM users WHERE character_id = $1 AND account_id = $2 FOR UPDATE",
            character_id,
            account_id,
        )
        if before is None:
            return False
        await connection.execute("UPDATE users SET visibility = $2 WHERE character_id = $1", character_id, str(level))
        await _note_change(connection, character_id, character_id, Visibility(before), level)
    return True


async def set_corporation_visibility(
    pool: asyncpg.Pool, account_id: int, corporation_id: int, level: Visibility
) -> bool:
    """Open or close a corporation's board, and write down who did; False if no character of the account may.

    The narrowest level keeps no memory of a wider one: who publishes again, in whatever way, begins with the members.
    """
    async with pool.acquire() as connection, connection.transaction():
        row = await connection.fetchrow(
            f"""
            SELECT f.published, f.audience, users.character_id
              FROM corporations_followed f
              JOIN corporation_directors d USING (corporation_id) JOIN users USING (character_id)
             WHERE f.corporation_id = $1 AND users.account_id = $2 AND users.token_state = 'valid' AND {DIRECTS}
             ORDER BY users.character_id LIMIT 1 FOR UPDATE OF f
            """,  # noqa: S608 - a constant
            corporation_id,
            account_id,
        )
        if row is None:
            return False
        await connection.execute(
            "UPDATE corporations_followed SET published = $2, audience = $3 WHERE corporation_id = $1",
            corporation_id,
            level is not Visibility.PRIVATE,
            str(Visibility.MEMBERS if level is Visibility.PRIVATE else level),
        )
        before = corporation_visibility(published=row["published"], audience=row["audience"])
        await _note_change(connection, row["character_id"], corporation_id, before, level)
    return True


def corporation_visibility(*, published: bool, audience: str) -> Visibility:
    """The level that the two columns of `corporations_followed` say."""
    return Visibility(audience) if published else Visibility.PRIVATE


async def _note_change(
    connection: asyncpg.pool.PoolConnectionProxy,
    by_character_id: int,
    board_id: int,
    before: Visibility,
    after: Visibility,
) -> None:
    if before is not after:
        await connection.execute(
            'INSERT INTO visibility_changes (by_character_id, board_id, "from", "to") VALUES ($1, $2, $3, $4)',
            by_character_id,
            board_id,
            str(before),
            str(after),
        )
