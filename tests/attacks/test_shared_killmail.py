"""A link to a killmail tells its maker's side of it, and nothing else of theirs, whoever opens it.

Its reader's eyes hold who the maker is and directs, and see everything: that opens nothing beside the one killmail.
"""

from __future__ import annotations

import re

from db.accounts.share_links import Subject, create_share_link
from db.corporations.directors import follow, note_role
from db.intake.arrivals import record_arrivals
from tests.api.running_site import Browser, Site, open_browser
from tests.db.bodies import body
from tests.db.corporations.test_boards import add

OWNER, ALT, MEMBER, OUTSIDER, HUNTER = range(90_000_010, 90_000_015)
OURS, ELSEWHERE = 98_000_001, 98_000_009
EARLIER, SHARED, POD, OF_ALT, OF_CORPORATION = 701_001, 701_002, 701_003, 701_004, 701_005
OTHERS = (EARLIER, POD, OF_ALT, OF_CORPORATION)
HASH = "ab12" * 10
NOT_SHARED = (HASH, "killReport:", "Your killmails", "Also lost", 'id="share-title"', "/battles/", "<form", "/settings")
"""On the owner's own page: its hash, other killmails of theirs, its battle, what they may do with it."""


async def main_of(browser: Browser, path: str) -> str:
    """What a page shows beside the navigation, which is the reader's own."""
    status, page = await browser.get(path)
    assert status == 200, path
    return page.partition("<main")[2].partition("</main>")[0]


async def prepare(site: Site) -> tuple[int, str]:
    """A pilot with an alt, who directs a corporation; losses of each, in one place and moment. The account, a link."""
    account_id = await add(site.pool, OWNER, OURS, director=True)
    await site.add_pilot(ALT, account_id)
    await follow(site.pool, OWNER)
    await note_role(site.pool, OURS, OWNER)
    losses = [
        body(killmail_id, victim=victim, attackers=(HUNTER,), minute=0)
        for killmail_id, victim in ((EARLIER, HUNTER + 1), (SHARED, OWNER), (POD, OWNER), (OF_ALT, ALT))
    ]
    losses.append(body(OF_CORPORATION, victim=HUNTER + 2, attackers=(HUNTER,), minute=0))
    losses[2]["victim"]["ship_type_id"] = 670
    await site.store(*losses)
    await record_arrivals(site.pool, [SHARED, *OTHERS])
    await site.pool.execute(
        "INSERT INTO killmail_refs (killmail_id, killmail_hash, first_seen_by, stored_at, hash_from)"
        " VALUES ($1, $2, $3, now(), 'esi')",
        SHARED,
        HASH,
        OWNER,
    )
    return account_id, (await create_share_link(site.pool, account_id, Subject.KILLMAIL, SHARED)).token


async def test_a_link_to_a_killmail_opens_nothing_else_of_its_maker_s(shared_site: Site, visitor: Browser) -> None:
    site, browser = shared_site, visitor
    account_id, token = await prepare(site)
    await browser.sign_in(account_id)
    own = await main_of(browser, f"/killmails/{SHARED}")
    assert [one for one in (*NOT_SHARED, f"killmails/{POD}") if one not in own] == [], "all that could be told"
    member, outsider = await site.add_pilot(MEMBER), await site.add_pilot(OUTSIDER)
    await site.pool.execute("UPDATE users SET corporation_id = $2 WHERE character_id = $1", MEMBER, OURS)
    for who in (None, outsider, member, account_id):
        async with open_browser(site) as reader:
            if who is not None:
                await reader.sign_in(who)
            await _reads_the_killmail_alone(reader, token)
            if who in (None, outsider):
                await _and_sees_no_more_elsewhere(reader)


async def _reads_the_killmail_alone(reader: Browser, token: str) -> None:
    for asked in ("", "?all=1", "?side=losses", f"?character={OWNER}", "?items=all&attackers=all"):
        page = await main_of(reader, f"/s/{token}{asked}")
        assert '<span class="outcome">Loss</span>' in page
        assert [one for one in NOT_SHARED if one in page] == []
        assert not any(str(one) in page for one in OTHERS)
    async with reader.http.get(f"{reader.site.address}/s/{token}/card.png") as drawn:
        assert drawn.status == 200
    for behind in (
        *("feed.atom", "feed.json", "mail", "battles", "settings", "export", f"characters/{OWNER}", "killmails"),
        *(f"killmails/{one}{more}" for one in (*OTHERS, SHARED) for more in ("", "/card.png")),
    ):
        assert (await reader.get(f"/s/{token}/{behind}"))[0] == 404, behind


async def _and_sees_no_more_elsewhere(reader: Browser) -> None:
    """Nothing is public: having opened a link changes nothing of that."""
    for path in (
        f"/killmails/{SHARED}",
        f"/battles/{SHARED}",
        "/?all=1",
        f"/characters/{OWNER}",
        f"/corporations/{OURS}",
    ):
        _, page = await reader.get(path)
        assert not re.search(rf"<a[^>]*killmails/({SHARED}|{'|'.join(map(str, OTHERS))})\b", page), path
        assert HASH not in page
    answer = await reader.graphql(
        f'{{ killmail(id: "{SHARED}") {{ id }} killmails(filter: {{scope: VISIBLE}}) {{ nodes {{ id }} }} }}'
    )
    assert not any(str(one) in str(answer.get("data")) for one in (SHARED, *OTHERS))
