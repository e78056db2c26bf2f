"""The front page in a real browser: what is live, and that nothing breaks the content security policy."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, ConsoleMessage, Page, Route, WebSocketRoute, expect

from api.caller import session_cookie_name
from db.accounts.sessions import start_session
from live import LiveEvents
from sandbox.installation import eventually
from tests.api.running_site import Site
from tests.db.bodies import body
from tests.end_to_end.chromium import needs_chromium

ME, STRANGER = 90_000_010, 90_000_020

pytestmark = [pytest.mark.browser, needs_chromium]


def is_complaint(message: ConsoleMessage) -> bool:
    """An error, but for the 400 of the page that is an error's, and a request that a test cut off."""
    return message.type == "error" and not any(one in message.text for one in ("status of 400", "net::ERR_FAILED"))


@pytest.fixture
async def page(site: Site, engine: Browser) -> AsyncIterator[Page]:
    """A page of a signed-in pilot; fails if the browser complained about anything."""
    token = await start_session(site.pool, await site.add_pilot(ME, name="Ada Lovelace"))
    complaints: list[str] = []
    context = await engine.new_context(viewport={"width": 390, "height": 844})
    name = session_cookie_name(site.services.settings)
    await context.add_cookies([{"name": name, "value": token, "url": site.address}])
    # The image server is not there, and a test has no business asking for it.
    await context.route("https://images.killreport.invalid/**", lambda route: route.fulfill(status=204))
    opened = await context.new_page()
    opened.on("console", lambda message: complaints.append(message.text) if is_complaint(message) else None)
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    yield opened
    await context.close()
    assert complaints == []


async def until_live(page: Page) -> None:
    await expect(page.locator("#live")).to_contain_text("Live:")


async def test_a_new_killmail_appears_by_itself_and_gets_its_names(site: Site, page: Page) -> None:
    await page.goto(site.address)
    await until_live(page)
    await expect(page.locator("#feed")).to_contain_text("No killmails yet")
    await site.store(body(1, victim=ME), announce_to=ME)
    await expect(page.locator("#killmail-1")).to_contain_text("Unknown type 587")
    await site.pool.execute("INSERT INTO entities (entity_id, category, name) VALUES (587, 'inventory_type', 'Rifter')")
    await expect(page.locator("#killmail-1")).to_contain_text("Rifter", timeout=20_000)
    await expect(page.locator("#feed-news")).to_have_text("1 new killmail.")


async def test_what_came_while_nobody_looked_is_counted_and_told_on_request(site: Site, page: Page) -> None:
    await page.add_init_script(
        """
        window.told = [];
        window.Notification = class {
          static permission = "granted";
          static async requestPermission() { return "granted"; }
          constructor(title, { body }) { told.push(body); }
        };
        """
    )
    await site.store(body(1, victim=ME))
    await page.goto(site.address)
    await until_live(page)
    await page.get_by_role("button", name="Notify me").click()
    await expect(page.get_by_role("button", name="Notifications are on")).to_be_visible()
    await page.evaluate("Object.defineProperty(document, 'hidden', { value: true, configurable: true })")
    await site.store(body(2, attackers=(ME,)), body(3, victim=ME), announce_to=ME)
    await expect(page).to_have_title("(2) Your killmails · KillReport")
    assert await page.evaluate("told") == ["2 new killmails"]
    await page.evaluate("delete document.hidden; document.dispatchEvent(new Event('visibilitychange'))")
    await expect(page).to_have_title("Your killmails · KillReport")
    await page.add_init_script("localStorage.setItem('visit', JSON.stringify({ at: 0, newest: 0 }))")
    await page.reload()
    await expect(page.locator("#since")).to_have_text("Since your last visit: 1 kill, 2 losses.")


async def test_what_one_saw_arrive_is_not_new_at_the_next_visit(site: Site, page: Page) -> None:
    await page.goto(site.address)
    await until_live(page)
    await site.store(body(1, victim=ME), announce_to=ME)
    await expect(page.locator("#killmail-1")).to_be_visible()
    await page.goto("about:blank")
    await page.add_init_script(
        """
        const visit = JSON.parse(localStorage.getItem("visit"));
        if (visit) { localStorage.setItem("visit", JSON.stringify({ ...visit, at: 0 })); }
        """
    )  # it was long ago
    await page.goto(site.address)
    await expect(page.locator("#since")).to_have_text("Nothing new since your last visit.")
    await site.store(body(2, attackers=(ME,)))
    await page.reload()
    await expect(page.locator("#since")).to_have_text("Since your last visit: 1 kill.")


