"""The killmails of several characters of one account, each character's apart, read together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection

import asyncpg

from db.killmails.cursors import encode_cursor
from db.killmails.feed import FeedPage, Viewer, killmails_by_id
from db.killmails.pages import COUNTED

_NEWEST = """
SELECT of.character_id, met.killmail_time, met.killmail_id
FROM unnest($1::bigint[]) AS of(character_id)
CROSS JOIN LATERAL (
    SELECT DISTINCT ON (participants.killmail_time, participants.killmail_id)
        participants.killmail_time, participants.killmail_id
    FROM participants
    WHERE participants.character_id = of.character_id
    ORDER BY participants.killmail_time DESC, participants.killmail_id DESC
    LIMIT {limit}
) AS met
ORDER BY met.killmail_time DESC, met.killmail_id DESC
"""
_COUNTS = f"""
SELECT of.character_id, met.killmails
FROM unnest($1::bigint[]) AS of(character_id)
CROSS JOIN LATERAL (
    SELECT count(*) AS killmails
    FROM (
        SELECT DISTINCT participants.killmail_time, participants.killmail_id
        FROM participants
        WHERE participants.character_id = of.character_id
        LIMIT {COUNTED + 1}
    ) AS counted
) AS met
"""


async def feeds_apart(
    pool: asyncpg.Pool,
    viewer: Viewer,
    character_ids: Collection[int],
    first: int,
    *,
    with_attackers: bool,
    with_items: bool,
    with_position: bool,
) -> dict[int, FeedPage]:
    """The newest killmails of each of these characters, who are the viewer's. Five statements, however many they are.

    The cursors go on in `db.killmails.feed.feed`.
    """
    own = sorted({*character_ids} & {*viewer.character_ids})
    rows = await pool.fetch(_NEWEST.format(limit=int(first) + 1), own)
    of_character: defaultdict[int, list[asyncpg.Record]] = defaultdict(list)
    for row in rows:
        of_character[row["character_id"]].append(row)
    shown = {row["killmail_id"] for found in of_character.values() for row in found[:first]}
    nodes = await killmails_by_id(
        pool,
        viewer,
        shown,
        with_attackers=with_attackers,
        with_items=with_items,
        with_position=with_position,
    )
    by_id = {int(node["id"]): node for node in nodes}
    return {
        character_id: FeedPage(
            [by_id[row["killmail_id"]] for row in found[:first]],
            [encode_cursor(row["killmail_time"], row["killmail_id"]) for row in found[:first]],
            has_next_page=len(found) > first,
        )
        for character_id, found in ((one, of_character[one]) for one in own)
    }


async def counts_apart(pool: asyncpg.Pool, character_ids: Collection[int]) -> dict[int, int]:
    """How many killmails each of these characters is on, as `db.killmails.feed.count` counts. One statement."""
    return {row["character_id"]: row["killmails"] for row in await pool.fetch(_COUNTS, sorted({*character_ids}))}
