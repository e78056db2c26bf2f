"""`killreport doctor --reconcile`: do Postgres and Temporal still know the same? For after a restore.

Postgres is the truth. Mending starts, wakes and ends workflows, fills in what can be worked out again, and deletes once
more who Temporal remembers to have left; a thing of which that cannot be said with certainty is reported, and left.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta

import asyncpg
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from contracts.corporations import corporation_sync_id
from contracts.sync import user_sync_id
from db.syncs.reconciliation import KnownPilot, followed_corporations, known_pilots, read_lists_again
from db.syncs.watching import CORPORATIONS, PILOTS, watched
from operations.connections import database, postgres_failures, temporal_client, temporal_failures
from operations.doctor.departures import look_at_departures
from operations.doctor.finding import Finding, Verdict
from operations.doctor.killmails import look_at_killmails
from operations.universe.sums import look_at_all_sums
from settings import Settings
from temporal.connection import CALL_TIMEOUT
from temporal.departure import departures_remembered
from temporal.handles import WorkflowNotRunning
from temporal.namespace import namespace_retention
from temporal.running import RunningSync, running_corporations, running_pilots
from temporal.schedules import trigger_watchdog
from temporal.user_sync import signal_user_sync

STATEMENT_SECONDS = 1800
"""Some questions read every killmail."""
MEND = "Run `killreport doctor --reconcile --mend`."
REASON = "doctor --reconcile --mend"
SHOWN = 20


@dataclass(frozen=True, slots=True)
class Reconciling:
    """What is compared with what."""

    pool: asyncpg.Pool
    client: Client
    mend: bool


async def reconcile(settings: Settings, *, mend: bool) -> list[Finding]:
    """Compare everything; with `mend`, mend what is safe. A second run tells what is left.

    Raises:
        OperationFailed: Postgres or Temporal is away.
    """
    client = await temporal_client(settings)
    async with database(settings, statement_timeout_seconds=STATEMENT_SECONDS) as pool:
        with postgres_failures(settings), temporal_failures(settings):
            work = Reconciling(pool, client, mend)
            # In this order: who logs in between two of them is not taken for somebody who left, or never was here.
            left, running = await departures_remembered(client), await running_pilots(client)
            pilots = await known_pilots(pool)
            wanted = timedelta(days=settings.temporal_retention_days)
            kept = await namespace_retention(client) or timedelta(0)
            return [
                *await look_at_departures(pool, client, left, pilots, running, wanted, kept, mend=mend),
                # Who was just deleted again is not to be started.
                *await _missing(work, running),
                *await _superfluous(work, pilots, running),
                await _older(work, pilots, running),
                *await look_at_killmails(pool, mend=mend),
                await look_at_all_sums(pool, mend=mend),
            ]


async def _missing(work: Reconciling, running: dict[int, RunningSync]) -> list[Finding]:
    corporations = await running_corporations(work.client)
    wanted = [one.subject_id for one in await watched(work.pool, PILOTS) if one.subject_id not in running]
    also = [one.subject_id for one in await watched(work.pool, CORPORATIONS) if one.subject_id not in corporations]
    asked = bool(work.mend and (wanted or also)) and await trigger_watchdog(work.client)
    return [
        _missing_of("Pilots without a workflow", wanted, work.mend, asked),
        _missing_of("Corporations without a workflow", also, work.mend, asked),
    ]


def _missing_of(subject: str, missing: list[int], mend: bool, asked: bool) -> Finding:
    if not missing:
        return Finding(subject, Verdict.GOOD, "none")
    if asked:
        detail = f"{listed(missing)}; the watchdog starts them while a worker runs"
        return Finding(subject, Verdict.MENDED, detail)
    todo = "Run `killreport migrate`: Temporal has no watchdog." if mend else MEND
    return Finding(subject, Verdict.FAILS, listed(missing), todo)


async def _superfluous(work: Reconciling, pilots: Collection[int], running: dict[int, RunningSync]) -> list[Finding]:
    corporations = await running_corporations(work.client)
    followed = await followed_corporations(work.pool)
    findings = []
    for subject, strangers, ids in (
        ("Workflows without a pilot", sorted(set(running) - set(pilots)), user_sync_id),
        ("Workflows without a corporation", sorted(set(corporations) - followed), corporation_sync_id),
    ):
        if not strangers:
            findings.append(Finding(subject, Verdict.GOOD, "none"))
            continue
        if work.mend:
            for stranger in strangers:
                await _terminate(work.client, ids(stranger))
        detail = f"{listed(strangers)}; they came after the backup, and must log in again"
        findings.append(
            Finding(subject, Verdict.MENDED, f"{detail}: ended")
            if work.mend
            else Finding(subject, Verdict.FAILS, detail, MEND)
        )
    return findings


async def _older(work: Reconciling, pilots: dict[int, KnownPilot], running: dict[int, RunningSync]) -> Finding:
    """A workflow brought a killmail that its pilot's row knows nothing of: the database was set back."""
    subject = "Database against its workflows"
    behind = [
        character_id
        for character_id, pilot in sorted(pilots.items())
        if character_id in running
        and (seen := running[character_id].last_new_killmail_at) is not None
        and (pilot.last_new_killmail_at is None or seen > pilot.last_new_killmail_at)
    ]
    if not behind:
        return Finding(subject, Verdict.GOOD, "no workflow has seen a killmail that the database does not know")
    detail = f"the database is older than the workflows of {listed(behind)}"
    if not work.mend:
        return Finding(subject, Verdict.FAILS, detail, MEND)
    await read_lists_again(work.pool, behind)
    for character_id in behind:
        try:
            await signal_user_sync(work.client, character_id, "force_full_resync", REASON)
        except WorkflowNotRunning:
            continue  # it has ended since: the watchdog starts it, from what the database knows
    advice = "What EVE no longer lists comes back with `killreport import-zkillboard`."
    return Finding(subject, Verdict.MENDED, f"{detail}; they read all that EVE lists again", advice)


async def _terminate(client: Client, workflow_id: str) -> None:
    try:
        await client.get_workflow_handle(workflow_id).terminate(reason=REASON, rpc_timeout=CALL_TIMEOUT)
    except RPCError as error:
        if error.status != RPCStatusCode.NOT_FOUND:
            raise


def listed(ids: Collection[int]) -> str:
    """How many, and the first of them."""
    shown = ", ".join(str(one) for one in sorted(ids)[:SHOWN])
    return f"{len(ids):,} ({shown}{', …' if len(ids) > SHOWN else ''})"
