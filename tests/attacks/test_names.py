"""Names are text, whoever chose them and wherever they are shown: no element, attribute or script is born of one."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from html.parser import HTMLParser
from typing import Any

import pytest
from justhtml import JustHTML
from playwright.async_api import Page, expect

from api.caller import session_cookie_name
from db.accounts.sessions import start_session
from tests.api.running_site import Browser, Site, open_browser, serve, settings_for
from tests.attacks.asking import document
from tests.attacks.evil_names import (
    ALLIANCE,
    CORPORATION,
    HUNTER,
    KILLMAIL,
    ME,
    OPERATOR,
    SHIP,
    SYSTEM,
    evil,
    fill,
    killmail,
    shown,
)
from tests.attacks.graphql_rows import QUERIES
from tests.end_to_end.chromium import chromium, needs_chromium
from tests.fixtures.databases import copied_database

PAGES = {
    "/": ("hunter", "ship", "system", "pilot"),
    f"/?corporation={CORPORATION}": ("corporation", "hunter"),
    "/fragments/feed": ("hunter", "ship"),
    "/fragments/characters": ("pilot",),
    f"/killmails/{KILLMAIL}": (
        *("pilot", "hunter", "corporation", "alliance", "ship", "weapon", "item", "system", "region"),
        *("constellation", "group", "ticker"),
    ),
    f"/characters/{ME}?days=all": ("pilot", "ship", "system"),
    f"/characters/{HUNTER}?days=all": ("hunter",),
    f"/corporations/{CORPORATION}?days=all": ("corporation", "ticker"),
    f"/alliances/{ALLIANCE}?days=all": ("alliance", "flag"),
    f"/systems/{SYSTEM}?days=all": ("system", "region"),
    f"/types/{SHIP}?days=all": ("ship", "group"),
    "/search?q=hunter%3C": ("hunter",),
    "/search?q=e": (),
    "/fragments/search?q=ship": ("ship",),
    "/search?q=%3Cevil-asked%3E%22evil-a=%22": ("asked",),
    "/settings": ("pilot", "corporation", "key"),
    "/fragments/imports": (),
    "/status": (),
    "/nothing/%3Cevil-path%3E": (),
    "/?after=%22%3E%3Cevil-after%3E&side=%22evil-a=%221": (),
    "/auth/callback?state=%3Cevil-state%3E&error=%3Cevil-error%3E": (),
}


class Parts(HTMLParser):
    """What a browser would make of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.born: list[str] = []
        self.text = ""
        self._in_script = False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._in_script = tag == "script"
        if tag.startswith("evil"):
            self.born.append(f"<{tag}>")
        for name, value in attrs:
            address = name in ("href", "src", "action", "formaction", "data-href") and (value or "").strip().lower()
            if name.startswith(("evil", "on", "style")) or (address and address.startswith(("javascript:", "data:"))):
                self.born.append(f"<{tag} {name}={value}>")
        self.text += " ".join(value for _, value in attrs if value)

    def handle_endtag(self, tag: str) -> None:
        self._in_script &= tag != "script"

    def handle_data(self, data: str) -> None:
        if self._in_script and data.strip():
            self.born.append(f"script {data}")
        self.text += data


@pytest.fixture(scope="module")
async def evil_site(postgres_url: str, template_database: str, session_redis_url: str) -> AsyncIterator[Site]:
    async with copied_database(postgres_url, template_database) as database_url:
        settings = settings_for(database_url, session_redis_url)
        async with serve(settings.model_copy(update={"admin_character_ids": frozenset({OPERATOR})})) as site:
            await fill(site)
            yield site


async def account_of(site: Site, character_id: int) -> int:
    return int(await site.pool.fetchval("SELECT account_id FROM users WHERE character_id = $1", character_id))


@pytest.fixture
async def pilot(evil_site: Site) -> AsyncIterator[Browser]:
    async with open_browser(evil_site) as browser:
        await browser.sign_in(await account_of(evil_site, ME), client=evil("client"))
        yield browser


