"""The site as a browser without script sees it."""

from __future__ import annotations

import asyncio
import re
from datetime import timedelta

import pytest

from api.site.names import security_style
from db.universe.names import store_names, unknown_entity_ids
from eve.security import shown_security
from tests.api.running_site import Browser, Site
from tests.api.site.document import Document
from tests.db.bodies import body

ME, OTHER, STRANGER = 90_000_010, 90_000_011, 90_000_020


@pytest.fixture
async def me(site: Site, browser: Browser) -> int:
    account_id = await site.add_pilot(ME, name="Ada <Lovelace>")
    await browser.sign_in(account_id)
    return account_id


async def test_a_stranger_learns_what_this_is_and_can_log_in(anonymous: Browser) -> None:
    status, page = await anonymous.get("/")
    assert status == 200
    document = Document(page)
    assert any(form["action"] == "/auth/login" for form in document.of("form"))
    labels = {label["for"] for label in document.of("label")}
    boxes = {box["id"] for box in document.of("input") if box.get("type") != "hidden"}
    assert labels == boxes, "every choice has its label"
    assert [html["lang"] for html in document.of("html")] == ["en"]
    assert all(script.get("src") for script in document.of("script")), "the policy allows no script in the page"


@pytest.mark.parametrize("path", ["/", "/nothing-here", "/graphql", "/auth/callback", "/static/site.css", "/healthz"])
async def test_every_answer_forbids_the_browser_what_it_does_not_need(anonymous: Browser, path: str) -> None:
    async with anonymous.http.get(f"{anonymous.site.address}{path}", headers={"Accept": "text/html"}) as response:
        headers = response.headers
    policy = headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    if path == "/graphql":  # GraphiQL's editor styles itself as it draws, where it was built
        policy = policy.replace("; style-src 'self' 'unsafe-inline'", "")
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert "img-src 'self' https://images.killreport.invalid" in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] in ("same-origin", "no-referrer")
    assert headers["X-Request-Id"]


async def test_what_is_not_there_has_a_page(anonymous: Browser) -> None:
    status, page = await anonymous.get("/nothing-here")
    assert status == 404
    assert "Page not found" in page
    Document(page)


@pytest.mark.new_database
@pytest.mark.usefixtures("me")
async def test_a_mistake_of_ours_has_a_page_with_a_number_to_quote(site: Site, browser: Browser) -> None:
    await site.pool.execute("DROP TABLE participants CASCADE")
    async with browser.http.get(f"{site.address}/") as response:
        page = await response.text()
        assert response.status == 500
        assert response.headers["X-Request-Id"] in page
    assert "participants" not in page


@pytest.mark.usefixtures("me")
async def test_the_feed_tells_kills_from_losses_in_words(site: Site, browser: Browser) -> None:
    killmail = body(2, victim=STRANGER, attackers=(ME, OTHER))
    del killmail["attackers"][0]["weapon_type_id"]
    await site.store(body(1, victim=ME), killmail)
    await site.pool.execute(
        "INSERT INTO entities (entity_id, category, name) VALUES (587, 'inventory_type', 'Rifter <b>'),"
        " (30000142, 'solar_system', 'Jita')"
    )
    await site.pool.execute("INSERT INTO solar_systems (solar_system_id, security_status) VALUES (30000142, 0.9459)")
    status, page = await browser.get("/")
    assert status == 200
    document = Document(page)
    rows = [row for row in document.of("li") if row.get("class") in ("kill", "loss")]
    assert [(row["id"], row["class"]) for row in rows] == [("killmail-2", "kill"), ("killmail-1", "loss")]
    assert page.count(">Kill<") == page.count(">Loss<") == 1
    assert "Rifter &lt;b&gt;" in page
    assert "Rifter <b>" not in page
    assert "Ada &lt;Lovelace&gt;" in page
    assert f"Unknown character {STRANGER}" in page
    assert 'class="sec sec-09"' in page
    assert '<p class="count">2<span class="label"> attackers</span>' in page
    assert page.count("Not priced yet") == 2
    assert "None" not in page


@pytest.mark.usefixtures("me")
async def test_older_killmails_are_a_link_away(site: Site, browser: Browser) -> None:
    await site.store(*(body(number, victim=ME) for number in range(1, 76)))
    seen: list[str] = []
    path = "/"
    for _ in range(3):
        _, page = await browser.get(path)
        document = Document(page)
        seen += [row["id"] for row in document.of("li") if row.get("id")]
        older = [link["href"] for link in document.of("a") if link.get("rel") == "next"]
        path = older[0] if older else ""
    assert seen == [f"killmail-{number}" for number in range(75, 0, -1)]
    assert path == ""
    _, page = await browser.get("/?after=nonsense")
    assert 'id="killmail-75"' in page, "a broken address shows the newest"


async def test_the_feed_of_one_character(site: Site, browser: Browser, me: int) -> None:
    await site.add_pilot(OTHER, me, name="Other")
    await site.store(body(1, victim=ME), body(2, victim=OTHER))
    _, page = await browser.get(f"/?character={OTHER}")
    assert "killmail-2" in page
    assert "killmail-1" not in page
    _, page = await browser.get(f"/?character={STRANGER}")
    assert "killmail-1" in page, "somebody else's id means no filter"


@pytest.mark.usefixtures("me")
async def test_an_empty_feed_says_so(browser: Browser) -> None:
    _, page = await browser.get("/")
    assert "No killmails yet" in page