@pytest.mark.parametrize("permission", ["denied", "absent", "granted"])
async def test_nothing_is_told_that_the_filter_hides_or_the_browser_forbids(
    site: Site, page: Page, permission: str
) -> None:
    await page.add_init_script(
        f"""
        window.told = [];
        localStorage.setItem("notify", "{"no" if permission == "denied" else "yes"}");
        window.Notification = class {{
          static permission = "{permission}";
          static async requestPermission() {{ return "{permission}"; }}
          constructor(title, {{ body }}) {{ told.push(body); }}
        }};
        if ("{permission}" === "absent") {{ delete window.Notification; }}
        """
    )
    await page.goto(f"{site.address}/?side=losses")
    await until_live(page)
    notify = page.locator("#notify")
    if permission == "denied":
        await notify.click()
        await expect(notify).to_have_text("Your browser blocks notifications")
    else:
        await expect(notify).to_be_visible(visible=permission == "granted")
    await page.evaluate("Object.defineProperty(document, 'hidden', { value: true, configurable: true })")
    await site.store(body(1, attackers=(ME,)), announce_to=ME)
    await site.store(body(2, victim=ME), announce_to=ME)
    await expect(page).to_have_title("(1) Your killmails · KillReport")
    assert await page.locator("#killmail-1").count() == 0
    told = await page.evaluate("told")
    assert len(told) == (1 if permission == "granted" else 0)
    assert all(one.startswith("Loss: ") for one in told)


async def test_what_one_reads_does_not_move(site: Site, page: Page) -> None:
    await site.store(*(body(number, victim=ME) for number in range(1, 40)))
    async with page.expect_response("**/fragments/feed"):  # the first look, which may put new rows in the place of old
        await page.goto(site.address)
    await until_live(page)
    row = page.locator("#killmail-20")
    await row.evaluate("row => row.scrollIntoView({ behavior: 'instant' })")
    before = await row.bounding_box()
    await site.store(body(50, victim=ME), body(51, attackers=(ME,)), announce_to=ME)
    button = page.locator("#new-killmails")
    await expect(button).to_have_text("+2 new")
    assert await page.locator("#killmail-50").count() == 0
    after = await row.bounding_box()
    assert before is not None
    assert after is not None
    assert abs(after["y"] - before["y"]) <= 1
    await button.click()
    await expect(page.locator("#killmail-50")).to_be_in_viewport()
    await expect(button).to_be_hidden()


async def test_a_page_left_open_skips_none_of_the_many_that_came(site: Site, page: Page) -> None:
    """More than a page of them: what was read on does not meet the newest any more."""
    await site.store(*(body(number, victim=ME) for number in range(1, 40)))
    await page.goto(site.address)
    await until_live(page)

    async def all_are_read(count: int) -> bool:
        await page.evaluate("scrollTo({ top: document.body.scrollHeight, behavior: 'instant' })")
        return await page.locator("#feed li[id]").count() == count

    await eventually(lambda: all_are_read(39), "the older killmails")
    await site.store(*(body(number, victim=ME) for number in range(101, 141)), announce_to=ME)
    button = page.locator("#new-killmails")
    await expect(button).to_have_text("+25 new")
    await button.click()
    await expect(page.locator("#killmail-140")).to_be_in_viewport()
    await eventually(lambda: all_are_read(79), "every killmail to be in the list")


async def test_an_order_that_is_not_heard_of_is_not_checked_for_ever(site: Site, page: Page) -> None:
    await page.clock.install()
    await page.goto(site.address)
    await until_live(page)
    button, status = page.get_by_role("button", name="Sync now"), page.locator(".status")
    await page.route("**/sync", lambda route: route.abort())
    await button.click()
    await expect(status).to_have_text("That did not work. Try again.")
    await expect(button).to_be_enabled()
    await page.unroute("**/sync")
    # It is taken, and no worker is there.
    await page.route("**/sync", lambda route: route.fulfill(status=303, headers={"Location": "/"}))
    await button.click()
    await expect(status).to_have_text("Checking…")
    await page.clock.fast_forward("01:10")
    await expect(status).to_have_text("Up to date.")
    await expect(button).to_be_enabled()

    await page.goto(f"{site.address}/settings")
    await page.route("**/settings/characters", lambda route: route.abort())
    await page.get_by_role("button", name="Sync now").click()
    await expect(page.locator(f"#character-{ME} p").first).to_have_text("That did not work. Try again.")


