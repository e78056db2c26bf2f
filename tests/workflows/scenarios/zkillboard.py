"""`ZkillboardImport`: an import that is done, and the ways in which one ends before that."""

from __future__ import annotations

import asyncio

from temporalio.client import Client, WorkflowFailureError

from contracts.activity_policy import THROUGH_AN_OUTAGE
from contracts.imports import (
    CountedPage,
    Estimate,
    ImportedPage,
    ImportRunState,
    ImportState,
    Position,
    zkillboard_import_id,
)
from contracts.sync import FailureType
from contracts.task_queues import SYNC_QUEUE
from temporal.zkillboard_import import cancel_import, start_import
from tests.workflows.scenarios import Scenario, run_of
from tests.workflows.scripted import limited
from tests.workflows.stand_ins import StandIns, failure, passing_failure
from tests.workflows.waiting import CHARACTER, eventually, shows, until_import

WORKFLOW_ID = zkillboard_import_id(CHARACTER)


def lists(stand_ins: StandIns, pages: int) -> None:
    """So many full pages, all with bodies."""
    stand_ins.imports.counted = lambda page: CountedPage(200 if page <= pages else 0, 200)
    stand_ins.imports.page = lambda position: ImportedPage(200 if position.page <= pages else 0)


async def estimate_and_pages(client: Client, stand_ins: StandIns) -> str:
    """An estimate, the pilot's word, pages with and without bodies, a limit, names that are put off, the account."""
    budget_is_spent: list[Exception] = [limited(2)]
    unnamed: list[Exception] = [failure(FailureType.UNAVAILABLE)]
    stand_ins.imports.counted = lambda page: CountedPage(200 if page < 4 else 0, 100)
    stand_ins.imports.here = 150

    def page(position: Position) -> ImportedPage | Exception:
        if position.page == 2 and budget_is_spent:
            return budget_is_spent.pop()
        if position.page > 3:
            return ImportedPage()
        first = position.page * 1000
        return ImportedPage(200, list(range(first, first + 100)), list(range(first + 100, first + 200)))

    stand_ins.imports.page = page
    stand_ins.names = lambda _: unnamed.pop() if unnamed else None
    await start_import(client, CHARACTER, ask_first=True, reason="recorded")
    await until_import(client, shows(ImportState.ESTIMATED))
    handle = await start_import(client, CHARACTER, ask_first=False, reason="recorded")
    await handle.result()
    return WORKFLOW_ID


async def cancelled_while_it_waits(client: Client, stand_ins: StandIns) -> str:
    """Cancelled while it waits for zKillboard to come back."""
    lists(stand_ins, 1)
    stand_ins.imports.page = lambda _: failure(FailureType.UNAVAILABLE)
    handle = await start_import(client, CHARACTER, ask_first=False, reason="recorded")
    await until_import(client, shows(ImportState.WAITING))
    await cancel_import(client, CHARACTER, "recorded")
    await handle.result()
    return WORKFLOW_ID


async def cancelled_by_an_operator(client: Client, stand_ins: StandIns) -> str:
    """With `temporal workflow cancel`, while the pilot is asked."""
    lists(stand_ins, 1)
    handle = await start_import(client, CHARACTER, ask_first=True, reason="recorded")
    await until_import(client, shows(ImportState.ESTIMATED))
    await handle.cancel()
    try:
        await handle.result()
    except WorkflowFailureError:
        return WORKFLOW_ID
    raise AssertionError("It was not cancelled.")


async def without_an_answer(client: Client, stand_ins: StandIns) -> str:
    """The pilot says nothing for a day."""
    lists(stand_ins, 1)
    handle = await start_import(client, CHARACTER, ask_first=True, reason="recorded")
    await handle.result()
    return WORKFLOW_ID


async def nothing_listed(client: Client, stand_ins: StandIns) -> str:  # noqa: ARG001 - answers as they are
    """zKillboard knows no killmail of the character."""
    handle = await start_import(client, CHARACTER, ask_first=True, reason="recorded")
    await handle.result()
    return WORKFLOW_ID


