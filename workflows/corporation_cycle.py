"""One look at ESI for a corporation, with the token of whichever director's turn it is. Part of `CorporationSync`."""

from __future__ import annotations

from collections.abc import Callable

from temporalio import workflow
from temporalio.common import Priority

with workflow.unsafe.imports_passed_through():
    from contracts import activities
    from contracts.call_classes import PRIORITY_OF, CallClass
    from contracts.corporations import (
        CorporationSyncState,
        DiscoverCorporation,
        FinishCorporationRun,
        RecordCorporationState,
    )
    from contracts.sync import Discovery, RunAccount
    from workflows.calls import call
    from workflows.cycle import Cycle


A_FEW = 100
"""New killmails of a corporation that are its day's and not its history: as urgent as a pilot's own."""


def priority_of(corporation_id: int, call_class: CallClass = CallClass.BACKFILL) -> Priority:
    """Fair among corporations, and unless the call is live after every pilot's own work."""
    return Priority(priority_key=PRIORITY_OF[call_class], fairness_key=f"corporation-{corporation_id}")


class CorporationCycle(Cycle):
    """A `Cycle` over a corporation's list. Its history leaves the pilots their part of a budget, its day does not."""

    def __init__(self, state: CorporationSyncState, *, stop: Callable[[], bool], changed: Callable[[], None]) -> None:
        corporation_id = state.corporation_id
        super().__init__(
            state, corporation_id, CallClass.BACKFILL, priority_of(corporation_id), stop=stop, changed=changed
        )
        self._corporation = state

    async def _discover(self) -> Discovery:
        corporation = self._corporation
        request = DiscoverCorporation(
            corporation.corporation_id, self._full, not corporation.first_sync_done, corporation.next_sync_at
        )
        answer = await call(activities.DISCOVER_CORPORATION_KILLMAILS, request, self._priority)
        if corporation.first_sync_done and len(answer.killmail_ids) <= A_FEW:
            self._call_class = CallClass.LIVE
            self._priority = priority_of(corporation.corporation_id, self._call_class)
        return answer

    async def _finish(self, run_id: int, *, interrupted: bool) -> RunAccount:
        corporation = self._corporation
        request = FinishCorporationRun(run_id, corporation.corporation_id, interrupted, corporation.next_sync_at)
        return await call(activities.FINISH_CORPORATION_RUN, request, self._priority)


async def record_corporation_state(request: RecordCorporationState) -> None:
    """Show the directors a state that only the workflow knows."""
    await call(activities.RECORD_CORPORATION_STATE, request, priority_of(request.corporation_id))
