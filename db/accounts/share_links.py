"""Share links: 256 random bits that open a killmail, a battle or a board to whoever has them, until they are revoked.

Kept as their SHA-256 and shown once. A link opens no more than its maker could open now: a killmail with a character of
the account on it, or a corporation one directs; the battle around such a killmail (`db.accounts.shared_battles`); a
board whose owner the account is, and which is open to links (`db.visibility`). What was true when it was made is asked
again at each use.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

import asyncpg
import orjson

from db.accounts.sessions import digest, new_secret
from db.killmails.filter import Viewer
from db.visibility import DIRECTS, OPEN_TO_LINKS

MOST_LINKS = 200
"""Of one account."""
USED_EVERY = timedelta(minutes=5)
"""A use is written down at most this often."""


class Subject(StrEnum):
    """What a link opens; a battle by one of its killmails."""

    KILLMAIL = "killmail"
    BATTLE = "battle"
    CHARACTER = "character"
    CORPORATION = "corporation"


class NotYoursToShare(Exception):
    """The account cannot open this, or its board is not open to links."""


class TooManyLinks(Exception):
    """The account has `MOST_LINKS` already."""


@dataclass(frozen=True, slots=True)
class ShownLink:
    """A link as its maker sees it: never its token. `name`: of the pilot or corporation, or of the lost ship's type.

    `works`: it opens something at the moment.
    """

    share_link_id: int
    subject: Subject
    subject_id: int
    name: str | None
    works: bool
    created_at: datetime
    last_used_at: datetime | None


@dataclass(frozen=True, slots=True)
class NewLink:
    """A link that was just made; the token is shown now and never again."""

    shown: ShownLink
    token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Shared:
    """What a link opens, and the eyes with which its reader sees it.

    Of a killmail and of a battle also who its maker is and directs: whose side it is told by, and of a battle what they
    could share. `sides`: of a battle, the sides as they were moved by hand (`db.battles.moved`).
    """

    share_link_id: int
    subject: Subject
    subject_id: int
    character_ids: tuple[int, ...] = ()
    corporation_ids: tuple[int, ...] = ()
    sides: Mapping[int, int] = field(default_factory=dict)

    @property
    def viewer(self) -> Viewer:
        """Of a board all that is on it; of a killmail everything, so only that killmail may be read with it, and its
        maker's ids say no more than whose kill or loss it was.

        Of a battle what its maker could share, so only killmails of that battle.
        """
        match self.subject:
            case Subject.BATTLE:
                return Viewer(self.character_ids, self.corporation_ids)
            case Subject.KILLMAIL:
                return Viewer(self.character_ids, self.corporation_ids, sight="ALL")
            case Subject.CHARACTER:
                return Viewer((self.subject_id,))
            case Subject.CORPORATION:
                return Viewer((), (self.subject_id,))


_OWN_CHARACTERS = """
    SELECT character_id FROM users WHERE users.account_id = link.account_id AND users.token_state = 'valid'
"""
_DIRECTED = f"""
    SELECT d.corporation_id FROM corporation_directors d JOIN users USING (character_id)
     WHERE users.account_id = link.account_id AND users.token_state = 'valid' AND {DIRECTS}
"""  # noqa: S608 - a constant of `db.visibility`
HOLDS = f"""
    CASE
    WHEN link.subject IN ('killmail', 'battle') THEN EXISTS (
        SELECT FROM participants WHERE participants.killmail_id = link.subject_id
           AND (participants.character_id IN ({_OWN_CHARACTERS}) OR participants.corporation_id IN ({_DIRECTED}))
    )
    WHEN link.subject = 'character' THEN EXISTS (
        SELECT FROM users WHERE users.character_id = link.subject_id AND users.account_id = link.account_id
           AND users.token_state = 'valid' AND users.visibility IN ({OPEN_TO_LINKS})
    )
    WHEN link.subject = 'corporation' THEN link.subject_id IN ({_DIRECTED}) AND EXISTS (
        SELECT FROM corporations_followed f
         WHERE f.corporation_id = link.subject_id AND f.published AND f.audience IN ({OPEN_TO_LINKS})
    )
    ELSE false END
"""  # noqa: S608 - constants of `db.visibility`
"""SQL: whether a link, a row `link` with an `account_id`, a `subject` and a `subject_id`, would open this now."""
_SHOWN = f"""
    SELECT link.share_link_id, link.subject, link.subject_id, link.created_at, link.last_used_at, {HOLDS} AS works,
           (SELECT name FROM entities WHERE entity_id = CASE WHEN link.subject IN ('killmail', 'battle') THEN
                (SELECT ship_type_id FROM participants WHERE killmail_id = link.subject_id AND ordinal = 0)
                ELSE link.subject_id END) AS name
      FROM share_links AS link
