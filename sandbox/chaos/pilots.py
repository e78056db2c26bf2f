"""The people of a trial: everybody who has logged in, and those who follow their killmails live through every fault."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import asyncpg

from sandbox.installation import Pilot

FOLLOW = "mutation ($id: ID!) { setCorporationSync(corporationId: $id, enabled: true) { corporation { id } } }"
ONE = "query ($id: ID!) { killmail(id: $id) { id victim { ship { name } } } }"
STREAM = "subscription ($after: String) { killmailAdded(after: $after) { id liveCursor } }"
ASK_AGAIN_SECONDS = 0.4
LIMIT = aiohttp.ClientTimeout(total=5)
"""A pilot who gets no answer for so long presses reload."""
HEARTBEAT_SECONDS = 5.0
GONE = (aiohttp.ClientError, OSError, TimeoutError, ValueError, AssertionError, TypeError, KeyError)
"""What an answer that never came, was cut off or is an error page ends in."""


@dataclass
class Person:
    """A pilot with a browser of their own."""

    character_id: int
    corporation_id: int
    browser: Pilot

    async def sees(self, killmail_id: int) -> bool:
        """Whether the site shows them this killmail, now."""
        body = {"query": ONE, "variables": {"id": str(killmail_id)}}
        try:
            url = f"{self.browser.site}/graphql"
            async with self.browser.session.post(url, json=body, timeout=LIMIT) as response:
                return bool((await response.json())["data"]["killmail"])
        except GONE:
            return False

    async def sees_within(self, killmail_id: int, seconds: float) -> bool:
        """Whether the site comes to show it."""
        deadline = asyncio.get_running_loop().time() + seconds
        while not await self.sees(killmail_id):
            if asyncio.get_running_loop().time() > deadline:
                return False
            await asyncio.sleep(ASK_AGAIN_SECONDS)
        return True


async def log_in(stack: AsyncExitStack, site: str, pilots: list[dict[str, Any]], corporations: int) -> list[Person]:
    """Everybody, a few at a time; the first `corporations` have their corporation followed."""
    turns = asyncio.Semaphore(4)

    async def one(number: int, pilot: dict[str, Any]) -> Person:
        jar = aiohttp.CookieJar(unsafe=True)
        browser = Pilot(site, await stack.enter_async_context(aiohttp.ClientSession(cookie_jar=jar)))
        person = Person(pilot["character_id"], pilot["corporation_id"], browser)
        async with turns:
            await browser.log_in(person.character_id, corporation=number < corporations)
            if number < corporations:
                await browser.ask(FOLLOW, id=str(person.corporation_id))
        return person

    return list(await asyncio.gather(*(one(number, pilot) for number, pilot in enumerate(pilots))))


@dataclass
class Subscriber:
    """Follows a person's killmails from `since` (a number of the order of arrival) by cursor; reconnects for ever."""

    person: Person
    since: int
    cursor: str
    received: list[int] = field(default_factory=list)
    connections: int = 0

    @classmethod
    async def of(cls, person: Person, database: asyncpg.Connection | asyncpg.Pool) -> Subscriber:
        """One that begins now."""
        newest = "SELECT coalesce(max(arrival), 0) FROM killmail_arrivals"
        while True:
            since = await database.fetchval(newest)
            cursor = (await person.browser.ask("{ liveCursor }"))["liveCursor"]
            if since == await database.fetchval(newest):
                return cls(person, since, cursor)

    async def is_connected(self) -> bool:
        """Whether it was, so far."""
        return self.connections > 0

    async def follow(self) -> None:
        """Until cancelled."""
        while True:
            try:
                await self._connect()
            except GONE:
                await asyncio.sleep(ASK_AGAIN_SECONDS)

    async def _connect(self) -> None:
        site = self.person.browser.site
        async with asyncio.timeout(10):
            socket = await self.person.browser.session.ws_connect(
                f"{site}/graphql".replace("http://", "ws://"),
                protocols=["graphql-transport-ws"],
                headers={"Origin": site},
                heartbeat=HEARTBEAT_SECONDS,
            )
        try:
            self.connections += 1
            await socket.send_json({"type": "connection_init"})
            payload = {"query": STREAM, "variables": {"after": self.cursor}}
            await socket.send_json({"type": "subscribe", "id": "1", "payload": payload})
            async for message in socket:
                said = message.json()
                if said["type"] == "ping":
                    await socket.send_json({"type": "pong"})
                elif said["type"] == "next":
                    killmail = said["payload"]["data"]["killmailAdded"]
                    self.received.append(int(killmail["id"]))
                    self.cursor = killmail["liveCursor"]
                elif said["type"] in ("error", "complete"):
                    break
        finally:
            await socket.close()
        await asyncio.sleep(ASK_AGAIN_SECONDS)
