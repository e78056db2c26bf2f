"""Search: a page for those without script, suggestions for the others."""

from __future__ import annotations

import pytest
from playwright.async_api import Browser, Page, expect

from tests.api.running_site import Browser as Visitor
from tests.api.site.furnished import FurnishedSite, signed_in_context
from tests.end_to_end.chromium import needs_chromium


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
