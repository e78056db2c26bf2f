"""What a board shows from the moment it is opened reaches those who follow already, over the sockets they have."""

from __future__ import annotations

from collections.abc import Collection

import asyncpg
import pytest

from api.caller import Credentials, callers_now
from api.live import feed
from db.accounts.sessions import Caller
from db.corporations.directors import follow, note_role
from eve.sso.scopes import CORPORATION_SCOPES, KILLMAIL_SCOPE
from live import LiveEvents
from tests.api.live.socket_client import open_socket
from tests.api.live.subscribing import live
from tests.api.running_site import Browser, Site, open_browser
from tests.db.bodies import body

OWNER, MEMBER, STRANGER = 90_000_010, 90_000_011, 90_000_020
OURS = 98_000_077
"""On no killmail but where it is said."""
OPEN = {
    "pilot": f'setCharacterVisibility(characterId: "{OWNER}", visibility: MEMBERS)',
    "corporation": f'setCorporationVisibility(corporationId: "{OURS}", visibility: MEMBERS)',
}


@pytest.fixture
async def owner(site: Site, browser: Browser) -> None:
    """Signed in, and a director whose role EVE has confirmed; the member is of the same corporation."""
    await browser.sign_in(await site.add_pilot(OWNER))
    await site.pool.execute(
        "UPDATE users SET corporation_id = $1, scopes = $2", OURS, [KILLMAIL_SCOPE, *CORPORATION_SCOPES]
    )
    await follow(site.pool, OWNER)
    await note_role(site.pool, OURS, OWNER)


async def add_member(site: Site, corporation_id: int = OURS) -> int:
    account_id = await site.add_pilot(MEMBER)
    await site.pool.execute("UPDATE users SET corporation_id = $2 WHERE character_id = $1", MEMBER, corporation_id)
    return account_id


@pytest.mark.usefixtures("owner")
@pytest.mark.parametrize("kind", ["pilot", "corporation"])
async def test_who_follows_already_is_sent_what_a_board_shows_once_it_is_opened(
    site: Site, browser: Browser, kind: str
) -> None:
    async with open_browser(site) as other:
        await other.sign_in(await add_member(site))
        async with open_socket(other) as client:
            await live(site, client, filter={"scope": "VISIBLE"})
            answer = await browser.data(f"mutation {{ opened: {OPEN[kind]} {{ userErrors {{ code }} }} }}")
            assert answer["opened"]["userErrors"] == []
            made = body(1, victim=OWNER if kind == "pilot" else STRANGER)
            made["victim"]["corporation_id"] = OURS
            await site.store(made, announce_to=OWNER)
            assert (await client.receive())["payload"]["data"]["killmailAdded"]["id"] == "1"


@pytest.mark.usefixtures("owner")
async def test_who_moves_or_becomes_a_director_is_sent_what_that_opens(site: Site, browser: Browser) -> None:
    """As the worker does, which hears of both from EVE."""
    await browser.data(f"mutation {{ {OPEN['pilot']} {{ userErrors {{ code }} }} }}")
    async with open_browser(site) as other:
        await other.sign_in(await add_member(site, 98_000_099))
        async with open_socket(other) as client:
            await live(site, client, filter={"scope": "VISIBLE"})
            await site.pool.execute("UPDATE users SET corporation_id = $2 WHERE character_id = $1", MEMBER, OURS)
            await LiveEvents(site.services.redis).boards_changed()
            await site.store(body(2, victim=OWNER), announce_to=OWNER)
            assert (await client.receive())["payload"]["data"]["killmailAdded"]["id"] == "2"


@pytest.mark.usefixtures("owner")
async def test_many_changes_are_asked_about_together_and_killmails_of_others_not_at_all(
    site: Site, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []

    async def counted(pool: asyncpg.Pool, credentials: Collection[Credentials]) -> dict[Credentials, Caller]:
        asked.append(len(credentials))
        return await callers_now(pool, credentials)

    async with open_socket(browser) as client:
        await live(site, client, filter={"scope": "VISIBLE"})
        monkeypatch.setattr(feed, "callers_now", counted)
        for number in range(1, 6):
            await site.store(body(number, victim=STRANGER), announce_to=STRANGER)
        await site.store(body(9, victim=OWNER), announce_to=OWNER)
        assert (await client.receive())["payload"]["data"]["killmailAdded"]["id"] == "9"
        assert asked == [1], "for the one that was sent"
        asked.clear()
        for _ in range(20):
            await LiveEvents(site.services.redis).boards_changed()
        await site.store(body(10, victim=OWNER), announce_to=OWNER)
        assert (await client.receive())["payload"]["data"]["killmailAdded"]["id"] == "10"
        assert len(asked) <= 4, "not once for each"
