"""What one sees without scrolling, on a phone and on a desk: a killmail's story, and the choices of the feed."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.async_api import Browser, Page

from tests.api.site.furnished import FurnishedSite, signed_in_context
from tests.end_to_end.chromium import needs_chromium

pytestmark = [pytest.mark.browser, needs_chromium]
PHONE, DESK = {"width": 390, "height": 844}, {"width": 1280, "height": 900}
SEVERAL = 3


async def box(page: Page, selector: str) -> dict[str, Any]:
    """Where the first of these lies on the screen."""
    found = await page.locator(selector).first.bounding_box()
    assert found is not None, f"{selector} is not shown"
    return {**found, "end": found["y"] + found["height"]}


@pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])
async def test_a_killmail_tells_its_story_on_the_first_screen(
    engine: Browser, furnished: FurnishedSite, size: dict[str, int]
) -> None:
    context = await signed_in_context(engine, furnished.site, furnished.there.account_id, viewport=size)
    page = await context.new_page()
    await page.goto(f"{furnished.site.address}/killmails/{furnished.there.loss_id}")
    headline, ring, victim = [await box(page, one) for one in ("h1", ".ring svg", ".victim-fact")]
    assert headline["end"] < ring["y"]
    assert ring["end"] <= size["height"], "the whole fit"
    assert victim["end"] <= size["height"]
    assert (await box(page, ".tools"))["end"] <= ring["y"], "buttons are above it"
    flags, turn = await box(page, ".outcome"), await box(page, ".turn")
    assert abs(flags["y"] - turn["y"]) < turn["height"], "the neighbours are beside the headline, not below the buttons"
    if size is PHONE:
        assert ring["end"] <= victim["y"], "the fit comes before the facts"
    await context.close()


async def test_the_order_of_the_list_stands_beside_its_filters_however_many_characters_there_are(
    engine: Browser, furnished: FurnishedSite
) -> None:
    site = furnished.site
    account_id = await site.add_pilot(90_888_001, name="First Of Several Pilots")
    for number in range(2, SEVERAL + 1):
        await site.add_pilot(90_888_000 + number, account_id, name=f"Number {number} Of Several Pilots")
    for size in (PHONE, DESK):
        context = await signed_in_context(engine, site, account_id, viewport=size)
        page = await context.new_page()
        await page.goto(site.address)
        order = page.get_by_role("navigation", name="Order of killmails")
        newest, filters = await box(page, "nav[aria-label='Order of killmails'] a"), await box(page, ".filters summary")
        assert abs(newest["y"] + newest["height"] / 2 - filters["y"] - filters["height"] / 2) < newest["height"] / 2
        last = await box(page, "nav[aria-label='Order of killmails'] a:last-child")
        assert last["y"] == newest["y"]
        await page.click(".filters summary")
        await order.get_by_role("link", name="Most valuable").click()
        assert page.url.endswith("?sort=value")
        await context.close()
