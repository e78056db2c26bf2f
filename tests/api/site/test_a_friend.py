"""A friend's way: a pilot shares a killmail or a battle, another browser sees it without a login, until revoked."""

from __future__ import annotations

import re

import pytest
from axe_playwright_python.async_playwright import Axe
from justhtml import JustHTML
from playwright.async_api import Browser, expect

from tests.api.site.furnished import FurnishedSite, complaints_of, picture, signed_in_context
from tests.end_to_end.chromium import needs_chromium

pytestmark = [needs_chromium, pytest.mark.browser]


async def test_a_friend_sees_what_is_shared_with_its_card_until_it_is_revoked(
    furnished: FurnishedSite, engine: Browser
) -> None:
    site, there = furnished.site, furnished.there
    pilots = await signed_in_context(engine, site, there.account_id)
    await pilots.grant_permissions(["clipboard-read", "clipboard-write"], origin=site.address)
    mine = await pilots.new_page()
    complaints = complaints_of(mine)
    await mine.goto(f"{site.address}/killmails/{there.loss_id}")
    await mine.get_by_role("button", name="Create share link").click()
    await mine.get_by_role("button", name="Copy link").click()
    await expect(mine.get_by_text("Copied.")).to_be_visible()
    link = await mine.evaluate("navigator.clipboard.readText()")
    assert re.fullmatch(r"https?://[^/]+/s/[A-Za-z0-9_-]{43}", link)
    path = link.removeprefix(site.services.settings.site_url)

    friends = await engine.new_context(viewport={"width": 390, "height": 844})
    theirs = await friends.new_page()
    complaints_of_theirs = complaints_of(theirs)
    answer = await theirs.goto(f"{site.address}{path}")
    assert answer is not None
    assert answer.status == 200
    assert answer.headers["referrer-policy"] == "no-referrer"
    await expect(theirs.get_by_role("heading", level=1)).to_contain_text("lost a")
    await expect(theirs.get_by_role("button", name="Create share link")).to_have_count(0)
    assert "killReport:" not in await theirs.content()
    await picture(theirs, "shared-killmail-390")
    drawn = await theirs.locator('meta[property="og:image"]').get_attribute("content")
    assert drawn == f"{link}/card.png"
    shown = await theirs.evaluate(
        """async (address) => {
            const image = new Image();
            image.src = address;
            await image.decode();
            return [image.naturalWidth, image.naturalHeight];
        }""",
        f"{path}/card.png",
    )
    assert shown == [1200, 630]
    embedded = await theirs.locator('link[type="application/json+oembed"]').get_attribute("href")
    assert embedded is not None
    told = await friends.request.get(embedded.replace(site.services.settings.site_url, site.address, 1))
    assert (await told.json())["thumbnail_url"] == drawn
    not_shared = await theirs.goto(f"{site.address}/killmails/{there.loss_id}")
    assert not_shared is not None
    assert not_shared.status == 401, "the link alone opens it"

    await mine.goto(f"{site.address}/settings")
    links = mine.get_by_role("region", name="Who sees your killmails")
    await expect(links).to_contain_text("last used")
    await picture(mine, "settings-sharing-1280")
    await links.get_by_role("button", name="Revoke").click()
    await expect(links).to_contain_text("You have no share links.")
    for gone in (path, f"{path}/card.png"):
        answer = await theirs.goto(f"{site.address}{gone}")
        assert answer is not None
        assert answer.status == 404
    await expect(theirs.get_by_text("This link opens nothing")).to_be_visible()
    assert complaints == []
    assert [one for one in complaints_of_theirs if "status of 40" not in one] == []
    await friends.close()
    await pilots.close()


async def test_a_friend_sees_a_battle_with_its_sides_as_whoever_shared_it_moved_them(
    furnished: FurnishedSite, engine: Browser
) -> None:
    site, there = furnished.site, furnished.there
    pilots = await signed_in_context(engine, site, there.account_id, java_script_enabled=False)
    mine = await pilots.new_page()
    await mine.goto(f"{site.address}/battles/{there.fought_id}")
    await mine.get_by_role("button", name="Create share link").click()
    link = await mine.get_by_label("Link").input_value()
    path = link.removeprefix(site.services.settings.site_url)
    await mine.get_by_role("link", name="correct them").click()
    first = mine.get_by_role("region", name="Side 1")
    second = mine.get_by_role("region", name="Side 2")
    who = await second.locator(".parties a").first.inner_text()

    friends = await engine.new_context(viewport={"width": 390, "height": 844})
    theirs = await friends.new_page()
    complaints = complaints_of(theirs)
    await theirs.goto(f"{site.address}{path}")
    await expect(theirs.get_by_role("region", name="Side 2").locator(".parties")).to_contain_text(who)
    await expect(theirs.get_by_role("button", name="To side")).to_have_count(0)
    await second.get_by_role("button", name=f"To side 1 {who}").click()
    await expect(first.locator(".parties")).to_contain_text(who)
    await picture(mine, "battle-sides-1280")
    await mine.set_viewport_size({"width": 390, "height": 844})
    await picture(mine, "battle-sides-390")
    assert await mine.evaluate("document.documentElement.scrollWidth") <= 390
    JustHTML(await mine.content(), strict=True)
    await theirs.reload()
    await expect(theirs.get_by_role("region", name="Side 1").locator(".parties")).to_contain_text(who)
    await expect(theirs.get_by_text("corrected by hand")).to_be_visible()
    found = await Axe().run(theirs, options={"resultTypes": ["violations"]})
    assert not found.response["violations"], found.generate_report()
    await picture(theirs, "shared-battle-390")
    drawn = await friends.request.get(f"{site.address}{path}/card.png")
    assert drawn.headers["content-type"] == "image/png"
    await theirs.locator(".timeline a").first.click()
    assert theirs.url.startswith(f"{site.address}{path}/killmails/")

    await mine.get_by_role("button", name="Undo").click()
    await expect(second.locator(".parties")).to_contain_text(who)
    await mine.goto(f"{site.address}/settings")
    links = mine.get_by_role("region", name="Who sees your killmails")
    await links.get_by_role("button", name="Revoke").click()
    answer = await theirs.goto(f"{site.address}{path}")
    assert answer is not None
    assert answer.status == 404
    assert [one for one in complaints if "status of 40" not in one] == []
    await friends.close()
    await pilots.close()
