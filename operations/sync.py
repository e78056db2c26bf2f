"""`killreport sync CHARACTER_ID --wait`: ask for a sync and follow it to its end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import asyncpg
import orjson
from temporalio.client import Client

from contracts.sync import SyncState, SyncStatus
from contracts.sync_sentences import sentence
from db.syncs.run_account import account_of
from operations.connections import database, temporal_client
from operations.failure import OperationFailed
from operations.signals import ask_status, send, user_name
from settings import Settings

FULL = "force_full_resync"
INCREMENTAL = "sync_now"
POLL_SECONDS = 0.25
ENDED = frozenset({SyncState.NEEDS_LOGIN, SyncState.OWNER_CHANGED, SyncState.REMOVED, SyncState.PAUSED})
"""States in which no look follows by itself: there is nothing to wait for."""
UNDER_WAY = frozenset({SyncState.STARTING, SyncState.FIRST_SYNC, SyncState.SYNCING})


@dataclass(frozen=True, slots=True)
class SyncSeen:
    """The current state of a sync, for a progress bar."""

    message: str
    done: int
    total: int


@dataclass(frozen=True, slots=True)
class SyncFound:
    """The account of a finished sync: `listed` = `stored` + `pending` + `failed`, the last by reason in `failures`."""

    character_id: int
    name: str
    kind: str
    listed: int
    new: int
    stored: int
    pending: int
    failed: int
    failures: dict[str, int]
    seconds: float


async def sync_and_wait(
    settings: Settings,
    character_id: int,
    *,
    full: bool,
    reason: str,
    timeout_seconds: float,
    on_progress: Callable[[SyncSeen], None],
) -> SyncFound:
    """Signal the pilot's workflow and wait until the look that this asks for is finished.

    Raises:
        OperationFailed: unknown character, workflow not running, a state in which nothing is synced, a
            service away, or not finished within `timeout_seconds`.
    """
    async with database(settings) as pool:
        name = await user_name(pool, character_id)
        client = await temporal_client(settings)
        before = await ask_status(settings, client, character_id)
        if before.paused or before.state in ENDED:
            raise OperationFailed(f"{name} is not synced: {before.message or sentence(before.state)}")
        last_run = await _newest_run(pool, character_id)
        asked_at = datetime.now(UTC)
        await send(settings, client, character_id, FULL if full else INCREMENTAL, reason)
        try:
            async with asyncio.timeout(timeout_seconds):
                status = await _settled(settings, pool, client, character_id, before, on_progress)
        except TimeoutError:
            raise OperationFailed(
                f"{name}'s sync was not done within {timeout_seconds:.0f} seconds; it goes on. See `killreport status`."
            ) from None
        if status.state in ENDED:
            raise OperationFailed(f"{name} was not synced: {status.message or sentence(status.state)}")
        run = await pool.fetchrow(
            "SELECT kind, listed, new, stored, pending, failed, failures FROM sync_runs"
            " WHERE character_id = $1 AND run_id > $2 AND finished_at IS NOT NULL ORDER BY run_id DESC LIMIT 1",
            character_id,
            last_run,
        )
        account = await account_of(pool, character_id)
    seconds = (datetime.now(UTC) - asked_at).total_seconds()
    if run is not None:
        known = {**run, "failures": orjson.loads(run["failures"])}
        return SyncFound(character_id=character_id, name=name, seconds=seconds, **known)
    return SyncFound(  # nothing was new: such a look leaves no run
        character_id=character_id,
        name=name,
        kind="full" if full else "incremental",
        listed=account.listed,
        new=0,
        stored=account.stored,
        pending=account.pending,
        failed=account.failed,
        failures=account.failures,
        seconds=seconds,
    )


async def _settled(
    settings: Settings,
    pool: asyncpg.Pool[asyncpg.Record],
    client: Client,
    character_id: int,
    before: SyncStatus,
    on_progress: Callable[[SyncSeen], None],
) -> SyncStatus:
    """The status after the first look that began after `before` was taken."""
    # A sync that was already under way may end first; the one asked for is the cycle after it.
    wanted = before.cycles + (2 if before.state in UNDER_WAY else 1)
    while True:
        status = await ask_status(settings, client, character_id)
        done = status.cycles >= wanted and not (status.full_requested or status.sync_requested)
        # A look within ESI's own cache of the list asks nothing; the one after it does.
        if status.state in ENDED or (
            done and status.state is SyncState.OK and status.last_sync_at != before.last_sync_at
        ):
            return status
        stored, total = await _progress(pool, character_id)
        on_progress(SyncSeen(status.message or sentence(status.state, status.until), stored, total))
        await asyncio.sleep(POLL_SECONDS)


async def _newest_run(pool: asyncpg.Pool[asyncpg.Record], character_id: int) -> int:
    query = "SELECT coalesce(max(run_id), 0) FROM sync_runs WHERE character_id = $1"
    return int(await pool.fetchval(query, character_id))


async def _progress(pool: asyncpg.Pool[asyncpg.Record], character_id: int) -> tuple[int, int]:
    """Killmails stored, of those the run under way has to store; 0 of 0 when none is."""
    row = await pool.fetchrow(
        "SELECT (SELECT count(*) FROM killmails WHERE killmail_id = ANY(r.killmail_ids)) AS done,"
        " cardinality(r.killmail_ids) AS total FROM sync_runs r"
        " WHERE r.character_id = $1 AND r.finished_at IS NULL ORDER BY r.run_id DESC LIMIT 1",
        character_id,
    )
    return (row["done"], row["total"]) if row else (0, 0)
