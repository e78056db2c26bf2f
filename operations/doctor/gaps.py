"""`killreport doctor --gaps`: killmails that ESI listed but that are not stored, and how to get them."""

from __future__ import annotations

from dataclasses import dataclass

from temporalio.client import Client

from db.syncs.gaps import Gap, gaps, redrive
from operations.connections import database, postgres_failures, temporal_client, temporal_failures
from settings import Settings
from temporal.corporation_sync import signal_corporation_sync
from temporal.handles import WorkflowNotRunning
from temporal.schedules import trigger_watchdog
from temporal.user_sync import signal_user_sync

REASON = "doctor --gaps --redrive"


@dataclass(frozen=True, slots=True)
class GapsFound:
    """What is missing; after a redrive, also how much of it is being tried again."""

    missing: int
    gaps: list[Gap]
    redriven: int = 0
    syncs_woken: int = 0


async def look_for_gaps(settings: Settings, *, redrive_them: bool = False) -> GapsFound:
    """List the gaps; with `redrive_them`, try them all again now and wake the syncs whose lists they are on.

    Killmails whose finder no longer has a sync are fetched by the watchdog, which is triggered too.

    Raises:
        OperationFailed: Postgres is away; Temporal too, if there is something to redrive.
    """
    async with database(settings) as pool:
        with postgres_failures(settings):
            found = await gaps(pool)
            missing = sum(gap.killmails for gap in found)
            if not (redrive_them and missing):
                return GapsFound(missing, found)
            client = await temporal_client(settings)
            driven = await redrive(pool)
    woken = 0
    with temporal_failures(settings):
        for list_of in driven.lists_of:
            woken += await _wake(client, list_of, "sync_now")
        for list_of in driven.to_read_again:
            woken += await _wake(client, list_of, "force_full_resync")
        await trigger_watchdog(client)
    return GapsFound(missing, found, driven.killmails, woken)


async def _wake(client: Client, list_of: int, signal: str) -> bool:
    """Ids of characters and corporations never coincide (ESI docs, "ID ranges"), so at most one of them is running."""
    for send in (signal_user_sync, signal_corporation_sync):
        try:
            await send(client, list_of, signal, REASON)
        except WorkflowNotRunning:
            continue
        return True
    return False
