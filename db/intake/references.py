"""`killmail_refs`: every reference we were ever shown, claimed by one run at a time until its body is stored."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TypeAlias

import asyncpg
from asyncpg.pool import PoolConnectionProxy
from prometheus_client import Counter

from contracts.claimants import Claimant
from db.visibility import BOARDS_OF_USER

Connection: TypeAlias = "PoolConnectionProxy[asyncpg.Record]"

CLAIM_FOR = timedelta(minutes=3)
"""How long a claimed reference is left to its claimant; a fetch prolongs it when it starts."""
CLAIM_AT_MOST = 5000
"""References one look takes on; the rest waits for the next, which comes at once."""
NEWS = timedelta(hours=1)
"""What comes by another way than a sync and happened within this is announced, as the sync would have done."""
UNUSABLE_HASH = "UnusableHash"
"""Reason of a killmail that ESI lists without a hash that could be one."""
ORPHANED_AFTER = timedelta(minutes=30)
"""A reference that nobody has worked on for so long has lost its finder."""
FAILURES = Counter(
    "killreport_killmail_failures",
    "Attempts to get a body that failed, by reason.",
    ["reason", "then"],
)

_WANTED = """
    stored_at IS NULL AND parked_at IS NULL
    AND (next_attempt_at IS NULL OR next_attempt_at <= now())
"""
_CLAIMED_BY_AN_IMPORT = "claimed_by < 0"  # `contracts.claimants.import_of`
_DUE = f"{_WANTED} AND (claimed_until IS NULL OR claimed_until <= now())"
_HAS_A_GRANT = """
    EXISTS (SELECT FROM users u WHERE u.character_id = first_seen_by AND u.token_state = 'valid')
    OR EXISTS (SELECT FROM corporation_directors d JOIN users u USING (character_id)
                WHERE d.corporation_id = first_seen_by AND d.standing = 'good' AND u.token_state = 'valid')
"""


# Reads alone while every hash is the same: nothing is locked or written then.
_CORRECT_HASHES = """
WITH other AS MATERIALIZED (
    SELECT r.killmail_id, listed.killmail_hash
      FROM unnest($1::bigint[], $2::text[]) AS listed (killmail_id, killmail_hash)
      JOIN killmail_refs r USING (killmail_id)
     WHERE r.killmail_hash <> listed.killmail_hash AND listed.killmail_hash <> ''
       AND ($3 = 'esi' OR r.killmail_hash = '')
     ORDER BY r.killmail_id FOR UPDATE OF r
)
UPDATE killmail_refs r
   SET killmail_hash = other.killmail_hash, hash_from = $3, attempts = 0, last_error = NULL,
       next_attempt_at = NULL, parked_at = NULL
  FROM other WHERE r.killmail_id = other.killmail_id
"""


class HashFrom(StrEnum):
    """Whose word a killmail's hash is."""

    ESI = "esi"  # its own lists, or a hash it gave a body for
    ZKILLBOARD = "zkillboard"
    LEGACY = "legacy"  # the system before this one (`db/legacy/`)
    ARCHIVE = "archive"  # EVE Ref's archive by day


@dataclass(frozen=True, slots=True)
class PendingReference:
    """A reference without a body. The hash is not in `repr`."""

    killmail_id: int
    killmail_hash: str = field(repr=False)
    attempts: int


@dataclass(frozen=True, slots=True)
class FailedAttempt:
    """What came of an attempt: the failure's type name, and when to try again; None: never (parked)."""

    killmail_id: int
    error: str
    next_attempt_at: datetime | None


async def add_references(
    connection: Connection, seen_by: int, references: Sequence[tuple[int, str]], hash_from: HashFrom
) -> list[int]:
    """`add_references_of_many`, all seen by one."""
    return await add_references_of_many(connection, [(*one, seen_by) for one in references], hash_from)


async def add_references_of_many(
    connection: Connection, references: Sequence[tuple[int, str, int]], hash_from: HashFrom
) -> list[int]:
    """Remember references (id, hash, seen by); those to be fetched that nobody had shown us before are returned.

    One without a hash ("") is given up at once, under `UNUSABLE_HASH`: it stands in the account, and is wanted as
    soon as ESI lists it with one.

    ESI's own word wins: a hash of another source is replaced by the one ESI lists, and a killmail that was given up
    for its wrong hash is wanted again. Sorted by id: two users whose lists overlap wait for each other instead of
    deadlocking.
    """
    listed = sorted(references)
    killmail_ids = [killmail_id for killmail_id, _, _ in listed]
    hashes = [killmail_hash for _, killmail_hash, _ in listed]
    await connection.execute(_CORRECT_HASHES, killmail_ids, hashes, str(hash_from))
    rows = await connection.fetch(
        """
        INSERT INTO killmail_refs (
            killmail_id, killmail_hash, first_seen_by, stored_at, hash_from, last_error, parked_at)
        SELECT seen.killmail_id, seen.killmail_hash, seen.seen_by, k.created_at, $4,
               CASE WHEN seen.killmail_hash = '' THEN $5 END, CASE WHEN seen.killmail_hash = '' THEN now() END
          FROM (SELECT DISTINCT ON (killmail_id) * FROM unnest($2::bigint[], $3::text[], $1::bigint[])
                  AS listed (killmail_id, killmail_hash, seen_by) ORDER BY killmail_id) AS seen
          LEFT JOIN killmails k USING (killmail_id)
         ORDER BY seen.killmail_id
        ON CONFLICT (killmail_id) DO NOTHING
        RETURNING killmail_id, stored_at IS NULL AND killmail_hash <> '' AS wanted
        """,
        [seen_by for _, _, seen_by in listed],
        killmail_ids,
        hashes,
        str(hash_from),
        UNUSABLE_HASH,
    )
    return [row["killmail_id"] for row in rows if row["wanted"]]


