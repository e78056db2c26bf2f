"""Where each sync stands, a character's or a corporation's: the list pages, the runs, and the sync columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import TypeAlias

import asyncpg
import orjson
from asyncpg.pool import PoolConnectionProxy

from contracts.sync import RunAccount, SyncState
from db.intake.references import HashFrom, add_references, claim, forgive
from db.syncs.run_account import account_of
from db.syncs.subjects import Subject

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
    pending_until: datetime | None  # when the next reference becomes due
    due_at: datetime | None = None  # when this look was promised; None after one that did not end well


@dataclass(frozen=True, slots=True)
class ListSeen:
    """A walk over the list that gave something new: its references, and the pages it came to."""

    references: Sequence[tuple[int, str]] = field(repr=False)
    pages: Mapping[int, ListedPage]
    ends_at: int | None  # the list has no page after this one; None: the walk did not get to its end


@dataclass(frozen=True, slots=True)
class ListedPage:
    """A page's etag and killmails; None: those it had, for it answered 304."""

    etag: str
    killmail_ids: Sequence[int] | None


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
    SELECT min(greatest(claimed_until, next_attempt_at, now())) FROM killmail_refs
     WHERE first_seen_by = $1 AND stored_at IS NULL AND parked_at IS NULL
"""


async def standing(pool: asyncpg.Pool, subject: Subject, asked_by: int | None) -> Standing | None:
    """None if the subject is not known (any more).

    Args:
        asked_by: the character with whose token the list is read; its own for a character's list. None: nobody yet.
    """
    row = await pool.fetchrow(
        f"""
        SELECT u.access_token, u.token_state = 'valid' AND u.expires_at > now() AS token_is_usable,
               s.killmail_list_fresh_until AS fresh_until,
               coalesce(s.killmail_list_fresh_until > now(), false) AS is_fresh,
               s.sync_state = 'ok' AS shows_ok,
               CASE WHEN s.sync_state = 'ok' THEN (s.sync_detail ->> 'until')::timestamptz END AS due_at,
               coalesce(pages.numbers, '{{}}') AS numbers, coalesce(pages.etags, '{{}}') AS etags,
               coalesce(pages.listed, '{{}}') AS listed,
               EXISTS (SELECT FROM killmail_refs r
                        WHERE r.first_seen_by = $1 AND r.stored_at IS NULL AND r.parked_at IS NULL
                          AND (r.claimed_until IS NULL OR r.claimed_until <= now())
                          AND (r.next_attempt_at IS NULL OR r.next_attempt_at <= now()))
               OR EXISTS (SELECT FROM sync_runs r WHERE r.{subject.key} = $1 AND r.finished_at IS NULL) AS has_work,
               ({_PENDING_UNTIL}) AS pending_until
          FROM {subject.table} s
          LEFT JOIN users u ON u.character_id = $2
          LEFT JOIN LATERAL (SELECT array_agg(page) AS numbers, array_agg(etag) AS etags, array_agg(listed) AS listed
                               FROM killmail_lists l WHERE l.list_of = $1 AND l.character_id = $2) AS pages ON true
         WHERE s.{subject.key} = $1
        """,  # noqa: S608 - constants above and of `db.syncs.subjects`
        subject.id,
        asked_by,
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
        due_at=row["due_at"],
    )


async def note_idle_look(
    database: asyncpg.Pool | Connection,
    subject: Subject,
    *,
    asked: bool,
    fresh_until: datetime | None,
    next_sync_at: datetime | None,
) -> None:
    """A look that found nothing to do: the only write of an idle cycle, to one row."""
    await database.execute(
        f"""
        UPDATE {subject.table}
           SET last_killmail_sync_at = CASE WHEN $2 THEN now() ELSE last_killmail_sync_at END,
               killmail_list_fresh_until = CASE WHEN $2 THEN $3 ELSE killmail_list_fresh_until END,
               first_synced_at = coalesce(first_synced_at, now()), sync_state = $4, sync_detail = $5
         WHERE {subject.key} = $1
        """,  # noqa: S608 - constants of `db.syncs.subjects`
        subject.id,
        asked,
        fresh_until,
        str(SyncState.OK),
        detail(next_sync_at),
    )


async def take_on(
    pool: asyncpg.Pool,
    subject: Subject,
    asked_by: int | None,
    seen: ListSeen | None,
    *,
    kind: str,
    forgives: bool,
    asked: bool,
    fresh_until: datetime | None,
    next_sync_at: datetime | None,
) -> Claimed:
    """One transaction: remember what the list showed, claim what wants a body, open (or go on with) a run.

    Args:
        asked_by: the character with whose token the list was read; None if it was not.
        seen: None when the list is unchanged or was not asked.
        kind: first, incremental or full.
        forgives: what was given up is tried again.
    """
    async with pool.acquire() as connection, connection.transaction():
        new: list[int] = []
        listed: list[int] = []
        if seen is not None:
            listed = [killmail_id for killmail_id, _ in seen.references]
            new = await add_references(connection, subject.id, seen.references, HashFrom.ESI)
            await _keep_pages(connection, subject, asked_by, seen)
        if forgives:
            await forgive(connection, subject.id, listed)
        run = await connection.fetchrow(
            f"SELECT run_id, killmail_ids FROM sync_runs WHERE {subject.key} = $1 AND finished_at IS NULL"  # noqa: S608
            " ORDER BY run_id DESC LIMIT 1",
            subject.id,
        )
        run_id, before = (run["run_id"], set(run["killmail_ids"])) if run is not None else (None, set[int]())
        killmail_ids = await claim(
            connection, subject.id, before.union(listed), before_corporations=subject.is_character
        )
        total = await connection.fetchval(
            "SELECT coalesce(sum(listed), 0) FROM killmail_lists WHERE list_of = $1 AND character_id = $2",
            subject.id,
            asked_by,
        )
        together = sorted(before | set(killmail_ids), reverse=True)
        if run_id is not None:
            await connection.execute(
                # A run that a full look goes on with is that look's: it ends with all that is listed accounted for.
                "UPDATE sync_runs SET killmail_ids = $2, new = cardinality($2::bigint[]), listed = $3,"
                " kind = CASE WHEN $4 AND kind = 'incremental' THEN 'full' ELSE kind END WHERE run_id = $1",
                run_id,
                together,
                total,
                kind == "full" and asked,
            )
        elif together or (kind == "full" and asked):
            run_id = await connection.fetchval(
                f"INSERT INTO sync_runs ({subject.key}, kind, listed, killmail_ids, new)"  # noqa: S608
                " VALUES ($1, $2, $3, $4, cardinality($4::bigint[])) RETURNING run_id",
                subject.id,
                kind,
                total,
                together,
            )
        if killmail_ids:
            await connection.execute(
                f"""
                UPDATE {subject.table}
                   SET last_killmail_sync_at = CASE WHEN $2 THEN now() ELSE last_killmail_sync_at END,
                       killmail_list_fresh_until = CASE WHEN $2 THEN $3 ELSE killmail_list_fresh_until END,
                       sync_state = $4, sync_detail = '{{}}'
                 WHERE {subject.key} = $1
                """,  # noqa: S608 - constants of `db.syncs.subjects`
                subject.id,
                asked,
                fresh_until,
                str(SyncState.FIRST_SYNC if kind == "first" else SyncState.SYNCING),
            )
        else:
            await note_idle_look(connection, subject, asked=asked, fresh_until=fresh_until, next_sync_at=next_sync_at)
        pending_until = await connection.fetchval(
            _PENDING_UNTIL + " AND NOT killmail_id = ANY ($2)", subject.id, killmail_ids
        )
        stored_before = await connection.fetch(
            "SELECT killmail_id FROM killmails WHERE killmail_id = ANY ($1) ORDER BY killmail_id DESC",
            sorted(before - set(killmail_ids)),
        )
    stored_ids = [row["killmail_id"] for row in stored_before]
    return Claimed(total, len(new), run_id, killmail_ids, stored_ids, pending_until)


async def _keep_pages(connection: Connection, subject: Subject, asked_by: int | None, seen: ListSeen) -> None:
    """Pages that answered 304 stay as they were, and so do those that this walk did not come to."""
    await connection.executemany(
        """
        INSERT INTO killmail_lists (list_of, character_id, page, etag, listed, killmail_ids)
        VALUES ($1, $2, $3, $4, cardinality($5::bigint[]), $5)
        ON CONFLICT (list_of, character_id, page) DO UPDATE
           SET etag = excluded.etag, listed = excluded.listed, killmail_ids = excluded.killmail_ids
        """,
        [
            (subject.id, asked_by, number, page.etag, page.killmail_ids)
            for number, page in sorted(seen.pages.items())
            if page.killmail_ids is not None
        ],
    )
    if seen.ends_at is not None:
        await connection.execute(
            "DELETE FROM killmail_lists WHERE list_of = $1 AND character_id = $2 AND page > $3",
            subject.id,
            asked_by,
            seen.ends_at,
        )


async def finish_run(
    pool: asyncpg.Pool, run_id: int, subject: Subject, *, interrupted: bool, next_sync_at: datetime | None
) -> RunAccount:
    """Put the account of a run on record and let go of its claims. An interrupted one stays open."""
    async with pool.acquire() as connection, connection.transaction():
        mine = list(await connection.fetchval("SELECT killmail_ids FROM sync_runs WHERE run_id = $1", run_id) or ())
        found = await account_of(connection, subject.id, mine)
        account = RunAccount(new=len(mine), **asdict(found))
        if account.pending:
            await connection.execute(
                """
                UPDATE killmail_refs SET claimed_until = NULL WHERE killmail_id IN (
                    SELECT killmail_id FROM killmail_refs
                     WHERE killmail_id IN (SELECT unnest(killmail_ids) FROM sync_runs WHERE run_id = $1)
                       AND stored_at IS NULL AND claimed_by = $2
                     ORDER BY killmail_id FOR UPDATE)
                """,
                run_id,
                subject.id,
            )
        await connection.execute(
            "UPDATE sync_runs SET new = $2, listed = $3, stored = $4, pending = $5, failed = $6, failures = $7,"
            " finished_at = CASE WHEN $8 THEN NULL ELSE coalesce(finished_at, now()) END WHERE run_id = $1",
            run_id,
            account.new,
            account.listed,
            account.stored,
            account.pending,
            account.failed,
            orjson.dumps(account.failures).decode(),
            interrupted,
        )
        if not interrupted:
            await connection.execute(
                f"UPDATE {subject.table} SET first_synced_at = coalesce(first_synced_at, now()), sync_state = $2,"  # noqa: S608
                " sync_detail = $3, last_new_killmail_at = coalesce($4, last_new_killmail_at),"
                " last_full_sync_at = CASE WHEN (SELECT kind FROM sync_runs WHERE run_id = $5) = 'full'"
                f" THEN now() ELSE last_full_sync_at END WHERE {subject.key} = $1",
                subject.id,
                str(SyncState.OK),
                detail(next_sync_at),
                account.newest_killmail_at,
                run_id,
            )
            account.pending_until = await connection.fetchval(_PENDING_UNTIL, subject.id)
    return account


async def record_state(pool: asyncpg.Pool, subject: Subject, state: SyncState, until: datetime | None) -> None:
    """Show the pilot a state that only the workflow knows."""
    await pool.execute(
        f"UPDATE {subject.table} SET sync_state = $2, sync_detail = $3 WHERE {subject.key} = $1",  # noqa: S608
        subject.id,
        str(state),
        detail(until),
    )


def detail(until: datetime | None) -> str:
    """`users.sync_detail`, as JSON text."""
    return orjson.dumps({"until": until} if until is not None else {}).decode()
