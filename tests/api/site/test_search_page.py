"""Search: a page for those without script, suggestions for the others."""

from __future__ import annotations

import pytest
from playwright.async_api import Browser, Page, expect

from tests.api.running_site import Browser as Visitor
from tests.api.running_site import Site
from tests.api.site.furnished import FurnishedSite, signed_in_context
from tests.db.bodies import body
from tests.end_to_end.chromium import needs_chromium

PUBLIC = 90_000_010


async def test_what_is_found_is_linked_and_what_it_is_is_said(visitor: Visitor) -> None:
    _, page = await visitor.get("/search?q=ret")
    assert page.count("/types/") > 0
    assert "Ship or item" in page
    assert "Retribution" in page


async def test_the_one_thing_of_that_name_is_gone_to_at_once(visitor: Visitor, furnished: FurnishedSite) -> None:
    name = furnished.eve.pilots[0].name
    async with visitor.http.get(f"{furnished.site.address}/search?q={name.upper()}") as answer:
        assert answer.url.path == f"/characters/{furnished.there.pilot_id}"


@pytest.mark.parametrize("asked", ["", "   ", "zzzzz", "%25", "<b>", "'; --", "x" * 500, "%00"])
async def test_nothing_found_is_said(visitor: Visitor, asked: str) -> None:
    status, page = await visitor.get(f"/search?q={asked}")
    assert status == 200
    assert 'class="empty"' in page
    assert "<b>" not in page


async def test_strangers_search_nothing(stranger: Visitor) -> None:
    assert (await stranger.get("/search?q=re"))[0] == 401
    assert (await stranger.get("/fragments/search?q=re"))[0] == 401


async def test_private_names_leave_strangers_the_public_ones(site: Site, browser: Visitor) -> None:
    """The shortest names are the closest; each of them is somebody's on a killmail that strangers may not see."""
    await site.add_pilot(PUBLIC, name="Hidden No More")
    await site.pool.execute("UPDATE users SET visibility = 'public'")
    private = range(90_000_100, 90_000_160)
    await site.store(body(1, victim=PUBLIC), *(body(one, victim=one, attackers=(one,)) for one in private))
    await site.pool.executemany(
        "INSERT INTO entities (entity_id, category, name) VALUES ($1, 'character', $2)",
        [(PUBLIC, "Hidden No More"), *((one, f"Hidden {one % 1000}") for one in private)],
    )
    link = f'href="/characters/{PUBLIC}"'
    for asked in ("/search?q=hidden", "/fragments/search?q=hidden"):
        _, page = await browser.get(asked)
        assert page.count('href="/characters/') == 1
        assert link in page
    found = (await browser.data('{ search(name: "hidden", first: 1) { id } }'))["search"]
    assert found == [{"id": str(PUBLIC)}]
    _, page = await browser.get("/search?q=hidden+1")
    assert "Nothing public here starts with “hidden 1”." in page
    assert "Hidden 1" not in page


@needs_chromium
@pytest.mark.browser
async def test_suggestions_are_walked_by_arrows_and_closed_by_escape(page: Page, furnished: FurnishedSite) -> None:
    await page.goto(f"{furnished.site.address}/settings")
    await page.keyboard.press("/")
    box = page.get_by_role("searchbox")
    await expect(box).to_be_focused()
    await box.press_sequentially("republic fleet f")
    hits = page.locator("#suggestions a")
    await expect(hits.first).to_contain_text("Republic Fleet Fusion")
    await expect(page.locator("#suggested")).to_contain_text("below")
    await page.keyboard.press("ArrowDown")
    await expect(hits.first).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(hits.first).to_be_hidden()
    await expect(box).to_be_focused()
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/search?q=*")


@needs_chromium
@pytest.mark.browser
async def test_the_form_works_without_script(engine: Browser, furnished: FurnishedSite) -> None:
    context = await signed_in_context(engine, furnished.site, furnished.there.account_id, java_script_enabled=False)
    page = await context.new_page()
    await page.goto(furnished.site.address)
    await page.get_by_role("searchbox").fill("Jita")
    await page.get_by_role("button", name="Search").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Jita")
    await context.close()
