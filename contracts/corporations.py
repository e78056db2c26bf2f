"""What `CorporationSync`, its activities and its callers say to each other; the rest is in `contracts/sync.py`.

Passed through the workflow sandbox: nothing but the standard library and our other contracts.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from contracts.sync import LoopState, SyncState

NPC_CORPORATION_IDS = range(1_000_000, 2_000_000)
"""Corporations of the game's own (ESI docs, "ID ranges"): they have no directors, and are never followed."""


def corporation_sync_id(corporation_id: int) -> str:
    """Workflow id of a corporation's `CorporationSync`."""
    return f"corporation-sync-{corporation_id}"


class DirectorStanding(StrEnum):
    """Whether a director's token may be used for it; `contracts/corporation_sentences.py` has the sentences."""

    GOOD = "good"
    ROLE_LOST = "role_lost"  # EVE said so
    LEFT = "left"  # the corporation
    NEEDS_LOGIN = "needs_login"  # EVE withdrew the grant
    OWNER_CHANGED = "owner_changed"  # the character was sold; its tokens are destroyed
    SCOPE_MISSING = "scope_missing"  # logged in again without the permission for corporations
    REFUSED = "refused"  # not given any more: a refusal without a reason ends nobody's part


@dataclass
class CorporationSyncState(LoopState):
    """All that one run of `CorporationSync` hands to the next. Who its directors are stands in the database."""

    corporation_id: int
    sync_interval_seconds: int = 900


@dataclass
class DiscoverCorporation:
    """Input of `discover_corporation_killmails`; answered by a `Discovery`."""

    corporation_id: int
    full: bool = False  # fetch every page without If-None-Match
    first: bool = False
    next_sync_at: datetime | None = None  # shown when there is nothing to do
    goes_on_at: int = 1  # as of `DiscoverKillmails`


@dataclass
class FinishCorporationRun:
    """Input of `finish_corporation_run`; answered by a `RunAccount`."""

    run_id: int
    corporation_id: int
    interrupted: bool = False  # stays open: the next look goes on with it
    next_sync_at: datetime | None = None


@dataclass
class RecordCorporationState:
    """Input of `record_corporation_state`: a state that only the workflow knows, for the page to show."""

    corporation_id: int
    state: SyncState
    until: datetime | None = None
