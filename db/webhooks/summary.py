"""What a digest tells of a period: sums, the best kill, the worst loss, and of a corporation its busiest pilots."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import asyncpg

from db.killmails.filter import KillmailFilter, ParticipantFilter, Side
from db.killmails.rows import FeedRead, Wanted
from db.killmails.statistics import Section, statistics
from db.killmails.statistics import Subject as Of
from db.webhooks.editions import Edition
from db.webhooks.subjects import Subject, viewer_of
from db.webhooks.told import Told, told_of

TOP = 5


async def summary_of(
    pool: asyncpg.Pool, subject: Subject, subject_id: int, edition: Edition, site_url: str
) -> dict[str, Any]:
    """The period, in the schema's names: ids are strings, ISK is a number."""
    of_pilot = subject is Subject.CHARACTER
    one = ParticipantFilter(character_id=subject_id) if of_pilot else ParticipantFilter(corporation_id=subject_id)
    viewer, begin, end = viewer_of(subject, subject_id), edition.begins_at, edition.ends_at
    ranked: tuple[Section, ...] = () if of_pilot else ("topPilots",)
    sums = await statistics(pool, viewer, Of(one), begin, end, top=TOP, sections=ranked)

    async def most_valuable(side: Side) -> Told | None:
        chosen = KillmailFilter(one.character_id, one.corporation_id, side=side, since=begin, until=end)
        async with pool.acquire() as connection:
            found = await FeedRead(viewer, 1, None, chosen, "VALUE").read(connection, Wanted())
        told = await told_of(pool, [row["killmail_id"] for row in found.killmails], subject, subject_id, site_url)
        return told[0] if told else None

    return {
        "every": edition.every.upper(),
        "begin": _time(begin),
        "end": _time(end),
        "subject": {
            "kind": subject.upper(),
            "id": str(subject_id),
            "name": await pool.fetchval("SELECT name FROM entities WHERE entity_id = $1", subject_id),
        },
        "url": f"{site_url}/{subject}s/{subject_id}",
        "kills": sums["kills"],
        "losses": sums["losses"],
        "iskDestroyed": float(sums["iskDestroyed"]),
        "iskLost": float(sums["iskLost"]),
        "efficiency": sums["efficiency"],
        "bestKill": await most_valuable("ATTACKER"),
        "worstLoss": await most_valuable("VICTIM"),
        "topPilots": [
            {
                "id": row["character"]["id"],
                "name": row["character"]["name"],
                "killmails": row["killmails"],
                "isk": float(row["isk"]),
            }
            for row in sums["topPilots"]
        ],
    }


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
