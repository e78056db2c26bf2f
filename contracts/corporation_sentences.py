"""The state of a corporation's sync, and of each of its directors, in one sentence. Pure; the workflow runs it too."""

from __future__ import annotations

from datetime import datetime

from contracts.corporations import DirectorStanding
from contracts.sync import Progress, SyncState
from contracts.sync_sentences import sentence

SENTENCES = {
    SyncState.STARTING: "The corporation's sync is about to start.",
    SyncState.FIRST_SYNC: "Asking EVE for the corporation's killmails.",
    SyncState.PAUSED: "Paused by a director or an operator; nothing is fetched until it is resumed.",
    SyncState.NO_DIRECTOR: "Waiting for a director: EVE takes nobody's permission any more. It goes on by itself when"
    " a director of the corporation logs in and switches it on.",
    SyncState.REMOVED: "This corporation is not followed any more; nothing is synced.",
}
DIRECTOR_SENTENCES = {
    DirectorStanding.GOOD: "In good standing; asked in turn with the other directors.",
    DirectorStanding.ROLE_LOST: "Is not a director any more, says EVE. Ask again once the role is back; EVE takes up to"
    " an hour to notice.",
    DirectorStanding.LEFT: "Left the corporation.",
    DirectorStanding.NEEDS_LOGIN: "EVE withdrew the permission; a login gives it again.",
    DirectorStanding.OWNER_CHANGED: "Moved to another EVE account; the permission was destroyed.",
    DirectorStanding.SCOPE_MISSING: "Logged in without the permission for the corporation's killmails; log in with it.",
    DirectorStanding.REFUSED: "EVE refused several times without saying why; ask again, or log in again.",
}


def corporation_sentence(state: SyncState, until: datetime | None = None, progress: Progress | None = None) -> str:
    """What a director reads: what is happening, how far it is, and when it goes on (UTC, which is EVE time)."""
    if progress is not None and progress.total and state in (SyncState.FIRST_SYNC, SyncState.SYNCING):
        return f"Fetching the corporation's killmails: {progress.done:,} of {progress.total:,} are here."
    return SENTENCES.get(state) or sentence(state, until, progress)
