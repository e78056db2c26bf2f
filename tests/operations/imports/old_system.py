"""A database as the system before this one kept it, made of what is known of its schema, with odd rows among the good.

The tables stand here with the columns that we read and some that we do not; ids are 4-byte integers there.
"""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

USERS = """
CREATE TABLE users (
    id serial PRIMARY KEY, character_id integer UNIQUE, character_name text, character_owner_hash text,
    access_token text, refresh_token text, expires_at timestamp, last_killmail_sync_at timestamp,
    last_killmail_id integer, last_corp_killmail_sync_at timestamp, last_corp_killmail_id integer,
    corporation_id integer, created_at timestamp DEFAULT '2025-01-01 12:00')
"""
KILLMAILS = """
CREATE TABLE killmails (
    killmail_id integer PRIMARY KEY, killmail_hash text, killmail_time timestamp, solar_system_id integer,
    total_value double precision, destroyed_value double precision, dropped_value double precision,
    attacker_count integer, created_at timestamp DEFAULT now());
CREATE TABLE victims (
    killmail_id integer PRIMARY KEY, character_id integer, corporation_id integer, alliance_id integer,
    faction_id integer, ship_type_id integer, damage_taken integer, position_x double precision,
    position_y double precision, position_z double precision);
CREATE TABLE attackers (
    id serial PRIMARY KEY, killmail_id integer, character_id integer, corporation_id integer, alliance_id integer,
    faction_id integer, ship_type_id integer, weapon_type_id integer, damage_done integer, final_blow boolean,
    security_status double precision);
CREATE TABLE killmail_items (
    id serial PRIMARY KEY, killmail_id integer, item_type_id integer, flag integer, quantity_dropped integer,
    quantity_destroyed integer, singleton integer);
CREATE TABLE sessions (sid text PRIMARY KEY, sess json, expire timestamp)
"""
OLDER = """
ALTER TABLE victims DROP COLUMN faction_id; ALTER TABLE attackers DROP COLUMN faction_id;
ALTER TABLE killmails DROP COLUMN total_value, DROP COLUMN destroyed_value, DROP COLUMN dropped_value;
DROP TABLE killmail_items
"""
PASSWORD = "a-secret-of-the-old-system"


@asynccontextmanager
async def old_system(postgres_url: str) -> AsyncIterator[tuple[asyncpg.Connection, str]]:
    """Its owner's connection, and a URL of somebody who may only read."""
    server, name = postgres_url.rpartition("/")[0], f"old_{secrets.token_hex(6)}"
    postgres = await asyncpg.connect(f"{server}/postgres")
    await postgres.execute(f'CREATE DATABASE "{name}"')
    await postgres.execute(f"CREATE ROLE {name} LOGIN PASSWORD '{PASSWORD}'")
    owner: asyncpg.Connection = await asyncpg.connect(f"{server}/{name}")
    try:
        await owner.execute(f"{USERS};{KILLMAILS}")
        await owner.execute(f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {name}")
        yield owner, f"postgresql://{name}:{PASSWORD}@{server.rpartition('@')[2]}/{name}"
    finally:
        await owner.close()
        await postgres.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
        await postgres.execute(f"DROP ROLE {name}")
        await postgres.close()


async def add_users(owner: asyncpg.Connection, *users: tuple[int | None, str | None, str | None, str | None]) -> None:
    """Character id, name, owner hash, refresh token."""
    await owner.executemany(
        "INSERT INTO users (character_id, character_name, character_owner_hash, refresh_token, access_token)"
        " VALUES ($1, $2, $3, $4, 'an old access token')",
        users,
    )


async def add_killmail(
    owner: asyncpg.Connection, killmail_id: int, killmail_hash: str | None, body: dict[str, Any] | None = None
) -> None:
    """As the old system took it apart; without `body` only its row in `killmails`."""
    parts = body or {"killmail_time": "2025-06-01T18:30:00Z", "solar_system_id": 30000142}
    await owner.execute(
        "INSERT INTO killmails (killmail_id, killmail_hash, killmail_time, solar_system_id)"
        " VALUES ($1, $2, $3::text::timestamptz AT TIME ZONE 'UTC', $4)",
        *(killmail_id, killmail_hash, parts["killmail_time"], parts["solar_system_id"]),
    )
    if body is None:
        return
    victim = body["victim"]
    place = victim.get("position", {})
    await _insert(
        owner, "victims", {"killmail_id": killmail_id, **victim} | {f"position_{x}": y for x, y in place.items()}
    )
    for attacker in body["attackers"]:
        await _insert(owner, "attackers", {"killmail_id": killmail_id, **attacker})
    for item in _flat(victim.get("items", ())):
        await _insert(owner, "killmail_items", {"killmail_id": killmail_id, **item})


def _flat(items: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    return [one for item in items for one in (item, *_flat(item.get("items", ())))]


async def _insert(owner: asyncpg.Connection, table: str, row: dict[str, Any]) -> None:
    here = await owner.fetch("SELECT attname FROM pg_attribute WHERE attrelid = to_regclass($1)", table)
    columns = {column["attname"] for column in here}
    if not columns:
        return
    kept = {name: value for name, value in row.items() if name in columns}
    places = ", ".join(f"${place}" for place in range(1, len(kept) + 1))
    await owner.execute(f"INSERT INTO {table} ({', '.join(kept)}) VALUES ({places})", *kept.values())  # noqa: S608
