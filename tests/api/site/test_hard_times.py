"""A session that ends, a connection that goes, images that fail."""

from __future__ import annotations

import pytest
from playwright.async_api import Browser, expect

from tests.api.running_site import Browser as Visitor
from tests.api.running_site import open_browser
from tests.api.site.furnished import FurnishedSite, signed_in_context
from tests.end_to_end.chromium import needs_chromium


@needs_chromium
@pytest.mark.browser
async def test_an_open_page_says_when_its_session_has_ended(engine: Browser, furnished: FurnishedSite) -> None:
    context = await signed_in_context(engine, furnished.site, furnished.there.account_id)
    page = await context.new_page()
    await page.goto(f"{furnished.site.address}/")
    await expect(page.locator("#live")).to_contain_text("Live:")
    await context.clear_cookies()
    await page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    await expect(page.get_by_role("button", name="Log in with EVE Online")).to_be_visible()
    await context.close()


@needs_chromium
@pytest.mark.browser
async def test_an_open_page_says_when_the_connection_is_gone(engine: Browser, furnished: FurnishedSite) -> None:
    context = await signed_in_context(engine, furnished.site, furnished.there.account_id)
    page = await context.new_page()
    await page.goto(f"{furnished.site.address}/")
    await expect(page.locator("#live")).to_contain_text("Live:")
    await context.set_offline(True)
    await expect(page.locator("#offline")).to_contain_text("You are offline. This page was loaded at")
    await context.set_offline(False)
    await expect(page.locator("#offline")).to_be_hidden()
    await context.close()


@needs_chromium
@pytest.mark.browser
async def test_an_image_that_fails_leaves_its_place_and_no_torn_picture(
    engine: Browser, furnished: FurnishedSite
) -> None:
    context = await signed_in_context(engine, furnished.site, furnished.there.account_id)
    await context.route("**/images/**", lambda route: route.fulfill(status=404))
    page = await context.new_page()
    await page.goto(f"{furnished.site.address}/killmails/{furnished.there.loss_id}")
    image = page.locator(".head img")
    await expect(image).to_have_class("icon missing")
    box = await image.bounding_box()
    assert box is not None
    assert box["width"] == box["height"] == 128
    await context.unroute_all()
    await page.goto(furnished.site.address)
    await expect(page.locator("#live")).to_contain_text("Live:")
    assert await page.locator("img.missing").count() == 0, "those not looked at yet have not failed"
    await context.close()


async def logged_in_at(browser: Visitor, furnished: FurnishedSite) -> str:
    """Log in with EVE; returns the address one comes back to."""
    async with browser.http.get(f"{furnished.site.address}/auth/login") as page:
        form = dict(page.url.query)
        authorize = page.url.with_query(None)
    form["character_id"] = str(furnished.eve.pilots[3].character_id)
    async with browser.http.post(authorize, data=form, allow_redirects=False) as answer:
        callback = answer.headers["Location"]
    async with browser.http.get(callback) as landed:
        return landed.url.path_qs


async def test_a_login_comes_back_to_the_page_that_asked_for_it(furnished: FurnishedSite) -> None:
    path = f"/killmails/{furnished.there.loss_id}?items=all"
    async with open_browser(furnished.site) as stranger:
        assert (await stranger.get(path))[0] == 401
        (kept,) = [cookie for cookie in stranger.http.cookie_jar if cookie.key == "killreport-return"]
        assert kept["httponly"]
        for no_page in ("/fragments/feed", "/settings/export"):
            assert (await stranger.get(no_page))[0] == 401
        assert await logged_in_at(stranger, furnished) == path
        assert not [cookie for cookie in stranger.http.cookie_jar if cookie.key == "killreport-return"]


@pytest.mark.parametrize(
    ("held_by", "comes_back_to"),
    [("/settings/webhooks?solo=1", "/settings/webhooks?solo=1"), ("", "/"), ("//evil.invalid/", "/")],
)
async def test_a_login_comes_back_to_the_form_that_was_sent_too_late(
    furnished: FurnishedSite, held_by: str, comes_back_to: str
) -> None:
    """Its session was over. Browsers say which page of ours held it; without that, it is the front page."""
    site = furnished.site.address
    headers = {"Origin": site, **({"Referer": f"{site}{held_by}"} if held_by else {})}
    async with open_browser(furnished.site) as late:
        status, page = await late.post("/settings/webhooks", {"order": "create"}, headers)
        assert status == 401
        assert "Nothing was changed. Log in, then send it again." in page
        assert "come back to this page" not in page
        assert await logged_in_at(late, furnished) == comes_back_to


async def test_a_page_of_another_site_is_not_come_back_to(furnished: FurnishedSite) -> None:
    headers = {"Origin": furnished.site.address, "Referer": "https://evil.invalid/settings"}
    async with open_browser(furnished.site) as late:
        assert (await late.post("/settings/webhooks", {"order": "create"}, headers))[0] == 401
        assert await logged_in_at(late, furnished) == "/"
