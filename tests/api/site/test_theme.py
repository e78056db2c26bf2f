"""Dark until another theme is chosen: light, or as the system has it."""

from __future__ import annotations

import pytest
from playwright.async_api import Browser, expect

from tests.api.running_site import Browser as Visitor
from tests.api.site.furnished import FurnishedSite, signed_in_context
from tests.end_to_end.chromium import needs_chromium

GROUND = "getComputedStyle(document.body).backgroundColor"
DARK, LIGHT = "rgb(13, 17, 23)", "rgb(246, 248, 250)"


@needs_chromium
@pytest.mark.browser
async def test_it_is_dark_until_another_theme_is_chosen(engine: Browser, furnished: FurnishedSite) -> None:
    context = await signed_in_context(engine, furnished.site, furnished.there.account_id, color_scheme="light")
    page = await context.new_page()
    await page.goto(f"{furnished.site.address}/settings")
    assert await page.evaluate(GROUND) == DARK, "whatever the system has"
    await page.get_by_role("button", name="Light", exact=True).click()
    await expect(page).to_have_url(f"{furnished.site.address}/settings")
    assert await page.evaluate(GROUND) == LIGHT
    await page.goto(f"{furnished.site.address}/")
    assert await page.evaluate(GROUND) == LIGHT, "it stays chosen"
    await page.get_by_role("button", name="System").click()
    for system, ground in (("light", LIGHT), ("dark", DARK)):
        await page.emulate_media(color_scheme=system)  # type: ignore[arg-type]
        assert await page.evaluate(GROUND) == ground
    await context.close()


async def test_a_theme_that_does_not_exist_or_another_site_s_wish_is_refused(stranger: Visitor) -> None:
    assert (await stranger.post("/theme", {"theme": "plaid", "back": "/"}))[0] == 400
    for elsewhere in ("https://evil.invalid", "http://["):
        assert (await stranger.post("/theme", {"theme": "dark"}, {"Origin": elsewhere}))[0] == 403


async def test_the_code_of_a_login_is_in_no_link_or_form_of_its_page(stranger: Visitor) -> None:
    _, page = await stranger.get("/auth/callback?code=secret-code&state=secret-state")
    assert "secret" not in page
