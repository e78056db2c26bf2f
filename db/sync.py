"""Where each character's sync stands: the list pages, the runs, and the sync columns of `users`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias

import asyncpg
import orjson
from asyncpg.pool import PoolConnectionProxy

from db.references import add_references, claim, forgive
from workflows.contracts import RunAccount, SyncState

Connection: TypeAlias = "PoolConnectionProxy[asyncpg.Record]"


@dataclass(frozen=True, slots=True)
class Standing:
    """What a look needs to know beforehand, in one statement. The token is ciphertext, never in `repr`."""

    access_token: bytes | None = field(repr=False)
    token_is_usable: bool  # valid and not expired
    fresh_until: datetime | None
    is_fresh: bool  # ESI's cache still holds the list we read last
    shows_ok: bool  # the pilot is shown that all is well
    etags: dict[int, str]
    listed: dict[int, int]  # references per page
    has_work: bool  # references are due, or a run is open
    pending_until: datetime | None  # when the next reference that is not due becomes so


@dataclass(frozen=True, slots=True)
class ListSeen:
    """A walk over the list that gave something new: its references, and etag and length of every page of it."""

    references: Sequence[tuple[int, str]] = field(repr=False)
    pages: Mapping[int, tuple[str, int]]


@dataclass(frozen=True, slots=True)
class Claimed:
    """A run and what it is to fetch. `stored_before`: what an earlier, interrupted part of it has stored."""

    listed: int
    new: int
    run_id: int | None
    killmail_ids: list[int]
    stored_before: list[int]
    pending_until: datetime | None


_PENDING_UNTIL = """
    SELECT min(greatest(claimed_until, next_attempt_at)) FROM killmail_refs
     WHERE first_seen_by = $1 AND stored_at IS NULL AND parked_at IS NULL
       AND greatest(claimed_until, next_attempt_at) > now()
