"""The loop that `UserSync` and `CorporationSync` share: sleep until a look is due or asked for, look, settle.

Signal and update handlers only set flags; the loop does the work. Everything that must survive a day's
continue-as-new is in the `LoopState`.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError

with workflow.unsafe.imports_passed_through():
    from contracts import pacing, search_attributes
    from contracts.sync import CYCLES_PER_RUN, FailureType, LoopState, Progress, Request, SyncState, SyncStatus
    from contracts.sync_sentences import action_in, details, sentence
    from workflows.cycle import Cycle
    from workflows.failures import Failure, failure_of


class SyncLoop:
    """Base of the two workflows; what a subclass says is marked so. `_state` is all that one run hands to the next."""

    waits_in: frozenset[SyncState] = frozenset()
    """Of the subclass: states that only a new token ends, so ESI is not polled in them."""
    decided_by_activity: dict[str, SyncState] = {}  # noqa: RUF012 - never changed
    """Of the subclass: the state a failure means, where the activity that found out has told the database."""

    def __init__(self, state: LoopState, subject_id: int, sync_interval_seconds: int) -> None:
        self._state = state
        self._subject_id = subject_id
        self._interval = sync_interval_seconds
        self._cycle: Cycle | None = None
        self._looks = 0  # in this run

    async def _loop(self) -> None:
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
    def force_full_resync(self, request: Request | None = None) -> None:
        self._state.full_requested = True
        if request is None or not request.at_next_look:
            self._state.sync_requested = True

    @workflow.signal(description="Look at ESI now; after that the regular rhythm goes on.")
    def sync_now(self, request: Request | None = None) -> None:  # noqa: ARG002 - the reason is in the history
        self._state.sync_requested = True

    @workflow.signal(description="Fetch nothing until `resume`. What is under way is finished.")
    def pause(self, request: Request | None = None) -> None:  # noqa: ARG002
        self._state.paused = True

    @workflow.signal(description="End a pause and look at ESI now.")
    def resume(self, request: Request | None = None) -> None:  # noqa: ARG002
        if self._state.paused:
            self._state.paused = False
            self._state.sync_requested = True

    @workflow.update(description="Look at ESI now and answer when that is done.")
    async def sync_now_and_wait(self, request: Request | None = None) -> SyncStatus:  # noqa: ARG002
        self._state.sync_requested = True
        enough = self._state.cycles + (1 if self._cycle is None else 2)
        await workflow.wait_condition(lambda: self._state.cycles >= enough or self._blocked())
        return self.status()

    @sync_now_and_wait.validator
    def _may_sync_now(self, request: Request | None = None) -> None:  # noqa: ARG002
        if self._blocked():
            raise ApplicationError(self._sentence(self._shown()), type=str(self._shown()), non_retryable=True)

    @workflow.query(description="Where this sync stands.")
    def status(self) -> SyncStatus:
        state, shown = self._state, self._shown()
        until = state.next_sync_at if shown == SyncState.OK else state.until
        progress = self._cycle.progress if self._cycle is not None else None
        return SyncStatus(
            state=shown,
            message=self._sentence(shown, until, progress),
            until=until,
            progress=progress,
            character_id=self._character_id(),
            corporation_id=self._corporation_id(),
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
            if state.state in self.waits_in:
                state.state, state.failures_in_a_row = SyncState.STARTING, 0
                self._forgive()
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
        if state.sync_requested or not state.first_sync_done:
            self._wake()
        pace = self._pace()
        state.next_sync_at = (
            pacing.next_look(pace, now, workflow.random())
            if state.first_sync_done
            else pacing.second_look(self._subject_id, self._interval, now)
        )
        manual, state.sync_requested = state.sync_requested, False
        if not state.first_sync_done:
            state.state = SyncState.FIRST_SYNC
            self._publish()
        self._cycle = self._new_cycle(manual=manual)
        try:
            await self._cycle.run()
            state.failures_in_a_row = 0
            self._forgive()
            if self._pace() < pace:  # it found something: the usual pace is back at once
                state.next_sync_at = min(state.next_sync_at, now + timedelta(seconds=self._pace()))
        except ActivityError as error:
            await self._settle(failure_of(error))
        finally:
            self._cycle = None
        self._looks += 1
        state.cycles += 1

    async def _settle(self, failure: Failure) -> None:
        """Turn a failed look into a state, and into the time of the next one."""
        state, now, random = self._state, workflow.now(), workflow.random()
        if failure.type in self.decided_by_activity:
            state.state = state.recorded_state = self.decided_by_activity[failure.type]
            state.until = None
            self._forget_token()
            return
        if failure.type == FailureType.RATE_LIMITED:
            state.state = SyncState.RATE_LIMITED
            state.until = pacing.after_limit(failure.until or now, now, random)
        elif failure.type == FailureType.DOWNTIME:
            state.state = SyncState.DOWNTIME
            state.until = pacing.after_downtime(failure.until or now, now, random)
        else:
            state.failures_in_a_row += 1
            ours = failure.type == FailureType.CONFIGURATION
            state.state = SyncState.MISCONFIGURED if ours else SyncState.DEGRADED
            state.until = pacing.retry_after_failures(state.failures_in_a_row, self._interval, now, random)
            self._judge(failure)
        state.next_sync_at = state.until
        workflow.logger.warning("The look failed (%s); now %s until %s", failure.type, state.state, state.until)
        await self._record(state.state)

    async def _record(self, shown: SyncState) -> None:
        """Tell the database what only we know."""
        state = self._state
        until = state.until if shown == state.state else None
        try:
            await self._record_state(shown, until)
        except ActivityError as error:
            # The database is away: the page shows an old state for a while, the sync itself is not at fault.
            workflow.logger.warning("The state %s could not be recorded (%s)", shown, failure_of(error).type)
        else:
            state.recorded_state = shown

    def _publish(self) -> None:
        """Search attributes on change, and the details people read in Temporal's UI (these cost nothing)."""
        state, shown = self._state, self._shown()
        updates = search_attributes.changes(
            workflow.info().typed_search_attributes, shown, self._corporation_id(), state.last_new_killmail_at
        )
        if updates:
            workflow.upsert_search_attributes(updates)
        workflow.set_current_details(details(self.status()))

    def _shown(self) -> SyncState:
        state = self._state
        needs_login = state.state in self.waits_in and not state.token_granted
        return SyncState.PAUSED if state.paused and not needs_login else state.state

    def _blocked(self) -> bool:
        state = self._state
        return state.paused or (state.state in self.waits_in and not state.token_granted)

    def _asked(self) -> bool:
        return self._state.sync_requested and not self._blocked()

    def _run_is_long(self) -> bool:
        return self._looks >= CYCLES_PER_RUN or self._run_has_grown_long()

    def _run_has_grown_long(self) -> bool:
        return workflow.info().is_continue_as_new_suggested()

    # What a subclass says.

    def _new_cycle(self, *, manual: bool) -> Cycle:
        """The next look."""
        raise NotImplementedError

    async def _record_state(self, shown: SyncState, until: datetime | None) -> None:
        """Tell the database."""
        raise NotImplementedError

    def _character_id(self) -> int:
        return 0

    def _corporation_id(self) -> int | None:
        return None

    def _sentence(self, state: SyncState, until: datetime | None = None, progress: Progress | None = None) -> str:
        return sentence(state, until, progress)

    def _pace(self) -> float:
        """Seconds from one look to the next."""
        return self._interval

    def _wake(self) -> None:
        """A person wants this look."""

    def _judge(self, failure: Failure) -> None:
        """May make more of a failure than DEGRADED."""

    def _forgive(self) -> None:
        """A look went well, or there is a new token."""

    def _forget_token(self) -> None:
        """The tokens are destroyed."""
