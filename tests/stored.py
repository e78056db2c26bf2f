"""What is in the database, and what ought to be, in the tests' own words."""

from __future__ import annotations

import asyncio

import asyncpg

from sandbox.eve.server import SandboxEve


async def count(pool: asyncpg.Pool, what: str) -> int:
    """How many rows `FROM what` has."""
    return int(await pool.fetchval(f"SELECT count(*) FROM {what}"))  # noqa: S608 - the tests' own words


async def stored(pool: asyncpg.Pool) -> set[int]:
    """The ids of all stored killmails."""
    return {row["killmail_id"] for row in await pool.fetch("SELECT killmail_id FROM killmails")}


async def on_zkillboard(eve: SandboxEve, character_id: int) -> set[int]:
    """Every killmail the character is on and that is old enough.

    In a thread: to draw them all takes a second, in which a site of the same process would take Postgres for silent.
    """
    return await asyncio.to_thread(_on_zkillboard, eve, character_id)


def _on_zkillboard(eve: SandboxEve, character_id: int) -> set[int]:
    youngest, written = eve.world.clock.now() - 300, str(character_id).encode()
    found = set()
    for killmail in eve.world.killmails:
        if killmail.time <= youngest and written in killmail.body():
            body = killmail.parsed()
            if any(one.get("character_id") == character_id for one in (body["victim"], *body["attackers"])):
                found.add(killmail.killmail_id)
    return found


async def publish(pool: asyncpg.Pool, corporation_id: int, *, published: bool, audience: str = "members") -> None:
    """A board is open, or its directors' alone, as if one of them had said so."""
    await pool.execute(
        "UPDATE corporations_followed SET published = $2, audience = $3 WHERE corporation_id = $1",
        corporation_id,
        published,
        audience,
    )
