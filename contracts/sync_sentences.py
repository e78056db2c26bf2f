"""The state of a sync in one sentence, derived in one place for the page, GraphQL, the CLI and Temporal's UI.

Pure and deterministic: the workflow runs it too.
"""

from __future__ import annotations

from datetime import datetime

from contracts.pacing import IdleStep
from contracts.sync import Progress, SyncAction, SyncState, SyncStatus

SENTENCES = {
    SyncState.STARTING: "Your sync is about to start.",
    SyncState.FIRST_SYNC: "Asking EVE for your killmails.",
    SyncState.SYNCING: "Fetching new killmails.",
    SyncState.OK: "Up to date.",
    SyncState.PAUSED: "Paused by you or an operator; nothing is fetched until it is resumed.",
    SyncState.NEEDS_LOGIN: "Log in again: EVE withdrew the permission to read this character's killmails.",
    SyncState.OWNER_CHANGED: "This character moved to another EVE account; its permission was destroyed. Log in again"
    " if it is yours.",
    SyncState.NO_DIRECTOR: "No director is left who lets this be read; it goes on when one logs in.",
    SyncState.RATE_LIMITED: "Waiting for EVE's request budget to refill.",
    SyncState.DOWNTIME: "EVE is in its downtime.",
    SyncState.DEGRADED: "EVE does not answer well; trying again, a little later each time.",
    SyncState.MISCONFIGURED: "EVE does not accept what this installation asks of it; its operator must look.",
    SyncState.REMOVED: "This character was removed; nothing is synced.",
}
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
    SyncState.MISCONFIGURED: SyncAction.CONTACT_OPERATOR,
    SyncState.REMOVED: SyncAction.LOG_IN,
}
"""What helps in each state."""
ENDS_WITH_TIME = {
    SyncState.OK: "Next look at {:%H:%M} EVE time.",
    SyncState.RATE_LIMITED: "Going on at {:%H:%M:%S} EVE time.",
    SyncState.DOWNTIME: "Resuming at {:%H:%M} EVE time.",
    SyncState.DEGRADED: "Next try at {:%H:%M:%S} EVE time.",
    SyncState.MISCONFIGURED: "Next try at {:%H:%M:%S} EVE time.",
}
IDLE = "Up to date. With no new killmail for so long, EVE is asked {}; “Sync now” brings the usual pace back."


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
        return f"{IDLE.format(idle.words)} Next look at {until:%A %H:%M} EVE time."
    if progress is not None and progress.total and state in (SyncState.FIRST_SYNC, SyncState.SYNCING):
        return f"Fetching your killmails: {progress.done:,} of {progress.total:,} are here."
    ending = ENDS_WITH_TIME.get(state)
    if until is not None and ending is not None:
        return f"{SENTENCES[state]} {ending.format(until)}"
    return SENTENCES[state]


def details(status: SyncStatus) -> str:
    """Markdown for Temporal's UI: what an operator wants to know of one sync, without a name or a secret."""
    lines = [f"**{status.state}**: {status.message}", "", f"* character {status.character_id}"]
    if status.last_sync_at is not None:
        seen = f"{status.last_listed:,} listed, {status.last_new:,} new"
        lines.append(f"* last look {status.last_sync_at:%Y-%m-%d %H:%M:%S} UTC: {seen}")
    if status.next_sync_at is not None and not status.paused:
        lines.append(f"* next look {status.next_sync_at:%Y-%m-%d %H:%M:%S} UTC")
    if status.full_requested:
        lines.append("* a full resync was asked for")
    lines.append(f"* what helps: {status.action}")
    lines.append(f"* {status.cycles:,} looks so far")
    return "\n".join(lines)
