"""A webhook or a feed whose filter is the address of a list here has the killmails of that list, or is refused."""

from __future__ import annotations

import re
from datetime import datetime

import pytest

from tests.api.running_site import Browser, Site
from tests.db.bodies import body

ME, FOE, ALLIANCE = 90_000_010, 90_000_020, 99_000_001
JITA, OTHER_SYSTEM, FORGE = 30_000_142, 30_002_187, 10_000_002
EVERY_KILLMAIL = {1, 2, 3, 4}
FORM = {"order": "create", "name": "Mine", "subject": f"character:{ME}", "side": "", "filter": ""}
HOOK = {**FORM, "url": "https://discord.com/api/webhooks/1/secret", "minutes": "60", "burst": "5", "min": "250m"}

# What is behind the path, of which the page lists what stands here.
LISTS: dict[str, set[int]] = {
    "/?solo=1": {2},
    "/?side=losses&days=7&sort=value&all=1": {1, 3},
    "/?region=The+Forge": {1, 2, 4},
    "/?sec=high&sec=low": {1, 2, 4},
    "/?pilot=&solo=1": {2},
    f"/systems/{JITA}?days=30": {1, 2, 4},
    f"/systems/{OTHER_SYSTEM}/": {3},
    f"/systems/{JITA}?side=losses&sort=value&compare=1": {1},
    f"/systems/{JITA}?days=2026-01": {1, 2},
    "/types/587": {1, 2, 4},
    "/types/587?side=losses": {1, 2},
    "/types/587?side=kills&days=all": {4},
    f"/characters/{FOE}?side=losses": {2, 4},
    "/corporations/98000002?side=kills&solo=1": {2},
    f"/alliances/{ALLIANCE}?days=2026": {1, 2},
}
REFUSED = {
    f"/ships/{JITA}?side=losses": "not the address of a list of killmails here",
    f"/battles?system={JITA}": "not the address of a list of killmails here",
    "/killmails/1?solo=1": "not the address of a list of killmails here",
    f"/characters/{2**63}": "not the address of a list of killmails here",
    "https://[x/?solo=1": "not the address of a list of killmails here",
    "//[": "not the address of a list of killmails here",
    "only solo": "not the address of a list of killmails here",
    "/": "Nothing in the address of the filter chooses",
    "/?sort=value": "Nothing in the address of the filter chooses",
    "?days=30&all=1": "Nothing in the address of the filter chooses",
    "/?after=abc": "Nothing in the address of the filter chooses",
    "/?role=victim": "Nothing in the address of the filter chooses",
    "/?solo=1&region=Atlantis": "Region: nothing here is called “Atlantis”.",
    "/?solo=1&region=%00": "Region: nothing here is called",
    "/?solo=1&min=100kk": "ISK from: “100kk” is no amount of ISK",
    "/?solo=1&few=many&utm=x": "ignores “few=many” and “utm=x”",
    "/?solo=1&sec=high,middle": "ignores “sec=high,middle”",
    f"/?solo=1&utm={'x' * 500}": "xxx…”; take that out of the filter.",
    f"/systems/{JITA}?pilot={ME}": f"ignores “pilot={ME}”",
    f"/systems/{JITA}?character={ME}&min=1b": f"ignores “character={ME}” and “min=1b”",
}


async def furnish(site: Site) -> None:
    """Four killmails with the pilot on each."""
    flown = body(4, victim=FOE, attackers=(ME,))
    flown["victim"]["ship_type_id"], flown["attackers"][0]["ship_type_id"] = 670, 587
    elsewhere = body(3, victim=ME, solar_system_id=OTHER_SYSTEM)
    elsewhere["victim"]["ship_type_id"] = 670
    allied = [body(1, victim=ME), body(2, victim=FOE, attackers=(ME,))]
    for one in allied:
        one["victim"]["alliance_id"] = ALLIANCE
    for one in (flown, elsewhere):
        one["killmail_time"] = "2026-02-03T04:05:06Z"
    await site.store(*allied, elsewhere, flown)
    await site.pool.execute("UPDATE killmails SET solo = killmail_id = 2, total_value = 1")
    await site.pool.execute("INSERT INTO regions (region_id, name) VALUES ($1, 'The Forge')", FORGE)
    await site.pool.execute("INSERT INTO constellations (constellation_id, region_id) VALUES (20000020, $1)", FORGE)
    await site.pool.execute(
        "INSERT INTO solar_systems (solar_system_id, security_status, constellation_id)"
        " VALUES ($1, 0.9459, 20000020), ($2, -0.5, 20000021)",
        JITA,
        OTHER_SYSTEM,
    )


def listed(page: str) -> set[int]:
    return {int(one) for one in re.findall(r'<li id="killmail-(\d+)"', page)}


async def test_a_feed_has_the_killmails_that_are_on_the_page_of_its_filter(site: Site, browser: Browser) -> None:
    await browser.sign_in(await site.add_pilot(ME))
    await furnish(site)
    assert listed((await browser.get("/"))[1]) == EVERY_KILLMAIL
    for position, (address, expected) in enumerate(LISTS.items()):
        assert listed((await browser.get(address))[1]) == expected, address
        typed = (address, f"{site.address}{address}", f"{address}#killmails")[position % 3]
        status, page = await browser.post("/settings/feeds", {**FORM, "filter": typed})
        assert status == 201, (typed, page)
        [token] = set(re.findall(r"/s/([\w-]{43})/feed", page))
        _, feed = await browser.get(f"/s/{token}/feed.atom")
        assert {int(one) for one in re.findall(r"killmails/(\d+)</id>", feed)} == expected, typed


@pytest.mark.parametrize(("form", "path"), [(FORM, "/settings/feeds"), (HOOK, "/settings/webhooks")])
async def test_what_is_no_list_or_is_ignored_by_it_is_refused_and_stays_in_the_form(
    site: Site, browser: Browser, form: dict[str, str], path: str
) -> None:
    await browser.sign_in(await site.add_pilot(ME))
    for address, reason in REFUSED.items():
        status, page = await browser.post(path, {**form, "filter": address})
        assert (status, reason in page) == (409, True), (address, page)
        assert 'value="Mine"' in page, address
        assert f'name="filter" maxlength="1000" value="{address.replace("&", "&amp;")}"' in page, address
    _, page = await browser.get(path)
    assert "You have no feeds." in page or "You have no webhooks." in page


async def test_the_side_and_the_least_value_beside_an_address_are_of_whose_webhook_it_is(
    site: Site, browser: Browser
) -> None:
    await browser.sign_in(await site.add_pilot(ME))
    hook = {**HOOK, "side": "kills", "filter": "/types/587?side=losses&worth=100m&days=2026-11"}
    assert (await browser.post("/settings/webhooks", hook))[0] == 201
    assert (await browser.post("/settings/webhooks", {**hook, "min": "", "filter": "solo=1"}))[0] == 201
    stored = await site.pool.fetch("SELECT filter::text FROM webhooks ORDER BY webhook_id")
    first, second = [str(row["filter"]) for row in stored]
    assert second == '{"side": "ATTACKER", "solo": true}'
    november = [datetime.fromisoformat(one).month for one in re.findall(r'"(?:since|until)": "([^"]+)"', first)]
    assert november == [11, 12]
    assert '"victim": {"shipTypeId": "587"}' in first
    assert '"side": "ATTACKER"' in first
    assert '"minValue": "250000000"' in first
