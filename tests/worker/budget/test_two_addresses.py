"""Workers of two regions on the same queues: ESI counts each address, and so do we."""

from __future__ import annotations

from collections import Counter

import asyncpg
import pytest
from temporalio.client import Client

from sandbox.eve.options import SandboxOptions
from sandbox.eve.server import SandboxEve
from settings import Settings
from temporal.user_sync import start_or_wake
from tests.fixtures.workers import StartWorker
from tests.logins import log_in
from tests.worker.budget.windows import BODY
from tests.workflows.waiting import eventually

REGIONS = {"east": "127.0.0.1", "west": "127.0.0.2"}
SPENT = 3_000
OF_ONE = (3_600 - 360 - SPENT) // 2
"""Bodies that a first sync may read from an address of which so much is spent: 2 tokens each, a tenth is kept back."""
LISTED = 3 * OF_ONE


@pytest.fixture
def eve_options() -> SandboxOptions:
    return SandboxOptions(strangers=60, window_seconds=60, first_killmails=LISTED)


async def test_two_addresses_read_twice_the_bodies(
    settings: Settings, pool: asyncpg.Pool, client: Client, eve: SandboxEve, start_worker: StartWorker
) -> None:
    pilot = eve.pilots[0].character_id
    for address in REGIONS.values():
        eve.spend_killmail_tokens(SPENT, address)
    for name, address in REGIONS.items():
        await start_worker(esi_egress=name, esi_local_address=address)
    await log_in(settings, pool, pilot)
    await start_or_wake(client, pilot, 900)

    def read() -> Counter[str]:
        return Counter(request.address for request in eve.requests_of(BODY) if request.status == 200)

    async def far_more_than_one_may() -> bool:
        # The last few of each wait until the window ends: a batch that is refused is not taken to the other address.
        return read().total() > 1.6 * OF_ONE

    await eventually(far_more_than_one_may)
    assert read().keys() == {*REGIONS.values()}
    assert max(read().values()) <= OF_ONE
    assert [request.status for request in eve.requests if request.status in (420, 429)] == []
