"""One fleet: its pilots are on the same killmails, and log in at once."""

from __future__ import annotations

import asyncio
from collections import Counter
from itertools import permutations

import asyncpg
from temporalio.client import Client

from sandbox.eve.server import SandboxEve
from settings import Settings
from temporal.user_sync import start_or_wake
from tests.fixtures.workers import StartWorker
from tests.logins import log_in
from tests.worker.budget.windows import BODY, missing
from tests.workflows.waiting import eventually


async def test_ten_pilots_of_one_fleet_cost_each_shared_body_once(
    settings: Settings, pool: asyncpg.Pool, client: Client, eve: SandboxEve, start_worker: StartWorker
) -> None:
    fleet = [pilot.character_id for pilot in eve.pilots[10:20]]
    shared = {eve.add_killmail(victim, "victim", killer).killmail_id for victim, killer in permutations(fleet, 2)}
    for _ in range(2):
        await start_worker()
    await asyncio.gather(*(log_in(settings, pool, pilot) for pilot in fleet))
    await asyncio.gather(*(start_or_wake(client, pilot, 900) for pilot in fleet))

    async def complete() -> bool:
        return not any([await missing(pool, eve, pilot) for pilot in fleet])

    await eventually(complete)
    fetched = Counter(int(record.path.split("/")[2]) for record in eve.requests_of(BODY))
    assert len(shared) == 90
    assert {fetched[killmail_id] for killmail_id in shared} == {1}
    assert set(fetched.values()) == {1}, "nor any other body twice"
    served = await pool.fetch("SELECT DISTINCT character_id FROM participants WHERE killmail_id = ANY ($1)", [*shared])
    assert set(fleet) <= {row["character_id"] for row in served}