@pytest.mark.parametrize("path", PAGES)
async def test_no_page_takes_a_name_for_markup(pilot: Browser, path: str) -> None:
    _, page = await pilot.get(path)
    if not path.startswith("/fragments/"):
        JustHTML(page, strict=True)
    parts = Parts(page)
    assert parts.born == []
    wanted = [f"<evil-{kind}>" if kind == "asked" else shown(kind) for kind in PAGES[path]]
    assert [words for words in wanted if words not in parts.text] == []


async def test_nor_does_the_operators(evil_site: Site) -> None:
    async with open_browser(evil_site) as browser:
        await browser.sign_in(await account_of(evil_site, OPERATOR))
        status, page = await browser.get("/admin")
    assert status == 200
    JustHTML(page, strict=True)
    parts = Parts(page)
    assert parts.born == []
    kinds = ("pilot", "operator", "error", "outcome", "network")
    assert [kind for kind in kinds if shown(kind) not in parts.text] == []


async def test_what_a_form_says_comes_back_as_text(pilot: Browser) -> None:
    for path, form in (
        ("/settings/api-keys", {"order": "create", "name": evil("made")[:60], "read": "yes"}),
        ("/settings/killmail", {"link": evil("link")}),
        ("/settings/api-keys", {"order": "create", "name": evil("made") * 9, "read": "yes"}),
    ):
        _, page = await pilot.post(path, form)
        JustHTML(page, strict=True)
        assert Parts(page).born == []


async def test_json_is_no_page(evil_site: Site, pilot: Browser) -> None:
    """Whatever a browser is made to open: it is told what it is, and takes it for nothing else."""
    for row in QUERIES:
        query = document(evil_site.app.state.schema, row)
        async with pilot.http.get(f"{evil_site.address}/graphql", params={"query": query}) as response:
            text = await response.text()
            assert response.content_type in ("application/json", "application/graphql-response+json")
            assert response.headers["X-Content-Type-Options"] == "nosniff"
            json.loads(text)
    for form, kind in (("csv", "text/csv"), ("ndjson", "application/x-ndjson")):
        async with pilot.http.get(f"{evil_site.address}/export/killmails.{form}") as response:
            assert response.content_type == kind
            assert response.headers["Content-Disposition"].startswith("attachment")
            assert response.headers["X-Content-Type-Options"] == "nosniff"


@pytest.fixture
async def page(evil_site: Site) -> AsyncIterator[Page]:
    async with chromium() as engine:
        context = await engine.new_context()
        token = await start_session(evil_site.pool, await account_of(evil_site, ME))
        name = session_cookie_name(evil_site.services.settings)
        await context.add_cookies([{"name": name, "value": token, "url": evil_site.address}])
        await context.route("https://images.killreport.invalid/**", lambda route: route.fulfill(status=204))
        yield await context.new_page()


@needs_chromium
@pytest.mark.browser
async def test_a_live_killmail_and_a_suggestion_are_text(evil_site: Site, page: Page) -> None:
    complaints: list[Any] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    await page.goto(evil_site.address)
    await expect(page.locator("#live")).to_contain_text("Live:")
    await evil_site.store(killmail(KILLMAIL + 1), announce_to=ME)
    row = page.locator(f"#killmail-{KILLMAIL + 1}")
    await expect(row).to_contain_text(shown("ship"))
    await page.get_by_role("searchbox").fill("hunter")
    await expect(page.locator("#suggestions, [role=listbox]").first).to_contain_text(shown("hunter"))
    for path in (f"/killmails/{KILLMAIL}", f"/characters/{ME}?days=all", "/settings"):
        born = await page.evaluate(
            """[...document.querySelectorAll('*')].filter(one => one.localName.startsWith('evil')
               || [...one.attributes].some(named => /^(evil|on)/.test(named.name))
               || (one.localName === 'script' && one.textContent.trim())).map(one => one.outerHTML.slice(0, 200))"""
        )
        assert born == []
        await page.goto(f"{evil_site.address}{path}")
    assert complaints == []
