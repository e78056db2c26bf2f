"""What is in the database, and what ought to be, in the tests' own words."""

from __future__ import annotations

import asyncpg

from sandbox.eve.server import SandboxEve


async def count(pool: asyncpg.Pool, what: str) -> int:
    """How many rows `FROM what` has."""
    return int(await pool.fetchval(f"SELECT count(*) FROM {what}"))  # noqa: S608 - the tests' own words


async def stored(pool: asyncpg.Pool) -> set[int]:
    """The ids of all stored killmails."""
    return {row["killmail_id"] for row in await pool.fetch("SELECT killmail_id FROM killmails")}


def on_zkillboard(eve: SandboxEve, character_id: int) -> set[int]:
    """Every killmail the character is on and that is old enough."""
    youngest = eve.world.clock.now() - 300
    return {
        killmail.killmail_id
        for killmail in eve.world.killmails
        if killmail.time <= youngest
        and any(
            one.get("character_id") == character_id
            for one in (killmail.parsed()["victim"], *killmail.parsed()["attackers"])
        )
    }


async def publish(pool: asyncpg.Pool, corporation_id: int, *, published: bool, audience: str = "members") -> None:
    """A board is open, or its directors' alone, as if one of them had said so."""
    await pool.execute(
        "UPDATE corporations_followed SET published = $2, audience = $3 WHERE corporation_id = $1",
        corporation_id,
        published,
        audience,
    )
