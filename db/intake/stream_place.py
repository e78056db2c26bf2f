"""How far zKillboard's stream was read: the bookmark that outlives Temporal's data, and how the follower stands."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import asyncpg

QUIET = timedelta(minutes=15)
"""A follower that has not been at the stream's end for so long is behind."""


@dataclass(frozen=True, slots=True)
class StreamPlace:
    """The last object that was handled, and what came since. Times are UTC.

    `sequence` None: it could not begin yet. `uploaded_at`: when zKillboard published it, if it said so.
    `caught_up_at`: when there was nothing newer. `trouble`: the failure that is not over; None: none.
    `missed`: objects of the last gap, of between these times.
    """

    sequence: int | None
    read_at: datetime
    uploaded_at: datetime | None
    caught_up_at: datetime | None
    trouble: str | None
    trouble_since: datetime | None
    missed: int
    missed_from: datetime | None
    missed_until: datetime | None

    @property
    def is_well(self) -> bool:
        """It was at the stream's end a moment ago."""
        at_the_end = self.caught_up_at is not None and self.caught_up_at > datetime.now(UTC) - QUIET
        return self.trouble is None and at_the_end

    @property
    def sentence(self) -> str:
        """How the follower stands, for people."""
        gap = ""
        if self.missed and self.missed_from and self.missed_until:
            gap = (
                f" Between {self.missed_from:%Y-%m-%d %H:%M} and {self.missed_until:%Y-%m-%d %H:%M} EVE time"
                f" {self.missed:,} killmails of the stream were gone before they were read; the archive has them."
            )
        if self.trouble is not None and self.trouble_since is not None:
            return (
                f"zKillboard's stream has been unreadable since {self.trouble_since:%H:%M} EVE time"
                f" ({self.trouble}).{gap}"
            )
        if self.sequence is None:
            return "zKillboard's stream is about to be read."
        if not self.is_well:
            at = self.uploaded_at or self.read_at
            return f"zKillboard's stream has been read up to {at:%Y-%m-%d %H:%M} EVE time and is behind.{gap}"
        return f"zKillboard's stream is up to date.{gap}"


async def stream_place(pool: asyncpg.Pool) -> StreamPlace | None:
    """Where the follower is; None: it never began."""
    row = await pool.fetchrow(
        "SELECT sequence, read_at, uploaded_at, caught_up_at, trouble, trouble_since, missed, missed_from, missed_until"
        "  FROM killmail_stream"
    )
    return None if row is None else StreamPlace(**row)


async def record_place(pool: asyncpg.Pool, sequence: int, uploaded_at: datetime | None, *, caught_up: bool) -> None:
    """All up to this one is handled, and no trouble is left. `caught_up`: there is nothing newer."""
    await pool.execute(
        """
        INSERT INTO killmail_stream AS here (sequence, uploaded_at, caught_up_at)
        VALUES ($1, $2, CASE WHEN $3 THEN now() END)
        ON CONFLICT (only_one) DO UPDATE
           SET sequence = excluded.sequence, uploaded_at = coalesce(excluded.uploaded_at, here.uploaded_at),
               read_at = CASE WHEN here.sequence = excluded.sequence THEN here.read_at ELSE now() END,
               caught_up_at = coalesce(excluded.caught_up_at, here.caught_up_at), trouble = NULL, trouble_since = NULL
        """,
        sequence,
        uploaded_at,
        caught_up,
    )


async def record_missed(pool: asyncpg.Pool, missed: int, until: datetime | None) -> None:
    """So many objects after the bookmark were gone before they were read. `until`: of the first that was there."""
    await pool.execute(
        "UPDATE killmail_stream SET missed = $1, missed_from = coalesce(uploaded_at, read_at),"
        " missed_until = coalesce($2, now())",
        missed,
        until,
    )


async def record_trouble(pool: asyncpg.Pool, trouble: str) -> None:
    """The stream could not be read; since when it lasts is kept."""
    await pool.execute(
        """
        INSERT INTO killmail_stream AS here (trouble, trouble_since) VALUES ($1, now())
        ON CONFLICT (only_one) DO UPDATE
           SET trouble = excluded.trouble, trouble_since = coalesce(here.trouble_since, excluded.trouble_since)
        """,
        trouble,
    )
