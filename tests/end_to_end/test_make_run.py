"""A stranger's first five minutes: a fresh clone, `make run`, a login in a browser, killmails, a live one.

One clone for all: a plain user installs it; whoever comes later finds it installed.
"""

from __future__ import annotations

import asyncio
import os
import pwd
import re
import shutil
import signal
import socket
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
QUICK = {
    "SYNC_INTERVAL_SECONDS": "5",
    "SANDBOX_LIST_CACHE_SECONDS": "2",
    "SANDBOX_KILLMAILS_PER_HOUR": "0",
    "SANDBOX_STRANGERS": "60",
}

INSTALL_SECONDS = 600
"""Far more than it takes, for a slow network and a busy machine."""

INSTALLED_MEGABYTES = 350

STAMP = ".venv/.ready-to-run"


def as_user(who: str, home: Path) -> tuple[list[str], dict[str, str]]:
    """How to run as `who`: the command to put before, and an environment that reaches no file of root's."""
    if who == "root" or os.geteuid() != 0:
        return [], {**os.environ, "HOME": str(home)}
    nobody = pwd.getpwnam("nobody")
    command = ["setpriv", f"--reuid={nobody.pw_uid}", f"--regid={nobody.pw_gid}", "--clear-groups"]
    return command, {"HOME": str(home), "PATH": "/usr/local/bin:/usr/bin:/bin"}


@pytest.fixture(scope="module")
def clone() -> Iterator[Path]:
    """In a directory that any user can reach, unlike pytest's own, and that a plain user may write to."""
    with tempfile.TemporaryDirectory(prefix="killreport-", ignore_cleanup_errors=True) as made:
        home = Path(made)
        home.chmod(0o755)
        subprocess.run(["git", "clone", "-q", str(ROOT), str(home / "a clone")], check=True)
        if os.geteuid() == 0:
            subprocess.run(["chown", "-R", "nobody", str(home)], check=True)
        yield home / "a clone"


async def start_make(who: str, clone: Path, target: str, **variables: str) -> asyncio.subprocess.Process:
    before, environment = as_user(who, clone.parent)
    return await asyncio.create_subprocess_exec(
        *(*before, "make", target),
        cwd=clone,
        env={**environment, **variables},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        start_new_session=True,
    )


async def read_until(process: asyncio.subprocess.Process, words: str) -> str:
    """What it printed up to a line with these words."""
    assert process.stdout is not None
    printed = ""
    async with asyncio.timeout(INSTALL_SECONDS):
        while words not in printed:
            line = await process.stdout.readline()
            assert line, f"`make` ended:\n{printed}"
            printed += line.decode()
    return printed


@asynccontextmanager
async def make_run(who: str, clone: Path) -> AsyncIterator[str]:
    """`make run`; yields what it printed until it was ready."""
    process = await start_make(who, clone, "run", **QUICK)
    assert process.stdout is not None
    try:
        printed = await read_until(process, "Ctrl-C stops everything")
        family = psutil.Process(process.pid).children(recursive=True)
        yield printed
        os.killpg(process.pid, signal.SIGINT)  # Ctrl-C
        async with asyncio.timeout(60):
            printed += (await process.stdout.read()).decode()
            await process.wait()  # make itself ends by the signal
        assert "Stopped." in printed
        assert not (clone / ".killreport" / "environment").exists()
        assert not [child for child in family if child.is_running() and child.status() != psutil.STATUS_ZOMBIE]
    finally:
        if process.returncode is None:
            os.killpg(process.pid, signal.SIGKILL)  # `up`'s parts die with it
            await process.wait()


async def picture(page: Page, name: str) -> None:
    if PICTURES:
        await page.screenshot(path=ROOT / PICTURES / f"{name}.png")


async def make_to_its_end(clone: Path, target: str, **variables: str) -> tuple[int, str]:
    """As the plain user; the exit status and what was printed."""
    process = await start_make("plain user", clone, target, **variables)
    printed, _ = await asyncio.wait_for(process.communicate(), INSTALL_SECONDS)
    assert process.returncode is not None
    return process.returncode, printed.decode()


