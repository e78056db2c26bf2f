"""`CorporationSync`: one corporation's killmails, however many of its directors let us read them.

It lives while any director has it switched on. When EVE takes nobody's token any more it waits, without asking
ESI, until `director_granted`.
"""

from __future__ import annotations

from datetime import datetime

from temporalio import workflow
from temporalio.common import Priority

from contracts.activities import (
    DISCOVER_CORPORATION_KILLMAILS,
    FINISH_CORPORATION_RUN,
    RECORD_CORPORATION_STATE,
)
from contracts.activity_policy import impatient
from contracts.call_classes import CallClass, corporation_priority
from contracts.corporation_sentences import corporation_sentence
from contracts.corporations import (
    CorporationSyncState,
    DiscoverCorporation,
    FinishCorporationRun,
    RecordCorporationState,
)
from contracts.sync import Discovery, Progress, Request, RunAccount, SyncState

with workflow.unsafe.imports_passed_through():
    from workflows.calls import call
    from workflows.list_owner import Urgency
    from workflows.sync_loop import SyncLoop

A_FEW = 100
"""New killmails of a corporation that are its day's and not its history: as urgent as a pilot's own."""


class Corporation:
    """Owner of the list that is read with the token of whichever director's turn it is.

    Its history leaves the pilots their part of a budget, its day does not.
    """

    refusals_until_login: int | None = None
    character_id = 0

    def __init__(self, state: CorporationSyncState) -> None:
        self.state = state
        self.id = self.corporation_id = state.corporation_id
        self.interval_seconds = state.sync_interval_seconds

    async def read_list(
        self,
        *,
        full: bool,
        manual: bool,  # noqa: ARG002 - waits its turn
        goes_on_at: int,
    ) -> tuple[Discovery, Urgency]:
        state = self.state
        priority = corporation_priority(self.id)
        request = DiscoverCorporation(self.id, full, not state.first_sync_done, state.next_sync_at, goes_on_at)
        read = DISCOVER_CORPORATION_KILLMAILS
        discovery = await call(read if state.first_sync_done else impatient(read), request, priority)
        if state.first_sync_done and len(discovery.killmail_ids) <= A_FEW:
            return discovery, Urgency(CallClass.LIVE, corporation_priority(self.id, CallClass.LIVE))
        return discovery, Urgency(CallClass.BACKFILL, priority)

    async def finish_run(self, run_id: int, priority: Priority, *, interrupted: bool) -> RunAccount:
        request = FinishCorporationRun(run_id, self.id, interrupted, self.state.next_sync_at)
        return await call(FINISH_CORPORATION_RUN, request, priority)

    async def record_state(self, state: SyncState, until: datetime | None) -> None:
        request = RecordCorporationState(self.id, state, until)
        await call(RECORD_CORPORATION_STATE, request, corporation_priority(self.id))

    def sentence(self, state: SyncState, until: datetime | None = None, progress: Progress | None = None) -> str:
        return corporation_sentence(state, until, progress)


@workflow.defn(name="CorporationSync")
class CorporationSync(SyncLoop):
    """Id `corporation-sync-<corporation_id>`, queue `sync`."""

    @workflow.init
    def __init__(self, state: CorporationSyncState) -> None:
        super().__init__(Corporation(state))

    @workflow.run
    async def run(self, state: CorporationSyncState) -> None:  # noqa: ARG002 - __init__ took it
        await self._follow_list()

    @workflow.signal(description="Its directors have changed: one logged in, or switched this on or off.")
    def director_granted(self, request: Request | None = None) -> None:  # noqa: ARG002 - the reason is in the history
        self._state.token_granted = True
        self._request_look()
