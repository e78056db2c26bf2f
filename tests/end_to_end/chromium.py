"""Headless Chromium (Debian's), driven by Playwright."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from playwright.async_api import Browser, async_playwright

CHROMIUM = shutil.which("chromium-headless-shell") or shutil.which("chromium")
"""The first, of the same source, has no more than a test needs: a page costs it two thirds of the processor time."""

needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="left out: there is no chromium on this machine")

# Without these, Chromium tries to reach its maker's hosts at every start.
QUIET = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking", "--disable-sync")
QUIET_TOO = ("--no-first-run", "--disable-component-update")


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=[*QUIET, *QUIET_TOO])
        yield browser
        await browser.close()
