"""A new version of the workers among running pilots: tried out, made current, taken back; nobody loses anything."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import aiohttp
import asyncpg
import pytest
from temporalio.api.enums.v1 import WorkflowTaskFailedCause
from temporalio.client import Client

from contracts.sync import user_sync_id
from sandbox.eve.options import SandboxOptions
from sandbox.eve.server import SandboxEve
from sandbox.installation import Installation, Pilot, eventually
from settings import Settings
from temporal.connection import connect_temporal
from temporal.deployments import deployment
from tests.paths import ROOT

PILOTS = int(os.environ.get("UPGRADE_PILOTS", "16"))
"""UPGRADE_PILOTS=200 for the figures of `docs/upgrading.md`."""
PATIENCE = 60.0 + 3 * PILOTS
OLD, NEW = "1.0", "2.0"
NO_CAUSE = WorkflowTaskFailedCause.WORKFLOW_TASK_FAILED_CAUSE_UNSPECIFIED
"""Of any other event."""
BEFORE = "        state, now = self._state, workflow.now()\n        manual = "
CHANGED = "        await workflow.sleep(timedelta(milliseconds=1))\n" + BEFORE


@pytest.fixture
def eve_options() -> SandboxOptions:
    return SandboxOptions(strangers=60, pilots=PILOTS, history=False, list_cache_seconds=0.2, window_seconds=5)


@pytest.fixture
def environment(environment: dict[str, str]) -> dict[str, str]:
    return environment | {
        "SYNC_INTERVAL_SECONDS": str(max(3, PILOTS // 8)),
        "WORKER_VERSIONING": "true",
        "BUILD_ID": OLD,
        # All log in from one address.
        "GRAPHQL_ANONYMOUS_REQUESTS_PER_MINUTE": "100000",
        "GRAPHQL_ANONYMOUS_COST_PER_MINUTE": "100000000",
    }


def with_another_workflow(installation: Installation, directory: Path) -> Installation:
    """The next version: each look begins with a timer, which no run of the version before has in its history."""
    program = directory / "next version"
    shutil.copytree(ROOT / "workflows", program / "workflows")
    loop = program / "workflows" / "sync_loop.py"
    source = loop.read_text()
    assert source.count(BEFORE) == 1
    loop.write_text(source.replace(BEFORE, CHANGED))
    changes = {"BUILD_ID": NEW, "PYTHONPATH": f"{program}{os.pathsep}{ROOT}", "PYTHONSAFEPATH": "1"}
    return replace(installation, environment={**installation.environment, **changes}, directory=program, running=[])


async def versions(client: Client) -> Counter[str]:
    """On which version the pilots' runs are."""

    async def version(character_id: int) -> str:
        found = await client.get_workflow_handle(user_sync_id(character_id)).describe()
        return found.raw_description.workflow_execution_info.versioning_info.deployment_version.build_id

    ids = [int(one.id.rpartition("-")[2]) async for one in client.list_workflows('WorkflowType="UserSync"')]
    return Counter(await asyncio.gather(*(version(one) for one in set(ids))))


async def log_everybody_in(installation: Installation, eve: SandboxEve) -> None:
    async def log_in(character_id: int) -> None:
        async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as session:
            await Pilot(installation.site, session).log_in(character_id)

    for pilot in eve.pilots:
        await log_in(pilot.character_id)


