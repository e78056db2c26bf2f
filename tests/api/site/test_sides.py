"""Whether a killmail is called a kill or a loss: by the side of whoever looks, or of who shared it."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

import pytest

from db.accounts.share_links import Subject, create_share_link
from db.visibility import Visibility, set_pilot_visibility
from settings import Settings
from tests.api.running_site import Browser, Site, open_browser, serve
from tests.db.bodies import body

ME, FOE, ELSEWHERE = 90_000_010, 90_000_020, 98_000_009
LOSS, KILL, OF_OTHERS = 1, 2, 3


async def outcomes(browser: Browser, path: str) -> list[str]:
    """What the killmails of a page are called, from top to bottom."""
    status, page = await browser.get(path)
    assert status == 200, path
    return re.findall(r'<span class="outcome">(\w+)</span>', page)


async def days(browser: Browser, path: str) -> list[str]:
    """What the headings of a list tell of their days."""
    return re.findall(r'<span class="totals">([^<]+)</span>', (await browser.get(path))[1])


async def picture(browser: Browser, path: str) -> bytes:
    async with browser.http.get(f"{browser.site.address}{path}") as answer:
        assert answer.status == 200, path
        return await answer.read()


async def fill(site: Site) -> int:
    """A loss of mine, a kill of mine and a killmail of others, none in a corporation of mine. Returns my account."""
    account_id = await site.add_pilot(ME)
    made = [
        body(LOSS, victim=ME, attackers=(FOE,)),
        body(KILL, victim=FOE, attackers=(ME,)),
        body(OF_OTHERS, victim=FOE),
    ]
    for one in made:
        one["victim"]["corporation_id"] = ELSEWHERE
    await site.store(*made)
    return account_id


@pytest.fixture
async def public(lone_settings: Settings) -> AsyncIterator[Site]:
    """An installation where everybody sees everything."""
    async with serve(lone_settings.model_copy(update={"public_board": True})) as site:
        yield site


@pytest.mark.parametrize("killmail_id", [LOSS, KILL])
async def test_a_shared_killmail_is_what_it_was_for_who_shared_it(
    site: Site, browser: Browser, killmail_id: int
) -> None:
    account_id = await fill(site)
    await browser.sign_in(account_id)
    link = await create_share_link(site.pool, account_id, Subject.KILLMAIL, killmail_id)
    expected = ["Loss" if killmail_id == LOSS else "Kill"]
    assert await outcomes(browser, f"/killmails/{killmail_id}") == expected
    async with open_browser(site) as friend:
        assert await outcomes(friend, f"/s/{link.token}") == expected
        drawn = await picture(friend, f"/s/{link.token}/card.png")
        assert drawn == await picture(browser, f"/killmails/{killmail_id}/card.png")
        await friend.sign_in(await site.add_pilot(FOE))
        assert await outcomes(friend, f"/s/{link.token}") == expected, "the link is its maker's, whoever opens it"


async def test_a_corporation_s_loss_that_its_director_shares_is_a_loss(site: Site, browser: Browser) -> None:
    account_id = await fill(site)
    await site.pool.execute("INSERT INTO corporations_followed (corporation_id) VALUES ($1)", ELSEWHERE)
    await site.pool.execute(
        "INSERT INTO corporation_directors (corporation_id, character_id, role_seen_at) VALUES ($1, $2, now())",
        ELSEWHERE, ME,
    )  # fmt: skip
    link = await create_share_link(site.pool, account_id, Subject.KILLMAIL, OF_OTHERS)
    assert await outcomes(browser, f"/s/{link.token}") == ["Loss"]


async def test_on_a_public_board_a_loss_is_one_s_own(public: Site) -> None:
    async with open_browser(public) as browser:
        await browser.sign_in(await fill(public))
        assert await outcomes(browser, f"/killmails/{LOSS}") == ["Loss"]
        assert await outcomes(browser, f"/killmails/{KILL}") == ["Kill"]
        assert await outcomes(browser, "/") == ["Kill", "Loss"]
        for path in ("/?all=1", "/systems/30000142?days=all"):
            assert await outcomes(browser, path) == ["Kill", "Kill", "Loss"], path
            assert [one.split(" ")[:2] for one in " · ".join(await days(browser, path)).split(" · ")] == [
                ["2", "kills"],
                ["1", "loss"],
            ], path
            more = "&" if "?" in path else "?"
            assert await outcomes(browser, f"{path}{more}side=losses") == ["Loss"], path
            assert await outcomes(browser, f"{path}{more}side=kills") == ["Kill"], path
        query = "query ($side: Side) { killmails(filter: {scope: VISIBLE, side: $side}) { nodes { id } totalCount } }"
        for side, expected in (("VICTIM", [LOSS]), ("ATTACKER", [KILL]), (None, [OF_OTHERS, KILL, LOSS])):
            found = (await browser.data(query, side=side))["killmails"]
            assert [int(node["id"]) for node in found["nodes"]] == expected, side
            assert found["totalCount"] == len(expected), side


async def test_to_strangers_a_killmail_is_nobody_s_kill_or_loss_but_on_a_board_it_is_the_board_s(site: Site) -> None:
    account_id = await fill(site)
    await set_pilot_visibility(site.pool, account_id, ME, Visibility.PUBLIC)
    async with open_browser(site) as stranger:
        assert await outcomes(stranger, "/") == ["Killmail", "Killmail"]
        assert [one.split(" ")[:2] for one in await days(stranger, "/")] == [["2", "killmails"]]
        for killmail_id in (LOSS, KILL):
            assert await outcomes(stranger, f"/killmails/{killmail_id}") == ["Killmail"]
        system = "/systems/30000142?days=all"
        assert await outcomes(stranger, system) == ["Killmail", "Killmail"]
        assert "side=losses" not in (await stranger.get(system))[1], "nobody's could be chosen"
        assert await outcomes(stranger, f"/characters/{ME}?days=all") == ["Kill", "Loss"]
        assert "side=losses" in (await stranger.get(f"/characters/{ME}?days=all"))[1]
        drawn = await picture(stranger, f"/killmails/{LOSS}/card.png")
        await stranger.sign_in(account_id)
        assert await outcomes(stranger, f"/killmails/{LOSS}") == ["Loss"], "to whom it happened"
        assert "side=losses" in (await stranger.get(system))[1]
        assert await picture(stranger, f"/killmails/{LOSS}/card.png") != drawn
