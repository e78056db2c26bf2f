"""Webhooks and feeds on the pages of the settings, and the feeds themselves, without script."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import format_datetime
from xml.etree import ElementTree

from api.exports.feeds import read_feed
from db.corporations.directors import follow, note_role
from db.killmails.filter import EVERYTHING
from db.visibility import Visibility, set_pilot_visibility
from db.webhooks.subjects import Subject, viewer_of
from settings import Settings
from tests.api.running_site import Browser, Site, open_browser, serve
from tests.api.site.document import Document
from tests.db.bodies import body
from tests.db.corporations.test_boards import add

ME, CORPORATION = 90_000_010, 98_000_001
ATOM = "{http://www.w3.org/2005/Atom}"


async def test_a_pilot_makes_a_webhook_and_reads_why_nothing_was_sent(site: Site, browser: Browser) -> None:
    account_id = await site.add_pilot(ME, name="Ada")
    await browser.sign_in(account_id)
    fields = {
        "order": "create", "name": "To <our> channel", "url": "https://discord.com/api/webhooks/1/very-secret",
        "subject": f"character:{ME}", "side": "losses", "min": "100m", "filter": "https://here/?solo=1&days=7",
        "minutes": "60", "burst": "5", "quiet_from": "22:00", "quiet_until": "07:30",
    }  # fmt: skip
    status, page = await browser.post("/settings/webhooks", fields)
    assert status == 201
    [secret] = re.findall(r"whsec_[\w+/=]+", page)[:1]
    await site.store(body(1, victim=ME))
    await site.pool.execute(
        "INSERT INTO webhook_deliveries (webhook_id, killmail_id, state, reason) SELECT webhook_id, 1, 'skipped',"
        " 'too_old' FROM webhooks"
    )
    _, page = await browser.get("/settings/webhooks")
    assert secret not in page
    assert "very-secret" not in page
    assert "To &lt;our&gt; channel" in page
    assert "Quiet from 22:00 until 07:30 EVE time. Only losses, worth 100m ISK or more, solo kills alone." in page
    assert "too old by then" in page
    chosen = await site.pool.fetchval("SELECT filter::text FROM webhooks")
    assert chosen == '{"side": "VICTIM", "solo": true, "minValue": "100000000"}'
    stored = await site.pool.fetchrow("SELECT target, secret FROM webhooks")
    assert stored is not None
    assert b"discord" not in stored["target"]
    assert site.services.vault.decrypt(stored["secret"]) == secret

    for wrong in (
        {"url": "http://10.0.0.1/x"}, {"name": ""}, {"quiet_from": "25:00"}, {"minutes": "1"},
        {"min": "100kk"}, {"filter": "solo"}, {"filter": f"{site.address}/killmails/1"},
    ):  # fmt: skip
        status, page = await browser.post("/settings/webhooks", {**fields, **wrong})
        assert (status, "Nothing was changed." in page) == (409, True), wrong
    await site.pool.execute("UPDATE webhooks SET paused_reason = 'gone', paused_at = now()")
    _, page = await browser.get("/settings")
    assert "the target says that it does not exist any more" in page
    hook = {"id": "1", "order": "resume"}
    status, page = await browser.post("/settings/webhooks", {**hook, "order": "test"})
    assert (status, "Resume it, then test it." in page) == (409, True)
    assert (await browser.post("/settings/webhooks", hook))[0] == 200
    await site.pool.execute("UPDATE webhooks SET paused_reason = 'unreadable', paused_at = now()")
    _, page = await browser.get("/settings/webhooks")
    assert ("could not be read. Resume it." in page, 'value="resume"' in page) == (True, True)
    assert 'value="test"' in (await browser.post("/settings/webhooks", hook))[1], "it is at work again"
    await site.pool.execute(
        "UPDATE webhooks SET target = NULL, secret = NULL, paused_reason = 'unreadable', paused_at = now()"
    )
    _, page = await browser.get("/settings/webhooks")
    assert ("could not be read. Delete it and" in page, 'value="resume"' in page) == (True, False), "the key is lost"
    assert (await browser.post("/settings/webhooks", {**hook, "order": "delete"}))[0] == 200
    assert "You have no webhooks." in (await browser.get("/settings/webhooks"))[1]


async def test_a_new_digest_says_that_it_is_one(site: Site, browser: Browser) -> None:
    await browser.sign_in(await site.add_pilot(ME, name="Ada"))
    assert "to Discord or to a program of yours" in (await browser.get("/settings/digests"))[1]
    fields = {
        "order": "create", "name": "Nightly", "target": "https://discord.com/api/webhooks/1/very-secret",
        "subject": f"character:{ME}", "day": "", "hour": "2",
    }  # fmt: skip
    status, page = await browser.post("/settings/digests", fields)
    assert (status, "Your digest “Nightly”" in page, "what arrives from now on" in page) == (201, True, False)


async def test_a_feed_is_read_by_its_secret_address_until_it_is_revoked(site: Site, browser: Browser) -> None:
    async with open_browser(site) as anonymous:
        await _read_a_feed(site, browser, anonymous)


async def _read_a_feed(site: Site, browser: Browser, anonymous: Browser) -> None:
    account_id = await site.add_pilot(ME, name="Ada")
    await site.store(body(1, victim=ME), body(2, attackers=(ME,)), body(3, victim=ME), body(4))
    await site.pool.execute("INSERT INTO entities (entity_id, name) VALUES ($1, $2)", ME, "Ada <&\x01>")
    await browser.sign_in(account_id)
    form = {"order": "create", "name": "Losses", "subject": f"character:{ME}", "side": "losses", "filter": ""}
    status, page = await browser.post("/settings/feeds", {**form, "filter": "only solo, please"})
    assert (status, "Nothing was changed." in page) == (409, True)
    status, page = await browser.post("/settings/feeds", form)
    assert status == 201
    [token] = set(re.findall(r"/s/([\w-]{43})/feed", page))
    _, text = await anonymous.get(f"/s/{token}/feed.atom")
    feed = ElementTree.fromstring(text)  # noqa: S314 - our own
    assert [entry.findtext(f"{ATOM}id") for entry in feed.iter(f"{ATOM}entry")] == [
        f"{site.address}/killmails/{killmail_id}" for killmail_id in (3, 1)
    ]
    assert str(feed.findtext(f"{ATOM}entry/{ATOM}title")).startswith("Ada <&?> lost a ship")
    address = f"{site.address}/s/{token}/feed.json"
    async with anonymous.http.get(address) as answer:
        assert answer.content_type == "application/feed+json"
        told = await answer.json(content_type=None)
        assert [item["_killmail"]["id"] for item in told["items"]] == ["3", "1"]
        assert "Last-Modified" not in answer.headers
        validator = {"If-None-Match": answer.headers["ETag"]}
    async with anonymous.http.get(address, headers=validator) as answer:
        assert answer.status == 304
    await site.store(body(5, victim=ME, minute=0))
    late = validator, {"If-Modified-Since": format_datetime(datetime.now(UTC), usegmt=True)}
    for headers in late:
        async with anonymous.http.get(address, headers=headers) as answer:
            assert answer.status == 200, "it happened before the newest, and came after it"

    assert (await anonymous.get("/feed.atom"))[0] == 404, "nothing is public"
    await set_pilot_visibility(site.pool, account_id, ME, Visibility.PUBLIC)
    _, text = await anonymous.get("/feed.atom?side=kills")
    assert re.findall(r"killmails/(\d+)</id>", text) == ["2"], "the public pilot's kills"
    status, page = await browser.post("/settings/feeds", {"order": "revoke", "id": "1"})
    assert "You have no feeds." in page
    assert (await anonymous.get(f"/s/{token}/feed.atom"))[0] == 404
    assert (await anonymous.get(f"/s/{token}/feed.pdf"))[0] == 404
    assert Document(page).of("form")


async def test_a_feed_of_a_corporation_and_of_everything_has_their_killmails(site: Site, browser: Browser) -> None:
    account_id = await add(site.pool, ME, CORPORATION, director=True)
    await follow(site.pool, ME)
    await note_role(site.pool, CORPORATION, ME)
    elsewhere = body(3)
    elsewhere["victim"]["corporation_id"] = 98_000_003
    await site.store(body(1, victim=ME + 1), body(2, victim=ME + 2), elsewhere)
    await browser.sign_in(account_id)

    async def of(subject: str, chosen: str = "") -> list[str]:
        form = {"order": "create", "name": "Everybody's", "subject": subject, "side": "", "filter": chosen}
        status, page = await browser.post("/settings/feeds", form)
        assert status == 201
        [token] = set(re.findall(r"/s/([\w-]{43})/feed", page))
        return re.findall(r"killmails/(\d+)</id>", (await browser.get(f"/s/{token}/feed.atom"))[1])

    assert await of(f"corporation:{CORPORATION}") == ["2", "1"]
    assert await of(f"corporation:{CORPORATION}", f"?pilot={ME + 1}") == ["1"]
    everything = viewer_of(Subject.INSTALLATION, 0)
    told = await read_feed(site.pool, everything, EVERYTHING, Subject.INSTALLATION, 0, site.address)
    assert [one["id"] for one in told] == ["3", "2", "1"]


async def test_kills_or_losses_of_everything_here_are_refused_unless_somebody_is_named(lone_settings: Settings) -> None:
    async with (
        serve(lone_settings.model_copy(update={"admin_character_ids": frozenset({ME})})) as site,
        open_browser(site) as operator,
    ):
        await operator.sign_in(await site.add_pilot(ME))
        feed = {"order": "create", "name": "All", "subject": "installation:0", "side": "losses", "filter": ""}
        hook = {**feed, "url": "https://discord.com/api/webhooks/1/secret", "minutes": "60", "burst": "5"}
        for path, form in (("/settings/feeds", feed), ("/settings/webhooks", hook)):
            status, page = await operator.post(path, form)
            assert (status, "choose both, or name a character or corporation" in page) == (409, True), path
            assert (await operator.post(path, {**form, "filter": f"?character={ME}"}))[0] == 201, path
            assert (await operator.post(path, {**form, "side": ""}))[0] == 201, path
        answer = await operator.data(
            'mutation { createFeed(name: "All", subject: INSTALLATION, filter: {side: VICTIM})'
            " { userErrors { code } } }"
        )
        assert answer["createFeed"]["userErrors"] == [{"code": "BAD_USER_INPUT"}]


async def test_no_feed_is_made_of_an_amount_that_is_megabytes_long_when_written_out(
    site: Site, browser: Browser
) -> None:
    await browser.sign_in(await site.add_pilot(ME))
    answer = await browser.graphql(
        'mutation Long($of: ID, $chosen: KillmailFilter) { createFeed(name: "Long", subject: CHARACTER, subjectId: $of,'
        " filter: $chosen) { userErrors { code } } }",
        of=str(ME),
        chosen={"minValue": "1E-9999999"},
    )
    [error] = answer["errors"]
    assert error["extensions"]["code"] == "BAD_USER_INPUT"
    assert "at most 40 decimals" in error["message"]
    assert await site.pool.fetchval("SELECT count(*) FROM killmail_feeds") == 0