async def commanded(clone: Path, *command: str) -> str:
    """What the installed `killreport` prints to the plain user, with what running needs and no more."""
    before, environment = as_user("plain user", clone.parent)
    program = clone / ".venv" / "bin" / "killreport"
    process = await asyncio.create_subprocess_exec(
        *(*before, str(program), *command),
        cwd=clone,
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    printed, _ = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 0, printed.decode()
    return printed.decode()


async def test_what_cannot_be_installed_says_what_to_do(clone: Path) -> None:
    status, said = await make_to_its_end(clone, "run", PYTHON="no-such-python")
    assert status == 2
    assert "Python 3.11 or newer" in said
    status, said = await make_to_its_end(clone, "run", PIP_NO_INDEX="1")
    assert status == 2
    assert "Is there a network" in said
    assert not (clone / STAMP).exists()


@needs_chromium
@pytest.mark.browser
@pytest.mark.timeout(INSTALL_SECONDS + 180)
async def test_a_fresh_clone_runs_and_a_pilot_sees_their_killmails_live(clone: Path) -> None:
    interrupted = await start_make("plain user", clone, "run")
    await read_until(interrupted, "Installing uv")
    os.killpg(interrupted.pid, signal.SIGINT)  # Ctrl-C
    assert await interrupted.wait() != 0
    assert not (clone / STAMP).exists()

    async with make_run("plain user", clone) as printed:
        steps = [line for line in printed.splitlines() if line.startswith(("Making", "Installing", "Starting"))]
        assert [step.partition(":")[0].split(" with ")[0] for step in steps] == [
            "Making .venv",  # anew: an installation that was interrupted is not built on
            "Installing uv, which installs the rest",
            "Installing what running needs",
            f"Starting KillReport; its data is in {clone / '.killreport'}",
        ]
        await a_pilot_sees_their_killmails_live(addresses_in(printed))
        assert "Killmails" in await commanded(clone, "status")
    installed = {path.name for path in (clone / ".venv" / "bin").iterdir()}
    assert not installed & {"pip", "uv", "pytest", "ruff", "mypy", "playwright", "temporal-test-server"}
    assert megabytes(clone / ".venv") <= INSTALLED_MEGABYTES


@pytest.mark.timeout(INSTALL_SECONDS + 180)
async def test_the_second_run_installs_nothing_and_may_be_roots(clone: Path) -> None:
    assert (await make_to_its_end(clone, STAMP))[0] == 0  # if only this test was asked for
    shutil.rmtree(clone / ".killreport", ignore_errors=True)
    # It goes as far as to the port, which is taken: `tests/operations/test_up.py` has a whole one of root's.
    with socket.create_server(("127.0.0.1", 0)) as taken:
        who = "root" if os.geteuid() == 0 else "plain user"
        process = await start_make(who, clone, "run", PORT=str(taken.getsockname()[1]))
        printed = await read_until(process, "is taken")
        assert await process.wait() != 0
    assert "Installing" not in printed
    assert "killreport up: PORT" in printed
    assert owners(clone / ".killreport") == owners(clone / "Makefile")
    (clone / "requirements.lock").touch()
    asked = await asyncio.create_subprocess_exec("make", "--question", STAMP, cwd=clone)
    assert await asked.wait() == 1  # another lock is another installation


def megabytes(path: Path) -> float:
    """What was installed takes on the disk, in MiB; what Python compiles of it later is not counted."""
    files = [one for one in path.rglob("*") if "__pycache__" not in one.parts]
    return sum(one.lstat().st_blocks for one in files) * 512 / 1024**2


def owners(path: Path) -> set[int]:
    """Whose it is, and all that is in it."""
    return {one.stat().st_uid for one in (path, *path.rglob("*"))}


def addresses_in(printed: str) -> dict[str, str]:
    return dict(re.findall(r"(Site|GraphQL|Temporal UI|sandbox EVE)[ a-z]+(http\S+)", printed))


async def a_pilot_sees_their_killmails_live(addresses: dict[str, str]) -> None:
    async with chromium() as browser, aiohttp.ClientSession() as session:
        eve = addresses["sandbox EVE"]
        async with session.get(f"{eve}/_sandbox/pilots") as response:
            newcomer = (await response.json())[0]
        context = await browser.new_context(viewport={"width": 1280, "height": 900}, color_scheme="dark")
        page = await context.new_page()
        troubles: list[str] = []
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.on("response", lambda answer: troubles.append(answer.url) if answer.status >= 400 else None)

        await page.goto(addresses["Site"])
        await picture(page, "home")
        await page.get_by_role("button", name="Log in with EVE Online").click()
        await page.get_by_role("button", name=newcomer["name"]).click()
        feed = page.locator("#feed-live li")
        await expect(feed).to_have_count(25, timeout=20_000)
        await expect(page.get_by_text("Up to date").first).to_be_visible(timeout=20_000)
        await expect(page.get_by_text("Unknown")).to_have_count(0)
        await picture(page, "feed")
        tabs = [page, await context.new_page(), await context.new_page()]
        for tab in tabs[1:]:
            await tab.goto(addresses["Site"])
        for tab in tabs:
            await expect(tab.locator("#live")).to_contain_text("Live:", timeout=30_000)

        async with session.post(
            f"{eve}/_sandbox/killmails",
            json={"character_id": newcomer["character_id"], "count": 1, "role": "victim"},
        ) as response:
            (made,) = await response.json()
        for tab in tabs:  # by itself, in each
            await expect(tab.locator(f"#killmail-{made['killmail_id']}")).to_have_count(1, timeout=30_000)
        await expect(page.locator(f"#killmail-{made['killmail_id']}")).to_be_visible()

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
