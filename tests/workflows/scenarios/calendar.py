"""What schedules run (`Watchdog`, `PriceSnapshot`, `MarketHistory`, `Housekeeping` …), and two others."""

from __future__ import annotations

from temporalio.client import Client

from contracts.static_data import StaticDataLook, StaticDataOutcome
from contracts.sync import FailureType
from contracts.task_queues import SYNC_QUEUE
from contracts.upkeep import Housekept, LeavingCharacter, RestoredSyncs, SumsBuilt, WatchdogReport, departure_id
from contracts.values import REVALUATION_ID, AppraisedKillmails, MarketRead, PricesTaken, Revalued
from temporal.departure import start_departure
from tests.workflows.scenarios import Scenario, next_run, run_of
from tests.workflows.scripted import Scripted, limited
from tests.workflows.stand_ins import StandIns, failure
from tests.workflows.waiting import CHARACTER


async def orphans(client: Client, stand_ins: StandIns) -> str:  # noqa: ARG001 - answers as they are
    """One run with orphans."""
    await client.execute_workflow("Watchdog", id="watchdog-recorded", task_queue=SYNC_QUEUE)
    return "watchdog-recorded"


async def more_orphans_than_can_be_named(client: Client, stand_ins: StandIns) -> str:
    """Three batches of orphans, of which the second finds ESI away."""
    stand_ins.watched = lambda: WatchdogReport(users=3, started=1, orphaned_killmail_ids=list(range(120, 0, -1)))
    stand_ins.names = lambda _: failure(FailureType.UNAVAILABLE) if len(stand_ins.named) == 2 else None
    await client.execute_workflow("Watchdog", id="watchdog-recorded", task_queue=SYNC_QUEUE)
    return "watchdog-recorded"


async def orphans_without_names(client: Client, stand_ins: Scripted) -> str:
    """Three batches, all fetched though none can be named."""
    stand_ins.watched = lambda: WatchdogReport(users=3, orphaned_killmail_ids=list(range(120, 0, -1)))
    stand_ins.names = lambda _: failure(FailureType.UNAVAILABLE)
    await client.execute_workflow("Watchdog", id="watchdog-recorded", task_queue=SYNC_QUEUE)
    assert sum(map(len, stand_ins.fetched)) == 120
    return "watchdog-recorded"


async def prices_that_must_wait(client: Client, stand_ins: Scripted) -> str:
    """An outage, a limit, the day's prices, and three batches of killmails to value."""
    stand_ins.answers = {
        "take_price_snapshot": [failure(FailureType.UNAVAILABLE), limited(7200), PricesTaken(True, 15_000, 900)],
        "appraise_killmails": [AppraisedKillmails(1000, 40, 1000 * batch, done=False) for batch in (1, 2)],
    }
    await client.execute_workflow("PriceSnapshot", id="price-snapshot-recorded", task_queue=SYNC_QUEUE)
    return "price-snapshot-recorded"


async def months_of_the_market(client: Client, stand_ins: Scripted) -> str:
    """The archive is away, limits us, then two months are read; the second brings two batches of killmails."""
    stand_ins.answers = {
        "read_market_month": [
            failure(FailureType.UNAVAILABLE),
            limited(7200),
            MarketRead(read=20, month="2026-10-01"),
            MarketRead(read=28, missing=1, refused=1, month="2026-09-01"),
        ],
        "appraise_killmails": [
            AppraisedKillmails(0, 0, 0),
            AppraisedKillmails(2000, 1900, 2000, done=False),
            AppraisedKillmails(12, 12, 2012),
        ],
    }
    await client.execute_workflow("MarketHistory", id="market-history-recorded", task_queue=SYNC_QUEUE)
    return "market-history-recorded"


async def a_newer_build(client: Client, stand_ins: Scripted) -> str:
    """Its server is away, then the build is loaded."""
    stand_ins.answers["look_for_static_data"] = [
        failure(FailureType.UNAVAILABLE),
        StaticDataLook(StaticDataOutcome.LOADED, 3_600_001, 12),
    ]
    await client.execute_workflow("StaticDataFollow", id="static-data-recorded", task_queue=SYNC_QUEUE)
    return "static-data-recorded"


async def the_lost(client: Client, stand_ins: Scripted) -> str:
    """Two pages of pilots and one of corporations."""
    stand_ins.watched = lambda: WatchdogReport(users=7, lost_pilots=6, lost_corporations=1)
    stand_ins.answers["restore_syncs"] = [RestoredSyncs(5, CHARACTER), RestoredSyncs(1), RestoredSyncs(1)]
    await client.execute_workflow("Watchdog", id="watchdog-recorded", task_queue=SYNC_QUEUE)
    return "watchdog-recorded"


