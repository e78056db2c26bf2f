"""`CorporationSync`: one corporation's killmails, however many of its directors let us read them.

It lives while any director has it switched on. When EVE takes nobody's token any more it waits, without asking
ESI, until `director_granted`.
"""

from __future__ import annotations

from datetime import datetime

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from contracts.corporation_sentences import corporation_sentence
    from contracts.corporations import CorporationSyncState, RecordCorporationState
    from contracts.sync import FailureType, Progress, Request, SyncState
    from workflows.corporation_cycle import CorporationCycle, record_corporation_state
    from workflows.sync_loop import SyncLoop


@workflow.defn(name="CorporationSync")
class CorporationSync(SyncLoop):
    """Id `corporation-sync-<corporation_id>`, queue `sync`."""

    waits_in = frozenset({SyncState.NO_DIRECTOR})
    decided_by_activity = {  # noqa: RUF012 - never changed
        FailureType.NO_DIRECTOR: SyncState.NO_DIRECTOR,
        FailureType.REMOVED: SyncState.REMOVED,
    }

    @workflow.init
    def __init__(self, state: CorporationSyncState) -> None:
        super().__init__(state, state.corporation_id, state.sync_interval_seconds)
        self._corporation = state

    @workflow.run
    async def run(self, state: CorporationSyncState) -> None:  # noqa: ARG002 - __init__ took it
        await self._loop()

    @workflow.signal(description="Its directors have changed: one logged in, or switched this on or off.")
    def director_granted(self, request: Request | None = None) -> None:  # noqa: ARG002 - the reason is in the history
        self._state.token_granted = self._state.sync_requested = True

    def _new_cycle(self, *, manual: bool) -> CorporationCycle:  # noqa: ARG002 - a corporation waits its turn
        corporation = self._corporation
        return CorporationCycle(corporation, stop=lambda: corporation.paused, changed=self._publish)

    async def _record_state(self, shown: SyncState, until: datetime | None) -> None:
        await record_corporation_state(RecordCorporationState(self._corporation.corporation_id, shown, until))

    def _corporation_id(self) -> int:
        return self._corporation.corporation_id

    def _sentence(self, state: SyncState, until: datetime | None = None, progress: Progress | None = None) -> str:
        return corporation_sentence(state, until, progress)