async def test_the_state_of_the_sync_is_live(site: Site, page: Page) -> None:
    await page.goto(site.address)
    await until_live(page)
    await expect(page.locator(".status")).to_have_text("Up to date.")
    await page.route("**/sync", lambda route: route.fulfill(status=303, headers={"Location": "/"}))
    await page.get_by_role("button", name="Sync now").click()
    await expect(page.locator(".status")).to_have_text("Checking…")
    await site.pool.execute("UPDATE users SET sync_state = 'needs_login', token_state = 'revoked'")
    await LiveEvents(site.services.redis).sync_changed(ME)
    await page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    await expect(page.get_by_role("link", name="Log in again with Ada Lovelace")).to_be_visible()


async def test_the_settings_say_at_once_that_a_sync_was_ordered(page: Page, site: Site) -> None:
    """And after a moment what became of it; what does not work is said in its place."""
    await page.goto(f"{site.address}/settings")
    orders: list[str] = []

    async def answer(route: Route) -> None:
        orders.append(route.request.post_data or "")
        if len(orders) == 1:
            await route.fulfill(status=303, headers={"Location": "/settings"})
        else:
            page_of_error = '<article class="message"><p>EVE is away.</p></article>'
            await route.fulfill(status=400, content_type="text/html", body=page_of_error)

    await page.route("**/settings/characters", answer)
    async with page.expect_navigation():
        await page.get_by_role("button", name="Sync now").click()
        await expect(page.get_by_role("button", name="Checking…")).to_be_visible()
    await page.get_by_role("button", name="Full resync").click()
    await expect(page.locator(f"#character-{ME} p").first).to_have_text("EVE is away.")
    await expect(page.get_by_role("button", name="Full resync")).to_be_visible()
    assert orders == [f"character_id={ME}&order=sync_now", f"character_id={ME}&order=force_full_resync"]


async def test_a_lost_connection_is_mended_and_nothing_is_missed(site: Site, page: Page) -> None:
    sockets: list[WebSocketRoute] = []

    def between(socket: WebSocketRoute) -> None:
        sockets.append(socket)
        socket.connect_to_server()

    await page.route_web_socket("**/graphql", between)
    await page.goto(site.address)
    await until_live(page)
    await sockets[0].close(code=1012)
    await expect(page.locator("#live")).to_contain_text("reconnecting")
    await site.store(body(1, victim=ME))  # nobody announces it to this page
    await expect(page.locator("#killmail-1")).to_be_visible()
    await until_live(page)
    await site.store(body(2, victim=ME), announce_to=ME)
    await expect(page.locator("#killmail-2")).to_be_visible()


@pytest.mark.parametrize("width", [390, 1280])
async def test_nothing_is_wider_than_the_window(site: Site, page: Page, width: int) -> None:
    await page.set_viewport_size({"width": width, "height": 844})
    await site.store(body(1, victim=ME), body(2, attackers=(ME, STRANGER)))
    for path in ("/", "/graphql", "/auth/callback", "/settings/webhooks"):
        answer = await page.goto(f"{site.address}{path}")
        assert answer is not None
        assert await page.evaluate("document.documentElement.scrollWidth") <= width, path
    await page.get_by_label("Name", exact=True).fill("To a program")
    await page.get_by_label("Address, from Discord or of your program").fill("https://discord.com/api/webhooks/1/x")
    await page.get_by_role("button", name="Create webhook").click()
    secret = page.locator(".secret")
    await secret.evaluate("one => { one.textContent = 'whsec_' + 'W'.repeat(43); }")  # as wide as one may come
    assert await page.evaluate("document.documentElement.scrollWidth") <= width


async def test_an_import_that_was_just_ordered_shows_by_itself(site: Site, page: Page) -> None:
    await page.goto(f"{site.address}/settings#imports")
    imports = page.get_by_role("region", name="zKillboard history")
    await expect(imports.get_by_role("button", name="See how much there is")).to_be_visible()
    await site.pool.execute(
        "INSERT INTO zkillboard_imports (character_id, state) VALUES ($1, 'estimating')", ME
    )  # as its workflow does a moment after the order
    await expect(imports.get_by_role("button", name="Cancel")).to_be_visible(timeout=10_000)
