"""The loop of `UserSync` and `CorporationSync`: sleep until a look is due or asked for, look, say how it went.

Signal and update handlers only set flags; the loop does the work. Everything that must survive a day's
continue-as-new is in the `LoopState`; what differs between a pilot and a corporation is in the `ListOwner`.
"""

from __future__ import annotations

import contextlib
import itertools
from datetime import timedelta

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError

from contracts import pacing, search_attributes
from contracts.sync import LOOKS_PER_RUN, WAITS_FOR_LOGIN, FailureType, Request, SyncState, SyncStatus
from contracts.sync_sentences import action_in, details

with workflow.unsafe.imports_passed_through():
    from workflows.failures import RECORDED_BY_ACTIVITY, Failure, failure_of
    from workflows.list_owner import ListOwner
    from workflows.look import Look
    from workflows.new_run import another_version_is_current, continue_as_new, history_is_long
    from workflows.patches import (
        own_trouble_has_its_state,
        refusals_end_nothing,
        states_are_recorded_again,
        the_last_look_hears_of_others,
    )


class SyncLoop:
    """Handlers and loop. The two workflows add how they are started, and the signal that brings a permission."""

    def __init__(self, owner: ListOwner) -> None:
        self._owner = owner
        self._state = owner.state
        self._look: Look | None = None
        self._looks_in_this_run = 0
        self._version_is_asked_for = False
        self._nobody_is_left = False

    async def _follow_list(self) -> None:
        """Look again and again, until there is nobody left to look for."""
        while self._state.state != SyncState.REMOVED:
            if self._run_is_long():
                # An update that waits for a look is answered before the run ends.
                await workflow.wait_condition(lambda: workflow.all_handlers_finished() or self._look_is_wanted())
                if workflow.all_handlers_finished():
                    continue_as_new(self._state)
            if self._is_blocked():
                await self._wait_while_blocked()
                continue
            self._use_new_permission()
            self._publish()
            if await self._sleep_until_due():
                await self._look_now()
        await workflow.wait_condition(workflow.all_handlers_finished)

    # What operators and the API may say. Every parameter is optional: a bare signal must work.

    @workflow.signal(description="Read the whole killmail list again and retry what was given up.")
    def force_full_resync(self, request: Request | None = None) -> None:
        self._state.full_requested = True
        if request is None or not request.at_next_look:
            self._request_look()

    @workflow.signal(description="Look at ESI now; after that the regular rhythm goes on.")
    def sync_now(self, request: Request | None = None) -> None:
        self._request_look(keeps_pace=request is not None and request.keeps_pace)

    @workflow.signal(description="Fetch nothing until `resume`. What is under way is finished.")
    def pause(self, request: Request | None = None) -> None:  # noqa: ARG002
        self._state.paused = True

    @workflow.signal(description="End a pause and look at ESI now.")
    def resume(self, request: Request | None = None) -> None:  # noqa: ARG002
        if self._state.paused:
            self._state.paused = False
            self._request_look()

    @workflow.signal(description="Go on with the current version of the worker, also while nothing is to be done.")
    def use_current_version(self, request: Request | None = None) -> None:  # noqa: ARG002
        self._version_is_asked_for = True

    @workflow.update(description="Look at ESI now and answer when that is done.")
    async def sync_now_and_wait(self, request: Request | None = None) -> SyncStatus:  # noqa: ARG002
        self._request_look()
        enough = self._state.cycles + (1 if self._look is None else 2)
        await workflow.wait_condition(
            lambda: self._state.cycles >= enough or self._is_blocked() or self._nobody_is_left
        )
        return self.status()

    @sync_now_and_wait.validator
    def _may_sync_now(self, request: Request | None = None) -> None:  # noqa: ARG002
        if self._is_blocked() or self._state.state == SyncState.REMOVED:
            shown = self._shown_state()
            raise ApplicationError(self._owner.sentence(shown), type=str(shown), non_retryable=True)

    @workflow.query(description="Where this sync stands.")
    def status(self) -> SyncStatus:
        state, shown = self._state, self._shown_state()
        until = state.next_sync_at if shown == SyncState.OK else state.until
        progress = self._look.progress if self._look is not None else None
        return SyncStatus(
            state=shown,
            message=self._owner.sentence(shown, until, progress),
            until=until,
            progress=progress,
            character_id=self._owner.character_id,
            corporation_id=self._owner.corporation_id,
            action=action_in(shown),
            paused=state.paused,
            last_sync_at=state.last_sync_at,
            cycles=state.cycles,
            last_listed=state.last_listed,
            last_new=state.last_new,
            next_sync_at=state.next_sync_at,
            last_full_sync_at=state.last_full_sync_at,
            full_requested=state.full_requested,
            sync_requested=state.sync_requested,
        )

    def _request_look(self, *, keeps_pace: bool = False) -> None:
        """Of several wishes for one look, a person's counts."""
        state = self._state
        state.keeps_pace = keeps_pace and (state.keeps_pace or not state.sync_requested)
        state.sync_requested = True

    # The steps of the loop.

    async def _wait_while_blocked(self) -> None:
        """Say why nothing is done, until that changes; again and again while the database cannot be told."""
        shown = self._shown_state()
        for attempt in itertools.count(1):
            if self._state.recorded_state != shown:
                await self._record(shown)
            self._publish()
            with contextlib.suppress(TimeoutError):
                await workflow.wait_condition(
                    lambda: not self._is_blocked() or self._shown_state() != shown or self._run_is_over(),
                    timeout=self._until_recorded_again(shown, attempt),
                    timeout_summary="until the state is recorded again",
                )
                return

    def _until_recorded_again(self, shown: SyncState, attempt: int) -> timedelta | None:
        """Later each time, as looks that fail are: everybody may be paused, and nothing else tells of it."""
        if self._state.recorded_state == shown or not states_are_recorded_again():
            return None
        now = workflow.now()
        return pacing.retry_after_failures(attempt, self._owner.interval_seconds, now, workflow.random()) - now

    def _use_new_permission(self) -> None:
        state = self._state
        if state.token_granted and state.state in WAITS_FOR_LOGIN:
            state.state = SyncState.STARTING
            state.failures_in_a_row = state.forbidden_in_a_row = 0
        state.token_granted = False

    async def _sleep_until_due(self) -> bool:
        """Until the next look is due. False: something else happened, so the loop begins anew."""
        state = self._state
        delay = (state.next_sync_at - workflow.now()).total_seconds() if state.next_sync_at is not None else 0
        if state.sync_requested or delay <= 0:
            return True
        try:
            await workflow.wait_condition(
                lambda: self._look_is_wanted() or self._is_blocked() or self._run_is_over(),
                timeout=timedelta(seconds=delay),
                timeout_summary="until the next look",
            )
        except TimeoutError:
            return True
        return False

    async def _look_now(self) -> None:
        state, now = self._state, workflow.now()
        manual = state.sync_requested and not state.keeps_pace
        state.sync_requested = state.keeps_pace = False
        if manual or not state.first_sync_done:
            state.awake_since = now
        pause = self._seconds_to_next_look()
        if state.first_sync_done:
            state.next_sync_at = pacing.next_look(pause, now, workflow.random())
        else:
            state.next_sync_at = pacing.second_look(self._owner.id, self._owner.interval_seconds, now)
            state.state = SyncState.FIRST_SYNC
            self._publish()
        self._look = Look(self._owner, manual=manual, changed=self._publish)
        try:
            await self._look.complete()
        except ActivityError as error:
            await self._record_failed_look(failure_of(error))
        else:
            state.failures_in_a_row = state.forbidden_in_a_row = 0
            if self._seconds_to_next_look() < pause:  # something new: the usual pace is back at once
                state.next_sync_at = min(state.next_sync_at, now + timedelta(seconds=self._seconds_to_next_look()))
        finally:
            self._look = None
        self._looks_in_this_run += 1
        state.cycles += 1

    async def _record_failed_look(self, failure: Failure) -> None:
        """Turn a failed look into a state, and into the time of the next look."""
        state, now, random = self._state, workflow.now(), workflow.random()
        if failure.type in RECORDED_BY_ACTIVITY:
            state.state = state.recorded_state = RECORDED_BY_ACTIVITY[failure.type]
            state.until = None
            if state.state == SyncState.REMOVED and the_last_look_hears_of_others():
                self._end_unless_granted()
            return
        if failure.type == FailureType.RATE_LIMITED:
            state.state = SyncState.RATE_LIMITED
            state.until = pacing.after_limit(failure.until or now, now, random)
        elif failure.type == FailureType.DOWNTIME:
            state.state = SyncState.DOWNTIME
            state.until = pacing.after_downtime(failure.until or now, now, random)
        else:
            state.failures_in_a_row += 1
            state.state = _troubled_by(failure)
            state.until = pacing.retry_after_failures(
                state.failures_in_a_row,
                self._owner.interval_seconds,
                now,
                random,
                first_look=not state.first_sync_done,
            )
            self._count_refusal(failure)
        state.next_sync_at = state.until
        workflow.logger.warning("The look failed (%s); now %s until %s", failure.type, state.state, state.until)
        await self._record(state.state)

    def _end_unless_granted(self) -> None:
        """The look may have begun before a permission came: then it is taken once more."""
        if self._state.token_granted:
            self._state.state = SyncState.STARTING
        else:
            self._nobody_is_left = True

    def _count_refusal(self, failure: Failure) -> None:
        """Of runs that began when refusals of ESI's still ended a permission; now the activity asks SSO about each."""
        state, refusals = self._state, self._owner.refusals_until_login
        state.forbidden_in_a_row = state.forbidden_in_a_row + 1 if failure.type == FailureType.FORBIDDEN else 0
        ended = refusals is not None and state.forbidden_in_a_row >= refusals
        if ended and not refusals_end_nothing():
            state.state, state.until = SyncState.NEEDS_LOGIN, None

    async def _record(self, shown: SyncState) -> None:
        """Tell the database what only we know."""
        state = self._state
        until = state.until if shown == state.state else None
        try:
            await self._owner.record_state(shown, until)
        except ActivityError as error:
            # The database is away: the page shows an old state for a while, the sync itself is not at fault.
            workflow.logger.warning("The state %s could not be recorded (%s)", shown, failure_of(error).type)
        else:
            state.recorded_state = shown

    def _publish(self) -> None:
        """Search attributes on change, and the details people read in Temporal's UI (these cost nothing)."""
        state, shown = self._state, self._shown_state()
        updates = search_attributes.changes(
            workflow.info().typed_search_attributes, shown, self._owner.corporation_id, state.last_new_killmail_at
        )
        if updates:
            workflow.upsert_search_attributes(updates)
        workflow.set_current_details(details(self.status()))

    # What the loop asks itself.

    def _needs_permission(self) -> bool:
        return self._state.state in WAITS_FOR_LOGIN and not self._state.token_granted

    def _is_blocked(self) -> bool:
        return self._state.paused or self._needs_permission()

    def _shown_state(self) -> SyncState:
        state = self._state
        return SyncState.PAUSED if state.paused and not self._needs_permission() else state.state

    def _look_is_wanted(self) -> bool:
        return self._state.sync_requested and not self._is_blocked()

    def _seconds_to_next_look(self) -> float:
        state = self._state
        if state.idle_pilots:
            active_at = max(filter(None, (state.last_new_killmail_at, state.awake_since)), default=None)
            if step := pacing.idle_step(active_at, self._owner.interval_seconds, workflow.now()):
                return step.every.total_seconds()
        return self._owner.interval_seconds

    def _run_is_long(self) -> bool:
        # Each run looks once, whatever it is told of versions: with a pin set by hand it would begin again for ever.
        ripe = self._looks_in_this_run > 0 and another_version_is_current()
        return self._looks_in_this_run >= LOOKS_PER_RUN or ripe or self._run_is_over()

    def _run_is_over(self) -> bool:
        return history_is_long() or (self._version_is_asked_for and another_version_is_current())


def _troubled_by(failure: Failure) -> SyncState:
    if failure.type == FailureType.CONFIGURATION:
        return SyncState.MISCONFIGURED
    if failure.type == FailureType.INFRASTRUCTURE and own_trouble_has_its_state():
        return SyncState.INTERRUPTED
    return SyncState.DEGRADED
