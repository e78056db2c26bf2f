"""The furnished site in a browser: profiles that are signed in, complaints, screenshots."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from playwright.async_api import Browser, BrowserContext, Page

from api.caller import session_cookie_name
from db.accounts.sessions import start_session
from sandbox.eve.server import SandboxEve
from tests.api.running_site import Site
from tests.api.site.furniture import Furnished

PICTURES = os.environ.get("KILLREPORT_SCREENSHOTS")
"""Where to write a screenshot of every page; unset: nowhere."""
ADMIN = 90_777_001


@dataclass
class FurnishedSite:
    """The site full of killmails, and the EVE that draws its images."""

    site: Site
    there: Furnished
    eve: SandboxEve
    admin_id: int
    """The operator's account."""


async def signed_in_context(engine: Browser, site: Site, account_id: int | None, **options: object) -> BrowserContext:
    """A browser's profile; of nobody for None."""
    context = await engine.new_context(**{"viewport": {"width": 1280, "height": 900}, **options})  # type: ignore[arg-type]
    if account_id is not None:
        token = await start_session(site.pool, account_id)
        name = session_cookie_name(site.services.settings)
        await context.add_cookies([{"name": name, "value": token, "url": site.address}])
    return context


def complaints_of(page: Page) -> list[str]:
    """What the browser will complain about on this page: errors of script, and what the content policy forbids."""
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    return complaints


async def picture(page: Page, name: str) -> None:
    """A screenshot of the whole page, when somebody wants to look at them."""
    if PICTURES:
        window = page.viewport_size or {"width": 1280}
        clip = {"x": 0.0, "y": 0.0, "width": float(window["width"]), "height": 1800.0}
        await page.screenshot(path=Path(PICTURES) / f"{name}.png", full_page=True, clip=clip)  # type: ignore[arg-type]
