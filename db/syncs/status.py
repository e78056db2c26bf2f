"""Where each character's sync stands, read for the page and for GraphQL.

Progress is not stored anywhere: it is the latest unfinished run's killmails against those that are here.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

import asyncpg
import orjson

from contracts.pacing import shown_idle_step
from contracts.sync import Progress, SyncAction, SyncState
from contracts.sync_sentences import LOST_GRANT, UNREADABLE_GRANT, action_in, sentence
from db.visibility import Visibility
from eve.sso.scopes import CORPORATION_SCOPES

REMEMBERED = 20
WHY_NEEDS_LOGIN = {"lost": LOST_GRANT, "unreadable": UNREADABLE_GRANT}
"""By `users.token_state`, where a plain "log in again" would accuse EVE or the pilot."""
_CHARACTERS = """
SELECT
    u.character_id, u.account_id, u.name, u.corporation_id, e.name AS corporation_name, c.ticker, u.scopes,
    u.last_killmail_sync_at, u.token_state, u.visibility, u.sync_state, u.sync_detail, run.total, run.done,
    last.kind, last.started_at, last.finished_at,
    last.listed, last.new, last.stored, last.pending, last.failed, last.failures
FROM users u
LEFT JOIN entities e ON e.entity_id = u.corporation_id
LEFT JOIN corporation_details c ON c.corporation_id = u.corporation_id
LEFT JOIN LATERAL (
    SELECT
        r.finished_at, cardinality(r.killmail_ids) AS total,
        CASE WHEN r.finished_at IS NULL THEN
            (SELECT count(*) FROM killmails k WHERE k.killmail_id = ANY (r.killmail_ids))
        END AS done
    FROM sync_runs r WHERE r.character_id = u.character_id
    ORDER BY r.run_id DESC LIMIT 1
) run ON run.finished_at IS NULL
LEFT JOIN LATERAL (
    SELECT * FROM sync_runs r WHERE r.character_id = u.character_id AND r.finished_at IS NOT NULL
    ORDER BY r.run_id DESC LIMIT 1
) last ON true
WHERE {which}
ORDER BY u.created_at, u.character_id
"""
_RECENT = """
SELECT users.character_id, run.*
FROM unnest($1::bigint[]) AS users(character_id)
CROSS JOIN LATERAL (
    SELECT kind, started_at, finished_at, listed, new, stored, pending, failed, failures, run_id
    FROM sync_runs
    WHERE sync_runs.character_id = users.character_id AND finished_at IS NOT NULL
    ORDER BY run_id DESC
    LIMIT $2
) AS run
ORDER BY run.run_id DESC
"""


@dataclass(frozen=True, slots=True)
class ShownStatus:
    """The state of a sync as people read it. `until`: when the state is expected to end (UTC)."""

    state: SyncState
    message: str
    until: datetime | None
    progress: Progress | None
    action: SyncAction


@dataclass(frozen=True, slots=True)
class LastRun:
    """The account of a finished run, the newest: `listed` = `stored` + `pending` + `failed`. `kind`: first, full, …"""

    kind: str
    started_at: datetime
    finished_at: datetime
    listed: int
    new: int
    stored: int
    pending: int
    failed: int
    failures: dict[str, int]


@dataclass(frozen=True, slots=True)
class AccountCharacter:
    """A character of an account. Name and ticker of the corporation are None until ESI has told them."""

    character_id: int
    account_id: int
    name: str
    corporation_id: int | None
    corporation_name: str | None
    corporation_ticker: str | None
    scopes: tuple[str, ...]
    last_killmail_sync_at: datetime | None
    token_is_valid: bool
    is_sold: bool
    """It has another owner in EVE: it is listed, and nothing of what is its is shown."""
    visibility: Visibility
    status: ShownStatus
    last_run: LastRun | None

    @property
    def reads_corporation(self) -> bool:
        """Whether the pilot gave what the corporation's killmails need."""
        return CORPORATION_SCOPES.issubset(self.scopes)


async def characters(
    pool: asyncpg.Pool, character_ids: Collection[int], sync_interval_seconds: int
) -> list[AccountCharacter]:
    """These characters with the state of their syncs, in the order they joined.

    Args:
        sync_interval_seconds: of this installation; only looks further apart are told as an idle pilot's.
    """
    rows = await pool.fetch(_CHARACTERS.format(which="u.character_id = ANY ($1)"), list(character_ids))
    return [_character(row, sync_interval_seconds) for row in rows]


async def account_characters(pool: asyncpg.Pool, account_id: int, sync_interval_seconds: int) -> list[AccountCharacter]:
    """The account's characters with the state of their syncs, in the order they joined; see `characters`."""
    rows = await pool.fetch(_CHARACTERS.format(which="u.account_id = $1"), account_id)
    return [_character(row, sync_interval_seconds) for row in rows]


def _character(row: asyncpg.Record, sync_interval_seconds: int) -> AccountCharacter:
    state = SyncState(row["sync_state"])
    ends = orjson.loads(row["sync_detail"]).get("until")
    until = datetime.fromisoformat(ends) if ends else None
    under_way = state in (SyncState.FIRST_SYNC, SyncState.SYNCING) and row["total"]
    progress = Progress(done=row["done"], total=row["total"]) if under_way else None
    token_is_valid = row["token_state"] == "valid"  # noqa: S105 - a state, not a token
    idle = shown_idle_step(row["last_killmail_sync_at"], until, sync_interval_seconds)
    why = WHY_NEEDS_LOGIN.get(row["token_state"]) if state is SyncState.NEEDS_LOGIN else None
    return AccountCharacter(
        character_id=row["character_id"],
        account_id=row["account_id"],
        name=row["name"],
        corporation_id=row["corporation_id"],
        corporation_name=row["corporation_name"],
        corporation_ticker=row["ticker"],
        scopes=tuple(row["scopes"]),
        last_killmail_sync_at=row["last_killmail_sync_at"],
        token_is_valid=token_is_valid,
        is_sold=row["token_state"] == "owner_changed",  # noqa: S105 - a state, not a token
        visibility=Visibility(row["visibility"]),
        status=ShownStatus(
            state,
            why or sentence(state, until, progress, idle),
            until,
            progress,
            action_in(state, token_is_valid=token_is_valid),
        ),
        last_run=finished_run(row) if row["finished_at"] is not None else None,
    )


def finished_run(row: asyncpg.Record) -> LastRun:
    """From a row with the columns of `sync_runs`."""
    return LastRun(
        kind=row["kind"],
        started_at=row["started_at"],
        finished_at=row["finished_at"],
        listed=row["listed"],
        new=row["new"],
        stored=row["stored"],
        pending=row["pending"],
        failed=row["failed"],
        failures=orjson.loads(row["failures"]),
    )


async def recent_runs(pool: asyncpg.Pool, character_ids: Collection[int]) -> dict[int, list[LastRun]]:
    """Of each of these characters the newest finished runs, newest first. One statement."""
    runs: dict[int, list[LastRun]] = {character_id: [] for character_id in character_ids}
    for row in await pool.fetch(_RECENT, list(runs), REMEMBERED):
        runs[row["character_id"]].append(finished_run(row))
    return runs
