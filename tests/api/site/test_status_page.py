"""The public status: in words, and without a name; also when a service is away."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from api.site.status_page import in_words
from tests.api.running_site import Browser as Visitor
from tests.api.running_site import open_browser, serve, settings_for
from tests.api.site.furnished import FurnishedSite


async def test_everybody_may_see_it_and_nobody_is_named(stranger: Visitor, furnished: FurnishedSite) -> None:
    status, page = await stranger.get("/status")
    assert status == 200
    for pilot in furnished.eve.pilots[:2]:
        assert pilot.name not in page
        assert str(pilot.character_id) not in page
    assert "No worker is running" in page, "none runs here"
    assert "<dt>Killmails</dt>" in page


@pytest.mark.parametrize(
    ("seconds", "words"), [(900, "15 minutes"), (60, "minute"), (90, "90 seconds"), (1, "second"), (3600, "60 minutes")]
)
def test_how_often_eve_is_asked_is_said_as_it_is(seconds: int, words: str) -> None:
    assert in_words(seconds) == words


@pytest.fixture
async def lonely(database_url: str, redis_url: str) -> AsyncIterator[Visitor]:
    """A stranger on a site whose Temporal does not answer."""
    async with serve(settings_for(database_url, redis_url)) as site, open_browser(site) as opened:
        yield opened


async def test_a_service_that_is_away_is_said_to_be(lonely: Visitor) -> None:
    status, page = await lonely.get("/status")
    assert status == 200
    assert "The sync service is not responding" in page
