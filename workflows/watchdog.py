"""`Watchdog`: run by a Temporal Schedule every five minutes, it mends what no workflow can mend of itself."""

from __future__ import annotations

from temporalio import workflow
from temporalio.common import Priority
from temporalio.exceptions import ActivityError

from contracts import activities
from contracts.call_classes import CallClass
from contracts.sync import KILLMAIL_BATCH, FetchKillmails, NameEntities
from contracts.upkeep import WatchdogReport

with workflow.unsafe.imports_passed_through():
    from workflows import patches
    from workflows.calls import call
    from workflows.failures import failure_of

PRIORITY = Priority(priority_key=3, fairness_key="watchdog")


@workflow.defn(name="Watchdog")
class Watchdog:
    """Users without a workflow are started, late ones woken; killmails whose finder has gone are fetched."""

    @workflow.run
    async def run(self) -> WatchdogReport:
        report = await call(activities.WATCH_USERS, None, PRIORITY)
        orphans = report.orphaned_killmail_ids
        for start in range(0, len(orphans), KILLMAIL_BATCH):
            batch = orphans[start : start + KILLMAIL_BATCH]
            try:
                await call(activities.FETCH_KILLMAILS, FetchKillmails(batch, CallClass.BACKFILL), PRIORITY)
            except ActivityError as error:
                workflow.logger.warning("Orphaned killmails wait for the next run: %s", failure_of(error).type)
                break
            if not await self._are_named(batch) and not patches.orphans_do_not_wait_for_names():
                break
            report.references_redriven += len(batch)
        workflow.set_current_details(
            f"{report.users} users: {report.started} started, {report.woken} woken,"
            f" {report.references_redriven} killmails fetched, {report.wedged} wedged."
        )
        return report

    async def _are_named(self, killmail_ids: list[int]) -> bool:
        request = NameEntities(killmail_ids, CallClass.BACKFILL)
        try:
            await call(activities.NAME_ENTITIES, request, PRIORITY)
            await call(activities.DESCRIBE_SOLAR_SYSTEMS, request, PRIORITY)
        except ActivityError as error:
            workflow.logger.warning("Orphaned killmails stay without names: %s", failure_of(error).type)
            return False
        return True
