"""Attacks on a login: on the way to EVE and back, on the session it ends in, on whose characters an account holds."""

from __future__ import annotations

from collections.abc import AsyncIterator
from urllib.parse import quote, urljoin, urlsplit

import pytest
from yarl import URL

from db.accounts.api_keys import create_api_key
from db.accounts.sessions import Scope, start_session
from settings import Settings
from tests.api.login.browser_login import begin, come_back, log_in
from tests.api.login.odd_sso import OddSso, serve_odd_sso
from tests.api.running_site import Browser, Site, open_browser, serve, settings_for
from tests.db.bodies import body

FIRST, SECOND, MALLORY = 90_000_010, 90_000_011, 90_000_666


@pytest.fixture
async def sso() -> AsyncIterator[OddSso]:
    async with serve_odd_sso() as running:
        yield running


@pytest.fixture
def login_settings(database_url: str, redis_url: str, sso: OddSso) -> Settings:
    return settings_for(database_url, redis_url).model_copy(update={"eve_sso_url": sso.url, "esi_base_url": sso.url})


@pytest.fixture
async def site(login_settings: Settings) -> AsyncIterator[Site]:
    async with serve(login_settings) as running:
        yield running


@pytest.fixture
async def victim(site: Site) -> AsyncIterator[Browser]:
    async with open_browser(site) as browser:
        yield browser


@pytest.fixture
async def mallory(site: Site) -> AsyncIterator[Browser]:
    async with open_browser(site) as browser:
        yield browser


async def characters(browser: Browser) -> list[str] | None:
    """Of the account that is signed in."""
    me = (await browser.data("{ me { characters { id } } }"))["me"]
    return None if me is None else [one["id"] for one in me["characters"]]


async def test_a_victim_cannot_be_logged_in_as_the_attacker(victim: Browser, mallory: Browser, sso: OddSso) -> None:
    """Login CSRF: the attacker goes to EVE, and has the victim's browser bring the code and the state back."""
    await log_in(victim)
    sso.character_id = MALLORY
    state = (await begin(mallory))["state"]
    status, _ = await come_back(victim, state, "code-of-mallory")
    assert status == 403
    assert await characters(victim) == [str(FIRST)], "and stays who they are"
    assert len(sso.asked) == 1, "the code was not tried"
    assert (await come_back(mallory, state, "code-of-mallory"))[0] == 400, "the state is used up"


async def test_a_victim_cannot_be_made_to_join_the_attackers_account(
    site: Site, victim: Browser, mallory: Browser, sso: OddSso
) -> None:
    """The attacker adds a character, and has the victim give the permission by a link to EVE."""
    sso.character_id = MALLORY
    await log_in(mallory)
    state = (await begin(mallory))["state"]
    sso.character_id = FIRST
    assert (await come_back(victim, state, "code-of-the-victim"))[0] == 403
    assert await characters(victim) is None
    assert await characters(mallory) == [str(MALLORY)]
    assert await site.pool.fetchval("SELECT count(*) FROM users") == 1


async def test_what_was_used_once_is_of_no_use(site: Site, victim: Browser, mallory: Browser, sso: OddSso) -> None:
    """Replay: of the whole address of a callback, in the same browser and with all of its cookies elsewhere."""
    state = (await begin(victim))["state"]
    kept = list(victim.http.cookie_jar)
    await come_back(victim, state)
    await victim.post("/auth/logout")
    mallory.http.cookie_jar.update_cookies({one.key: one.value for one in kept}, URL(site.address))
    for browser in (victim, mallory):
        assert (await come_back(browser, state))[0] == 400
        assert await characters(browser) is None
    assert len(sso.asked) == 1


async def test_a_session_is_not_what_somebody_planted(site: Site, victim: Browser, mallory: Browser) -> None:
    """Session fixation: a made-up cookie, and one that was good for a session before."""
    gone = await start_session(site.pool, await site.add_account())
    await site.pool.execute("DELETE FROM sessions")
    for planted in ("A" * 43, gone):
        for browser in (victim, mallory):
            browser.http.cookie_jar.update_cookies({"killreport": planted}, URL(site.address))
        await log_in(victim)
        (cookie,) = [one for one in victim.http.cookie_jar if one.key == "killreport"]
        assert cookie.value != planted
        assert await characters(victim) == [str(FIRST)]
        assert await characters(mallory) is None
        await victim.post("/auth/logout")


async def test_a_login_ends_the_session_it_began_in(site: Site, victim: Browser, mallory: Browser) -> None:
    """Whoever had read the cookie before has nothing after."""
    await log_in(victim)
    (before,) = [one.value for one in victim.http.cookie_jar if one.key == "killreport"]
    await log_in(victim)
    mallory.http.cookie_jar.update_cookies({"killreport": before}, URL(site.address))
    assert await characters(mallory) is None


