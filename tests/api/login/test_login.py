"""Log in with EVE: what ends well, and what each bad ending says and does."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import pytest
from yarl import URL

from db.accounts.vault import TokenVault
from eve.sso.scopes import CORPORATION_KILLMAIL_SCOPE, CORPORATION_ROLES_SCOPE, KILLMAIL_SCOPE
from settings import Settings
from tests.api.login.browser_login import begin, come_back, log_in
from tests.api.login.odd_sso import OddSso, serve_odd_sso
from tests.api.running_site import Browser, Site, open_browser, serve

FIRST, SECOND = 90_000_010, 90_000_011


@pytest.fixture
async def sso() -> AsyncIterator[OddSso]:
    async with serve_odd_sso() as running:
        yield running


@pytest.fixture
async def site(lone_settings: Settings, sso: OddSso) -> AsyncIterator[Site]:
    settings = lone_settings.model_copy(update={"eve_sso_url": sso.url, "esi_base_url": sso.url})
    async with serve(settings) as running:
        yield running


async def me(browser: Browser) -> list[str] | None:
    """The characters of the signed-in account."""
    seen = (await browser.data("{ me { characters { id } } }"))["me"]
    return None if seen is None else [character["id"] for character in seen["characters"]]


async def test_a_pilot_logs_in_and_the_grant_is_kept_encrypted(site: Site, browser: Browser, sso: OddSso) -> None:
    request = await begin(browser)
    assert request["scope"] == KILLMAIL_SCOPE
    assert request["redirect_uri"] == f"{site.address}/auth/callback"
    status, page = await come_back(browser, request["state"])
    assert status == 200
    assert "Welcome, Ada Lovelace" in page
    assert "Your sync is about to start." in page, "Temporal is away, and the login succeeds"
    (form,) = sso.asked
    challenge = base64.urlsafe_b64encode(hashlib.sha256(form["code_verifier"].encode()).digest()).rstrip(b"=")
    assert request["code_challenge"] == challenge.decode()
    row = await site.pool.fetchrow("SELECT * FROM users")
    assert row is not None
    assert row["corporation_id"] == 98_000_001
    assert b"refresh-token-of-a-test" not in row["refresh_token"]
    vault = TokenVault.from_settings(site.services.settings)
    assert vault.decrypt(row["refresh_token"]) == "refresh-token-of-a-test"
    assert await site.pool.fetchval("SELECT count(*) FROM login_attempts") == 0


async def test_cookies_are_kept_from_scripts_and_other_sites(site: Site, browser: Browser) -> None:
    state = (await begin(browser))["state"]
    async with browser.http.get(
        f"{site.address}/auth/callback?code=c&state={state}", allow_redirects=False
    ) as response:
        cookie = response.cookies["killreport"]
        assert response.status == 303
    assert cookie["httponly"]
    assert cookie["samesite"] == "lax"
    assert cookie["path"] == "/"
    assert not cookie["domain"]
    stored = await site.pool.fetchval("SELECT session_hash FROM sessions")
    assert stored == hashlib.sha256(cookie.value.encode()).digest()


async def test_whoever_comes_often_enough_stays_logged_in(site: Site, browser: Browser) -> None:
    """Each visit gives the session 30 days more. The cookie is sent once: it lasts as long as a browser keeps one."""
    state = (await begin(browser))["state"]
    callback = f"{site.address}/auth/callback?code=c&state={state}"
    async with browser.http.get(callback, allow_redirects=False) as response:
        assert response.cookies["killreport"]["max-age"] == str(400 * 86_400)
    aged = "UPDATE sessions SET last_seen_at = now() - interval '20 days', expires_at = now() + interval '10 days'"
    await site.pool.execute(aged)
    assert await me(browser) == [str(FIRST)]
    assert await site.pool.fetchval("SELECT expires_at > now() + interval '29 days' FROM sessions")


async def test_over_https_cookies_are_bound_to_the_host(lone_settings: Settings, sso: OddSso) -> None:
    settings = lone_settings.model_copy(update={"eve_sso_url": sso.url, "public_url": "https://killreport.invalid"})
    async with serve(settings) as running, open_browser(running) as browser:
        running.address = f"http://{settings.host}:{settings.port}"
        headers = {"Host": "killreport.invalid"}
        async with browser.http.get(
            f"{running.address}/auth/login", headers=headers, allow_redirects=False
        ) as response:
            (cookie,) = response.cookies.values()
    assert cookie.key == "__Host-killreport-login"
    assert cookie["secure"]


async def test_the_scopes_are_the_pilots_choice(browser: Browser) -> None:
    asked = (await begin(browser, "/auth/login?corporation=1"))["scope"]
    assert set(asked.split()) == {KILLMAIL_SCOPE, CORPORATION_KILLMAIL_SCOPE, CORPORATION_ROLES_SCOPE}


async def test_a_login_from_another_name_of_ours_moves_to_the_registered_one(site: Site, browser: Browser) -> None:
    port = urlsplit(site.address).port
    asked = "/auth/login?corporation=1&fittings=1&character=90000010&back=%2Fkillmails%2F1"
    async with browser.http.get(
        URL(f"http://localhost:{port}{asked}", encoded=True), allow_redirects=False
    ) as response:
        moved = response.headers["Location"]
    assert moved == f"{site.address}{asked}&moved=1"


async def test_a_second_character_joins_the_account(site: Site, browser: Browser, sso: OddSso) -> None:
    await log_in(browser)
    sso.character_id = SECOND
    await log_in(browser)
    assert await me(browser) == [str(FIRST), str(SECOND)]
    assert await site.pool.fetchval("SELECT count(*) FROM sessions") == 1, "the session was rotated"


async def test_a_character_of_another_account_moves_and_the_empty_account_goes(
    site: Site, browser: Browser, sso: OddSso
) -> None:
    await log_in(browser)
    async with open_browser(site) as elsewhere:
        sso.character_id = SECOND
        await log_in(elsewhere)
        sso.character_id = FIRST
        await log_in(elsewhere)
        assert await me(elsewhere) == [str(FIRST), str(SECOND)]
    assert await me(browser) is None
    assert await site.pool.fetchval("SELECT count(*) FROM accounts") == 1


async def test_logging_in_again_is_the_same_account(site: Site, browser: Browser) -> None:
    await log_in(browser)
    await site.pool.execute("UPDATE users SET token_state = 'revoked', sync_state = 'needs_login', access_token = NULL")
    async with open_browser(site) as elsewhere:
        await log_in(elsewhere)
        assert await me(elsewhere) == [str(FIRST)]
    row = await site.pool.fetchrow("SELECT token_state, sync_state, token_version FROM users")
    assert row is not None
    assert tuple(row) == ("valid", "starting", 2)
    assert await site.pool.fetchval("SELECT count(*) FROM accounts") == 1


async def test_a_paused_sync_stays_paused_over_a_login(site: Site, browser: Browser) -> None:
    await log_in(browser)
    await site.pool.execute("UPDATE users SET sync_state = 'paused'")
    await log_in(browser)
    assert await site.pool.fetchval("SELECT sync_state FROM users") == "paused"


async def test_a_sold_character_leaves_its_old_owner(site: Site, browser: Browser, sso: OddSso) -> None:
    await log_in(browser)
    sso.character_id = SECOND
    await log_in(browser)
    sso.owner = "new-owner"
    async with open_browser(site) as buyer:
        status, page = await log_in(buyer)
        assert status == 200
        assert "used to belong to someone else" in page
        assert await me(buyer) == [str(SECOND)]
    assert await me(browser) == [str(FIRST)]
    assert await site.pool.fetchval("SELECT owner_hash FROM users WHERE character_id = $1", SECOND) == "new-owner"


async def test_two_tabs_may_each_finish_a_login(site: Site, browser: Browser) -> None:
    one, other = (await begin(browser))["state"], (await begin(browser))["state"]
    assert (await come_back(browser, one))[0] == 200
    assert (await come_back(browser, other))[0] == 200
    assert await me(browser) == [str(FIRST)]
    assert await site.pool.fetchval("SELECT count(*) FROM accounts") == 1


async def test_whoever_logged_out_meanwhile_adds_nothing_to_the_old_account(
    site: Site, browser: Browser, sso: OddSso
) -> None:
    await log_in(browser)
    state = (await begin(browser))["state"]
    await browser.post("/auth/logout")
    sso.character_id = SECOND
    await come_back(browser, state)
    assert await me(browser) == [str(SECOND)]
    assert await site.pool.fetchval("SELECT count(*) FROM accounts") == 2


async def refused(site: Site, browser: Browser, ending: tuple[int, str], status: int, words: str) -> None:
    """A page with this status that says this; nobody is signed in and nothing was stored."""
    assert ending[0] == status
    assert words in ending[1]
    assert 'class="button primary"' in ending[1]
    assert await me(browser) is None
    assert await site.pool.fetchval("SELECT count(*) FROM users") == 0


async def test_denied_consent(site: Site, browser: Browser) -> None:
    state = (await begin(browser))["state"]
    ending = await browser.get(f"/auth/callback?error=access_denied&state={state}")
    await refused(site, browser, ending, 403, "You did not grant access")
    assert await site.pool.fetchval("SELECT outcome FROM login_events") == "denied"


@pytest.mark.parametrize("query", ["", "?code=c", "?code=c&state=", "?code=c&state=made-up", "?error=access_denied"])
async def test_a_state_that_is_missing_or_made_up(site: Site, browser: Browser, query: str) -> None:
    await begin(browser)
    await refused(site, browser, await browser.get(f"/auth/callback{query}"), 400, "did not start here")
    assert await site.pool.fetchval("SELECT count(*) FROM login_events") == 0, "strangers cannot fill the table"


async def test_a_replayed_state(site: Site, browser: Browser, sso: OddSso) -> None:
    state = (await begin(browser))["state"]
    assert (await come_back(browser, state))[0] == 200
    status, page = await come_back(browser, state)
    assert status == 400
    assert "already used" in page
    assert len(sso.asked) == 1, "the second code was not even tried"
    assert await site.pool.fetchval("SELECT count(*) FROM users") == 1


async def test_an_expired_state(site: Site, browser: Browser) -> None:
    state = (await begin(browser))["state"]
    await site.pool.execute("UPDATE login_attempts SET expires_at = now() - interval '1 second'")
    await refused(site, browser, await come_back(browser, state), 400, "ten minutes")


async def test_a_state_of_another_browser(site: Site, browser: Browser, sso: OddSso) -> None:
    async with open_browser(site) as attacker:
        state = (await begin(attacker))["state"]
    await begin(browser)
    await refused(site, browser, await come_back(browser, state), 403, "another browser")
    assert sso.asked == []


async def test_a_code_that_eve_does_not_take(site: Site, browser: Browser, sso: OddSso) -> None:
    sso.status = 400
    await refused(site, browser, await log_in(browser), 400, "did not accept this login")


async def test_sso_that_fails(site: Site, browser: Browser, sso: OddSso) -> None:
    sso.status = 502
    await refused(site, browser, await log_in(browser), 503, "is not responding")


async def test_sso_that_cannot_be_reached_at_all(lone_settings: Settings) -> None:
    async with serve(lone_settings) as running, open_browser(running) as browser:
        status, page = await browser.get("/auth/login")
    assert status == 503
    assert "is not responding" in page


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": ["another-client", "EVE Online"]},
        {"azp": "another-client"},
        {"iss": "https://evil.invalid"},
        {"exp": 1},
        {"sub": "CHARACTER:OTHER:1"},
    ],
)
async def test_a_token_that_is_not_for_us(site: Site, browser: Browser, sso: OddSso, claims: dict[str, object]) -> None:
    sso.claims = claims
    await refused(site, browser, await log_in(browser), 403, "not a valid EVE Online token")


async def test_a_forged_token(site: Site, browser: Browser, sso: OddSso) -> None:
    sso.forged = True
    await refused(site, browser, await log_in(browser), 403, "not a valid EVE Online token")


async def test_a_grant_without_the_killmail_scope(site: Site, browser: Browser, sso: OddSso) -> None:
    sso.scopes = ["publicData"]
    await refused(site, browser, await log_in(browser), 403, "without access to your killmails")


async def test_a_grant_that_does_not_last(site: Site, browser: Browser, sso: OddSso) -> None:
    sso.refresh_token = None
    await refused(site, browser, await log_in(browser), 403, "no lasting access")
