"""What `ZkillboardImport` decides: when to wait, when to give up, where the list goes on, and that nothing is lost."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from temporalio.client import Client, WorkflowFailureError
from temporalio.testing import WorkflowEnvironment

from contracts.activity_policy import THROUGH_AN_OUTAGE
from contracts.call_classes import PRIORITY_OF, CallClass
from contracts.imports import CountedPage, Estimate, ImportAccount, ImportedPage, ImportRunState, ImportState, Position
from contracts.sync import FailureType
from contracts.task_queues import SYNC_QUEUE
from temporal.zkillboard_import import cancel_import, start_import
from tests.workflows.conftest import Served
from tests.workflows.stand_ins import StandIns, failure, passing_failure
from tests.workflows.waiting import CHARACTER, eventually, until_import

SECONDS = 60


def pages(last: int) -> StandIns:
    """A list of so many full pages, all with bodies."""
    stand_ins = StandIns()
    stand_ins.imports.counted = lambda page: CountedPage(200 if page <= last else 0, 200)
    stand_ins.imports.page = lambda position: ImportedPage(200 if position.page <= last else 0)
    return stand_ins


async def test_the_last_page_is_found_in_few_requests(temporal_client: Client, serve: Served) -> None:
    stand_ins, asked = StandIns(), list[int]()

    def counted(page: int) -> CountedPage:
        asked.append(page)
        return CountedPage(200 if page < 37 else 80 if page == 37 else 0, 0)

    stand_ins.imports.counted, stand_ins.imports.here = counted, 1280
    await serve(temporal_client, stand_ins)
    await start_import(temporal_client, CHARACTER, ask_first=True, reason="test")
    status = await until_import(temporal_client, lambda s: s.state is ImportState.ESTIMATED)
    assert status.estimate is not None
    assert (status.estimate.killmails, status.estimate.new, status.estimate.pages) == (7280, 6000, 37)
    assert not status.estimate.at_least
    assert status.estimate.seconds > 6000, "without bodies ESI is asked for each"
    assert len(asked) <= 9
    assert status.message == (
        "zKillboard lists about 7,280 killmails for this character (about 6,000 not here yet); the import takes about"
        " 2 hours."
    )


async def test_an_import_asked_for_while_one_is_put_on_record_comes_after_it(
    temporal_client: Client, serve: Served
) -> None:
    stand_ins = pages(1)
    stand_ins.imports.may_finish = asyncio.Event()
    await serve(temporal_client, stand_ins)
    handle = await start_import(temporal_client, CHARACTER, ask_first=False, reason="test")

    async def finishing() -> bool:
        return bool(stand_ins.imports.finished)

    await eventually(finishing)
    again = await start_import(temporal_client, CHARACTER, ask_first=False, reason="test")
    stand_ins.imports.may_finish.set()
    await asyncio.wait_for(again.result(), SECONDS)
    await asyncio.wait_for(handle.result(), SECONDS)
    assert (stand_ins.imports.begun, len(stand_ins.imports.finished)) == (2, 2)


async def test_whoever_cancels_and_asks_again_at_once_gets_another_import(
    temporal_client: Client, serve: Served
) -> None:
    handle = await start_import(temporal_client, CHARACTER, ask_first=False, reason="test")
    await cancel_import(temporal_client, CHARACTER, "test")
    await start_import(temporal_client, CHARACTER, ask_first=False, reason="test")
    stand_ins = pages(1)
    await serve(temporal_client, stand_ins)  # now: the orders meet a run that has heard all of them before it ends
    account = await asyncio.wait_for(handle.result(), SECONDS)
    assert [finish.state for finish in stand_ins.imports.finished] == [ImportState.CANCELLED, ImportState.DONE]
    assert account.state is ImportState.DONE


async def test_whoever_cancels_last_gets_none(temporal_client: Client, serve: Served) -> None:
    handle = await start_import(temporal_client, CHARACTER, ask_first=False, reason="test")
    await cancel_import(temporal_client, CHARACTER, "test")
    await start_import(temporal_client, CHARACTER, ask_first=False, reason="test")
    await cancel_import(temporal_client, CHARACTER, "test")
    stand_ins = pages(1)
    await serve(temporal_client, stand_ins)
    account = await asyncio.wait_for(handle.result(), SECONDS)
    assert account.state is ImportState.CANCELLED
    assert len(stand_ins.imports.finished) == 1


async def test_an_import_that_runs_is_not_begun_again(temporal_client: Client, serve: Served) -> None:
    stand_ins = pages(3)
    await serve(temporal_client, stand_ins)
    await start_import(temporal_client, CHARACTER, ask_first=True, reason="test")
    await until_import(temporal_client, lambda s: s.state is ImportState.ESTIMATED)
    handles = [await start_import(temporal_client, CHARACTER, ask_first=False, reason="test") for _ in range(3)]
    for handle in handles:
        await asyncio.wait_for(handle.result(), SECONDS)
    assert stand_ins.imports.begun == 1
    assert stand_ins.imports.read == [(0, 0, 1), (0, 0, 2), (0, 0, 3), (0, 0, 4)]


async def test_what_zkillboard_does_not_give_is_fetched_at_the_lowest_class(
    temporal_client: Client, serve: Served
) -> None:
    stand_ins = StandIns()
    stand_ins.imports.counted = lambda page: CountedPage(120 if page == 1 else 0)
    stand_ins.imports.page = lambda position: (
        ImportedPage(120, [1, 2], list(range(3, 121))) if position.page == 1 else ImportedPage()
    )
    await serve(temporal_client, stand_ins)
    handle = await start_import(temporal_client, CHARACTER, ask_first=False, reason="test")
    await asyncio.wait_for(handle.result(), SECONDS)
    assert [len(batch) for batch in stand_ins.fetched] == [50, 50, 18]
    assert sorted(killmail_id for batch in stand_ins.named for killmail_id in batch) == list(range(1, 121))
    history = await handle.fetch_history()
    scheduled = [
        event.activity_task_scheduled_event_attributes.priority.priority_key
        for event in history.events
        if event.HasField("activity_task_scheduled_event_attributes")
    ]
    assert set(scheduled) == {PRIORITY_OF[CallClass.IMPORT]}


async def test_a_cancelled_import_does_not_wait_for_the_limit_to_end(temporal_client: Client, serve: Served) -> None:
    stand_ins = pages(3)
    later = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    stand_ins.imports.page = lambda _: failure(FailureType.RATE_LIMITED, later)
    await serve(temporal_client, stand_ins)
    handle = await start_import(temporal_client, CHARACTER, ask_first=False, reason="test")
    status = await until_import(temporal_client, lambda s: s.state is ImportState.WAITING)
    assert status.message.startswith("The import is on hold: the request limit of EVE or zKillboard has been reached;")
    await cancel_import(temporal_client, CHARACTER, "test")
    account = await asyncio.wait_for(handle.result(), SECONDS)
    assert account.state is ImportState.CANCELLED
    assert [finish.state for finish in stand_ins.imports.finished] == [ImportState.CANCELLED]


async def test_temporals_own_cancellation_is_put_on_record_too(temporal_client: Client, serve: Served) -> None:
    stand_ins = pages(1)
    await serve(temporal_client, stand_ins)
    handle = await start_import(temporal_client, CHARACTER, ask_first=True, reason="test")
    await until_import(temporal_client, lambda s: s.state is ImportState.ESTIMATED)
    await handle.cancel()

    async def recorded() -> bool:
        return [finish.state for finish in stand_ins.imports.finished] == [ImportState.CANCELLED]

    await eventually(recorded)


async def test_refusals_and_outages_are_borne_and_end(skipping: WorkflowEnvironment, serve: Served) -> None:
    stand_ins = pages(2)
    troubles: list[Exception] = [failure(FailureType.UNAVAILABLE) for _ in range(7)]
    stand_ins.imports.page = lambda position: (
        troubles.pop() if troubles else ImportedPage(200 if position.page <= 2 else 0)
    )
    await serve(skipping.client, stand_ins)
    handle = await start_import(skipping.client, CHARACTER, ask_first=False, reason="test")
    account = await asyncio.wait_for(handle.result(), SECONDS)
    assert account.state is ImportState.DONE, "an outage of hours is waited for"

    stand_ins.imports.page = lambda _: failure(FailureType.REFUSED)
    stand_ins.imports.read.clear()
    handle = await start_import(skipping.client, CHARACTER, ask_first=False, reason="test")
    account = await asyncio.wait_for(handle.result(), SECONDS)
    assert (account.state, account.failure) == (ImportState.FAILED, FailureType.REFUSED)
    assert len(stand_ins.imports.read) == 3, "zKillboard counts errors"

    stand_ins.imports.page = lambda _: failure(FailureType.REMOVED)
    handle = await start_import(skipping.client, CHARACTER, ask_first=False, reason="test")
    assert (await asyncio.wait_for(handle.result(), SECONDS)).state is ImportState.CANCELLED


async def test_an_outage_of_our_own_ends_no_import(skipping: WorkflowEnvironment, serve: Served) -> None:
    stand_ins = pages(2)
    missed = {"page": 0, "note": 0, "finish": 0}
    tries = THROUGH_AN_OUTAGE.maximum_attempts

    def away(what: str, attempts: int) -> Exception | None:
        missed[what] += 1
        return passing_failure() if missed[what] <= attempts else None

    lists = stand_ins.imports.page
    # The import's first note and both of its wait outlast their policy, and so do the first two calls for the account.
    stand_ins.imports.page = lambda position: (
        failure(FailureType.INFRASTRUCTURE) if away("page", 1) is not None else lists(position)
    )
    stand_ins.imports.noting = lambda note: away("note", 3 * tries) if note.state is not ImportState.ESTIMATED else None
    stand_ins.imports.finishing = lambda _: away("finish", 2 * tries)
    await serve(skipping.client, stand_ins)
    handle = await start_import(skipping.client, CHARACTER, ask_first=False, reason="test")
    account = await asyncio.wait_for(handle.result(), SECONDS)
    assert account.state is ImportState.DONE
    assert {finish.state for finish in stand_ins.imports.finished} == {ImportState.DONE}
    assert (missed["note"], missed["finish"]) == (3 * tries, 2 * tries + 1)


async def test_an_estimate_is_shown_though_our_database_was_away(skipping: WorkflowEnvironment, serve: Served) -> None:
    stand_ins = pages(1)
    troubles: list[Exception] = [passing_failure() for _ in range(THROUGH_AN_OUTAGE.maximum_attempts)]
    stand_ins.imports.noting = lambda _: troubles.pop() if troubles else None
    await serve(skipping.client, stand_ins)
    handle = await start_import(skipping.client, CHARACTER, ask_first=True, reason="test")
    account = await asyncio.wait_for(handle.result(), SECONDS)
    assert account.state is ImportState.CANCELLED, "after a day without an answer"
    assert stand_ins.imports.notes[-1].state is ImportState.ESTIMATED


async def test_an_account_that_cannot_be_put_on_record_is_given_up_after_a_day(
    skipping: WorkflowEnvironment, serve: Served
) -> None:
    stand_ins = pages(1)
    stand_ins.imports.finishing = lambda _: passing_failure()
    await serve(skipping.client, stand_ins)
    handle = await start_import(skipping.client, CHARACTER, ask_first=False, reason="test")
    with pytest.raises(WorkflowFailureError):
        await asyncio.wait_for(handle.result(), SECONDS)
    ended = await handle.describe()
    assert ended.close_time is not None
    assert timedelta(days=1) < ended.close_time - ended.start_time < timedelta(days=1.5)


async def test_an_estimate_without_an_answer_is_dropped_after_a_day(
    skipping: WorkflowEnvironment, serve: Served
) -> None:
    stand_ins = pages(1)
    await serve(skipping.client, stand_ins)
    began = await skipping.get_current_time()
    handle = await start_import(skipping.client, CHARACTER, ask_first=True, reason="test")
    account = await asyncio.wait_for(handle.result(), SECONDS)
    assert account.state is ImportState.CANCELLED
    assert stand_ins.imports.read == []
    assert (await skipping.get_current_time()) - began >= timedelta(days=1)


async def test_behind_the_hundredth_page_the_list_goes_on_by_month(temporal_client: Client, serve: Served) -> None:
    stand_ins = StandIns()

    lengths = {(2008, 2): 1, (2008, 1): 0, (2007, 12): 0}

    def page(position: Position) -> ImportedPage:
        if not position.year:
            return ImportedPage(200, oldest_year=2008, oldest_month=2)
        return ImportedPage(200 if position.page <= lengths[position.year, position.month] else 0)

    async def import_from(position: Position) -> ImportAccount:
        stand_ins.imports.read.clear()
        state = ImportRunState(CHARACTER, estimate=Estimate(20_000, 20_000, 100), position=position)
        account: ImportAccount = await temporal_client.execute_workflow(
            "ZkillboardImport", state, id="import", task_queue=SYNC_QUEUE, result_type=ImportAccount
        )
        return account

    stand_ins.imports.page = page
    await serve(temporal_client, stand_ins)
    await import_from(Position(page=99))
    by_month = [(2008, 2, 1), (2008, 2, 2), (2008, 1, 1), (2007, 12, 1)]
    assert stand_ins.imports.read == [(0, 0, 99), (0, 0, 100), *by_month]
    lengths[2008, 1] = 100
    account = await import_from(Position(2008, 1, 98))
    assert stand_ins.imports.read == [(2008, 1, 98), (2008, 1, 99), (2008, 1, 100), (2007, 12, 1)]
    assert account.cut_off, "a month had as many pages as zKillboard gives, so it says so"
