"""`ask_for_full_syncs`, `delete_what_is_old`, `build_sums`: the calendar work on users and on what grows old."""

from __future__ import annotations

import asyncio
import time
import zlib
from datetime import UTC, datetime, timedelta

import asyncpg
from temporalio import activity
from temporalio.client import Client

from contracts.upkeep import FullSyncsAsked, Housekept, SumsBuilt
from db.sums.build import build_piece, choose_subjects, how_far, unfinished
from db.sums.fold import fold, waiting_to_be_folded
from db.syncs.upkeep import delete_old_rows, last_full_syncs
from temporal.corporation_sync import signal_corporation_sync
from temporal.handles import WorkflowNotRunning
from temporal.user_sync import signal_user_sync

DAY_MINUTES = 24 * 60
ASK_AT_MOST = 5_000
"""Users asked in one hour: 120,000 a day. Who is left over is first in the next hour."""
SIGNALS_AT_ONCE = 20
BUILD_SECONDS = 30.0
"""For so long one call builds sums."""


def turn_of(character_id: int, now: datetime) -> datetime:
    """When this user's latest turn was: at a minute of the day of their own, for ever (UTC)."""
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    turn = midnight + timedelta(minutes=zlib.crc32(f"full {character_id}".encode()) % DAY_MINUTES)
    return turn if turn <= now else turn - timedelta(days=1)


class Upkeep:
    """Bounded and idempotent: what is not done in one run is done in the next."""

    def __init__(
        self, pool: asyncpg.Pool, client: Client, *, runs_kept: timedelta, login_events_kept: timedelta
    ) -> None:
        self._pool = pool
        self._client = client
        self._runs_kept = runs_kept
        self._login_events_kept = login_events_kept

    @activity.defn
    async def ask_for_full_syncs(self) -> FullSyncsAsked:
        """Tell the workflows of users whose turn has come to read every page at their next look.

        A user counts as done when a full run of theirs is on record, so a signal that got lost is repeated.
        """
        now = datetime.now(UTC)
        due = [
            character_id
            for character_id, done_at in await last_full_syncs(self._pool)
            if done_at is None or done_at < turn_of(character_id, now)
        ]
        report = FullSyncsAsked(due=len(due))
        waiting = due[:ASK_AT_MOST][::-1]

        async def ask() -> None:
            while waiting:
                report.asked += await self._ask(waiting.pop())

        await asyncio.gather(*(ask() for _ in range(SIGNALS_AT_ONCE)))
        return report

    async def _ask(self, subject_id: int) -> bool:
        """Characters' and corporations' ids never coincide, so one of the two runs at most."""
        for send in (signal_user_sync, signal_corporation_sync):
            try:
                await send(self._client, subject_id, "force_full_resync", "daily full sync", at_next_look=True)
            except WorkflowNotRunning:
                continue
            return True
        return False  # the watchdog starts it; asked again next hour

    @activity.defn
    async def delete_what_is_old(self) -> Housekept:
        """One batch of each table; to be repeated until it is done."""
        return await delete_old_rows(self._pool, runs_kept=self._runs_kept, events_kept=self._login_events_kept)

    @activity.defn
    async def build_sums(self) -> SumsBuilt:
        """Give sums to who has become busy, and go on with those that are not whole; to be repeated until all are.

        What appraisals put down since the last time is added. Statistics do not need that, they count it: what is left
        is added the next time.
        """
        enough = time.monotonic() + BUILD_SECONDS
        await choose_subjects(self._pool)
        for subject_id in await unfinished(self._pool):
            while time.monotonic() < enough and await build_piece(self._pool, subject_id):
                pass
        for subject_id in await waiting_to_be_folded(self._pool):
            while time.monotonic() < enough and await fold(self._pool, subject_id):
                pass
        found = await how_far(self._pool)
        return SumsBuilt(found.subjects, found.finished)