async def test_upgraded_and_taken_back_in_the_middle_of_running_pilots(
    installation: Installation,
    eve: SandboxEve,
    database: asyncpg.Connection[asyncpg.Record],
    settings: Settings,
    tmp_path: Path,
) -> None:
    client = await connect_temporal(settings)
    await installation.start_api()
    await installation.start_worker()
    await eventually(lambda: _knows(client, OLD), "Temporal to know the first version")
    assert "No version gets the work yet" in await installation.run("deploy", "status")
    await installation.run("deploy", "set-current", OLD)
    for pilot in eve.pilots:
        eve.add_killmails(pilot.character_id, 5)
    await log_everybody_in(installation, eve)
    paused, *others = (pilot.character_id for pilot in eve.pilots)

    async def everybody_finds_one() -> None:
        """Each pilot who is not paused has a look that stores a killmail."""
        for one in others:
            eve.add_killmails(one, 1)
        await eventually(lambda: _all_is_stored(database, eve), "a killmail of each to be stored", seconds=PATIENCE)

    await eventually(lambda: _all_is_stored(database, eve), "the first syncs", seconds=PATIENCE)
    assert await versions(client) == {OLD: PILOTS}
    await installation.run("pause", str(paused))

    following = with_another_workflow(installation, tmp_path)
    try:
        await following.start_worker()
        await eventually(lambda: _knows(client, NEW), "Temporal to know the second version")
        await installation.run("deploy", "ramp", NEW, "10")
        with told("tried out through two looks of everybody"):
            # Those of the tenth move after the first.
            await everybody_finds_one()
            await everybody_finds_one()
        tenth = await versions(client)
        assert 0 < tenth[NEW] <= PILOTS * 0.3, tenth
        assert tenth[OLD] == PILOTS - tenth[NEW], tenth

        await installation.run("deploy", "set-current", NEW)
        with told("all have moved, the paused one too"):
            await eventually(lambda: _all_are_on(client, NEW), "everybody on the next version", seconds=PATIENCE)
        with told("a new killmail of each was stored"):
            await everybody_finds_one()

        await installation.run("deploy", "set-current", OLD)
        with told("all are back"):
            await eventually(lambda: _all_are_on(client, OLD), "everybody on the version before", seconds=PATIENCE)
        with told("a new killmail of each was stored"):
            await everybody_finds_one()
    finally:
        await following.stop()
    print(f"{tenth[NEW]} of {PILOTS} were tried out; {len(listed(eve))} killmails, each stored once")  # noqa: T201
    assert await _failed_tasks(client) == []
    status = json.loads(await installation.run("deploy", "status", "--json"))
    assert (status["current"], status["ramping"]) == (OLD, "")
    with pytest.raises(AssertionError, match=r"Start workers with WORKER_VERSIONING=true and BUILD_ID=3\.0 first"):
        await installation.run("deploy", "set-current", "3.0")


@contextmanager
def told(what: str) -> Iterator[None]:
    """Prints how long it took, for whoever runs it with `-s`."""
    started = time.monotonic()
    yield
    print(f"{PILOTS} pilots: {what}: {time.monotonic() - started:.1f} s")  # noqa: T201


async def _knows(client: Client, build_id: str) -> bool:
    return build_id in {version.build_id for version in (await deployment(client)).versions}


async def _all_are_on(client: Client, build_id: str) -> bool:
    return await versions(client) == {build_id: PILOTS}


async def _all_is_stored(database: asyncpg.Connection[asyncpg.Record], eve: SandboxEve) -> bool:
    rows = await database.fetch("SELECT killmail_id FROM killmails")
    return sorted(row["killmail_id"] for row in rows) == sorted(listed(eve))


def listed(eve: SandboxEve) -> set[int]:
    """The killmails of which EVE tells any of the pilots."""
    return {one for pilot in eve.pilots for one in eve.listed_killmail_ids(pilot.character_id)}


async def _failed_tasks(client: Client) -> list[str]:
    """Runs with a workflow task that failed: what no replay understood."""
    failed = []
    async for run in client.list_workflows('WorkflowType="UserSync"'):
        handle = client.get_workflow_handle(run.id, run_id=run.run_id)
        for event in (await handle.fetch_history()).events:
            cause = event.workflow_task_failed_event_attributes.cause
            # A signal that came while a run ended: the server asks for the task once more, and all is well.
            if cause not in (NO_CAUSE, WorkflowTaskFailedCause.WORKFLOW_TASK_FAILED_CAUSE_UNHANDLED_COMMAND):
                failed.append(f"{run.id}/{run.run_id}: {WorkflowTaskFailedCause.Name(cause)}")
    return failed
