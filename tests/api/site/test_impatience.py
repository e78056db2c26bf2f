"""A server that does not answer, a socket that is dead, a button that is pressed twice: what the scripts make of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, Page, Route, WebSocketRoute, expect

from api.serving.admission import LimitReached
from api.serving.rate_limits import Quota, Verdict
from api.site.page_limits import PageLimits
from sandbox.installation import eventually
from tests.api.running_site import Browser as Visitor
from tests.api.site.furnished import FurnishedSite, signed_in_context
from tests.end_to_end.chromium import needs_chromium

browser = pytest.mark.browser


@pytest.fixture
async def page(engine: Browser, furnished: FurnishedSite) -> AsyncIterator[Page]:
    """A signed-in pilot's page, whose browser may complain: of answers that fail, here."""
    context = await signed_in_context(engine, furnished.site, furnished.there.account_id)
    yield await context.new_page()
    await context.close()


@needs_chromium
@browser
async def test_whoever_comes_back_does_not_ask_for_ever_for_older_killmails(
    page: Page, furnished: FurnishedSite
) -> None:
    await page.goto(furnished.site.address)
    rows = page.locator("#feed li[id]")
    await expect(rows).to_have_count(25)
    await page.evaluate("scrollTo(0, document.body.scrollHeight)")
    await expect(rows).not_to_have_count(25)
    await rows.nth(30).locator(".lost a").click()
    await page.wait_for_url("**/killmails/*")
    asked: list[str] = []
    limit = asyncio.Event()

    async def limited(route: Route) -> None:
        asked.append(route.request.url)
        limit.set()
        await route.fulfill(status=429)

    await page.route("**/fragments/feed?*after=*", limited)
    await page.go_back()
    await limit.wait()
    for _ in range(10):
        await page.evaluate("turn")  # what is under way is over
    assert len(asked) < 5, "once for the row, and once for a scroll"


@needs_chromium
@browser
async def test_scrolling_reads_on_after_it_failed_once(page: Page, furnished: FurnishedSite) -> None:
    await page.clock.install()
    await page.goto(furnished.site.address)
    rows = page.locator("#feed li[id]")
    await expect(rows).to_have_count(25)
    failed = asyncio.Event()

    async def fail(route: Route) -> None:
        failed.set()
        await route.fulfill(status=503)

    await page.route("**/fragments/feed?*after=*", fail)
    await page.evaluate("scrollTo(0, document.body.scrollHeight)")
    await failed.wait()
    await page.evaluate("turn")
    await page.unroute_all()
    await page.clock.fast_forward(2_000)
    await page.evaluate("scrollTo(0, 0)")
    await page.evaluate("scrollTo(0, document.body.scrollHeight)")
    await expect(rows).not_to_have_count(25)


@needs_chromium
@browser
async def test_a_socket_that_says_nothing_any_more_is_given_up(page: Page, furnished: FurnishedSite) -> None:
    """As after a phone has slept: the browser itself does not notice."""
    sockets: list[WebSocketRoute] = []
    pongs: list[str | bytes] = []
    dead = asyncio.Event()

    def between(socket: WebSocketRoute) -> None:
        sockets.append(socket)
        server = socket.connect_to_server()

        def told(message: str | bytes) -> None:
            if not dead.is_set():
                socket.send(message)
                pongs.extend([message] if "pong" in str(message) else [])

        if len(sockets) == 1:
            server.on_message(told)

    await page.clock.install()
    await page.route_web_socket("**/graphql", between)
    await page.goto(furnished.site.address)
    await expect(page.locator("#live")).to_contain_text("Live:")
    for count in (1, 2, 3):
        await page.clock.fast_forward(20_000)

        async def is_answered(count: int = count) -> bool:
            return len(pongs) == count

        await eventually(is_answered, "the answer to a ping")
        await expect(page.locator("#live")).to_contain_text("Live:")
    dead.set()
    await page.clock.fast_forward(20_000)
    await page.clock.fast_forward(20_000)
    await expect(page.locator("#live")).to_contain_text("reconnecting")
    await page.clock.fast_forward(5_000)
    await expect(page.locator("#live")).to_contain_text("Live:")
    assert len(sockets) == 2


@needs_chromium
@browser
async def test_a_form_that_is_sent_twice_is_sent_once(page: Page, furnished: FurnishedSite) -> None:
    sent: list[str] = []
    begun, answer = asyncio.Event(), asyncio.Event()

    async def slow(route: Route) -> None:
        sent.append(route.request.method)
        begun.set()
        await answer.wait()
        await route.fulfill(status=201, content_type="text/html", body="<title>Made</title>")

    await page.route("**/settings/api-keys", slow)
    await page.goto(f"{furnished.site.address}/settings")
    await page.get_by_text("Create an API key").click()
    await page.get_by_label("What is it for?").fill("A script")
    # Playwright's own presses wait for the answer; the second one here comes while it is waited for.
    async with page.expect_console_message(lambda message: message.text == "pressed again"):
        await page.evaluate("""
            const button = [...document.querySelectorAll("#api-keys button")].at(-1);
            button.click();
            setTimeout(() => { button.click(); console.log("pressed again"); }, 100);
        """)
    await begun.wait()
    answer.set()
    await expect(page).to_have_title("Made")
    assert sent == ["POST"]


@needs_chromium
@browser
async def test_suggestions_go_when_the_keyboard_leaves_the_search(page: Page, furnished: FurnishedSite) -> None:
    await page.goto(f"{furnished.site.address}/battles")
    suggestions = page.locator("#suggestions")
    await page.locator("#q").fill("rift")
    await expect(suggestions).to_be_visible()
    await page.keyboard.press("ArrowUp")
    await expect(suggestions.locator("a").last).to_be_focused()
    await page.keyboard.press("Tab")
    await expect(suggestions).to_be_hidden()


async def test_a_page_that_was_too_many_is_asked_for_again_as_it_was(
    visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(_: PageLimits, __: object) -> None:
        raise LimitReached(Verdict(False, Quota(1, 1), 0, 0, 30))

    monkeypatch.setattr(PageLimits, "_pay", refuse)
    status, page = await visitor.get("/auth/callback?code=abc&state=def")
    assert status == 429
    assert '<a class="button primary" href="/auth/callback?code=abc&amp;state=def">Try again</a>' in page
