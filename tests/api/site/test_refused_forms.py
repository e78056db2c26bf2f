"""A form that is refused comes back with what was typed, and with the reason beside it."""

from __future__ import annotations

import pytest
from justhtml import JustHTML
from playwright.async_api import Browser, expect

from tests.api.running_site import Browser as Visitor
from tests.api.site.furnished import FurnishedSite, signed_in_context
from tests.end_to_end.chromium import needs_chromium


@needs_chromium
@pytest.mark.browser
async def test_a_webhook_that_is_refused_is_typed_once(engine: Browser, furnished: FurnishedSite) -> None:
    context = await signed_in_context(engine, furnished.site, furnished.there.account_id)
    page = await context.new_page()
    await page.goto(f"{furnished.site.address}/settings/webhooks?solo=1")
    typed = {
        "Name": "Losses <3",
        "Address, from Discord or of your program": "https://discord.com/api/webhooks/1/secret",
        "Worth at least (such as 100m)": "100 million",
        "Not older than (minutes)": "60",
        "One message for more than": "5",
        "Quiet from": "22:00",
        "until": "07:30",
    }
    for label, text in typed.items():
        await page.get_by_label(label, exact=True).fill(text)
    await page.get_by_label("Which").select_option("losses")
    await page.get_by_label("Tells of").select_option("both")
    subject = page.get_by_label("Whose killmails")
    second = await subject.locator("option").nth(1).get_attribute("value")
    await subject.select_option(second)
    async with page.expect_response(lambda one: one.request.method == "POST") as answered:
        await page.get_by_role("button", name="Create webhook").click()
    assert (await answered.value).status == 409
    await expect(page.get_by_role("alert")).to_have_text(
        "An amount of ISK is written as 250m, 1.5b or 1,000,000. Nothing was changed."
    )
    for label, text in typed.items():
        await expect(page.get_by_label(label, exact=True)).to_have_value(text)
    await expect(page.get_by_label("Filter: the address of any list here (optional)")).to_have_value("solo=1")
    await expect(page.get_by_label("Which")).to_have_value("losses")
    await expect(page.get_by_label("Tells of")).to_have_value("both")
    await expect(subject).to_have_value(str(second))
    await context.close()


async def test_feeds_and_digests_come_back_too(visitor: Visitor, furnished: FurnishedSite) -> None:
    character = f"character:{furnished.there.second_id}"
    feed = {"order": "create", "name": "Mine", "subject": character, "side": "losses", "filter": "only solo"}
    status, page = await visitor.post("/settings/feeds", feed)
    assert status == 409
    assert "leave it empty. Nothing was changed." in page
    shown = ['value="Mine"', f'value="{character}" selected', 'value="losses" selected', 'value="only solo"']
    assert [one for one in shown if one not in page] == []
    JustHTML(page, strict=True)
    digest = {"order": "create", "name": "Weekly", "target": "ftp://x", "subject": character, "day": "7", "hour": "20"}
    status, page = await visitor.post("/settings/digests", {**digest, "empty": "yes"})
    assert status == 409
    assert "Nothing was changed." in page
    shown = ['value="Weekly"', 'value="ftp://x"', f'value="{character}" selected', 'value="7" selected',
             'value="20" selected', 'value="yes" checked']  # fmt: skip
    assert [one for one in shown if one not in page] == []
    JustHTML(page, strict=True)
    _, page = await visitor.get("/settings/digests")
    assert 'value="11" selected' in page


async def test_an_amount_that_is_none_is_not_left_out_without_a_word(visitor: Visitor) -> None:
    _, page = await visitor.get("/?min=100+million&max=1b")
    assert "ISK from: “100 million” is no amount of ISK; write it as 250m, 1.5b or 1,000,000." in page
    assert "ISK to:" not in page
    assert '<details class="filters" open>' in page
