"""One look at ESI: list, bodies, names, account. Part of `UserSync` and `CorporationSync`; runs inside them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from datetime import datetime, timedelta
from typing import Any

from temporalio import workflow
from temporalio.common import Priority
from temporalio.exceptions import ActivityError

with workflow.unsafe.imports_passed_through():
    from contracts import activities
    from contracts.call_classes import CallClass
    from contracts.sync import (
        KILLMAIL_BATCH,
        Discovery,
        FetchKillmails,
        LoopState,
        NamedEntities,
        NameEntities,
        Progress,
        RunAccount,
        SyncState,
    )
    from workflows.calls import call
    from workflows.failures import failure_of

BATCHES_IN_FLIGHT = 8
"""Fetch activities of one user at a time; more would not be faster, only unfair."""
NAMES_PER_CALL = 1000
"""Killmails one enrichment takes; keeps its payload under 10 KB."""
SOON = timedelta(seconds=1)
"""How long after ESI's cache expires, or a claim ends, we come back."""


class Cycle:
    """Runs once. Changes `state` as it learns; `progress` is read by the status query meanwhile.

    Whose list it is, and so how it is read and accounted for, is the subclass's to say.

    Args:
        subject_id: whose list it is, and in whose name its killmails are claimed.
        call_class, priority: of the bodies and names too.
        stop: True once no further batch may be started (paused).
        changed: called when `state` or `progress` changed, to publish it.
    """

    def __init__(
        self,
        state: LoopState,
        subject_id: int,
        call_class: CallClass,
        priority: Priority,
        *,
        stop: Callable[[], bool],
        changed: Callable[[], None],
    ) -> None:
        self.progress: Progress | None = None
        self._state = state
        self._subject_id = subject_id
        self._call_class = call_class
        self._priority = priority
        self._stop = stop
        self._changed = changed
        self._full = state.full_requested
        self._waiting: list[int] = []  # killmail ids for the fetchers, next one last
        self._to_name: list[int] = []
        self._fetching = 0
        self._failure: ActivityError | None = None

    async def run(self) -> None:
        """Look, fetch, name, account.

        Raises:
            ActivityError: the look could not be completed; `failure_of` says why. What was stored stays.
        """
        state = self._state
        discovery = await self._discover()
        state.list_fresh_until = discovery.fresh_until
        if discovery.asked:
            state.last_sync_at = workflow.now()
            state.last_listed, state.last_new = discovery.listed, discovery.new
            if self._full:
                state.full_requested, state.last_full_sync_at = False, workflow.now()
        self._to_name = state.unnamed_killmail_ids + discovery.unnamed_killmail_ids
        state.unnamed_killmail_ids = []
        if discovery.killmail_ids:
            state.state = SyncState.SYNCING if state.first_sync_done else SyncState.FIRST_SYNC
            state.recorded_state = state.state
            state.until = None
        await self._fetch_and_name(discovery)
        pending_until = discovery.pending_until
        if discovery.run_id is not None:
            pending_until = await self._account(discovery.run_id)
        if self._failure is not None:
            raise self._failure
        if self._waiting:
            return  # paused half-way: the run stays open
        self._come_back_for_the_rest(discovery, pending_until)
        state.first_sync_done = True
        state.state = state.recorded_state = SyncState.OK
        state.until = None

    async def _discover(self) -> Discovery:
        """Read the list."""
        raise NotImplementedError

    async def _finish(self, run_id: int, *, interrupted: bool) -> RunAccount:
        """Put the account of the run on record."""
        raise NotImplementedError

    async def _fetch_and_name(self, discovery: Discovery) -> None:
        if not discovery.killmail_ids and not self._to_name:
            return
        self._waiting = discovery.killmail_ids[::-1]
        already = len(discovery.unnamed_killmail_ids)
        self.progress = Progress(already, already + len(self._waiting)) if self._waiting else None
        self._changed()
        batches = -(-len(self._waiting) // KILLMAIL_BATCH)
        self._fetching = min(BATCHES_IN_FLIGHT, batches)
        await asyncio.gather(*(self._fetch() for _ in range(self._fetching)), self._name())

    async def _fetch(self) -> None:
        """One of several that share the killmails that wait."""
        while self._waiting and self._failure is None and not self._stop():
            batch = self._waiting[-KILLMAIL_BATCH:][::-1]
            del self._waiting[-KILLMAIL_BATCH:]
            try:
                request = FetchKillmails(batch, self._call_class, self._subject_id)
                fetched = await call(activities.FETCH_KILLMAILS, request, self._priority)
            except ActivityError as error:
                failure_of(error)
                self._failure = self._failure or error
            else:
                if self.progress is not None:
                    self.progress.done += fetched.stored + fetched.already_stored
                self._changed()
            self._to_name += batch
        self._fetching -= 1

    async def _name(self) -> None:
        """Names what has arrived, all of it at once each time, while the rest is still being fetched."""
        while True:
            await workflow.wait_condition(lambda: bool(self._to_name) or self._fetching == 0)
            if not self._to_name:
                return
            batch = self._to_name[:NAMES_PER_CALL]
            del self._to_name[:NAMES_PER_CALL]
            request = NameEntities(batch, self._call_class)
            done = await asyncio.gather(
                self._enriched(call(activities.NAME_ENTITIES, request, self._priority)),
                self._enriched(call(activities.DESCRIBE_SOLAR_SYSTEMS, request, self._priority)),
            )
            if not all(done):
                room = NAMES_PER_CALL - len(self._state.unnamed_killmail_ids)
                self._state.unnamed_killmail_ids += batch[:room]

    async def _enriched(self, call: Coroutine[Any, Any, NamedEntities]) -> bool:
        """False if it failed. A killmail without names is worth showing: it is named at the next look."""
        try:
            await call
        except ActivityError as error:
            workflow.logger.warning("Naming is put off to the next look: %s", failure_of(error).type)
            return False
        return True

    async def _account(self, run_id: int) -> datetime | None:
        """Close the run, or leave it open for the next look; when what it could not fetch becomes due."""
        state = self._state
        interrupted = self._failure is not None or bool(self._waiting)
        account = await self._finish(run_id, interrupted=interrupted)
        newest = account.newest_killmail_at
        if newest is not None and (state.last_new_killmail_at is None or newest > state.last_new_killmail_at):
            state.last_new_killmail_at = newest
        return account.pending_until

    def _come_back_for_the_rest(self, discovery: Discovery, wanted: datetime | None) -> None:
        """An earlier look than the next regular one, when something is known to be due before."""
        state = self._state
        if not discovery.asked and (self._full or self._priority.priority_key == 1):
            wanted = min(filter(None, (wanted, discovery.fresh_until)), default=None)
        if wanted is not None and state.next_sync_at is not None:
            state.next_sync_at = min(state.next_sync_at, max(wanted, workflow.now()) + SOON)
