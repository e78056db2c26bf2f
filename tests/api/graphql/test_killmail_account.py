"""`AccountCharacter.killmailAccount`: what brought a pilot's killmails, and what is missing, over GraphQL."""

from __future__ import annotations

from contracts.call_classes import CallClass
from db.intake.receive import Bringer, receive_killmails
from db.intake.references import HashFrom, add_references
from live import LiveEvents
from tests.api.running_site import Browser, Site, open_browser
from tests.db.bodies import body, raw

ME, MATE = 90_000_010, 90_000_011
ACCOUNT = (
    "{ me { characters { id killmailAccount { total sources { source killmails } missing { reason message } } } } }"
)
BROUGHT: tuple[tuple[CallClass | Bringer, int, HashFrom], ...] = (
    (CallClass.LIVE, ME, HashFrom.ESI),
    (CallClass.LIVE, ME, HashFrom.ESI),
    (CallClass.LIVE, MATE, HashFrom.ESI),
    (Bringer.LINK, ME, HashFrom.ESI),
    (CallClass.IMPORT, ME, HashFrom.ZKILLBOARD),
)
"""By whom each killmail came, whose list showed it, and whose word its hash is."""


async def refer(site: Site, seen_by: int, killmail_id: int, hash_from: HashFrom = HashFrom.ESI) -> None:
    async with site.pool.acquire() as connection:
        await add_references(connection, seen_by, [(killmail_id, "a" * 40)], hash_from)


async def test_each_character_has_its_own_account(site: Site, browser: Browser) -> None:
    mine = await site.add_pilot(ME)
    theirs = await site.add_pilot(MATE)
    for killmail_id, (by, seen_by, hash_from) in enumerate(BROUGHT, start=1):
        await refer(site, seen_by, killmail_id, hash_from)
        killmail = raw(body(killmail_id, victim=ME, attackers=(MATE,)))
        await receive_killmails(
            site.pool, LiveEvents(site.services.redis), [killmail], killmail_ids=[killmail_id], by=by
        )
    await refer(site, ME, 99)  # listed, and not fetched yet
    assert (await browser.data(ACCOUNT))["me"] is None

    await browser.sign_in(mine)
    [told] = (await browser.data(ACCOUNT))["me"]["characters"]
    assert (told["id"], told["killmailAccount"]["total"]) == (str(ME), 5)
    assert told["killmailAccount"]["sources"] == [
        {"source": "OWN_LIST", "killmails": 2},
        {"source": "FLEET_MATE", "killmails": 1},
        {"source": "IMPORT", "killmails": 1},
        {"source": "LINK", "killmails": 1},
    ], "the most first"
    missing = {one["reason"]: one["message"] for one in told["killmailAccount"]["missing"]}
    assert missing["WAITING"] == "1 killmail that EVE listed must still be fetched."
    assert "GIVEN_UP" not in missing
    assert missing.keys() & {"NO_ARCHIVE", "ARCHIVE_UNREAD"}, "assists are in the archive alone"

    async with open_browser(site) as other:
        await other.sign_in(theirs)
        [told] = (await other.data(ACCOUNT))["me"]["characters"]
        by_source = {one["source"]: one["killmails"] for one in told["killmailAccount"]["sources"]}
        assert (told["id"], by_source) == (str(MATE), {"OWN_LIST": 1, "FLEET_MATE": 2, "IMPORT": 1, "LINK": 1})
        assert "WAITING" not in {one["reason"] for one in told["killmailAccount"]["missing"]}


async def test_an_account_of_nothing_says_that_nothing_came(site: Site, browser: Browser) -> None:
    await browser.sign_in(await site.add_pilot(ME))
    [told] = (await browser.data(ACCOUNT))["me"]["characters"]
    assert (told["killmailAccount"]["total"], told["killmailAccount"]["sources"]) == (0, [])
