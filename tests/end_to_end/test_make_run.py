"""A stranger's first five minutes: a fresh clone, `make run`, a login in a browser, killmails, a live one."""

from __future__ import annotations

import asyncio
import os
import pwd
import re
import signal
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import psutil
import pytest
from playwright.async_api import Page, expect

from sandbox.installation import ROOT
from tests.end_to_end.chromium import chromium, needs_chromium

PICTURES = os.environ.get("KILLREPORT_PICTURES")
"""Where to keep the screenshots for the README; unset: nowhere."""
QUICK = {"SYNC_INTERVAL_SECONDS": "5", "SANDBOX_LIST_CACHE_SECONDS": "2", "SANDBOX_KILLMAILS_PER_HOUR": "0"}

INSTALL_SECONDS = 600
"""Far more than it takes, for a slow network and a busy machine."""


def as_whom() -> list[object]:
    root = pytest.mark.skipif(os.geteuid() != 0, reason="left out: these tests do not run as root")
    return [pytest.param("root", marks=root), "plain user"]


def unprivileged(who: str, home: Path) -> tuple[list[str], dict[str, str]]:
    """How to run as `who`: the command to put before, and an environment that reaches no file of root's."""
    if who == "root" or os.geteuid() != 0:
        return [], {**os.environ, "HOME": str(home)}
    nobody = pwd.getpwnam("nobody")
    command = ["setpriv", f"--reuid={nobody.pw_uid}", f"--regid={nobody.pw_gid}", "--clear-groups"]
    return command, {"HOME": str(home), "PATH": "/usr/local/bin:/usr/bin:/bin"}


@pytest.fixture
def home() -> Iterator[Path]:
    """A directory that any user can reach, unlike pytest's own."""
    with tempfile.TemporaryDirectory(prefix="killreport-", ignore_cleanup_errors=True) as made:
        Path(made).chmod(0o755)
        yield Path(made)


def fresh_clone(who: str, home: Path) -> Path:
    clone = home / "a clone"
    subprocess.run(["git", "clone", "-q", str(ROOT), str(clone)], check=True)
    if who != "root" and os.geteuid() == 0:
        subprocess.run(["chown", "-R", "nobody", str(home)], check=True)
    return clone


@asynccontextmanager
async def make_run(who: str, home: Path) -> AsyncIterator[dict[str, str]]:
    """`make run` in a fresh clone; yields the addresses it printed."""
    clone = await asyncio.to_thread(fresh_clone, who, home)
    before, environment = unprivileged(who, home)
    process = await asyncio.create_subprocess_exec(
        *(*before, "make", "run"),
        cwd=clone,
        env={**environment, **QUICK},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        start_new_session=True,
    )
    assert process.stdout is not None
    printed = ""
    try:
        async with asyncio.timeout(INSTALL_SECONDS):
            while "Ctrl-C stops everything" not in printed:
                line = await process.stdout.readline()
                assert line, f"`make run` ended:\n{printed}"
                printed += line.decode()
        family = psutil.Process(process.pid).children(recursive=True)
        yield dict(re.findall(r"(Site|GraphQL|Temporal UI|sandbox EVE)[ a-z]+(http\S+)", printed))
        os.killpg(process.pid, signal.SIGINT)  # Ctrl-C
        async with asyncio.timeout(60):
            printed += (await process.stdout.read()).decode()
            await process.wait()  # make itself ends by the signal
        assert "Stopped." in printed
        assert not [child for child in family if child.is_running() and child.status() != psutil.STATUS_ZOMBIE]
    finally:
        if process.returncode is None:
            os.killpg(process.pid, signal.SIGKILL)  # `up`'s parts die with it
            await process.wait()


async def picture(page: Page, name: str) -> None:
    if PICTURES:
        await page.screenshot(path=ROOT / PICTURES / f"{name}.png")


@needs_chromium
@pytest.mark.browser
@pytest.mark.xdist_group("up")
@pytest.mark.timeout(INSTALL_SECONDS + 180)
@pytest.mark.parametrize("who", as_whom())
async def test_a_fresh_clone_runs_and_a_pilot_sees_their_killmails_live(who: str, home: Path) -> None:
    async with make_run(who, home) as addresses, chromium() as browser, aiohttp.ClientSession() as session:
        eve = addresses["sandbox EVE"]
        async with session.get(f"{eve}/_sandbox/pilots") as response:
            newcomer = (await response.json())[0]
        page = await browser.new_page(viewport={"width": 1280, "height": 900}, color_scheme="dark")
        troubles: list[str] = []
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.on("response", lambda answer: troubles.append(answer.url) if answer.status >= 400 else None)

        await page.goto(addresses["Site"])
        await picture(page, "home")
        await page.get_by_role("button", name="Log in with EVE Online").click()
        await page.get_by_role("button", name=newcomer["name"]).click()
        feed = page.locator("#feed-live li")
        await expect(feed).to_have_count(40, timeout=20_000)
        await expect(page.get_by_text("Up to date").first).to_be_visible(timeout=20_000)
        await expect(page.get_by_text("Unknown")).to_have_count(0)
        await picture(page, "feed")

        async with session.post(
            f"{eve}/_sandbox/killmails",
            json={"character_id": newcomer["character_id"], "count": 1, "role": "victim"},
        ) as response:
            (made,) = await response.json()
        await expect(page.locator(f"#killmail-{made['killmail_id']}")).to_be_visible(timeout=30_000)

        await page.set_viewport_size({"width": 390, "height": 844})
        await picture(page, "feed-phone")
        assert await page.evaluate("document.documentElement.scrollWidth") <= 390
        assert not [
            trouble for trouble in troubles if not trouble.endswith("/favicon.ico")
        ]  # the sandbox's login has none
        for address in ("GraphQL", "Temporal UI"):
            answer = await page.goto(addresses[address])
            assert answer is not None
            assert answer.ok
