"""What an operator types has its effect: Temporal's own CLI, and the commands that wrap it."""

from __future__ import annotations

import asyncio
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from sandbox.eve.options import SandboxOptions
from sandbox.eve.server import SandboxEve
from sandbox.installation import Installation, Pilot, eventually
from sandbox.programs import TEMPORAL
from settings import Settings
from temporal.connection import connect_temporal

EVERYONE = 'WorkflowType="UserSync" AND ExecutionStatus="Running"'


@pytest.fixture
def eve_options() -> SandboxOptions:
    return SandboxOptions(strangers=60, list_cache_seconds=0.2, first_killmails=20)


async def run(*command: str, environment: dict[str, str], directory: Path) -> str:
    """What it prints; fails unless its exit status is 0."""
    done = await asyncio.to_thread(
        subprocess.run, command, cwd=directory, env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


async def test_signals_have_their_effect_in_the_status_and_on_the_page(
    installation: Installation,
    pilot: Pilot,
    eve: SandboxEve,
    environment: dict[str, str],
    settings: Settings,
    tmp_path: Path,
) -> None:
    character_id = eve.pilots[0].character_id
    handle = (await connect_temporal(settings)).get_workflow_handle(f"user-sync-{character_id}")
    workflow = ("--workflow-id", f"user-sync-{character_id}")
    variables = {**environment, "PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}

    async def temporal(*arguments: str) -> str:
        address = ("--address", environment["TEMPORAL_ADDRESS"])
        return await run(str(TEMPORAL), *arguments, *address, environment=variables, directory=tmp_path)

    async def status() -> dict[str, Any]:
        found: dict[str, Any] = await handle.query("status")
        return found

    async def reaches(cycles: int = 0, **wanted: Any) -> dict[str, Any]:
        async def matching() -> dict[str, Any] | None:
            found = await status()
            return found if found["cycles"] >= cycles and {name: found[name] for name in wanted} == wanted else None

        found: dict[str, Any] = await eventually(matching, f"a status with {wanted} after {cycles} cycles")
        return found

    await installation.start_api()
    await installation.start_worker()
    await pilot.log_in(character_id)

    async def synced() -> bool:
        return "Up to date" in await pilot.page()

    await eventually(synced, "the first sync on the page")

    # By hand, bare.
    await temporal("workflow", "signal", *workflow, "--name", "pause")
    found = await reaches(paused=True, state="paused")
    assert found["message"].startswith("Paused")
    asked = json.loads(await temporal("workflow", "query", *workflow, "--type", "status", "--output", "json"))
    assert asked["queryResult"] == [found]

    async def shown_as_paused() -> bool:
        return "Paused by you or an operator" in await pilot.page()

    await eventually(shown_as_paused, "the pause on the page")
    before = (await status())["cycles"]
    await temporal("workflow", "signal", *workflow, "--name", "resume")
    before = (await reaches(paused=False, state="ok", cycles=before + 1))["cycles"]
    await eventually(synced, "the end of the pause on the page")
    await temporal("workflow", "signal", *workflow, "--name", "sync_now", "--input", '{"reason": "asked in chat"}')
    assert (await reaches(cycles=before + 1, state="ok"))["last_full_sync_at"] is None
    await temporal("workflow", "signal", *workflow, "--name", "force_full_resync")

    async def fully_synced() -> bool:
        return (await status())["last_full_sync_at"] is not None

    await eventually(fully_synced, "the full resync")

    # For all: Temporal's batch, and ours.
    batch = ("--name", "pause", "--reason", "a test", "--yes", "--rps", "20")
    await temporal("workflow", "signal", "--query", EVERYONE, *batch)
    await reaches(paused=True)
    resumed = json.loads(await installation.run("resume", "--all", "--json"))
    assert (resumed["signalled"], resumed["failed"]) == (1, 0)
    await reaches(paused=False, state="ok")

    # Ours, for one, followed to its end.
    listed = len(eve.listed_killmail_ids(character_id))
    found = json.loads(await installation.run("sync", str(character_id), "--full", "--wait", "--json"))
    assert (found["listed"], found["new"], found["failed"]) == (listed, 0, 0)
    said = await installation.run("sync", str(character_id), "--wait")
    assert f"{listed:,} listed = {listed:,} stored + 0 pending + 0 failed; 0 new" in said
    assert "Paused" in await installation.run("pause", str(character_id), "--reason", "a test")
    counted = await temporal("workflow", "count", "--query", 'WorkflowType="UserSync" AND SyncState="paused"')
    assert "Total: 1" in counted
    users = json.loads(await installation.run("status", "--json"))["users"]
    assert [(user["state"], user["users"]) for user in users] == [("paused", 1)]
