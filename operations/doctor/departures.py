"""Whether a restored database brought back who had left.

It cannot know that itself. The one witness outside is Temporal, which keeps a workflow `departure-…` of each for as
long as it keeps workflows that have ended; after that nobody knows. EVE has the permission back either way, so whoever
came back is not synced.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import asyncpg
from temporalio.client import Client

from db.accounts.departures import LastCharacter, delete_account, remove_character
from db.syncs.reconciliation import KnownPilot
from operations.doctor.finding import Finding, Verdict
from temporal.departure import start_departure
from temporal.namespace import told_retention
from temporal.running import RunningSync


async def look_at_departures(
    pool: asyncpg.Pool,
    client: Client,
    left: dict[int, datetime],
    pilots: dict[int, KnownPilot],
    running: dict[int, RunningSync],
    retention: timedelta,
    kept: timedelta,
    *,
    mend: bool,
) -> list[Finding]:
    """Who left after their last login that the database knows. With `mend` they are deleted again, from `pilots` too.

    One whose workflow began after that is left alone: it may have been begun by a login that the database has
    forgotten, and not by the watchdog.

    Args:
        left: who Temporal remembers to have left, and when; asked before `pilots` were.
        retention: how long it should remember them.
        kept: how long it does.
    """
    subject = "Deleted characters"
    back = {
        character_id: left_at
        for character_id, left_at in left.items()
        if character_id in pilots and pilots[character_id].last_login_at < left_at
    }
    doubtful = {one for one in back if one in running and running[one].started_at > back[one]}
    certain = sorted(back.keys() - doubtful)
    remembered = f"Temporal remembers {len(left):,} that left, and its namespace keeps them for {told_retention(kept)}"
    findings = []
    if doubtful:
        detail = f"{len(doubtful):,} left, and have a workflow that is younger: {_when(back, sorted(doubtful))}"
        advice = "If the watchdog started it and no login (its history says so), delete them again on their behalf."
        findings.append(Finding(subject, Verdict.DOUBTFUL, detail, advice))
    if kept < retention:
        detail = f"{remembered}, less than TEMPORAL_RETENTION_DAYS: who left before that may be back unseen"
        advice = "Run `killreport migrate`, so that Temporal remembers who leaves from now on."
        findings.append(Finding(subject, Verdict.DOUBTFUL, detail, advice))
    if not certain:
        return findings or [Finding(subject, Verdict.GOOD, f"{remembered}; none of them is here")]
    detail = f"{len(certain):,} came back with the backup: {_when(back, certain)}"
    if not mend:
        return [*findings, Finding(subject, Verdict.FAILS, detail, "Run `killreport doctor --reconcile --mend`.")]
    for character_id in certain:
        await _delete(pool, client, pilots.pop(character_id))
    return [*findings, Finding(subject, Verdict.MENDED, f"{detail}; deleted again")]


async def _delete(pool: asyncpg.Pool, client: Client, pilot: KnownPilot) -> None:
    """The account goes with its last character: all of them are deleted one after the other, if all of them left."""
    try:
        await remove_character(pool, pilot.account_id, pilot.character_id)
    except LastCharacter:
        await delete_account(pool, pilot.account_id)
    await start_departure(client, pilot.character_id)


def _when(back: dict[int, datetime], characters: list[int]) -> str:
    return ", ".join(f"{one} (left {back[one]:%Y-%m-%d %H:%M})" for one in characters)
