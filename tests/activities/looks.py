"""A look as the workflow takes one: discover, fetch, finish."""

from __future__ import annotations

from datetime import UTC, datetime

from contracts.sync import DiscoverKillmails, Discovery, FetchKillmails, FinishRun, RunAccount
from tests.activities.stand_in_eve import PILOT, World

NEXT = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


async def discover(world: World, character_id: int = PILOT, *, full: bool = False, first: bool = False) -> Discovery:
    request = DiscoverKillmails(character_id, full=full, first=first, next_sync_at=NEXT)
    answer = await world.run(world.discovery.discover_killmails, request)
    assert isinstance(answer, Discovery)
    return answer


async def sync(world: World, character_id: int = PILOT, **how: bool) -> RunAccount | None:
    """A whole look, as the workflow makes it."""
    found = await discover(world, character_id, **how)
    if found.run_id is None:
        return None
    await world.run(world.bodies.fetch_killmails, FetchKillmails(found.killmail_ids))
    account = await world.run(world.runs.finish_run, FinishRun(found.run_id, character_id, next_sync_at=NEXT))
    assert isinstance(account, RunAccount)
    return account
