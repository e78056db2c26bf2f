"""What must hold for every page: it fits the window, validates, is accessible, small, and its links lead somewhere."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from urllib.parse import urldefrag, urljoin, urlsplit

import pytest
from axe_playwright_python.async_playwright import Axe
from justhtml import JustHTML
from playwright.async_api import Browser, Page

from api.pages import THEME_COOKIE
from tests.api.running_site import Browser as Visitor
from tests.api.site.furnished import PICTURES, FurnishedSite, complaints_of, picture, signed_in_context
from tests.api.site.furniture import BATTLE_ID, PACKED_ID, Furnished
from tests.end_to_end.chromium import needs_chromium

Path = Callable[[Furnished], str]
PAGES: dict[str, Path] = {
    "feed": lambda _: "/",
    "feed-losses": lambda _: "/?side=losses",
    "feed-empty": lambda there: f"/?character={there.second_id}&side=losses&until=2010-01-01",
    "killmail": lambda there: f"/killmails/{there.loss_id}",
    "killmail-kill": lambda there: f"/killmails/{there.killmail_ids[0]}",
    "killmail-battle": lambda _: f"/killmails/{BATTLE_ID}",
    "killmail-packed": lambda _: f"/killmails/{PACKED_ID}",
    "killmail-of-battle": lambda there: f"/killmails/{there.fought_id}",
    "battles": lambda _: "/battles",
    "battles-there": lambda there: f"/battles?system={there.system_id}",
    "battle": lambda there: f"/battles/{there.fought_id}",
    "battle-all": lambda there: f"/battles/{there.fought_id}?all=1",
    "pilot": lambda there: f"/characters/{there.pilot_id}",
    "pilot-all-time": lambda there: f"/characters/{there.pilot_id}?days=all&side=losses",
    "corporation": lambda there: f"/corporations/{there.corporation_id}",
    "alliance": lambda there: f"/alliances/{there.alliance_id}",
    "system": lambda there: f"/systems/{there.system_id}",
    "ship": lambda there: f"/types/{there.ship_id}",
    "unmet": lambda there: f"/characters/{there.second_id}?days=7",
    "settings": lambda _: "/settings",
    "webhooks": lambda _: "/settings/webhooks",
    "digests": lambda _: "/settings/digests",
    "feeds": lambda _: "/settings/feeds",
    "claims": lambda _: "/reimbursements",
    "search": lambda _: "/search?q=re",
    "search-nothing": lambda _: "/search?q=zzzzz",
    "status": lambda _: "/status",
    "not-for-you": lambda _: "/admin",
    "missing": lambda _: "/killmails/1",
}
FOR_NOBODY: dict[str, Path] = {
    "home": lambda _: "/",
    "logged-out": lambda there: f"/killmails/{there.loss_id}",
    "login-over": lambda _: "/auth/callback?state=x&code=y",
}
STATUS = {"missing": 404, "not-for-you": 403, "logged-out": 401, "login-over": 400}
"""Of the pages that are an error's; of all others 200."""
FOR_ADMINS: dict[str, Path] = {
    "admin": lambda _: "/admin",
    "claims-decided": lambda there: f"/reimbursements?corporation={there.corporation_id}&month=all",
    "killmail-claimed": lambda there: f"/killmails/{there.loss_id}",
}
ALL_PAGES = PAGES | FOR_NOBODY | FOR_ADMINS
LIKE_ANOTHER = {
    "battle-all",
    "feed-losses",
    "killmail-kill",
    "killmail-claimed",
    "pilot-all-time",
    "alliance",
    "ship",
    "search-nothing",
    "logged-out",
}
"""Made of the same parts as another of these pages: looking for what is not accessible in it, or does not work without
script, finds nothing more."""
ROWS_ALIKE_LEFT_OUT = {"exclude": [["li:nth-child(n + 10)"], ["tr:nth-child(n + 10)"]]}
"""Measuring the contrast of forty rows takes as long as of all other pages."""
IN_LIGHT_TOO = {"feed", "killmail", "settings"}
WIDTHS = {"wide": 1280, "widest": 1920, "tablet": 768, "phone": 390}
LARGEST_PAGE = 100_000
"""Bytes, style and script included, before images."""
STATIC = tuple(
    f"/static/{name}"
    for name in ("site.css", "killmail.css", "battle.css", "profile.css", "site.js", "live.js", "filters.js")
)


def account_of(furnished: FurnishedSite, name: str) -> int | None:
    """Whose page it is."""
    if name in FOR_ADMINS:
        return furnished.admin_id
    return furnished.there.account_id if name in PAGES else None


Open = Callable[[int | None], Awaitable[Page]]


@pytest.fixture(scope="module")
async def window_of(engine: Browser, furnished: FurnishedSite) -> AsyncIterator[Open]:
    """Each account's window, which goes from page to page: a new one takes the browser as long as a page."""
    opened: dict[int | None, Page] = {}

    async def window_of(account_id: int | None) -> Page:
        if account_id not in opened:
            context = await signed_in_context(
                engine, furnished.site, account_id, color_scheme="dark", reduced_motion="reduce"
            )
            await context.add_cookies([{"name": THEME_COOKIE, "value": "auto", "url": furnished.site.address}])
            opened[account_id] = await context.new_page()
        return opened[account_id]

    yield window_of
    for page in opened.values():
        await page.context.close()


