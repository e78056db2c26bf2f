"""`UserSync`: one character's killmails, looked at again and again from login to removal.

The loop sleeps until the next look is due or somebody asks for one. Signal and update handlers only set
flags; the loop does the work. Everything that must survive a day's continue-as-new is in `UserSyncState`.
"""

from __future__ import annotations

from datetime import timedelta

from temporalio import workflow
from temporalio.common import Priority
from temporalio.exceptions import ActivityError, ApplicationError

with workflow.unsafe.imports_passed_through():
    from workflows import calls, pacing, search_attributes
    from workflows.contracts import (
        CYCLES_PER_RUN,
        FailureType,
        RecordSyncState,
        Request,
        SyncState,
        SyncStatus,
        UserSyncState,
    )
    from workflows.cycle import Cycle
    from workflows.failures import Failure, failure_of
    from workflows.status import details, sentence

NEEDS_A_LOGIN = (SyncState.NEEDS_LOGIN, SyncState.OWNER_CHANGED)
FORBIDDEN_UNTIL_LOGIN = 5
"""So many refusals in a row by ESI mean that the permission is gone, not that ESI had a bad moment."""
DECIDED_BY_ACTIVITY = {
    # The activity that found out has told the database too, in the statement that destroyed the tokens.
    FailureType.NEEDS_LOGIN: SyncState.NEEDS_LOGIN,
    FailureType.OWNER_CHANGED: SyncState.OWNER_CHANGED,
    FailureType.REMOVED: SyncState.REMOVED,
}