"""


async def standing(pool: asyncpg.Pool, character_id: int) -> Standing | None:
    """None if the character is not known (any more)."""
    row = await pool.fetchrow(
        f"""
        SELECT u.access_token, u.token_state = 'valid' AND u.expires_at > now() AS token_is_usable,
               u.killmail_list_fresh_until AS fresh_until,
               coalesce(u.killmail_list_fresh_until > now(), false) AS is_fresh,
               u.sync_state = 'ok' AS shows_ok,
               coalesce(pages.numbers, '{{}}') AS numbers, coalesce(pages.etags, '{{}}') AS etags,
               coalesce(pages.listed, '{{}}') AS listed,
               EXISTS (SELECT FROM killmail_refs r
                        WHERE r.first_seen_by = $1 AND r.stored_at IS NULL AND r.parked_at IS NULL
                          AND (r.claimed_until IS NULL OR r.claimed_until <= now())
                          AND (r.next_attempt_at IS NULL OR r.next_attempt_at <= now()))
               OR EXISTS (SELECT FROM sync_runs s WHERE s.character_id = $1 AND s.finished_at IS NULL) AS has_work,
               ({_PENDING_UNTIL}) AS pending_until
          FROM users u
          LEFT JOIN LATERAL (SELECT array_agg(page) AS numbers, array_agg(etag) AS etags, array_agg(listed) AS listed
                               FROM killmail_lists l WHERE l.character_id = u.character_id) AS pages ON true
         WHERE u.character_id = $1
        """,  # noqa: S608 - a constant above
        character_id,
    )
    if row is None:
        return None
    return Standing(
        access_token=row["access_token"],
        token_is_usable=bool(row["token_is_usable"]),
        fresh_until=row["fresh_until"],
        is_fresh=row["is_fresh"],
        shows_ok=row["shows_ok"],
        etags=dict(zip(row["numbers"], row["etags"], strict=True)),
        listed=dict(zip(row["numbers"], row["listed"], strict=True)),
        has_work=row["has_work"],
        pending_until=row["pending_until"],
    )


async def note_idle_look(
    database: asyncpg.Pool | Connection,
    character_id: int,
    *,
    asked: bool,
    fresh_until: datetime | None,
    next_sync_at: datetime | None,
) -> None:
    """A look that found nothing to do: the only write of an idle cycle, to one row."""
    await database.execute(
        """
        UPDATE users SET last_killmail_sync_at = CASE WHEN $2 THEN now() ELSE last_killmail_sync_at END,
                         killmail_list_fresh_until = CASE WHEN $2 THEN $3 ELSE killmail_list_fresh_until END,
                         first_synced_at = coalesce(first_synced_at, now()), sync_state = $4, sync_detail = $5
         WHERE character_id = $1
        """,
        character_id,
        asked,
        fresh_until,
        str(SyncState.OK),
        detail(next_sync_at),
    )


async def take_on(
    pool: asyncpg.Pool,
    character_id: int,
    seen: ListSeen | None,
    *,
    kind: str,
    asked: bool,
    fresh_until: datetime | None,
    next_sync_at: datetime | None,
) -> Claimed:
    """One transaction: remember what the list showed, claim what wants a body, open (or go on with) a run.

    Args:
        seen: None when the list is unchanged or was not asked.
        kind: first, incremental or full; a full one also retries what was given up.
    """
    async with pool.acquire() as connection, connection.transaction():
        new: list[int] = []
        listed: list[int] = []
        if seen is not None:
            listed = [killmail_id for killmail_id, _ in seen.references]
            new = await add_references(connection, character_id, seen.references)
            await _keep_pages(connection, character_id, seen)
        if kind == "full":
            await forgive(connection, character_id, listed)
        killmail_ids = await claim(connection, character_id, listed)
        total = await connection.fetchval(
            "SELECT coalesce(sum(listed), 0) FROM killmail_lists WHERE character_id = $1", character_id
        )
        run = await connection.fetchrow(
            "SELECT run_id, killmail_ids FROM sync_runs WHERE character_id = $1 AND finished_at IS NULL"
            " ORDER BY run_id DESC LIMIT 1",
            character_id,
        )
        run_id, before = (run["run_id"], set(run["killmail_ids"])) if run is not None else (None, set[int]())
        together = sorted(before | set(killmail_ids), reverse=True)
        if run_id is not None:
            await connection.execute(
                "UPDATE sync_runs SET killmail_ids = $2, new = cardinality($2::bigint[]), listed = $3"
                " WHERE run_id = $1",
                run_id,
                together,
                total,
            )
        elif together:
            run_id = await connection.fetchval(
                "INSERT INTO sync_runs (character_id, kind, listed, killmail_ids, new)"
                " VALUES ($1, $2, $3, $4, cardinality($4::bigint[])) RETURNING run_id",
                character_id,
                kind,
                total,
                together,
            )
        if killmail_ids:
            await connection.execute(
                """
                UPDATE users SET last_killmail_sync_at = CASE WHEN $2 THEN now() ELSE last_killmail_sync_at END,
                                 killmail_list_fresh_until = CASE WHEN $2 THEN $3 ELSE killmail_list_fresh_until END,
                                 sync_state = $4, sync_detail = '{}'
                 WHERE character_id = $1
                """,
                character_id,
                asked,
                fresh_until,
                str(SyncState.FIRST_SYNC if kind == "first" else SyncState.SYNCING),
            )
        else:
            await note_idle_look(
                connection, character_id, asked=asked, fresh_until=fresh_until, next_sync_at=next_sync_at
            )
        pending_until = await connection.fetchval(
            _PENDING_UNTIL + " AND NOT killmail_id = ANY ($2)", character_id, killmail_ids
        )
        stored_before = await connection.fetch(
            "SELECT killmail_id FROM killmails WHERE killmail_id = ANY ($1) ORDER BY killmail_id DESC",
            sorted(before - set(killmail_ids)),
        )
    stored_ids = [row["killmail_id"] for row in stored_before]
    return Claimed(total, len(new), run_id, killmail_ids, stored_ids, pending_until)


async def _keep_pages(connection: Connection, character_id: int, seen: ListSeen) -> None:
    numbers = sorted(seen.pages)
    await connection.execute(
        """
        INSERT INTO killmail_lists (character_id, page, etag, listed)
        SELECT $1, p.* FROM unnest($2::int[], $3::text[], $4::int[]) AS p
        ON CONFLICT (character_id, page) DO UPDATE SET etag = excluded.etag, listed = excluded.listed
        """,
        character_id,
        numbers,
        [seen.pages[number][0] for number in numbers],
        [seen.pages[number][1] for number in numbers],
    )
    await connection.execute(
        "DELETE FROM killmail_lists WHERE character_id = $1 AND NOT page = ANY ($2)", character_id, numbers
    )


async def finish_run(
    pool: asyncpg.Pool, run_id: int, character_id: int, *, interrupted: bool, next_sync_at: datetime | None
) -> RunAccount:
    """Put the account of a run on record and let go of its claims. An interrupted one stays open."""
    async with pool.acquire() as connection, connection.transaction():
        row = await connection.fetchrow(
            """
            WITH one AS (SELECT unnest(killmail_ids) AS killmail_id FROM sync_runs WHERE run_id = $1)
            SELECT count(*) AS new, count(k.killmail_id) AS stored,
                   count(*) FILTER (WHERE k.killmail_id IS NULL AND r.parked_at IS NULL) AS pending,
                   count(*) FILTER (WHERE k.killmail_id IS NULL AND r.parked_at IS NOT NULL) AS failed,
                   max(k.killmail_time) AS newest_killmail_at
              FROM one LEFT JOIN killmails k USING (killmail_id) LEFT JOIN killmail_refs r USING (killmail_id)
            """,
            run_id,
        )
        assert row is not None  # noqa: S101 - an aggregate always has a row
        account = RunAccount(**dict(row))
        if account.pending:
            await connection.execute(
                """
                UPDATE killmail_refs SET claimed_until = NULL WHERE killmail_id IN (
                    SELECT killmail_id FROM killmail_refs
                     WHERE killmail_id IN (SELECT unnest(killmail_ids) FROM sync_runs WHERE run_id = $1)
                       AND stored_at IS NULL AND claimed_until IS NOT NULL
                     ORDER BY killmail_id FOR UPDATE)
                """,
                run_id,
            )
        await connection.execute(
            "UPDATE sync_runs SET new = $2, stored = $3, pending = $4, failed = $5,"
            " finished_at = CASE WHEN $6 THEN NULL ELSE coalesce(finished_at, now()) END WHERE run_id = $1",
            run_id,
            account.new,
            account.stored,
            account.pending,
            account.failed,
            interrupted,
        )
        if not interrupted:
            await connection.execute(
                "UPDATE users SET first_synced_at = coalesce(first_synced_at, now()), sync_state = $2,"
                " sync_detail = $3 WHERE character_id = $1",
                character_id,
                str(SyncState.OK),
                detail(next_sync_at),
            )
            account.pending_until = await connection.fetchval(_PENDING_UNTIL, character_id)
    return account


async def record_state(pool: asyncpg.Pool, character_id: int, state: SyncState, until: datetime | None) -> None:
    """Show the pilot a state that only the workflow knows."""
    await pool.execute(
        "UPDATE users SET sync_state = $2, sync_detail = $3 WHERE character_id = $1",
        character_id,
        str(state),
        detail(until),
    )


def detail(until: datetime | None) -> str:
    """`users.sync_detail`, as JSON text."""
    return orjson.dumps({"until": until} if until is not None else {}).decode()
