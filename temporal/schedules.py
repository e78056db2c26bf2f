"""The schedules: what Temporal runs by itself, and what must be registered before a worker starts."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta

from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest, ListSearchAttributesRequest
from temporalio.client import (
    Client,
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleAlreadyRunningError,
    ScheduleCalendarSpec,
    ScheduleIntervalSpec,
    ScheduleOverlapPolicy,
    SchedulePolicy,
    ScheduleRange,
    ScheduleSpec,
)
from temporalio.service import RPCError, RPCStatusCode

from contracts.archive import ARCHIVE_FOLLOW_ID
from contracts.search_attributes import CHARACTER_ID, CORPORATION_ID, LAST_NEW_KILLMAIL_AT, SYNC_STATE
from contracts.static_data import STATIC_DATA_ID
from contracts.task_queues import SYNC_QUEUE
from contracts.universe import NAME_REFRESH_ID
from contracts.upkeep import DAILY_FULL_SYNC_ID, HOUSEKEEPING_ID, SUMS_ID, WATCHDOG_EVERY, WATCHDOG_ID
from contracts.values import MARKET_HISTORY_ID, PRICE_SNAPSHOT_ID
from temporal.namespace import REFUSED, NotAllowed

INDEXED = {
    SYNC_STATE.name: IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD,
    CHARACTER_ID.name: IndexedValueType.INDEXED_VALUE_TYPE_INT,
    CORPORATION_ID.name: IndexedValueType.INDEXED_VALUE_TYPE_INT,
    LAST_NEW_KILLMAIL_AT.name: IndexedValueType.INDEXED_VALUE_TYPE_DATETIME,
}
CATCH_UP = timedelta(hours=12)
"""A run that was missed while Temporal was away is made up for within this."""


@dataclass(frozen=True, slots=True)
class DailyWork:
    """A workflow to run each day at this time (UTC). The schedule's id is the prefix of its workflows' ids.

    `hour` None: every hour at that minute.
    """

    schedule_id: str
    workflow: str
    hour: int | None
    minute: int

    def __str__(self) -> str:
        return f"hourly at :{self.minute:02}" if self.hour is None else f"daily at {self.hour:02}:{self.minute:02} UTC"

    @property
    def schedule(self) -> Schedule:
        hours = ScheduleRange(0, 23) if self.hour is None else ScheduleRange(self.hour)
        at = ScheduleCalendarSpec(hour=[hours], minute=[ScheduleRange(self.minute)])
        return Schedule(
            action=ScheduleActionStartWorkflow(self.workflow, id=self.schedule_id, task_queue=SYNC_QUEUE),
            spec=ScheduleSpec(calendars=[at]),
            policy=SchedulePolicy(overlap=ScheduleOverlapPolicy.SKIP, catchup_window=CATCH_UP),
        )


DAILY: tuple[DailyWork, ...] = (
    DailyWork(PRICE_SNAPSHOT_ID, "PriceSnapshot", 12, 10),  # EVE has been up again for a while
    DailyWork(NAME_REFRESH_ID, "NameRefresh", 4, 40),
    DailyWork(HOUSEKEEPING_ID, "Housekeeping", 3, 20),
    DailyWork(ARCHIVE_FOLLOW_ID, "ArchiveFollow", 9, 25),  # yesterday has been published for hours
    DailyWork(MARKET_HISTORY_ID, "MarketHistory", None, 50),
    DailyWork(STATIC_DATA_ID, "StaticDataFollow", 12, 40),  # a new build comes with the downtime
    DailyWork(DAILY_FULL_SYNC_ID, "DailyFullSync", None, 5),
    DailyWork(SUMS_ID, "Sums", None, 35),
)


async def prepare_temporal(client: Client) -> list[str]:
    """Register what must be there before a worker starts; says what was done, nothing if all was there.

    Raises:
        NotAllowed: somebody else must do it.
        temporalio.service.RPCError: Temporal does not answer, or refuses for another reason.
    """
    done: list[str] = []
    listed = await client.operator_service.list_search_attributes(
        ListSearchAttributesRequest(namespace=client.namespace)
    )
    missing = {name: kind for name, kind in INDEXED.items() if name not in listed.custom_attributes}
    if missing:
        await _register(client, missing)
        done.append(f"Registered the search attributes {', '.join(sorted(missing))}.")
    if await _make_schedule(client, WATCHDOG_ID, watchdog_schedule()):
        done.append(f"Made the schedule {WATCHDOG_ID}: every {WATCHDOG_EVERY.total_seconds() / 60:.0f} minutes.")
    made = [work for work in DAILY if await _make_schedule(client, work.schedule_id, work.schedule)]
    return done + [f"Made the schedule {work.schedule_id}: {work}." for work in made]


async def trigger_watchdog(client: Client) -> bool:
    """Run the watchdog now; False if its schedule was never made (`killreport migrate`)."""
    return await trigger_schedule(client, WATCHDOG_ID)


async def has_watchdog(client: Client) -> bool:
    """Whether its schedule is there; it is not in a Temporal that was never prepared, or has lost its data."""
    return await _is_paused(client, WATCHDOG_ID) is not None


async def paused_schedules(client: Client) -> dict[str, bool | None]:
    """Of each schedule that belongs here whether it is paused, by id; None: it is not there.

    Each is asked itself: the list of schedules hears of a pause later.
    """
    ids = [WATCHDOG_ID, *(work.schedule_id for work in DAILY)]
    return dict(zip(ids, await asyncio.gather(*(_is_paused(client, one) for one in ids)), strict=True))


async def _is_paused(client: Client, schedule_id: str) -> bool | None:
    try:
        described = await client.get_schedule_handle(schedule_id).describe()
    except RPCError as error:
        if error.status == RPCStatusCode.NOT_FOUND:
            return None
        raise
    return described.schedule.state.paused


async def trigger_schedule(client: Client, schedule_id: str) -> bool:
    """Run a schedule's workflow now; False if the schedule was never made (`killreport migrate`)."""
    try:
        await client.get_schedule_handle(schedule_id).trigger(overlap=ScheduleOverlapPolicy.SKIP)
    except RPCError as error:
        if error.status == RPCStatusCode.NOT_FOUND:
            return False
        raise
    return True


