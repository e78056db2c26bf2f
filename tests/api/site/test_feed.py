"""The feed: by day, narrowed by links, walked by keys, read on by scrolling."""

from __future__ import annotations

import re
from urllib.parse import quote

import pytest
from playwright.async_api import Browser, Page, expect

from db.accounts.saved_filters import MOST_FILTERS
from tests.api.running_site import Browser as Visitor
from tests.api.running_site import Site
from tests.api.site.document import Document
from tests.api.site.furnished import FurnishedSite, signed_in_context
from tests.db.bodies import body
from tests.end_to_end.chromium import needs_chromium

browser_test = [needs_chromium, pytest.mark.browser]


async def test_killmails_stand_under_their_day(visitor: Visitor) -> None:
    _, page = await visitor.get("/")
    sections = re.findall(r'<section class="day" data-day="([0-9-]+)".*?</section>', page, re.S)
    assert sections == sorted(set(sections), reverse=True)
    for day in sections:
        (section,) = re.findall(rf'<section class="day" data-day="{day}".*?</section>', page, re.S)
        times = re.findall(r'<time datetime="([^"]+)"', section)
        assert times
        assert all(time.startswith(day) for time in times)
        kills, losses = section.count('class="kill"'), section.count('class="loss"')
        if day != sections[-1]:
            (totals,) = re.findall(r'<span class="totals">([^<]+)<', section)
            assert (f"{kills} kill" in totals) == (kills > 0)
            assert (f"{losses} loss" in totals) == (losses > 0)


async def test_a_quick_filter_is_a_link_that_can_be_shared_and_taken_back(
    visitor: Visitor, furnished: FurnishedSite
) -> None:
    _, page = await visitor.get("/?side=losses")
    assert page.count('class="loss"') > 0
    assert page.count('class="kill"') == 0
    assert '<a href="/" aria-current="true">Losses</a>' in page, "pressed again, it is taken back"
    of_one = f"/?character={furnished.there.pilot_id}&amp;side=kills"
    assert f'href="{of_one}"' in (await visitor.get(f"/?character={furnished.there.pilot_id}"))[1]
    _, page = await visitor.get("/?worth=100m&solo=1")
    worths = [float(value) for value in re.findall(r'<data value="([0-9.]+)"', page)]
    assert worths
    assert min(worths) >= 100_000_000
    assert page.count(">solo</span>") == len(worths)
    for nonsense in ("/?side=both", "/?character=x&corporation=-1", "/?after=%00&side=%00"):
        status, page = await visitor.get(nonsense)
        assert status == 200
        assert page.count('class="kill"') > 0


@pytest.mark.parametrize(("chosen", "exported"), [("min", "minValue"), ("max", "maxValue")])
async def test_nothing_is_a_value_like_any_other(visitor: Visitor, chosen: str, exported: str) -> None:
    status, page = await visitor.get(f"/?{chosen}=0")
    assert status == 200
    assert quote(f'"{exported}":"0"') in page


async def test_a_corporation_s_own_final_blow_says_its_name_once(site: Site, browser: Visitor) -> None:
    """A structure's or an NPC's: nobody flew it, and there is no alliance."""
    await browser.sign_in(await site.add_pilot(90_000_020))
    lost = body(1, victim=90_000_020)
    del lost["attackers"][0]["character_id"]
    await site.store(lost)
    _, page = await browser.get("/")
    (words,) = re.findall(r'<p class="blow">.*?</p>', page, re.S)
    told = re.sub(r"<[^>]+>", "", words).strip()
    assert told.endswith("Unknown corporation 98000002 Unknown type 24692")


async def test_whose_killmails_may_change_while_the_rest_of_the_choice_stays(site: Site, browser: Visitor) -> None:
    account_id = await site.add_pilot(90_000_020)
    for number in range(1, 5):
        await site.add_pilot(90_000_020 + number, account_id)
    await browser.sign_in(account_id)
    _, page = await browser.get("/?system=30000142&min=1b&sort=value&character=90000021&after=x")
    (form,) = re.findall(r'<form class="filter" action="/" method="get">.*?</form>', page, re.S)
    kept = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', form))
    assert kept == {"system": "30000142", "min": "1b", "sort": "value"}


