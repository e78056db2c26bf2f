"""What workflows, activities and their callers say to each other: names and small dataclasses.

Everything here crosses Temporal and so lands in workflow histories: ids, counts and times only, never a
token, a hash or a killmail's body. Every field has a default where an operator may send it by hand, so
that a bare `temporal workflow signal` never wedges a workflow. Times are UTC.

The room is passed through the workflow sandbox: it imports the standard library and Temporal's types, no more.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from contracts.call_classes import CallClass
from contracts.claimants import Claimant

KILLMAIL_BATCH = 50
"""Killmails one fetch activity takes: one activity per killmail costs 37 times the wall time (measured)."""
LOOKS_PER_RUN = 96
"""Looks until continue-as-new: a day of one every 15 minutes."""


def user_sync_id(character_id: int) -> str:
    """Workflow id of a character's `UserSync`."""
    return f"user-sync-{character_id}"


class SyncState(StrEnum):
    """Where a character's sync stands. `contracts/sync_sentences.py` has the sentence for each."""

    STARTING = "starting"  # granted, but its workflow has not reported yet
    FIRST_SYNC = "first_sync"
    SYNCING = "syncing"
    OK = "ok"
    PAUSED = "paused"
    NEEDS_LOGIN = "needs_login"  # EVE withdrew the grant, or it lacks the killmail scope
    OWNER_CHANGED = "owner_changed"  # the character was transferred; its tokens are destroyed
    NO_DIRECTOR = "no_director"  # of a corporation: nobody in good standing is left to ask with
    RATE_LIMITED = "rate_limited"
    DOWNTIME = "downtime"
    DEGRADED = "degraded"  # EVE keeps failing; tried again, later each time
    INTERRUPTED = "interrupted"  # our own database, Redis or worker failed; tried again as well
    MISCONFIGURED = "misconfigured"  # EVE does not accept what this installation asks; an operator must act
    REMOVED = "removed"


WAITS_FOR_LOGIN = frozenset({SyncState.NEEDS_LOGIN, SyncState.OWNER_CHANGED, SyncState.NO_DIRECTOR})
"""States that only a new permission ends, so ESI is not asked in them."""


class SyncAction(StrEnum):
    """What helps in a state; `contracts/sync_sentences.py` has the one for each."""

    NONE = "none"  # all is well by itself
    SYNC_NOW = "sync_now"
    LOG_IN = "log_in"
    RESUME = "resume"
    WAIT = "wait"  # it goes on by itself, and nothing makes it faster
    CONTACT_OPERATOR = "contact_operator"


class FailureType:
    """`ApplicationError.type` of what activities raise; the workflow decides by these (`activities/errors.py`)."""

    NEEDS_LOGIN = "NeedsLogin"
    OWNER_CHANGED = "OwnerChanged"
    REMOVED = "CharacterRemoved"
    NO_DIRECTOR = "NoDirector"  # of a corporation: none of its directors may read the list any more
    ACCESS_TOKEN_REJECTED = "AccessTokenRejected"  # noqa: S105 - the name of a failure
    RATE_LIMITED = "RateLimited"  # details: [until as ISO 8601]
    DOWNTIME = "Downtime"  # details: [until as ISO 8601]
    UNAVAILABLE = "EveUnavailable"
    REFUSED = "ZkillboardRefused"  # zKillboard answers 200 with an error
    FORBIDDEN = "Forbidden"  # ESI refuses the list; a scope or role may be gone, or ESI errs
    CONFIGURATION = "Configuration"  # our own mistake, e.g. invalid_client; an operator must act
    INFRASTRUCTURE = "Infrastructure"  # our own database or Redis does not answer


@dataclass
class Progress:
    """How far a run is: killmails stored of killmails to store."""

    done: int = 0
    total: int = 0


@dataclass
class SyncStatus:
    """What the `status` query answers: the state in one sentence, and what stands behind it."""

    state: SyncState = SyncState.STARTING
    message: str = ""
    until: datetime | None = None
    progress: Progress | None = None
    character_id: int = 0
    paused: bool = False
    last_sync_at: datetime | None = None
    cycles: int = 0
    last_listed: int = 0
    last_new: int = 0
    next_sync_at: datetime | None = None
    last_full_sync_at: datetime | None = None
    full_requested: bool = False  # a full resync was asked for and is still to come
    sync_requested: bool = False  # a look was asked for and is still to come
    corporation_id: int | None = None  # whose sync it is, if it is a corporation's
    action: SyncAction = SyncAction.NONE


@dataclass
class Request:
    """What an operator may send with a signal; all optional."""

    reason: str = ""
    at_next_look: bool = False  # of `force_full_resync`: not now, but when the next look is due anyway
    keeps_pace: bool = False  # of `sync_now`: the watchdog missed a look; nobody is more active for that


