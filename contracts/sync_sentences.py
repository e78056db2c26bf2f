"""The state of a sync in one sentence, derived in one place for the page, GraphQL, the CLI and Temporal's UI.

Pure and deterministic: the workflow runs it too.
"""

from __future__ import annotations

from datetime import datetime

from contracts.pacing import IdleStep
from contracts.plurals import counted
from contracts.sync import Progress, SyncAction, SyncState, SyncStatus

SENTENCES = {
    SyncState.STARTING: "Your sync is about to start.",
    SyncState.FIRST_SYNC: "Asking EVE for your killmails.",
    SyncState.SYNCING: "Fetching new killmails.",
    SyncState.OK: "Up to date.",
    SyncState.PAUSED: "Paused by you or an operator; resume to fetch new killmails.",
    SyncState.NEEDS_LOGIN: "Log in again: EVE revoked access to this character's killmails.",
    SyncState.OWNER_CHANGED: "This character moved to another EVE account, so its access was deleted and you no longer"
    " see its killmails; log in again if it is yours.",
    SyncState.NO_DIRECTOR: "No director gives access any more; syncing resumes when one logs in.",
    SyncState.RATE_LIMITED: "Waiting for EVE's request budget to refill.",
    SyncState.DOWNTIME: "EVE is in downtime; syncing resumes when it is back.",
    SyncState.DEGRADED: "EVE is having problems; trying again soon.",
    SyncState.INTERRUPTED: "This site had a problem of its own; trying again soon.",
    SyncState.MISCONFIGURED: "A setting of this site keeps it from asking EVE; its operator has to fix that.",
    SyncState.REMOVED: "This character was removed and is no longer synced.",
}
LOST_GRANT = (
    "Log in again: EVE's login service renewed this character's permission, its answer never reached us, and the old"
    " permission is not accepted any more."
)
"""NEEDS_LOGIN, when nobody withdrew anything."""
UNREADABLE_GRANT = (
    "Log in again: this site lost the encryption key for this character's permission and can no longer read it."
    " Neither can anyone else."
)
"""NEEDS_LOGIN, when it was us."""
ACTIONS = {
    SyncState.STARTING: SyncAction.SYNC_NOW,
    SyncState.FIRST_SYNC: SyncAction.WAIT,
    SyncState.SYNCING: SyncAction.WAIT,
    SyncState.OK: SyncAction.SYNC_NOW,
    SyncState.PAUSED: SyncAction.RESUME,
    SyncState.NEEDS_LOGIN: SyncAction.LOG_IN,
    SyncState.OWNER_CHANGED: SyncAction.LOG_IN,
    SyncState.NO_DIRECTOR: SyncAction.LOG_IN,
    SyncState.RATE_LIMITED: SyncAction.WAIT,
    SyncState.DOWNTIME: SyncAction.WAIT,
    SyncState.DEGRADED: SyncAction.SYNC_NOW,
    SyncState.INTERRUPTED: SyncAction.SYNC_NOW,
    SyncState.MISCONFIGURED: SyncAction.CONTACT_OPERATOR,
    SyncState.REMOVED: SyncAction.LOG_IN,
}
"""What helps in each state."""
TIMED_SENTENCES = {
    SyncState.OK: "Up to date; next check at {:%H:%M} EVE time.",
    SyncState.RATE_LIMITED: "Waiting for EVE's request budget to refill; continuing at {:%H:%M:%S} EVE time.",
    SyncState.DOWNTIME: "EVE is in downtime; syncing resumes at {:%H:%M} EVE time.",
    SyncState.DEGRADED: "EVE is having problems; trying again at {:%H:%M:%S} EVE time.",
    SyncState.INTERRUPTED: "This site had a problem of its own; trying again at {:%H:%M:%S} EVE time.",
    SyncState.MISCONFIGURED: "A setting of this site keeps it from asking EVE; its operator has to fix that (next try"
    " at {:%H:%M:%S} EVE time).",
}
"""What is said instead once it is known when the state ends."""
IDLE = (
    "Up to date; checked {often} as long as no new killmails arrive, next on {until:%A at %H:%M} EVE time (“Sync now”"
    " restores the usual pace)."
)


def action_in(state: SyncState, *, token_is_valid: bool = True) -> SyncAction:
    """What helps. Without a usable grant only a login does, whatever the state."""
    return ACTIONS[state] if token_is_valid else SyncAction.LOG_IN


def sentence(
    state: SyncState,
    until: datetime | None = None,
    progress: Progress | None = None,
    idle: IdleStep | None = None,
) -> str:
    """What a pilot reads: what is happening, how far it is, and when it goes on (UTC, which is EVE time)."""
    if idle is not None and state == SyncState.OK and until is not None:
        return IDLE.format(often=idle.words, until=until)
    if progress is not None and progress.total and state in (SyncState.FIRST_SYNC, SyncState.SYNCING):
        return f"Fetching your killmails: {progress.done:,} of {progress.total:,} so far."
    if until is not None and state in TIMED_SENTENCES:
        return TIMED_SENTENCES[state].format(until)
    return SENTENCES[state]


def details(status: SyncStatus) -> str:
    """Markdown for Temporal's UI: what an operator wants to know of one sync, without a name or a secret."""
    subject = f"character {status.character_id}" if status.character_id else f"corporation {status.corporation_id}"
    lines = [f"**{status.state}**: {status.message}", "", f"* {subject}"]
    if status.last_sync_at is not None:
        seen = f"{status.last_listed:,} listed, {status.last_new:,} new"
        lines.append(f"* last checked {status.last_sync_at:%Y-%m-%d %H:%M:%S} UTC: {seen}")
    if status.next_sync_at is not None and not status.paused:
        lines.append(f"* next check {status.next_sync_at:%Y-%m-%d %H:%M:%S} UTC")
    if status.full_requested:
        lines.append("* full resync requested")
    lines.append(f"* what helps: {status.action}")
    lines.append(f"* {counted(status.cycles, 'check')} so far")
    return "\n".join(lines)
