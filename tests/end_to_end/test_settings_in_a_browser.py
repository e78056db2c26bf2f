"""Every action of the settings page, pressed in a browser: at a desk's width with script, at a phone's without."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from html import unescape
from pathlib import Path

import aiohttp
import pytest
from playwright.async_api import Browser, BrowserContext, Locator, Page, expect

from sandbox.eve.options import SandboxOptions
from sandbox.eve.roster import Pilot
from sandbox.eve.server import SandboxEve
from sandbox.installation import Installation, eventually
from tests.end_to_end.chromium import chromium, needs_chromium

pytestmark = [needs_chromium, pytest.mark.browser]


@pytest.fixture
def eve_options() -> SandboxOptions:
    return SandboxOptions(strangers=60, list_cache_seconds=0.2, first_killmails=20)


class Settings:
    """The settings page of one browser profile."""

    def __init__(self, site: str, page: Page, width: int, *, script: bool) -> None:
        self.site = site
        self.page = page
        self._width = width
        self._script = script

    async def log_in(self, pilot: Pilot) -> None:
        """With the permission for the corporation, then to the settings."""
        await self.page.goto(f"{self.site}/auth/login?corporation=1")
        await self.page.get_by_role("button", name=pilot.name).click()
        await self.page.wait_for_url(f"{self.site}/**")
        await self.open()

    async def open(self) -> None:
        answer = await self.page.goto(f"{self.site}/settings")
        assert answer is not None
        assert answer.ok
        assert await self.page.evaluate("document.documentElement.scrollWidth") <= self._width, "nothing is cut"

    def section(self, title: str) -> Locator:
        return self.page.get_by_role("region", name=title)

    async def press(self, button: str, section: str) -> None:
        """Press it, and come back to the settings if the answer is a page of its own."""
        await self.section(section).get_by_role("button", name=button).first.click()
        await self.page.wait_for_load_state()

    async def says(self, words: str, section: str) -> None:
        """Wait, as a person who looks again, until the section says so."""

        async def said() -> bool:
            # Drawn only if the words are there: a browser takes ten times as long to draw a page as to fetch it.
            answer = await self.page.request.get(f"{self.site}/settings")
            if words not in _plain(unescape(re.sub(r"<[^>]+>", "", await answer.text()))):
                return False
            await self.open()
            return words in _plain(await self.section(section).inner_text())

        await eventually(said, f"the settings to say “{words}”")

    async def comes_to_say(self, words: str, section: str) -> None:
        """The same of a page that keeps itself fresh, if it may run its script."""
        if self._script:
            await expect(self.section(section)).to_contain_text(words, timeout=20_000)
        else:
            await self.says(words, section)


def _plain(text: str) -> str:
    return re.sub(r"\s+", " ", text)


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as launched:
        yield launched


async def profile(browser: Browser, width: int, *, script: bool) -> BrowserContext:
    return await browser.new_context(viewport={"width": width, "height": 900}, java_script_enabled=script)


async def test_every_action_works_at_a_desk_and_on_a_phone_without_script(
    installation: Installation, eve: SandboxEve, browser: Browser, tmp_path: Path
) -> None:
    await installation.start_api()
    await installation.start_worker()
    first, second, *_, third, fourth = eve.pilots
    assert first.director
    assert second.director
    await asyncio.gather(
        every_action(installation, browser, (first, third), 1280, True, tmp_path / "desk"),
        every_action(installation, browser, (second, fourth), 390, False, tmp_path / "phone"),
    )


async def every_action(
    installation: Installation, browser: Browser, pilots: tuple[Pilot, Pilot], width: int, script: bool, download: Path
) -> None:
    director, other = pilots
    context = await profile(browser, width, script=script)
    settings = Settings(installation.site, await context.new_page(), width, script=script)
    await settings.log_in(director)
    await orders_to_the_sync(settings)
    await the_corporation(settings)
    await the_history(settings)
    await a_link(settings)
    await an_api_key(settings)
    await the_sessions(settings, await profile(browser, width, script=script), director)
    await another_character(settings, other)
    await the_account(settings, director, download)
    await context.close()


async def orders_to_the_sync(settings: Settings) -> None:
    characters = "Characters"
    await settings.says("Up to date", characters)
    await settings.press("Pause", characters)
    await settings.says("Paused", characters)
    await settings.press("Resume", characters)
    await settings.says("Up to date", characters)
    await settings.press("Sync now", characters)
    await settings.says("Up to date", characters)
    await settings.press("Full resync", characters)

    async def a_full_run_is_listed() -> bool:
        await settings.open()
        return await settings.section(characters).get_by_role("cell", name="full", include_hidden=True).count() > 0

    await eventually(a_full_run_is_listed, "the full resync among the last runs")


async def the_corporation(settings: Settings) -> None:
    corporations = "Corporations"
    await settings.press("Follow this corporation", corporations)
    await settings.says("Up to date", corporations)
    await settings.says("Choose who can see the board.", corporations)
    for words in ("Members who log in here", "Private: only its directors"):
        form = settings.section("Who sees your killmails").locator(
            "form", has_text=re.compile("this corporation.s board")
        )
        await form.get_by_label(words).check()
        await form.get_by_role("button", name="Save").click()
        await settings.page.wait_for_load_state()
        await settings.open()
        await expect(form.get_by_label(words)).to_be_checked()
    await settings.press("Stop following with my characters", corporations)
    await settings.says("Not followed.", corporations)


async def the_history(settings: Settings) -> None:
    history = "zKillboard history"
    await settings.press("See how much there is", history)
    await settings.comes_to_say("Not now", history)
    await settings.press("Import", history)
    await settings.comes_to_say("Last import:", history)


async def a_link(settings: Settings) -> None:
    await settings.section("Add a killmail").get_by_label("Link to the killmail").fill("https://example.com/kill/1/")
    await settings.press("Add killmail", "Add a killmail")
    await expect(settings.page.get_by_role("main")).to_contain_text("link")
    await settings.open()


async def an_api_key(settings: Settings) -> None:
    keys = "API keys"
    await settings.section(keys).get_by_text("Create an API key").click()
    await settings.section(keys).get_by_label("What is it for?").fill("a spreadsheet")
    await settings.press("Create key", keys)
    key = re.search(r"krk_[A-Za-z0-9_-]{20,}", await settings.page.get_by_role("main").inner_text())
    assert key is not None
    assert await is_known(settings.site, key[0])
    await settings.open()
    await settings.press("Revoke", keys)
    await settings.says("You have no API keys.", keys)
    assert not await is_known(settings.site, key[0])


async def is_known(site: str, key: str) -> bool:
    """Whether the API takes a key."""
    async with (
        aiohttp.ClientSession(headers={"Authorization": f"Bearer {key}"}) as session,
        session.post(f"{site}/graphql", json={"query": "{ me { id } }"}) as answer,
    ):
        return bool(((await answer.json()).get("data") or {}).get("me"))


async def the_sessions(settings: Settings, elsewhere: BrowserContext, pilot: Pilot) -> None:
    sessions = "Where you are logged in"
    other = Settings(settings.site, await elsewhere.new_page(), 1280, script=True)
    await other.log_in(pilot)
    await settings.open()
    await settings.press("End session", sessions)
    await settings.open()
    await expect(settings.section(sessions).get_by_role("button")).to_have_count(0)
    await other.page.goto(settings.site)
    await expect(other.page.get_by_role("button", name="Log in with EVE Online").first).to_be_visible()
    await elsewhere.close()


async def another_character(settings: Settings, second: Pilot) -> None:
    characters = "Characters"
    await settings.log_in(second)
    await settings.says(second.name, characters)
    await settings.section(characters).get_by_text(f"Remove {second.name}").click()
    removal = settings.section(characters).locator("details", has_text=f"Remove {second.name}")
    await removal.get_by_role("button", name="Remove this character").click()
    await settings.open()
    await expect(settings.section(characters)).not_to_contain_text(second.name)


async def the_account(settings: Settings, pilot: Pilot, download: Path) -> None:
    data = "Your data"
    async with settings.page.expect_download() as started:
        await settings.section(data).get_by_role("link", name="Download my data").click()
    await (await started.value).save_as(download)
    assert pilot.name in await asyncio.to_thread(download.read_text)
    await settings.open()
    await settings.section(data).locator("summary").click()
    await settings.section(data).get_by_role("checkbox").check()
    await settings.press("Delete my account", data)
    await settings.page.goto(settings.site)
    await expect(settings.page.get_by_role("button", name="Log in with EVE Online").first).to_be_visible()
