"""A killmail's page: what happened, the fit as pilots read it, the attackers, and who may not see it."""

from __future__ import annotations

import math
import re
from dataclasses import replace

import asyncpg
import pytest
from playwright.async_api import Page, expect

from api.compiled.reads import CompiledReads
from api.site.killmail_story import LINES_SHOWN
from api.site.labels import distance, short_isk
from api.site.points_of_interest import points_of_interest
from db.accounts.share_links import Subject, create_share_link
from sandbox.eve.celestials import celestials_of
from tests.api.running_site import Browser as Visitor
from tests.api.running_site import Site
from tests.api.site.furnished import FurnishedSite
from tests.api.site.furniture import BATTLE_ATTACKERS, BATTLE_ID, PACKED_ID
from tests.db.bodies import body
from tests.end_to_end.chromium import needs_chromium


def text_of(page: str) -> str:
    """What one reads: without markup, in single spaces."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.partition("<main")[2]))


async def test_one_sentence_says_what_happened(visitor: Visitor, furnished: FurnishedSite) -> None:
    body = furnished.eve.killmail(furnished.there.loss_id)
    _, page = await visitor.get(f"/killmails/{furnished.there.loss_id}")
    (sentence,) = re.findall(r"<h1>(.*?)</h1>", page)
    assert sentence.startswith(f"{furnished.eve.pilots[0].name} lost a")
    assert " ISK in " in sentence
    assert f'<meta name="description" content="{sentence}">' in page
    assert f'<meta property="og:description" content="{sentence}">' in page
    assert f"{body['victim']['damage_taken']:,}" in page


async def test_a_loss_is_beside_what_was_nearest(visitor: Visitor, furnished: FurnishedSite) -> None:
    body = furnished.eve.killmail(furnished.there.loss_id)
    place = [body["victim"]["position"][axis] for axis in "xyz"]
    away, name = min((math.dist(place, one.position), one.name) for one in celestials_of(body["solar_system_id"]))
    _, page = await visitor.get(f"/killmails/{furnished.there.loss_id}")
    assert f"{distance(away)} from {name}" in text_of(page)


async def test_on_a_shared_board_one_loss_leads_to_the_other_behind_the_link(site: Site, browser: Visitor) -> None:
    account_id = await site.add_pilot(90_000_010)
    await site.pool.execute("UPDATE users SET visibility = 'link'")
    pod = body(2, victim=90_000_010, minute=2)
    pod["victim"]["ship_type_id"] = 670
    await site.store(body(1, victim=90_000_010), pod)
    made = await create_share_link(site.pool, account_id, Subject.CHARACTER, 90_000_010)
    status, page = await browser.get(f"/s/{made.token}/killmails/1")
    assert status == 200
    (also,) = re.findall(r'<dt>Also lost</dt><dd><a href="([^"]+)"', page)
    assert also == f"/s/{made.token}/killmails/2"
    assert (await browser.get(also))[0] == 200


@pytest.mark.parametrize(
    ("metres", "told"),
    [(0.4, "0 m"), (4_200, "4,200 m"), (9_999.6, "10 km"), (14_959_787_000, "14,959,787 km"), (1.6e10, "0.1 AU")],
)
def test_a_distance_is_told_as_in_the_game(metres: float, told: str) -> None:
    assert distance(metres) == told


async def test_a_fit_says_what_each_line_was_worth_and_what_became_of_it(visitor: Visitor) -> None:
    _, page = await visitor.get(f"/killmails/{PACKED_ID}")
    text = text_of(page)
    gun, ammo = (1_000 + type_id * 7_919 % 40_000_000 for type_id in (2889, 222))
    assert re.search(
        rf"High slots {short_isk(str(2 * gun + 200 * ammo))} ISK 200mm AutoCannon II \u00d72 {short_isk(str(2 * gun))}"
        rf" destroyed Antimatter Charge S \u00d7200 {short_isk(str(200 * ammo))} 90 destroyed, 110 dropped",
        text,
    ), "two guns with what both had loaded"
    assert text.index("High slots") < text.index("Mid slots") < text.index("Cargo hold")
    drawn = re.search(r"draws it: (\d) high slots \((\d) empty\), .*Everything is in the list below", page)
    assert drawn, "all slots that its hull has"
    assert int(drawn[1]) - int(drawn[2]) == 2
    assert page.count("<title>Empty high slot</title>") == int(drawn[2])
    assert f"{drawn[2]} empty high slot" in text
    held = re.findall(r"<details><summary.*?</details>", page, re.S)
    assert len(held) == 1
    tritanium = 1_234_567 * (1_000 + 34 * 7_919 % 40_000_000)
    box = 1_000 + 3467 * 7_919 % 40_000_000
    inside = text_of(f"<main>{held[0]}")
    assert short_isk(str(tritanium + box)) in inside, "a container is worth what it held"
    assert "Tritanium \u00d71,234,567" in inside
    (left_out,) = re.findall(r"Show ([0-9]+) more", text)
    _, page = await visitor.get(f"/killmails/{PACKED_ID}?items=all")
    assert "more</a>" not in page
    assert page.count('<div class="line">') == int(left_out) + LINES_SHOWN - 1, "a container's line is its summary"


async def test_more_of_the_fit_and_more_of_the_attackers_can_be_shown_at_once(visitor: Visitor) -> None:
    _, page = await visitor.get(f"/killmails/{PACKED_ID}?attackers=1")
    assert 'href="?items=all&amp;attackers=1#fit-title"' in page
    _, page = await visitor.get(f"/killmails/{BATTLE_ID}?items=all")
    assert 'href="?attackers=1&amp;items=all#attackers-title"' in page
    _, page = await visitor.get(f"/killmails/{BATTLE_ID}?items=all&attackers=2")
    for number in (1, 3):
        assert f'href="?attackers={number}&amp;items=all#attackers-title"' in page


@needs_chromium
@pytest.mark.browser
async def test_its_text_can_be_taken_into_the_game(page: Page, furnished: FurnishedSite) -> None:
    await page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    await page.goto(f"{furnished.site.address}/killmails/{furnished.there.loss_id}")
    for button, begins in (("Copy fit (EFT, Pyfa)", r"\[.+, .+ \d{4}-\d\d-\d\d\]\n"), ("Copy multibuy", r".+ x1\n")):
        await page.get_by_role("button", name=button).click()
        await page.get_by_text("Copied.").last.wait_for()
        assert re.match(begins, await page.evaluate("navigator.clipboard.readText()"))
    times = page.locator(".facts time").first
    await times.hover()
    await expect(times).to_have_attribute("title", re.compile(r"\d+:\d\d.* your time$"))


async def test_a_page_that_was_drawn_before_shows_what_has_changed_since(
    visitor: Visitor, furnished: FurnishedSite
) -> None:
    path, pool = f"/killmails/{furnished.there.loss_id}", furnished.site.pool
    _, first = await visitor.get(path)
    assert (await visitor.get(path))[1] == first
    change = "UPDATE killmails SET dropped_value = dropped_value + $2 WHERE killmail_id = $1 RETURNING dropped_value"
    dropped = short_isk(str(await pool.fetchval(change, furnished.there.loss_id, 7_000_000_000_000)))
    try:
        assert dropped not in first
        assert f"{dropped} dropped" in text_of((await visitor.get(path))[1])
    finally:
        await pool.execute(change, furnished.there.loss_id, -7_000_000_000_000)
    assert (await visitor.get(path))[1] == first


async def test_one_turns_from_killmail_to_killmail_of_one_s_feed(visitor: Visitor, furnished: FurnishedSite) -> None:
    newest_first = [
        row[0]
        for row in await furnished.site.pool.fetch(
            "SELECT DISTINCT killmail_id, killmail_time FROM participants WHERE character_id = ANY($1)"
            " ORDER BY killmail_time DESC, killmail_id DESC",
            [furnished.there.pilot_id, furnished.there.second_id],
        )
    ]
    for place in (0, 7, len(newest_first) - 1):
        _, page = await visitor.get(f"/killmails/{newest_first[place]}")
        turns = {rel: int(to) for rel, to in re.findall(r'rel="(prev|next)" href="/killmails/([0-9]+)"', page)}
        wanted = {"prev": place - 1, "next": place + 1}
        assert turns == {rel: newest_first[to] for rel, to in wanted.items() if 0 <= to < len(newest_first)}


async def test_thousands_of_attackers_begin_with_ten_and_who_they_were(visitor: Visitor) -> None:
    _, page = await visitor.get(f"/killmails/{BATTLE_ID}")
    assert f'<h2 id="attackers-title">{BATTLE_ATTACKERS:,} attackers</h2>' in page
    listed = page.partition('attacker-list"')[2]
    named = re.findall(r"Unknown character (9500[0-9]{4})", listed)
    assert named[:3] == ["95003699", "95000000", "95000001"], "final blow, top damage, then by damage"
    assert len(named) == 10
    assert listed.count("final blow</span>") == listed.count("top damage</span>") == 1
    parties = text_of("<main" + page.partition('class="parties"')[2].partition("</ul>")[0])
    assert f"{BATTLE_ATTACKERS:,} 100% of damage" in parties, "counted over all of them"
    seen: set[str] = set()
    for number in (1, 2, 37):
        _, page = await visitor.get(f"/killmails/{BATTLE_ID}?attackers={number}")
        named = re.findall(r"Unknown character (9500[0-9]{4})", page.partition('attacker-list"')[2])
        assert f"{100 * number - 99:,} to {100 * number:,} of {BATTLE_ATTACKERS:,}" in page
        assert len(named) == 100
        assert seen.isdisjoint(named)
        seen.update(named)
    for beyond in ("38", "0", "-1", "x", "9" * 30):
        status, _ = await visitor.get(f"/killmails/{BATTLE_ID}?attackers={beyond}")
        assert status == 200


def test_what_is_remarkable_is_said() -> None:
    pilot = {"corporation": None, "faction": None}
    concord = {"corporation": {"id": "1000125"}, "faction": None}
    mutated = {"name": "Abyssal Gyrostabilizer", "group": {"category": {"id": "7"}}}
    plain = {
        "solo": True,
        "npc": False,
        "awox": None,
        "attackerCount": 1,
        "attackers": [pilot],
        "items": [],
        "solarSystem": {"id": "30000142"},
    }
    rich = {
        **plain,
        "attackerCount": 2,
        "attackers": [pilot, concord],
        "solarSystem": {"id": "32000001"},
        "items": [{"type": {"name": "Crate", "group": None}, "items": [{"type": mutated, "items": []}]}],
    }
    assert [point for point, _ in points_of_interest(plain)] == ["solo"]
    assert [point for point, _ in points_of_interest(rich)] == [
        *("solo (NPCs present)", "killed by CONCORD", "abyssal", "1 mutated")
    ]
    assert "Abyssal Gyrostabilizer" in points_of_interest(rich)[-1][1]


@pytest.mark.parametrize("killmail_id", ["1", "9223372036854775808", "99999999999999999999999"])
async def test_what_one_may_not_see_is_not_there(visitor: Visitor, killmail_id: str) -> None:
    status, page = await visitor.get(f"/killmails/{killmail_id}")
    assert status == 404
    assert "This killmail is not here, or none of your characters and boards is on it." in page


async def test_a_stranger_learns_nothing_but_how_to_log_in(stranger: Visitor, furnished: FurnishedSite) -> None:
    status, page = await stranger.get(f"/killmails/{furnished.there.loss_id}")
    assert status == 401
    assert "Log in with EVE Online" in page
    assert furnished.eve.pilots[0].name not in page


async def test_the_feed_and_a_killmail_take_few_statements(visitor: Visitor, furnished: FurnishedSite) -> None:
    """Each is a round trip, which takes longer than what most of them read."""
    app, services, asked = furnished.site.app, furnished.site.services, list[str]()

    async def record(connection: asyncpg.Connection) -> None:
        connection.add_query_logger(lambda logged: asked.append(logged.query))

    async def nothing(_: object) -> None:
        """No reset, as in `db.pool`."""

    url = services.settings.database_url
    async with asyncpg.create_pool(url, min_size=1, max_size=2, init=record, reset=nothing) as pool:
        app.state.services = replace(services, pool=pool, compiled=CompiledReads(pool))
        try:
            # Who asks, what is around the list, a page of it, who is on it, the last day's totals, the characters.
            # A loss: who asks, it, who is on it, what else was lost, its prices (two), what lies near it in space,
            # what was lost near it, who was on that, its replacement (two), and what else the reader has beside it.
            for address, most in (("/", 6), (f"/killmails/{furnished.there.loss_id}", 12)):
                assert (await visitor.get(address))[0] == 200  # which makes names known, and types to asyncpg
                asked.clear()
                await visitor.get(address)
                told = [one for one in asked if "mentioned.id" not in one]  # names that nobody knows are asked again
                assert 0 < len(told) <= most, [" ".join(one.split())[:80] for one in told]
        finally:
            app.state.services = services