def watchdog_schedule() -> Schedule:
    """Runs that were missed while Temporal was away are not made up for: one run sees all there is."""
    return Schedule(
        action=ScheduleActionStartWorkflow("Watchdog", id=WATCHDOG_ID, task_queue=SYNC_QUEUE),
        spec=ScheduleSpec(intervals=[ScheduleIntervalSpec(every=WATCHDOG_EVERY)]),
        policy=SchedulePolicy(overlap=ScheduleOverlapPolicy.SKIP, catchup_window=WATCHDOG_EVERY),
    )


async def _register(client: Client, missing: dict[str, IndexedValueType.ValueType]) -> None:
    request = AddSearchAttributesRequest(namespace=client.namespace, search_attributes=missing)
    try:
        await client.operator_service.add_search_attributes(request)
    except RPCError as error:
        if error.status not in REFUSED:
            raise
        names = " ".join(
            f"--name {name} --type {IndexedValueType.Name(kind).removeprefix('INDEXED_VALUE_TYPE_').capitalize()}"
            for name, kind in missing.items()
        )
        raise NotAllowed(
            "We may not register search attributes: run `temporal operator search-attribute create --namespace"
            f" {client.namespace} {names}` with an operator's rights (in Temporal Cloud, add them on the namespace's"
            " page), then this again."
        ) from error


async def _make_schedule(client: Client, schedule_id: str, schedule: Schedule) -> bool:
    try:
        await client.create_schedule(schedule_id, schedule)
    except ScheduleAlreadyRunningError:
        return False
    return True
