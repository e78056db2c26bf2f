"""Ask the workflows for something, without ever letting a pilot wait on Temporal."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from dataclasses import dataclass

import temporalio.client

from api.errors import Code
from temporal.batch_signals import AnotherBatchRuns, start_signal_for_all
from temporal.connection import TEMPORAL_IS_AWAY
from temporal.corporation_sync import start_or_wake_corporation
from temporal.departure import start_departure
from temporal.handles import WorkflowNotRunning
from temporal.user_sync import signal_user_sync, start_or_wake

log = logging.getLogger(__name__)

PATIENCE_SECONDS = 3.0
"""How long a request waits for Temporal."""
BATCH_PATIENCE_SECONDS = 1.5
"""And of that for the end of another order to everyone."""
RETRY_SECONDS = (5, 15, 60, 180)
"""Later tries of a start that failed; after them the watchdog's schedule starts it."""
RETRIES_AT_ONCE = 500
"""Characters retried in the background at most; the watchdog finds the others."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a request could not be passed on: a code for programs, a sentence for people."""

    code: str
    message: str


NOBODYS_SIDE = Refusal(
    "BAD_USER_INPUT",
    "A kill or a loss is always somebody's. Of everything here, choose both, or name a character or corporation in the"
    " filter.",
)
AWAY = Refusal("SYNC_UNAVAILABLE", "The sync service is not responding at the moment; try again in a minute.")
REDIS_AWAY = Refusal(Code.UNAVAILABLE, "This site has trouble of its own at the moment; try again in a minute.")
"""What EVE and zKillboard are asked is counted in Redis, so that nobody is asked without it."""
DELAYED = Refusal(
    "SYNC_UNAVAILABLE", "Saved, but the sync service is not responding at the moment; it will catch up within minutes."
)


class SyncRequests:
    """Starts and signals `UserSync` workflows on behalf of pilots."""

    def __init__(self, client: temporalio.client.Client, sync_interval_seconds: int) -> None:
        self._client = client
        self._sync_interval_seconds = sync_interval_seconds
        self._retries: dict[int, asyncio.Task[None]] = {}

    async def token_granted(self, character_id: int) -> bool:
        """Start or wake the character's workflow; False if Temporal is away, then it is tried again by itself."""
        if await self._start(character_id):
            return True
        if character_id not in self._retries and len(self._retries) < RETRIES_AT_ONCE:
            task = asyncio.create_task(self._start_later(character_id), name=f"start sync of {character_id}")
            self._retries[character_id] = task
            task.add_done_callback(lambda _: self._retries.pop(character_id, None))
        return False

    async def signal(self, character_id: int, signal: str, reason: str) -> Refusal | None:
        """Send `sync_now`, `force_full_resync`, `pause` or `resume`; None when it was taken.

        A workflow that is not there (terminated by hand) is started first, so that the button always helps.
        """
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                try:
                    await signal_user_sync(self._client, character_id, signal, reason)
                except WorkflowNotRunning:
                    await start_or_wake(self._client, character_id, self._sync_interval_seconds)
                    await signal_user_sync(self._client, character_id, signal, reason)
        except TEMPORAL_IS_AWAY as error:
            log.warning("could not send %s to the sync of %d: %s", signal, character_id, error or "no answer in time")
            return AWAY
        except WorkflowNotRunning:
            return AWAY
        return None

    async def signal_all(self, signal: str, reason: str) -> Refusal | str:
        """Begin to send a signal to every pilot's sync; what was begun, in a sentence."""
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                job_id = await start_signal_for_all(
                    self._client, signal, reason, patience_seconds=BATCH_PATIENCE_SECONDS
                )
        except AnotherBatchRuns as error:
            return Refusal("BATCH_RUNS", str(error))
        except TEMPORAL_IS_AWAY as error:
            log.warning("could not send %s to all syncs: %s", signal, error or "no answer in time")
            return AWAY
        return "accepted; no sync is running" if job_id is None else f"accepted; batch {job_id}"

    async def directors_changed(self, corporation_id: int) -> Refusal | None:
        """Start or wake the corporation's workflow; if Temporal is away the watchdog does. None when it was told."""
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                await start_or_wake_corporation(self._client, corporation_id, self._sync_interval_seconds)
        except TEMPORAL_IS_AWAY as error:
            log.warning("could not wake the sync of corporation %d: %s", corporation_id, error or "no answer in time")
            return DELAYED
        return None

    async def departed(self, character_ids: Iterable[int]) -> None:
        """Have the syncs ended and the grants given back of characters that left; else the watchdog sees to it."""
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                for character_id in character_ids:
                    await start_departure(self._client, character_id)
        except TEMPORAL_IS_AWAY as error:
            log.warning("left departures to the watchdog: %s", error or "no answer in time")

    async def close(self) -> None:
        """Give up the retries; the watchdog goes on with them."""
        for task in list(self._retries.values()):
            task.cancel()
        await asyncio.gather(*self._retries.values(), return_exceptions=True)

    async def _start(self, character_id: int) -> bool:
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                await start_or_wake(self._client, character_id, self._sync_interval_seconds)
        except TEMPORAL_IS_AWAY as error:
            log.warning("could not start the sync of %d: %s", character_id, error or "no answer in time")
            return False
        return True

    async def _start_later(self, character_id: int) -> None:
        for seconds in RETRY_SECONDS:
            await asyncio.sleep(seconds)
            if await self._start(character_id):
                log.info("started the sync of %d, later than its login", character_id)
                return
        log.warning("left the start of the sync of %d to the watchdog", character_id)
