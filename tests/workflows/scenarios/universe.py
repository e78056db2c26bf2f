"""`Enrichment`, `NameRefresh`, `KillmailNaming`: what is told besides the killmails themselves."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from temporalio.client import Client, WorkflowFailureError

from contracts.activities import DETAILS
from contracts.sync import FailureType
from contracts.task_queues import SYNC_QUEUE
from contracts.universe import ENRICHMENT_ID, NAME_REFRESH_ID, Described, RefreshedNames
from temporal.universe import name_killmail, refresh_names_now, wake_enrichment
from tests.workflows.scenarios import Scenario, next_run, run_of
from tests.workflows.scripted import Scripted, limited
from tests.workflows.stand_ins import failure
from tests.workflows.waiting import eventually


async def woken_while_it_works(client: Client, stand_ins: Scripted) -> str:
    """Several rounds of one kind, a limit for another, and more that is wanted before the last has ended."""
    stand_ins.answers = {
        "describe_characters": [Described(100, 2, more=True), Described(40, 1)],
        "describe_types": [limited(2), Described(7)],
    }
    held = stand_ins.held["describe_places"] = asyncio.Event()
    await wake_enrichment(client)

    async def others_are_done() -> bool:
        return stand_ins.asked.count("describe_types") == 2

    await eventually(others_are_done)
    await wake_enrichment(client)
    held.set()
    await client.get_workflow_handle(ENRICHMENT_ID).result()
    return ENRICHMENT_ID


async def put_off(client: Client, stand_ins: Scripted) -> str:
    """One kind fails once, another until it is put off."""
    away = failure(FailureType.UNAVAILABLE)
    stand_ins.answers = {"describe_corporations": [away, Described(1)], "describe_alliances": [away] * 6}
    await client.execute_workflow("Enrichment", id=ENRICHMENT_ID, task_queue=SYNC_QUEUE)
    return ENRICHMENT_ID


async def more_than_a_run_takes(client: Client, stand_ins: Scripted) -> str:
    """The first of two runs."""
    stand_ins.answers = {kind.name: [Described(50, more=True)] * 5 for kind in DETAILS}
    await wake_enrichment(client)
    first = await run_of(client, ENRICHMENT_ID)
    await next_run(client, ENRICHMENT_ID, first)
    await client.get_workflow_handle(ENRICHMENT_ID).result()
    return f"{ENRICHMENT_ID}/{first}"


async def one_kind_waits(client: Client, stand_ins: Scripted) -> str:
    """A limit for one kind; the others go on when more is wanted, twice."""
    stand_ins.answers = {"describe_alliances": [limited(3)], "describe_characters": [Described(100, 2), Described(9)]}
    for times in (1, 2, 3):
        await wake_enrichment(client)

        async def characters_are_described(times: int = times) -> bool:
            return stand_ins.asked.count("describe_characters") == times

        await eventually(characters_are_described)
    await client.get_workflow_handle(ENRICHMENT_ID).result()
    return ENRICHMENT_ID


async def made_up_for(client: Client, stand_ins: Scripted) -> str:
    """What nobody could name when it came: two batches, ESI's limit in between."""
    stand_ins.answers = {"name_missed_killmails": [Described(30, more=True), limited(1), Described(4, 1)]}
    await wake_enrichment(client)
    await client.get_workflow_handle(ENRICHMENT_ID).result()
    return ENRICHMENT_ID


async def aged_names(client: Client, stand_ins: Scripted) -> str:
    """Three batches, a limit in between."""
    stand_ins.answers["refresh_names"] = [
        RefreshedNames(1000, 3, 1, after_id=90_000_000, done=False),
        limited(2),
        RefreshedNames(1000, 1, 0, after_id=98_000_000, done=False),
    ]
    await refresh_names_now(client)
    return f"{NAME_REFRESH_ID}-now"


async def left_to_the_next_day(client: Client, stand_ins: Scripted) -> str:
    """One batch, then failures without an end."""
    stand_ins.answers["refresh_names"] = [
        RefreshedNames(1000, 3, 1, after_id=90_000_000, done=False),
        *[failure(FailureType.UNAVAILABLE)] * 6,
    ]
    await client.execute_workflow("NameRefresh", id=NAME_REFRESH_ID, task_queue=SYNC_QUEUE)
    return NAME_REFRESH_ID


async def one_killmail(client: Client, stand_ins: Scripted) -> str:  # noqa: ARG001 - answers as they are
    """Ordered for a second later, as with a killmail that somebody adds by its link."""
    await name_killmail(client, 1, timedelta(seconds=1))
    await client.get_workflow_handle("killmail-naming-1").result()
    return "killmail-naming-1"


async def names_that_cannot_be_had(client: Client, stand_ins: Scripted) -> str:
    """The workflow fails; the names come with `Enrichment`."""
    stand_ins.names = lambda _: failure(FailureType.UNAVAILABLE)
    await name_killmail(client, 1, timedelta())
    try:
        await client.get_workflow_handle("killmail-naming-1").result()
    except WorkflowFailureError:
        return "killmail-naming-1"
    raise AssertionError("It did not fail.")


ENRICHMENT = (
    Scenario(woken_while_it_works),
    Scenario(put_off, skips_time=True),
    Scenario(more_than_a_run_takes, continues_after=80),
    Scenario(one_kind_waits),
    Scenario(made_up_for),
)
NAME_REFRESH = (Scenario(aged_names), Scenario(left_to_the_next_day, skips_time=True))
NAMING = (Scenario(one_killmail), Scenario(names_that_cannot_be_had))
