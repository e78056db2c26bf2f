"""What somebody who is logged in has beside a killmail: its neighbours in their feed, and what they may do with it."""

from __future__ import annotations

from dataclasses import dataclass, field

import asyncpg
import orjson

from db.accounts.sessions import Caller
from db.accounts.share_links import HOLDS
from db.visibility import NOT_SOLD

# Down an index from the killmail's place in it, once for each of the account's characters and each way. The hash is
# told to nobody who may not share the killmail.
_BESIDE = f"""
WITH here AS MATERIALIZED (SELECT killmail_time, killmail_id FROM killmails WHERE killmail_id = $1)
SELECT
    (
        SELECT next.killmail_id
        FROM here, unnest($2::bigint[]) AS pilot(character_id)
        CROSS JOIN LATERAL (
            SELECT one.killmail_time, one.killmail_id
            FROM participants AS one
            WHERE one.character_id = pilot.character_id
                AND (one.killmail_time, one.killmail_id) > (here.killmail_time, here.killmail_id)
            ORDER BY one.killmail_time, one.killmail_id
            LIMIT 1
        ) AS next
        ORDER BY next.killmail_time, next.killmail_id
        LIMIT 1
    ) AS newer,
    (
        SELECT next.killmail_id
        FROM here, unnest($2::bigint[]) AS pilot(character_id)
        CROSS JOIN LATERAL (
            SELECT one.killmail_time, one.killmail_id
            FROM participants AS one
            WHERE one.character_id = pilot.character_id
                AND (one.killmail_time, one.killmail_id) < (here.killmail_time, here.killmail_id)
            ORDER BY one.killmail_time DESC, one.killmail_id DESC
            LIMIT 1
        ) AS next
        ORDER BY next.killmail_time DESC, next.killmail_id DESC
        LIMIT 1
    ) AS older,
    (SELECT jsonb_agg(jsonb_build_array(character_id, name)) FROM users WHERE account_id = $3 AND {NOT_SOLD})
        AS characters,
    sharing.may_share,
    CASE WHEN sharing.may_share THEN
        (SELECT killmail_hash FROM killmail_refs WHERE killmail_refs.killmail_id = $1)
    END AS killmail_hash
FROM (
    SELECT {HOLDS} AS may_share
    FROM (VALUES ($3::bigint, 'killmail', $1::bigint)) AS link(account_id, subject, subject_id)
) AS sharing
"""  # noqa: S608 - constants


@dataclass(frozen=True, slots=True)
class Beside:
    """`newer` and `older`: ids of killmails of the account's own characters, as the front page has them; None at the
    ends. `characters`: the account's, ids and names, by name. `killmail_hash`: as far as it is known, and only where
    the account may share the killmail.
    """

    newer: int | None = None
    older: int | None = None
    characters: tuple[tuple[int, str], ...] = ()
    may_share: bool = False
    killmail_hash: str | None = field(default=None, repr=False)


NOTHING_BESIDE = Beside()
"""For who is not logged in."""


async def beside(pool: asyncpg.Pool, who: Caller, killmail_id: int) -> Beside:
    """What `who` has beside a killmail that they may see. One statement."""
    row = await pool.fetchrow(_BESIDE, killmail_id, list(who.character_ids), who.account_id)
    assert row is not None  # noqa: S101 - of one row of VALUES
    own = sorted(map(tuple, orjson.loads(row["characters"] or "[]")), key=lambda one: one[1])
    return Beside(row["newer"], row["older"], tuple(own), row["may_share"], row["killmail_hash"])