"""  # noqa: S608 - a constant
_OPENED = f"""
    SELECT link.share_link_id, link.subject, link.subject_id, link.sides,
           coalesce(link.last_used_at < now() - $2::interval, true) AS unused,
           CASE WHEN link.subject IN ('killmail', 'battle') THEN ARRAY({_OWN_CHARACTERS}) END AS characters,
           CASE WHEN link.subject IN ('killmail', 'battle') THEN ARRAY({_DIRECTED}) END AS corporations
      FROM share_links AS link
"""  # noqa: S608 - constants


async def create_share_link(pool: asyncpg.Pool, account_id: int, subject: Subject, subject_id: int) -> NewLink:
    """Make a link.

    Raises:
        NotYoursToShare: it would open nothing.
        TooManyLinks: one must be revoked first.
    """
    token = new_secret()
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute("SELECT FROM accounts WHERE account_id = $1 FOR UPDATE", account_id)
        if (
            await connection.fetchval("SELECT count(*) FROM share_links WHERE account_id = $1", account_id)
            >= MOST_LINKS
        ):
            raise TooManyLinks
        made = await connection.fetchval(
            "INSERT INTO share_links (account_id, token_hash, subject, subject_id) VALUES ($1, $2, $3, $4)"
            " RETURNING share_link_id",
            account_id,
            digest(token),
            str(subject),
            subject_id,
        )
        row = await connection.fetchrow(f"{_SHOWN} WHERE link.share_link_id = $1", made)
        assert row is not None  # noqa: S101 - it was just made
        if not row["works"]:
            raise NotYoursToShare  # which takes it back
    return NewLink(_shown(row), token)


async def account_share_links(pool: asyncpg.Pool, account_id: int) -> list[ShownLink]:
    """The account's links, newest first."""
    rows = await pool.fetch(f"{_SHOWN} WHERE link.account_id = $1 ORDER BY link.share_link_id DESC", account_id)
    return [_shown(row) for row in rows]


async def revoke_share_link(pool: asyncpg.Pool, account_id: int, share_link_id: int) -> bool:
    """The link opens nothing any more; False if the account has no such link."""
    gone = await pool.fetchval(
        "DELETE FROM share_links WHERE account_id = $1 AND share_link_id = $2 RETURNING true", account_id, share_link_id
    )
    return gone is not None


async def first_to_share(pool: asyncpg.Pool, account_id: int, killmail_ids: Sequence[int]) -> int | None:
    """The first of these killmails that a link of the account would open."""
    found: int | None = await pool.fetchval(
        f"""
        SELECT link.subject_id
          FROM (SELECT $1::bigint AS account_id, 'killmail' AS subject, subject_id, number
                  FROM unnest($2::bigint[]) WITH ORDINALITY AS asked(subject_id, number)) AS link
         WHERE {HOLDS} ORDER BY link.number LIMIT 1
        """,  # noqa: S608 - a constant
        account_id,
        killmail_ids,
    )
    return found


async def sharers_eyes(pool: asyncpg.Pool, account_id: int) -> Viewer:
    """Whose killmails the account could share one by one."""
    row = await pool.fetchrow(
        f"SELECT ARRAY({_OWN_CHARACTERS}), ARRAY({_DIRECTED}) FROM (VALUES ($1::bigint)) AS link(account_id)",  # noqa: S608
        account_id,
    )
    assert row is not None  # noqa: S101 - one row of two lists
    return Viewer(tuple(row[0]), tuple(row[1]))


async def opened_by(pool: asyncpg.Pool, token: str) -> Shared | None:
    """What this token opens now; None: nothing. Notes the use, rarely."""
    row = await pool.fetchrow(f"{_OPENED} WHERE link.token_hash = $1 AND {HOLDS}", digest(token), USED_EVERY)
    if row is None:
        return None
    if row["unused"]:
        await pool.execute("UPDATE share_links SET last_used_at = now() WHERE share_link_id = $1", row["share_link_id"])
    return _shared(row)


async def link_of_account(pool: asyncpg.Pool, account_id: int, share_link_id: int) -> Shared | None:
    """What a link of the account opens now; None: nothing, or the account has no such link."""
    row = await pool.fetchrow(
        f"{_OPENED} WHERE link.share_link_id = $1 AND link.account_id = $3 AND {HOLDS}",
        share_link_id,
        USED_EVERY,
        account_id,
    )
    return None if row is None else _shared(row)


def _shared(row: asyncpg.Record) -> Shared:
    return Shared(
        row["share_link_id"],
        Subject(row["subject"]),
        row["subject_id"],
        tuple(row["characters"] or ()),
        tuple(row["corporations"] or ()),
        {int(party): side for party, side in orjson.loads(row["sides"] or "{}").items()},
    )


def _shown(row: asyncpg.Record) -> ShownLink:
    return ShownLink(
        row["share_link_id"],
        Subject(row["subject"]),
        row["subject_id"],
        row["name"],
        row["works"],
        row["created_at"],
        row["last_used_at"],
    )
