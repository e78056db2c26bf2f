"""`UserSync`: one pilot's killmails, looked at again and again from login to removal."""

from __future__ import annotations

from datetime import datetime, timedelta

from temporalio import workflow
from temporalio.common import Priority
from temporalio.exceptions import ActivityError

from contracts import pacing
from contracts.activities import DISCOVER_KILLMAILS, ENSURE_ACCESS_TOKEN, FINISH_RUN, RECORD_SYNC_STATE
from contracts.activity_policy import impatient
from contracts.call_classes import PRIORITY_OF, CallClass, character_priority
from contracts.sync import (
    DiscoverKillmails,
    Discovery,
    EnsureAccessToken,
    FailureType,
    FinishRun,
    Progress,
    RecordSyncState,
    Request,
    RunAccount,
    SyncState,
    UserSyncState,
)
from contracts.sync_sentences import sentence

with workflow.unsafe.imports_passed_through():
    from workflows.calls import call, call_in_this_task
    from workflows.failures import failure_of
    from workflows.list_owner import Urgency
    from workflows.patches import idle_looks_are_one_task
    from workflows.sync_loop import SyncLoop

TOKEN_MARGIN = timedelta(seconds=60)
"""An access token that ends sooner is refreshed first."""


class Pilot:
    """Owner of the list that is read with the pilot's own token."""

    refusals_until_login: int | None = 5

    def __init__(self, state: UserSyncState) -> None:
        self.state = state
        self.id = self.character_id = state.character_id
        self.interval_seconds = state.sync_interval_seconds

    @property
    def corporation_id(self) -> int | None:
        return self.state.corporation_id

    async def read_list(self, *, full: bool, manual: bool, goes_on_at: int) -> tuple[Discovery, Urgency]:
        state = self.state
        call_class = CallClass.LIVE if state.first_sync_done else CallClass.FIRST_SYNC
        priority = character_priority(self.id, 1 if manual else PRIORITY_OF[call_class])
        if state.token_valid_until is None or state.token_valid_until - workflow.now() < TOKEN_MARGIN:
            await self._ensure_access_token(priority, refresh_even_if_valid=False)
        request = DiscoverKillmails(self.id, full, not state.first_sync_done, state.next_sync_at, goes_on_at)
        is_usual = state.first_sync_done and state.state == SyncState.OK and not full and not manual
        try:
            discovery = await self._discover(request, priority, in_this_task=is_usual and idle_looks_are_one_task())
        except ActivityError as error:
            if failure_of(error).type != FailureType.ACCESS_TOKEN_REJECTED:
                raise
            # Once per look: a token that is rejected twice is not mended by a third.
            await self._ensure_access_token(priority, refresh_even_if_valid=True)
            discovery = await self._discover(request, priority)
        return discovery, Urgency(call_class, priority)

    async def _discover(
        self, request: DiscoverKillmails, priority: Priority, *, in_this_task: bool = False
    ) -> Discovery:
        """A usual look finds nothing; whatever goes wrong in it is tried again where operators see it."""
        if in_this_task:
            try:
                return await call_in_this_task(DISCOVER_KILLMAILS, request)
            except ActivityError as error:
                if failure_of(error).is_final:
                    raise
        return await call(impatient(DISCOVER_KILLMAILS) if request.first else DISCOVER_KILLMAILS, request, priority)

    async def _ensure_access_token(self, priority: Priority, *, refresh_even_if_valid: bool) -> None:
        refresh = ENSURE_ACCESS_TOKEN if self.state.first_sync_done else impatient(ENSURE_ACCESS_TOKEN)
        ready = await call(refresh, EnsureAccessToken(self.id, refresh_even_if_valid), priority)
        self.state.token_valid_until = ready.valid_until
        self.state.corporation_id = ready.corporation_id

    async def finish_run(self, run_id: int, priority: Priority, *, interrupted: bool) -> RunAccount:
        return await call(FINISH_RUN, FinishRun(run_id, self.id, interrupted, self.state.next_sync_at), priority)

    async def record_state(self, state: SyncState, until: datetime | None) -> None:
        await call(
            RECORD_SYNC_STATE,
            RecordSyncState(self.id, state, until),
            character_priority(self.id, PRIORITY_OF[CallClass.LIVE]),
        )

    def sentence(self, state: SyncState, until: datetime | None = None, progress: Progress | None = None) -> str:
        idle = pacing.shown_idle_step(self.state.last_sync_at, until, self.interval_seconds)
        return sentence(state, until, progress, idle)


@workflow.defn(name="UserSync")
class UserSync(SyncLoop):
    """Id `user-sync-<character_id>`, queue `sync`."""

    @workflow.init
    def __init__(self, state: UserSyncState) -> None:
        super().__init__(Pilot(state))
        self._pilot_state = state

    @workflow.run
    async def run(self, state: UserSyncState) -> None:  # noqa: ARG002 - __init__ took it
        await self._follow_list()

    @workflow.signal(description="The pilot logged in: there is a new token.")
    def token_granted(self, request: Request | None = None) -> None:  # noqa: ARG002
        self._pilot_state.token_granted = True
        self._request_look()
        self._pilot_state.token_valid_until = None
