"""The feed query against its floor, and against PostGraphile 5 on the same database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import orjson

from operations.failure import OperationFailed
from sandbox.benches.load import Ask, Load
from sandbox.benches.measured import Measured, Say
from sandbox.benches.postgraphile_rival import postgraphile
from sandbox.benches.processor_time import processor_seconds
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
    broken = []
    for connections in CONNECTIONS:
        ours = best[KILLREPORT, connections]
        lines += [_line(name, connections, best[name, connections], ours, spent[name, connections]) for name in rivals]
        for name, times in ((FLOOR, 1.0), (POSTGRAPHILE, TIMES_POSTGRAPHILE)):
            if name in rivals and ours.per_second < times * best[name, connections].per_second:
                broken.append(f"at {connections} connections it is not {times:.0f} times as fast as {name}")
    return Measured(lines, broken)


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
    on: Served, rivals: Mapping[str, Rival]
) -> tuple[dict[tuple[str, int], Load], dict[tuple[str, int], float]]:
    """The best of some rounds, the rivals in turn, so that a slow minute meets all of them.

    And the least processor time per request (milliseconds), Postgres' with it.
    """
    best: dict[tuple[str, int], Load] = {}
    spent: dict[tuple[str, int], float] = {}
    for rival in rivals.values():
        await loaded(rival.ports, rival.asks, 4, 2.0)
    for _ in range(ROUNDS):
        for connections in CONNECTIONS:
            for name, rival in rivals.items():
                processes = [*on.processes[name], on.war.process]
                before = processor_seconds(processes)
                one = await loaded(rival.ports, rival.asks, connections, SECONDS)
                key = (name, connections)
                cost = 1000 * (processor_seconds(processes) - before) / one.answers
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
