"""Redis is away: nobody can say what may be asked, and neither EVE nor a director is at fault."""

from __future__ import annotations

import pytest

from activities.corporations import Corporations
from contracts.corporations import DiscoverCorporation
from db.corporations.directors import follow
from eve.errors import RedisUnreachable, Unavailable
from eve.sso.scopes import CORPORATION_SCOPES, KILLMAIL_SCOPE
from tests.activities.stand_in_eve import ENEMY, PILOT, World

DIRECTORS = (PILOT, ENEMY)
CORPORATION = 98_000_001


@pytest.fixture
async def corporations(world: World) -> Corporations:
    """Followed by two directors, whose access tokens have ended."""
    for director in DIRECTORS:
        await world.login(director, seconds=-5, scopes=CORPORATION_SCOPES | {KILLMAIL_SCOPE})
        assert await follow(world.pool, director) == CORPORATION
    return Corporations(world.pool, world.esi, world.tokens, world.vault, world.live)


async def test_no_other_director_is_asked_for_what_our_redis_did(world: World, corporations: Corporations) -> None:
    world.sso.failure = RedisUnreachable("The brake for EVE SSO cannot be reached.")
    with pytest.raises(RedisUnreachable):
        await world.run(corporations.discover_corporation_killmails, DiscoverCorporation(CORPORATION))
    assert len(world.sso.refreshed) == 1
    assert not await world.pool.fetchval("SELECT count(*) FROM corporation_directors WHERE used_at IS NOT NULL")


async def test_trouble_of_ssos_with_one_director_is_none_of_the_next(world: World, corporations: Corporations) -> None:
    world.sso.failure = Unavailable("EVE SSO failed (502).")
    with pytest.raises(Unavailable):
        await world.run(corporations.discover_corporation_killmails, DiscoverCorporation(CORPORATION))
    assert len(world.sso.refreshed) == len(DIRECTORS)
