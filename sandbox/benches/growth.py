"""What the same reads cost with ten times, and a hundred times, as many killmails."""

from __future__ import annotations

from sandbox.benches.feed import ATTACKERS, KILLMAIL
from sandbox.benches.load import Ask
from sandbox.benches.measured import Goal, Measured, Say, at_most
from sandbox.benches.plans import EXPECTED, walked
from sandbox.benches.served import KILLREPORT, Served, served
from sandbox.benches.war_copies import DRAWN_AT_MOST
from sandbox.benches.war_sql import BUSIEST_PILOT, FIRST_KILLMAIL, FIRST_SYSTEM, crowded

SIZES = (10_000, 100_000, 1_000_000)
SECONDS = 2.0
ROUNDS = 3
MOST_TIMES = 1.2
MOST_BYTES = 4_950
"""Of a killmail with its indexes, on the disk: 4,906 were measured with decision 58, 6,108 before."""
LIGHT = "nodes { id time victim { character { name } ship { name } } value { total } } pageInfo { endCursor }"
FILTERED = f"query Feed($filter: KillmailFilter) {{ killmails(first: 20, filter: $filter) {{ {LIGHT} }} }}"
BY_VALUE = f"query Worth {{ killmails(first: 20, orderBy: VALUE) {{ {LIGHT} }} }}"
ONE = f"query One($id: ID!) {{ killmail(id: $id) {{ {KILLMAIL} {ATTACKERS} }} }}"

# With what lies in TOAST.
_BYTES = """
SELECT relname AS name, pg_table_size(oid) AS rows, pg_indexes_size(oid) AS indexes
FROM pg_class
WHERE relname IN ('killmails', 'killmail_bodies', 'participants', 'killmail_sums', 'unfolded_sums')
ORDER BY pg_total_relation_size(oid) DESC
"""


async def growth(killmails: int, say: Say) -> Measured:
    """Processor time of a read, for each size up to `killmails`; a plan that reads a whole table breaks the claim.

    Bytes are those of the largest war that has all its sums (up to two million killmails).
    """
    sizes = [size for size in SIZES if size < killmails] + [killmails]
    found: dict[str, dict[int, float]] = {}
    broken, lines, goals = [], list[str](), list[Goal]()
    for size in sizes:
        async with served(size, say) as on:
            async with on.pool.acquire() as connection:
                if (indexes := await walked(connection, crowded(size))) != EXPECTED:
                    broken.append(f"among {size:,} killmails the feed walks {indexes}")
            if size <= DRAWN_AT_MOST:
                lines, together = await _sizes_of_tables(on)
                goals = [at_most(f"on the disk, among {size:,}", together, MOST_BYTES, "bytes a killmail")]
            for name, asks in (await _reads(on)).items():
                found.setdefault(name, {})[size] = min(
                    [(await on.costed(KILLREPORT, on.site.port, asks, 1, SECONDS))[1] for _ in range(ROUNDS)]
                )
    for name, times in found.items():
        first = times[sizes[0]]
        told = "; ".join(f"{size:,}: {times[size]:.2f} ms ({times[size] / first:.2f})" for size in sizes)
        lines.append(f"{name}: {told}")
        if len(sizes) > 1:
            what = f"{name}, among {sizes[-1]:,} against {sizes[-2]:,}"
            goals.append(at_most(what, times[sizes[-1]] / times[sizes[-2]], MOST_TIMES, "times the processor time"))
    return Measured(lines, broken, goals)


async def _sizes_of_tables(on: Served) -> tuple[list[str], float]:
    """What a killmail takes on the disk, by table; all of it together, in bytes."""
    rows = await on.pool.fetch(_BYTES)
    lines = [
        f"{row['name']}: {row['rows'] / on.war.killmails:,.0f} bytes a killmail, its indexes"
        f" {row['indexes'] / on.war.killmails:,.0f}"
        for row in rows
    ]
    together = sum(row["rows"] + row["indexes"] for row in rows) / on.war.killmails
    return [*lines, f"these together: {together:,.0f} bytes a killmail, among {on.war.killmails:,}"], together


async def _reads(on: Served) -> dict[str, list[Ask]]:
    seen = await on.pool.fetch(
        "SELECT killmail_id FROM participants WHERE character_id = $1 AND killmail_id < $2"
        " ORDER BY killmail_time DESC LIMIT 50",
        BUSIEST_PILOT,
        FIRST_KILLMAIL + on.war.killmails * 98 // 100,
    )
    return {
        "newest of the busiest pilot": [on.graphql(FILTERED, filter={"characterId": str(BUSIEST_PILOT)})],
        "their losses": [on.graphql(FILTERED, filter={"characterId": str(BUSIEST_PILOT), "side": "VICTIM"})],
        "in one system": [on.graphql(FILTERED, filter={"solarSystemId": str(FIRST_SYSTEM + 9)})],
        "most valuable": [on.graphql(BY_VALUE)],
        "one killmail": [on.graphql(ONE, id=str(row["killmail_id"])) for row in seen],
    }
