"""A socket that has begun to follow."""

from __future__ import annotations

import asyncio
from typing import Any

from tests.api.live.socket_client import SocketClient
from tests.api.running_site import Site

ME, OTHER, STRANGER = 90_000_010, 90_000_011, 90_000_020


async def live(site: Site, client: SocketClient, **variables: Any) -> None:
    """Initialise, subscribe, and wait until events arrive: the process follows Redis from some moment on."""
    await client.initialise()
    already = len(site.services.live_feed.killmails.groups.members)
    await client.subscribe(**variables)
    await client.settle()
    await site.followed_by(already + 1)
    async with asyncio.timeout(10):
        while (await site.services.redis.info("clients"))["blocked_clients"] < 1:  # noqa: ASYNC110 - Redis' own state
            await asyncio.sleep(0.01)
