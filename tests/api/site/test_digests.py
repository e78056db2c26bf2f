"""Digests from their page, and what the link in a mail does for whoever has it, without a login."""

from __future__ import annotations

import pytest
from pydantic import SecretStr

from settings import Settings
from tests.api.running_site import Browser, Site, open_browser

ME = 90_000_010
FIELDS = {"name": "My day", "subject": f"character:{ME}", "day": "", "hour": "11"}
SHOWN = (
    "query Shown { me { webhooks { host tells confirmed paused works digest { every hour weekday evenIfEmpty } } } }"
)


@pytest.fixture
def lone_settings(lone_settings: Settings) -> Settings:
    """This site can send mail."""
    return lone_settings.model_copy(update={"smtp_url": SecretStr("smtp://127.0.0.1:9")})


async def test_mail_is_confirmed_and_ended_by_its_link(site: Site, browser: Browser) -> None:
    await browser.sign_in(await site.add_pilot(ME, name="Ada"))
    for wrong in ({"target": "ada@localhost"}, {"target": "a@b.example", "hour": "24"}, {"target": "http://x.example"}):
        status, _ = await browser.post("/settings/digests", {**FIELDS, **wrong})
        assert status == 409
    status, page = await browser.post("/settings/digests", {**FIELDS, "target": "ada@example.com", "empty": "yes"})
    assert status == 200
    assert "Waits for the link in the first mail" in page
    assert "ada@example.com" not in page
    status, page = await browser.post("/settings/digests", {**FIELDS, "target": "https://example.com/x", "day": "7"})
    assert status == 201
    assert "whsec_" in page
    mailed, posted = (await browser.data(SHOWN))["me"]["webhooks"]
    assert (mailed["host"], mailed["confirmed"], mailed["tells"]) == ("a…@example.com", False, "DIGESTS")
    assert mailed["digest"] == {"every": "DAY", "hour": 11, "weekday": None, "evenIfEmpty": True}
    assert posted["digest"] == {"every": "WEEK", "hour": 11, "weekday": 7, "evenIfEmpty": False}
    row = await site.pool.fetchrow("SELECT webhook_id, secret FROM webhooks ORDER BY webhook_id LIMIT 1")
    assert row is not None
    await site.pool.execute("UPDATE webhook_deliveries SET status = 451, reason = 'SMTP 451'")
    assert "test: waiting, SMTP 451</li>" in (await browser.get("/settings/digests"))[1]
    refused = await browser.post("/settings/webhooks", {"id": str(row["webhook_id"]), "order": "test", "at": "digests"})
    assert "Nothing is sent to this address before" in refused[1]

    link = f"/s/{site.services.vault.decrypt(row['secret'])}/mail"
    async with open_browser(site) as reader:
        for _ in range(2):  # what looks at links for somebody changes nothing
            status, page = await reader.get(link)
            assert (status, "Yes, send it to me" in page) == (200, True)
        assert (await reader.post(link, {"order": "delete"}))[0] == 400
        status, page = await reader.post(link, {"order": "confirm"})
        assert (status, ">Unsubscribe</button>" in page) == (200, True)
        assert (await browser.data(SHOWN))["me"]["webhooks"][0]["confirmed"]
        # Mail readers post their one click from anywhere, and without any of our pages.
        headers = {"Origin": "https://mail.invalid", "Sec-Fetch-Site": "cross-site"}
        status, page = await reader.post(link, {"List-Unsubscribe": "One-Click"}, headers=headers)
        assert (status, "You are unsubscribed" in page) == (200, True)
        assert (await reader.get(link))[0] == 404
    assert (await browser.data(SHOWN))["me"]["webhooks"][0]["paused"] == "UNSUBSCRIBED"
    assert await site.pool.fetchval("SELECT target FROM webhooks WHERE webhook_id = $1", row["webhook_id"]) is None
    await browser.post("/settings/webhooks", {"id": str(row["webhook_id"]), "order": "resume", "at": "digests"})
    assert (await browser.data(SHOWN))["me"]["webhooks"][0]["paused"] == "UNSUBSCRIBED", "only its reader could want it"