async def given_up(client: Client, stand_ins: StandIns) -> str:
    """Two outages that end, then refusals that do not."""
    lists(stand_ins, 2)
    troubles = [FailureType.UNAVAILABLE, FailureType.UNAVAILABLE, "", *[FailureType.REFUSED] * 3]

    def page(_: Position) -> ImportedPage | Exception:
        trouble = troubles.pop(0)
        return failure(trouble) if trouble else ImportedPage(200)

    stand_ins.imports.page = page
    handle = await start_import(client, CHARACTER, ask_first=False, reason="recorded")
    await handle.result()
    return WORKFLOW_ID


async def our_own_outage(client: Client, stand_ins: StandIns) -> str:
    """A page, what is shown of the import, and its account fail for as long as they are tried; then all is well."""
    lists(stand_ins, 2)
    page, tries = stand_ins.imports.page, THROUGH_AN_OUTAGE.maximum_attempts
    unread: list[Exception] = [failure(FailureType.INFRASTRUCTURE)]
    unshown: list[Exception] = [passing_failure() for _ in range(3 * tries)]
    unrecorded: list[Exception] = [passing_failure() for _ in range(tries)]
    stand_ins.imports.page = lambda position: unread.pop() if unread else page(position)
    stand_ins.imports.noting = lambda _: unshown.pop() if unshown else None
    stand_ins.imports.finishing = lambda _: unrecorded.pop() if unrecorded else None
    handle = await start_import(client, CHARACTER, ask_first=False, reason="recorded")
    await handle.result()
    return WORKFLOW_ID


async def its_pilot_left(client: Client, stand_ins: StandIns) -> str:
    """The character is removed while its pages are read."""
    lists(stand_ins, 2)
    stand_ins.imports.page = lambda _: failure(FailureType.REMOVED)
    handle = await start_import(client, CHARACTER, ask_first=False, reason="recorded")
    await handle.result()
    return WORKFLOW_ID


async def by_month(client: Client, stand_ins: StandIns) -> str:
    """Behind the hundredth page, back to the first month there is."""
    lengths = {(2008, 2, 1): 150, (0, 0, 99): 200, (0, 0, 100): 200}

    def page(position: Position) -> ImportedPage:
        length = lengths.get((position.year, position.month, position.page), 0)
        return ImportedPage(length, oldest_year=2008, oldest_month=2)

    stand_ins.imports.page = page
    state = ImportRunState(CHARACTER, estimate=Estimate(20_000, 20_000, 100), position=Position(page=99))
    await client.execute_workflow("ZkillboardImport", state, id=WORKFLOW_ID, task_queue=SYNC_QUEUE)
    return WORKFLOW_ID


async def continued(client: Client, stand_ins: StandIns) -> str:
    """The second run of an import of many pages, to its end."""
    lists(stand_ins, 11)
    handle = await start_import(client, CHARACTER, ask_first=False, reason="recorded")
    await handle.result()
    return WORKFLOW_ID


async def asked_for_again(client: Client, stand_ins: StandIns) -> str:
    """The pilot wants the next one while this one is put on record."""
    lists(stand_ins, 1)
    stand_ins.imports.may_finish = asyncio.Event()
    handle = await start_import(client, CHARACTER, ask_first=False, reason="recorded")
    first = await run_of(client, WORKFLOW_ID)

    async def finishing() -> bool:
        return bool(stand_ins.imports.finished)

    await eventually(finishing)
    await start_import(client, CHARACTER, ask_first=True, reason="recorded")
    await start_import(client, CHARACTER, ask_first=False, reason="recorded")
    stand_ins.imports.may_finish.set()
    await handle.result()
    return f"{WORKFLOW_ID}/{first}"


SCENARIOS = (
    Scenario(estimate_and_pages),
    Scenario(cancelled_while_it_waits),
    Scenario(cancelled_by_an_operator),
    Scenario(without_an_answer, skips_time=True),
    Scenario(nothing_listed),
    Scenario(given_up, skips_time=True),
    Scenario(our_own_outage, skips_time=True),
    Scenario(its_pilot_left),
    Scenario(by_month),
    Scenario(continued, continues_after=60),
    Scenario(asked_for_again),
)