@dataclass(kw_only=True)
class LoopState:
    """What every sync hands from one run to the next through continue-as-new, whosever it is."""

    first_sync_done: bool = False
    paused: bool = False
    state: SyncState = SyncState.STARTING
    until: datetime | None = None
    next_sync_at: datetime | None = None
    last_sync_at: datetime | None = None
    last_new_killmail_at: datetime | None = None
    last_listed: int = 0
    last_new: int = 0
    cycles: int = 0
    failures_in_a_row: int = 0
    full_requested: bool = False
    sync_requested: bool = False
    keeps_pace: bool = False  # that look was requested by the watchdog alone
    token_granted: bool = False  # a login happened and was not looked at yet
    recorded_state: SyncState = SyncState.STARTING  # what the database shows
    last_full_sync_at: datetime | None = None
    unnamed_killmail_ids: list[int] = field(default_factory=list)  # stored, but their naming failed
    looks_without_names: int = 0  # in a row, that could not name everything
    forbidden_in_a_row: int = 0  # looks that ESI refused
    idle_pilots: bool = False  # the installation looks less often at pilots without new killmails
    awake_since: datetime | None = None  # the last login or look that somebody asked for
    rest_from_page: int = 1  # where the next look goes on in a list that the last one could not read to its end
    rest_is_full: bool = False  # that look was a full one; another kind of look begins at page 1


@dataclass
class UserSyncState(LoopState):
    """All that one run of `UserSync` hands to the next."""

    character_id: int
    sync_interval_seconds: int = 900
    token_valid_until: datetime | None = None
    corporation_id: int | None = None


@dataclass
class EnsureAccessToken:
    """Input of `ensure_access_token`."""

    character_id: int
    refresh_even_if_valid: bool = False  # ESI rejected the access token we hold


@dataclass
class AccessTokenReady:
    """The character has a usable access token (in the database) until then."""

    valid_until: datetime
    corporation_id: int | None = None


@dataclass
class DiscoverKillmails:
    """Input of `discover_killmails`."""

    character_id: int
    full: bool = False  # fetch every page without If-None-Match
    first: bool = False
    next_sync_at: datetime | None = None  # shown to the pilot when there is nothing to do
    goes_on_at: int = 1  # the page that the look before did not get to; page 1 is asked for anyway


@dataclass
class Discovery:
    """What the list said. `killmail_ids` are ours to fetch: known, without a body, claimed by nobody else.

    Newest first. `listed` and `new` count references; `new` ones were never shown to us before. Nothing depends on
    `unchanged`: it says to those who read a workflow's history why a look found nothing.
    """

    listed: int = 0
    new: int = 0
    run_id: int | None = None  # None: nothing to do, no run was recorded
    killmail_ids: list[int] = field(default_factory=list)
    unchanged: bool = False  # ESI answered 304
    fresh_until: datetime | None = None  # ESI's cache holds this list until then; asking sooner is useless
    asked: bool = True  # False: the list was still fresh, so ESI was not asked
    pending_until: datetime | None = None  # when more of this character's references become due
    unnamed_killmail_ids: list[int] = field(default_factory=list)  # stored by an earlier part of this run
    rest_from_page: int | None = None  # the list was not read to its end: where the next look goes on
    idle_pilots: bool = False  # the setting IDLE_PILOTS


@dataclass
class FetchKillmails:
    """Input of `fetch_killmails`: at most `KILLMAIL_BATCH` ids whose references are stored."""

    killmail_ids: list[int]
    call_class: CallClass = CallClass.LIVE
    claimed_by: Claimant | None = None  # what somebody else claimed since is theirs


@dataclass
class FetchedKillmails:
    """What one batch came to."""

    stored: int = 0
    already_stored: int = 0
    failed: int = 0


@dataclass
class NameEntities:
    """Input of the enrichment activities: the killmails whose entities want a name."""

    killmail_ids: list[int] = field(default_factory=list)
    call_class: CallClass = CallClass.LIVE


@dataclass
class NamedEntities:
    """How many ids were unknown, how many got a name."""

    unknown: int = 0
    named: int = 0


@dataclass
class FinishRun:
    """Input of `finish_run`."""

    run_id: int
    character_id: int
    interrupted: bool = False  # stays open: the next look goes on with it
    next_sync_at: datetime | None = None


@dataclass
class RunAccount:
    """The account of a run: `listed` = `stored` + `pending` + `failed`, the last by reason in `failures`.

    `new`: killmails this run set out to store. The others that are listed were dealt with before.
    """

    new: int = 0
    stored: int = 0
    pending: int = 0
    failed: int = 0
    newest_killmail_at: datetime | None = None
    pending_until: datetime | None = None  # when the first of the pending ones becomes due
    listed: int = 0
    failures: dict[str, int] = field(default_factory=dict)


@dataclass
class RecordSyncState:
    """Input of `record_sync_state`: a state that only the workflow knows, for the page to show."""

    character_id: int
    state: SyncState
    until: datetime | None = None
