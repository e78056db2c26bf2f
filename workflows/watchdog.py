"""`Watchdog`: run by a Temporal Schedule every five minutes, it mends what no workflow can mend of itself."""

from __future__ import annotations

from dataclasses import replace

from temporalio import workflow
from temporalio.common import Priority
from temporalio.exceptions import ActivityError

from contracts import activities
from contracts.call_classes import CallClass
from contracts.sync import KILLMAIL_BATCH, FetchKillmails, NameEntities
from contracts.upkeep import RestoreSyncs, WatchdogProgress, WatchdogReport

with workflow.unsafe.imports_passed_through():
    from workflows import patches
    from workflows.calls import call
    from workflows.failures import failure_of
    from workflows.new_run import continue_as_new, history_is_long

PRIORITY = Priority(priority_key=3, fairness_key="watchdog")


@workflow.defn(name="Watchdog")
class Watchdog:
    """Users without a workflow are started, late ones woken; killmails whose finder has gone are fetched."""

    @workflow.run
    async def run(self, progress: WatchdogProgress | None = None) -> WatchdogReport:
        if progress is not None:
            report = progress.report
            await self._restore(report, progress.page)
        else:
            report = await call(activities.WATCH_USERS, None, PRIORITY)
            page = _first_page(report)
            if page is not None and patches.the_lost_are_started_by_pages():
                await self._restore(report, page)
        await self._fetch_orphans(report)
        workflow.set_current_details(
            f"{report.users} users: {report.started} started, {report.woken} woken,"
            f" {report.references_redriven} killmails fetched, {report.wedged} wedged."
        )
        return report

    async def _restore(self, report: WatchdogReport, page: RestoreSyncs | None) -> None:
        """Page by page. One that fails again and again is left to the next run, and so is what comes after it."""
        while page is not None:
            try:
                restored = await call(activities.RESTORE_SYNCS, page, PRIORITY)
            except ActivityError as error:
                workflow.logger.warning("Lost workflows wait for the next run: %s", failure_of(error).type)
                return
            report.started += restored.started
            page = _next_page(report, page, restored.after_id)
            if page is not None and history_is_long():
                continue_as_new(WatchdogProgress(report, page))

    async def _fetch_orphans(self, report: WatchdogReport) -> None:
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

    async def _are_named(self, killmail_ids: list[int]) -> bool:
        request = NameEntities(killmail_ids, CallClass.BACKFILL)
        try:
            await call(activities.NAME_ENTITIES, request, PRIORITY)
            await call(activities.DESCRIBE_SOLAR_SYSTEMS, request, PRIORITY)
        except ActivityError as error:
            workflow.logger.warning("Orphaned killmails stay without names: %s", failure_of(error).type)
            return False
        return True


def _first_page(report: WatchdogReport) -> RestoreSyncs | None:
    """None: as many workflows run as should."""
    if report.lost_pilots is not None:
        return RestoreSyncs(lost=report.lost_pilots)
    return _first_corporations(report)


def _next_page(report: WatchdogReport, page: RestoreSyncs, after_id: int | None) -> RestoreSyncs | None:
    if after_id is not None:
        return replace(page, after_id=after_id)
    return None if page.corporations else _first_corporations(report)


def _first_corporations(report: WatchdogReport) -> RestoreSyncs | None:
    if report.lost_corporations is None:
        return None
    return RestoreSyncs(corporations=True, lost=report.lost_corporations)