async def claim(
    connection: Connection, seen_by: int, wanted: Collection[int], *, before_corporations: bool
) -> list[int]:
    """Take what a character or corporation saw first, or wants now, if nobody else works on it. Newest first.

    What it claimed itself is given out again: a look may die after its claims were committed and before anybody
    heard of them, and its repetition must not wait for their end. What an import has claimed and a
    list of ESI's shows is taken from it: the import may have to wait for its turn.

    Args:
        before_corporations: take also what a corporation has claimed: its thousands must not hold up a pilot.
    """
    rows = await connection.fetch(
        f"""
        WITH mine AS MATERIALIZED (
            SELECT killmail_id FROM killmail_refs
             WHERE {_WANTED} AND (claimed_until IS NULL OR claimed_until <= now() OR claimed_by = $1
                    OR {_CLAIMED_BY_AN_IMPORT} AND killmail_id = ANY ($2)
                    OR $4 AND claimed_by IN (SELECT corporation_id FROM corporations_followed))
               AND (first_seen_by = $1 OR killmail_id = ANY ($2))
             ORDER BY killmail_id DESC LIMIT {CLAIM_AT_MOST} FOR UPDATE SKIP LOCKED
        )
        UPDATE killmail_refs SET claimed_until = now() + $3::interval, claimed_by = $1 FROM mine
         WHERE killmail_refs.killmail_id = mine.killmail_id
        RETURNING killmail_refs.killmail_id
        """,  # noqa: S608 - both parts are constants above
        seen_by,
        list(wanted),
        CLAIM_FOR,
        before_corporations,
    )
    return sorted((row["killmail_id"] for row in rows), reverse=True)


async def forgive(connection: Connection, seen_by: int, listed: Collection[int]) -> None:
    """A full resync tries again what was given up or is waiting for a later attempt."""
    await connection.execute(
        """
        UPDATE killmail_refs SET attempts = 0, next_attempt_at = NULL, parked_at = NULL, last_error = NULL
         WHERE killmail_id IN (
            SELECT killmail_id FROM killmail_refs
             WHERE stored_at IS NULL AND attempts > 0 AND (first_seen_by = $1 OR killmail_id = ANY ($2))
             ORDER BY killmail_id FOR UPDATE)
        """,
        seen_by,
        list(listed),
    )


async def take_up(
    pool: asyncpg.Pool, killmail_ids: Collection[int], claimed_by: Claimant | None = None
) -> list[PendingReference]:
    """The references among these that still want a body; their claim is prolonged. Newest first.

    Args:
        claimed_by: whose look claimed them: what somebody else has claimed since is left to them. None: take all.
    """
    rows = await pool.fetch(
        """
        WITH here AS MATERIALIZED (
            SELECT r.killmail_id, k.created_at FROM killmail_refs r LEFT JOIN killmails k USING (killmail_id)
             WHERE r.killmail_id = ANY ($1) AND r.stored_at IS NULL
               AND ($3::bigint IS NULL OR claimed_by IS NULL OR claimed_by = $3 OR claimed_until <= now())
             ORDER BY r.killmail_id FOR UPDATE OF r
        )
        UPDATE killmail_refs r
           SET claimed_until = greatest(claimed_until, now() + $2::interval), stored_at = here.created_at
          FROM here WHERE r.killmail_id = here.killmail_id
        RETURNING r.killmail_id, r.killmail_hash, r.attempts, r.stored_at
        """,
        list(killmail_ids),
        CLAIM_FOR,
        claimed_by,
    )
    wanted = [row for row in rows if row["stored_at"] is None]
    wanted.sort(key=lambda row: row["killmail_id"], reverse=True)
    return [PendingReference(row["killmail_id"], row["killmail_hash"], row["attempts"]) for row in wanted]


