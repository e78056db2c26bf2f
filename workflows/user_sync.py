"""`UserSync`: one character's killmails, looked at again and again from login to removal."""

from __future__ import annotations

from datetime import datetime

from temporalio import workflow
from temporalio.common import Priority

with workflow.unsafe.imports_passed_through():
    from contracts import activities, pacing
    from contracts.sync import FailureType, Progress, RecordSyncState, Request, SyncState, UserSyncState
    from contracts.sync_sentences import sentence
    from workflows.calls import call
    from workflows.character_cycle import CharacterCycle
    from workflows.failures import Failure
    from workflows.sync_loop import SyncLoop

FORBIDDEN_UNTIL_LOGIN = 5
"""So many refusals in a row by ESI mean that the permission is gone, not that ESI had a bad moment."""


@workflow.defn(name="UserSync")
class UserSync(SyncLoop):
    """Id `user-sync-<character_id>`, queue `sync`."""

    waits_in = frozenset({SyncState.NEEDS_LOGIN, SyncState.OWNER_CHANGED})
    decided_by_activity = {  # noqa: RUF012 - never changed
        # The activity that found out has told the database too, in the statement that destroyed the tokens.
        FailureType.NEEDS_LOGIN: SyncState.NEEDS_LOGIN,
        FailureType.OWNER_CHANGED: SyncState.OWNER_CHANGED,
        FailureType.REMOVED: SyncState.REMOVED,
    }

    @workflow.init
    def __init__(self, state: UserSyncState) -> None:
        super().__init__(state, state.character_id, state.sync_interval_seconds)
        self._user = state

    @workflow.run
    async def run(self, state: UserSyncState) -> None:  # noqa: ARG002 - __init__ took it
        await self._loop()

    @workflow.signal(description="The pilot logged in: there is a new token.")
    def token_granted(self, request: Request | None = None) -> None:  # noqa: ARG002
        self._user.token_granted = self._user.sync_requested = True
        self._user.token_valid_until = None

    def _new_cycle(self, *, manual: bool) -> CharacterCycle:
        user = self._user
        return CharacterCycle(user, manual=manual, stop=lambda: user.paused, changed=self._publish)

    async def _record_state(self, shown: SyncState, until: datetime | None) -> None:
        await call(
            activities.RECORD_SYNC_STATE,
            RecordSyncState(self._user.character_id, shown, until),
            Priority(priority_key=2, fairness_key=f"character-{self._user.character_id}"),
        )

    def _character_id(self) -> int:
        return self._user.character_id

    def _corporation_id(self) -> int | None:
        return self._user.corporation_id

    def _pace(self) -> float:
        step = self._idle_step()
        return step.every.total_seconds() if step is not None else self._interval

    def _wake(self) -> None:
        self._user.awake_since = workflow.now()

    def _sentence(self, state: SyncState, until: datetime | None = None, progress: Progress | None = None) -> str:
        return sentence(state, until, progress, pacing.shown_idle_step(self._user.last_sync_at, until))

    def _idle_step(self) -> pacing.IdleStep | None:
        user = self._user
        active_at = max(filter(None, (user.last_new_killmail_at, user.awake_since)), default=None)
        return pacing.idle_step(active_at, workflow.now()) if user.idle_pilots else None

    def _judge(self, failure: Failure) -> None:
        user = self._user
        user.forbidden_in_a_row = user.forbidden_in_a_row + 1 if failure.type == FailureType.FORBIDDEN else 0
        if user.forbidden_in_a_row >= FORBIDDEN_UNTIL_LOGIN:
            user.state, user.until = SyncState.NEEDS_LOGIN, None  # the tokens stay: they may not be at fault

    def _forgive(self) -> None:
        self._user.forbidden_in_a_row = 0

    def _forget_token(self) -> None:
        self._user.token_valid_until = None
