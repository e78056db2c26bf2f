"""A killed sandbox comes back with its grants, keys, killmails, owners and clock; as a process of its own too."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from sandbox.eve.options import SandboxOptions, options_from
from sandbox.eve.server import SandboxEve
from tests.paths import ROOT
from tests.sandbox.caller import KILLMAIL_SCOPE, Caller


@asynccontextmanager
async def process(state: Path, **variables: str) -> AsyncIterator[tuple[asyncio.subprocess.Process, str]]:
    running = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "sandbox.eve"),
        env={**os.environ, "PYTHONPATH": str(ROOT), "SANDBOX_STATE_DIRECTORY": str(state), **variables},
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert running.stdout
        url = (await asyncio.wait_for(running.stdout.readline(), 60)).decode().strip()
        assert url.startswith("http://127.0.0.1:")
        yield running, url
    finally:
        if running.returncode is None:
            running.kill()
            await running.wait()


async def test_everything_survives_a_kill(tmp_path: Path) -> None:
    state = tmp_path / "a state"
    async with aiohttp.ClientSession() as session:
        async with process(state) as (running, url), session.get(f"{url}/_sandbox/pilots") as response:
            pilot = (await response.json())[0]
            eve = SandboxEve()
            eve.world.url = url
            caller = Caller(eve, session)
            refresh_token = (await caller.log_in(pilot["character_id"], KILLMAIL_SCOPE))["refresh_token"]
            revoked = (await caller.log_in(pilot["character_id"], KILLMAIL_SCOPE))["refresh_token"]
            await caller.post("/v2/oauth/revoke", data={"token": revoked})
            refresh_token = (await caller.refresh(refresh_token)).json["refresh_token"]
            keys = (await caller.get("/oauth/jwks")).json
            made = (
                await caller.post("/_sandbox/killmails", json={"character_id": pilot["character_id"], "count": 2})
            ).json
            bodies = [
                (await caller.get(f"/killmails/{one['killmail_id']}/{one['killmail_hash']}")).json for one in made
            ]
            await caller.post(f"/_sandbox/pilots/{pilot['character_id']}/transfer")
            await caller.post(f"/_sandbox/pilots/{pilot['character_id']}/lose-role")
            await caller.post("/_sandbox/clock", json={"advance_seconds": 86_400})
            owner = (await caller.get("/_sandbox/pilots")).json[0]
            running.send_signal(signal.SIGKILL)
            await running.wait()
        with (state / "journal.ndjson").open("ab") as journal:
            journal.write(b'{"kind": "torn')
        async with process(state) as (running, url):
            eve.world.url = url
            assert (await caller.get("/oauth/jwks")).json == keys
            assert (await caller.get("/_sandbox/pilots")).json[0] == owner
            tokens = await caller.refresh(refresh_token)
            assert tokens.status == 200
            assert (await caller.refresh(revoked)).status == 400
            listed = await caller.get(
                f"/characters/{pilot['character_id']}/killmails/recent", tokens.json["access_token"]
            )
            assert len(listed.json) == 152
            assert all(one in listed.json for one in made)
            for one, body in zip(made, bodies, strict=True):
                again = await caller.get(f"/killmails/{one['killmail_id']}/{one['killmail_hash']}")
                assert again.json == body
            status = await caller.get("/status")
            assert "Date" in status.headers
            running.send_signal(signal.SIGTERM)
            assert await asyncio.wait_for(running.wait(), 10) == 0


async def test_history_is_the_same_after_a_restart_on_another_day(tmp_path: Path) -> None:
    options = SandboxOptions(state_directory=tmp_path)
    async with SandboxEve(options) as eve:
        first = eve.pilots[0].character_id
        before = {one: eve.killmail(one.killmail_id) for one in eve.references(first)}
    async with SandboxEve(options) as eve:
        assert {one: eve.killmail(one.killmail_id) for one in eve.references(first)} == before
        eve.add_killmail(first)
    async with SandboxEve(options) as eve:
        assert len(eve.references(first)) == len(before) + 1


def test_variables_become_options(tmp_path: Path) -> None:
    options = options_from(
        {
            "SANDBOX_PORT": "4100",
            "SANDBOX_KILLMAILS_PER_HOUR": "120",
            "SANDBOX_LIST_CACHE_SECONDS": "30",
            "SANDBOX_KILLMAILS_DIR": str(tmp_path),
            "SANDBOX_STRICT_ROTATION": "true",
            "SANDBOX_CLIENT_IDS": "one, two",
            "SANDBOX_SEED": "",
        }
    )
    assert options == SandboxOptions(
        port=4100,
        killmails_per_hour=120,
        list_cache_seconds=30,
        killmails_directory=tmp_path,
        strict_rotation=True,
        client_ids=("one", "two"),
    )
    with pytest.raises(ValueError, match="SANDBOX_PORT"):
        options_from({"SANDBOX_PORT": "many"})
    with pytest.raises(ValueError, match=r"SANDBOX_STRANGERS cannot be used: 12 are too few, 60 are the least\."):
        options_from({"SANDBOX_STRANGERS": "12"})
