"""`Watchdog`: run by a Temporal Schedule every five minutes, it mends what no workflow can mend of itself."""

from __future__ import annotations

from temporalio import workflow
from temporalio.common import Priority
from temporalio.exceptions import ActivityError

with workflow.unsafe.imports_passed_through():
    from contracts.call_classes import CallClass
    from contracts.sync import KILLMAIL_BATCH, FetchKillmails, NameEntities
    from contracts.upkeep import WatchdogReport
    from workflows import calls
    from workflows.failures import failure_of

PRIORITY = Priority(priority_key=3, fairness_key="watchdog")


@workflow.defn(name="Watchdog")
class Watchdog:
    """Users without a workflow are started, late ones woken; killmails whose finder has gone are fetched."""

    @workflow.run
    async def run(self) -> WatchdogReport:
        report = await calls.watch_users()
        orphans = report.orphaned_killmail_ids
        for start in range(0, len(orphans), KILLMAIL_BATCH):
            batch = orphans[start : start + KILLMAIL_BATCH]
            try:
                await calls.fetch_killmails(FetchKillmails(batch, CallClass.BACKFILL), PRIORITY)
                await calls.name_entities(NameEntities(batch, CallClass.BACKFILL), PRIORITY)
                await calls.describe_solar_systems(NameEntities(batch, CallClass.BACKFILL), PRIORITY)
            except ActivityError as error:
                workflow.logger.warning("Orphaned killmails wait for the next run: %s", failure_of(error).type)
                break
            report.references_redriven += len(batch)
        workflow.set_current_details(
            f"{report.users} users: {report.started} started, {report.woken} woken,"
            f" {report.references_redriven} killmails fetched, {report.wedged} wedged."
        )
        return report
