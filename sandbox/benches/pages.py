"""The pages of the site against the same data over GraphQL: what drawing them costs.

The query asks for what the page shows of killmails; a page has more around it: how the syncs stand, days' totals, the
killmail's battle and neighbours. The same 50 pilots' pages are asked for again and again, so rows of the list, and what
a killmail's page tells of it, are known ([decision 49](decisions/0049-what-reads-alike-is-made-once.md)). Server time
is processor time per request, Postgres' with it. The weight is what goes over the wire, compressed as a browser asks
for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import cycle

from api.site.feed_page import PAGE_SIZE
from sandbox.benches.load import Ask, Load
from sandbox.benches.measured import Measured, Say, at_most
from sandbox.benches.served import KILLREPORT, Served, answer, loaded, served
from sandbox.benches.war_sql import FIRST_PILOT, VIEWERS

CONNECTIONS = 4
SECONDS = 4.0
MOST_TIMES, MOST_KB = 2.0, 60.0
ASKED = min(50, VIEWERS)
"""Pilots whose pages are asked for in turn."""
ENCODINGS = "gzip, deflate, br, zstd"
"""As browsers send it."""
_WHO = "character { id name } corporation { id name ticker } alliance { id name ticker } faction { id name }"
_PARTY = f"{_WHO} ship {{ id name group {{ name category {{ id }} }} }}"
_ATTACKER = f"{_WHO} ship {{ id name }} weapon {{ id name }} damageDone damageShare finalBlow"
_ROW = f"""
id time attackerCount solo npc awox
value {{ total priceDate pricedKinds itemKinds }}
solarSystem {{ id name security wormholeClass region {{ id name }} }}
victim {{ {_PARTY} }}
finalBlow {{ {_PARTY} }}
"""
FEED = (
    f"query Feed($id: ID!) {{ killmails(first: {PAGE_SIZE}, filter: {{characterId: $id}}) {{ nodes {{ {_ROW} }} }} }}"
)
_ITEM = """
type { id name group { category { id } } } flag slot quantityDestroyed quantityDropped singleton value
"""
KILLMAIL = f"""
query Killmail($id: ID!) {{
  killmail(id: $id) {{
    id time solo npc awox attackerCount eft relatedKillmail {{ id time ship {{ id name }} }}
    slots {{ high mid low rig subsystem service }}
    value {{ total destroyed dropped fitted ship priceDate pricedKinds itemKinds }}
    solarSystem {{ id name security wormholeClass constellation {{ name }} region {{ name }} }}
    victim {{ damageTaken {_PARTY} }}
    finalBlow {{ {_ATTACKER} }} topDamage {{ {_ATTACKER} }} attackers {{ {_ATTACKER} }}
    items {{ {_ITEM} items {{ {_ITEM} }} }}
  }}
}}
"""
PILOT = f"""
query Pilot($id: ID!, $since: DateTime) {{
  character(id: $id) {{
    id name
    killmails(first: 20) {{ nodes {{ {_ROW} }} }}
    statistics(since: $since, top: 8) {{
      kills losses iskDestroyed iskLost efficiency soloKills soloShare
      daily {{ day kills losses iskDestroyed iskLost }} activity {{ weekday hour kills losses }}
      topShips {{ ship {{ id name }} killmails isk }} topShipsDestroyed {{ ship {{ id name }} killmails isk }}
      topSystems {{ solarSystem {{ id name }} killmails isk }} topVictims {{ character {{ id name }} killmails isk }}
      topPilots {{ character {{ id name }} killmails isk }}
    }}
  }}
}}
"""


async def pages(killmails: int, say: Say) -> Measured:
    """The feed, a killmail and a pilot, of many pilots in turn; times are the server's and the way there."""
    async with served(killmails, say) as on:
        ids = [FIRST_PILOT + viewer for viewer in range(ASKED)]
        newest = [await _newest(on, viewer, pilot) for viewer, pilot in enumerate(ids)]
        since = (datetime.now(UTC) - timedelta(days=89)).strftime("%Y-%m-%dT00:00:00Z")
        pairs = {
            "feed": ([f"/?character={one}" for one in ids], [_ask(on, FEED, n, one) for n, one in enumerate(ids)]),
            "killmail": (
                [f"/killmails/{one}" for one in newest],
                [_ask(on, KILLMAIL, n, one) for n, one in enumerate(newest)],
            ),
            "pilot": (
                [f"/characters/{one}" for one in ids],
                [on.graphql(PILOT, n, id=str(one), since=since) for n, one in enumerate(ids)],
            ),
        }
        lines, goals = [], []
        for name, (addresses, asks) in pairs.items():
            browsers = [{**on.as_viewer(n), "Accept-Encoding": ENCODINGS} for n in range(len(addresses))]
            drawn, page_ms = await _measure(on, [Ask(*one) for one in zip(addresses, cycle([""]), browsers)])
            told, query_ms = await _measure(on, asks)
            weight = drawn.bytes / drawn.answers / 1000
            lines.append(
                f"{name:<9} page: p95 {drawn.p95:6.1f} ms, {page_ms:5.1f} ms of processor, {weight:3.0f} kB; the same"
                f" data over GraphQL: p95 {told.p95:6.1f} ms, {query_ms:5.1f} ms of processor; the page takes"
                f" {drawn.p95 / told.p95:.2f} times as long"
            )
            goals.append(at_most(f"server time of the {name} page", page_ms / query_ms, MOST_TIMES, "times GraphQL's"))
            goals.append(at_most(f"weight of the {name} page", weight, MOST_KB, "kB"))
    return Measured(lines, [], goals)


def _ask(on: Served, query: str, viewer: int, entity_id: int) -> Ask:
    return on.graphql(query, viewer, id=str(entity_id))


async def _newest(on: Served, viewer: int, pilot: int) -> int:
    query = "query Newest($id: ID!) { killmails(first: 1, filter: {characterId: $id}) { nodes { id } } }"
    told = await answer(on.site.port, on.graphql(query, viewer, id=str(pilot)))
    return int(told["data"]["killmails"]["nodes"][0]["id"])


async def _measure(on: Served, asks: Sequence[Ask]) -> tuple[Load, float]:
    await loaded(on.site.port, asks, 1, 1.0)
    return await on.costed(KILLREPORT, on.site.port, asks, CONNECTIONS, SECONDS)
