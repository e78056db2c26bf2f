"""The history of market prices: one snapshot a day, of which only what changed is stored.

The price of a type on the day of a snapshot is in its latest row up to that day. Snapshots are therefore
stored in the order of their days, and a day that is past is never rewritten.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

import asyncpg

from db.values.price_sql import PAID, PriceNote
from db.values.rules import FREE_HULLS

PriceRow = tuple[int, Decimal | None, Decimal | None]
"""Type id, average price, adjusted price; in ISK."""


@dataclass(frozen=True, slots=True)
class LatestSnapshot:
    """The newest snapshot. `etag` asks ESI whether its list has changed since; "" when there is none to ask by."""

    day: date
    etag: str
    listed: int


class SnapshotOutOfOrder(Exception):
    """There is a snapshot of this day or a later one."""


@dataclass(frozen=True, slots=True)
class Price:
    """What one of a kind cost in ISK, on which day, and what is to be said of it. None: it has no price."""

    isk: Decimal | None = None
    day: date | None = None
    note: PriceNote | None = None


NO_PRICE = Price()


@dataclass(slots=True)
class KillmailPrices:
    """For one of each kind on a killmail, as its value counts it: its ship, and its items by type."""

    ship: Price = NO_PRICE
    items: dict[int, Price] = field(default_factory=dict)


# Types of the list whose prices differ from their latest row, and types that have left the list.
_CHANGES = """
WITH listed AS (
    SELECT type_id, average_price, adjusted_price
    FROM unnest($2::bigint[], $3::numeric[], $4::numeric[]) AS listed(type_id, average_price, adjusted_price)
),
known AS (
    SELECT DISTINCT ON (type_id) type_id, average_price, adjusted_price
    FROM market_prices
    ORDER BY type_id, day DESC
)
INSERT INTO market_prices (type_id, day, average_price, adjusted_price)
SELECT type_id, $1::date, listed.average_price, listed.adjusted_price
FROM listed
FULL JOIN known USING (type_id)
WHERE
    (listed.average_price, listed.adjusted_price)
    IS DISTINCT FROM (known.average_price, known.adjusted_price)
ORDER BY type_id
"""

# As `db.values.appraisal` has it: at the prices of the day at which the killmail is valued.
_OF_KILLMAILS = f"""
WITH chosen AS MATERIALIZED (
    SELECT killmail_id, price_date FROM killmails WHERE killmail_id = ANY($1::bigint[]) AND price_date IS NOT NULL
),
kind AS MATERIALIZED (
    SELECT killmail_id, price_date, ship_type_id AS type_id, true AS is_ship
    FROM chosen JOIN participants USING (killmail_id)
    WHERE ordinal = 0
    UNION
    SELECT killmail_id, price_date, type_id::bigint, false
    FROM chosen
    JOIN killmail_bodies USING (killmail_id)
    CROSS JOIN LATERAL jsonb_path_query(body, 'lax $.victim.items.**.item_type_id') AS type_id
),
price AS MATERIALIZED (
    SELECT asked.day AS price_date, asked.type_id, paid.isk, paid.day, paid.note
    FROM (SELECT DISTINCT price_date AS day, type_id FROM kind) AS asked
    {PAID}
)
SELECT killmail_id, type_id, is_ship, isk, day, note FROM kind JOIN price USING (price_date, type_id)
"""  # noqa: S608 - made of constants


async def prices_of_killmails(
    connection: asyncpg.pool.PoolConnectionProxy, killmail_ids: Collection[int]
) -> dict[int, KillmailPrices]:
    """What each of these killmails was valued with; those without a value are left out. One statement."""
    prices: dict[int, KillmailPrices] = {}
    for row in await connection.fetch(_OF_KILLMAILS, list(killmail_ids)):
        of_one = prices.setdefault(row["killmail_id"], KillmailPrices())
        price = Price(row["isk"], row["day"], PriceNote(row["note"]) if row["note"] else None)
        if not row["is_ship"]:
            of_one.items[row["type_id"]] = price
        elif row["type_id"] in FREE_HULLS:
            of_one.ship = Price(Decimal(0), note=PriceNote.FREE_HULL)
        else:
            of_one.ship = price
    return prices


async def latest_snapshot(pool: asyncpg.Pool) -> LatestSnapshot | None:
    row = await pool.fetchrow("SELECT day, etag, listed FROM price_snapshots ORDER BY day DESC LIMIT 1")
    return None if row is None else LatestSnapshot(row["day"], row["etag"], row["listed"])


async def store_snapshot(pool: asyncpg.Pool, day: date, etag: str, prices: Sequence[PriceRow]) -> int:
    """Store the list as it was on `day` (UTC); how many prices differ from the snapshot before.

    Raises:
        SnapshotOutOfOrder: another process was faster, or `day` is past.
    """
    async with pool.acquire() as connection, connection.transaction():
        await _open_day(connection, day, etag, len(prices))
        columns = [[price[column] for price in prices] for column in range(3)]
        done = await connection.execute(_CHANGES, day, *columns)
        changed = int(done.rpartition(" ")[2])
        await connection.execute("UPDATE price_snapshots SET changed = $2 WHERE day = $1", day, changed)
    return changed


async def repeat_snapshot(pool: asyncpg.Pool, day: date) -> None:
    """ESI's list is still the one of the latest snapshot: on `day` it holds too. No price is written.

    Raises:
        SnapshotOutOfOrder: as `store_snapshot`.
        LookupError: there is no snapshot to repeat.
    """
    latest = await latest_snapshot(pool)
    if latest is None:
        raise LookupError("There is no snapshot of prices to repeat.")
    async with pool.acquire() as connection, connection.transaction():
        await _open_day(connection, day, latest.etag, latest.listed)


async def _open_day(connection: asyncpg.pool.PoolConnectionProxy, day: date, etag: str, listed: int) -> None:
    # Only one snapshot is stored at a time: what changed is decided by what is there.
    await connection.execute("LOCK TABLE price_snapshots IN SHARE ROW EXCLUSIVE MODE")
    done = await connection.execute(
        "INSERT INTO price_snapshots (day, etag, listed, changed) SELECT $1::date, $2, $3, 0"
        " WHERE NOT EXISTS (SELECT FROM price_snapshots WHERE day >= $1)",
        day,
        etag,
        listed,
    )
    if done != "INSERT 0 1":
        raise SnapshotOutOfOrder(f"There is a snapshot of {day} or of a later day.")