@workflow.defn(name="UserSync")
class UserSync:
    """Id `user-sync-<character_id>`, queue `sync`."""

    @workflow.init
    def __init__(self, state: UserSyncState) -> None:
        self._state = state
        self._cycle: Cycle | None = None
        self._looks = 0  # in this run

    @workflow.run
    async def run(self, state: UserSyncState) -> None:  # noqa: ARG002 - __init__ took it
        while True:
            if self._run_is_long():
                # An update that waits for a look is answered before the run ends.
                await workflow.wait_condition(lambda: workflow.all_handlers_finished() or self._asked())
                if workflow.all_handlers_finished():
                    workflow.continue_as_new(self._state)
            if await self._due():
                await self._look()
                if self._state.state == SyncState.REMOVED:
                    await workflow.wait_condition(workflow.all_handlers_finished)
                    return

    # What operators and the API may say. Every parameter is optional: a bare signal must work.

    @workflow.signal(description="Read the whole killmail list again and retry what was given up.")
    def force_full_resync(self, request: Request | None = None) -> None:  # noqa: ARG002 - the reason is in the history
        self._state.full_requested = self._state.sync_requested = True

    @workflow.signal(description="Look at ESI now; after that the regular rhythm goes on.")
    def sync_now(self, request: Request | None = None) -> None:  # noqa: ARG002
        self._state.sync_requested = True

    @workflow.signal(description="Fetch nothing until `resume`. What is under way is finished.")
    def pause(self, request: Request | None = None) -> None:  # noqa: ARG002
        self._state.paused = True

    @workflow.signal(description="End a pause and look at ESI now.")
    def resume(self, request: Request | None = None) -> None:  # noqa: ARG002
        if self._state.paused:
            self._state.paused = False
            self._state.sync_requested = True

    @workflow.signal(description="The pilot logged in: there is a new token.")
    def token_granted(self, request: Request | None = None) -> None:  # noqa: ARG002
        self._state.token_granted = self._state.sync_requested = True
        self._state.token_valid_until = None

    @workflow.update(description="Look at ESI now and answer when that is done.")
    async def sync_now_and_wait(self, request: Request | None = None) -> SyncStatus:  # noqa: ARG002
        self._state.sync_requested = True
        enough = self._state.cycles + (1 if self._cycle is None else 2)
        await workflow.wait_condition(lambda: self._state.cycles >= enough or self._blocked())
        return self.status()

    @sync_now_and_wait.validator
    def _may_sync_now(self, request: Request | None = None) -> None:  # noqa: ARG002
        if self._blocked():
            raise ApplicationError(sentence(self._shown()), type=str(self._shown()), non_retryable=True)

    @workflow.query(description="Where this sync stands.")
    def status(self) -> SyncStatus:
        state, shown = self._state, self._shown()
        until = state.next_sync_at if shown == SyncState.OK else state.until
        progress = self._cycle.progress if self._cycle is not None else None
        return SyncStatus(
            state=shown,
            message=sentence(shown, until, progress),
            until=until,
            progress=progress,
            character_id=state.character_id,
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

    # The loop.

    async def _due(self) -> bool:
        """Wait until the next look is due; False if the loop should think again first."""
        state = self._state
        if self._blocked():
            shown = self._shown()
            if state.recorded_state != shown:
                await self._record(shown)
            self._publish()
            await workflow.wait_condition(
                lambda: not self._blocked() or self._shown() != shown or self._run_has_grown_long()
            )
            return False
        if state.token_granted:
            state.token_granted = False
            if state.state in NEEDS_A_LOGIN:
                state.state, state.failures_in_a_row, state.forbidden_in_a_row = SyncState.STARTING, 0, 0
        self._publish()
        delay = (state.next_sync_at - workflow.now()).total_seconds() if state.next_sync_at is not None else 0
        if state.sync_requested or delay <= 0:
            return True
        try:
            await workflow.wait_condition(
                lambda: self._asked() or self._blocked() or self._run_has_grown_long(),
                timeout=timedelta(seconds=delay),
                timeout_summary="until the next look at ESI",
            )
        except TimeoutError:
            return True
        return False

    async def _look(self) -> None:
        state, now = self._state, workflow.now()
        state.next_sync_at = (
            pacing.next_look(state.sync_interval_seconds, now, workflow.random())
            if state.first_sync_done
            else pacing.second_look(state.character_id, state.sync_interval_seconds, now)
        )
        manual, state.sync_requested = state.sync_requested, False
        if not state.first_sync_done:
            state.state = SyncState.FIRST_SYNC
            self._publish()
        self._cycle = Cycle(state, manual=manual, stop=lambda: state.paused, changed=self._publish)
        try:
            await self._cycle.run()
            state.failures_in_a_row = state.forbidden_in_a_row = 0
        except ActivityError as error:
            await self._settle(failure_of(error))
        finally:
            self._cycle = None
        self._looks += 1
        state.cycles += 1

    async def _settle(self, failure: Failure) -> None:
        """Turn a failed look into a state, and into the time of the next one."""
        state, now, random = self._state, workflow.now(), workflow.random()
        interval = state.sync_interval_seconds
        if failure.type in DECIDED_BY_ACTIVITY:
            state.state = state.recorded_state = DECIDED_BY_ACTIVITY[failure.type]
            state.until = state.token_valid_until = None
            return
        if failure.type == FailureType.RATE_LIMITED:
            state.state = SyncState.RATE_LIMITED
            state.until = pacing.after_limit(failure.until or now, pacing.LIMIT_SPREAD_SECONDS, now, random)
        elif failure.type == FailureType.DOWNTIME:
            state.state = SyncState.DOWNTIME
            state.until = pacing.after_limit(failure.until or now, pacing.DOWNTIME_SPREAD_SECONDS, now, random)
        else:
            state.failures_in_a_row += 1
            state.state = SyncState.DEGRADED
            state.until = pacing.retry_after_failures(state.failures_in_a_row, interval, now, random)
            state.forbidden_in_a_row = state.forbidden_in_a_row + 1 if failure.type == FailureType.FORBIDDEN else 0
            if state.forbidden_in_a_row >= FORBIDDEN_UNTIL_LOGIN:
                state.state, state.until = SyncState.NEEDS_LOGIN, None  # the tokens stay: they may not be at fault
        state.next_sync_at = state.until
        workflow.logger.warning("The look failed (%s); now %s until %s", failure.type, state.state, state.until)
        await self._record(state.state)

    async def _record(self, shown: SyncState) -> None:
        """Tell the database what only we know."""
        state = self._state
        until = state.until if shown == state.state else None
        try:
            await calls.record_sync_state(
                RecordSyncState(state.character_id, shown, until),
                Priority(priority_key=2, fairness_key=f"character-{state.character_id}"),
            )
        except ActivityError as error:
            # The database is away: the page shows an old state for a while, the sync itself is not at fault.
            workflow.logger.warning("The state %s could not be recorded (%s)", shown, failure_of(error).type)
        else:
            state.recorded_state = shown

    def _publish(self) -> None:
        """Search attributes on change, and the details people read in Temporal's UI (these cost nothing)."""
        state, shown = self._state, self._shown()
        updates = search_attributes.changes(
            workflow.info().typed_search_attributes, shown, state.corporation_id, state.last_new_killmail_at
        )
        if updates:
            workflow.upsert_search_attributes(updates)
        workflow.set_current_details(details(self.status()))

    def _shown(self) -> SyncState:
        state = self._state
        needs_login = state.state in NEEDS_A_LOGIN and not state.token_granted
        return SyncState.PAUSED if state.paused and not needs_login else state.state

    def _blocked(self) -> bool:
        state = self._state
        return state.paused or (state.state in NEEDS_A_LOGIN and not state.token_granted)

    def _asked(self) -> bool:
        return self._state.sync_requested and not self._blocked()

    def _run_is_long(self) -> bool:
        return self._looks >= CYCLES_PER_RUN or self._run_has_grown_long()

    def _run_has_grown_long(self) -> bool:
        return workflow.info().is_continue_as_new_suggested()
