"""One look at a killmail list: read it, fetch what is new, name it, account for it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

from temporalio import workflow
from temporalio.exceptions import ActivityError

from contracts import pacing
from contracts.activities import DESCRIBE_SOLAR_SYSTEMS, FETCH_KILLMAILS, NAME_ENTITIES
from contracts.activity_policy import ActivityPolicy, impatient
from contracts.claimants import look_of
from contracts.sync import KILLMAIL_BATCH, Discovery, FetchKillmails, NamedEntities, NameEntities, Progress, SyncState

with workflow.unsafe.imports_passed_through():
    from workflows.calls import call
    from workflows.failures import failure_of
    from workflows.list_owner import ListOwner, Urgency
    from workflows.patches import the_rest_of_a_list_is_come_back_for

BATCHES_IN_FLIGHT = 8
"""Fetch activities of one look at a time; more would not be faster, only unfair."""
NAMES_PER_CALL = 1000
"""Killmails one activity looks up names for; keeps its payload under 10 KB."""
SOON = timedelta(seconds=1)
"""How long after ESI's cache expires, or a claim ends, we come back."""


class Look:
    """Made for one look. Changes the owner's state as it learns; `progress` is read by the status query meanwhile.

    Args:
        manual: a person asked for it.
        changed: called when the state or `progress` changed, to publish it.
    """

    def __init__(self, owner: ListOwner, *, manual: bool, changed: Callable[[], None]) -> None:
        self.progress: Progress | None = None
        self._owner = owner
        self._state = owner.state
        self._manual = manual
        self._changed = changed
        self._full = owner.state.full_requested
        self._urgency: Urgency
        self._to_fetch: list[int] = []  # killmail ids, next one last
        self._to_name: list[int] = []
        self._fetchers = 0
        self._failure: ActivityError | None = None

    async def complete(self) -> None:
        """Do all of it.

        Raises:
            ActivityError: the look could not be completed; `failure_of` says why. What was stored stays.
        """
        state = self._state
        goes_on_at = state.rest_from_page if state.rest_is_full == self._full else 1
        discovery, self._urgency = await self._owner.read_list(
            full=self._full, manual=self._manual, goes_on_at=goes_on_at
        )
        self._note_discovery(discovery)
        if discovery.killmail_ids or self._to_name:
            await self._fetch_and_name(discovery)
        pending_until = discovery.pending_until
        if discovery.run_id is not None:
            # The run knows when its killmails are due, but not that pages of the list are still to be read.
            due = await self._finish_run(discovery.run_id)
            if pending_until is not None and not the_rest_of_a_list_is_come_back_for():
                pending_until = None
            pending_until = min(filter(None, (pending_until, due)), default=None)
        if self._failure is not None:
            raise self._failure
        if self._to_fetch:
            return  # paused half-way: the run stays open
        self._come_back_for_the_rest(discovery, pending_until)
        state.first_sync_done = True
        state.state = state.recorded_state = SyncState.OK
        state.until = None

    def _note_discovery(self, discovery: Discovery) -> None:
        state, now = self._state, workflow.now()
        state.idle_pilots = discovery.idle_pilots
        if discovery.asked:
            state.last_sync_at = now
            state.last_listed, state.last_new = discovery.listed, discovery.new
            state.rest_from_page, state.rest_is_full = discovery.rest_from_page or 1, self._full
            if self._full and discovery.rest_from_page is None:
                state.full_requested, state.last_full_sync_at = False, now
        if discovery.killmail_ids:
            state.state = SyncState.SYNCING if state.first_sync_done else SyncState.FIRST_SYNC
            state.recorded_state = state.state
            state.until = None
        self._to_fetch = discovery.killmail_ids[::-1]
        self._to_name = state.unnamed_killmail_ids + discovery.unnamed_killmail_ids
        state.unnamed_killmail_ids = []

    async def _fetch_and_name(self, discovery: Discovery) -> None:
        already = len(discovery.unnamed_killmail_ids)
        self.progress = Progress(already, already + len(self._to_fetch)) if self._to_fetch else None
        self._changed()
        batches = -(-len(self._to_fetch) // KILLMAIL_BATCH)
        self._fetchers = min(BATCHES_IN_FLIGHT, batches)
        await asyncio.gather(*(self._fetch() for _ in range(self._fetchers)), self._name())

    async def _fetch(self) -> None:
        """One of several that share what is to be fetched."""
        while self._to_fetch and self._failure is None and not self._state.paused:
            batch = self._to_fetch[-KILLMAIL_BATCH:][::-1]
            del self._to_fetch[-KILLMAIL_BATCH:]
            request = FetchKillmails(batch, self._urgency.call_class, look_of(self._owner.id))
            try:
                fetched = await call(FETCH_KILLMAILS, request, self._urgency.priority)
            except ActivityError as error:
                failure_of(error)
                self._failure = self._failure or error
            else:
                if self.progress is not None:
                    self.progress.done += fetched.stored + fetched.already_stored
                self._changed()
            self._to_name += batch
        self._fetchers -= 1

    async def _name(self) -> None:
        """Names what has arrived, all of it at once each time, while the rest is still being fetched."""
        while True:
            await workflow.wait_condition(lambda: bool(self._to_name) or self._fetchers == 0)
            if not self._to_name:
                return
            batch = self._to_name[:NAMES_PER_CALL]
            del self._to_name[:NAMES_PER_CALL]
            request = NameEntities(batch, self._urgency.call_class)
            done = await asyncio.gather(
                self._is_done(impatient(NAME_ENTITIES), request),
                self._is_done(impatient(DESCRIBE_SOLAR_SYSTEMS), request),
            )
            if not all(done):
                room = NAMES_PER_CALL - len(self._state.unnamed_killmail_ids)
                self._state.unnamed_killmail_ids += batch[:room]

    async def _is_done(self, policy: ActivityPolicy[NameEntities, NamedEntities], request: NameEntities) -> bool:
        """False if it failed. A killmail without names is worth showing: it is named at the next look."""
        try:
            await call(policy, request, self._urgency.priority)
        except ActivityError as error:
            workflow.logger.warning("Naming is put off to the next look: %s", failure_of(error).type)
            return False
        return True

    async def _finish_run(self, run_id: int) -> datetime | None:
        """Close the run, or leave it open for the next look; when what it could not fetch becomes due."""
        state = self._state
        interrupted = self._failure is not None or bool(self._to_fetch)
        account = await self._owner.finish_run(run_id, self._urgency.priority, interrupted=interrupted)
        newest = account.newest_killmail_at
        if newest is not None and (state.last_new_killmail_at is None or newest > state.last_new_killmail_at):
            state.last_new_killmail_at = newest
        return account.pending_until

    def _come_back_for_the_rest(self, discovery: Discovery, wanted: datetime | None) -> None:
        """An earlier look than the next regular one, when something is known to be due before."""
        state = self._state
        somebody_waits = self._full or self._manual or not state.first_sync_done
        if not discovery.asked and somebody_waits:
            wanted = min(filter(None, (wanted, discovery.fresh_until)), default=None)
        names_again = self._when_to_name_again()
        wanted = min(filter(None, (wanted, names_again)), default=None)
        if wanted is not None and state.next_sync_at is not None:
            state.next_sync_at = min(state.next_sync_at, max(wanted, workflow.now()) + SOON)

    def _when_to_name_again(self) -> datetime | None:
        state = self._state
        if not state.unnamed_killmail_ids:
            state.looks_without_names = 0
            return None
        state.looks_without_names += 1
        return pacing.retry_after_failures(
            state.looks_without_names, self._owner.interval_seconds, workflow.now(), workflow.random()
        )
