"""Where the killmails of a pilot came from, and what we can know to be missing of them.

The first source counts: it is kept with the killmail's place in the order of arrival. Whose list of ESI's showed it
stands with its reference. What arrived before sources were kept is told by whose word its hash is.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from enum import IntEnum, StrEnum

import asyncpg

from contracts.archive import FIRST_DAY
from db.intake.references import HashFrom

LISTED_FOR = timedelta(days=90)
"""So long ESI lists a killmail (its OpenAPI document)."""


class Brought(IntEnum):
    """What brought a killmail, as `killmail_arrivals.source` keeps it: numbers never change. Null: not known."""

    LIST = 1  # ESI's list of a pilot or a corporation
    IMPORT = 2  # zKillboard's history of a pilot
    LINK = 3
    LEGACY = 4
    ARCHIVE = 5
    LIVE = 6  # zKillboard's stream


class Source(StrEnum):
    """The same as a pilot sees it: of a list, whose it was."""

    OWN_LIST = "own_list"
    CORPORATION = "corporation"
    FLEET_MATE = "fleet_mate"
    ARCHIVE = "archive"
    LIVE = "live"
    LINK = "link"
    IMPORT = "import"
    LEGACY = "legacy"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class PilotSources:
    """Of one pilot. `stored`: killmails by source, only those there are. Times are UTC.

    `waiting` and `given_up`: killmails that the pilot's lists showed and whose bodies are not here.
    `unlisted_from` until `unlisted_to`: between two looks ESI listed nothing any more of this time; None: no such time.
    `days_unread`: days of the archive that were not read since the pilot is here.
    """

    stored: Mapping[Source, int] = field(default_factory=dict)
    waiting: int = 0
    given_up: int = 0
    unlisted_from: datetime | None = None
    unlisted_to: datetime | None = None
    days_unread: int = 0


@dataclass(frozen=True, slots=True)
class ArchiveDifferences:
    """Of the days of the archive that were read: `days` of them have fewer killmails than its totals say, or some that
    were refused; `killmails` together."""

    days: int
    killmails: int


async def pilot_sources(pool: asyncpg.Pool, character_ids: Collection[int]) -> dict[int, PilotSources]:
    """The account of each of these pilots. Reads the index of their killmails, and nobody else's."""
    stored: dict[int, dict[Source, int]] = {character_id: {} for character_id in character_ids}
    for row in await pool.fetch(_STORED, list(character_ids)):
        stored[row["character_id"]][Source(row["source"])] = row["killmails"]
    now = datetime.now(UTC)
    rows = await pool.fetch(_MISSING, list(character_ids))
    return {row["character_id"]: _account(row, stored[row["character_id"]], now) for row in rows}


async def left_over_among(pool: asyncpg.Pool, killmail_ids: Collection[int]) -> list[int]:
    """Those of these stored killmails that an import or an archive told us of, and no list of ESI's shows. Ascending.

    Their bodies did not come with that: they are left to whoever fetches what is missing.
    """
    rows = await pool.fetch(_LEFT_OVER, list(killmail_ids))
    return [row["killmail_id"] for row in rows]


async def archive_differences(pool: asyncpg.Pool) -> ArchiveDifferences:
    """What the days that were read lack, as far as the archive itself tells."""
    row = await pool.fetchrow(
        """
        SELECT count(*) AS days, coalesce(sum(lacking), 0)::bigint AS killmails
          FROM (SELECT greatest(coalesce(expected, 0) - taken,
                                (SELECT coalesce(sum(value::int), 0) FROM jsonb_each_text(refused))) AS lacking
                  FROM archive_days WHERE taken < expected OR refused <> '{}') AS day
        """
    )
    assert row is not None  # noqa: S101 - an aggregate
    return ArchiveDifferences(row["days"], row["killmails"])


def _account(row: asyncpg.Record, stored: Mapping[Source, int], now: datetime) -> PilotSources:
    oldest_listed, looked_at = now - LISTED_FOR, row["last_killmail_sync_at"]
    unlisted = looked_at is not None and looked_at < oldest_listed
    return PilotSources(
        stored,
        row["waiting"],
        row["given_up"],
        looked_at if unlisted else None,
        oldest_listed if unlisted else None,
        days_of_archive(now.date()) - row["days_read"],
    )


def days_of_archive(today: date) -> int:
    """How many there are by now, up to yesterday."""
    return (today - FIRST_DAY).days


_STORED = f"""
SELECT pilot.character_id, source, count(*) AS killmails
  FROM unnest($1::bigint[]) AS pilot (character_id)
 CROSS JOIN LATERAL (
        SELECT CASE
               WHEN a.source = {Brought.IMPORT} OR a.source IS NULL AND r.hash_from = '{HashFrom.ZKILLBOARD}'
                   THEN '{Source.IMPORT}'
               WHEN a.source = {Brought.LINK} THEN '{Source.LINK}'
               WHEN a.source = {Brought.LEGACY} OR a.source IS NULL AND r.hash_from = '{HashFrom.LEGACY}'
                   THEN '{Source.LEGACY}'
               WHEN a.source = {Brought.ARCHIVE} OR a.source IS NULL AND r.hash_from = '{HashFrom.ARCHIVE}'
                   THEN '{Source.ARCHIVE}'
               WHEN a.source = {Brought.LIVE} THEN '{Source.LIVE}'
               WHEN r.killmail_id IS NULL THEN '{Source.UNKNOWN}'
               WHEN r.first_seen_by = pilot.character_id THEN '{Source.OWN_LIST}'
               WHEN r.first_seen_by IN (SELECT corporation_id FROM corporations_followed) THEN '{Source.CORPORATION}'
               ELSE '{Source.FLEET_MATE}' END AS source
          FROM (SELECT DISTINCT killmail_id FROM participants WHERE character_id = pilot.character_id) AS theirs
          LEFT JOIN killmail_arrivals a USING (killmail_id)
          LEFT JOIN killmail_refs r USING (killmail_id)) AS one
 GROUP BY pilot.character_id, source
"""  # noqa: S608 - constants of ours
_LEFT_OVER = f"""
SELECT r.killmail_id FROM killmail_refs r
 WHERE r.killmail_id = ANY ($1) AND r.hash_from <> '{HashFrom.ESI}' AND NOT EXISTS (
       SELECT FROM participants p JOIN killmail_lists l ON l.list_of IN (p.character_id, p.corporation_id)
        WHERE p.killmail_id = r.killmail_id AND r.killmail_id = ANY (l.killmail_ids))
 ORDER BY r.killmail_id
"""  # noqa: S608 - a constant of ours
_MISSING = """
SELECT users.character_id, last_killmail_sync_at, pending.waiting, pending.given_up,
       (SELECT count(*) FROM archive_days
         WHERE everything OR begun_at - interval '1 minute' > users.created_at) AS days_read
  FROM users
 CROSS JOIN LATERAL (
        SELECT count(*) FILTER (WHERE parked_at IS NULL) AS waiting,
               count(*) FILTER (WHERE parked_at IS NOT NULL) AS given_up
          FROM killmail_refs WHERE first_seen_by = users.character_id AND stored_at IS NULL) AS pending
 WHERE users.character_id = ANY ($1)
"""
