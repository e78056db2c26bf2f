"""The feed query against its floor, and against PostGraphile 5 on the same database.

*Floor*: the same JSON by one prepared statement through bare Starlette, without sessions, limits or errors.
*PostGraphile*: the same fields of the same tables. Each server has two processes. Processor time is that of the server
and Postgres together, per request, the least of two rounds. *Crowded*: four more processes that only count. The system
shares the cores between processes: whoever does most of its work in Postgres, where each connection is a process, gets
more of them than two processes of Python do.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import orjson

from operations.failure import OperationFailed
from sandbox.benches.load import Ask, Load
from sandbox.benches.measured import Measured, Say, at_least
from sandbox.benches.postgraphile_rival import postgraphile
from sandbox.benches.served import FLOOR, KILLREPORT, POSTGRAPHILE, Served, answer, loaded, served
from sandbox.benches.war_sql import FIRST_PILOT, VIEWERS

KILLMAIL = """
  id time attackerCount
  value { destroyed dropped total }
  solarSystem { id name securityStatus }
  victim { character { id name } corporation { id name } ship { id name } damageTaken }
  finalBlow { character { id name } corporation { id name } ship { id name } weapon { id name } }
"""
ATTACKERS = "attackers { character { id name } corporation { id name } ship { id name } damageDone finalBlow }"
QUERY = f"""
query Feed($id: ID!) {{
  killmails(first: 50, filter: {{characterId: $id}}) {{ nodes {{ {KILLMAIL} {ATTACKERS} }} }}
}}
"""
PROCESSES = 2
"""Of each, so that none is held to one core by its language."""
CONNECTIONS = (1, 16, 64)
SECONDS = 4.0
ROUNDS = 2
TIMES_POSTGRAPHILE = 3.0
"""What the project claims at least; and that the floor is not faster."""
BUSY_LOOPS = 4
CROWDED = CONNECTIONS[-1]
"""Connections on the crowded machine."""


@dataclass(frozen=True, slots=True)
class Rival:
    """A server that answers the same question, in `PROCESSES` processes."""

    ports: Sequence[int]
    asks: Sequence[Ask]


async def feed(killmails: int, say: Say) -> Measured:
    """50 killmails of a busy pilot, with everyone on them, names, final blow and values, of 200 pilots in turn."""
    async with served(killmails, say) as on:
        rivals = {KILLREPORT: await _killreport(on), FLOOR: await _floor(on)}
        await _compare(rivals[KILLREPORT], rivals[FLOOR])
        lines = []
        if (other := await postgraphile(on, PROCESSES)) is None:
            lines.append("PostGraphile is left out: Node.js and npm are not on this machine")
        else:
            rivals[POSTGRAPHILE] = Rival(*other)
        best, spent = await _best(on, rivals)
        async with _busy():
            crowded, cost = await _best(on, {name: rivals[name] for name in (KILLREPORT, FLOOR)}, (CROWDED,))
    goals = []
    for connections in CONNECTIONS:
        ours = best[KILLREPORT, connections]
        lines += [_line(name, connections, best[name, connections], ours, spent[name, connections]) for name in rivals]
        for name, times in ((FLOOR, 1.0), (POSTGRAPHILE, TIMES_POSTGRAPHILE)):
            if name in rivals:
                share = ours.per_second / best[name, connections].per_second
                goals.append(at_least(f"requests/s at {connections} connections", share, times, f"times {name}"))
    ours, floor = crowded[KILLREPORT, CROWDED], crowded[FLOOR, CROWDED]
    lines += [
        f"crowded by {BUSY_LOOPS} busy loops, {CROWDED} connections: {name} {one.per_second:.0f} requests/s,"
        f" p50 {one.p50:.0f} ms, {cost[name, CROWDED]:.1f} ms of processor: it got"
        f" {one.per_second * cost[name, CROWDED] / 1000:.2f} of {os.cpu_count()} cores"
        for name, one in ((KILLREPORT, ours), (FLOOR, floor))
    ]
    share = ours.per_second / floor.per_second
    goals.append(at_least(f"the same on a crowded machine, {CROWDED} connections", share, 1.0, f"times {FLOOR}"))
    return Measured(lines, [], goals)


@asynccontextmanager
async def _busy() -> AsyncIterator[None]:
    loops = [await asyncio.create_subprocess_exec(sys.executable, "-c", "while True: pass") for _ in range(BUSY_LOOPS)]
    try:
        yield
    finally:
        for one in loops:
            one.kill()
            await one.wait()


async def _killreport(on: Served) -> Rival:
    asks = [on.graphql(QUERY, viewer, id=str(FIRST_PILOT + viewer)) for viewer in range(VIEWERS)]
    return Rival([on.site.port, *[await on.another() for _ in range(PROCESSES - 1)]], asks)


async def _floor(on: Served) -> Rival:
    bodies = [orjson.dumps({"id": FIRST_PILOT + viewer}).decode() for viewer in range(VIEWERS)]
    return Rival([await on.floor() for _ in range(PROCESSES)], [Ask("/feed", body, {}) for body in bodies])


async def _compare(ours: Rival, theirs: Rival) -> None:
    for position in (0, 1, VIEWERS // 2, VIEWERS - 1):
        told = await answer(ours.ports[0], ours.asks[position])
        floor = await answer(theirs.ports[0], theirs.asks[position])
        if told.get("data") != floor["data"]:
            said = str(told.get("errors", "no errors"))
            raise OperationFailed(f"KillReport and the floor answer differently and cannot be compared: {said}")


async def _best(
    on: Served, rivals: Mapping[str, Rival], counts: Sequence[int] = CONNECTIONS
) -> tuple[dict[tuple[str, int], Load], dict[tuple[str, int], float]]:
    """The best of some rounds, the rivals in turn, so that a slow minute meets all of them.

    And the least processor time per request (milliseconds), Postgres' with it.
    """
    best: dict[tuple[str, int], Load] = {}
    spent: dict[tuple[str, int], float] = {}
    for rival in rivals.values():
        await loaded(rival.ports, rival.asks, 4, 2.0)
    for _ in range(ROUNDS):
        for connections in counts:
            for name, rival in rivals.items():
                one, cost = await on.costed(name, rival.ports, rival.asks, connections, SECONDS)
                key = (name, connections)
                spent[key] = min(cost, spent.get(key, cost))
                if key not in best or one.per_second > best[key].per_second:
                    best[key] = one
    return best, spent


def _line(name: str, connections: int, one: Load, ours: Load, spent: float) -> str:
    size = one.bytes / one.answers / 1000
    return (
        f"{name:<12} {connections:>3} connections: {one.per_second:7.0f} requests/s, p50 {one.p50:6.1f} ms,"
        f" p95 {one.p95:6.1f} ms, {size:4.0f} kB, {spent:5.1f} ms of processor;"
        f" KillReport is {ours.per_second / one.per_second:.2f} times as fast"
    )
