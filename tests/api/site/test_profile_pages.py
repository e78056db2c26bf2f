"""The pages of pilots, corporations, alliances, systems and ships: what they count is what one may see."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

import pytest
from playwright.async_api import Page

from api.site.charts import activity_chart, efficiency
from tests.api.running_site import Browser as Visitor
from tests.api.running_site import open_browser
from tests.api.site.furnished import FurnishedSite
from tests.end_to_end.chromium import needs_chromium


def number(page: str, name: str) -> int:
    (text,) = re.findall(rf"<dt>{name}</dt><dd[^>]*>\s*([0-9,]+)", page)
    return int(text.replace(",", ""))


async def test_a_pilot_s_numbers_are_those_of_the_killmails_one_may_see(
    visitor: Visitor, furnished: FurnishedSite
) -> None:
    _, page = await visitor.get(f"/characters/{furnished.there.pilot_id}?days=all")
    losses = await furnished.site.pool.fetchval(
        "SELECT count(DISTINCT killmail_id) FROM participants WHERE is_victim AND character_id = $1",
        furnished.there.pilot_id,
    )
    assert number(page, "Losses") == losses
    assert number(page, "Kills") + losses == await furnished.site.pool.fetchval(
        "SELECT count(DISTINCT killmail_id) FROM participants WHERE character_id = $1", furnished.there.pilot_id
    )
    async with open_browser(furnished.site) as other:
        await other.sign_in(
            await furnished.site.pool.fetchval("INSERT INTO accounts DEFAULT VALUES RETURNING account_id")
        )
        _, page = await other.get(f"/characters/{furnished.there.pilot_id}?days=all")
        assert number(page, "Losses") == number(page, "Kills") == 0, "a pilot's killmails are their own"
        assert "There are no killmails here that you can see." in page
        assert "<svg" not in page


async def test_a_side_is_where_the_page_s_pilot_stands(visitor: Visitor, furnished: FurnishedSite) -> None:
    path = f"/characters/{furnished.there.pilot_id}"
    _, losses = await visitor.get(f"{path}?side=losses")
    assert losses.count('class="loss"') > 0
    assert losses.count('class="kill"') == 0
    killer = re.findall(r'class="blow">.*?href="(/characters/[0-9]+)"', losses, re.S)[0]
    _, theirs = await visitor.get(f"{killer}?side=kills")
    assert theirs.count('class="kill"') > 0, "my loss is their kill on their page"


@pytest.mark.parametrize("path", ["systems/{system_id}", "types/{ship_id}", "corporations/{corporation_id}"])
async def test_older_killmails_and_choices_stay_on_the_page(
    visitor: Visitor, furnished: FurnishedSite, path: str
) -> None:
    here = "/" + path.format(**{name: getattr(furnished.there, name) for name in furnished.there.__dataclass_fields__})
    _, page = await visitor.get(here)
    assert f'href="{here}?side=losses"' in page
    assert f'href="{here}?days=7"' in page
    for older in re.findall(r'rel="next" href="([^"]+)"', page):
        assert older.startswith(f"{here}?after=")
        assert (await visitor.get(older))[0] == 200


async def test_a_chart_says_in_words_and_a_table_what_it_draws(visitor: Visitor, furnished: FurnishedSite) -> None:
    _, page = await visitor.get(f"/characters/{furnished.there.pilot_id}")
    for name, title in (("activity", "weekday and hour"), ("daily", "Kills and losses"), ("efficiency", "ISK")):
        (figure,) = re.findall(
            rf'<figure class="chart chart-{name}">\s*<figcaption id="{name}-title">.*?</figure>', page, re.S
        )
        assert title in figure
        assert f'role="img" aria-labelledby="{name}-title"' in figure
        assert "<table>" in figure
        assert re.search(r"[0-9]", re.findall(rf'id="{name}-says">(.*?)</span>', figure)[0])
    drawn = sum(int(kills) for kills in re.findall(r"<title>[0-9-]+: ([0-9]+) kill", page))
    assert drawn == number(page, "Kills")


async def test_one_walks_through_months_and_compares_them(visitor: Visitor, furnished: FurnishedSite) -> None:
    pool, pilot = furnished.site.pool, furnished.there.pilot_id
    months = [
        row[0]
        for row in await pool.fetch(
            "SELECT to_char(killmail_time AT TIME ZONE 'UTC', 'YYYY-MM') AS month FROM participants"
            " WHERE character_id = $1 GROUP BY month ORDER BY month DESC",
            pilot,
        )
    ]
    path = f"/characters/{pilot}"
    _, page = await visitor.get(f"{path}?days=all")
    by_month = page.partition('class="months"')[2].partition("</table>")[0]
    assert re.findall(r"days=([0-9-]+)", by_month) == months
    _, page = await visitor.get(f"{path}?days={months[1]}&compare=1")
    first, after = (datetime.fromisoformat(f"{month}-01T00:00:00Z") for month in (months[1], months[0]))
    losses = await pool.fetchval(
        "SELECT count(*) FROM participants WHERE is_victim AND character_id = $1 AND killmail_time >= $2"
        " AND killmail_time < $3",
        pilot,
        first,
        after,
    )
    assert number(page, "Losses") == losses
    assert f"Killmails in {first:%B %Y}" in page
    days = re.findall(r'data-day="([0-9-]+)"', page)
    assert days
    assert {day[:7] for day in days} == {months[1]}, "the list is that of the month"
    assert f'href="{path}?days={months[0]}"' in page, "the next month"
    earlier = first - timedelta(days=1)
    assert re.search(rf"[0-9,]+ in {earlier:%B %Y}</span>", page), "beside the figures those of the month before"
    for odd in ("2026-13", "1999", "0000-00", "x", "9" * 30):
        status, _ = await visitor.get(f"{path}?days={odd}")
        assert status == 200


async def test_of_a_place_nobody_loses(visitor: Visitor, furnished: FurnishedSite) -> None:
    _, page = await visitor.get(f"/systems/{furnished.there.system_id}?days=all")
    assert number(page, "Killmails") > 0
    charts = page.partition('class="charts"')[2].partition('class="tops"')[0]
    assert "killmail" in charts
    assert not re.search(r"kills|loss", re.sub(r'class="[^"]*"', "", charts).lower())


async def test_who_one_is_with_and_against_is_told(visitor: Visitor, furnished: FurnishedSite) -> None:
    pool, there = furnished.site.pool, furnished.there
    _, page = await visitor.get(f"/characters/{there.pilot_id}?days=all")
    assert re.search(rf'Last seen in.*?href="/corporations/{there.corporation_id}"', page, re.S)
    killer = await pool.fetchrow(
        "SELECT killer.character_id, count(DISTINCT killer.killmail_id) AS killmails"
        " FROM participants AS victim JOIN participants AS killer USING (killmail_id)"
        " WHERE victim.is_victim AND victim.character_id = $1 AND NOT killer.is_victim"
        " AND killer.character_id <> $1 AND killer.character_id NOT BETWEEN 1000000 AND 3999999"
        " GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 1",
        there.pilot_id,
    )
    assert killer is not None
    (killed_by,) = re.findall(r"<caption>Killed by.*?</table>", page, re.S)
    first = re.findall(r'href="/characters/([0-9]+)">.*?<td>([0-9,]+)</td>', killed_by, re.S)[0]
    assert first == (str(killer["character_id"]), str(killer["killmails"]))
    assert "<caption>Pilots" not in page, "of a pilot it would be that pilot"
    _, page = await visitor.get(f"/corporations/{there.corporation_id}?days=all")
    (ranks,) = re.findall(r"<caption>Ranks.*?</table>", page, re.S)
    assert "<b>1</b>" in ranks
    assert re.search(rf'Last seen in.*?href="/alliances/{there.alliance_id}"', page, re.S)


@needs_chromium
@pytest.mark.browser
async def test_a_month_of_a_corporation_is_one_page_of_paper(page: Page, furnished: FurnishedSite) -> None:
    await page.goto(f"{furnished.site.address}/corporations/{furnished.there.corporation_id}")
    await page.locator(".months a").first.click()
    await page.wait_for_url("**days=20*")
    margin = "10mm"
    margins = {"top": margin, "right": margin, "bottom": margin, "left": margin}
    paper = await page.pdf(format="A4", margin=margins)  # type: ignore[arg-type]
    assert len(re.findall(rb"/Type /Page\b", paper)) == 1


@needs_chromium
@pytest.mark.browser
async def test_the_daily_chart_is_as_wide_as_its_place(page: Page, furnished: FurnishedSite) -> None:
    await page.goto(f"{furnished.site.address}/characters/{furnished.there.pilot_id}")
    for width in (390, 1280, 1920):
        await page.set_viewport_size({"width": width, "height": 900})
        chart = await page.locator(".chart-daily").bounding_box()
        axis = await page.locator(".chart-daily line").bounding_box()
        assert chart is not None
        assert axis is not None
        assert chart["width"] - axis["width"] < 4


def test_one_busy_hour_does_not_hide_the_others() -> None:
    counts = [1] * 50 + [2] * 30 + [3] * 19 + [500]
    activity = [
        {"weekday": 1 + place // 24, "hour": place % 24, "kills": count, "losses": 0}
        for place, count in enumerate(counts)
    ]
    chart = activity_chart({"activity": activity, "losses": 0})
    assert chart is not None
    assert len({shape.style for shape in chart.shapes}) > 3
    assert [label.words for label in chart.labels[-3:]] == ["1", "2", "3 to 500"]


def test_no_efficiency_is_told_of_what_was_only_lost() -> None:
    lost = {"kills": 0, "losses": 3, "iskLost": "5.00", "efficiency": 0.0}
    assert efficiency(lost) is None
    assert efficiency({**lost, "kills": 1, "iskLost": "0.00", "efficiency": 1.0}) is None, "a loss without a price"
    assert efficiency({**lost, "kills": 1, "efficiency": 0.5}) == 0.5


@pytest.mark.parametrize(
    "path", ["characters/1", "corporations/98999999", "systems/1", "types/99999999", "alliances/99999999999999999999"]
)
async def test_nothing_by_that_number_is_said_plainly(visitor: Visitor, path: str) -> None:
    status, page = await visitor.get(f"/{path}")
    assert status == 404
    assert "with this id on any killmail here." in page