async def test_filters_are_kept_under_a_name(site: Site, browser: Visitor) -> None:
    await browser.sign_in(await site.add_pilot(90_000_020))
    order = {"order": "save", "name": " Big  losses ", "query": "side=losses&min=1b&after=x&evil=1"}
    status, page = await browser.post("/filters", order)
    assert status == 200, "back at the feed"
    assert '<a class="button small" href="/?side=losses&amp;min=1b" aria-current="page">Big losses</a>' in page
    await browser.post("/filters", {"order": "save", "name": "Big losses", "query": "side=losses&min=10b"})
    _, page = await browser.get("/")
    assert re.findall(r'<a class="button small" href="([^"]+)">Big losses', page) == ["/?side=losses&amp;min=10b"]
    assert "Save these filters" not in page, "nothing is chosen"
    status, page = await browser.post("/filters", {"order": "save", "name": " ", "query": "side=losses"})
    assert (status, "needs a name" in page) == (409, True)
    for number in range(MOST_FILTERS - 1):
        await browser.post("/filters", {"order": "save", "name": f"Filter {number}", "query": "solo=1"})
    status, page = await browser.post("/filters", {"order": "save", "name": "One more", "query": "solo=1"})
    assert (status, "delete one first" in page) == (409, True)
    _, page = await browser.get("/")
    (number,) = re.findall(r'name="id" value="(\d+)"><button[^>]*>Delete<span class="unseen"> the filter Big', page)
    _, page = await browser.post("/filters", {"order": "delete", "id": number, "query": "solo=1"})
    assert "Big losses" not in page
    assert 'href="/?solo=1" aria-current="page">Filter 7</a>' in page, "back where they were"


async def test_a_day_that_two_pages_share_has_its_whole_total_on_both(site: Site, browser: Visitor) -> None:
    me = 90_000_010
    await browser.sign_in(await site.add_pilot(me))
    await site.store(
        *(body(number, victim=me) for number in range(1, 35)), *(body(number, attackers=(me,)) for number in (40, 41))
    )
    await site.pool.execute("UPDATE killmails SET killmail_time = '2026-02-03 12:00Z', total_value = 1e6")
    await site.pool.execute("UPDATE participants SET killmail_time = '2026-02-03 12:00Z'")
    _, first = await browser.get("/")
    (older,) = re.findall(r'rel="next" href="([^"]+)"', first)
    _, second = await browser.get(older)
    for page in (first, second):
        assert re.findall(r'<span class="totals">([^<]+)<', page) == ["2 kills 2.00m · 34 losses 34.0m"]


async def test_the_best_kill_comes_first_when_sorted_by_value(visitor: Visitor) -> None:
    values: list[float] = []
    path = "/?side=kills&sort=value"
    for _ in range(2):
        _, page = await visitor.get(path)
        values += map(float, re.findall(r'<data value="([0-9.]+)"', page))
        (older,) = re.findall(r'rel="next" href="([^"]+)"', page)
        path = older.replace("&amp;", "&")
    assert len(values) == 50
    assert values == sorted(values, reverse=True)


async def test_the_panel_takes_names_and_leads_to_an_address_that_can_be_shared(visitor: Visitor) -> None:
    form = "/?since=2026-01-01&until=&pilot=&ship=rifter&role=&min=1m&few=2&sec=low&sec=null&npc=0&pods=0&side=kills"
    async with visitor.http.get(f"{visitor.site.address}{form}", allow_redirects=False) as response:
        assert response.status == 303
        shared = response.headers["Location"]
    assert shared == "/?side=kills&since=2026-01-01&ship=587&sec=low,null&min=1m&few=2&npc=0&pods=0"
    status, page = await visitor.get(shared)
    assert status == 200
    Document(page)
    assert 'value="Rifter"' in page
    assert '<option value="0" selected>hidden</option>' in page
    (export,) = re.findall(r'href="(/export/killmails.csv[^"]*)"', page)
    status, lines = await visitor.get(export.replace("&amp;", "&"))
    assert status == 200
    shown = re.findall(r'id="killmail-([0-9]+)"', page)
    assert 0 < len(shown) <= 25
    assert [line.partition(",")[0] for line in lines.splitlines()[1 : len(shown) + 1]] == shown
    _, page = await visitor.get("/?pilot=Nobody+At+All&sec=moon&since=yesterday&few=-1")
    assert "Pilot: nothing here is called “Nobody At All”." in page
    assert page.count("<li id=") == 25
    _, names = await visitor.get("/fragments/names?kind=ship&q=rift")
    assert '<option value="Rifter">' in names