async def test_over_https_a_neighbouring_host_can_plant_nothing(login_settings: Settings) -> None:
    """Only `__Host-` cookies count, and a browser takes those from this very host alone (RFC 6265bis)."""
    settings = login_settings.model_copy(update={"public_url": "https://killreport.invalid"})
    async with serve(settings) as site, open_browser(site) as browser:
        site.address = f"http://{settings.host}:{settings.port}"
        account_id = await site.add_pilot(FIRST)
        token = await start_session(site.pool, account_id)
        flags: list[tuple[str, bool, bool, str, str, str]] = []
        for name, expected in (("killreport", False), ("__Host-killreport", True)):
            headers = {"Cookie": f"{name}={token}", "Host": "killreport.invalid"}
            answer = await browser.graphql("{ me { id } }", headers=headers)
            assert (answer["data"]["me"] is not None) == expected
        own = {"Host": "killreport.invalid", "Origin": "https://killreport.invalid"}
        for method, path in (("GET", "/auth/login"), ("GET", "/settings/export"), ("GET", "/search?q=a"),
                             ("POST", "/theme"), ("POST", "/auth/logout")):  # fmt: skip
            form = {"theme": "dark"} if method == "POST" else None
            async with browser.http.request(
                method, f"{site.address}{path}", data=form, headers=own, allow_redirects=False
            ) as response:
                flags += [
                    (one.key, one["secure"], one["httponly"], one["samesite"], one["path"], one["domain"])
                    for one in response.cookies.values()
                ]
    assert {flag[0] for flag in flags} == {
        "__Host-killreport-login", "__Host-killreport", "killreport-theme", "killreport-return"
    }  # fmt: skip
    assert {flag[1:] for flag in flags} == {(True, True, "lax", "/", "")}


async def test_adding_a_character_of_another_account_brings_that_character_alone(
    site: Site, victim: Browser, mallory: Browser, sso: OddSso
) -> None:
    """Somebody who was given one of the victim's characters at EVE logs in with it: nothing else comes with it."""
    await log_in(victim)
    sso.character_id = SECOND
    await log_in(victim)
    account_id = await site.pool.fetchval("SELECT account_id FROM users WHERE character_id = $1", FIRST)
    key = (await create_api_key(site.pool, account_id, "bot", {Scope.READ})).secret
    await site.store(body(1, victim=FIRST), body(2, victim=SECOND))
    sso.character_id = MALLORY
    await log_in(mallory)
    sso.character_id = SECOND
    await log_in(mallory)
    mine = "{ killmails { nodes { id } } me { characters { id } apiKeys { id } sessions { current } } }"
    seen = await mallory.data(mine)
    assert seen["killmails"]["nodes"] == [{"id": "2"}]
    assert [one["id"] for one in seen["me"]["characters"]] == [str(SECOND), str(MALLORY)]
    assert (seen["me"]["apiKeys"], seen["me"]["sessions"]) == ([], [{"current": True}])
    left = await victim.data("{ killmails { nodes { id } } me { characters { id } } }")
    assert (left["killmails"]["nodes"], left["me"]["characters"]) == ([{"id": "1"}], [{"id": str(FIRST)}])
    headers = {"Authorization": f"Bearer {key}"}
    told = await mallory.graphql("{ killmails { nodes { id } } }", headers=headers)
    assert told["data"]["killmails"]["nodes"] == [{"id": "1"}], "the victim's key opens what the victim has"


ELSEWHERE = [
    *("https://evil.invalid/", "http:evil.invalid", "https:/evil.invalid", "javascript:evil()", "data:text/html,x"),
    *("//evil.invalid", "///evil.invalid", "////evil.invalid", " //evil.invalid", "/ /evil.invalid", "?//evil.invalid"),
    *("/\\evil.invalid", "\\\\evil.invalid", "/\t/evil.invalid", "/\n/evil.invalid", "\t//evil.invalid"),
    *("/\u00a0/evil.invalid", "/\u3002evil.invalid", "\u2028//evil.invalid", "/%2f%2fevil.invalid", "/%5cevil.invalid"),
    *("/..//evil.invalid", "/.//evil.invalid", "/%09/evil.invalid", "/;//evil.invalid", "/@evil.invalid", ""),
    *("@evil.invalid", ".evil.invalid", ":80@evil.invalid", "/x\r\nLocation: https://evil.invalid"),
    "/x\r\nSet-Cookie: killreport=planted",
]


async def test_nobody_is_sent_to_another_host(site: Site, victim: Browser) -> None:
    sent = {back: [await _theme_goes_to(site, victim, back), await _login_goes_to(site, back)] for back in ELSEWHERE}
    # Browsers take backslashes for slashes, and leave out tabs and ends of lines (WHATWG URL).
    leave_out = dict.fromkeys(map(ord, "\t\r\n"))
    for back, locations in sent.items():
        for location in locations:
            read = location.replace("\\", "/").translate(leave_out)
            assert (read[:1], read[1:2] == "/") == ("/", False), back
            assert urlsplit(urljoin(f"{site.address}/x", read)).netloc == urlsplit(site.address).netloc, back


async def _theme_goes_to(site: Site, browser: Browser, back: str) -> str:
    form, headers = {"theme": "dark", "back": back}, {"Origin": site.address}
    async with browser.http.post(
        f"{site.address}/theme", data=form, headers=headers, allow_redirects=False
    ) as response:
        assert list(response.cookies) == ["killreport-theme"]
        return response.headers["Location"]


async def _login_goes_to(site: Site, back: str) -> str:
    async with open_browser(site) as browser:
        state = (await begin(browser))["state"]
        (login,) = [one.value for one in browser.http.cookie_jar if one.key == "killreport-login"]
        planted = {"Cookie": f"killreport-login={login}; killreport-return={quote(back, safe='')}"}
        browser.http.cookie_jar.clear()
        async with browser.http.get(
            f"{site.address}/auth/callback?code=c&state={state}", headers=planted, allow_redirects=False
        ) as response:
            assert response.status == 303
            return response.headers["Location"]
