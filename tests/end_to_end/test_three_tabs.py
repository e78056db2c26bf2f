"""A pilot with three tabs open: a killmail made in EVE shows in all of them by itself."""

from __future__ import annotations

import asyncio

import asyncpg
import pytest
from playwright.async_api import Page, expect

from sandbox.eve.options import SandboxOptions
from sandbox.eve.server import SandboxEve
from sandbox.installation import Installation
from tests.end_to_end.chromium import chromium, needs_chromium

SHOWN_AT = """id => new Promise((resolve) => {
  const look = () => { if (document.getElementById(id)) { observer.disconnect(); resolve(Date.now()); } };
  const observer = new MutationObserver(look);
  observer.observe(document.body, { childList: true, subtree: true });
  look();
})"""

SYNC_NOW = """id => fetch("/graphql", {
  method: "POST",
  headers: { "Content-Type": "application/json" },
  body: JSON.stringify({
    query: "mutation Sync($id: ID!) { syncNow(characterId: $id) { userErrors { message } } }", variables: { id },
  }),
}).then((answer) => answer.json()).then((answer) => answer.data.syncNow.userErrors)"""
"""The button's order without its page being loaded anew."""


@pytest.fixture
def eve_options() -> SandboxOptions:
    return SandboxOptions(list_cache_seconds=0.2, first_killmails=20)


async def log_in(page: Page, site: str, name: str) -> None:
    await page.goto(site)
    await page.get_by_role("button", name="Log in with EVE Online").click()
    await page.get_by_role("button", name=name).click()
    await expect(page.get_by_text("Up to date").first).to_be_visible(timeout=60_000)


@needs_chromium
@pytest.mark.browser
async def test_a_new_killmail_shows_in_every_tab_of_its_pilot(
    installation: Installation, eve: SandboxEve, database: asyncpg.Connection[asyncpg.Record]
) -> None:
    await installation.start_api()
    await installation.start_worker()
    pilot = eve.pilots[0]
    async with chromium() as browser:
        context = await browser.new_context(viewport={"width": 1280, "height": 900})
        tabs = [await context.new_page()]
        await log_in(tabs[0], installation.site, pilot.name)
        await expect(tabs[0].get_by_text("Imported")).to_contain_text("20 killmails")
        for _ in range(2):
            tabs.append(await context.new_page())
            await tabs[-1].goto(installation.site)
        for tab in tabs:
            await expect(tab.locator("#live")).to_contain_text("Live:", timeout=30_000)
        made = eve.add_killmail(pilot.character_id, "victim").killmail_id
        waiting = [asyncio.create_task(tab.evaluate(SHOWN_AT, f"killmail-{made}")) for tab in tabs]
        assert await tabs[0].evaluate(SYNC_NOW, str(pilot.character_id)) == []
        shown = await asyncio.wait_for(asyncio.gather(*waiting), 60)
        stored = await database.fetchval("SELECT created_at FROM killmails WHERE killmail_id = $1", made)
        delays = [at / 1000 - stored.timestamp() for at in shown]
        print(f"shown {', '.join(f'{delay:.2f}' for delay in delays)} s after it was stored")  # noqa: T201
        await context.close()
