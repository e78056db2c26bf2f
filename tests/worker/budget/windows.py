"""How long a bucket's window is in these tests, and what a pilot still lacks."""

from __future__ import annotations

import asyncpg

from sandbox.eve.server import SandboxEve

BODY = "/killmails/{killmail_id}/{killmail_hash}"
WINDOW_SECONDS = 5


async def missing(pool: asyncpg.Pool, eve: SandboxEve, character_id: int) -> set[int]:
    """What ESI lists to the pilot and is not here."""
    stored = {row["killmail_id"] for row in await pool.fetch("SELECT killmail_id FROM killmails")}
    return set(eve.listed_killmail_ids(character_id)) - stored
