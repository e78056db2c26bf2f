"""The pages of pilots, corporations, alliances, systems and ships: what they count is what one may see."""

from __future__ import annotations

import re

import pytest

from tests.api.running_site import Browser as Visitor
from tests.api.running_site import open_browser
from tests.api.site.furnished import FurnishedSite


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
        (figure,) = re.findall(rf'<figure class="chart">\s*<figcaption id="{name}-title">.*?</figure>', page, re.S)
        assert title in figure
        assert f'role="img" aria-labelledby="{name}-title"' in figure
        assert "<table>" in figure
        assert re.search(r"[0-9]", re.findall(rf'id="{name}-says">(.*?)</span>', figure)[0])
    drawn = sum(int(kills) for kills in re.findall(r"<title>[0-9-]+: ([0-9]+) kill", page))
    assert drawn == number(page, "Kills")


@pytest.mark.parametrize(
    "path", ["characters/1", "corporations/98999999", "systems/1", "types/99999999", "alliances/99999999999999999999"]
)
async def test_nothing_by_that_number_is_said_plainly(visitor: Visitor, path: str) -> None:
    status, page = await visitor.get(f"/{path}")
    assert status == 404
    assert "with this id on any killmail here." in page
