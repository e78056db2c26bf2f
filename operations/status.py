"""`killreport status`: the state of the installation, in the words that pilots read."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime

import asyncpg

from contracts.sync import SyncState
from contracts.sync_sentences import SENTENCES, action_in
from db.intake.stream_place import stream_place
from db.syncs.figures import figures, killmails_stored
from eve.esi.budget import BucketState, Budget, Pause
from operations.connections import database, redis_client, temporal_client, temporal_failures
from settings import Settings
from temporal.task_queues import TaskQueueFigures, describe_task_queues


@dataclass(frozen=True, slots=True)
class UsersInState:
    """How many pilots' syncs are in a state, what the state means and what helps."""

    state: str
    users: int
    meaning: str
    action: str


@dataclass(frozen=True, slots=True)
class Status:
    """All that `killreport status` prints. Times are UTC, sizes bytes, lags seconds."""

    users: list[UsersInState]
    killmails: int
    references_pending: int
    references_failed: int
    last_sync_at: datetime | None
    longest_since_sync_seconds: float | None
    late_users: int
    database_bytes: int
    queues: list[TaskQueueFigures]
    esi_buckets: list[BucketState]
    esi_pauses: list[Pause]
    live_killmails: str
    """How the follower of zKillboard's stream stands, in a sentence."""


async def installation_status(settings: Settings) -> Status:
    """Ask Postgres, Temporal and Redis.

    Raises:
        OperationFailed: one of them is away, or the database is not migrated.
    """
    async with database(settings) as pool:
        found = asdict(await figures(pool, settings.sync_interval_seconds))
        killmails = await killmails_stored(pool)
        live_killmails = await _live_killmails(settings, pool)
    client = await temporal_client(settings)
    with temporal_failures(settings):
        queues = await describe_task_queues(client)
    async with redis_client(settings) as redis:
        budget = Budget(redis)
        buckets, pauses = await budget.buckets(), await budget.pauses()
    users = [_in_state(state, count) for state, count in found.pop("users").items()]
    return Status(
        users=users,
        killmails=killmails,
        queues=queues,
        esi_buckets=buckets,
        esi_pauses=pauses,
        live_killmails=live_killmails,
        **found,
    )


async def _live_killmails(settings: Settings, pool: asyncpg.Pool) -> str:
    if not settings.zkillboard_live:
        return "zKillboard's stream is not followed (ZKILLBOARD_LIVE)."
    place = await stream_place(pool)
    return "zKillboard's stream is about to be read." if place is None else place.sentence


def _in_state(name: str, users: int) -> UsersInState:
    try:
        state = SyncState(name)
    except ValueError:
        return UsersInState(name, users, "This version does not know the state.", "")
    return UsersInState(name, users, SENTENCES[state], action_in(state))
