"""Whom the server asks: the services of its settings, whatever a visitor sends it or one of those services answers."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from types import SimpleNamespace

import aiohttp
import pytest
from aiohttp import web

from contracts.call_classes import CallClass
from eve.errors import EveError
from eve.killmail import KillmailRef
from tests.api.login.browser_login import begin, come_back
from tests.api.login.odd_sso import serve_odd_sso
from tests.api.running_site import Site, open_browser, serve, settings_for
from tests.eve.servers import serving

ME = 90_000_010
HASH = "ab" * 20
ADD = "mutation Add($link: String!) { addKillmail(link: $link) { userErrors { code } } }"


@pytest.fixture
async def elsewhere() -> AsyncIterator[tuple[str, list[str]]]:
    """A server that nobody has any business to ask, and what it was asked."""
    asked: list[str] = []

    async def note(request: web.Request) -> web.StreamResponse:
        asked.append(f"{request.method} {request.path_qs} {request.headers.get('Authorization', '')}")
        return web.json_response({})

    async with serving(note) as url:
        yield url, asked


def watch(site: Site) -> set[str]:
    """The hosts that the site asks from now on, with their ports."""
    hosts: set[str] = set()

    async def note(_: aiohttp.ClientSession, __: SimpleNamespace, asked: aiohttp.TraceRequestStartParams) -> None:
        hosts.add(f"{asked.url.host}:{asked.url.port}")

    trace = aiohttp.TraceConfig()
    trace.on_request_start.append(note)
    trace.freeze()
    site.services.http.trace_configs.append(trace)
    return hosts


async def test_no_input_chooses_whom_the_server_asks(
    database_url: str, redis_url: str, elsewhere: tuple[str, list[str]]
) -> None:
    url, asked = elsewhere
    inside = url.removeprefix("http://")
    links = [
        f"{url}/killmails/1/{HASH}/", f"{url}/kill/1/", f"http://esi.evetech.net@{inside}/killmails/1/{HASH}/",
        f"https://esi.evetech.net:443@{inside}/killmails/1/{HASH}/", f"https://zkillboard.com.{inside}/kill/1/",
        f"https://zkillboard.com/kill/1/../../../{inside}/", f"https://esi.evetech.net/killmails/1/{HASH}/../../{inside}",
        f"https://zkillboard.com/kill/1/?url={url}", f"https://zkillboard.com#@{inside}/kill/1/",
        f"https://zkillboard.com\\@{inside}/kill/1/", f"//{inside}/kill/1/", "http://169.254.169.254/latest/meta-data/",
        "http://[::1]:6379/kill/1/", "http://localhost/kill/1/", "file:///etc/passwd", "gopher://127.0.0.1:6379/_PING",
        f"killReport:1:{HASH}\r\nHost: {inside}", f"https://esi.evetech.net/killmails/1/{HASH}?datasource=@{inside}",
    ]  # fmt: skip

    async def eve(_: web.Request) -> web.StreamResponse:
        return web.json_response({"error": "not found"}, status=404)

    async with serving(eve) as eve_url:
        settings = settings_for(database_url, redis_url).model_copy(
            update={"esi_base_url": eve_url, "eve_sso_url": eve_url, "zkillboard_url": eve_url}
        )
        async with serve(settings) as site, open_browser(site) as browser:
            await browser.sign_in(await site.add_pilot(ME, name=url))
            hosts = watch(site)
            for link in links:
                await site.services.redis.flushall()  # the limit of links is not what is tried here
                await browser.graphql(ADD, link=link)
                await browser.post("/settings/killmail", {"link": link})
            for path in (
                *("/auth/login?next=", "/auth/login?redirect_uri=", "/auth/callback?code=c&state="),
                *("/search?q=", "/fragments/search?q=", "/?after=", "/graphql?query=", "/metrics?target="),
            ):
                await browser.get(f"{path}{url}", allow_redirects=False)
            await browser.post("/settings/api-keys", {"order": "create", "name": url[:60], "read": "yes"})
            planted = "planted.invalid"
            said = {"Host": planted, "X-Forwarded-Host": planted, "Forwarded": f"host={planted}", "Referer": planted}
            for path in ("/", "/auth/login", "/settings", "/status", "/search?q=x"):
                async with browser.http.get(f"{site.address}{path}", headers=said, allow_redirects=False) as response:
                    assert planted not in await response.text()
                    assert planted not in response.headers.get("Location", "")
    assert asked == []
    assert hosts == {eve_url.removeprefix("http://").partition("/")[0]}


Ask = Callable[[Site], Awaitable[object]]
REF = KillmailRef(1, HASH)
ASKING: dict[str, Ask] = {
    "a list": lambda site: site.services.esi.character_killmails(ME, "an-access-token", {}, CallClass.LIVE),
    "a corporation's": lambda site: site.services.esi.corporation_killmails(
        1, ME, "an-access-token", {}, CallClass.LIVE
    ),
    "roles": lambda site: site.services.esi.character_roles(ME, "an-access-token", CallClass.LIVE),
    "a killmail": lambda site: site.services.esi.killmail(REF, CallClass.LIVE),
    "names": lambda site: site.services.esi.names([ME], CallClass.LIVE),
    "prices": lambda site: site.services.esi.market_prices("", CallClass.LIVE),
    "the status": lambda site: site.services.esi.server_status(),
    "zKillboard": lambda site: site.services.zkillboard.killmail(1),
    "a history": lambda site: site.services.zkillboard.character_killmails(ME, 1),
    "SSO": lambda site: site.services.sso.authorization_url("state", "challenge", []),
    "a refresh": lambda site: site.services.sso.refresh("a-refresh-token"),
    "a revocation": lambda site: site.services.sso.revoke("a-refresh-token"),
}


async def test_no_answer_of_a_service_sends_us_elsewhere(
    database_url: str, redis_url: str, elsewhere: tuple[str, list[str]]
) -> None:
    """With a token or without, in any of the ways that HTTP has for it."""
    url, asked = elsewhere
    status = {"now": 0}

    async def moved(request: web.Request) -> web.StreamResponse:
        return web.Response(status=status["now"], headers={"Location": f"{url}{request.path}"})

    async with serving(moved) as eve_url:
        settings = settings_for(database_url, redis_url).model_copy(
            update={"esi_base_url": eve_url, "eve_sso_url": eve_url, "zkillboard_url": eve_url}
        )
        settings = settings.model_copy(update={"zkillboard_interval_seconds": 0.001})
        async with serve(settings) as site:
            hosts = watch(site)
            for status["now"] in (301, 302, 303, 307, 308):
                await site.services.redis.flushall()  # what one of them refused is no reason not to ask the next
                for ask in ASKING.values():
                    with contextlib.suppress(EveError):
                        await ask(site)
    assert asked == []
    assert hosts == {eve_url.removeprefix("http://").partition("/")[0]}


async def test_a_code_and_its_verifier_are_not_sent_elsewhere(
    database_url: str, redis_url: str, elsewhere: tuple[str, list[str]]
) -> None:
    """The token endpoint answers with a redirect that keeps the method and the form."""
    url, asked = elsewhere
    async with serve_odd_sso() as sso:
        settings = settings_for(database_url, redis_url)
        odd = settings.model_copy(update={"eve_sso_url": sso.url, "esi_base_url": sso.url})
        async with serve(odd) as site, open_browser(site) as browser:
            state = (await begin(browser))["state"]
            sso.moved_to = f"{url}/token"
            status, page = await come_back(browser, state)
    assert asked == []
    assert status >= 400
    assert url not in page