@pytest.mark.usefixtures("me")
async def test_each_state_of_a_sync_has_its_sentence_and_the_button_that_helps(site: Site, browser: Browser) -> None:
    async def shown(state: str, token_state: str = "valid") -> str:  # noqa: S107 - a state
        await site.pool.execute("UPDATE users SET sync_state = $1, token_state = $2", state, token_state)
        status, fragment = await browser.get("/fragments/characters")
        assert status == 200
        Document(fragment)
        return fragment

    assert "Up to date." in (ok := await shown("ok"))
    assert 'value="sync_now"' in ok
    assert 'data-changing="no"' in ok
    assert 'value="resume"' in await shown("paused")
    for state, token_state in (("needs_login", "revoked"), ("owner_changed", "owner_changed")):
        page = await shown(state, token_state)
        assert 'href="/auth/login"' in page
        assert "/sync" not in page
    assert 'data-changing="yes"' in await shown("starting")
    await site.pool.execute(
        "INSERT INTO sync_runs (character_id, kind, listed, killmail_ids, new) VALUES ($1, 'first', 2, '{1,2}', 2)", ME
    )
    await site.store(body(1, victim=ME))
    page = await shown("first_sync")
    assert "Fetching your killmails: 1 of 2 so far." in page
    assert 'max="2" value="1"' in page
    assert "Welcome, Ada" in page
    await site.pool.execute(
        "UPDATE sync_runs SET finished_at = now(), stored = 1, failed = 1 WHERE character_id = $1", ME
    )
    banner = " ".join(re.sub(r"<[^>]+>", "", await shown("ok")).split())
    assert re.search(r"Imported 1 killmail for Ada &lt;Lovelace&gt;: 1 loss, on \d{4}-\d\d-\d\d\.", banner)
    assert "1 killmail could not be fetched and will be tried again." in banner


@pytest.mark.usefixtures("me")
async def test_a_button_works_without_script_but_not_from_another_site(browser: Browser) -> None:
    form = {"character_id": str(ME), "order": "sync_now"}
    for headers in ({}, {"Origin": "https://evil.invalid"}, {"Sec-Fetch-Site": "cross-site"}):
        status, page = await browser.post("/sync", form, headers)
        assert status == 403
        assert "another site" in page
    status, page = await browser.post("/sync", form)
    assert status == 409, "Temporal is away"
    assert "try again in a minute" in page
    assert (await browser.post("/sync", {**form, "order": "terminate"}))[0] == 400
    assert (await browser.post("/sync", {**form, "character_id": str(STRANGER)}))[0] == 409


@pytest.mark.usefixtures("me")
async def test_logging_out_ends_the_session_everywhere(site: Site, browser: Browser) -> None:
    assert (await browser.post("/auth/logout", headers={"Origin": "https://evil.invalid"}))[0] == 403
    assert "Log out" in (await browser.get("/"))[1]
    cookies = {cookie.key: cookie.value for cookie in browser.http.cookie_jar}
    status, page = await browser.post("/auth/logout")
    assert status == 200
    assert "Log in with EVE Online" in page
    browser.http.cookie_jar.update_cookies(cookies)
    assert "Log in with EVE Online" in (await browser.get("/"))[1], "the old cookie opens nothing"
    assert await site.pool.fetchval("SELECT count(*) FROM sessions") == 0


@pytest.mark.parametrize(
    ("status", "shown", "style"),
    [
        (1.0, "1.0", "sec-10"),
        (0.9459, "0.9", "sec-09"),
        (0.45, "0.5", "sec-05"),
        (0.4499, "0.4", "sec-04"),
        (0.05, "0.1", "sec-01"),
        (0.0001, "0.1", "sec-01"),
        (0.0, "0.0", "sec-00"),
        (-0.04, "0.0", "sec-00"),
        (-0.99, "-1.0", "sec-00"),
        (None, "?", "sec-unknown"),
    ],
)
def test_security_is_rounded_as_eve_does(status: float | None, shown: str, style: str) -> None:
    assert (shown_security(status), security_style(shown)) == (shown, style)


async def test_a_page_that_lacks_names_asks_for_them_again_when_it_is_time(
    site: Site, browser: Browser, me: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    del me
    asked: list[int] = []

    async def name_killmail(client: object, killmail_id: int, after: timedelta) -> None:
        del client, after
        asked.append(killmail_id)

    monkeypatch.setattr("api.orders.naming.name_killmail", name_killmail)

    async def look_at(*killmail_ids: int, expect: list[int]) -> None:
        """What a look orders is ordered behind its answer; the last of them lacks names for certain."""
        asked.clear()
        for killmail_id in killmail_ids:
            assert (await browser.get(f"/killmails/{killmail_id}"))[0] == 200
        async with asyncio.timeout(10):
            while expect[-1] not in asked:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        assert sorted(asked) == sorted(expect)

    await site.store(body(1, victim=ME))
    await site.store(body(2, victim=ME, attackers=(STRANGER,)))
    await look_at(1, 2, expect=[1, 2])
    await store_names(site.pool, [], await unknown_entity_ids(site.pool, [1]))  # ESI denied them just now
    await look_at(1, 2, expect=[2])
    await site.pool.execute("UPDATE entities SET fetched_at = now() - interval '3 minutes'")
    await look_at(1, 2, expect=[1, 2])
    await store_names(site.pool, [(i, "character", f"Name {i}") for i in await unknown_entity_ids(site.pool, [1])])
    await look_at(1, 2, expect=[2])