@needs_chromium
@pytest.mark.browser
@pytest.mark.parametrize("name", ALL_PAGES)
async def test_it_fits_the_window_and_is_accessible(window_of: Open, furnished: FurnishedSite, name: str) -> None:
    page = await window_of(account_of(furnished, name))
    complaints = complaints_of(page)
    await page.set_viewport_size({"width": WIDTHS["wide"], "height": 900})
    answer = await page.goto(f"{furnished.site.address}{ALL_PAGES[name](furnished.there)}")
    assert answer is not None
    assert answer.status == STATUS.get(name, 200)
    for look, width in WIDTHS.items():
        await page.set_viewport_size({"width": width, "height": 900})
        assert await page.evaluate("document.documentElement.scrollWidth") <= width
        await picture(page, f"{name}-{look}")
    if PICTURES:
        await page.emulate_media(color_scheme="light")
        for look, width in WIDTHS.items():
            await page.set_viewport_size({"width": width, "height": 900})
            await picture(page, f"{name}-{look}-light")
        await page.emulate_media(color_scheme="dark")
    if name not in LIKE_ANOTHER:
        found = await Axe().run(page, ROWS_ALIKE_LEFT_OUT, {"resultTypes": ["violations"]})
        serious = [one for one in found.response["violations"] if one["impact"] in ("serious", "critical")]
        assert not serious, found.generate_report()
    if name in IN_LIGHT_TOO:
        await page.emulate_media(color_scheme="light")
        found = await Axe().run(page, ROWS_ALIKE_LEFT_OUT, {"runOnly": ["color-contrast"]})
        assert not found.response["violations"], found.generate_report()
        await picture(page, f"{name}-light")
        await page.emulate_media(color_scheme="dark")
    assert not [said for said in complaints if f"status of {answer.status}" not in said]


@needs_chromium
@pytest.mark.browser
@pytest.mark.parametrize(
    "names", [tuple(PAGES), tuple(FOR_NOBODY), tuple(FOR_ADMINS)], ids=["pilot", "nobody", "admin"]
)
async def test_it_can_be_read_without_script(engine: Browser, furnished: FurnishedSite, names: tuple[str, ...]) -> None:
    context = await signed_in_context(
        engine,
        furnished.site,
        account_of(furnished, names[0]),
        java_script_enabled=False,
        viewport={"width": 390, "height": 900},
    )
    page = await context.new_page()
    for name in (one for one in names if one not in LIKE_ANOTHER):
        answer = await page.goto(
            f"{furnished.site.address}{ALL_PAGES[name](furnished.there)}", wait_until="domcontentloaded"
        )
        assert answer is not None
        assert answer.status == STATUS.get(name, 200)
        assert await page.get_by_role("heading", level=1).count() == 1
        assert (await page.inner_text("main")).strip()
        assert await page.locator("main button:visible[type=button]").count() == 0, "a button that only script serves"
    await picture(page, f"{names[-1]}-no-script")
    await context.close()


@pytest.mark.parametrize("name", ALL_PAGES)
async def test_it_is_valid_and_small(
    visitor: Visitor, stranger: Visitor, operator: Visitor, furnished: FurnishedSite, name: str
) -> None:
    path = ALL_PAGES[name](furnished.there)
    who = visitor if name in PAGES else operator if name in FOR_ADMINS else stranger
    status, page = await who.get(path)
    assert status == STATUS.get(name, 200)
    JustHTML(page, strict=True)  # raises at the first error of the HTML standard
    around = sum([len((await visitor.get(file))[1]) for file in STATIC if file in page])
    assert len(page.encode()) + around <= LARGEST_PAGE
    assert not re.search(r"<[^>]+\son\w+=|<[^>]+\sstyle=|<script(?![^>]*src=)", page), "the policy forbids it"
    ids = re.findall(r'\sid="([^"]+)"', page)
    assert len(ids) == len(set(ids))


async def test_every_link_leads_somewhere(visitor: Visitor, furnished: FurnishedSite) -> None:
    site = furnished.site.address
    seen, ahead, broken = {"/"}, ["/"], []
    while ahead and len(seen) < 400:
        path = ahead.pop()
        status, page = await visitor.get(path, headers={"Accept": "text/html"})
        if status != 200:
            broken.append((path, status))
            continue
        ids = set(re.findall(r'\sid="([^"]+)"', page))
        for found in re.findall(r'<a\s[^>]*href="([^"]+)"', page):
            address, fragment = urldefrag(urljoin(f"{site}{path}", found.replace("&amp;", "&")))
            if not address.startswith(site) or urlsplit(address).path.startswith("/auth/"):
                continue
            after = address.removeprefix(site) or "/"
            if after == path and fragment and fragment not in ids:
                broken.append((f"{path}#{fragment}", 0))
            if after not in seen and sum(_kind(one) == _kind(after) for one in seen) < 3:
                seen.add(after)
                ahead.append(after)
    assert not broken
    assert len(seen) > 10


def _kind(path: str) -> str:
    """Pages that only differ in their numbers are of one kind: a few of each are enough."""
    return re.sub(r"[0-9]{4,}|after=[^&]+", "N", path)
