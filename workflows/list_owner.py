"""What differs between a pilot and a corporation, whose killmail list one and the same loop follows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from temporalio.common import Priority

from contracts.call_classes import CallClass
from contracts.sync import Discovery, LoopState, Progress, RunAccount, SyncState


@dataclass(frozen=True, slots=True)
class Urgency:
    """What goes before what: in ESI's budget, and in the task queues."""

    call_class: CallClass
    priority: Priority


class ListOwner(Protocol):
    """Whose list it is. Every method may raise `ActivityError`."""

    refusals_until_login: int | None
    """So many refusals in a row by ESI once ended a permission. For runs that began then; None: never."""

    @property
    def state(self) -> LoopState: ...

    @property
    def id(self) -> int:
        """In whose name killmails are claimed."""

    @property
    def character_id(self) -> int:
        """0 for a corporation."""

    @property
    def corporation_id(self) -> int | None: ...

    @property
    def interval_seconds(self) -> int:
        """From one look to the next."""

    async def read_list(self, *, full: bool, manual: bool, goes_on_at: int) -> tuple[Discovery, Urgency]:
        """What the list shows, and how urgent the rest of the look is. `manual`: a person asked for it.

        Args:
            goes_on_at: the page that the look before did not get to; 1 if there is none.
        """

    async def finish_run(self, run_id: int, priority: Priority, *, interrupted: bool) -> RunAccount:
        """Put the account of the run on record; an interrupted run is continued by the next look."""

    async def record_state(self, state: SyncState, until: datetime | None) -> None:
        """Tell the database a state that only the workflow knows."""

    def sentence(self, state: SyncState, until: datetime | None = None, progress: Progress | None = None) -> str:
        """What the owner reads."""
