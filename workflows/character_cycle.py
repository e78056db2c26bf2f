"""One look at ESI for one character, with its own token. Part of `UserSync`; runs inside it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from temporalio import workflow
from temporalio.common import Priority
from temporalio.exceptions import ActivityError

with workflow.unsafe.imports_passed_through():
    from contracts import activities
    from contracts.call_classes import PRIORITY_OF, CallClass
    from contracts.sync import (
        DiscoverKillmails,
        Discovery,
        EnsureAccessToken,
        FailureType,
        FinishRun,
        RunAccount,
        UserSyncState,
    )
    from workflows.calls import call
    from workflows.cycle import Cycle
    from workflows.failures import failure_of

TOKEN_MARGIN = timedelta(seconds=60)
"""An access token that ends sooner is refreshed first."""


class CharacterCycle(Cycle):
    """A `Cycle` over a character's own list.

    Args:
        manual: a person asked for it, so it goes before routine work.
    """

    def __init__(
        self, state: UserSyncState, *, manual: bool, stop: Callable[[], bool], changed: Callable[[], None]
    ) -> None:
        call_class = CallClass.LIVE if state.first_sync_done else CallClass.FIRST_SYNC
        priority = Priority(
            priority_key=1 if manual else PRIORITY_OF[call_class], fairness_key=f"character-{state.character_id}"
        )
        super().__init__(state, state.character_id, call_class, priority, stop=stop, changed=changed)
        self._user = state

    async def _discover(self) -> Discovery:
        user = self._user
        if user.token_valid_until is None or user.token_valid_until - workflow.now() < TOKEN_MARGIN:
            await self._ensure_access_token(refresh_even_if_valid=False)
        request = DiscoverKillmails(
            user.character_id, full=self._full, first=not user.first_sync_done, next_sync_at=user.next_sync_at
        )
        try:
            discovery = await call(activities.DISCOVER_KILLMAILS, request, self._priority)
        except ActivityError as error:
            if failure_of(error).type != FailureType.ACCESS_TOKEN_REJECTED:
                raise
            # Once per look: a token that is rejected twice is not mended by a third.
            await self._ensure_access_token(refresh_even_if_valid=True)
            discovery = await call(activities.DISCOVER_KILLMAILS, request, self._priority)
        user.idle_pilots = discovery.idle_pilots
        return discovery

    async def _finish(self, run_id: int, *, interrupted: bool) -> RunAccount:
        user = self._user
        return await call(
            activities.FINISH_RUN, FinishRun(run_id, user.character_id, interrupted, user.next_sync_at), self._priority
        )

    async def _ensure_access_token(self, *, refresh_even_if_valid: bool) -> None:
        request = EnsureAccessToken(self._user.character_id, refresh_even_if_valid)
        ready = await call(activities.ENSURE_ACCESS_TOKEN, request, self._priority)
        self._user.token_valid_until = ready.valid_until
        self._user.corporation_id = ready.corporation_id
