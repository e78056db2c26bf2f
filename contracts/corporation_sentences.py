"""The state of a corporation's sync, and of each of its directors, in one sentence. Pure; the workflow runs it too."""

from __future__ import annotations

from datetime import datetime

from contracts.corporations import DirectorStanding
from contracts.sync import Progress, SyncState
from contracts.sync_sentences import sentence

SENTENCES = {
    SyncState.STARTING: "The corporation's sync is about to start.",
    SyncState.FIRST_SYNC: "Asking EVE for the corporation's killmails.",
    SyncState.PAUSED: "Paused by a director or an operator; resume to fetch new killmails.",
    SyncState.NO_DIRECTOR: "Waiting for a director: no director's access works any more, and syncing resumes when one"
    " logs in and follows the corporation.",
    SyncState.REMOVED: "This corporation is no longer followed, so it is not synced.",
}
DIRECTOR_SENTENCES = {
    DirectorStanding.GOOD: "Active (shared between directors).",
    DirectorStanding.ROLE_LOST: "No longer a director, according to EVE; check again once the role is back (EVE takes"
    " up to an hour to notice).",
    DirectorStanding.LEFT: "Left the corporation.",
    DirectorStanding.NEEDS_LOGIN: "EVE revoked access; log in again to restore it.",
    DirectorStanding.OWNER_CHANGED: "Moved to another EVE account, so access was deleted.",
    DirectorStanding.SCOPE_MISSING: "Logged in without corporation access; log in again to grant it.",
    DirectorStanding.REFUSED: "EVE refused several times without giving a reason; check again, or log in again.",
}

UNCONFIRMED = "Waiting for EVE to confirm the Director role; the board opens then."


def director_sentence(standing: DirectorStanding, *, confirmed: bool) -> str:
    """What is said of a director; `confirmed`: EVE has said that the character is one."""
    if standing is DirectorStanding.GOOD and not confirmed:
        return UNCONFIRMED
    return DIRECTOR_SENTENCES[standing]


def corporation_sentence(state: SyncState, until: datetime | None = None, progress: Progress | None = None) -> str:
    """What a director reads: what is happening, how far it is, and when it goes on (UTC, which is EVE time)."""
    if progress is not None and progress.total and state in (SyncState.FIRST_SYNC, SyncState.SYNCING):
        return f"Fetching the corporation's killmails: {progress.done:,} of {progress.total:,} so far."
    return SENTENCES.get(state) or sentence(state, until, progress)