async def test_an_empty_choice_says_so_and_shows_the_way_out(visitor: Visitor, furnished: FurnishedSite) -> None:
    _, page = await visitor.get(f"/?character={furnished.there.second_id}&side=losses&until=2010-01-01")
    assert "No killmails match this filter." in page
    assert f'<a href="/?character={furnished.there.second_id}">Show all</a>' in page


@needs_chromium
@pytest.mark.browser
async def test_keys_walk_through_the_feed_and_open_a_killmail(page: Page, furnished: FurnishedSite) -> None:
    await page.goto(furnished.site.address)
    links = page.locator("#feed .lost a")
    await page.keyboard.press("j")
    await expect(links.nth(0)).to_be_focused()
    for _ in range(2):
        await page.keyboard.press("j")
    await page.keyboard.press("k")
    await expect(links.nth(1)).to_be_focused()
    target = await links.nth(1).get_attribute("href")
    await page.keyboard.press("Enter")
    await page.wait_for_url(f"**{target}")
    await page.go_back()
    await expect(links.nth(1)).to_be_focused()


@needs_chromium
@pytest.mark.browser
async def test_scrolling_down_reads_on_without_repeating_a_killmail_or_a_day(
    page: Page, furnished: FurnishedSite
) -> None:
    await page.goto(furnished.site.address)
    rows = page.locator("#feed li[id]")
    await expect(page.locator("#live")).to_contain_text("Live:")
    await expect(rows).to_have_count(25)
    older = page.locator("#older")
    there_are = await furnished.site.pool.fetchval(
        "SELECT count(DISTINCT killmail_id) FROM participants JOIN users USING (character_id) WHERE account_id = $1",
        furnished.there.account_id,
    )
    while (shown := await rows.count()) < there_are:
        await page.evaluate("scrollTo(0, document.body.scrollHeight)")
        await expect(rows).not_to_have_count(shown)
    await expect(older).to_have_count(0)
    ids = await rows.evaluate_all("rows => rows.map((row) => row.id)")
    assert len(set(ids)) == len(ids)
    days = await page.locator(".day").evaluate_all("days => days.map((day) => day.dataset.day)")
    assert days == sorted(set(days), reverse=True)


@needs_chromium
@pytest.mark.browser
async def test_without_script_older_killmails_and_filters_are_links(engine: Browser, furnished: FurnishedSite) -> None:
    context = await signed_in_context(engine, furnished.site, furnished.there.account_id, java_script_enabled=False)
    page = await context.new_page()
    await page.goto(furnished.site.address)
    await page.get_by_role("link", name="Older killmails").click()
    await expect(page.get_by_role("link", name="Newest killmails")).to_be_visible()
    await page.get_by_role("link", name="Losses", exact=True).click()
    await expect(page.locator("#feed li.loss").first).to_be_visible()
    await expect(page.locator("#feed li.kill")).to_have_count(0)
    await page.go_back()
    await expect(page.get_by_role("link", name="Newest killmails")).to_be_visible()
    await context.close()


async def test_what_is_shown_can_be_downloaded(visitor: Visitor, furnished: FurnishedSite) -> None:
    _, page = await visitor.get(f"/?character={furnished.there.pilot_id}&side=losses&worth=100m")
    (address,) = re.findall(r'href="(/export/killmails.csv[^"]*)"', page)
    status, lines = await visitor.get(address.replace("&amp;", "&"))
    assert status == 200
    shown = re.findall(r'id="killmail-([0-9]+)"', page)
    assert shown
    assert [line.partition(",")[0] for line in lines.splitlines()[1 : len(shown) + 1]] == shown
