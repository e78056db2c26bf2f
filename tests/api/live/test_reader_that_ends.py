"""A task of the live feed that ends is started again, is seen meanwhile, and whom it left comes again."""

from __future__ import annotations

import asyncio

import orjson
import pytest

from api.live.feed import LiveFeed
from long_lived import LongLived
from settings import Settings
from tests.api.live.socket_client import ADDED, open_socket
from tests.api.live.subscribing import ME
from tests.api.running_site import open_browser, serve
from tests.db.bodies import body

TRY_AGAIN_LATER = 1013


async def test_sockets_are_closed_and_come_again(lone_settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    works, ends, again = LiveFeed._read, asyncio.Event(), asyncio.Event()

    async def ends_once(feed: LiveFeed) -> None:
        if not ends.is_set():
            await ends.wait()
            raise RuntimeError("made up")
        await works(feed)

    async def starts_again(*_: object) -> bool:
        """Not by the clock: once everything was looked at that is to be seen meanwhile."""
        await again.wait()
        return False

    monkeypatch.setattr(LiveFeed, "_read", ends_once)
    monkeypatch.setattr(LongLived, "_stops_within", starts_again)
    async with serve(lone_settings) as site, open_browser(site) as browser:
        await browser.sign_in(await site.add_pilot(ME))
        async with open_socket(browser) as socket:
            await socket.initialise()
            await socket.subscribe(query=ADDED)
            await socket.settle()
            await site.followed_by(1)
            ends.set()
            assert await socket.closed_with() == TRY_AGAIN_LATER
        found = orjson.loads((await browser.get("/readyz"))[1])
        assert found["live"] == "not running at the moment, to be started again: live reader."
        _, figures = await browser.get("/metrics")
        assert 'killreport_task_up{task="live reader"} 0.0' in figures
        assert 'killreport_task_up{task="live events"} 1.0' in figures
        assert 'killreport_task_restarts_total{task="live reader"} 1.0' in figures
        again.set()
        async with open_socket(browser) as socket:
            await socket.initialise()
            await socket.subscribe(query=ADDED)
            await site.followed_by(1)
            await site.store(body(7, victim=ME), announce_to=ME)
            assert (await socket.receive())["payload"]["data"]["killmailAdded"]["id"] == "7"
        assert orjson.loads((await browser.get("/readyz"))[1])["live"] == "ok"