async def the_lost_continued(client: Client, stand_ins: Scripted) -> str:
    """Many pages: the run that goes on with them, until one fails."""
    stand_ins.watched = lambda: WatchdogReport(users=70, lost_pilots=60, orphaned_killmail_ids=[3])
    pages = [RestoredSyncs(1, CHARACTER + number) for number in range(12)]
    stand_ins.answers["restore_syncs"] = [*pages, failure(FailureType.INFRASTRUCTURE)]
    handle = await client.start_workflow(
        "Watchdog", id="watchdog-recorded", task_queue=SYNC_QUEUE, result_type=WatchdogReport
    )
    began = handle.first_execution_run_id
    report = await handle.result()
    assert (report.started, report.references_redriven) == (12, 1)
    assert await run_of(client, "watchdog-recorded") != began
    return "watchdog-recorded"


async def every_killmail(client: Client, stand_ins: Scripted) -> str:
    """The first of two runs."""
    first = await _begin_revaluation(client, stand_ins)
    return f"{REVALUATION_ID}/{first}"


async def continued(client: Client, stand_ins: Scripted) -> str:
    """The second, to its end."""
    await _begin_revaluation(client, stand_ins)
    return REVALUATION_ID


async def _begin_revaluation(client: Client, stand_ins: Scripted) -> str:
    stand_ins.answers["appraise_killmails"] = [
        AppraisedKillmails(1000, 40, 1000 * batch, done=False) for batch in range(1, 10)
    ]
    handle = await client.start_workflow(
        "Revaluation", Revalued(since="2026-01-01"), id=REVALUATION_ID, task_queue=SYNC_QUEUE
    )
    first = await run_of(client, REVALUATION_ID)
    await next_run(client, REVALUATION_ID, first)
    await handle.result()
    return first


async def three_batches(client: Client, stand_ins: Scripted) -> str:
    """A neglected installation."""
    stand_ins.answers["delete_what_is_old"] = [Housekept(5000, 100, 20, 3, done=False)] * 2
    await client.execute_workflow("Housekeeping", id="housekeeping-recorded", task_queue=SYNC_QUEUE)
    return "housekeeping-recorded"


async def an_hour(client: Client, stand_ins: Scripted) -> str:  # noqa: ARG001
    """Those whose hour has come."""
    await client.execute_workflow("DailyFullSync", id="daily-full-sync-recorded", task_queue=SYNC_QUEUE)
    return "daily-full-sync-recorded"


async def a_newly_busy_one(client: Client, stand_ins: Scripted) -> str:
    """Two parts of the work, then all is whole."""
    stand_ins.answers["build_sums"] = [SumsBuilt(3, 2)] * 2
    await client.execute_workflow("Sums", id="sums-recorded", task_queue=SYNC_QUEUE)
    return "sums-recorded"


async def at_once(client: Client, stand_ins: Scripted) -> str:  # noqa: ARG001
    """EVE takes the grant back at the first attempt."""
    await start_departure(client, CHARACTER)
    await client.get_workflow_handle(departure_id(CHARACTER)).result()
    return departure_id(CHARACTER)


async def hours_later(client: Client, stand_ins: Scripted) -> str:
    """EVE's SSO is away, then does not take us for who we are, then takes the grant back."""
    stand_ins.answers["finish_departure"] = [failure(FailureType.UNAVAILABLE), failure(FailureType.CONFIGURATION)]
    leaving = LeavingCharacter(CHARACTER)
    await client.execute_workflow("Departure", leaving, id=departure_id(CHARACTER), task_queue=SYNC_QUEUE)
    return departure_id(CHARACTER)


WATCHDOG = (
    Scenario(orphans),
    Scenario(more_orphans_than_can_be_named),
    Scenario(orphans_without_names),
    Scenario(the_lost),
    Scenario(the_lost_continued, continues_after=40),
)
PRICE_SNAPSHOT = (Scenario(prices_that_must_wait, skips_time=True),)
MARKET_HISTORY = (Scenario(months_of_the_market, skips_time=True),)
STATIC_DATA_FOLLOW = (Scenario(a_newer_build, skips_time=True),)
REVALUATION = (Scenario(every_killmail, continues_after=40), Scenario(continued, continues_after=40))
HOUSEKEEPING = (Scenario(three_batches),)
DAILY_FULL_SYNC = (Scenario(an_hour),)
SUMS = (Scenario(a_newly_busy_one),)
DEPARTURE = (Scenario(at_once), Scenario(hours_later, skips_time=True))
