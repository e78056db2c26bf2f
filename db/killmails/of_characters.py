"""The killmails of several characters of one account, each character's apart, read together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import replace

import asyncpg

from db.killmails.cursors import encode_cursor
from db.killmails.filter import Viewer
from db.killmails.pages import COUNTED
from db.killmails.rows import ByIdRead, KillmailRows, Wanted

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


async def rows_apart(
    connection: asyncpg.pool.PoolConnectionProxy,
    viewer: Viewer,
    character_ids: Collection[int],
    first: int,
    wanted: Wanted,
) -> dict[int, KillmailRows]:
    """The newest killmails of each of these characters who are the viewer's. One statement more than one feed takes.

    The cursors go on in `db.killmails.rows.FeedRead`.
    """
    own = sorted({*character_ids} & {*viewer.character_ids})
    newest: defaultdict[int, list[asyncpg.Record]] = defaultdict(list)
    for row in await connection.fetch(_NEWEST.format(limit=int(first) + 1), own):
        newest[row["character_id"]].append(row)
    shown = {row["killmail_id"] for found in newest.values() for row in found[:first]}
    rows = await ByIdRead(viewer, shown).read(connection, wanted)
    killmails = {row["killmail_id"]: row for row in rows.killmails}
    participants: defaultdict[int, list[asyncpg.Record]] = defaultdict(list)
    for row in rows.participants:
        participants[row["killmail_id"]].append(row)

    def of_one(found: Sequence[asyncpg.Record]) -> KillmailRows:
        ids = [row["killmail_id"] for row in found[:first]]
        return replace(
            rows,
            killmails=[killmails[killmail_id] for killmail_id in ids],
            cursors=[encode_cursor(row["killmail_time"], row["killmail_id"]) for row in found[:first]],
            has_more=len(found) > first,
            participants=[row for killmail_id in ids for row in participants[killmail_id]],
        )

    return {character_id: of_one(newest[character_id]) for character_id in own}


async def counts_apart(pool: asyncpg.Pool, character_ids: Collection[int]) -> dict[int, int]:
    """How many killmails each of these characters is on, as `db.killmails.feed.count` counts. One statement."""
    return {row["character_id"]: row["killmails"] for row in await pool.fetch(_COUNTS, sorted({*character_ids}))}
