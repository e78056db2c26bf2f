"""From the commit of a killmail to the sockets of everybody who follows it live."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from typing import Any

import aiohttp
import orjson
import redis.asyncio

from db.intake.arrivals import record_arrivals
from db.intake.store import store_killmails
from live import LiveEvents
from sandbox.benches.measured import Measured, Say, at_most
from sandbox.benches.served import COOKIE, Served, served
from sandbox.benches.war_sql import FIRST_PILOT, VIEWERS

SUBSCRIPTIONS = (100, 1_000)
EVENTS = 5
PATIENCE_SECONDS = 60.0
P95_MS = 250.0
FIRST_NEW = 950_000_000
SUBSCRIPTION = """
subscription { killmailAdded {
  id time victim { character { name } ship { name } } finalBlow { character { name } } attackerCount value { total }
} }
"""


async def subscribers(killmails: int, say: Say) -> Measured:
    """With 100 and with 1,000 open subscriptions, all of which get every killmail; one at a time."""
    async with served(killmails, say) as on:
        found = {count: await _delays(on, count) for count in SUBSCRIPTIONS}
    lines = [
        f"{count:>5} subscriptions: p50 {delays[len(delays) // 2]:.0f} ms, p95 {delays[len(delays) * 95 // 100]:.0f} ms"
        f" from the commit to the socket; {1000 * delays[-1] / count:.0f} µs per socket until the last has it"
        for count, delays in found.items()
    ]
    delays = found[SUBSCRIPTIONS[-1]]
    what = f"p95 from the commit to {SUBSCRIPTIONS[-1]:,} sockets"
    return Measured(lines, [], [at_most(what, delays[len(delays) * 95 // 100], P95_MS, "ms")])


async def _delays(on: Served, count: int) -> Sequence[float]:
    """Milliseconds, ascending, of every delivery."""
    events = LiveEvents(redis.asyncio.from_url(on.redis_url))
    async with AsyncExitStack() as stack:
        session = await stack.enter_async_context(aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)))
        sockets = [await _open(stack, session, on, number % VIEWERS) for number in range(count)]
        delays: list[float] = []
        for event in range(EVENTS + 1):
            killmail_id = FIRST_NEW + count * 100 + event
            waiting = [asyncio.create_task(_received(socket, killmail_id)) for socket in sockets]
            await store_killmails(on.pool, [orjson.dumps(_killmail(killmail_id))])
            committed = time.perf_counter()
            await record_arrivals(on.pool, [killmail_id])
            await events.killmails_stored([killmail_id], [FIRST_PILOT + number for number in range(VIEWERS)])
            arrived = await asyncio.gather(*waiting)
            if event:  # the first warms up
                delays += [(at - committed) * 1000 for at in arrived]
        await on.pool.execute("DELETE FROM killmails WHERE killmail_id >= $1", FIRST_NEW, timeout=None)
    return sorted(delays)


async def _open(
    stack: AsyncExitStack, session: aiohttp.ClientSession, on: Served, viewer: int
) -> aiohttp.ClientWebSocketResponse:
    socket = await session.ws_connect(
        f"{on.site.site}/graphql".replace("http://", "ws://"),
        protocols=["graphql-transport-ws"],
        headers={"Cookie": f"{COOKIE}={on.cookies[viewer]}", "Origin": on.site.site},
    )
    stack.push_async_callback(socket.close)
    await socket.send_json({"type": "connection_init"})
    await socket.receive_json()
    await socket.send_json({"type": "subscribe", "id": "1", "payload": {"query": SUBSCRIPTION}})
    await socket.send_json({"type": "ping"})
    await socket.receive_json()
    return socket


async def _received(socket: aiohttp.ClientWebSocketResponse, killmail_id: int) -> float:
    """When the socket was told of it."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            text = await socket.receive_str()
            at = time.perf_counter()
            if f'"{killmail_id}"' in text:
                return at


def _killmail(killmail_id: int) -> dict[str, Any]:
    """One that every viewer is on."""
    attackers = [
        {
            "character_id": FIRST_PILOT + number,
            "damage_done": 1_000 - number,
            "final_blow": number == 0,
            "security_status": 0.5,
            "ship_type_id": 587,
        }
        for number in range(VIEWERS)
    ]
    return {
        "killmail_id": killmail_id,
        "killmail_time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "solar_system_id": 30_000_001,
        "victim": {"character_id": FIRST_PILOT + 5_000, "damage_taken": 1, "ship_type_id": 587},
        "attackers": attackers,
    }