async def record_failures(pool: asyncpg.Pool, failures: Sequence[FailedAttempt]) -> None:
    """Note attempts that failed, and let go of the claims."""
    for failure in failures:
        FAILURES.labels(failure.error, "given_up" if failure.next_attempt_at is None else "tried_again").inc()
    ordered = sorted(failures, key=lambda failure: failure.killmail_id)
    await pool.execute(
        """
        WITH failed AS MATERIALIZED (
            SELECT f.* FROM unnest($1::bigint[], $2::text[], $3::timestamptz[]) AS f (killmail_id, error, next_at)
              JOIN killmail_refs r USING (killmail_id)
             ORDER BY killmail_id FOR UPDATE OF r
        )
        UPDATE killmail_refs r
           SET attempts = attempts + 1, last_error = failed.error, claimed_until = NULL,
               next_attempt_at = failed.next_at, parked_at = CASE WHEN failed.next_at IS NULL THEN now() END
          FROM failed WHERE r.killmail_id = failed.killmail_id AND r.stored_at IS NULL
        """,
        [failure.killmail_id for failure in ordered],
        [failure.error for failure in ordered],
        [failure.next_attempt_at for failure in ordered],
    )


@dataclass(frozen=True, slots=True)
class KnownHash:
    """The hash of a killmail that we were shown: for the eyes of those alone whom EVE tells it, too."""

    killmail_hash: str = field(repr=False)
    hash_from: HashFrom


async def hash_of(pool: asyncpg.Pool, killmail_id: int) -> KnownHash | None:
    """What we were told of this killmail's hash, and by whom."""
    query = "SELECT killmail_hash, hash_from FROM killmail_refs WHERE killmail_id = $1"
    row = await pool.fetchrow(query, killmail_id)
    return None if row is None else KnownHash(row["killmail_hash"], HashFrom(row["hash_from"]))


async def stored_among(pool: asyncpg.Pool, killmail_ids: Collection[int]) -> list[int]:
    """Those of these killmails whose body is here. Ascending."""
    rows = await pool.fetch(
        "SELECT killmail_id FROM killmails WHERE killmail_id = ANY ($1) ORDER BY killmail_id", list(killmail_ids)
    )
    return [row["killmail_id"] for row in rows]


async def given_up_among(pool: asyncpg.Pool, killmail_ids: Collection[int]) -> list[int]:
    """Those of these references that EVE gives no body for, as far as we tried. Ascending."""
    rows = await pool.fetch(
        "SELECT killmail_id FROM killmail_refs WHERE killmail_id = ANY ($1) AND stored_at IS NULL"
        " AND parked_at IS NOT NULL ORDER BY killmail_id",
        list(killmail_ids),
    )
    return [row["killmail_id"] for row in rows]


async def news_among(pool: asyncpg.Pool, killmail_ids: Collection[int]) -> list[int]:
    """Those of these killmails that are here and happened so lately that they are news. Ascending."""
    rows = await pool.fetch(
        "SELECT killmail_id FROM killmails WHERE killmail_id = ANY ($1) AND killmail_time > now() - $2::interval"
        " ORDER BY killmail_id",
        list(killmail_ids),
        NEWS,
    )
    return [row["killmail_id"] for row in rows]


async def users_on(pool: asyncpg.Pool, killmail_ids: Collection[int]) -> list[int]:
    """The users (character ids) who may see these killmails: who is on them, or sees a board they are on. Ascending."""
    rows = await pool.fetch(
        f"""
        SELECT DISTINCT p.character_id FROM participants p JOIN users u USING (character_id)
         WHERE p.killmail_id = ANY ($1)
        UNION
        SELECT users.character_id FROM users CROSS JOIN LATERAL ({BOARDS_OF_USER}) AS board
         WHERE EXISTS (SELECT FROM corporations_followed) AND board.corporation_id IN (
               SELECT p.corporation_id FROM participants p WHERE p.killmail_id = ANY ($1))
         ORDER BY character_id
        """,  # noqa: S608 - a constant of `db.visibility`
        list(killmail_ids),
    )
    return [row["character_id"] for row in rows]


async def orphaned_finders(pool: asyncpg.Pool) -> list[int]:
    """Characters and corporations with a grant, and due references that nobody has worked on for `ORPHANED_AFTER`."""
    rows = await pool.fetch(
        f"""
        SELECT DISTINCT first_seen_by FROM killmail_refs
         WHERE {_DUE} AND first_seen_at < now() - $1::interval AND ({_HAS_A_GRANT})
           AND coalesce(claimed_until, first_seen_at) < now() - $1::interval
        """,  # noqa: S608 - a constant above
        ORPHANED_AFTER,
    )
    return [row["first_seen_by"] for row in rows]


async def adopt_orphans(pool: asyncpg.Pool, limit: int) -> list[int]:
    """Claim due references whose finder has no usable grant any more: their bodies need none. Newest first."""
    rows = await pool.fetch(
        f"""
        WITH orphans AS MATERIALIZED (
            SELECT killmail_id FROM killmail_refs
             WHERE {_DUE} AND first_seen_at < now() - $1::interval
               AND NOT ({_HAS_A_GRANT})
             ORDER BY killmail_id DESC LIMIT $2 FOR UPDATE SKIP LOCKED
        )
        UPDATE killmail_refs r SET claimed_until = now() + $3::interval, claimed_by = NULL FROM orphans
         WHERE r.killmail_id = orphans.killmail_id RETURNING r.killmail_id
        """,  # noqa: S608 - a constant above
        ORPHANED_AFTER,
        limit,
        CLAIM_FOR,
    )
    return sorted((row["killmail_id"] for row in rows), reverse=True)
